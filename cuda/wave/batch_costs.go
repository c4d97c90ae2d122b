package wave

import (
	"unsafe"

	"github.com/waveprior/waveprior/cuda"
)

// costs are what a launch of a march moves and does, which its scalar arguments alone do not say: bytes of global memory, each
// once, bytes that threads ask for, and operations. They are its last four arguments; no kernel reads them, and the counts of
// the emulated device are held to them (internal/roofline).
type costs struct{ read, written, asked, operations int }

func (c costs) args() []cuda.Arg {
	return []cuda.Arg{cuda.Int(c.read), cuda.Int(c.written), cuda.Int(c.asked), cuda.Int(c.operations)}
}

// census counts the nodes of a grid: all; those where both axes are summed by themselves; and, over both axes, those near a
// layer, with a memory variable of their own at a half point, with one before, and inside a layer.
type census struct{ all, layered, near, half, before, in int }

func (b *batch) census() census {
	g := &b.grid
	rows, cols := int(g.Rows), int(g.Cols)
	c := census{all: rows * cols}
	c.layered = c.all - max(0, int(g.Below-g.Above))*max(0, min(int(g.To), cols)-int(g.From))
	for k, a := range b.axes {
		n, other := [2]int{rows, cols}[k], [2]int{cols, rows}[k]
		half := func(i int) bool { return i >= 0 && (i < a.before || i >= a.after) }
		for i := range n {
			if half(i) || half(i-1) {
				c.near += other
			}
			if half(i) {
				c.half += other
			}
			if half(i - 1) {
				c.before += other
			}
			if i < a.before || i > a.after {
				c.in += other
			}
		}
	}
	return c
}

// step is what one step of one unit asks for and does: numbers read and written, operations.
func (b *batch) step(back bool) (numbers, operations int) {
	c, r := b.census(), int(b.grid.Halo)
	if b.earlier == 1 {
		if back {
			return 27 * c.all, 35 * c.all
		}
		return 13 * c.all, 19 * c.all
	}
	numbers = (4*r+4)*c.all + 2*c.near + 4*c.half + 3*c.before + 4*c.in
	operations = (5*r+5)*c.all + (r+2)*c.layered + 4*c.half + 4*c.before + 2*c.near
	if back {
		numbers += 3*c.all + 2*c.layered + c.in
		operations += 2 * c.all
	}
	return numbers, operations + 4*c.in
}

// touched is how many models the portion's shots are of.
func (s *portion[T]) touched() int {
	shots := int(s.b.grid.Shots)
	return (s.shot+s.shots-1)/shots - s.shot/shots + 1
}

// common is what both directions of time have: fields, memory variables, courant numbers, profile; spots and the grid's numbers.
func (s *portion[T]) common(units, steps, blocks int, back bool) costs {
	b, size := s.b, cuda.SizeOf[T]()
	c, g := b.census(), &b.grid
	twice := min(steps, 2) // arrays that come twice, in turn
	fields, halo, profile := c.all, 2*int(g.Halo)*int(g.Rows+g.Cols), 2*(b.axes[0].variables+b.axes[1].variables)*2
	if b.earlier == 1 {
		halo, profile = 0, c.all
	}
	read := twice * (fields + halo)
	if steps == 1 {
		read += fields
	}
	written := twice * fields
	if b.earlier == 0 {
		read += twice*c.half + min(steps, 1)*c.in
		written += twice*c.half + min(steps, 1)*c.in
		if back {
			read += twice * c.in
			written += twice * c.in
		}
	} else if back {
		read += fields
		written += fields
	}
	numbers, operations := b.step(back)
	const once = int(unsafe.Sizeof(grid{}))
	threads := marchColumns * marchRows * blocks * units
	out := costs{
		read:    size*(units*read+min(steps, 1)*(s.touched()*c.all+profile)) + once,
		written: size * units * written,
		asked:   size*units*steps*numbers + 4*units*steps*c.all + once*blocks*units, operations: units * steps * operations,
	}
	if b.earlier == 1 {
		out.asked += threads * size
	}
	return out
}

func (s *portion[T]) forwardCosts(many, first, last, blocks int, tangent, keep, record bool) costs {
	b, size := s.b, cuda.SizeOf[T]()
	g, all, steps, units := &b.grid, b.census().all, last-first, s.shots*many
	out := s.common(units, steps, blocks, false)
	kept := size * s.shots * (steps + b.earlier) * all // of distinct bytes
	switch {
	case tangent && b.earlier == 0:
		out.asked += units*steps*all*2*size - 4*units*steps*all
		out.operations += 2 * units * steps * all
	case tangent:
		out.asked += units*steps*all*11*size + marchColumns*marchRows*blocks*units*size
		out.operations += 17 * units * steps * all
	}
	if tangent && steps > 0 {
		out.read += size*s.touched()*many*all + kept
	} else if keep && steps > 0 {
		out.written += kept
		out.asked += kept + b.earlier*size*units*(steps+1)*all
	}
	if record {
		rows := steps
		if blocks > 1 {
			rows = min(first, 1)
		}
		entries, receivers := int(g.Recorded), int(g.Receivers)
		out.read += 4*(receivers+1+entries) + size*entries
		if steps == 0 { // the nodes that receivers see are not read but for them
			out.read += size * units * rows * entries
		}
		out.written += size * units * rows * receivers
		out.asked += units * rows * (receivers*(8+size) + entries*(4+2*size))
		out.operations += units * rows * 2 * entries
	}
	return out
}

func (s *portion[T]) backCosts(first, last, blocks int) costs {
	b, size := s.b, cuda.SizeOf[T]()
	g, all, steps, units := &b.grid, b.census().all, last-first, s.shots*s.many
	out := s.common(units, steps, blocks, true)
	out.read += size * (s.shots*(steps+b.earlier)*all + units*all)
	out.written += size * units * all
	data := units * steps * int(g.Receivers)
	if s.cotangent.IsNil() {
		out.read += 2 * size * data
		out.asked += 8 * marchColumns * marchRows * blocks * units
	} else {
		out.read += size * data
	}
	lines := int(g.ReceiverLines) * int(g.Cols) // of which nodes are looked at
	out.asked += units * steps * (4*lines + int(g.ReceiverEntries)*(8+4+4*size))
	out.operations += 4 * units * steps * int(g.ReceiverEntries)
	if b.earlier == 1 {
		out.asked += 4 * units * steps * all // where sources are looked for, too
	}
	return out
}

// dampingCosts are those of the sponge's last sum: only nodes of the strips count, but for the innermost of each, where the
// profile is 0.
func (s *portion[T]) dampingCosts() costs {
	c, size, units, all := &s.p.config, cuda.SizeOf[T](), s.shots*s.many, s.b.census().all
	rows, inner := int(s.b.grid.Rows), func(strip int) int { return max(0, strip-1) }
	strips := rows*(inner(c.Left)+inner(c.Right)) + c.NX*(inner(c.Top)+inner(c.Bottom))
	const once = int(unsafe.Sizeof(grid{}))
	const threads, sum = marchColumns * marchRows, 10 // operations of a thread in the block's sum
	return costs{
		read: size*(units*strips+s.touched()*strips+all) + once, written: 8 * units,
		asked: units * (size*(all+2*strips) + once + 8), operations: units * (3*strips + sum*threads),
	}
}
