package elastic

import "github.com/waveprior/waveprior/cuda/march"

// portions are how many phases of a launch are velocities and how many are stresses, and whether there are any.
type portions struct{ v, s, v1, s1 int }

func of(l *march.Launch) portions {
	v, s := (l.Last+1)/2-(l.First+1)/2, l.Last/2-l.First/2
	return portions{v, s, min(v, 1), min(s, 1)}
}

// parts are 2 numbers of every phase of velocities and 3 of stresses; once: of all of them together.
func (p portions) parts() int { return 2*p.v + 3*p.s }
func (p portions) once() int  { return 2*p.v1 + 3*p.s1 }

// common is what both directions of time have: differences and what is added, memory variables, materials, profile. Of every
// variable threads ask for that many numbers.
func common(l *march.Launch, variable int) march.Costs {
	g, size, units, p := l.Grid, l.Size, l.Units(), of(l)
	c, axes, r := g.Census(), g.Axes(), int(g.Halo)
	all, memory := p.v+p.s, c.Half+c.In // of either kind of phase
	fields := 5*c.All*max(p.v1, p.s1) + (p.v1+p.s1)*2*(2*r-1)*int(g.Rows+g.Cols)
	profile := 4 * (axes[0].Variables + axes[1].Variables) * max(p.v1, p.s1)
	return march.Costs{
		Read:       size*(units*(fields+(p.v1+p.s1)*memory)+l.Touched()*p.once()*c.All+profile) + march.GridBytes,
		Written:    size * units * (p.once()*c.All + (p.v1+p.s1)*memory),
		Asked:      size*units*((8*r*all+3*p.parts())*c.All+variable*all*memory) + march.GridBytes*l.Blocks*units,
		Operations: units * (((12*r-2)*p.v+(12*r+3)*p.s)*c.All + 4*all*memory),
	}
}

func forwardCosts(l *march.Launch) march.Costs {
	g, size, units, all, p := l.Grid, l.Size, l.Units(), l.Grid.Census().All, of(l)
	out := common(l, 4)
	kept := size * all * p.parts()
	if g.Kept < parts*g.Rows*g.Wide { // velocities alone
		kept = size * all * 2 * p.v
	}
	if l.Tangent {
		out.Read += size*l.Touched()*l.Many*p.once()*all + l.Shots*kept
		out.Asked += 2 * units * kept
		out.Operations += units * (4*p.v + 10*p.s) * all
	} else {
		// Two fields' sources are looked for at each node, in the shot's own lines twice.
		out.Read += 4 * min(l.Shots, int(g.Shots)) * 2 * (p.v1 + p.s1) * int(g.Rows)
		out.Asked += 4 * units * (p.v + p.s) * (2*all + int(g.SourceLines*g.Cols/g.Shots)/2)
		if l.Keep {
			out.Written += l.Shots * kept
			out.Asked += units * kept
		}
	}
	if l.Record {
		from, to := l.First, l.Last // velocities after which data are recorded
		if l.Blocks > 1 {
			from, to = max(0, l.First-1), l.First
		}
		each := int(g.Each)
		out.Rows(l, (to+1)/2/each-(from+1)/2/each)
	}
	return out
}

// gathers is how many of a launch's phases of the transpose give stresses to the gradient, and of how many steps.
func gathers(l *march.Launch) (phases, steps int) {
	for k := l.First / 2; k < l.Last/2; k++ {
		if k%2 == 0 {
			phases++
			steps += min(2, int(l.Grid.Steps)-k)
		}
	}
	return phases, steps
}

func backCosts(l *march.Launch) march.Costs {
	g, size, units, p := l.Grid, l.Size, l.Units(), of(l)
	c, r := g.Census(), int(g.Halo)
	out := common(l, 5)
	phases, steps := gathers(l)
	passed, cross := (p.v1+p.s1)*(c.Half+c.In), min(phases, 1)*c.In
	grown := (2*p.v1 + 3*min(phases, 1)) * c.All
	kept := 2 * p.v * c.All // of a step's velocities and stresses the same
	if p.v == 0 {
		kept = 2 * steps * c.All
		out.Read += size * units * min(phases, 1) * (c.Half + c.In) // the stresses' t'
	}
	out.Read += size * (units*(passed+cross+grown) + l.Shots*kept)
	out.Written += size * units * (passed + cross + grown)
	if p.s == 0 { // of sxx and szz what lies in layers is not read: t' is
		out.Read -= size * units * p.v1 * c.In
	}
	out.Asked += size * units * ((6*p.v+(8*r+9)*steps)*c.All + steps*(c.Half+5*c.In))
	out.Operations += units * ((4*p.v+(12*r+4)*steps)*c.All + 4*steps*c.In)
	each := int(g.Each)
	rows := ((l.Last+1)/2+each-1)/each - ((l.First+1)/2+each-1)/each
	out.Asked += 4 * units * rows * 2 * c.All
	out.Operations += units * rows * 2 * c.All
	out.Injected(l, rows, 3)
	return out
}
