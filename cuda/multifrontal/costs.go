package multifrontal

import "github.com/waveprior/waveprior/cuda"

// cost is what a launch of a kernel of the tree does: bytes, each read or written once, `fixed` once a launch (tables) and the
// others for each system; asked, what threads ask for by the tiling, tables included; operations, fused multiply-adds as two. It
// goes with the launch as its last five arguments, which no kernel reads: what fronts there are stands in tables on the
// device, and a formula of the other arguments could not know. Test: the counts of the emulated device are held to it.
type cost struct{ fixed, read, written, asked, operations int }

func (c cost) args() []cuda.Arg {
	return []cuda.Arg{cuda.Int(c.fixed), cuda.Int(c.read), cuda.Int(c.written), cuda.Int(c.asked), cuda.Int(c.operations)}
}

const (
	threads = tile * tile // of a block at a front, and of one at a box in a solve
	word    = 4           // bytes of a number in tables
)

// tiles calls f with the first pivot and the width of each tile of p pivots.
func tiles(p int, f func(k0, w int)) {
	for k := 0; k < p; k += tile {
		f(k, min(tile, p-k))
	}
}

// blocks calls f with the size of each block of n rows.
func blocks(n int, f func(rows int)) {
	for i := 0; i < n; i += block {
		f(min(block, n-i))
	}
}

// squares is the sum of the squares of the tiles' widths.
func squares(p int) int {
	sum := 0
	tiles(p, func(_, w int) { sum += w * w })
	return sum
}

// gather is the bytes of an extend-add of n entries, of which the children have `held`: places, then offset and number.
func gather(n, held, c int) int { return n*2*3*word + held*(word+c) }

// heldPivots, heldPanel and heldUpdate are the numbers that the children have in F11, F21 and F22.
func (f *frontSizes) heldPivots() (n int) {
	for _, h := range f.held {
		n += h[0] * (h[0] + 1) / 2
	}
	return n
}

func (f *frontSizes) heldPanel() int { return f.held[0][0]*f.held[0][1] + f.held[1][0]*f.held[1][1] }

func (f *frontSizes) heldUpdate() (n int) {
	for _, h := range f.held {
		n += h[1] * (h[1] + 1) / 2
	}
	return n
}

// tables is the bytes of a front's record, places and boundary.
func (f *frontSizes) tables() int { return word * (frontSize + 3*(f.pivots+f.boundary)) }

// boxesCost is that of helm_boxes: all threads read where columns begin and compute the pivot's reciprocal.
func (t *tables) boxesCost(c int) (k cost) {
	const blockThreads = 128
	seen := map[shapeSize]bool{}
	for _, s := range t.shapes {
		out := s.pivots + s.entries + s.ring*(s.ring+1)/2
		program := word * (s.products + 3*s.gathered)
		if !seen[s] {
			k.fixed += program + word*2*s.pivots
			seen[s] = true
		}
		k.fixed += word * boxSize
		k.read += s.gathered * c
		k.written += out*c + word
		k.asked += program + (out+s.gathered)*c + word*(s.gathered+blockThreads*(13+4*s.pivots))
		k.operations += 8*s.products + 6*s.entries + 2*blockThreads*s.pivots
	}
	return k
}

// sum is the bytes and operations of L U^T over k0 pivots for a block of rows (of q rows a thread) by w columns.
func sum(k0, rows, w, q, c int) (asked, operations int) {
	return k0 * (rows + w) * c, k0 * threads * q * 8
}

// assemble is what reading the coefficients of w columns asks for, beside the numbers themselves.
func assemble(w int) int { return word * (2*threads + 2*tile*w) }

func (l *level) pivotsCost(c int) (k cost) {
	for i := range l.sizes {
		f := &l.sizes[i]
		p := f.pivots
		k.fixed += f.tables() + word*(p+3*f.coefficients)
		k.read += (p*p - squares(p) + f.heldPivots() + f.coefficients) * c
		k.written += p*p*c + word
		k.asked += gather(p*(p+1)/2, f.heldPivots(), c) + p*p*c + threads*word*8
		tiles(p, func(k0, w int) {
			asked, operations := sum(k0, w, w, 1, c)
			k.asked += asked + assemble(w) + 5*w*(word*4+c)
			k.operations += operations + threads*(w*w+3*w) + 12*w*w*w
			blocks(p-k0-w, func(rows int) {
				asked, operations := sum(k0, rows, w, block/tile, c)
				k.asked += asked + assemble(w) + threads*word*4 + 5*w*word
				k.operations += operations + 8*rows*w*w
			})
		})
	}
	return k
}

func (l *level) panelsCost(c int) (k cost) {
	for i := range l.sizes {
		f := &l.sizes[i]
		p, b := f.pivots, f.boundary
		if b == 0 {
			continue
		}
		last := (p-1)%tile + 1
		k.fixed += f.tables() + word*(p+3*f.coefficients)
		k.read += ((p*p+squares(p))/2 + b*(p-last) + f.heldPanel()) * c
		k.written += 2 * p * b * c
		k.asked += gather(p*b, f.heldPanel(), c) + 2*p*b*c
		blocks(b, func(rows int) {
			k.asked += threads * word * 6
			tiles(p, func(k0, w int) {
				asked, operations := sum(k0, rows, w, block/tile, c)
				k.asked += asked + w*w*c + assemble(w) + threads*word*4 + 5*w*(word*2+c)
				k.operations += operations + 8*rows*w*w
			})
		})
	}
	return k
}

