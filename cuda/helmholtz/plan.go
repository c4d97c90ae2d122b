package helmholtz

// #include "helm.h"
import "C"

import (
	"fmt"
	"sort"
)

// Stencil says which neighbours a matrix couples.
type Stencil int

// FivePoint couples the four nearest neighbours, NinePoint the four diagonal ones too.
const (
	FivePoint Stencil = iota
	NinePoint
)

const (
	maxSide  = 1 << 13
	maxNodes = 1 << 24
	boxArea  = 100 // nodes of a leaf, at most
)

// A Plan is the analysis of an (nz, nx) grid: the tree of its dissection, and where everything lies in a factor. It
// never changes and may be used by any number of goroutines.
type Plan struct {
	c       C.helm_plan
	fronts  []C.helm_front
	classes []C.helm_class
	boxes   []C.helm_box
	lists   []C.int32_t

	flops float64
	order []int // row of x of each node
}

// NewPlan analyses a grid of nz by nx nodes with the given stencil. A plan for nine points takes five-point matrices
// too.
func NewPlan(nz, nx int, stencil Stencil) (*Plan, error) {
	return newPlan(nz, nx, stencil, boxArea)
}

func newPlan(nz, nx int, stencil Stencil, area int) (*Plan, error) {
	if nz < 1 || nx < 1 || nz > maxSide || nx > maxSide || nz*nx > maxNodes {
		return nil, fmt.Errorf("helmholtz: a grid of %d x %d nodes, allowed are 1 to %d a side and %d together",
			nz, nx, maxSide, maxNodes)
	}
	if stencil != FivePoint && stencil != NinePoint {
		return nil, fmt.Errorf("helmholtz: stencil %d, allowed are FivePoint and NinePoint", int(stencil))
	}
	a := &analysis{Plan: &Plan{}, nz: nz, nx: nx, nine: stencil == NinePoint}
	a.c.nz, a.c.nx, a.c.nodes = C.int32_t(nz), C.int32_t(nx), C.int32_t(nz*nx)
	if a.nine {
		a.c.nine = 1
	}
	a.c.plane = C.int64_t(padded((nz + 2) * (nx + 2)))
	root := dissect(rect{0, nz, 0, nx}, area)
	a.number(root)
	a.classify()
	root.walk(func(b *branch) {
		if !b.leaf() {
			a.front(b)
		}
	})
	a.finish()
	return a.Plan, nil
}

// analysis is a Plan in the making.
type analysis struct {
	*Plan
	nz, nx   int
	nine     bool
	leaves   []*branch
	branches []*branch // fronts, in the order of elimination
	owner    []int32
	ringLen  []int // of each box
	top      int64 // of the stack of update matrices
}

func (a *analysis) inside(n node) bool { return n.z >= 0 && n.x >= 0 && n.z < a.nz && n.x < a.nx }

// coefficient returns the index of a node's coefficient in padded planes, real parts; imaginary ones follow a plane on.
func (a *analysis) coefficient(plane int, n node) int {
	return 2*plane*int(a.c.plane) + (n.z+1)*(a.nx+2) + n.x + 1
}

func (a *analysis) list(values ...int) { // appends to lists
	for _, v := range values {
		a.lists = append(a.lists, C.int32_t(v))
	}
}

func (a *analysis) here() C.int32_t { return C.int32_t(len(a.lists)) }

// number gives every node its row, and every branch its index: boxes sorted by shape, fronts children first.
func (a *analysis) number(root *branch) {
	a.order = make([]int, a.nz*a.nx)
	a.owner = make([]int32, a.nz*a.nx)
	row := 0
	firstRow := make(map[*branch]int)
	root.walk(func(b *branch) {
		firstRow[b] = row
		var nodes []node
		if b.leaf() {
			a.leaves = append(a.leaves, b)
			nodes = interior(b.rect)
		} else {
			b.index = len(a.branches)
			a.branches = append(a.branches, b)
			nodes = b.separator.nodes()
		}
		for _, n := range nodes {
			a.order[n.z*a.nx+n.x] = row
			row++
		}
	})
	sort.SliceStable(a.leaves, func(i, j int) bool {
		p, q := a.leaves[i].rect, a.leaves[j].rect
		if p.height() != q.height() {
			return p.height() < q.height()
		}
		return p.width() < q.width()
	})
	for i, b := range a.leaves {
		b.index = i
		a.boxes = append(a.boxes, C.helm_box{
			base: C.int32_t(a.coefficient(0, node{b.rect.z0, b.rect.x0})), first: C.int32_t(firstRow[b]),
		})
		for _, n := range b.rect.nodes() {
			a.owner[n.z*a.nx+n.x] = int32(i)
		}
	}
	for i, b := range a.branches {
		a.fronts = append(a.fronts, C.helm_front{first: C.int32_t(firstRow[b])})
		for _, n := range b.separator.nodes() {
			a.owner[n.z*a.nx+n.x] = int32(len(a.leaves) + i)
		}
	}
}

