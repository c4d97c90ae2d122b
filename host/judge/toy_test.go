package judge_test

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/waveprior/waveprior/core/compose"
	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/dataset"
	"github.com/waveprior/waveprior/core/diffusion"
	"github.com/waveprior/waveprior/core/npy"
	"github.com/waveprior/waveprior/core/rng"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/host/experiment"
	"github.com/waveprior/waveprior/host/judge"
	"github.com/waveprior/waveprior/host/stage"
)

// The toy problem: fields of squared slowness, 6 x 9 cells, and complex data that are sums over its columns.
const (
	nz, nx   = 6, 9
	cells    = nz * nx
	fieldTau = 0.01
)

// model is the solver's model space, in float32 as a real one.
func model() space.Space {
	return space.Space{Name: "model", DType: tensor.Float32,
		Axes:       []space.Axis{{Name: "field", Size: 1}, {Name: "z", Unit: "m", Size: nz, Step: 25}, {Name: "x", Unit: "m", Size: nx, Step: 25}},
		Quantities: []space.Quantity{{Name: "squared_slowness", Unit: "s2/km2"}}}
}

// columns is F(m)[ix] = sum_z m + i sum_z z m.
type columns struct{}

func (columns) Describe() contract.Description {
	return contract.Description{Kind: contract.KindSolver, Name: "columns"}
}

func (columns) Configure(context.Context, contract.Config) (contract.Configured, error) {
	m := model()
	d := space.Space{Name: "data", DType: tensor.Complex64, Axes: []space.Axis{{Name: "receiver", Size: nx}}, Quantities: []space.Quantity{{Name: "pressure", Unit: "1"}}}
	return contract.Configured{Model: &m, Data: &d}, nil
}

func (columns) Forward(_ context.Context, m, d *tensor.Tensor) ([]contract.Status, error) {
	for i := range m.Batch() {
		d.Item(i).SetReals(toFloat32(observe(m.Item(i).AppendReals(nil))))
	}
	return nil, nil
}

// observe is the map, real and imaginary parts in turn.
func observe(m []float64) []float64 {
	d := make([]float64, 2*nx)
	for iz := range nz {
		for ix := range nx {
			d[2*ix] += m[iz*nx+ix]
			d[2*ix+1] += float64(iz) * m[iz*nx+ix]
		}
	}
	return d
}

func toFloat32(v []float64) []float64 {
	out := make([]float64, len(v))
	for i, x := range v {
		out[i] = float64(float32(x))
	}
	return out
}

// draw returns n fields about 0.25 s2/km2 (2 km/s), smooth along z, as float32 holds them.
func draw(name string, n int) []float64 {
	v := make([]float64, 0, n*cells)
	stream := rng.New(11, "test/"+name)
	z := make([]float64, 2*nx)
	for i := range n {
		stream.At(0, uint32(i), 0).Normals(z)
		for iz := range nz {
			for ix := range nx {
				v = append(v, 0.25+0.02*(z[2*ix]*math.Cos(float64(iz)/3)+z[2*ix+1]*math.Sin(float64(iz)/3)))
			}
		}
	}
	return toFloat32(v)
}

// stages is a cell's input: sets of models (n, cells), nil: none.
type stages struct {
	train, held, truth, samples []float64
	data                        []float64 // (observations, 2 nx); nil: what the truths give
	cell                        experiment.Cell
	prior                       *contract.PriorService
	misfit                      []float64 // (records, chains)
	steps                       []int
	total                       int
}

