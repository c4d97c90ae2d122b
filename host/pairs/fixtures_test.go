package pairs_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/waveprior/waveprior/core/config"
	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/host/experiment"
	"github.com/waveprior/waveprior/host/pairs"
	"github.com/waveprior/waveprior/host/progress"
	"github.com/waveprior/waveprior/host/session"
	"github.com/waveprior/waveprior/plugins/solvers/acoustic"
)

// toyOptions are those of the test solver.
type toyOptions struct {
	Model string `option:"model" default:"vp" oneof:"vp,slow,elastic,line" doc:"the space that it takes"`
	Data  string `option:"data" default:"real" oneof:"real,components,complex" doc:"what it gives"`
}

// toy is a solver whose data are weighted sums over the model: shots 2, time 3, receivers 4.
type toy struct {
	conf   contract.Configured
	calls  *atomic.Int64
	during func(call int64)
}

func (*toy) Describe() contract.Description {
	return contract.Description{Kind: contract.KindSolver, Name: "toy", Version: "0", Numerics: "1", Contract: contract.Version, Options: config.MustTable(toyOptions{})}
}

func (s *toy) Configure(_ context.Context, c contract.Config) (contract.Configured, error) {
	o := new(toyOptions)
	if err := config.Decode(c.Options, o); err != nil {
		return contract.Configured{}, err
	}
	grid := func(q []space.Quantity, n int, h float64, dt tensor.DType) *space.Space {
		return &space.Space{Name: "model", DType: dt, Quantities: q, Axes: []space.Axis{{Name: "field", Size: len(q)},
			{Name: "z", Unit: "m", Size: n, Step: h}, {Name: "x", Unit: "m", Size: n, Step: h}}}
	}
	q := func(names ...string) (q []space.Quantity) {
		for i := 0; i < len(names); i += 2 {
			q = append(q, space.Quantity{Name: names[i], Unit: names[i+1]})
		}
		return q
	}
	var m *space.Space
	switch o.Model {
	case "vp":
		m = grid(q("vp", "m/s"), 70, 10, tensor.Float32)
	case "slow":
		m = grid(q("squared_slowness", "s2/km2"), 35, 20, tensor.Float64)
	case "elastic":
		m = grid(q("vp", "m/s", "vs", "m/s", "rho", "kg/m3"), 70, 5, tensor.Float32)
	case "line":
		m = &space.Space{Name: "model", DType: tensor.Float32, Axes: []space.Axis{{Name: "coordinate", Size: 3}}, Quantities: q("coordinate", "1")}
	}
	d := &space.Space{Name: "data", DType: tensor.Float32, Axes: []space.Axis{{Name: "component", Size: 1}, {Name: "shot", Size: 2}, {Name: "time", Unit: "s", Size: 3, Step: 0.001}, {Name: "receiver", Size: 4}}, Quantities: q("pressure", "1")}
	switch o.Data {
	case "components":
		d.Axes[0].Size, d.Quantities = 2, q("vx", "m/s", "vz", "m/s")
	case "complex":
		d.DType, d.Axes = tensor.Complex64, []space.Axis{{Name: "frequency", Unit: "Hz", Size: 1, Values: []float64{4}}, {Name: "shot", Size: 6}, {Name: "receiver", Size: 4}}
	}
	s.conf = contract.Configured{Model: m, Data: d}
	return s.conf, nil
}

// sums is the toy's map, from the numbers of a model as the solver gets them to those of its data.
func sums(m []float64, n int) []float64 {
	d := make([]float64, n)
	for i := range d {
		for k := i; k < len(m); k += n {
			d[i] += float64(m[k] * 0x1p-10 * float64(1+k%7)) // so small that float16 holds the sum
		}
	}
	return d
}

func (s *toy) Forward(ctx context.Context, m, d *tensor.Tensor) ([]contract.Status, error) {
	call := s.calls.Add(1)
	if s.during != nil {
		s.during(call)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var st []contract.Status
	for i := range m.Batch() {
		v := m.Item(i).AppendReals(nil)
		if v[0] == refused.Load() {
			st = contract.SetStatus(st, m.Batch(), i, contract.Status{Code: contract.Unstable, Text: "dt is 1, the limit 0.5"})
			continue
		}
		d.Item(i).SetReals(sums(v, d.Item(i).Reals()))
	}
	return st, nil
}

// refused is the first number of models that the toy refuses.
var refused atomicFloat

type atomicFloat struct{ v atomic.Value }

func (a *atomicFloat) Load() float64   { f, _ := a.v.Load().(float64); return f }
func (a *atomicFloat) Store(f float64) { a.v.Store(f) }

// bench is a place to make sets in.
type bench struct {
	t      testing.TB
	dir    string
	log    bytes.Buffer
	calls  atomic.Int64
	during func(call int64)
}

func newBench(t testing.TB) *bench { return &bench{t: t, dir: t.TempDir()} }

// generate makes the set of a file, under dir/out.
func (b *bench) generate(ctx context.Context, out, text string, set ...string) (*pairs.Result, error) {
	b.t.Helper()
	r := progress.Plain(&b.log, 0)
	s, err := session.New(session.Options{Log: r.Logf, InProcess: map[string]func() contract.Plugin{
		"solver/toy":      func() contract.Plugin { return &toy{calls: &b.calls, during: b.during} },
		"solver/acoustic": func() contract.Plugin { return acoustic.New() },
	}})
	if err != nil {
		b.t.Fatal(err)
	}
	defer s.Close()
	file := filepath.Join(b.dir, "set.toml")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		b.t.Fatal(err)
	}
	p, err := experiment.LoadPairs(ctx, file, set, s)
	if err != nil {
		return nil, err
	}
	return pairs.Generate(ctx, pairs.Options{Pairs: p, Dir: filepath.Join(b.dir, out), Session: s, Progress: r})
}

func (b *bench) must(out, text string, set ...string) *pairs.Result {
	b.t.Helper()
	res, err := b.generate(b.t.Context(), out, text, set...)
	if err != nil {
		b.t.Fatalf("%v\n%s", err, b.log.String())
	}
	return res
}

// sums are the hashes of all files under a folder, by name; temporary files are an error.
func (b *bench) sums(out string) map[string]string {
	b.t.Helper()
	root, all := filepath.Join(b.dir, out), map[string]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if strings.HasPrefix(filepath.Base(path), ".") {
			b.t.Errorf("%s is left", name)
		}
		sum := sha256.Sum256(raw)
		all[name] = hex.EncodeToString(sum[:8])
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return all
}

// same wants two sets to have the same files with the same bytes.
func (b *bench) same(got, want string) {
	b.t.Helper()
	g, w := b.sums(got), b.sums(want)
	a, _ := json.Marshal(g)
	c, _ := json.Marshal(w)
	if len(w) < 2 || !bytes.Equal(a, c) {
		b.t.Errorf("%s has %s\n%s has %s", got, a, want, c)
	}
}

func names(m map[string]string) string {
	var list []string
	for k := range m {
		list = append(list, k)
	}
	return fmt.Sprint(sorted(list))
}
