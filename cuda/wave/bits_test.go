package wave_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/waveprior/waveprior/cuda/internal/twin"
	"github.com/waveprior/waveprior/cuda/march/marchtest"
	"github.com/waveprior/waveprior/cuda/wave"
)

// The bits do not depend on the threads, the batch, the instruction set, or how many steps are kept at a time.
func TestSameBits(t *testing.T) {
	for _, s := range settings(70) {
		marchtest.SameBits(t, s.tried())
	}
}

// Fields of many steps go past the caches, those of a segment do not: the same bits. 1400 steps of this grid are 9 MB, and 15 MB
// with the sponge.
func TestSameBitsPastTheCaches(t *testing.T) {
	sponge := small(4, 1400)
	sponge.Top, sponge.Bottom, sponge.Left, sponge.Right, sponge.Sponge = 9, 9, 9, 9, true
	for name, c := range map[string]wave.Config{"order 4": small(4, 1400), "order 8": small(8, 1400), "sponge": sponge} {
		f := family[float32](c)
		want := marchtest.Everything(t, twin.CPU(t, 1), f, marchtest.How{}, 0)
		for what, x := range marchtest.Everything(t, twin.CPU(t, 2), f, marchtest.How{Segment: 100}, 0) {
			if !bytes.Equal(x, want[what]) {
				t.Errorf("%s: %s has other bits with all steps kept past the caches", name, what)
			}
		}
	}
}

func TestRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		change func(c *wave.Config)
		want   string
	}{
		"one row":                {func(c *wave.Config) { c.NZ = 1 }, "1 x 23 nodes"},
		"spacing":                {func(c *wave.Config) { c.SpacingM = 0 }, "spacing 0 m"},
		"no steps":               {func(c *wave.Config) { c.Steps = 0 }, "0 steps"},
		"order":                  {func(c *wave.Config) { c.Order = 5 }, "order 5"},
		"negative layer":         {func(c *wave.Config) { c.Left = -1 }, "none may be negative"},
		"layer above water":      {func(c *wave.Config) { c.FreeSurface = true }, "a layer of 7 nodes above it"},
		"sponge of order 8":      {func(c *wave.Config) { c.Sponge, c.Order = true, 8 }, "the sponge's is 4"},
		"few rows":               {func(c *wave.Config) { c.NZ, c.Top, c.Bottom, c.Order = 3, 0, 0, 8 }, "order 8 needs more than 4"},
		"few rows above a layer": {func(c *wave.Config) { c.NZ, c.Top, c.FreeSurface, c.Order = 3, 0, true, 8 }, "3 rows between a free surface and a layer: order 8 needs at least 4"},
		"speed":                  {func(c *wave.Config) { c.LayerSpeed = 0 }, "the speed must be above 0"},
		"no sources":             {func(c *wave.Config) { c.Sources, c.Wavelets = nil, nil }, "0 sources"},
		"wavelets":               {func(c *wave.Config) { c.Wavelets = c.Wavelets[:2] }, "3 sources with 2 wavelets"},
		"short wavelet":          {func(c *wave.Config) { c.Wavelets = [][]float64{{1}, {1}, {1}} }, "wavelet 0 has 1 numbers for 20 steps"},
		"receiver elsewhere":     {func(c *wave.Config) { c.Receivers[0][0].IZ = 28 }, "receiver 0 acts on node (iz 28, ix 0)"},
	} {
		config := small(4, 20)
		c.change(&config)
		if _, err := wave.New[float32](twin.CPU(t, 1), config); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	marchtest.RefusedCalls(t, "wave", plan[float64](t, small(2, 20), 1))
}
