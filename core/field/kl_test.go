package field

import (
	"math"
	"math/cmplx"
	"slices"
	"strings"
	"testing"
)

func basis(t testing.TB, o KLOptions, nz, nx int) *KL {
	t.Helper()
	b, err := NewKL(o, nz, nx)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// phi is the basis function of coordinate i, and lambda its eigenvalue, by their definition.
func phi(k, i int, z, x float64) float64 {
	i1, i2 := float64(i/k+1), float64(i%k+1)
	return 2 * math.Cos(math.Pi*(i1+0.5)*x) * math.Cos(math.Pi*(i2+0.5)*z)
}

func lambda(k, i int, p float64) float64 {
	i1, i2 := float64(i/k+1), float64(i%k+1)
	return math.Pow(math.Pi*math.Pi*((i1+0.5)*(i1+0.5)+(i2+0.5)*(i2+0.5)), -p/2)
}

func dot(a, b []float64) float64 {
	s := 0.0
	for i, x := range a {
		s += x * b[i]
	}
	return s
}

func norm(v []float64) float64 { return math.Sqrt(dot(v, v)) }

var grids = []struct{ modes, nz, nx int }{{1, 2, 3}, {3, 5, 8}, {10, 64, 64}, {10, 40, 57}}

// TestDefinition: Values and Transpose against triple loops over the definition.
func TestDefinition(t *testing.T) {
	for _, g := range grids {
		o := Published(g.modes)
		b := basis(t, o, g.nz, g.nx)
		d := b.Dim()
		z, w, m, dz := make([]float64, d), make([]float64, g.nz*g.nx), make([]float64, g.nz*g.nx), make([]float64, d)
		item(0).Normals(z)
		item(1).Normals(w)
		b.Values(m, z)
		b.Transpose(dz, w)
		worst, worstT := 0.0, 0.0
		want := make([]float64, d)
		for iz := range g.nz {
			for ix := range g.nx {
				x, depth := (float64(ix)+0.5)/float64(g.nx), (float64(iz)+0.5)/float64(g.nz)
				v := o.Background
				for i := range d {
					p := o.Amplitude * lambda(g.modes, i, o.Exponent) * phi(g.modes, i, depth, x)
					v += z[i] * p
					want[i] += w[iz*g.nx+ix] * p
				}
				worst = max(worst, math.Abs(v-m[iz*g.nx+ix]))
			}
		}
		for i := range want {
			worstT = max(worstT, math.Abs(want[i]-dz[i]))
		}
		if worst > 1e-14 || worstT > 1e-13*norm(want) {
			t.Errorf("%+v: values differ by %.2g, transpose by %.2g of %.2g", g, worst, worstT, norm(want))
		}
	}
}

// TestOrthonormal: mean over the cells of phi_i phi_j is the identity, so projecting what was evaluated gives z again, and
// the projection's residual is orthogonal to the basis: it is the least-squares one.
func TestOrthonormal(t *testing.T) {
	for _, g := range grids {
		b := basis(t, Published(g.modes), g.nz, g.nx)
		d, n := b.Dim(), g.nz*g.nx
		rows := make([][]float64, d)
		for i := range rows {
			for iz := range g.nz {
				for ix := range g.nx {
					rows[i] = append(rows[i], phi(g.modes, i, (float64(iz)+0.5)/float64(g.nz), (float64(ix)+0.5)/float64(g.nx)))
				}
			}
		}
		for i := range d {
			for j := range i + 1 {
				want := 0.0
				if i == j {
					want = 1
				}
				if got := dot(rows[i], rows[j]) / float64(n); math.Abs(got-want) > 1e-13 {
					t.Fatalf("%+v: <phi_%d, phi_%d> = %.17g", g, i, j, got)
				}
			}
		}
		z, back, m := make([]float64, d), make([]float64, d), make([]float64, n)
		item(2).Normals(z)
		b.Values(m, z)
		b.Project(back, m)
		for i := range z {
			if math.Abs(back[i]-z[i]) > 1e-11 { // the background is divided by weights down to 2e-4
				t.Fatalf("%+v: coordinate %d is %.17g after projection, was %.17g", g, i, back[i], z[i])
			}
		}
		item(3).Normals(m) // no combination of the basis
		b.Project(z, m)
		approx := make([]float64, n)
		b.Values(approx, z)
		for i := range m {
			m[i] -= approx[i]
		}
		b.Transpose(back, m)
		if r := norm(back); r > 1e-12*norm(m) {
			t.Errorf("%+v: the residual has %.2g within the basis", g, r)
		}
	}
}

// TestTransposes: dot products of Linear with Transpose and of ProjectLinear with ProjectTranspose.
func TestTransposes(t *testing.T) {
	for _, g := range grids {
		b := basis(t, Published(g.modes), g.nz, g.nx)
		d, n := b.Dim(), g.nz*g.nx
		z, m, bz, bm := make([]float64, d), make([]float64, n), make([]float64, d), make([]float64, n)
		item(4).Normals(z)
		item(5).Normals(m)
		b.Linear(bm, z)
		b.Transpose(bz, m)
		if p, q := dot(bm, m), dot(z, bz); math.Abs(p-q) > 1e-13*norm(bm)*norm(m) {
			t.Errorf("%+v: Linear: %.17g and %.17g", g, p, q)
		}
		b.ProjectLinear(bz, m)
		b.ProjectTranspose(bm, z)
		if p, q := dot(bz, z), dot(m, bm); math.Abs(p-q) > 1e-13*norm(bz)*norm(z) {
			t.Errorf("%+v: ProjectLinear: %.17g and %.17g", g, p, q)
		}
	}
}

// TestGrids: one z is the same earth on every grid, at points that the grids share: cell centres of n are those of 3 n.
func TestGrids(t *testing.T) {
	coarse, fine := basis(t, Published(10), 21, 15), basis(t, Published(10), 63, 45)
	z, a, b := make([]float64, 100), make([]float64, 21*15), make([]float64, 63*45)
	item(6).Normals(z)
	coarse.Values(a, z)
	fine.Values(b, z)
	for iz := range 21 {
		for ix := range 15 {
			if u, v := a[iz*15+ix], b[(3*iz+1)*45+3*ix+1]; math.Abs(u-v) > 1e-14 {
				t.Fatalf("cell (%d, %d): %.17g and %.17g", iz, ix, u, v)
			}
		}
	}
}

// TestFloor: Evaluate is Values where that is above the floor.
func TestFloor(t *testing.T) {
	o := Published(4)
	o.Floor = 0.2
	b := basis(t, o, 9, 9)
	z, m, v := make([]float64, 16), make([]float64, 81), make([]float64, 81)
	for i := range z {
		z[i] = 30 * item(7).Normal(i)
	}
	b.Evaluate(m, z)
	b.Values(v, z)
	held := 0
	for i := range m {
		if v[i] < 0.2 {
			held++
		}
		if m[i] != max(v[i], 0.2) {
			t.Fatalf("cell %d: %g of %g", i, m[i], v[i])
		}
	}
	if held == 0 || held == len(m) {
		t.Errorf("%d of %d cells are held: the test shows nothing", held, len(m))
	}
}

// share returns the part of E |m - m_bg|^2 that the basis keeps, in closed form: f - mean is std/sqrt(sum g^2) sum_k g_k w_k
// e_k(x) with independent w_k, so E <phi_i, f - m_bg>^2 = (mean - m_bg)^2 <phi_i, 1>^2 + std^2 sum_k g_k^2 |<phi_i, e_k>|^2 /
// sum g^2, with e_k = exp(2 pi i k.x) for Hermitian noise and its real part for real noise.
func share(s Spectrum, o KLOptions) float64 {
	n, offset := s.Grid, s.Mean-o.Background
	line := make([][]complex128, o.Modes) // <sqrt 2 cos(pi (i + 1/2) x), exp(2 pi i k x)>, x the cell centres, k.x from point 0
	for i := range line {
		line[i] = make([]complex128, n)
		for k := range n {
			for j := range n {
				c := math.Sqrt2 * math.Cos(math.Pi*(float64(i)+1.5)*(float64(j)+0.5)/float64(n))
				line[i][k] += complex(c/float64(n), 0) * cmplx.Exp(complex(0, 2*math.Pi*float64(k*j%n)/float64(n)))
			}
		}
	}
	sum, kept, mean2, all := 0.0, 0.0, 0.0, 0.0
	for kz := range n {
		for kx := range n {
			g := s.rootAt(kz, kx)
			sum += g * g
			own := 1.0
			if s.Noise == Real && (2*kz%n != 0 || 2*kx%n != 0) {
				own = 0.5 // mean of cos^2
			}
			all += g * g * own
			for i := range line {
				for j := range line {
					a := line[i][kx] * line[j][kz]
					if s.Noise == Real {
						a = complex(real(a), 0)
					}
					kept += g * g * (real(a)*real(a) + imag(a)*imag(a))
				}
			}
		}
	}
	for i := range line {
		for j := range line {
			a := real(line[i][0]) * real(line[j][0])
			mean2 += a * a
		}
	}
	v := s.Std * s.Std / sum
	return (v*kept + offset*offset*mean2) / (v*all + offset*offset)
}

// TestStudyNumbers: what the memorisation study says of its fields (section 3): the basis keeps 22 % of the variance of
// m - m_bg (that is with real noise; with Hermitian noise it is 26 %), and the projections lie at about 1.7..2.5 km/s.
func TestStudyNumbers(t *testing.T) {
	const fields = 250
	b := basis(t, Published(10), 64, 64)
	for _, noise := range []Noise{Hermitian, Real} {
		s := study(noise)
		g := gaussian(t, s)
		m, z, p := make([]float64, 64*64), make([]float64, 100), make([]float64, 64*64)
		all, kept := 0.0, 0.0
		var v []float64
		for i := range fields {
			g.Draw(m, item(i))
			b.Project(z, m)
			b.Evaluate(p, z)
			for k := range m {
				all += (m[k] - 0.25) * (m[k] - 0.25)
				kept += (p[k] - 0.25) * (p[k] - 0.25)
				if k%7 == 0 {
					v = append(v, 1/math.Sqrt(p[k]))
				}
			}
		}
		slices.Sort(v)
		quantile := func(q float64) float64 { return v[int(q*float64(len(v)-1))] }
		exact := share(s, Published(10))
		t.Logf("%s: the basis keeps %.3f, in closed form %.4f; velocities: 0.1 %% %.3f, 1 %% %.3f, median %.3f, 99 %% %.3f, 99.9 %% %.3f km/s",
			noise, kept/all, exact, quantile(0.001), quantile(0.01), quantile(0.5), quantile(0.99), quantile(0.999))
		if want := map[Noise]float64{Hermitian: 0.26, Real: 0.22}[noise]; math.Abs(exact-want) > 0.005 {
			t.Errorf("%s: the basis keeps %.4f of the variance in closed form, want %.2f", noise, exact, want)
		}
		if math.Abs(kept/all-exact) > 0.03 { // both means have a relative standard error of some 4 %
			t.Errorf("seed %d: %s: the basis keeps %.3f of the variance, want %.4f", seed, noise, kept/all, exact)
		}
		if lo, hi := quantile(0.003), quantile(0.997); math.Abs(lo-1.7) > 0.1 || math.Abs(hi-2.5) > 0.2 {
			t.Errorf("seed %d: %s: velocities %.2f..%.2f km/s, want about 1.7..2.5", seed, noise, lo, hi)
		}
	}
}

func TestNewKLErrors(t *testing.T) {
	for _, test := range []struct {
		want   string
		nz, nx int
		change func(*KLOptions)
	}{
		{"below both sides", 10, 64, func(*KLOptions) {}},
		{"below both sides", 64, 10, func(*KLOptions) {}},
		{"0 modes", 64, 64, func(o *KLOptions) { o.Modes = 0 }},
		{"allowed: finite", 64, 64, func(o *KLOptions) { o.Exponent = math.Inf(1) }},
		{"amplitude that is not 0", 64, 64, func(o *KLOptions) { o.Amplitude = 0 }},
		{"floor NaN", 64, 64, func(o *KLOptions) { o.Floor = math.NaN() }},
		{"mode (1, 1) has lambda = 0", 64, 64, func(o *KLOptions) { o.Exponent = 1e4 }},
	} {
		o := Published(10)
		test.change(&o)
		if _, err := NewKL(o, test.nz, test.nx); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%+v on %d x %d: %v, want %q", o, test.nz, test.nx, err, test.want)
		}
	}
	b := basis(t, Published(3), 5, 8)
	if nz, nx := b.Grid(); nz != 5 || nx != 8 || b.Options() != Published(3) || b.Dim() != 9 {
		t.Errorf("%d x %d, %+v", nz, nx, b.Options())
	}
	if got, want := b.Weight(5), 0.02*lambda(3, 5, 1.1); math.Abs(got-want) > 1e-16 {
		t.Errorf("weight of coordinate 5: %g, want %g", got, want)
	}
}

func BenchmarkKL(b *testing.B) {
	k := basis(b, Published(10), 64, 64)
	z, m := make([]float64, 100), make([]float64, 64*64)
	item(0).Normals(z)
	b.Run("evaluate", func(b *testing.B) {
		for b.Loop() {
			k.Evaluate(m, z)
		}
	})
	b.Run("transpose", func(b *testing.B) {
		for b.Loop() {
			k.Transpose(z, m)
		}
	})
}
