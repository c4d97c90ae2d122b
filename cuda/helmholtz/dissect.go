package helmholtz

import "sort"

// tile is the width of a diagonal tile of Delta, and the multiple to which rows of fronts are padded.
const tile = 16

// padded rounds n up to a multiple of tile.
func padded(n int) int { return (n + tile - 1) / tile * tile }

// rect is the box of nodes z0 <= iz < z1, x0 <= ix < x1.
type rect struct{ z0, z1, x0, x1 int }

func (r rect) height() int { return r.z1 - r.z0 }
func (r rect) width() int  { return r.x1 - r.x0 }

// node is a grid point relative to some origin.
type node struct{ z, x int }

// A branch of the dissection: a leaf rectangle, or a separator and the two branches beside it.
type branch struct {
	rect      rect
	separator rect
	child     [2]*branch // nil in a leaf
	index     int        // among the fronts, or among the boxes
}

func (b *branch) leaf() bool { return b.child[0] == nil }

// dissect cuts r by separators one node wide, across its longer side, until at most area nodes are left.
func dissect(r rect, area int) *branch {
	b := &branch{rect: r, separator: r}
	switch h, w := r.height(), r.width(); {
	case h*w <= area || max(h, w) < 3:
		return b
	case w >= h:
		m := (r.x0 + r.x1) / 2
		b.child[0] = dissect(rect{r.z0, r.z1, r.x0, m}, area)
		b.child[1] = dissect(rect{r.z0, r.z1, m + 1, r.x1}, area)
		b.separator.x0, b.separator.x1 = m, m+1
	default:
		m := (r.z0 + r.z1) / 2
		b.child[0] = dissect(rect{r.z0, m, r.x0, r.x1}, area)
		b.child[1] = dissect(rect{m + 1, r.z1, r.x0, r.x1}, area)
		b.separator.z0, b.separator.z1 = m, m+1
	}
	return b
}

// walk calls f for every branch, children first.
func (b *branch) walk(f func(*branch)) {
	if !b.leaf() {
		b.child[0].walk(f)
		b.child[1].walk(f)
	}
	f(b)
}

// ring lists the nodes around r that a stencil couples to its inside, side by side: top, left, right, bottom. Corners
// belong to nine-point stencils only, and to the top and bottom. Nodes outside the grid are not left out.
func ring(r rect, nine bool) []node {
	var out []node
	corner := 0
	if nine {
		corner = 1
	}
	for x := r.x0 - corner; x < r.x1+corner; x++ {
		out = append(out, node{r.z0 - 1, x})
	}
	for z := r.z0; z < r.z1; z++ {
		out = append(out, node{z, r.x0 - 1})
	}
	for z := r.z0; z < r.z1; z++ {
		out = append(out, node{z, r.x1})
	}
	for x := r.x0 - corner; x < r.x1+corner; x++ {
		out = append(out, node{r.z1, x})
	}
	return out
}

// nodes lists the nodes of r, z by z.
func (r rect) nodes() []node {
	var out []node
	for z := r.z0; z < r.z1; z++ {
		for x := r.x0; x < r.x1; x++ {
			out = append(out, node{z, x})
		}
	}
	return out
}

// interior lists the nodes of r in the order of elimination: nested dissection down to single nodes.
func interior(r rect) []node {
	var out []node
	dissect(r, 1).walk(func(b *branch) {
		out = append(out, b.separator.nodes()...)
	})
	return out
}

// link is a coupling of a node: its plane (0 diagonal, 1 right, 2 down, 3 down-right, 4 down-left), the node at which
// the coefficient lies, and the node at the other end, all relative to the node.
type link struct {
	plane     int
	at, other node
}

// links are the couplings of a node to its neighbours.
func links(nine bool) []link {
	l := []link{
		{1, node{0, 0}, node{0, 1}}, {1, node{0, -1}, node{0, -1}},
		{2, node{0, 0}, node{1, 0}}, {2, node{-1, 0}, node{-1, 0}},
	}
	if nine {
		l = append(l, link{3, node{0, 0}, node{1, 1}}, link{3, node{-1, -1}, node{-1, -1}},
			link{4, node{0, 0}, node{1, -1}}, link{4, node{-1, 1}, node{-1, 1}})
	}
	return l
}

// run is a piece of a child's boundary that lies in one piece in its parent's front.
type run struct{ child, parent, length int }

// runs splits a map from child rows to parent rows (-1: a node outside the grid) into runs, sorted by parent row. split
// is the parent row at which a run must not pass over.
func runs(position []int, split int) []run {
	var out []run
	for c, p := range position {
		if p < 0 {
			continue
		}
		if k := len(out) - 1; k >= 0 && out[k].child+out[k].length == c && out[k].parent+out[k].length == p && p != split {
			out[k].length++
			continue
		}
		out = append(out, run{c, p, 1})
	}
	sort.Slice(out, func(i, j int) bool { return out[i].parent < out[j].parent })
	return out
}
