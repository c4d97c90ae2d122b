package multifrontal

import (
	"fmt"
	"math"

	"github.com/waveprior/waveprior/cuda/helmholtz"
)

// The constants of tables.h.
const (
	tile  = 16
	block = 64

	frontSize = 17
	boxSize   = 8
)

// tables are a plan's tables as kernels read them.
type tables struct {
	lists                 []int32
	boxes, boxCount       int // their records
	fronts                []int
	levels                []level // the root's first
	nodes, plane, units   int
	factor, update, panel int // complex numbers of a system
	vectors               int // rows of a system
	slots, longest, local int // of the largest box: slots, entries of a column, pivots and ring
	order                 []int32

	shapes []shapeSize // of each box
	sizes  []frontSizes
}

// shapeSize and frontSizes are what the costs of boxes and fronts are computed from (costs.go).
type shapeSize struct{ pivots, ring, entries, gathered, products int }

type frontSizes struct {
	record, pivots, boundary, coefficients int
	held                                   [2][2]int // of each child: how many pivots and boundary rows it has a part in
}

// level is what the kernels do with the fronts of one depth: offsets of their items, and how many.
type level struct {
	fronts, boundary, updates, pivots items
	sizes                             []frontSizes
}

type items struct{ offset, count int }

func newTables(t *helmholtz.Tree) (*tables, error) {
	b := &tables{nodes: t.NZ * t.NX, plane: (t.NZ + 2) * (t.NX + 2), units: len(t.Boxes) + len(t.Fronts), order: t.Rows}
	shapes := make([]int, len(t.Shapes))
	for i := range t.Shapes {
		offset, err := b.shape(&t.Shapes[i])
		if err != nil {
			return nil, err
		}
		shapes[i] = offset
	}
	// Boxes are all done first: their updates and vectors lie before those of fronts, of which two levels are held at a time.
	records := make([]int32, 0, boxSize*len(t.Boxes))
	for i, box := range t.Boxes {
		s := &t.Shapes[box.Shape]
		ring := b.add(box.Ring...)
		records = append(records, int32(shapes[box.Shape]), int32(box.First), int32(box.Base), int32(b.factor), int32(b.update),
			int32(b.vectors), int32(ring), int32(i))
		b.shapes = append(b.shapes, shapeSize{s.Pivots, s.Ring, len(s.Rows), len(s.Gather), len(s.Targets)})
		b.factor += s.Pivots + len(s.Rows)
		b.update += s.Ring * (s.Ring + 1) / 2
		b.vectors += s.Ring
	}
	b.boxes, b.boxCount = b.add(records...), len(t.Boxes)
	b.place(t)
	if most := math.MaxInt32; len(b.lists) > most || b.factor > most || b.update > most || b.panel > most || b.vectors > most {
		return nil, fmt.Errorf("multifrontal: a grid of %d x %d nodes has factors of %d numbers and tables of %d, at most %d are allowed",
			t.NZ, t.NX, b.factor, len(b.lists), most)
	}
	return b, nil
}

func (b *tables) add(values ...int32) int {
	b.lists = append(b.lists, values...)
	return len(b.lists) - len(values)
}

// shape adds a shape's lists and record.
func (b *tables) shape(s *helmholtz.Shape) (int, error) {
	np, ne, nb := s.Pivots, len(s.Rows), s.Ring
	slots := np + ne + nb*(nb+1)/2
	var gather, split, products, productStart, rowStart, rowEntries []int32
	for _, g := range s.Gather {
		if g.Plane > 2 {
			return 0, fmt.Errorf("multifrontal: a stencil of nine points; allowed is FivePoint")
		}
		gather = append(gather, g.Plane, g.At, g.Slot)
	}
	byRow := make([][]int32, np+nb)
	longest, next := 0, 0
	for k := range np {
		e0, e1 := int(s.Start[k]), int(s.Start[k+1])
		longest = max(longest, e1-e0)
		at := e0
		for at < e1 && int(s.Rows[at]) < np {
			at++
		}
		split = append(split, int32(at))
		productStart = append(productStart, int32(len(products)))
		for i := e0; i < e1; i++ {
			byRow[s.Rows[i]] = append(byRow[s.Rows[i]], int32(i), int32(k))
			for j := i; j < e1; j++ {
				products = append(products, int32(uint32(s.Targets[next])|uint32(i-e0)<<16|uint32(j-e0)<<24))
				next++
			}
		}
	}
	productStart = append(productStart, int32(len(products)))
	if slots > 1<<16 || longest > 1<<8 {
		return 0, fmt.Errorf("multifrontal: a box with %d slots and %d entries in a column; at most 65536 and 256 are allowed", slots, longest)
	}
	for _, r := range byRow {
		rowStart = append(rowStart, int32(len(rowEntries)/2))
		rowEntries = append(rowEntries, r...)
	}
	rowStart = append(rowStart, int32(len(rowEntries)/2))
	b.slots, b.longest, b.local = max(b.slots, slots), max(b.longest, longest), max(b.local, np+nb)
	return b.add(int32(np), int32(nb), int32(ne), int32(b.add(gather...)), int32(len(s.Gather)), int32(b.add(s.Start...)),
		int32(b.add(split...)), int32(b.add(s.Rows...)), int32(b.add(products...)), int32(b.add(productStart...)),
		int32(b.add(rowStart...)), int32(b.add(rowEntries...))), nil
}

