package march

import (
	"errors"
	"math"

	"github.com/waveprior/waveprior/cuda"
)

// portion is some shots of a call, which run side by side.
type portion[T cuda.Float] struct {
	*Call[T]
	b           *Batch[T]
	g           *Grid
	numbers     cuda.Buffer // the grid on the device
	shot, shots int         // the first one, how many
	segment     int         // steps that are kept at a time

	states, more, checkpoints, kept cuda.Buffer // more: of the directions
}

// Run runs all shots of a call, as many side by side as memory holds. Where the device has less than it is said to have, half as
// many are tried.
func (b *Batch[T]) Run(c *Call[T]) error {
	memory := b.Memory
	if memory == 0 {
		memory = deviceMemory
	}
	all := c.Models * int(b.Grid.Shots)
	for first, least := 0, math.MaxInt; first < all; {
		n, segment := b.fit(c, all-first, memory)
		s := &portion[T]{Call: c, b: b, shot: first, shots: n, segment: segment}
		s.g, s.numbers = b.grid(c)
		if err := s.reserve(); err != nil {
			need := n * b.numbers(c, segment) * cuda.SizeOf[T]()
			if need >= least || !errors.Is(err, cuda.ErrOutOfMemory) {
				return err
			}
			least, memory = need, need/2
			continue
		}
		if err := s.run(); err != nil {
			return err
		}
		first += n
	}
	return nil
}

func (s *portion[T]) reserve() error {
	g, size := s.g, cuda.SizeOf[T]()
	steps := s.segments() - 1
	var err error
	room := func(to *cuda.Buffer, name string, numbers int) {
		if err == nil && numbers > 0 {
			*to, err = s.b.rooms.Room(name, s.shots*numbers*size)
		}
	}
	room(&s.states, "states", int(g.Forward))
	if s.Linear {
		room(&s.kept, "kept", (s.segment+int(g.Earlier))*int(g.Kept))
	}
	switch {
	case s.Gradient:
		room(&s.more, "states of directions", s.Many*int(g.Back))
		room(&s.checkpoints, "checkpoints", steps*int(g.Forward))
	case s.Linear:
		room(&s.more, "states of directions", s.Many*int(g.Forward))
	}
	return err
}

// segments is their number; segment k begins at step from(k). The first one takes what is left over: the last one is not done
// again.
func (s *portion[T]) segments() int  { return cuda.Blocks(int(s.g.Steps), s.segment) }
func (s *portion[T]) from(k int) int { return max(0, int(s.g.Steps)-(s.segments()-k)*s.segment) }
func (s *portion[T]) checkpoint(k int) cuda.Buffer {
	bytes := s.shots * int(s.g.Forward) * cuda.SizeOf[T]()
	return s.checkpoints.Slice((k-1)*bytes, bytes)
}

// run does the portion's shots. Nothing of it waits for the device.
func (s *portion[T]) run() error {
	g := s.g
	steps, segments, size := int(g.Steps), s.segments(), cuda.SizeOf[T]()
	states := s.states.Slice(0, s.shots*int(g.Forward)*size)
	var err error
	do := func(f func() error) {
		if err == nil {
			err = f()
		}
	}
	clear := func(b cuda.Buffer) { do(func() error { return s.copy(b, cuda.Buffer{}) }) }
	clear(states)
	if !s.Linear {
		do(func() error { return s.forward(s.Data, false, 0, steps) })
		return err
	}
	if !s.Gradient {
		clear(s.more.Slice(0, s.shots*s.Many*int(g.Forward)*size))
		for k := range segments {
			do(func() error { return s.forward(cuda.Buffer{}, true, s.from(k), s.from(k+1)) })
			do(func() error { return s.tangents(s.from(k), s.from(k+1)) })
		}
		return err
	}
	for k := range segments {
		if k > 0 {
			do(func() error { return s.copy(s.checkpoint(k), states) })
		}
		do(func() error { return s.forward(s.Data, k == segments-1, s.from(k), s.from(k+1)) })
	}
	clear(s.more.Slice(0, s.shots*s.Many*int(g.Back)*size))
	gradients := s.Many * int(g.Materials) * size
	clear(s.G.Slice(s.shot*gradients, s.shots*gradients))
	for k := segments - 1; k >= 0; k-- {
		if k < segments-1 {
			before := cuda.Buffer{}
			if k > 0 {
				before = s.checkpoint(k)
			}
			do(func() error { return s.copy(states, before) })
			do(func() error { return s.forward(cuda.Buffer{}, true, s.from(k), s.from(k+1)) })
		}
		do(func() error { return s.transposed(s.from(k), s.from(k+1)) })
	}
	if s.b.After != nil {
		do(func() error {
			return s.b.After(&Launch{Grid: g, Models: s.Models, Many: s.Many, Shot: s.shot, Shots: s.shots, States: s.more,
				Materials: s.Materials, ExtraOut: s.DExtraOut, Size: size})
		})
	}
	return err
}

