package run

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/waveprior/waveprior/core/figure"
	"github.com/waveprior/waveprior/core/npy"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/host/experiment"
	"github.com/waveprior/waveprior/host/stage"
)

// trained is a cell whose train stage left these losses, and text beside them.
func trained(t *testing.T, rows [][]float64, names string) *arrays {
	t.Helper()
	e := &stage.Entry{Dir: t.TempDir(), Manifest: stage.Manifest{Stage: "train", Key: t.Name()}}
	dir := e.Path(checkpointFolder)
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if rows != nil {
		if err := npy.Write(filepath.Join(dir, LossesFile), tensor.FromFloat64s(slices.Concat(rows...), len(rows), len(rows[0]))); err != nil {
			t.Fatal(err)
		}
	}
	if names != "" {
		if err := os.WriteFile(filepath.Join(dir, "losses.json"), []byte(names), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return newArrays(&CellResult{Cell: &experiment.Cell{}, Entries: []*stage.Entry{e}, Metrics: map[string]float64{"memorisation.examples": 50}})
}

func TestLosses(t *testing.T) {
	nan := math.NaN()
	rows := [][]float64{{100, 9, 8, 7}, {200, 5, 4, nan}, {300, 3, 2, 6}}
	for _, tc := range []struct {
		name, names string
		rows        [][]float64
		panels      int
		labels      []string // of the second panel
	}{
		{"none", "", nil, 0, nil},
		{"one row", "", rows[:1], 0, nil},
		{"without names", "", rows, 2, []string{"N = 50, column 2", "N = 50, column 3"}},
		{"with names", `["step", "loss", "training examples", "held-out examples"]`, rows, 2, []string{"N = 50, training examples", "N = 50, held-out examples"}},
		{"too few names", `["step", "loss"]`, rows, 2, []string{"N = 50, column 2", "N = 50, column 3"}},
		{"names that are none", `{"columns"`, rows, 2, []string{"N = 50, column 2", "N = 50, column 3"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p, err := lossesTogether([]*arrays{trained(t, tc.rows, tc.names)})
			if err != nil {
				t.Fatal(err)
			}
			if p == nil {
				if tc.panels != 0 {
					t.Error("there is no figure")
				}
				return
			}
			if len(p.fig.Panels) != tc.panels {
				t.Fatalf("%d panels, want %d", len(p.fig.Panels), tc.panels)
			}
			first := p.fig.Panels[0].Layers[0].(figure.Line)
			if !slices.Equal(first.X, []float64{100, 200, 300}) || !slices.Equal(first.Y, []float64{9, 5, 3}) {
				t.Errorf("the loss is drawn as %v at %v", first.Y, first.X)
			}
			var labels []string
			for _, l := range p.fig.Panels[1].Layers {
				labels = append(labels, l.(figure.Line).Label)
			}
			if !slices.Equal(labels, tc.labels) {
				t.Errorf("curves %q, want %q", labels, tc.labels)
			}
			if n := len(tc.labels); n == 2 {
				if last := p.fig.Panels[1].Layers[1].(figure.Line); !slices.Equal(last.X, []float64{100, 300}) || !slices.Equal(last.Y, []float64{7, 6}) {
					t.Errorf("a row without a number: %v at %v", last.Y, last.X)
				}
			}
		})
	}
}

// TestManyLosses: 1000 rows are drawn as 200 medians of five, with the 10 and 90 % quantiles of the five.
func TestManyLosses(t *testing.T) {
	var rows [][]float64
	for i := range 1000 {
		rows = append(rows, []float64{float64(i + 1), float64(10*(i/5) + i%5)})
	}
	p, err := lossesTogether([]*arrays{trained(t, rows, "")})
	if err != nil {
		t.Fatal(err)
	}
	l := p.fig.Panels[0].Layers[0].(figure.Line)
	if len(l.X) != 200 || l.X[7] != 40 || l.Y[7] != 72 || math.Abs(l.Low[7]-70.4) > 1e-9 || math.Abs(l.High[7]-73.6) > 1e-9 {
		t.Errorf("%d points, the eighth at %g: %g in %g..%g; want 200, at 40: 72 in 70.4..73.6", len(l.X), l.X[7], l.Y[7], l.Low[7], l.High[7])
	}
}

// TestRateCurve: the mean over seeds, in the range of their intervals; a value without one is its own.
func TestRateCurve(t *testing.T) {
	cell := func(n, v float64, ends ...float64) *CellResult {
		m := map[string]float64{"memorisation.examples": n, "r": v}
		if len(ends) == 2 {
			m["r_low"], m["r_high"] = ends[0], ends[1]
		}
		return &CellResult{Metrics: m}
	}
	l, most := rateCurve([]*CellResult{cell(1000, 0.1), cell(50, 0.9, 0.8, 0.95), cell(50, 0.7, 0.5, 0.75), {Metrics: map[string]float64{"memorisation.examples": 7}}}, "r")
	if most != 2 || !slices.Equal(l.X, []float64{50, 1000}) || !slices.Equal(l.Y, []float64{0.8, 0.1}) || !slices.Equal(l.Low, []float64{0.5, 0.1}) || !slices.Equal(l.High, []float64{0.95, 0.1}) {
		t.Errorf("%v in %v..%v at %v, %d cells at one N", l.Y, l.Low, l.High, l.X, most)
	}
}

func TestCellName(t *testing.T) {
	c := &CellResult{Cell: &experiment.Cell{Values: []experiment.Value{{Key: "prior.data.examples", Value: int64(50)}, {Key: "sampler", Value: "DPS"}, {Key: "sampler.zeta", Value: 0.02}, {Key: "seed", Value: int64(3)}}}}
	if got := cellName(c, true); got != "N = 50, DPS, zeta = 0.02" {
		t.Errorf("with N: %q", got)
	}
	if got := cellName(c, false); got != "DPS, zeta = 0.02" {
		t.Errorf("without N: %q", got)
	}
}

// TestColourScalesAreNotStretched: one cell far out moves neither end of a scale by more than its share.
func TestColourScalesAreNotStretched(t *testing.T) {
	v := make([]float64, 1000)
	for i := range v {
		v[i] = float64(i % 100)
	}
	v[3], v[4], v[5] = 1e6, math.NaN(), math.Inf(1)
	if lo, hi := limits(v); lo < 0 || hi > 99 {
		t.Errorf("limits are %g..%g, all but three values lie in 0..99", lo, hi)
	}
	if s := top(v); s > 99 || s < 98 {
		t.Errorf("the top is %g, want about 99", s)
	}
}

func TestShareGivesOneRangePerLabel(t *testing.T) {
	p := func(x string, v ...float64) *figure.Panel {
		return &figure.Panel{X: figure.Axis{Label: x}, Y: figure.Axis{Label: "y"}, Layers: []figure.Layer{figure.Points{X: v, Y: v}}}
	}
	a, b, c := p("x1", 0, 1), p("x1", 3, math.NaN()), p("x3", 10, 20)
	share([]*figure.Panel{a, b, c})
	if a.X.Min != b.X.Min || a.X.Max != b.X.Max || math.Abs(a.X.Min+0.12) > 1e-12 || math.Abs(a.X.Max-3.12) > 1e-12 {
		t.Errorf("x1: %+v and %+v, want -0.12..3.12", a.X, b.X)
	}
	if c.X.Min != 9.6 || c.X.Max != 20.4 || a.Y.Min != c.Y.Min || a.Y.Max != c.Y.Max {
		t.Errorf("x3: %+v; y: %+v and %+v", c.X, a.Y, c.Y)
	}
}

// TestCellsAreDividedEvenly: all cells stand in figures, at most maxBeside in one, and the last has at least half of the first's.
func TestCellsAreDividedEvenly(t *testing.T) {
	for n, want := range map[int]int{1: 1, 2: 2, 5: 5, 6: 3, 7: 4, 10: 5, 11: 4, 13: 5, 15: 5} {
		if got := inOneFigure(n); got != want {
			t.Errorf("%d cells: %d in a figure, want %d", n, got, want)
		}
	}
	if numbered("fields", 0) != "fields" || numbered("fields", 1) != "fields-2" {
		t.Errorf("names %s, %s", numbered("fields", 0), numbered("fields", 1))
	}
}