// classify writes one program per shape of box, and where each box lies.
func (a *analysis) classify() {
	a.ringLen = make([]int, len(a.leaves))
	for i := 0; i < len(a.leaves); {
		h, w := a.leaves[i].rect.height(), a.leaves[i].rect.width()
		p := compile(h, w, a.nine)
		c := C.helm_class{
			pivots: C.int32_t(p.pivots), ring: C.int32_t(p.ring), entries: C.int32_t(len(p.rows)), first_box: C.int32_t(i),
		}
		c.column_start = a.here()
		for _, v := range p.start {
			a.list(int(v))
		}
		c.rows = a.here()
		for _, v := range p.rows {
			a.list(int(v))
		}
		c.targets = a.here()
		for _, v := range p.targets {
			a.list(int(v))
		}
		c.gather, c.gather_count = a.here(), C.int32_t(len(p.gather))
		for _, g := range p.gather {
			a.list(a.coefficient(g.plane, g.at)-a.coefficient(0, node{}), g.slot)
		}
		for ; i < len(a.leaves) && a.leaves[i].rect.height() == h && a.leaves[i].rect.width() == w; i++ {
			b := &a.boxes[i]
			a.ringLen[i] = p.ring
			b.ring, b.shape = a.here(), C.int32_t(len(a.classes))
			for _, n := range ring(a.leaves[i].rect, a.nine) {
				a.list(a.row(n))
			}
			b.factor = a.c.factor_size
			a.c.factor_size += C.int64_t(2 * padded(p.pivots+len(p.rows)))
			b.update = a.c.update_size
			a.c.update_size += C.int64_t(2 * padded(p.ring) * padded(p.ring))
			c.box_count++
			a.flops += 8 * float64(len(p.targets))
		}
		a.c.max_local = max(a.c.max_local, C.int32_t(p.pivots+p.ring))
		slots := C.int64_t(p.pivots + len(p.rows) + p.ring*(p.ring+1)/2)
		a.c.work_size = max(a.c.work_size, 2*tile*slots)
		a.classes = append(a.classes, c)
	}
	a.top = int64(a.c.update_size)
}

// row returns the row of a node, the dummy's for one outside the grid.
func (a *analysis) row(n node) int {
	if !a.inside(n) {
		return a.nz * a.nx
	}
	return a.order[n.z*a.nx+n.x]
}

// front lays out the front of a separator.
func (a *analysis) front(b *branch) {
	f := &a.fronts[b.index]
	p := b.separator.height() * b.separator.width()
	var boundary []int
	for _, n := range ring(b.rect, a.nine) {
		if a.inside(n) {
			boundary = append(boundary, a.row(n))
		}
	}
	sort.Ints(boundary)
	f.p, f.b = C.int32_t(p), C.int32_t(len(boundary))
	first := int(f.first)
	position := func(row int) int { // in the front
		if row >= first && row < first+p {
			return row - first
		}
		k := sort.SearchInts(boundary, row)
		if k == len(boundary) || boundary[k] != row {
			return -1
		}
		return padded(p) + k
	}
	rows := padded(p) + padded(len(boundary))
	f.boundary = a.here()
	a.list(boundary...)

	f.assembly = a.here()
	for column, n := range b.separator.nodes() {
		a.list(a.coefficient(0, n), 2*column*rows+column)
		for _, l := range links(a.nine) {
			other := node{n.z + l.other.z, n.x + l.other.x}
			if a.inside(other) && a.row(other) > first+column {
				a.list(a.coefficient(l.plane, node{n.z + l.at.z, n.x + l.at.x}), 2*column*rows+position(a.row(other)))
			}
		}
	}
	f.assembly_count = (a.here() - f.assembly) / 2

	for k, c := range b.child {
		h := &f.child[k]
		h.index = C.int32_t(c.index)
		var at []C.int32_t // rows of the child's boundary
		if c.leaf() {
			h.box = 1
			r := a.boxes[c.index].ring
			at = a.lists[r : int(r)+a.ringLen[c.index]]
		} else {
			g := a.fronts[c.index]
			at = a.lists[g.boundary : g.boundary+g.b]
			a.top = min(a.top, int64(g.update)) // the front's own update will lie where its children's were
		}
		where := make([]int, len(at))
		for i, row := range at {
			where[i] = position(int(row))
		}
		h.runs = a.here()
		all := runs(where, padded(p))
		for _, r := range all {
			a.list(r.child, r.parent, r.length)
		}
		h.run_count = C.int32_t(len(all))
	}
	f.update = C.int64_t(a.top)
	a.top += int64(2 * padded(len(boundary)) * padded(len(boundary)))
	a.c.update_size = max(a.c.update_size, C.int64_t(a.top))

	f.factor = a.c.factor_size
	tiles := padded(p) / tile
	a.c.factor_size += C.int64_t(2*tile*tile*tiles + tile*tile*tiles*(tiles-1) + 2*p*padded(len(boundary)))
	a.c.work_size = max(a.c.work_size, C.int64_t(2*rows*padded(p)+2*padded(len(boundary))*padded(len(boundary))+2*rows*padded(p)))
	a.c.max_pivots = max(a.c.max_pivots, f.p)
	a.c.max_boundary = max(a.c.max_boundary, f.b)
	fp, fb := float64(p), float64(len(boundary))
	a.flops += 8 * (fp*fp*fp/6 + fp*fp*fb/2 + fp*fb*fb/2)
}

// finish appends the lists of the whole grid.
func (a *analysis) finish() {
	a.c.order = a.here()
	a.list(a.order...)
	a.c.node = a.here()
	nodes := make([]int, len(a.order))
	for node, row := range a.order {
		nodes[row] = node
	}
	a.list(nodes...)
	a.c.owner = a.here()
	for _, o := range a.owner {
		a.list(int(o))
	}
	a.c.front_count, a.c.class_count = C.int32_t(len(a.fronts)), C.int32_t(len(a.classes))
	a.c.box_count = C.int32_t(len(a.boxes))
	planes := C.int64_t(10)
	a.c.work_size += planes * a.c.plane
}

// Grid returns the number of nodes in z and in x.
func (p *Plan) Grid() (nz, nx int) { return int(p.c.nz), int(p.c.nx) }

// Flops returns the real additions and multiplications of one factorisation, as the tree needs them.
func (p *Plan) Flops() float64 { return p.flops }
