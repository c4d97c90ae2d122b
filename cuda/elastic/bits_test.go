package elastic_test

import (
	"strings"
	"testing"

	"github.com/waveprior/waveprior/cuda/elastic"
	"github.com/waveprior/waveprior/cuda/internal/twin"
	"github.com/waveprior/waveprior/cuda/march/marchtest"
)

// The bits do not depend on the threads, the batch, the instruction set, or how many steps are kept at a time.
func TestSameBits(t *testing.T) {
	far := small(4, 11) // a state that no near cache holds: steps go together, except in segments of one
	far.NX, far.Each = 2200, 1
	far.Receivers[1][0][0].IX = 1700
	for _, s := range append(settings(40), setting{"order 4, a far state", far}) {
		marchtest.SameBits(t, s.tried())
	}
}

func TestRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		change func(c *elastic.Config)
		want   string
	}{
		"one row":            {func(c *elastic.Config) { c.NZ = 1 }, "1 x 15 nodes"},
		"spacing":            {func(c *elastic.Config) { c.SpacingM = 0 }, "spacing 0 m"},
		"no steps":           {func(c *elastic.Config) { c.Steps = 0 }, "0 steps"},
		"half a sample":      {func(c *elastic.Config) { c.Steps = 21 }, "21 steps, 2 to a row of data"},
		"order":              {func(c *elastic.Config) { c.Order = 8 }, "order 8"},
		"negative layer":     {func(c *elastic.Config) { c.Left = -1 }, "none may be negative"},
		"layer in the air":   {func(c *elastic.Config) { c.FreeSurface = true }, "a layer of 6 nodes above it"},
		"few rows":           {func(c *elastic.Config) { c.NZ, c.Top, c.FreeSurface = 3, 0, true }, "at least 4 are needed"},
		"speed":              {func(c *elastic.Config) { c.LayerSpeed = 0 }, "the speed must be above 0"},
		"no sources":         {func(c *elastic.Config) { c.Sources, c.Wavelets = nil, nil }, "0 sources"},
		"short wavelet":      {func(c *elastic.Config) { c.Wavelets = [][]float64{{1}, {1}, {1}} }, "wavelet 0 has 1 numbers for 20 steps"},
		"receiver elsewhere": {func(c *elastic.Config) { c.Receivers[0][0][0].IZ = 18 }, "receiver 0 acts on node (iz 18, ix 1)"},
		"receiver of stress": {func(c *elastic.Config) { c.Receivers[0][0][0].Field = elastic.SXX }, "receiver 0 acts on field 2, allowed are 0 to 1"},
		"source of shear":    {func(c *elastic.Config) { c.Sources[2][0].Field = elastic.SXZ }, "source 2 acts on field 4, allowed are 0 to 3"},
		"source in the air": {func(c *elastic.Config) {
			c.Top, c.FreeSurface = 0, true
			c.Sources[1][1].IZ = 0
			c.Receivers[3][0][0].IZ, c.Receivers[3][1][0].IZ = 1, 1
		}, "source 1 acts on szz of the free surface"},
	} {
		config := small(4, 20)
		c.change(&config)
		if _, err := elastic.New[float32](twin.CPU(t, 1), config); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	marchtest.RefusedCalls(t, "elastic", plan[float64](t, small(2, 20), 1))
}
