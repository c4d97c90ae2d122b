package nn_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/waveprior/waveprior/core/nn"
	"github.com/waveprior/waveprior/core/safetensors"
	"github.com/waveprior/waveprior/core/tensor"
)

// trained writes a checkpoint of a short training and returns it.
func trained(t testing.TB) (*study[float32], string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "net.safetensors")
	s := newStudy[float32](t, 2, 5, path)
	s.Strings = map[string]string{"epoch": "3"}
	must(t, s.Run(context.Background()))
	return s, path
}

// declared is the study's network in a new store.
func declared(t testing.TB, mode nn.Mode) *nn.Store[float32] {
	t.Helper()
	s := nn.NewStore[float32](device(t, 1))
	declareMLP(s, mlp{dim: studyDim, embed: nn.TimeWidth, width: 48, blocks: 2})
	must(t, s.Allocate(mode))
	return s
}

// Loading for training gives all arrays back, for inference the running mean as the value.
func TestLoad(t *testing.T) {
	from, path := trained(t)
	s := declared(t, nn.ForTraining)
	st, err := s.Load(path, from.Architecture)
	must(t, err)
	if st.Step != 5 || st.Strings["epoch"] != "3" || st.Optimiser != from.Adam.String() || st.Architecture != from.Architecture {
		t.Errorf("state %+v", st)
	}
	for _, w := range []nn.Weights{nn.Value, nn.EMA, nn.First, nn.Second} {
		if !equal(all(t, s, w), all(t, from.store, w)) {
			t.Errorf("array %v is not what was saved", w)
		}
	}
	i := declared(t, nn.ForInference)
	_, err = i.Load(path, from.Architecture)
	must(t, err)
	if mean := all(t, from.store, nn.EMA); !equal(all(t, i, nn.Value), mean) || equal(mean, all(t, from.store, nn.Value)) {
		t.Error("inference does not have the running mean, or the mean is the value")
	}
	if 5*i.Bytes(nn.ForInference) != i.Bytes(nn.ForTraining) {
		t.Errorf("inference takes %d bytes, training %d", i.Bytes(nn.ForInference), i.Bytes(nn.ForTraining))
	}
	if _, err := i.Get(nn.Grad, "in.weight"); err == nil {
		t.Error("a store for inference has gradients")
	}
}

// A file that does not fit is refused with ErrCheckpoint, an error that names the file and what is wrong, and a store that
// is as it was.
func TestLoadRefuses(t *testing.T) {
	from, path := trained(t)
	whole := file(t, path)
	rewrite := func(change func(tensors map[string]*tensor.Tensor, meta map[string]string)) func(string) {
		return func(path string) {
			f, err := safetensors.Read(path)
			must(t, err)
			tensors, meta := map[string]*tensor.Tensor{}, maps.Clone(f.Header.Metadata)
			for _, name := range f.Names() {
				tensors[name], err = f.Tensor(name)
				must(t, err)
			}
			change(tensors, meta)
			must(t, safetensors.Write(path, tensors, meta))
		}
	}
	type named = map[string]*tensor.Tensor
	type text = map[string]string
	for name, c := range map[string]struct {
		change func(path string)
		says   []string
	}{
		"cut":          {func(p string) { must(t, os.Truncate(p, int64(len(whole)-1))) }, []string{"cut"}},
		"cut header":   {func(p string) { must(t, os.Truncate(p, 100)) }, []string{"cut"}},
		"empty":        {func(p string) { must(t, os.Truncate(p, 0)) }, []string{"0 bytes"}},
		"longer":       {func(p string) { must(t, os.WriteFile(p, append(whole[:len(whole):len(whole)], 0), 0o666)) }, []string{"too many"}},
		"not one":      {func(p string) { must(t, os.WriteFile(p, []byte("hello, this is a text"), 0o666)) }, []string{"header"}},
		"other format": {rewrite(func(_ named, m text) { m["format"] = "waveprior.gmm/1" }), []string{"waveprior.gmm/1", "waveprior.nn/1"}},
		"architecture": {rewrite(func(_ named, m text) { m["architecture"] = "unet" }), []string{`"unet"`, "test mlp 48x2"}},
		"step":         {rewrite(func(_ named, m text) { m["step"] = "-3" }), []string{`step is "-3"`}},
		"no step":      {rewrite(func(_ named, m text) { delete(m, "step") }), []string{`step is ""`}},
		"missing":      {rewrite(func(n named, _ text) { delete(n, "m.blocks.1.norm.bias") }), []string{"m.blocks.1.norm.bias"}},
		"superfluous":  {rewrite(func(n named, _ text) { n["value.more"] = tensor.New(tensor.Float32, 2) }), []string{"value.more", "no parameter"}},
		"shape": {rewrite(func(n named, _ text) { n["v.in.weight"] = tensor.New(tensor.Float32, 48, 262) }),
			[]string{"v.in.weight", "[48 262]", "[262 48]"}},
		"dtype": {rewrite(func(n named, _ text) { n["ema.out.bias"] = tensor.New(tensor.Float64, 6) }), []string{"ema.out.bias", "float64", "float32"}},
		"not finite": {rewrite(func(n named, _ text) { n["ema.out.bias"].Float32s()[4] = float32(math.Inf(-1)) }),
			[]string{"ema.out.bias", "element 4", "-Inf"}},
	} {
		t.Run(name, func(t *testing.T) {
			bad := filepath.Join(t.TempDir(), "bad.safetensors")
			must(t, os.WriteFile(bad, whole, 0o666))
			c.change(bad)
			for _, mode := range []nn.Mode{nn.ForTraining, nn.ForInference} {
				s := declared(t, mode)
				_, err := s.Load(bad, from.Architecture)
				if !errors.Is(err, nn.ErrCheckpoint) {
					t.Fatalf("error %v, want ErrCheckpoint", err)
				}
				for _, part := range append(c.says, "bad.safetensors") {
					if !strings.Contains(err.Error(), part) {
						t.Errorf("error %q does not say %q", err, part)
					}
				}
				for _, x := range all(t, s, nn.Value) {
					if x != 0 {
						t.Fatal("a file that was refused changed the store")
					}
				}
			}
		})
	}
	// Every length short of the whole is refused.
	bad := filepath.Join(t.TempDir(), "bad.safetensors")
	header := 8 + int(binary.LittleEndian.Uint64(whole))
	for _, n := range []int{1, 7, 8, header - 1, header, header + 1, len(whole) / 2} {
		must(t, os.WriteFile(bad, whole[:n], 0o666))
		if _, err := declared(t, nn.ForInference).Load(bad, from.Architecture); !errors.Is(err, nn.ErrCheckpoint) {
			t.Errorf("%d bytes of %d: error %v", n, len(whole), err)
		}
	}
	if _, err := declared(t, nn.ForInference).Load(bad+"x", from.Architecture); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: error %v", err)
	}
	if there, err := nn.Exists(bad + "x"); there || err != nil {
		t.Errorf("Exists of no file: %v, %v", there, err)
	}
}

