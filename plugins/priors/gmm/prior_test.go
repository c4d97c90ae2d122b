package gmm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/dataset"
	"github.com/waveprior/waveprior/core/rng"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
)

var ctx = context.Background()

// model is a model space of d coordinates.
func model(dt tensor.DType, d int) space.Space {
	low := -100.0
	return space.Space{Name: "model", DType: dt, Axes: []space.Axis{{Name: "coordinate", Size: d}},
		Quantities: []space.Quantity{{Name: "coordinate", Unit: "1", Lower: &low}}}
}

// points writes a dataset of the given rows and returns its manifest.
func points(t testing.TB, s space.Space, rows *tensor.Tensor, shard int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "set")
	w, err := dataset.Create(path, dataset.Plan{Space: s, Count: rows.Batch(), Shard: shard})
	if err != nil {
		t.Fatal(err)
	}
	for k := range w.Shards() {
		first, n := w.Range(k)
		if err := w.Write(k, rows.Slice(first, first+n)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(path, dataset.ManifestName)
}

func normals(seed uint64, purpose string, shape ...int) *tensor.Tensor {
	x := tensor.New(tensor.Float64, shape...)
	rng.New(seed, purpose).At(0, 0, 0).Normals(x.Float64s())
	return x
}

// trained returns a prior that has been trained on the rows (n, d).
func trained(t testing.TB, options string, rows *tensor.Tensor) (contract.FullPrior, contract.Configured) {
	t.Helper()
	s := model(tensor.Float64, rows.Shape[1])
	p := contract.LocalPrior(New())
	c := contract.Config{Options: json.RawMessage(options), Target: []space.Space{s}}
	if _, err := p.Configure(ctx, c); err != nil {
		t.Fatal(err)
	}
	c.Checkpoint = t.TempDir()
	if err := p.Train(ctx, contract.TrainRequest{Dataset: points(t, s, rows, 0), Folder: c.Checkpoint}, nil); err != nil {
		t.Fatal(err)
	}
	out, err := p.Configure(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	return p, out
}

func ok(t testing.TB, status []contract.Status, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range status {
		if s.Code != contract.OK {
			t.Fatalf("item %d: %v", i, s)
		}
	}
}

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s: %.17g, want %.17g (difference %.2g, tolerance %.2g)", what, got, want, got-want, tolerance)
	}
}

const schedule = `"schedule": {"steps": 50, "beta_last": 0.2}`

// TestDenoise1D: the denoiser against the integral it stands for, E[x0 | x_t] = int x0 p(x0) N(x_t; alpha x0, sigma^2) dx0
// over the same with p alone, by the trapezoidal rule, for the training points of the memorization study; and for the
// Gaussian with their mean and variance.
func TestDenoise1D(t *testing.T) {
	train := []float64{-1.5, -0.4, 0.4, 1.2, 2.5}
	mean, variance := 0.44, 9.292/4 // (-1.5-.4+.4+1.2+2.5)/5; (3.7636+.7056+.0016+.5776+4.2436)/4
	gauss := func(x, m, v float64) float64 { return math.Exp(-(x-m)*(x-m)/(2*v)) / math.Sqrt(v) }
	for _, test := range []struct {
		options string
		density func(x float64) float64
	}{
		{`{"width": 0.3, ` + schedule + `}`, func(x float64) float64 {
			sum := 0.0
			for _, m := range train {
				sum += gauss(x, m, 0.09)
			}
			return sum
		}},
		{`{"components": "gaussian", ` + schedule + `}`, func(x float64) float64 { return gauss(x, mean, variance) }},
		{`{"components": "gaussian", "width": 0.5, ` + schedule + `}`, func(x float64) float64 { return gauss(x, mean, variance+0.25) }},
	} {
		p, c := trained(t, test.options, tensor.FromFloat64s(train, 5, 1))
		for _, level := range []int{0, 7, 25, 49} {
			alpha, sigma := c.Schedule.Alpha[level], c.Schedule.Sigma[level]
			x := tensor.FromFloat64s([]float64{-3, -1.4, 0, 0.1, 0.83, 2, 4.5}, 7, 1)
			x0 := c.Latent.New(7)
			levels := []int{level, level, level, level, level, level, level}
			status, err := p.Denoise(ctx, x, levels, x0)
			ok(t, status, err)
			for i, xt := range x.Float64s() {
				num, den := 0.0, 0.0
				const n = 40000 // steps of 1e-3, a tenth of the smallest sigma: the rule's error is below rounding
				for k := range n + 1 {
					u := -20 + 40*float64(k)/n
					w := test.density(u) * math.Exp(-(xt-alpha*u)*(xt-alpha*u)/(2*sigma*sigma))
					num += u * w
					den += w
				}
				near(t, fmt.Sprintf("%s level %d x %g", test.options, level, xt), x0.Float64s()[i], num/den, 1e-11)
			}
		}
	}
}

