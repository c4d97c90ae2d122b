package helmholtz

// #include "helm.h"
import "C"

import "unsafe"

type frontTable = C.helm_front

// Tree is a Plan as plain tables, for engines that keep factors elsewhere (package multifrontal): nodes, shapes, boxes and
// fronts as plan.go lays them out, without that layout. Whoever has one may keep it; nothing in it may be written.
type Tree struct {
	NZ, NX int
	Rows   []int32 // number of each node in the order of elimination
	Shapes []Shape
	Boxes  []Box
	Fronts []Front // children first; none where one box is the whole grid
}

// Coefficient is a place in planes of (NZ+2) x (NX+2) numbers with a margin of one node: plane 0 is the diagonal, 1 Right,
// 2 Down, 3 DownRight, 4 DownLeft of a Matrix.
type Coefficient struct{ Plane, At int32 }

// Shape is the program that eliminates a box of one shape: its pivots, one node each, and what is left on its ring. Slots
// are pivots, then entries of L below the diagonal by columns, then the lower triangle of the ring's update by columns.
type Shape struct {
	Pivots, Ring int
	Start        []int32    // Pivots+1: entries of each column
	Rows         []int32    // local row of each entry, rising in a column; ring nodes count on from Pivots
	Targets      []int32    // for a column's entries a <= b in order: the slot from which L_b U_a is taken
	Gather       []Gathered // what the slots begin with
}

// Gathered is a coefficient, its place counted from the box's Base, and the slot that it goes to.
type Gathered struct {
	Coefficient
	Slot int32
}

// Box is a leaf: rows First to First+Pivots-1 of its shape.
type Box struct {
	Shape, First int
	Base         int     // place of its first node in a plane
	Ring         []int32 // row of each ring node, -1 outside the grid
}

// Front is a separator: rows First to First+Pivots-1, and the rows of its boundary, rising. Local rows count the pivots,
// then the boundary.
type Front struct {
	First, Pivots int
	Boundary      []int32
	Couplings     []Coupling // of the lower triangle, by columns
	Children      [2]Child
}

// Coupling is a coefficient and its place in a front.
type Coupling struct {
	Coefficient
	Row, Column int32
}

// Child is a box or an earlier front, and for each local row of its parent the place in its ring or boundary, or -1.
type Child struct {
	Box   bool
	Index int
	Place []int32
}

// Tree returns the plan's tables.
func (p *Plan) Tree() *Tree {
	nz, nx, plane := int(p.c.nz), int(p.c.nx), int(p.c.plane)
	t := &Tree{NZ: nz, NX: nx}
	for _, row := range p.order {
		t.Rows = append(t.Rows, int32(row))
	}
	list := func(offset, count int) []int32 {
		return unsafe.Slice((*int32)(unsafe.Pointer(unsafe.SliceData(p.lists))), len(p.lists))[offset:][:count:count]
	}
	for _, c := range p.classes {
		np, ne := int(c.pivots), int(c.entries)
		s := Shape{Pivots: np, Ring: int(c.ring), Start: list(int(c.column_start), np+1), Rows: list(int(c.rows), ne)}
		products := 0
		for k := range np {
			n := int(s.Start[k+1] - s.Start[k])
			products += n * (n + 1) / 2
		}
		s.Targets = list(int(c.targets), products)
		for g := list(int(c.gather), 2*int(c.gather_count)); len(g) > 0; g = g[2:] {
			at := int(g[0]) + plane // relative places may be below 0, by less than a plane
			s.Gather = append(s.Gather, Gathered{Coefficient{int32(at / (2 * plane)), int32(at%(2*plane) - plane)}, g[1]})
		}
		t.Shapes = append(t.Shapes, s)
	}
	for _, b := range p.boxes {
		box := Box{Shape: int(b.shape), First: int(b.first), Base: int(b.base)}
		for _, row := range list(int(b.ring), t.Shapes[box.Shape].Ring) {
			if int(row) == nz*nx {
				row = -1
			}
			box.Ring = append(box.Ring, row)
		}
		t.Boxes = append(t.Boxes, box)
	}
	for _, f := range p.fronts {
		t.Fronts = append(t.Fronts, p.tables(f, list))
	}
	return t
}

func (p *Plan) tables(f frontTable, list func(offset, count int) []int32) Front {
	np, nb, plane := int(f.p), int(f.b), int(p.c.plane)
	pr := padded(np)
	rows := pr + padded(nb)
	local := func(position int32) int32 { // the rows of plan.go's fronts have a gap behind the pivots
		if int(position) < pr {
			return position
		}
		return position - int32(pr-np)
	}
	out := Front{First: int(f.first), Pivots: np, Boundary: list(int(f.boundary), nb)}
	for a := list(int(f.assembly), 2*int(f.assembly_count)); len(a) > 0; a = a[2:] {
		at, to := int(a[0]), int(a[1])
		out.Couplings = append(out.Couplings, Coupling{
			Coefficient{int32(at / (2 * plane)), int32(at % (2 * plane))}, local(int32(to % (2 * rows))), int32(to / (2 * rows)),
		})
	}
	for k, c := range f.child {
		child := Child{Box: c.box == 1, Index: int(c.index), Place: make([]int32, np+nb)}
		for i := range child.Place {
			child.Place[i] = -1
		}
		for r := list(int(c.runs), 3*int(c.run_count)); len(r) > 0; r = r[3:] {
			for i := range r[2] {
				child.Place[local(r[1])+i] = r[0] + i
			}
		}
		out.Children[k] = child
	}
	return out
}
