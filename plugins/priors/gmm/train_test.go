package gmm

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/dataset"
	"github.com/waveprior/waveprior/core/safetensors"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
)

func untrained(t *testing.T, options string, target ...space.Space) contract.FullPrior {
	t.Helper()
	p := contract.LocalPrior(New())
	if _, err := p.Configure(ctx, contract.Config{Options: json.RawMessage(options), Target: target}); err != nil {
		t.Fatal(err)
	}
	return p
}

// TestCheckpointBytes: the same set in other shards, trained again over the old file, gives the same file; the numbers are
// the training set's. Progress counts every example.
func TestCheckpointBytes(t *testing.T) {
	const seed, n, d = 6, 23, 4
	s := model(tensor.Float32, d)
	rows := s.New(n)
	rows.SetReals(normals(seed, "rows", n, d).Float64s())
	for _, components := range []string{"training", "gaussian"} {
		p := untrained(t, `{"components": "`+components+`"}`, s)
		var first []byte
		folder := filepath.Join(t.TempDir(), "not", "there", "yet")
		for _, shard := range []int{0, 1, 5, 5} {
			var last contract.TrainProgress
			err := p.Train(ctx, contract.TrainRequest{Dataset: points(t, s, rows, shard), Folder: folder}, func(r contract.TrainProgress) error {
				last = r
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if last.Step != last.Steps || last.Steps%n != 0 || last.Steps == 0 || !(last.Rate > 0) {
				t.Errorf("%s: last progress %+v", components, last)
			}
			b, err := os.ReadFile(filepath.Join(folder, CheckpointName))
			if err != nil {
				t.Fatal(err)
			}
			if first == nil {
				first = b
			}
			if !slices.Equal(b, first) {
				t.Errorf("%s: shards of %d give another checkpoint", components, shard)
			}
		}
		left, err := os.ReadDir(folder)
		if err != nil || len(left) != 1 {
			t.Errorf("%s: the folder has %v, %v", components, left, err)
		}
		// Without a target the checkpoint says what models are like.
		c, err := p.Configure(ctx, contract.Config{Options: json.RawMessage(`{"components": "` + components + `"}`), Checkpoint: folder})
		if err != nil {
			t.Fatal(err)
		}
		if c.Model.DType != tensor.Float32 || c.Model.Len() != d || c.Model.Name != "model" || c.Latent.DType != tensor.Float64 {
			t.Errorf("%s: spaces %v, %v", components, c.Model, c.Latent)
		}
		m, err := p.Mixture(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if components == "training" && !slices.Equal(m.Means.Float64s(), rows.AppendReals(nil)) {
			t.Errorf("means %v, want %v", m.Means.Float64s(), rows.AppendReals(nil))
		}
	}
}

func TestTrainErrors(t *testing.T) {
	s := model(tensor.Float64, 2)
	rows := normals(7, "rows", 5, 2)
	set := points(t, s, rows, 0)
	bad := rows.Clone()
	bad.Float64s()[7] = math.NaN()
	for _, test := range []struct {
		name, options, set, want string
		err                      error
	}{
		{"another shape", `{}`, points(t, model(tensor.Float64, 3), normals(7, "3", 5, 3), 0), "coordinate 3", tensor.ErrShape},
		{"NaN", `{}`, points(t, s, bad, 0), "example 3 has NaN at element 1", contract.ErrInvalidOption},
		{"NaN", `{"components": "gaussian"}`, points(t, s, bad, 2), "example 3 has NaN at element 1", contract.ErrInvalidOption},
		{"one example", `{"components": "gaussian"}`, points(t, s, rows.Slice(0, 1), 0), "2 training examples or more, the set has 1", contract.ErrInvalidOption},
		{"no dataset", `{}`, set + "x", "dataset.jsonx", os.ErrNotExist},
		{"no manifest", `{}`, filepath.Join(filepath.Dir(set), "00000.npy"), "not JSON", dataset.ErrManifest},
	} {
		folder := t.TempDir()
		err := untrained(t, test.options, s).Train(ctx, contract.TrainRequest{Dataset: test.set, Folder: folder}, nil)
		if !errors.Is(err, test.err) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %v with %q", test.name, err, test.err, test.want)
		}
		if left, _ := os.ReadDir(folder); len(left) != 0 {
			t.Errorf("%s: left %v", test.name, left)
		}
	}
	if err := New().Train(ctx, contract.TrainRequest{Dataset: set, Folder: t.TempDir()}, nil); !errors.Is(err, contract.ErrNotConfigured) {
		t.Errorf("Train before Configure: %v", err)
	}
	stopped, stop := context.WithCancel(ctx)
	stop()
	if err := untrained(t, `{}`, s).Train(stopped, contract.TrainRequest{Dataset: set, Folder: t.TempDir()}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	enough := errors.New("enough")
	if err := untrained(t, `{}`, s).Train(ctx, contract.TrainRequest{Dataset: set, Folder: t.TempDir()}, func(contract.TrainProgress) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("report's error: %v", err)
	}
}

func TestBadCheckpoints(t *testing.T) {
	s := model(tensor.Float64, 2)
	set := points(t, s, normals(8, "rows", 5, 2), 0)
	means, cov := tensor.FromFloat64s([]float64{1, 2}, 1, 2), tensor.FromFloat64s([]float64{2, 0.5, 0.5, 1}, 2, 2)
	sp, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	write := func(tensors map[string]*tensor.Tensor, meta map[string]string) func(t *testing.T, path string) {
		return func(t *testing.T, path string) {
			if err := safetensors.Write(path, tensors, meta); err != nil {
				t.Fatal(err)
			}
		}
	}
	good := map[string]string{"format": checkpointFormat, "components": "gaussian", "space": string(sp)}
	with := func(key, value string) map[string]string {
		m := map[string]string{}
		for k, v := range good {
			m[k] = v
		}
		m[key] = value
		return m
	}
	type tensors = map[string]*tensor.Tensor
	for _, test := range []struct {
		name, want string
		spoil      func(t *testing.T, path string)
	}{
		{"missing", "no such file", func(t *testing.T, path string) { _ = os.Remove(path) }},
		{"cut", CheckpointName, func(t *testing.T, path string) {
			if err := os.Truncate(path, 100); err != nil {
				t.Fatal(err)
			}
		}},
		{"empty", CheckpointName, func(t *testing.T, path string) {
			if err := os.Truncate(path, 0); err != nil {
				t.Fatal(err)
			}
		}},
		{"foreign", "not a checkpoint of prior gmm", write(tensors{"means": means}, nil)},
		{"components", `components = "training"`, write(tensors{"means": means, "covariance": cov}, with("components", "training"))},
		{"space", "not JSON", write(tensors{"means": means, "covariance": cov}, with("space", "{"))},
		{"no covariance", "covariance", write(tensors{"means": means}, good)},
		{"two means", "want float64 [1 2]", write(tensors{"means": tensor.New(tensor.Float64, 2, 2), "covariance": cov}, good)},
		{"covariance of another size", "want float64 [2 2]", write(tensors{"means": means, "covariance": tensor.New(tensor.Float64, 4)}, good)},
		{"not positive", "not positive semidefinite", write(tensors{"means": means, "covariance": tensor.FromFloat64s([]float64{1, 3, 3, 1}, 2, 2)}, good)},
		{"negative variance", "coordinate 1 is -1", write(tensors{"means": means, "covariance": tensor.FromFloat64s([]float64{1, 0, 0, -1}, 2, 2)}, good)},
		{"not symmetric", "not symmetric", write(tensors{"means": means, "covariance": tensor.FromFloat64s([]float64{1, 0, 0.1, 1}, 2, 2)}, good)},
		{"NaN mean", "all finite", write(tensors{"means": tensor.FromFloat64s([]float64{1, math.NaN()}, 1, 2), "covariance": cov}, good)},
		{"NaN covariance", "not finite", write(tensors{"means": means, "covariance": tensor.FromFloat64s([]float64{1, 0, 0, math.Inf(1)}, 2, 2)}, good)},
	} {
		p, folder := untrained(t, `{"components": "gaussian"}`, s), t.TempDir()
		if err := p.Train(ctx, contract.TrainRequest{Dataset: set, Folder: folder}, nil); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(folder, CheckpointName)
		test.spoil(t, path)
		_, err := p.Configure(ctx, contract.Config{Options: json.RawMessage(`{"components": "gaussian"}`), Target: []space.Space{s}, Checkpoint: folder})
		if !errors.Is(err, contract.ErrCheckpoint) || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v, want ErrCheckpoint with the path and %q", test.name, err, test.want)
		}
	}
	p, folder := untrained(t, `{}`, s), t.TempDir()
	if err := p.Train(ctx, contract.TrainRequest{Dataset: set, Folder: folder}, nil); err != nil {
		t.Fatal(err)
	}
	_, err = p.Configure(ctx, contract.Config{Options: json.RawMessage(`{}`), Target: []space.Space{model(tensor.Float64, 3)}, Checkpoint: folder})
	if !errors.Is(err, contract.ErrCheckpoint) || !strings.Contains(err.Error(), "coordinate 3") {
		t.Errorf("checkpoint of another dimension: %v", err)
	}
}

func TestConfigureErrors(t *testing.T) {
	s := model(tensor.Float64, 2)
	for options, want := range map[string]string{
		`{"components": "trainin"}`:         "training",
		`{"width": -1}`:                     "width",
		`{"sigma": 1}`:                      "sigma",
		`{"schedule": {"kind": "cosine"}}`:  "sqrt-linear",
		`{"schedule": {"steps": 0}}`:        "steps",
		`{"schedule": {"beta_first": 0.1}}`: "0 < first <= last < 1",
	} {
		_, err := New().Configure(ctx, contract.Config{Options: json.RawMessage(options), Target: []space.Space{s}})
		if !errors.Is(err, contract.ErrInvalidOption) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want ErrInvalidOption with %q", options, err, want)
		}
	}
	if _, err := New().Configure(ctx, contract.Config{Options: json.RawMessage(`{}`)}); !errors.Is(err, contract.ErrInvalidOption) {
		t.Errorf("no target: %v", err)
	}
	if _, err := New().Configure(ctx, contract.Config{Options: json.RawMessage(`{}`), Target: []space.Space{model(tensor.Complex64, 2)}}); !errors.Is(err, contract.ErrUnsupported) {
		t.Errorf("complex model: %v", err)
	}
	if _, err := New().Configure(ctx, contract.Config{Options: json.RawMessage(`{}`), Target: []space.Space{s}, Device: "cuda:99"}); !errors.Is(err, contract.ErrUnsupported) {
		t.Errorf("device: %v", err)
	}
}

func TestCallErrors(t *testing.T) {
	s := model(tensor.Float64, 2)
	x, x0 := tensor.New(tensor.Float64, 3, 2), tensor.New(tensor.Float64, 3, 2)
	level := []int{0, 1, 2}
	if _, err := New().Decode(ctx, x, x0, nil); !errors.Is(err, contract.ErrNotConfigured) {
		t.Errorf("Decode before Configure: %v", err)
	}
	p := untrained(t, `{}`, s)
	for what, err := range map[string]error{
		"Denoise": second(p.Denoise(ctx, x, level, x0)), "DenoiseVJP": second(p.DenoiseVJP(ctx, x, level, x, x0)),
		"Mixture": func() error { _, err := p.Mixture(ctx); return err }(),
	} {
		if !errors.Is(err, contract.ErrNotConfigured) || !strings.Contains(err.Error(), "run Train") {
			t.Errorf("%s before training: %v", what, err)
		}
	}
	q, _ := trained(t, `{}`, normals(9, "rows", 4, 2))
	for what, err := range map[string]error{
		"dtype":     second(q.Denoise(ctx, tensor.New(tensor.Float32, 3, 2), level, x0)),
		"batch":     second(q.Denoise(ctx, x, level, x0.Slice(0, 2))),
		"levels":    second(q.Denoise(ctx, x, level[:2], x0)),
		"cotangent": second(q.DenoiseVJP(ctx, x, level, x.Slice(0, 1), x0)),
		"model":     second(q.Decode(ctx, x, tensor.New(tensor.Float64, 3, 3), nil)),
		"sets":      second(q.DecodeJVP(ctx, x, tensor.New(tensor.Float64, 2, 1, 2), tensor.New(tensor.Float64, 3, 1, 2), nil)),
		"K":         second(q.DecodeVJP(ctx, x, tensor.New(tensor.Float64, 1, 2, 2), nil, tensor.New(tensor.Float64, 3, 1, 2))),
		"no w":      second(q.DecodeVJP(ctx, x, nil, nil, tensor.New(tensor.Float64, 3, 1, 2))),
	} {
		if !errors.Is(err, tensor.ErrShape) {
			t.Errorf("wrong %s: %v", what, err)
		}
	}
	for _, bad := range []int{-1, 1000} {
		if _, err := q.Denoise(ctx, x, []int{0, bad, 0}, x0); !errors.Is(err, contract.ErrShape) || !strings.Contains(err.Error(), "0..999") {
			t.Errorf("level %d: %v", bad, err)
		}
	}
	far := tensor.FromFloat64s([]float64{1e200, 0}, 1, 2)
	status, err := q.Denoise(ctx, far, []int{3}, x0.Slice(0, 1))
	if err != nil || contract.StatusAt(status, 0).Code != contract.Diverged || !strings.Contains(status[0].Text, "1e+200") {
		t.Errorf("far out: %v %v", status, err)
	}
}

func TestDescribe(t *testing.T) {
	d := contract.LocalPrior(New()).Describe()
	for _, c := range []contract.Capability{contract.CapTrain, contract.CapDenoise, contract.CapDenoiseVJP, contract.CapDecode,
		contract.CapDecodeVJP, contract.CapDecodeJVP, contract.CapEncode, contract.CapMixture} {
		if !d.Has(c) {
			t.Errorf("no capability %s", c)
		}
	}
	if d.Kind != contract.KindPrior || d.Name != "gmm" || len(d.Options) != 6 {
		t.Errorf("description %+v", d)
	}
}

// TestOwnModels: a mixture in a quantity and on a grid of its own, trained on another solver's models, against the adapters
// applied by hand; the checkpoint of another quantity is refused, and options that do not fit are.
func TestOwnModels(t *testing.T) {
	grid := func(nz, nx int) []space.Axis {
		return []space.Axis{{Name: "field", Size: 1}, {Name: "z", Unit: "m", Size: nz, Step: 10}, {Name: "x", Unit: "m", Size: nx, Step: 10}}
	}
	target := space.Space{Name: "model", DType: tensor.Float32, Axes: grid(8, 6), Quantities: []space.Quantity{{Name: "vp", Unit: "m/s"}}}
	const own = `{"quantity": "squared_slowness", "unit": "s2/km2", "grid": {"nz": 4}}`
	p := untrained(t, own, target)
	rows := target.New(3)
	v := make([]float64, rows.Len())
	for i := range v {
		v[i] = 2000 + 10*float64(i%37)
	}
	rows.SetReals(v)
	folder := t.TempDir()
	if err := p.Train(ctx, contract.TrainRequest{Dataset: points(t, target, rows, 0), Folder: folder}, nil); err != nil {
		t.Fatal(err)
	}
	c, err := p.Configure(ctx, contract.Config{Options: json.RawMessage(own), Target: []space.Space{target}, Checkpoint: folder})
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Model.ItemShape(); !slices.Equal(got, []int{1, 4, 6}) || c.Model.Axes[1].Step != 20 || c.Model.Axes[1].Origin != 5 || c.Model.Quantities[0].Name != "squared_slowness" {
		t.Fatalf("model %v from %g in steps of %g", c.Model, c.Model.Axes[1].Origin, c.Model.Axes[1].Step)
	}
	m, err := p.Mixture(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for i, got := range m.Means.Float64s() { // node z of the coarse grid lies midway between 2 z and 2 z + 1
		item, z, x := i/24, i/6%4, i%6
		at := func(iz int) float64 { return float64(float32(v[item*48+iz*6+x])) }
		mean := (at(2*z) + at(2*z+1)) / 2
		if want := 1e6 / (mean * mean); math.Abs(got-want) > 1e-6*want {
			t.Fatalf("mean %d, z %d, x %d: %g s2/km2, want %g", item, z, x, got, want)
		}
	}
	_, err = p.Configure(ctx, contract.Config{Options: json.RawMessage(`{"quantity": "slowness", "unit": "s/km", "grid": {"nz": 4}}`), Target: []space.Space{target}, Checkpoint: folder})
	if !errors.Is(err, contract.ErrCheckpoint) || !strings.Contains(err.Error(), "mixture of squared_slowness") {
		t.Errorf("a checkpoint of another quantity: %v", err)
	}
	for options, want := range map[string]string{
		`{"quantity": "slowness"}`:               "give both or neither",
		`{"unit": "s/km"}`:                       "give both or neither",
		`{"quantity": "rho", "unit": "kg/m3"}`:   "no adapter",
		`{"quantity": "slowness", "unit": "km"}`: "no known unit",
	} {
		_, err := New().Configure(ctx, contract.Config{Options: json.RawMessage(options), Target: []space.Space{target}})
		if !errors.Is(err, contract.ErrInvalidOption) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", options, err, want)
		}
	}
	_, err = New().Configure(ctx, contract.Config{Options: json.RawMessage(`{"grid": {"nx": 3}}`), Target: []space.Space{model(tensor.Float64, 4)}})
	if !errors.Is(err, contract.ErrInvalidOption) || !strings.Contains(err.Error(), "grid.nx = 3: the solver's model has no axis x") {
		t.Errorf("a grid of points: %v", err)
	}
}