// TestDenoisePoints: s = 0, the formula of the memorization study, section 1, and its limits: at the first level the
// nearest training example, whose Jacobian vanishes.
func TestDenoisePoints(t *testing.T) {
	const seed, n, d, batch = 1, 12, 3, 9
	rows := normals(seed, "rows", n, d)
	p, c := trained(t, `{`+schedule+`}`, rows)
	x, x0 := normals(seed, "x", batch, d), c.Latent.New(batch)
	level := []int{0, 3, 3, 49, 20, 20, 20, 1, 30}
	status, err := p.Denoise(ctx, x, level, x0)
	ok(t, status, err)
	for i := range batch {
		alpha, sigma := c.Schedule.Alpha[level[i]], c.Schedule.Sigma[level[i]]
		w, top := make([]float64, n), math.Inf(-1)
		for k := range w {
			for j := range d {
				e := x.Item(i).Float64s()[j] - alpha*rows.Item(k).Float64s()[j]
				w[k] -= e * e / (2 * sigma * sigma)
			}
			top = max(top, w[k])
		}
		sum, want := 0.0, make([]float64, d)
		for k := range w {
			v := math.Exp(w[k] - top)
			sum += v
			for j := range d {
				want[j] += v * rows.Item(k).Float64s()[j]
			}
		}
		for j := range d {
			near(t, fmt.Sprintf("seed %d: item %d coordinate %d", seed, i, j), x0.Item(i).Float64s()[j], want[j]/sum, 1e-11) // weights: exp of numbers up to 1e3
		}
	}
	at, dx := rows.Slice(4, 5), c.Latent.New(1)
	status, err = p.Denoise(ctx, at, []int{0}, dx)
	ok(t, status, err)
	for j, v := range dx.Float64s() {
		near(t, "at a training example", v, at.Float64s()[j], 4e-16*math.Abs(v)) // sigma^2 x_n / sigma^2
	}
	status, err = p.DenoiseVJP(ctx, at, []int{0}, normals(seed, "w", 1, d), dx)
	ok(t, status, err)
	for _, v := range dx.Float64s() {
		near(t, "Jacobian at a training example", v, 0, 1e-12)
	}
}

// TestDenoiseVJP: against central differences of Denoise, with Richardson's combination; J is symmetric.
func TestDenoiseVJP(t *testing.T) {
	const seed, n, d, batch = 2, 6, 3, 5
	for _, options := range []string{
		`{"width": 0.4, ` + schedule + `}`, `{` + schedule + `}`, `{"components": "gaussian", ` + schedule + `}`,
	} {
		p, c := trained(t, options, normals(seed, "rows", n, d))
		x, w := normals(seed, "x", batch, d), normals(seed, "w", batch, d)
		level, dx := []int{10, 20, 20, 30, 49}, c.Latent.New(batch)
		status, err := p.DenoiseVJP(ctx, x, level, w, dx)
		ok(t, status, err)
		for j := range d { // w^T dD/dx_j
			central := func(h float64) []float64 {
				a, b := x.Clone(), x.Clone()
				for i := range batch {
					a.Float64s()[i*d+j] += h
					b.Float64s()[i*d+j] -= h
				}
				da, db := c.Latent.New(batch), c.Latent.New(batch)
				status, err := p.Denoise(ctx, a, level, da)
				ok(t, status, err)
				status, err = p.Denoise(ctx, b, level, db)
				ok(t, status, err)
				out := make([]float64, batch)
				for i := range batch {
					for q := range d {
						out[i] += w.Float64s()[i*d+q] * (da.Float64s()[i*d+q] - db.Float64s()[i*d+q]) / (2 * h)
					}
				}
				return out
			}
			one, two := central(1e-3), central(2e-3)
			for i := range batch {
				near(t, fmt.Sprintf("seed %d: %s item %d coordinate %d", seed, options, i, j), dx.Float64s()[i*d+j], (4*one[i]-two[i])/3, 1e-7)
			}
		}
	}
}

