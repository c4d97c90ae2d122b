package wave

import (
	"errors"
	"math"

	"github.com/waveprior/waveprior/cuda"
)

// batched runs all units, as many side by side as memory holds. Where the device has less than it is said to have, half as many
// are tried.
func (c *call[T]) batched() error {
	p := c.p
	memory := p.config.Memory
	if memory == 0 {
		memory = deviceMemory
	}
	all := c.models * int(p.shape.Shots)
	for first, least := 0, math.MaxInt; first < all; {
		n, segment := c.fit(all-first, memory)
		s := &portion[T]{call: c, b: p.batch, shot: first, shots: n, segment: segment}
		if err := s.reserve(); err != nil {
			need := n * c.numbers(segment) * cuda.SizeOf[T]()
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
	g, size := &s.b.grid, cuda.SizeOf[T]()
	steps := s.segments() - 1
	var err error
	room := func(to *cuda.Buffer, name string, numbers int) {
		if err == nil && numbers > 0 {
			*to, err = s.p.room(name, s.shots*numbers*size)
		}
	}
	room(&s.states, "states", int(g.Forward))
	if s.linear {
		room(&s.kept, "kept", (s.segment+s.b.earlier)*s.p.shape.compact())
	}
	switch {
	case s.gradient:
		room(&s.more, "states of directions", s.many*int(g.Back))
		room(&s.checkpoints, "checkpoints", steps*int(g.Forward))
	case s.linear:
		room(&s.more, "states of directions", s.many*int(g.Forward))
	}
	return err
}

// segments is their number; segment k begins at step from(k). The first one takes what is left over: the last one is not done
// again.
func (s *portion[T]) segments() int  { return cuda.Blocks(int(s.b.grid.Steps), s.segment) }
func (s *portion[T]) from(k int) int { return max(0, int(s.b.grid.Steps)-(s.segments()-k)*s.segment) }
func (s *portion[T]) checkpoint(k int) cuda.Buffer {
	bytes := s.shots * int(s.b.grid.Forward) * cuda.SizeOf[T]()
	return s.checkpoints.Slice((k-1)*bytes, bytes)
}

// run does the portion's shots. Nothing of it waits for the device.
func (s *portion[T]) run() error {
	g := &s.b.grid
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
	if !s.linear {
		do(func() error { return s.forward(s.data, false, 0, steps) })
		return err
	}
	if !s.gradient {
		clear(s.more.Slice(0, s.shots*s.many*int(g.Forward)*size))
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
		do(func() error { return s.forward(s.data, k == segments-1, s.from(k), s.from(k+1)) })
	}
	clear(s.more.Slice(0, s.shots*s.many*int(g.Back)*size))
	gradients := s.many * s.p.shape.compact() * size
	clear(s.g.Slice(s.shot*gradients, s.shots*gradients))
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
	if !s.dextraOut.IsNil() {
		do(func() error {
			args := []cuda.Arg{s.dextraOut.Arg(), s.b.numbers.Arg(), s.more.Arg(), s.p.profile.Arg(), s.courant.Arg(),
				cuda.Int(s.models), cuda.Int(s.many), cuda.Int(s.shot)}
			return s.p.d.Run(of[T](spongeDamping), s.shots*s.many, append(args, s.dampingCosts().args()...)...)
		})
	}
	return err
}

// copy fills to, with from or with 0.
func (s *portion[T]) copy(to, from cuda.Buffer) error {
	const block = 4096
	n := to.Bytes() / cuda.SizeOf[T]()
	return s.p.d.Run(of[T](copies), cuda.Blocks(n, block), to.Arg(), from.Arg(), cuda.Int(n), cuda.Int(block))
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
	return s.march(s.shots*s.many, lo, hi, true, func(first, last, blocks int) error {
		return s.launchForward(s.many, s.dcourant, s.dextra, s.more, s.kept, s.tangent, lo, first, last, blocks)
	})
}

// transposed does the steps of the transpose that belong to steps lo..hi-1.
func (s *portion[T]) transposed(lo, hi int) error {
	steps := int(s.b.grid.Steps)
	return s.march(s.shots*s.many, steps-hi, steps-lo, false, func(first, last, blocks int) error {
		return s.launchBack(lo, first, last, blocks)
	})
}

// march launches steps first..last-1 of that many units as batch.h says under Launch.
func (s *portion[T]) march(units, first, last int, record bool, launch func(first, last, blocks int) error) error {
	blocks := s.b.blocks(units)
	if blocks == 1 {
		return launch(first, last, 1)
	}
	for n := first; n < last; n++ {
		if err := launch(n, n+1, blocks); err != nil {
			return err
		}
	}
	if steps := int(s.b.grid.Steps); record && last == steps {
		return launch(steps, steps, blocks)
	}
	return nil
}

func (s *portion[T]) launchForward(many int, dcourant, dextra, states, kept, data cuda.Buffer, lo, first, last, blocks int) error {
	p, b := s.p, s.b
	args := []cuda.Arg{b.numbers.Arg(), p.profile.Arg(), p.wavelet.Arg(), b.sources.index.Arg(), b.sources.weight.Arg(),
		b.record.index.Arg(), b.record.weight.Arg(), s.courant.Arg(), dcourant.Arg(), s.extra.Arg(), dextra.Arg(),
		states.Arg(), kept.Arg(), data.Arg()}
	for _, n := range []int{s.models, many, s.shot, s.shots * many, lo, s.segment, first, last, blocks} {
		args = append(args, cuda.Int(n))
	}
	return p.d.Run(of[T](b.march), s.shots*many, append(args, s.forwardCosts(many, first, last, blocks, !dcourant.IsNil(), !kept.IsNil(), !data.IsNil()).args()...)...)
}

func (s *portion[T]) launchBack(lo, first, last, blocks int) error {
	p, b := s.p, s.b
	args := []cuda.Arg{b.numbers.Arg(), p.profile.Arg(), p.wavelet.Arg(), b.sources.index.Arg(), b.sources.weight.Arg(),
		b.receivers.index.Arg(), b.receivers.weight.Arg(), s.courant.Arg(), s.extra.Arg(), s.more.Arg(), s.kept.Arg(),
		s.data.Arg(), s.observed.Arg(), s.which.Arg(), s.cotangent.Arg(), s.g.Arg()}
	observations := 0
	if !s.observed.IsNil() {
		observations = s.observed.Bytes() / (p.Data() * cuda.SizeOf[T]())
	}
	for _, n := range []int{s.models, s.many, s.sets, observations, s.shot, s.shots * s.many, lo, s.segment, first, last, blocks} {
		args = append(args, cuda.Int(n))
	}
	return p.d.Run(of[T](b.back), s.shots*s.many, append(args, s.backCosts(first, last, blocks).args()...)...)
}