// copy fills to, with from or with 0.
func (s *portion[T]) copy(to, from cuda.Buffer) error {
	const block = 4096
	n := to.Bytes() / cuda.SizeOf[T]()
	return s.b.d.Run(Of[T](copies), cuda.Blocks(n, block), to.Arg(), from.Arg(), cuda.Int(n), cuda.Int(block))
}

// forward does steps lo..hi-1 of the shots, keeps what the gradient needs, and records data where that is a buffer.
func (s *portion[T]) forward(data cuda.Buffer, keep bool, lo, hi int) error {
	kept := cuda.Buffer{}
	if keep {
		kept = s.kept
	}
	return s.march(s.shots, lo, hi, !data.IsNil(), func(first, last, blocks int) error {
		return s.launchForward(1, cuda.Buffer{}, cuda.Buffer{}, s.states, kept, data, lo, first, last, blocks)
	})
}

// tangents does steps lo..hi-1 of the directions, with what forward kept of them.
func (s *portion[T]) tangents(lo, hi int) error {
	return s.march(s.shots*s.Many, lo, hi, true, func(first, last, blocks int) error {
		return s.launchForward(s.Many, s.Directions, s.DExtra, s.more, s.kept, s.Tangent, lo, first, last, blocks)
	})
}

// transposed does the steps of the transpose that belong to steps lo..hi-1.
func (s *portion[T]) transposed(lo, hi int) error {
	steps := int(s.g.Steps)
	return s.march(s.shots*s.Many, steps-hi, steps-lo, false, func(first, last, blocks int) error {
		return s.launchBack(lo, first, last, blocks)
	})
}

// march launches steps lo..hi-1 of that many units as grid.h says under Launch. With several phases to a step what is recorded
// is there before the last of them, so that no launch is needed after it.
func (s *portion[T]) march(units, lo, hi int, record bool, launch func(first, last, blocks int) error) error {
	phases, blocks := int(s.g.Phases), s.b.blocks(units)
	if blocks == 1 {
		return launch(lo*phases, hi*phases, 1)
	}
	for n := lo * phases; n < hi*phases; n++ {
		if err := launch(n, n+1, blocks); err != nil {
			return err
		}
	}
	if steps := int(s.g.Steps); record && hi == steps && phases == 1 {
		return launch(steps, steps, blocks)
	}
	return nil
}

func (s *portion[T]) launchForward(many int, directions, dextra, states, kept, data cuda.Buffer, lo, first, last, blocks int) error {
	b := s.b
	args := []cuda.Arg{s.numbers.Arg(), b.Profile.Arg(), b.Wavelet.Arg(), b.sources.index.Arg(), b.sources.weight.Arg(),
		b.channel.index.Arg(), b.channel.weight.Arg(), s.Materials.Arg(), directions.Arg(), s.Extra.Arg(), dextra.Arg(),
		states.Arg(), kept.Arg(), data.Arg()}
	for _, n := range []int{s.Models, many, s.shot, s.shots * many, lo, s.segment, first, last, blocks} {
		args = append(args, cuda.Int(n))
	}
	l := &Launch{Grid: s.g, Models: s.Models, Many: many, Shot: s.shot, Shots: s.shots, First: first, Last: last, Blocks: blocks,
		Tangent: !directions.IsNil(), Keep: !kept.IsNil(), Record: !data.IsNil(), Size: cuda.SizeOf[T]()}
	return b.d.Run(Of[T](b.Forward), s.shots*many, append(args, b.ForwardCosts(l).Args()...)...)
}

func (s *portion[T]) launchBack(lo, first, last, blocks int) error {
	b, size := s.b, cuda.SizeOf[T]()
	args := []cuda.Arg{s.numbers.Arg(), b.Profile.Arg(), b.Wavelet.Arg(), b.sources.index.Arg(), b.sources.weight.Arg(),
		b.injected.index.Arg(), b.injected.weight.Arg(), s.Materials.Arg(), s.Extra.Arg(), s.more.Arg(), s.kept.Arg(),
		s.Data.Arg(), s.Observed.Arg(), s.Which.Arg(), s.Cotangent.Arg(), s.G.Arg()}
	observations := 0
	if !s.Observed.IsNil() {
		observations = s.Observed.Bytes() / (s.g.data() * size)
	}
	for _, n := range []int{s.Models, s.Many, s.Sets, observations, s.shot, s.shots * s.Many, lo, s.segment, first, last, blocks} {
		args = append(args, cuda.Int(n))
	}
	l := &Launch{Grid: s.g, Models: s.Models, Many: s.Many, Shot: s.shot, Shots: s.shots, First: first, Last: last, Blocks: blocks,
		Observed: !s.Observed.IsNil(), Size: size}
	return b.d.Run(Of[T](b.Back), s.shots*s.Many, append(args, b.BackCosts(l).Args()...)...)
}