// Initial parameters: within the bound, with the moments of a uniform distribution, the same for a parameter whatever else
// is declared, others for another seed or name.
func TestInit(t *testing.T) {
	build := func(seed uint64, names ...string) *nn.Store[float64] {
		s := nn.NewStore[float64](device(t, 1))
		for _, n := range names {
			s.Linear(n, 400, 100)
		}
		s.LayerNorm("norm", 10)
		must(t, s.Allocate(nn.ForTraining))
		must(t, s.Init(seed))
		return s
	}
	get := func(s *nn.Store[float64], w nn.Weights, name string) []float64 {
		v, err := s.Get(w, name)
		must(t, err)
		return v.Float64s()
	}
	a, b := build(1, "x", "y"), build(1, "y")
	for _, p := range []string{"y.weight", "y.bias"} {
		v := get(a, nn.Value, p)
		if !equal(v, get(b, nn.Value, p)) {
			t.Errorf("%s depends on what else is declared", p)
		}
		if !equal(v, get(a, nn.EMA, p)) {
			t.Errorf("%s: the running mean does not start there", p)
		}
		for what, w := range map[string][]float64{"name": get(a, nn.Value, strings.Replace(p, "y", "x", 1)), "seed": get(build(2, "y"), nn.Value, p)} {
			if w[0] == v[0] || w[len(w)-1] == v[len(v)-1] {
				t.Errorf("%s: another %s gives the same numbers", p, what)
			}
		}
	}
	const bound = 1.0 / 20
	v := get(a, nn.Value, "y.weight")
	var mean, square, largest float64
	for _, x := range v {
		mean, square, largest = mean+x/float64(len(v)), square+x*x/float64(len(v)), max(largest, math.Abs(x))
	}
	// Standard errors of mean and mean square of 40000 uniform numbers: 0.0029 and 0.0015 of the bound and its square.
	if math.Abs(mean) > 0.012*bound || math.Abs(square/(bound*bound)-1.0/3) > 0.006 || largest > bound || largest < 0.999*bound {
		t.Errorf("y.weight: mean %g, mean square %g bound^2, largest %g bound", mean, square/(bound*bound), largest/bound)
	}
	if g, o := get(a, nn.Value, "norm.weight"), get(a, nn.Value, "norm.bias"); g[9] != 1 || o[9] != 0 {
		t.Errorf("the norm starts at %g and %g", g[9], o[9])
	}
}

// Wrong declarations are the error of Allocate.
func TestStoreRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		declare func(s *nn.Store[float32])
		says    string
	}{
		"twice":    {func(s *nn.Store[float32]) { s.Linear("a", 2, 2); s.Linear("a", 2, 3) }, `"a.weight": the name is taken`},
		"empty":    {func(s *nn.Store[float32]) { s.Linear("a", 2, 0) }, "[2 0]"},
		"negative": {func(s *nn.Store[float32]) { s.LayerNorm("a", -2) }, "[-2]"},
		"huge":     {func(s *nn.Store[float32]) { s.Linear("a", 1<<40, 1<<40) }, "too many"},
		"big":      {func(s *nn.Store[float32]) { s.Linear("a", 1<<21, 1<<20) }, "MiB of memory are free"},
	} {
		s := nn.NewStore[float32](device(t, 1))
		c.declare(s)
		if err := s.Allocate(nn.ForTraining); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: error %v, want one that says %q", name, err, c.says)
		}
	}
	s := nn.NewStore[float32](device(t, 1))
	s.Linear("a", 2, 2)
	if _, err := nn.NewTape(s, nn.Value, true); err == nil {
		t.Error("a tape of a store without memory: no error")
	}
	must(t, s.Allocate(nn.ForInference))
	if err := s.Allocate(nn.ForTraining); err == nil {
		t.Error("allocated twice: no error")
	}
	if err := s.Set(nn.Value, "b", tensor.New(tensor.Float32, 2)); err == nil {
		t.Error("an unknown parameter: no error")
	}
	if err := s.Set(nn.Value, "a.bias", tensor.New(tensor.Float32, 3)); !errors.Is(err, tensor.ErrShape) {
		t.Errorf("a wrong shape: %v", err)
	}
	if err := s.Save(filepath.Join(t.TempDir(), "x"), nn.State{}); err == nil {
		t.Error("a store for inference was saved")
	}
	if _, err := s.Step(nn.Adam{Schedule: nn.Constant(1)}, 0); err == nil {
		t.Error("a store for inference took a step")
	}
}
