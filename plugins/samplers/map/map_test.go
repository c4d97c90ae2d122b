package maximum_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/optimize"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/mixture"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/plugins/samplers/internal/lbfgs"
	"github.com/waveprior/waveprior/plugins/samplers/internal/toy"
	maximum "github.com/waveprior/waveprior/plugins/samplers/map"
	"github.com/waveprior/waveprior/plugins/solvers/helmholtz"
)

const tau = 0.3

// run takes chains from Start, or from at, to their end.
func run(t *testing.T, c contract.Config, chains contract.Chains, at *tensor.Tensor) (contract.State, contract.StepResult, []contract.Status) {
	t.Helper()
	ctx := context.Background()
	s := maximum.New()
	reply, err := s.Configure(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	state := contract.NewState(reply.State, chains.Len())
	var steps int
	var status []contract.Status
	if at == nil {
		steps, status, err = s.Start(ctx, chains, state)
	} else {
		steps, status, err = s.StartAt(ctx, chains, at, state)
	}
	if err != nil {
		t.Fatal(err)
	}
	var r contract.StepResult
	for k := range steps {
		next := contract.NewState(reply.State, chains.Len())
		if r, err = s.Step(ctx, k, chains, state, next); err != nil {
			t.Fatal(err)
		}
		state, status = next, contract.MergeStatus(status, r.Status)
		if r.Done {
			return state, r, status
		}
	}
	t.Fatalf("not done after %d steps", steps)
	return nil, r, nil
}

// TestLinear: with linear data and a Gaussian law the maximum is the posterior mean, by the normal equations: of independent
// normals, of the prior's own covariance and mean, and without a law.
func TestLinear(t *testing.T) {
	a := []float64{1, 0.5, -0.3, 0.2, 2, 0.1, 0.4, -1, 1.5, 0.3, 0.3, -0.7}
	y := []float64{1, -2, 0.5, 0.7}
	mean := []float64{0.4, -1, 2}
	lower := []float64{0.8, 0, 0, 0.3, 0.5, 0, -0.2, 0.1, 1.2}
	m, err := mixture.New(mean, 3, nil, mixture.Factor(lower))
	if err != nil {
		t.Fatal(err)
	}
	prior := &toy.Prior{M: m}
	A := mat.NewDense(4, 3, a)
	for name, tc := range map[string]struct {
		options string
		prior   contract.Prior
		inverse func() mat.Matrix // of the law's covariance
		mean    []float64
	}{
		"normals": {`{"prior_std":0.5}`, prior, func() mat.Matrix { return mat.NewDiagDense(3, []float64{4, 4, 4}) }, make([]float64, 3)},
		"mixture": {`{"prior":"mixture"}`, prior, func() mat.Matrix {
			l := mat.NewDense(3, 3, lower)
			var c, inv mat.Dense
			c.Mul(l, l.T())
			if err := inv.Inverse(&c); err != nil {
				t.Fatal(err)
			}
			return &inv
		}, mean},
		"none":     {`{}`, nil, func() mat.Matrix { return mat.NewDense(3, 3, nil) }, make([]float64, 3)},
		"bounds":   {`{"lower":[-50],"upper":[40]}`, nil, func() mat.Matrix { return mat.NewDense(3, 3, nil) }, make([]float64, 3)},
		"one pair": {`{"memory":1,"initial":"origin"}`, nil, func() mat.Matrix { return mat.NewDense(3, 3, nil) }, make([]float64, 3)},
	} {
		q := toy.Linear(a, 3).ObserveRows(tau, y)
		inv := tc.inverse()
		var h, left, right mat.Dense
		h.Mul(A.T(), A)
		h.Scale(1/(tau*tau), &h)
		left.Add(&h, inv)
		var b mat.VecDense
		b.MulVec(A.T(), mat.NewVecDense(4, y))
		b.ScaleVec(1/(tau*tau), &b)
		var fromPrior mat.VecDense
		fromPrior.MulVec(inv, mat.NewVecDense(3, tc.mean))
		b.AddVec(&b, &fromPrior)
		if err := right.Solve(&left, &b); err != nil {
			t.Fatal(err)
		}
		state, r, status := run(t, toy.Config(tc.options, 4, tc.prior, q), toy.Chains(5, tau), nil)
		if status != nil {
			t.Fatalf("%s: %v", name, status)
		}
		for i := range 5 {
			for k, v := range state["latent"].Item(i).Float64s() {
				if want := right.At(k, 0); math.Abs(v-want) > 1e-6 {
					t.Errorf("%s: chain %d ends at %v, coordinate %d should be %g (reason %g)", name, i, state["latent"].Item(i).Float64s(), k, want, r.Numbers["ended"][i])
				}
			}
		}
	}
}

// helmholtzProblem is a full grid of 9 x 12 nodes, float64, observed without noise where one block is faster.
func helmholtzProblem(t *testing.T) (contract.FullSolver, contract.Configured, *tensor.Tensor) {
	t.Helper()
	ctx := context.Background()
	s := contract.LocalSolver(helmholtz.New())
	conf, err := s.Configure(ctx, contract.Config{Options: json.RawMessage(`{"grid":{"nz":9,"nx":12,"spacing_m":50},"boundary":{"cells":4,"sigma_max":60},
		"frequency_hz":[3.0,5.0],"precision":"float64","sources":{"z_m":0,"x_first_m":50,"x_last_m":500,"count":4},
		"receivers":{"z_m":0,"x_first_m":0,"x_last_m":550,"count":12}}`)})
	if err != nil {
		t.Fatal(err)
	}
	truth, start := conf.Model.New(1), conf.Model.New(1)
	for i := range truth.Float64s() {
		truth.Float64s()[i], start.Float64s()[i] = 0.25, 0.25
		if iz, ix := i/12, i%12; iz > 2 && iz < 6 && ix > 3 && ix < 8 {
			truth.Float64s()[i] = 0.2
		}
	}
	d := conf.Data.New(1)
	if st, err := s.Forward(ctx, truth, d); err != nil || st != nil {
		t.Fatal(st, err)
	}
	most := 0.0
	for _, v := range d.AppendReals(nil) {
		most = max(most, math.Abs(v))
	}
	if err := s.Observe(ctx, d, []float64{0.02 * most}); err != nil {
		t.Fatal(err)
	}
	return s, conf, start
}

// TestHelmholtz: a small inversion on the full grid of the Helmholtz solver, without a prior, against gonum's LBFGS with the
// same line search, which asks the solver itself: the same objective in the end, the same model.
func TestHelmholtz(t *testing.T) {
	ctx := context.Background()
	s, conf, start := helmholtzProblem(t)
	service := &contract.SolverService{Solver: s, Description: s.Describe(), Configured: conf}
	c := contract.Config{Options: json.RawMessage(`{"iterations":60,"memory":6,"tikhonov_std":[0.02]}`), Solvers: map[string]*contract.SolverService{"physics": service}}
	state, r, status := run(t, c, contract.Chains{ID: []int{0}, Observation: []int{0}, NoiseStd: []float64{1}}, start)
	if status != nil {
		t.Fatal(status)
	}
	value := func(x, g []float64) float64 {
		m, grad, phi := conf.Model.New(1), conf.Model.New(1), make([]float64, 1)
		m.SetReals(x)
		if st, err := s.Misfit(ctx, m, []int{0}, phi, grad); err != nil || st != nil {
			t.Fatal(st, err)
		}
		f := phi[0]
		if g != nil {
			copy(g, grad.Float64s())
		}
		edge := func(k, l int) {
			e := (x[k] - x[l]) / 0.02
			f += e * e / 2
			if g != nil {
				g[k] += e / 0.02
				g[l] -= e / 0.02
			}
		}
		for k := range x {
			if k%12 < 11 {
				edge(k, k+1)
			}
			if k < 96 {
				edge(k, k+12)
			}
		}
		return f
	}
	want, err := optimize.Minimize(optimize.Problem{Func: func(x []float64) float64 { return value(x, nil) }, Grad: func(g, x []float64) { value(x, g) }},
		start.AppendReals(nil), &optimize.Settings{MajorIterations: 60, Converger: optimize.NeverTerminate{}},
		&optimize.LBFGS{Store: 6, Linesearcher: &optimize.MoreThuente{DecreaseFactor: 1e-4}})
	if err != nil {
		t.Fatal(err)
	}
	first := value(start.AppendReals(nil), nil)
	if f := r.Numbers["objective"][0]; math.Abs(f-want.F) > 1e-3*want.F || f > 0.3*first {
		t.Errorf("ends at %.10g after %g iterations, gonum at %.10g; the start is at %.10g", f, r.Numbers["iteration"][0], want.F, first)
	}
	for i, v := range state["latent"].Float64s() {
		if math.Abs(v-want.X[i]) > 1e-3 {
			t.Fatalf("node %d ends at %g, gonum's at %g", i, v, want.X[i])
		}
	}
}

// TestHold: what is held stays, all else moves within its bounds, and chains go on where others ended.
func TestHold(t *testing.T) {
	s, conf, start := helmholtzProblem(t)
	service := &contract.SolverService{Solver: s, Description: s.Describe(), Configured: conf}
	c := contract.Config{Options: json.RawMessage(`{"iterations":10,"lower":[0.1],"upper":[0.5],"hold_above_m":101,"depth_power":0.5,"tv_jump":[0.05],"first_step":0.01}`),
		Solvers: map[string]*contract.SolverService{"physics": service}}
	one := contract.Chains{ID: []int{0}, Observation: []int{0}, NoiseStd: []float64{1}}
	state, r, _ := run(t, c, one, start)
	moved := 0
	for i, v := range state["latent"].Float64s() {
		if i < 3*12 && math.Abs(v-0.25) > 1e-15 {
			t.Errorf("node %d, at less than 101 m, went to %g", i, v)
		}
		if v != 0.25 {
			moved++
		}
		if v <= 0.1 || v >= 0.5 {
			t.Errorf("node %d is at %g, beyond its bounds", i, v)
		}
	}
	if moved < 50 {
		t.Errorf("only %d nodes moved", moved)
	}
	_, again, _ := run(t, c, one, state["latent"])
	if f, g := r.Numbers["objective"][0], again.Numbers["objective"][0]; !(g < f) {
		t.Errorf("ten iterations end at %g, ten more at %g", f, g)
	}
}

// TestRefusals: a chain whose start the solver refuses gets its status, one whose trials are refused now and then comes to the
// same minimum; the others have the bits that they have without them.
func TestRefusals(t *testing.T) {
	problem := func() *toy.Solver { return toy.Quadratic().ObserveRows(tau, []float64{1.4, 0.4}) }
	at := tensor.FromFloat64s([]float64{1, 1, 9, 9, -0.5, 0.5, 3, -2}, 4, 2)
	free, _, status := run(t, toy.Config(`{}`, 1, nil, problem()), toy.Chains(4, tau), at)
	if status != nil {
		t.Fatal(status)
	}
	walled := problem()
	refused := 0
	walled.Refuse = func(x []float64) contract.Status {
		if x[0] > 5 || math.Abs(x[1]) > 2.5 {
			refused++
			return contract.Status{Code: contract.Unstable, Text: "beyond the wall"}
		}
		return contract.Status{}
	}
	_, r, status := run(t, toy.Config(`{"first_step":4}`, 1, nil, walled), toy.Chains(4, tau), at)
	if refused < 2 {
		t.Fatalf("%d trials were refused", refused)
	}
	for i := range 4 {
		st := contract.StatusAt(status, i)
		if i == 1 {
			if st != (contract.Status{Code: contract.Unstable, Text: "beyond the wall"}) || r.Numbers["ended"][1] != float64(lbfgs.Refused) {
				t.Errorf("the chain that starts beyond the wall: %v, ended %g", st, r.Numbers["ended"][1])
			}
			continue
		}
		if st.Code != contract.OK || math.Abs(r.Numbers["misfit"][i]) > 1e-6 && i != 3 {
			t.Errorf("chain %d: %v, misfit %g", i, st, r.Numbers["misfit"][i])
		}
	}
	few := tensor.FromFloat64s(append(slices.Clone(at.Float64s()[:2]), at.Float64s()[4:]...), 3, 2)
	chains := toy.Chains(4, tau)
	chains.ID = []int{0, 2, 3}
	chains.Observation, chains.NoiseStd = chains.Observation[:3], chains.NoiseStd[:3]
	without, _, _ := run(t, toy.Config(`{}`, 1, nil, problem()), chains, few)
	for k, i := range []int{0, 2, 3} {
		if !slices.Equal(free["latent"].Item(i).Float64s(), without["latent"].Item(k).Float64s()) {
			t.Errorf("chain %d has other bits beside chain 1", i)
		}
	}
}

// TestLimit: whatever the limit of evaluations, a chain returns the lowest point that was evaluated, with its misfit, be it a trial of an
// unfinished line search; the same bits whatever the batch, and where every step is another process's.
func TestLimit(t *testing.T) {
	ctx := context.Background()
	at := tensor.FromFloat64s([]float64{-1.2, 1, 2, -2, 0.3, 3}, 3, 2)
	unfinished := 0
	for limit := 1; limit <= 24; limit++ {
		problem := (&toy.Solver{D: 2, N: 2, // Rosenbrock's valley
			F: func(x, y []float64) { y[0], y[1] = 10*(x[1]-x[0]*x[0]), 1-x[0] },
			J: func(x, j []float64) { j[0], j[1], j[2], j[3] = -20*x[0], 10, -1, 0 },
		}).ObserveRows(tau, []float64{0, 0})
		var asked [][]float64
		problem.Refuse = func(x []float64) contract.Status {
			asked = append(asked, slices.Clone(x))
			return contract.Status{}
		}
		c := toy.Config(fmt.Sprintf(`{"first_step":0.01,"evaluations":%d,"lower":[-9],"upper":[7]}`, limit), 1, nil, problem)
		whole, _, _ := run(t, c, toy.Chains(3, tau), at)
		for i := range 3 {
			asked = nil
			chains := toy.Chains(3, tau).Slice(i, i+1)
			alone := maximum.New()
			reply, err := alone.Configure(ctx, c)
			if err != nil {
				t.Fatal(err)
			}
			state := contract.NewState(reply.State, 1)
			if _, _, err := alone.StartAt(ctx, chains, at.Slice(i, i+1), state); err != nil {
				t.Fatal(err)
			}
			var r contract.StepResult
			for k := 0; k < limit && !r.Done; k++ {
				other, next := maximum.New(), contract.NewState(reply.State, 1)
				if _, err := other.Configure(ctx, c); err != nil {
					t.Fatal(err)
				}
				if r, err = other.Step(ctx, k, chains, state, next); err != nil {
					t.Fatal(err)
				}
				state = next
			}
			got := state["latent"].Float64s()
			if want := whole["latent"].Item(i).Float64s(); !slices.Equal(got, want) {
				t.Errorf("limit %d, chain %d: %v alone and step by step, %v beside the others", limit, i, got, want)
			}
			points := slices.Clone(asked)
			lowest, point := math.Inf(1), []float64(nil)
			for _, x := range points {
				phi := make([]float64, 1)
				if _, err := problem.Misfit(ctx, tensor.FromFloat64s(x, 1, 2), chains.Observation, phi, nil); err != nil {
					t.Fatal(err)
				}
				if phi[0] < lowest {
					lowest, point = phi[0], x
				}
			}
			if !slices.Equal(got, point) || r.Numbers["misfit"][0] != lowest || r.Numbers["objective"][0] != lowest {
				t.Errorf("limit %d, chain %d: returns %v, misfit %g, objective %g; of %d points the lowest is %v with %g", limit, i, got, r.Numbers["misfit"][0], r.Numbers["objective"][0], len(points), point, lowest)
			}
			before := contract.NewState(reply.State, 1) // where the point of the chain itself lies
			if _, _, err := alone.StartAt(ctx, chains, state["latent"], before); err != nil {
				t.Fatal(err)
			}
			for k, v := range before["point"].Float64s() {
				if math.Abs(v-state["point"].Float64s()[k]) > 1e-9 {
					unfinished++
					break
				}
			}
		}
	}
	if unfinished == 0 {
		t.Error("no limit fell into a line search that was ahead of its chain")
	}
}

// TestConfigure: what is refused, and by which name.
func TestConfigure(t *testing.T) {
	q := toy.Quadratic().ObserveRows(tau, []float64{1, 0})
	for options, want := range map[string]string{
		`{"iterations":0}`:                       "iterations",
		`{"lower":[1]}`:                          "lower and upper go together",
		`{"lower":[1],"upper":[0]}`:              "lower = 1, upper = 0",
		`{"lower":[1,2,3],"upper":[4]}`:          "lower has 3 numbers",
		`{"tikhonov_std":[1]}`:                   "z and x as their last axes",
		`{"hold_above_m":10}`:                    "z and x as their last axes",
		`{"prior":"mixture"}`:                    `needs a prior service for prior = "mixture"`,
		`{"evaluations":-1}`:                     "evaluations",
		`{"tv_jump":[0]}`:                        "tv_jump",
		`{"lower":[0],"upper":[1],"memory":200}`: "memory",
	} {
		_, err := maximum.New().Configure(context.Background(), toy.Config(options, 1, nil, q))
		if err == nil || !strings.Contains(err.Error(), want) || !errors.Is(err, contract.ErrInvalidOption) && !errors.Is(err, contract.ErrUnsupported) {
			t.Errorf("%s: %v, want %q", options, err, want)
		}
	}
	reply, err := maximum.New().Configure(context.Background(), toy.Config(`{}`, 1, nil, q))
	if err != nil || !strings.Contains(string(reply.Options), `"evaluations":120`) || !strings.Contains(string(reply.Options), `"prior":"none"`) {
		t.Errorf("resolved to %s, %v", reply.Options, err)
	}
}
