package wave

import "github.com/waveprior/waveprior/cuda/march"

// layered is how many nodes sum both axes by themselves.
func layered(g *march.Grid) int {
	rows, cols := int(g.Rows), int(g.Cols)
	return rows*cols - max(0, int(g.Below-g.Above))*max(0, min(int(g.To), cols)-int(g.From))
}

// stepCosts is what one step of one unit asks for and does: numbers read and written, operations.
func stepCosts(g *march.Grid, back bool) (numbers, operations int) {
	c, r := g.Census(), int(g.Halo)
	if g.Earlier == 1 {
		if back {
			return 27 * c.All, 35 * c.All
		}
		return 13 * c.All, 19 * c.All
	}
	numbers = (4*r+4)*c.All + 2*c.Near + 4*c.Half + 3*c.Before + 4*c.In
	operations = (5*r+5)*c.All + (r+2)*layered(g) + 4*c.Half + 4*c.Before + 2*c.Near
	if back {
		numbers += 3*c.All + 2*layered(g) + c.In
		operations += 2 * c.All
	}
	return numbers, operations + 4*c.In
}

// common is what both directions of time have: fields, memory variables, courant numbers, profile; spots and the grid's numbers.
func common(l *march.Launch, back bool) march.Costs {
	g, size, units, steps := l.Grid, l.Size, l.Units(), l.Last-l.First
	c, axes := g.Census(), g.Axes()
	twice := min(steps, 2) // arrays that come twice, in turn
	fields, halo, profile := c.All, 2*int(g.Halo)*int(g.Rows+g.Cols), 2*(axes[0].Variables+axes[1].Variables)*2
	if g.Earlier == 1 {
		halo, profile = 0, c.All
	}
	read := twice * (fields + halo)
	if steps == 1 {
		read += fields
	}
	written := twice * fields
	if g.Earlier == 0 {
		read += twice*c.Half + min(steps, 1)*c.In
		written += twice*c.Half + min(steps, 1)*c.In
		if back {
			read += twice * c.In
			written += twice * c.In
		}
	} else if back {
		read += fields
		written += fields
	}
	numbers, operations := stepCosts(g, back)
	out := march.Costs{
		Read:    size*(units*read+min(steps, 1)*(l.Touched()*c.All+profile)) + march.GridBytes,
		Written: size * units * written,
		Asked:   size*units*steps*numbers + 4*units*steps*c.All + march.GridBytes*l.Blocks*units, Operations: units * steps * operations,
	}
	if g.Earlier == 1 {
		out.Asked += l.Threads() * size
	}
	return out
}

func forwardCosts(l *march.Launch) march.Costs {
	g, size, units, steps, all := l.Grid, l.Size, l.Units(), l.Last-l.First, l.Grid.Census().All
	out, earlier := common(l, false), int(g.Earlier)
	kept := size * l.Shots * (steps + earlier) * all // of distinct bytes
	switch {
	case l.Tangent && earlier == 0:
		out.Asked += units*steps*all*2*size - 4*units*steps*all
		out.Operations += 2 * units * steps * all
	case l.Tangent:
		out.Asked += units*steps*all*11*size + l.Threads()*size
		out.Operations += 17 * units * steps * all
	}
	if l.Tangent && steps > 0 {
		out.Read += size*l.Touched()*l.Many*all + kept
	} else if l.Keep && steps > 0 {
		out.Written += kept
		out.Asked += kept + earlier*size*units*(steps+1)*all
	}
	if l.Record {
		rows := steps
		if l.Blocks > 1 {
			rows = min(l.First, 1)
		}
		out.Rows(l, rows)
	}
	return out
}

func backCosts(l *march.Launch) march.Costs {
	size, units, steps, all, earlier := l.Size, l.Units(), l.Last-l.First, l.Grid.Census().All, int(l.Grid.Earlier)
	out := common(l, true)
	out.Read += size * (l.Shots*(steps+earlier)*all + units*all)
	out.Written += size * units * all
	out.Injected(l, steps, 4)
	if earlier == 1 {
		out.Asked += 4 * units * steps * all // where sources are looked for, too
	}
	return out
}

// dampingCosts are those of the sponge's last sum: only nodes of the strips count, but for the innermost of each, where the
// profile is 0.
func (p *Plan[T]) dampingCosts(l *march.Launch) march.Costs {
	c, size, units, all := &p.config, l.Size, l.Units(), l.Grid.Census().All
	rows, inner := int(l.Grid.Rows), func(strip int) int { return max(0, strip-1) }
	strips := rows*(inner(c.Left)+inner(c.Right)) + c.NX*(inner(c.Top)+inner(c.Bottom))
	const sum = 10 // operations of a thread in the block's sum
	return march.Costs{
		Read: size*(units*strips+l.Touched()*strips+all) + march.GridBytes, Written: 8 * units,
		Asked: units * (size*(all+2*strips) + march.GridBytes + 8), Operations: units * (3*strips + sum*march.BlockThreads),
	}
}
