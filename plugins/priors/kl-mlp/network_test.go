package klmlp

import (
	"math"
	"path/filepath"
	"testing"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/safetensors"
	"github.com/waveprior/waveprior/core/tensor"
)

// reference is the network of the memorisation study in float64, by its definition, with the running mean of a checkpoint.
type reference struct {
	d, width, blocks int
	p                map[string][]float64
}

func readReference(t *testing.T, folder string, d, width, blocks int) *reference {
	t.Helper()
	f, err := safetensors.Read(filepath.Join(folder, CheckpointName))
	if err != nil {
		t.Fatal(err)
	}
	r := &reference{d: d, width: width, blocks: blocks, p: map[string][]float64{}}
	for _, name := range f.Names() {
		v, err := f.Tensor(name)
		if err != nil {
			t.Fatal(err)
		}
		r.p[name] = v.AppendReals(nil)
	}
	return r
}

// linear is x W + b, W (in, out).
func (r *reference) linear(name string, x []float64, out int) []float64 {
	w, b := r.p["ema."+name+".weight"], r.p["ema."+name+".bias"]
	y := append([]float64(nil), b...)
	for i, v := range x {
		for o := range out {
			y[o] += v * w[i*out+o]
		}
	}
	return y
}

func gelu(x float64) float64 { return 0.5 * x * (1 + math.Erf(x/math.Sqrt2)) }

func (r *reference) noise(x []float64, t int) []float64 {
	in := append([]float64(nil), x...)
	for _, f := range []func(float64) float64{math.Sin, math.Cos} {
		for i := range 128 {
			in = append(in, f(float64(t)*math.Exp(-float64(i)*math.Log(10000)/127)))
		}
	}
	h := r.linear("in", in, r.width)
	for i := range h {
		h[i] = gelu(h[i])
	}
	for b := range r.blocks {
		name := "blocks." + string(rune('0'+b))
		u := r.linear(name+".linear", h, r.width)
		mean, variance := 0.0, 0.0
		for _, v := range u {
			mean += v / float64(r.width)
		}
		for _, v := range u {
			variance += (v - mean) * (v - mean) / float64(r.width)
		}
		gamma, beta := r.p["ema."+name+".norm.weight"], r.p["ema."+name+".norm.bias"]
		for i, v := range u {
			h[i] += gelu(gamma[i]*(v-mean)/math.Sqrt(variance+1e-5) + beta[i])
		}
	}
	return r.linear("out", h, r.d)
}

// TestNetwork: Denoise is (x - sigma eps)/alpha with the study's network in float64, DenoiseVJP its gradient by central
// differences, and mean and standard deviation are those of the training set's coordinates.
func TestNetwork(t *testing.T) {
	s := earth(tensor.Float32, 12, 9)
	set := fields(t, s, 3, 20, false)
	p, folder := New(), t.TempDir()
	configuredAt(t, p, tiny, "", 2, s)
	if err := p.Train(ctx, contract.TrainRequest{Dataset: set, Folder: folder}, nil); err != nil {
		t.Fatal(err)
	}
	c := configuredAt(t, p, tiny, folder, 2, s)
	r := readReference(t, folder, 9, 64, 2)

	raw, err := p.cfg.coordinates(set)
	if err != nil {
		t.Fatal(err)
	}
	for k := range 9 {
		sum, squares := 0.0, 0.0
		for i := range 20 {
			sum += raw[i*9+k]
			squares += raw[i*9+k] * raw[i*9+k]
		}
		mean, std := sum/20, math.Sqrt((squares-sum*sum/20)/19)+1e-5
		if math.Abs(p.cfg.mean[k]-mean) > 1e-12 || math.Abs(p.cfg.std[k]-std) > 1e-12 {
			t.Errorf("coordinate %d: mean %g, std %g, want %g, %g", k, p.cfg.mean[k], p.cfg.std[k], mean, std)
		}
	}

	const batch = 7
	x, w := normals(*c.Latent, 5, batch), normals(*c.Latent, 6, batch)
	level := []int{0, 3, 10, 20, 30, 40, 49}
	x0, dx := c.Latent.New(batch), c.Latent.New(batch)
	status, err := p.Denoise(ctx, x, level, x0)
	ok(t, status, err)
	status, err = p.DenoiseVJP(ctx, x, level, w, dx)
	ok(t, status, err)
	for i, at := range level {
		alpha, sigma := c.Schedule.Alpha[at], c.Schedule.Sigma[at]
		denoise := func(x []float64) []float64 {
			y := r.noise(x, at)
			for k := range y {
				y[k] = (x[k] - sigma*y[k]) / alpha
			}
			return y
		}
		xi := x.Item(i).AppendReals(nil)
		for k, v := range denoise(xi) {
			if got := float64(x0.Item(i).Float32s()[k]); math.Abs(got-v) > 1e-5*(1+math.Abs(v)) {
				t.Errorf("level %d: coordinate %d of x0 is %g, want %g", at, k, got, v)
			}
		}
		const h = 1e-5
		for k := range xi {
			keep, want := xi[k], 0.0
			xi[k] = keep + h
			up := denoise(xi)
			xi[k] = keep - h
			down := denoise(xi)
			xi[k] = keep
			for n := range up {
				want += float64(w.Item(i).Float32s()[n]) * (up[n] - down[n]) / (2 * h)
			}
			if got := float64(dx.Item(i).Float32s()[k]); math.Abs(got-want) > 1e-4*(1+math.Abs(want)) {
				t.Errorf("level %d: coordinate %d of the gradient is %g, by differences %g", at, k, got, want)
			}
		}
	}
}
