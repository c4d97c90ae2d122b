package wave

import (
	"maps"
	"slices"

	"github.com/waveprior/waveprior/cuda"
)

// spots are struct Spots of batch.h: points by the nodes that they act on.
type spots struct {
	index, weight         cuda.Buffer
	lines, nodes, entries int32
}

// putSpots makes them: groups are the points that act together, by their numbers in list.
func (p *Plan[T]) putSpots(name string, groups [][]int, list [][]Node) (spots, error) {
	rows, wide := int(p.shape.Rows), int(p.shape.Wide)
	type entry struct {
		point  int32
		weight T
	}
	var s spots
	rank := make([]int32, len(groups)*rows)
	var lines, start, points []int32
	var weights []T
	for g, group := range groups {
		at := map[int]map[int][]entry{} // by row, by column
		for _, k := range group {
			for _, n := range list[k] {
				j, i := n.IZ+p.config.Top, n.IX+p.config.Left
				if at[j] == nil {
					at[j] = map[int][]entry{}
				}
				at[j][i] = append(at[j][i], entry{int32(k), T(n.Weight)})
			}
		}
		for j := range rows {
			rank[g*rows+j] = -1
			if at[j] == nil {
				continue
			}
			rank[g*rows+j] = s.lines
			s.lines++
			line := slices.Repeat([]int32{-1}, wide)
			for _, i := range slices.Sorted(maps.Keys(at[j])) {
				line[i] = s.nodes
				s.nodes++
				start = append(start, int32(len(points)))
				for _, e := range at[j][i] {
					points, weights = append(points, e.point), append(weights, e.weight)
				}
			}
			lines = append(lines, line...)
		}
	}
	s.entries = int32(len(points))
	var err error
	if s.index, err = p.put(name+" index", bytesOf(slices.Concat(rank, lines, append(start, s.entries), points))); err != nil {
		return s, err
	}
	s.weight, err = p.put(name+" weight", bytesOf(weights))
	return s, err
}

// putRecord makes struct Record of batch.h.
func (p *Plan[T]) putRecord(list [][]Node) (spots, error) {
	var s spots
	start, places := []int32{0}, []int32{}
	var weights []T
	for _, nodes := range list {
		for _, n := range nodes {
			places = append(places, int32((n.IZ+p.config.Top)*p.shape.stride()+n.IX+p.config.Left))
			weights = append(weights, T(n.Weight))
		}
		start = append(start, int32(len(places)))
	}
	s.entries = int32(len(places))
	var err error
	if s.index, err = p.put("record index", bytesOf(slices.Concat(start, places))); err != nil {
		return s, err
	}
	s.weight, err = p.put("record weight", bytesOf(weights))
	return s, err
}
