package multifrontal_test

import (
	"fmt"
	"math"
	"math/cmplx"
	"math/rand/v2"
	"testing"

	"github.com/waveprior/waveprior/cuda"
	"github.com/waveprior/waveprior/cuda/helmholtz"
	"github.com/waveprior/waveprior/cuda/internal/twin"
	"github.com/waveprior/waveprior/cuda/multifrontal"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// problem is a Helmholtz-like operator with some damping everywhere, its links and mass a little different from node to node;
// data are read at every receiver-th node.
func problem(r *rand.Rand, nz, nx, cells, frequencies, receivers int) multifrontal.Problem {
	p := multifrontal.Problem{NZ: nz, NX: nx, Cells: cells}
	pz, px := nz+2*cells, nx+2*cells
	n := pz * px
	noise := func() complex128 { return complex(1+0.1*r.NormFloat64(), 0.1*r.NormFloat64()) }
	for f := range frequencies {
		q := multifrontal.Frequency{Strength: 7.5 * float64(f+1), Mass: make([]complex128, n), Links: make([]complex128, n),
			Right: make([]complex128, n), Down: make([]complex128, n)}
		for i := range n {
			q.Mass[i] = complex(100*(1+0.3*float64(f)), 0) * complex(0.8, 0.35) * noise()
			if i%px+1 < px {
				q.Right[i] = 300 * noise()
				q.Links[i] += q.Right[i]
				q.Links[i+1] += q.Right[i]
			}
			if i+px < n {
				q.Down[i] = 300 * noise()
				q.Links[i] += q.Down[i]
				q.Links[i+px] += q.Down[i]
			}
		}
		p.Frequencies = append(p.Frequencies, q)
	}
	p.Sources = append(p.Sources, r.Perm(n)[:3]...)
	for k := 0; k < n; k += receivers {
		p.Receivers = append(p.Receivers, k)
	}
	return p
}

func models[T cuda.Float](r *rand.Rand, n int) []T {
	m := make([]T, n)
	for i := range m {
		m[i] = T(0.5 + r.Float64())
	}
	return m
}

// inner is the node of the model that a padded node continues.
func inner(p *multifrontal.Problem, node int) int {
	px := p.NX + 2*p.Cells
	return min(max(node/px-p.Cells, 0), p.NZ-1)*p.NX + min(max(node%px-p.Cells, 0), p.NX-1)
}

func matrix[T cuda.Float](p *multifrontal.Problem, m []T, f int) *helmholtz.Matrix {
	q := &p.Frequencies[f]
	s := helmholtz.NewMatrix(p.NZ+2*p.Cells, p.NX+2*p.Cells, false)
	for i := range s.Diagonal {
		s.Diagonal[i] = q.Mass[i]*complex(float64(m[inner(p, i)]), 0) - q.Links[i]
	}
	s.Right, s.Down = q.Right, q.Down
	return s
}

func engine[T cuda.Float](t testing.TB, d cuda.Device, p multifrontal.Problem, systems, models, directions int) *multifrontal.Engine[T] {
	t.Helper()
	plan, err := helmholtz.NewPlan(p.NZ+2*p.Cells, p.NX+2*p.Cells, helmholtz.FivePoint)
	must(t, err)
	a, err := multifrontal.NewAnalysis(d, plan, p)
	must(t, err)
	e, err := multifrontal.NewEngine[T](a, systems, models, directions)
	must(t, err)
	t.Cleanup(func() { must(t, e.Close()); must(t, a.Close()) })
	return e
}

// The residual of every shot's field, of every system: S u = strength e in float64, u at all nodes. Grids of one box, of odd
// shapes, and of five levels.
func TestSolve(t *testing.T) {
	for _, size := range [][3]int{{5, 6, 1}, {12, 14, 3}, {3, 70, 1}, {41, 37, 2}} {
		testSolve[float32](t, twin.CPU(t, 2), size, 2e-5)
		testSolve[float64](t, twin.CPU(t, 2), size, 1e-13)
	}
}

func testSolve[T cuda.Float](t *testing.T, d cuda.Device, size [3]int, tol float64) {
	t.Helper()
	const seed = 5
	r := rand.New(rand.NewPCG(seed, 1))
	p := problem(r, size[0], size[1], size[2], 2, 1)
	e := engine[T](t, d, p, 6, 3, 1)
	cells, n := p.NZ*p.NX, len(p.Receivers)
	m := models[T](r, 3*cells)
	must(t, e.Load(m, 0, 2))
	must(t, e.Background())
	out := make([]T, 2*6*3*n)
	must(t, e.Data(out))
	verdicts, err := e.Verdicts()
	must(t, err)
	x, y := make([]complex128, n), make([]complex128, n)
	for s := range 6 {
		f := s % 2
		matrix := matrix(&p, m[s/2*cells:][:cells], f)
		for k, node := range p.Sources {
			for i := range x {
				at := 2 * ((s*3+k)*n + i)
				x[i] = complex(float64(out[at]), float64(out[at+1]))
			}
			must(t, matrix.Apply(y, x, 1))
			strength := p.Frequencies[f].Strength
			y[node] -= complex(strength, 0)
			sum := 0.0
			for _, v := range y {
				sum += real(v)*real(v) + imag(v)*imag(v)
			}
			got := math.Sqrt(sum) / strength
			if !(got <= tol) {
				t.Errorf("seed %d: %v nodes, system %d, shot %d: residual %.2g, allowed %.0g", seed, size, s, k, got, tol)
			}
			// Data are rounded to T, Verdicts' fields are not.
			if v := verdicts[s]; k == 0 && (v.Broken || !(v.Residual <= tol) || cuda.SizeOf[T]() == 8 && math.Abs(v.Residual-got) > 0.5*got) {
				t.Errorf("seed %d: %v nodes, system %d: verdict %+v, the residual is %.3g", seed, size, s, v, got)
			}
		}
	}
}

// A model that is not finite and one with a resonant box are found, and the systems beside them have the bits that they have
// without.
func TestVerdicts(t *testing.T) {
	testVerdicts[float32](t, twin.CPU(t, 2))
	testVerdicts[float64](t, twin.CPU(t, 2))
}

func testVerdicts[T cuda.Float](t *testing.T, d cuda.Device) {
	t.Helper()
	const seed = 6
	r := rand.New(rand.NewPCG(seed, 1))
	p := problem(r, 12, 14, 3, 1, 7)
	cells := p.NZ * p.NX
	e := engine[T](t, d, p, 3, 3, 1)
	m := models[T](r, 3*cells)
	run := func() ([]T, []multifrontal.Verdict) {
		out := make([]T, 2*3*3*len(p.Receivers))
		must(t, e.Load(m, 0, 1))
		must(t, e.Background())
		must(t, e.Data(out))
		v, err := e.Verdicts()
		must(t, err)
		return out, v
	}
	good, verdicts := run()
	for s, v := range verdicts {
		if v.Broken || !(v.Residual < 1e-4) {
			t.Errorf("seed %d: system %d: %+v of a good model", seed, s, v)
		}
	}
	m[cells+5] = T(math.NaN())
	out, verdicts := run()
	if v := verdicts[1]; !v.Broken || v.Residual < 1 {
		t.Errorf("seed %d: a model with NaN: %+v", seed, v)
	}
	n := len(good) / 3
	for i, v := range out {
		if (i < n || i >= 2*n) && v != good[i] {
			t.Fatalf("seed %d: number %d of the data is %v beside a bad model, %v beside a good one", seed, i, v, good[i])
		}
	}
}

// Data, gradient, JVP and VJP in float64: against differences of phi and of the data, and against each other.
func TestDerivatives(t *testing.T) { testDerivatives(t, twin.CPU(t, 2)) }

func testDerivatives(t *testing.T, d cuda.Device) {
	t.Helper()
	const seed, directions = 7, 2
	for _, layer := range []bool{true, false} {
		r := rand.New(rand.NewPCG(seed, 1))
		p := problem(r, 12, 14, 3, 2, 5)
		cells, ns, nr := p.NZ*p.NX, len(p.Sources), len(p.Receivers)
		e := engine[float64](t, d, p, 4, 2, directions)
		m, dm := models[float64](r, 2*cells), models[float64](r, 2*directions*cells)
		n := ns * nr
		observed := make([]complex128, 3*2*n)
		for i := range observed {
			observed[i] = complex(r.NormFloat64(), r.NormFloat64())
		}
		tau := []float64{0.5, 1.5, 1}
		must(t, e.SetObservations("a", observed, tau))
		data := func(m []float64) []float64 {
			out := make([]float64, 2*4*n)
			must(t, e.Load(m, 0, 2))
			must(t, e.Background())
			must(t, e.Data(out))
			return out
		}
		u := data(m)
		phi := make([]float64, 4)
		must(t, e.Misfit([]int{1, 0}, phi, true, layer, false))
		for s, which := range []int{1, 1, 0, 0} {
			sum := 0.0
			for i, v := range observed[(which*2+s%2)*n:][:n] {
				sum += math.Pow(cmplx.Abs(complex(u[2*(s*n+i)], u[2*(s*n+i)+1])-v)/tau[which], 2)
			}
			if math.Abs(phi[s]-0.5*sum) > 1e-12*sum {
				t.Errorf("seed %d: phi of system %d is %.15g, want %.15g", seed, s, phi[s], 0.5*sum)
			}
		}
		g := make([]float64, 2*cells)
		must(t, e.Gradients(g))
		dd := make([]float64, 2*4*directions*n)
		must(t, e.Tangent(dm, directions, dd))
		// Cotangents for which the transpose must be the gradient: (u - d)/tau^2; and others.
		w, weight := make([]float64, len(dd)), make([]float64, 4*directions)
		for s, which := range []int{1, 1, 0, 0} {
			for k := range directions {
				weight[s*directions+k] = 1 / tau[which] / tau[which]
				for i, v := range observed[(which*2+s%2)*n:][:n] {
					at := 2 * ((s*directions+k)*n + i)
					w[at], w[at+1] = u[2*(s*n+i)]-real(v), -(u[2*(s*n+i)+1] - imag(v))
					if k == 1 {
						w[at], w[at+1] = r.NormFloat64(), r.NormFloat64()
					}
				}
			}
		}
		jtw := make([]float64, 2*directions*cells)
		must(t, e.Adjoint(w, weight, directions, layer, false))
		must(t, e.Gradients(jtw))
		for model := range 2 {
			what := fmt.Sprintf("seed %d: layer %v, model %d", seed, layer, model)
			diff, norm := 0.0, 0.0
			for i, v := range g[model*cells:][:cells] {
				diff += math.Pow(v-jtw[model*directions*cells+i], 2)
				norm += v * v
			}
			if !(diff <= 1e-24*norm) {
				t.Errorf("%s: J^T (u - d)/tau^2 is off the gradient by %.2g of it", what, math.Sqrt(diff/norm))
			}
			for k := range directions {
				left, right := 0.0, 0.0
				for f := range 2 {
					s := model*2 + f
					for i := range n {
						at := 2 * ((s*directions+k)*n + i)
						left += (w[at]*dd[at] - w[at+1]*dd[at+1]) * weight[s*directions+k]
					}
				}
				for i := range cells {
					right += jtw[(model*directions+k)*cells+i] * dm[(model*directions+k)*cells+i]
				}
				if off := math.Abs(left-right) / math.Abs(left); layer != (off < 1e-11) {
					t.Errorf("%s: direction %d: <w, J dm> = %.15g, <J^T w, dm> = %.15g, relative %.2g", what, k, left, right, off)
				}
			}
		}
		const step = 1e-5
		moved := func(sign float64) []float64 {
			v := make([]float64, len(m))
			for i := range v {
				v[i] = m[i] + sign*step*dm[i/cells*directions*cells+i%cells]
			}
			return data(v)
		}
		up, down := moved(1), moved(-1)
		diff, norm := 0.0, 0.0
		for s := range 4 {
			for i := range 2 * n {
				want := (up[s*2*n+i] - down[s*2*n+i]) / (2 * step)
				diff += math.Pow(want-dd[s*directions*2*n+i], 2)
				norm += want * want
			}
		}
		if !(diff <= 1e-16*norm) {
			t.Errorf("seed %d: J dm is off the difference of data by %.2g", seed, math.Sqrt(diff/norm))
		}
	}
}
