package helmholtz

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/plugintest"
	"github.com/waveprior/waveprior/core/rng"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/cuda"
	"github.com/waveprior/waveprior/plugins/solvers/internal/solvertest"
)

// batched configures a solver whose batches go to the kernels of cuda/multifrontal on the CPU: the way of a GPU, without one.
func batched(t testing.TB, o options) (*Solver, contract.Configured) {
	t.Helper()
	s, c := configure(t, o, 2)
	dev, err := cuda.NewCPU(2)
	if err != nil {
		t.Fatal(err)
	}
	if setupOf(s).device, err = setupOf(s).newDevice(dev); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := setupOf(s).device.close(); err != nil {
			t.Error(err)
		}
	})
	return s, c
}

type configured func(t testing.TB, o options) (*Solver, contract.Configured)

func TestOracleBatched(t *testing.T) { testOracleOn(t, batched) }

func testOracleOn(t *testing.T, on configured) {
	o, m := readOracle(t)
	for _, c := range []struct {
		precision string
		tol       float64
	}{{"float64", 1e-6}, {"float32", 1e-4}} {
		s, conf := on(t, smallSetup.With(options{"precision": c.precision}))
		d, g := conf.Data.New(1), conf.Model.New(1)
		mt := solvertest.Batch(&conf, m)
		st, err := s.Forward(ctx, mt, d)
		solvertest.OK(t, st, err)
		v := d.AppendReals(nil)
		obs, w := conf.Data.New(1), make([]float64, len(v))
		for i := range w {
			w[i] = 1.01 * v[i]
		}
		obs.SetReals(w)
		if err := s.Observe(ctx, obs, []float64{1}); err != nil {
			t.Fatal(err)
		}
		st, err = s.Misfit(ctx, mt, []int{0}, make([]float64, 1), g)
		solvertest.OK(t, st, err)
		o.check(t, c.precision, complexes(v), g.AppendReals(nil), c.tol)
	}
}

// Every call on a batch of models at four frequencies, beside a bad one, gives what the workers give: all at once, and where
// memory is for one frequency of one model only. More directions than are solved at a time.
func TestBatchedAsWorkers(t *testing.T) { testAsWorkers(t, batched, []int{0, 1, 2, 3, 4}) }

func testAsWorkers(t *testing.T, on configured, items []int) {
	const seed, bad = 41, 1
	for _, more := range []options{
		{}, {"precision": "float64"}, {"edge_gradient": "published"}, {"refinement_steps": 1},
		{"sources": section{"z_m": 0, "x_first_m": 0, "x_last_m": 550, "count": 12},
			"receivers": section{"positions_m": [][]float64{{400, 300}}}, "frequency_hz": []float64{4}},
	} {
		o := tiny.With(options{"frequency_hz": []float64{3, 5, 4, 2}}).With(more)
		workers, c := configure(t, o, 1)
		want := results(t, workers, &c, seed, items, bad)
		s, _ := on(t, o)
		for _, small := range []bool{false, true} {
			if small {
				if err := errors.Join(setupOf(s).device.single.release(), setupOf(s).device.double.release()); err != nil {
					t.Fatal(err)
				}
				setupOf(s).device.bytes = 1
			}
			got := results(t, s, &c, seed, items, bad)
			for k, name := range []string{"data", "phi", "gradient", "JVP", "VJP"} {
				tol := 1e-4
				if o["precision"] == "float64" {
					tol = 1e-11
				}
				for j, i := range items {
					if i == bad {
						continue
					}
					if e := relative(got[k].Item(j).AppendReals(nil), want[k].Item(j).AppendReals(nil)); !(e <= tol) {
						t.Errorf("seed %d, %v, small memory %v: %s of item %d is off by %.2g (allowed %.0g)", seed, more, small, name, i, e, tol)
					}
				}
			}
		}
	}
}

// What single precision does not solve is solved in double precision, in a batch too; what double does not is a status that
// says what a worker says.
func TestBatchedRough(t *testing.T) { testRoughOn(t, batched, 6) }