func (l *level) updatesCost(c int) (k cost) {
	for i := range l.sizes {
		f := &l.sizes[i]
		p, b := f.pivots, f.boundary
		k.fixed += f.tables()
		k.read += (2*p*b + f.heldUpdate()) * c
		k.written += b * (b + 1) / 2 * c
		k.asked += gather(b*(b+1)/2, f.heldUpdate(), c) + b*(b+1)/2*c
		for i := 0; i < b; i += block {
			for j := 0; j <= i; j += block {
				k.asked += (min(block, b-i)+min(block, b-j))*p*c + threads*word*8
				k.operations += cuda.Blocks(p, tile) * tile * block * block * 8
			}
		}
	}
	return k
}

// sides calls f with the number of right-hand sides of each group of 16.
func sides(count int, f func(m int)) { tiles(count, func(_, m int) { f(m) }) }

// boxCost is that of helm_box_forward and helm_box_backward; rows of vectors or x on the ring.
func (t *tables) boxCost(c, count, begin int, ringRead, ringWritten bool) (k cost) {
	seen := map[shapeSize]bool{}
	for _, s := range t.shapes {
		if !seen[s] {
			k.fixed += word * (3*s.entries + 4*s.pivots + s.ring)
			seen[s] = true
		}
		k.fixed += word * boxSize
		k.read += (s.entries + s.pivots*count) * c
		k.written += s.pivots * count * c
		if !ringWritten {
			k.fixed += word * s.ring
		}
		sides(count, func(m int) {
			k.asked += (tile*s.entries+2*s.pivots*m)*c + word*(threads*(begin+2*s.pivots)+tile*(2*s.entries+2*s.ring))
			k.operations += 8 * tile * s.entries
			if ringWritten {
				k.asked += (s.ring + s.pivots) * m * c
				k.operations += 6 * s.pivots * m
			}
			if ringRead {
				k.asked += s.ring*m*c + 2*word*tile*s.pivots
			}
		})
		if ringWritten {
			k.written += s.ring * count * c
			k.read += s.pivots * c
		}
		if ringRead {
			k.read += s.ring * count * c / 2 // neighbours share rings
		}
	}
	return k
}

func (t *tables) boxForwardCost(c, count int) cost  { return t.boxCost(c, count, 12, false, true) }
func (t *tables) boxBackwardCost(c, count int) cost { return t.boxCost(c, count, 12, true, false) }

// vectors is the bytes of gathering n rows of vectors for m right-hand sides, of which the children have `held` rows.
func vectors(n, held, m, c int) int { return n*m*2*2*word + held*m*(word+c) }

func (l *level) forwardPivotsCost(c, count int) (k cost) {
	for i := range l.sizes {
		f := &l.sizes[i]
		p, held := f.pivots, f.held[0][0]+f.held[1][0]
		k.fixed += f.tables() - 2*word*p
		k.read += ((p*p-squares(p))/2 + (p+held)*count) * c
		k.written += p * count * c
		sides(count, func(m int) {
			k.asked += vectors(p, held, m, c) + 2*p*m*c + threads*word*4
			tiles(p, func(k0, w int) {
				k.asked += k0 * (w + m) * c
				k.operations += k0 * threads * 8
			})
		})
	}
	return k
}

func (l *level) forwardBoundaryCost(c, count int) (k cost) {
	for i := range l.sizes {
		f := &l.sizes[i]
		p, b, held := f.pivots, f.boundary, f.held[0][1]+f.held[1][1]
		if b == 0 {
			continue
		}
		k.fixed += f.tables() - word*b
		k.read += (p*b + (p+held)*count) * c
		k.written += b * count * c
		sides(count, func(m int) {
			k.asked += vectors(b, held, m, c) + b*m*c
			blocks(b, func(rows int) {
				k.asked += p*(rows+m)*c + threads*word*7
				k.operations += cuda.Blocks(p, tile) * tile * threads * block / tile * 8
			})
		})
	}
	return k
}

func (l *level) backwardBoundaryCost(c, count int) (k cost) {
	for i := range l.sizes {
		f := &l.sizes[i]
		p, b := f.pivots, f.boundary
		k.fixed += word * (frontSize + b)
		k.read += (p*b + squares(p) + (p+b)*count) * c
		k.written += p * count * c
		sides(count, func(m int) {
			blocks(p, func(rows int) {
				k.asked += b*(rows+m)*c + word*b*m + threads*word*7 + 2*rows*m*c
				k.operations += cuda.Blocks(b, tile)*tile*threads*block/tile*8 + block/tile*threads*tile*8
			})
			k.asked += squares(p) * c
		})
	}
	return k
}

func (l *level) backwardPivotsCost(c, count int) (k cost) {
	for i := range l.sizes {
		p := l.sizes[i].pivots
		last := (p-1)%tile + 1
		k.fixed += word * 4
		if p > tile {
			k.read += ((p*p-squares(p))/2 + p*count) * c
			k.written += (p - last) * count * c
		}
		sides(count, func(m int) {
			k.asked += threads * word * 4
			tiles(p, func(k0, w int) {
				if n := p - k0 - w; n > 0 {
					k.asked += n*(w+m)*c + 2*w*m*c
					k.operations += cuda.Blocks(n, tile) * tile * threads * 8
				}
			})
		})
	}
	return k
}