// run judges a cell in a folder of its own.
func run(t *testing.T, s stages) (m map[string]float64, dir string) {
	t.Helper()
	ctx := context.Background()
	root := t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	entry := func(name string) *stage.Entry {
		must(os.MkdirAll(filepath.Join(root, name), 0o755))
		return &stage.Entry{Dir: filepath.Join(root, name)}
	}
	write := func(e *stage.Entry, name string, v []float64, dt tensor.DType, shape ...int) {
		x := tensor.New(dt, shape...)
		x.SetReals(v)
		must(npy.Write(e.Path(name), x))
	}
	conf, _ := columns{}.Configure(ctx, contract.Config{})
	solver := &contract.SolverService{Solver: contract.LocalSolver(columns{}), Configured: conf}
	physics, err := compose.Physics(compose.Parts{Solver: solver})
	must(err)
	s.cell.Judge.Memorisation.Nearest = max(s.cell.Judge.Memorisation.Nearest, 2)
	in := judge.Input{Cell: &s.cell, Solver: solver, Prior: s.prior, Physics: physics, Seed: 3, Dir: entry("judge").Dir, TrainingSet: "training", HeldOutSet: "held-out", Log: t.Logf}
	if s.train != nil {
		in.Data = entry("data")
		for name, v := range map[string][]float64{"training": s.train, "held-out": s.held} {
			if v == nil {
				continue
			}
			w, err := dataset.Create(in.Data.Path(name), dataset.Plan{Space: model(), Count: len(v) / cells})
			must(err)
			x := conf.Model.New(len(v) / cells)
			x.SetReals(v)
			must(w.Write(0, x))
			must(w.Commit())
		}
	}
	if s.truth != nil {
		in.Observe = entry("observe")
		obs := len(s.truth) / cells
		tau := make([]float64, obs)
		for o := range obs {
			tau[o] = fieldTau
			if s.data == nil || len(s.data) < (o+1)*2*nx {
				s.data = append(s.data, observe(s.truth[o*cells:(o+1)*cells])...)
			}
		}
		write(in.Observe, "truth.npy", s.truth, tensor.Float32, obs, 1, nz, nx)
		write(in.Observe, "data.npy", s.data, tensor.Complex64, obs, nx)
		write(in.Observe, "noise_std.npy", tau, tensor.Float64, obs)
	}
	if s.samples != nil {
		in.Sample = entry("sample")
		n := len(s.samples) / cells
		write(in.Sample, "latent.npy", s.samples, tensor.Float32, n, 1, nz, nx)
		write(in.Sample, "model.npy", s.samples, tensor.Float32, n, 1, nz, nx)
		if s.misfit != nil {
			write(in.Sample, "history_misfit.npy", s.misfit, tensor.Float64, len(s.steps), n)
			b, err := json.Marshal(map[string]any{"names": []string{"misfit"}, "steps": s.steps, "total": s.total})
			must(err)
			must(os.WriteFile(in.Sample.Path("history.json"), b, 0o644))
		}
		s.cell.Chains.Chains = n
		if s.truth != nil {
			s.cell.Chains.Chains = n / (len(s.truth) / cells)
		}
	}
	must(judge.Run(ctx, in))
	m, err = judge.ReadMetrics(&stage.Entry{Dir: in.Dir})
	must(err)
	return m, in.Dir
}

// array reads one of the judge's arrays.
func array(t *testing.T, dir, name string) *tensor.Tensor {
	t.Helper()
	x, err := npy.Read(filepath.Join(dir, name+".npy"))
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func near(t *testing.T, what string, got, want, relative float64) {
	t.Helper()
	if !(math.Abs(got-want) <= relative*math.Abs(want)) {
		t.Errorf("%s is %.12g, want %.12g to %g", what, got, want, relative)
	}
}

// velocity is 1000/sqrt(m) m/s.
func velocity(m []float64) []float64 {
	v := make([]float64, len(m))
	for i, x := range m {
		v[i] = 1000 / math.Sqrt(x)
	}
	return v
}

// memoriser is a prior whose latent vector is the model; its denoiser is the optimal empirical one of its examples, by the
// definition, and a constant beside it.
type memoriser struct {
	examples []float64
	offset   float64
	schedule *diffusion.Schedule
}

func (p *memoriser) Describe() contract.Description {
	return contract.Description{Kind: contract.KindPrior, Name: "memoriser"}
}

func (p *memoriser) Configure(context.Context, contract.Config) (contract.Configured, error) {
	m := model()
	l := m
	l.Name, l.DType = "latent", tensor.Float64
	return contract.Configured{Model: &m, Latent: &l, Schedule: p.schedule}, nil
}

func (p *memoriser) Decode(_ context.Context, z, m, _ *tensor.Tensor) ([]contract.Status, error) {
	m.SetReals(z.AppendReals(nil))
	return nil, nil
}

func (p *memoriser) Encode(_ context.Context, m, _, z *tensor.Tensor) ([]contract.Status, error) {
	z.SetReals(m.AppendReals(nil))
	return nil, nil
}

func (p *memoriser) Denoise(_ context.Context, x *tensor.Tensor, level []int, x0 *tensor.Tensor) ([]contract.Status, error) {
	n := len(p.examples) / cells
	for i := range x.Batch() {
		a, s := p.schedule.Alpha[level[i]], p.schedule.Sigma[level[i]]
		v, out := x.Item(i).AppendReals(nil), make([]float64, cells)
		e, least := make([]float64, n), math.Inf(1)
		for k := range n {
			for c, y := range v {
				e[k] += math.Pow(y-a*p.examples[k*cells+c], 2) / (2 * s * s)
			}
			least = min(least, e[k])
		}
		total := 0.0
		for k := range e {
			e[k] = math.Exp(least - e[k])
			total += e[k]
		}
		for c := range out {
			out[c] = p.offset
			for k := range e {
				out[c] += e[k] / total * p.examples[k*cells+c]
			}
		}
		x0.Item(i).SetReals(out)
	}
	return nil, nil
}

// service configures the prior in process.
func (p *memoriser) service(t *testing.T) *contract.PriorService {
	t.Helper()
	full := contract.LocalPrior(p)
	conf, err := full.Configure(context.Background(), contract.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return &contract.PriorService{Prior: full, Description: full.Describe(), Configured: conf}
}