// TestMixture: the two forms; the Gaussian's factor squares to the unbiased covariance, also where it is singular.
func TestMixture(t *testing.T) {
	const seed = 3
	for _, test := range []struct {
		n, d  int
		width float64
	}{{50, 4, 0}, {50, 4, 0.5}, {4, 4, 0}, {3, 6, 0}, {3, 6, 0.1}, {2, 3, 0}} {
		rows := normals(seed, "rows", test.n, test.d)
		for i := range test.n { // coordinates of very different scale, one of them constant
			r := rows.Item(i).Float64s()
			r[0] *= 1e-7
			r[test.d-1] = 5
		}
		p, _ := trained(t, fmt.Sprintf(`{"components": "gaussian", "width": %g}`, test.width), rows)
		m, err := p.Mixture(ctx)
		if err != nil {
			t.Fatal(err)
		}
		d := test.d
		if err := errors.Join(m.Means.Check("means", tensor.Float64, 1, d), m.Covariance.Check("covariance", tensor.Float64, d, d),
			m.Weights.Check("weights", tensor.Float64, 1)); err != nil {
			t.Fatal(err)
		}
		l, x := m.Covariance.Float64s(), rows.Float64s()
		mean := make([]float64, d)
		for j := range d {
			for i := range test.n {
				mean[j] += x[i*d+j] / float64(test.n)
			}
			near(t, "mean", m.Means.Float64s()[j], mean[j], 1e-14*(1+math.Abs(mean[j])))
		}
		cov := func(i, j int) float64 {
			sum := 0.0
			for k := range test.n {
				sum += (x[k*d+i] - mean[i]) * (x[k*d+j] - mean[j]) / float64(test.n-1)
			}
			if i == j {
				sum += test.width * test.width
			}
			return sum
		}
		for i := range d {
			if l[i*d+i] < 0 {
				t.Errorf("factor[%d,%d] = %g, the diagonal of a Cholesky factor is not negative", i, i, l[i*d+i])
			}
			for j := range d {
				if j > i && l[i*d+j] != 0 {
					t.Errorf("factor[%d,%d] = %g above the diagonal", i, j, l[i*d+j])
				}
				sum := 0.0
				for k := range d {
					sum += l[i*d+k] * l[j*d+k]
				}
				near(t, fmt.Sprintf("seed %d: %+v: covariance[%d,%d]", seed, test, i, j), sum, cov(i, j),
					1e-13*math.Sqrt(cov(i, i)*cov(j, j))+1e-28)
			}
		}
		// The singular ones denoise too: finite at every level.
		z, x0 := normals(seed, "z", 3, d), tensor.New(tensor.Float64, 3, d)
		status, err := p.Denoise(ctx, z, []int{0, 10, 999}, x0)
		ok(t, status, err)
	}
	rows := normals(seed, "rows", 7, 2)
	p, _ := trained(t, `{"width": 0.25}`, rows)
	m, err := p.Mixture(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(m.Means.Float64s(), rows.Float64s()) || !slices.Equal(m.Covariance.Float64s(), []float64{0.0625}) || m.Weights.Len() != 7 {
		t.Errorf("mixture of the examples: %+v", m)
	}
	m.Means.Zero() // a copy
	again, err := p.Mixture(ctx)
	if err != nil || !slices.Equal(again.Means.Float64s(), rows.Float64s()) {
		t.Errorf("the caller's changes show: %v %v", again.Means.Float64s(), err)
	}
}

// TestBatch: an item's bits are the same alone, in a batch, beside a bad item, and with any number of threads.
func TestBatch(t *testing.T) {
	const seed, n, d, batch, bad = 4, 40, 5, 70, 33
	rows := normals(seed, "rows", n, d)
	s := model(tensor.Float64, d)
	for _, options := range []string{`{"width": 0.1}`, `{"components": "gaussian"}`} {
		p := contract.LocalPrior(New())
		c := contract.Config{Options: json.RawMessage(options), Target: []space.Space{s}}
		if _, err := p.Configure(ctx, c); err != nil {
			t.Fatal(err)
		}
		c.Checkpoint = t.TempDir()
		if err := p.Train(ctx, contract.TrainRequest{Dataset: points(t, s, rows, 0), Folder: c.Checkpoint}, nil); err != nil {
			t.Fatal(err)
		}
		x, w, level := normals(seed, "x", batch, d), normals(seed, "w", batch, d), make([]int, batch)
		for i := range level {
			level[i] = (i / 3) * 37 % 1000
		}
		x.Item(bad).Float64s()[2] = math.NaN()
		var first []*tensor.Tensor
		for _, threads := range []int{0, 1, 2, 3, 8} {
			c.Threads = threads
			if _, err := p.Configure(ctx, c); err != nil {
				t.Fatal(err)
			}
			for _, size := range []int{batch, 1, 7} {
				out := []*tensor.Tensor{tensor.New(tensor.Float64, batch, d), tensor.New(tensor.Float64, batch, d)}
				for lo := 0; lo < batch; lo += size {
					hi := min(lo+size, batch)
					for k, call := range []func() ([]contract.Status, error){
						func() ([]contract.Status, error) {
							return p.Denoise(ctx, x.Slice(lo, hi), level[lo:hi], out[0].Slice(lo, hi))
						},
						func() ([]contract.Status, error) {
							return p.DenoiseVJP(ctx, x.Slice(lo, hi), level[lo:hi], w.Slice(lo, hi), out[1].Slice(lo, hi))
						},
					} {
						status, err := call()
						if err != nil {
							t.Fatal(err)
						}
						for i := lo; i < hi; i++ {
							st := contract.StatusAt(status, i-lo)
							if (st.Code == contract.OK) == (i == bad) || i == bad && !strings.Contains(st.Text, "NaN") {
								t.Errorf("call %d item %d: %v", k, i, st)
							}
						}
					}
				}
				if first == nil {
					first = out
				}
				for k := range out {
					for i := range batch {
						if i != bad && !slices.Equal(out[k].Item(i).Float64s(), first[k].Item(i).Float64s()) {
							t.Fatalf("%s: %d threads, batches of %d: call %d item %d has other bits", options, threads, size, k, i)
						}
					}
				}
			}
		}
	}
}