// place lays out the fronts, level by level: those of one depth at a time, and updates and vectors of even and odd depths in
// turn, as a front reads those of the depth below it only.
func (b *tables) place(t *helmholtz.Tree) {
	depth := make([]int, len(t.Fronts))
	for i := len(t.Fronts) - 1; i >= 0; i-- { // parents before children
		for _, c := range t.Fronts[i].Children {
			if !c.Box {
				depth[c.Index] = depth[i] + 1
			}
		}
	}
	deepest := -1
	for _, d := range depth {
		deepest = max(deepest, d)
	}
	type sizes struct{ update, vectors int }
	var most [2]sizes
	offsets := make([]sizes, len(t.Fronts)) // within the level
	panels := make([]int, len(t.Fronts))
	for d := range deepest + 1 {
		var s sizes
		panel := 0
		for i := range t.Fronts {
			if depth[i] != d {
				continue
			}
			nb := len(t.Fronts[i].Boundary)
			offsets[i], panels[i] = s, panel
			s.update += nb * (nb + 1) / 2
			s.vectors += nb
			panel += nb * t.Fronts[i].Pivots
		}
		m := &most[d%2]
		m.update, m.vectors = max(m.update, s.update), max(m.vectors, s.vectors)
		b.panel = max(b.panel, panel)
	}
	base := [2]sizes{{b.update, b.vectors}, {b.update + most[0].update, b.vectors + most[0].vectors}}
	b.update += most[0].update + most[1].update
	b.vectors += most[0].vectors + most[1].vectors
	for i := range offsets {
		offsets[i].update += base[depth[i]%2].update
		offsets[i].vectors += base[depth[i]%2].vectors
	}
	for i := range t.Fronts {
		f := &t.Fronts[i]
		np, nb := f.Pivots, len(f.Boundary)
		columns, entries := make([]int32, np+1), make([]int32, 0, 3*len(f.Couplings))
		for _, c := range f.Couplings { // by columns
			columns[c.Column+1]++
			entries = append(entries, c.Plane, c.At, c.Row)
		}
		for k := range np {
			columns[k+1] += columns[k]
		}
		record := []int32{int32(np), int32(nb), int32(f.First), int32(b.add(f.Boundary...)), int32(b.add(columns...)),
			int32(b.add(entries...)), int32(b.factor), int32(offsets[i].update), int32(panels[i]), int32(offsets[i].vectors),
			int32(len(t.Boxes) + i)}
		size := frontSizes{pivots: np, boundary: nb, coefficients: len(f.Couplings)}
		for k, c := range f.Children {
			for row, at := range c.Place {
				if at >= 0 && row < np {
					size.held[k][0]++
				} else if at >= 0 {
					size.held[k][1]++
				}
			}
			place := int32(b.add(c.Place...))
			if c.Box {
				box := b.lists[b.boxes+boxSize*c.Index:]
				record = append(record, box[4], box[5], place)
			} else {
				record = append(record, int32(offsets[c.Index].update), int32(offsets[c.Index].vectors), place)
			}
		}
		b.factor += (np + nb) * np
		size.record = b.add(record...)
		b.fronts, b.sizes = append(b.fronts, size.record), append(b.sizes, size)
	}
	for d := range deepest + 1 {
		var l [4][]int32
		var sizes []frontSizes
		for i := range t.Fronts {
			if depth[i] != d {
				continue
			}
			sizes = append(sizes, b.sizes[i])
			record, np, nb := int32(b.fronts[i]), t.Fronts[i].Pivots, len(t.Fronts[i].Boundary)
			l[0] = append(l[0], record)
			for row := 0; row < nb; row += block {
				l[1] = append(l[1], record, int32(np+row))
				for column := 0; column <= row; column += block {
					l[2] = append(l[2], record, int32(row/block), int32(column/block))
				}
			}
			for k := 0; k < np; k += block {
				l[3] = append(l[3], record, int32(k))
			}
		}
		b.levels = append(b.levels, level{
			items{b.add(l[0]...), len(l[0])}, items{b.add(l[1]...), len(l[1]) / 2},
			items{b.add(l[2]...), len(l[2]) / 3}, items{b.add(l[3]...), len(l[3]) / 2}, sizes,
		})
	}
}
