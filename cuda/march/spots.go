package march

import (
	"maps"
	"slices"

	"github.com/waveprior/waveprior/cuda"
)

// Spot is a point that acts on node (Row, Col) of the padded grid with a weight: of a group of points that act together, and the
// number that the scheme's kernels know it by.
type Spot struct {
	Group, Row, Col, Point int
	Weight                 float64
}

// Place is a number of a state that a channel sees, with its weight.
type Place struct {
	At     int
	Weight float64
}

// spots are struct Spots of grid.h: points by the nodes that they act on; or struct Record.
type spots struct {
	index, weight                 cuda.Buffer
	groups, lines, nodes, entries int32
}

// putSpots makes struct Spots, for rows of wide numbers.
func putSpots[T cuda.Float](r *cuda.Rooms, name string, rows, wide, groups int, list []Spot) (spots, error) {
	s := spots{groups: int32(groups), entries: int32(len(list))}
	rank := slices.Repeat([]int32{-1}, groups*rows)
	at := make([]map[int][]Spot, groups*rows) // of every row, by column
	for _, p := range list {
		line := &at[p.Group*rows+p.Row]
		if *line == nil {
			*line = map[int][]Spot{}
		}
		(*line)[p.Col] = append((*line)[p.Col], p)
	}
	var lines, start, points []int32
	var weights []T
	for k, columns := range at {
		if columns == nil {
			continue
		}
		rank[k] = s.lines
		s.lines++
		line := slices.Repeat([]int32{-1}, wide)
		for _, i := range slices.Sorted(maps.Keys(columns)) {
			line[i] = s.nodes
			s.nodes++
			start = append(start, int32(len(points)))
			for _, p := range columns[i] {
				points, weights = append(points, int32(p.Point)), append(weights, T(p.Weight))
			}
		}
		lines = append(lines, line...)
	}
	var err error
	if s.index, err = r.Put(name+" index", cuda.BytesOf(slices.Concat(rank, lines, append(start, s.entries), points))); err != nil {
		return s, err
	}
	s.weight, err = r.Put(name+" weight", cuda.BytesOf(weights))
	return s, err
}

// putRecord makes struct Record: the places of every channel.
func putRecord[T cuda.Float](r *cuda.Rooms, channels [][]Place) (spots, error) {
	var s spots
	start, places := []int32{0}, []int32{}
	var weights []T
	for _, list := range channels {
		for _, p := range list {
			places, weights = append(places, int32(p.At)), append(weights, T(p.Weight))
		}
		start = append(start, int32(len(places)))
	}
	s.entries = int32(len(places))
	var err error
	if s.index, err = r.Put("record index", cuda.BytesOf(slices.Concat(start, places))); err != nil {
		return s, err
	}
	s.weight, err = r.Put("record weight", cuda.BytesOf(weights))
	return s, err
}
