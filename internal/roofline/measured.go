package roofline

import (
	"errors"
	"slices"
	"time"

	"github.com/waveprior/waveprior/cuda"
)

// Measured is what the launches of one kernel took together.
type Measured struct {
	Kernel  string
	Calls   int
	Seconds float64 // each launch by itself, from the call until the device has done it
	Bound   float64 // seconds that H100.Time allows for the same launches
}

// clock is a device that waits for every launch and notes what it took, and what of its memory is in use.
type clock struct {
	cuda.Device
	kernels []Measured
	live    map[cuda.Arg]cuda.Buffer
	err     error // of a launch without a formula
}

func (c *clock) Alloc(bytes int) (cuda.Buffer, error) {
	b, err := c.Device.Alloc(bytes)
	if err == nil {
		c.live[b.Arg()] = b
	}
	return b, err
}

func (c *clock) Free(b cuda.Buffer) error {
	delete(c.live, b.Arg())
	return c.Device.Free(b)
}

func (c *clock) Run(k *cuda.Kernel, units int, args ...cuda.Arg) error {
	if err := c.Synchronise(); err != nil {
		return err
	}
	begin := time.Now()
	if err := errors.Join(c.Device.Run(k, units, args...), c.Synchronise()); err != nil {
		return err
	}
	seconds := time.Since(begin).Seconds()
	l, err := launchOf(k, units, args)
	var w Work
	if err == nil {
		w, err = WorkOf(l)
	}
	if err != nil {
		c.err = errors.Join(c.err, err)
		return nil
	}
	bound, _ := H100.Time(l, w)
	i := slices.IndexFunc(c.kernels, func(m Measured) bool { return m.Kernel == k.Name })
	if i < 0 {
		i, c.kernels = len(c.kernels), append(c.kernels, Measured{Kernel: k.Name})
	}
	m := &c.kernels[i]
	m.Calls, m.Seconds, m.Bound = m.Calls+1, m.Seconds+seconds, m.Bound+bound
	return nil
}

// Measure does a Problem's work on a device and returns its kernels in order of their first launch. A launch takes longer by
// itself than in a queue: some 10 us of each are the wait for it. What the work leaves allocated is freed. Errors: the work's; a
// kernel without a formula.
func Measure(d cuda.Device, run func(cuda.Device) error) ([]Measured, error) {
	c := &clock{Device: d, live: map[cuda.Arg]cuda.Buffer{}}
	err := run(c)
	for _, b := range c.live {
		err = errors.Join(err, d.Free(b))
	}
	return c.kernels, errors.Join(err, c.err)
}