func testRoughOn(t *testing.T, on configured, models int) {
	const seed = 31
	s, c := on(t, smallSetup)
	double, c2 := configure(t, smallSetup.With(options{"precision": "float64"}), 2)
	var m [][]float64
	for k := range models {
		src, v := rng.New(seed, "helmholtz/rough").At(0, uint32(k), 0), make([]float64, c.Model.Len())
		for i := range v {
			v[i] = float64(float32(0.8 + 2.4*src.Uniform(i)))
		}
		m = append(m, v)
	}
	d, want := c.Data.New(models), c2.Data.New(models)
	st, err := s.Forward(ctx, solvertest.Batch(&c, m...), d)
	solvertest.OK(t, st, err)
	st, err = double.Forward(ctx, solvertest.Batch(&c2, m...), want)
	solvertest.OK(t, st, err)
	for k := range models {
		if e := relative(d.Item(k).AppendReals(nil), want.Item(k).AppendReals(nil)); !(e <= 5e-4) {
			t.Errorf("seed %d: model %d: float32 data are off by %.1e (allowed 5e-4)", seed, k, e)
		}
	}
	if setupOf(s).device.double.Engine == nil {
		t.Errorf("seed %d: no model of %d was solved in double precision: the test does not see what it is for", seed, models)
	}
}

func TestBatchedUnsolved(t *testing.T) {
	for _, precision := range []string{"float32", "float64"} {
		s, c := configure(t, tiny.With(options{"precision": precision}), 1)
		setupOf(s).operators[1].mass[60] = complex(math.MaxFloat64, 0) // no grid has such a node
		dev, err := cuda.NewCPU(1)
		if err != nil {
			t.Fatal(err)
		}
		if setupOf(s).device, err = setupOf(s).newDevice(dev); err != nil {
			t.Fatal(err)
		}
		st, err := s.Forward(ctx, solvertest.Batch(&c, randomModel(1, 0, c.Model.Len())), c.Data.New(1))
		if got := contract.StatusAt(st, 0); err != nil || got.Code != contract.Diverged || !strings.Contains(got.Text, "at 5 Hz") {
			t.Errorf("%s: a matrix beyond its precision: %v %v", precision, st, err)
		}
		before := setupOf(s)
		if _, err := s.Configure(ctx, contract.Config{Options: tiny.JSON(t)}); err != nil {
			t.Fatal(err)
		}
		if !before.device.closed || s.DevicePeak() == 0 {
			t.Errorf("configured anew: the device before is closed: %v; its peak was %d", before.device.closed, s.DevicePeak())
		}
		if _, _, err := before.device.run(ctx, tensor.New(tensor.Float32, 1, 1, 9, 12), nil, task{}); !errors.Is(err, contract.ErrNotConfigured) {
			t.Errorf("a call on the device before: %v, want ErrNotConfigured", err)
		}
	}
}

func TestBatchedCancelled(t *testing.T) {
	s, c := batched(t, tiny)
	stop, cancel := cancelled()
	cancel()
	if _, err := s.Forward(stop, solvertest.Batch(&c, randomModel(1, 0, c.Model.Len())), c.Data.New(1)); !errors.Is(err, stop.Err()) {
		t.Errorf("a cancelled call: %v", err)
	}
}

// onBatches is a Solver that attaches the device of `batched` whenever it is configured.
type onBatches struct{ *Solver }

func (s onBatches) Configure(ctx context.Context, c contract.Config) (contract.Configured, error) {
	out, err := s.Solver.Configure(ctx, c)
	if err != nil {
		return out, err
	}
	dev, err := cuda.NewCPU(max(1, c.Threads))
	if err != nil {
		return out, err
	}
	setupOf(s.Solver).device, err = setupOf(s.Solver).newDevice(dev)
	return out, err
}

func TestBatchedConformance(t *testing.T) {
	for _, precision := range []string{"float32", "float64"} {
		t.Run(precision, func(t *testing.T) {
			plugintest.Solver(t, func() contract.Solver { return onBatches{New()} },
				plugintest.Options{Name: "helmholtz", Options: tiny.With(options{"precision": precision}).JSON(t)})
		})
	}
}
