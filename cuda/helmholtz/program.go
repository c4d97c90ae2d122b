package helmholtz

// A program eliminates the nodes of a box of one shape, node by node, in exactly the places where L is not zero. Slots
// number what it works on: pivots (the diagonal), then entries (of L below the diagonal, by columns), then the lower
// triangle of the ring's update matrix by columns.
type program struct {
	pivots, ring int
	start        []int32 // pivots+1: entries of each column
	rows         []int32 // local row of each entry; ring nodes count on from pivots
	targets      []int32 // for a column's entries a <= b in order: slot from which L_b U_a is taken
	gather       []gathered
}

// gathered is a coefficient of the matrix and the slot where it belongs.
type gathered struct {
	plane int
	at    node // relative to the box's first node
	slot  int
}

// compile writes the program of boxes of h by w nodes.
func compile(h, w int, nine bool) *program {
	r := rect{0, h, 0, w}
	nodes := interior(r)
	p := &program{pivots: len(nodes)}
	nodes = append(nodes, ring(r, nine)...)
	p.ring = len(nodes) - p.pivots
	local := make(map[node]int, len(nodes))
	for i, n := range nodes {
		local[n] = i
	}
	linked := make([][]bool, len(nodes)) // the graph of what is left
	for i := range linked {
		linked[i] = make([]bool, len(nodes))
	}
	for i := range p.pivots {
		for _, l := range links(nine) {
			j := local[node{nodes[i].z + l.other.z, nodes[i].x + l.other.x}]
			linked[i][j], linked[j][i] = true, true
		}
	}
	entry := make(map[[2]int]int) // slot of (row, column)
	for k := range p.pivots {
		entry[[2]int{k, k}] = k
		p.start = append(p.start, int32(len(p.rows)))
		for i := k + 1; i < len(nodes); i++ {
			if !linked[k][i] {
				continue
			}
			entry[[2]int{i, k}] = p.pivots + len(p.rows)
			p.rows = append(p.rows, int32(i))
			for j := k + 1; j < i; j++ {
				if linked[k][j] {
					linked[i][j], linked[j][i] = true, true
				}
			}
		}
	}
	p.start = append(p.start, int32(len(p.rows)))
	update := p.pivots + len(p.rows)
	for j := range p.ring {
		for i := j; i < p.ring; i++ {
			entry[[2]int{p.pivots + i, p.pivots + j}] = update
			update++
		}
	}
	for k := range p.pivots {
		column := p.rows[p.start[k]:p.start[k+1]]
		for a, j := range column {
			for _, i := range column[a:] {
				p.targets = append(p.targets, int32(entry[[2]int{int(i), int(j)}]))
			}
		}
	}
	for i := range p.pivots {
		n := nodes[i]
		p.gather = append(p.gather, gathered{0, n, i})
		for _, l := range links(nine) {
			j := local[node{n.z + l.other.z, n.x + l.other.x}]
			if j > i {
				p.gather = append(p.gather, gathered{l.plane, node{n.z + l.at.z, n.x + l.at.x}, entry[[2]int{j, i}]})
			}
		}
	}
	return p
}
