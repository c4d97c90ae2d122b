package mixture_test

import (
	"errors"
	"math"
	"math/big"
	"slices"
	"strings"
	"testing"

	reference "github.com/waveprior/waveprior/core/mixture"
	"github.com/waveprior/waveprior/cuda"
	"github.com/waveprior/waveprior/cuda/mixture"
)

// onEachISA runs f at every instruction set that this processor has.
func onEachISA(t *testing.T, f func(t *testing.T)) {
	best := cuda.ISA()
	defer func() { must(t, cuda.SetISA(best)) }()
	for level := 3; level <= best; level++ {
		must(t, cuda.SetISA(level))
		t.Run(map[int]string{3: "v3", 4: "v4"}[level], f)
	}
}

// least is the smallest |x - alpha m|^2/a of an item: its rounding error is that of the logits.
func (p *problem) least(i int) float64 {
	means, variances, basis := p.mix.Spectral()
	d := p.mix.Dim
	x := slices.Clone(p.x[i*d : (i+1)*d])
	if basis != nil {
		for j := range d {
			x[j] = 0
			for k := range d {
				x[j] += basis[k*d+j] * p.x[i*d+k]
			}
		}
	}
	least := math.Inf(1)
	for n := range p.mix.N() {
		sum := 0.0
		for j := range d {
			e := x[j] - p.alpha[i]*means[n*d+j]
			sum += e * e / (p.sigma[i]*p.sigma[i] + p.alpha[i]*p.alpha[i]*variances[j])
		}
		least = min(least, sum)
	}
	return least
}

// TestAgainstGo compares the kernels in float64 with core/mixture: to 1e-12 of the item's largest number, and times so much
// more where the logits are large that their rounding errors are.
func TestAgainstGo(t *testing.T) {
	onEachISA(t, func(t *testing.T) {
		for _, p := range problems(t) {
			m := onDevice[float64](t, device(t, "cpu", 2), p.mix)
			got, want := ask(t, m, &p, 0, p.items), expected(t, &p)
			compare(t, &p, got, want, func(i int) float64 { return 1e-12 * (1 + p.least(i)/100) })
			must(t, m.Free())
		}
	})
}

// TestFloat32 holds the float32 kernels to core/mixture, as far as float32 carries: 24 bits of each logit.
func TestFloat32(t *testing.T) {
	onEachISA(t, func(t *testing.T) {
		for _, p := range problems(t) {
			for i := range p.x { // the points themselves in float32
				p.x[i] = float64(float32(p.x[i]))
			}
			m := onDevice[float32](t, device(t, "cpu", 2), p.mix)
			got, want := ask(t, m, &p, 0, p.items), expected(t, &p)
			// x and alpha m, rounded, are off by 2^-24 of themselves: in units of sigma that moves a logit by so much.
			compare(t, &p, got, want, func(i int) float64 {
				return 1e-6 * (10 + p.least(i)) / min(p.sigma[i], 1) * math.Sqrt(float64(p.mix.Dim))
			})
			must(t, m.Free())
		}
	})
}

func compare(t *testing.T, p *problem, got, want *answers, bound func(i int) float64) {
	t.Helper()
	lists := map[string][]float64{}
	got.each(func(name string, x []float64) { lists[name] = x })
	want.each(func(name string, x []float64) {
		width := p.width(name)
		for i := range p.items {
			b := bound(i)
			a, w := lists[name][i*width:(i+1)*width], x[i*width:(i+1)*width]
			scale := 1.0
			for _, v := range w {
				if name != "log responsibilities" || v > -700 {
					scale = max(scale, math.Abs(v))
				}
			}
			for k := range w {
				if name == "log responsibilities" && w[k] < -700 {
					if !(a[k] < -690) {
						t.Fatalf("%s: %s of item %d, component %d is %g, want at most -700", p.name, name, i, k, a[k])
					}
					continue
				}
				if e := math.Abs(a[k] - w[k]); !(e <= b*scale) {
					t.Fatalf("%s: %s[%d, %d] = %.17g, want %.17g: off by %.3g, allowed %.3g (alpha %g, sigma %g)", p.name, name, i, k, a[k], w[k],
						e, b*scale, p.alpha[i], p.sigma[i])
				}
			}
		}
	})
}

// TestAccuracy: the denoiser against one whose logits were computed with 200 bits, at points half way between two means,
// where a logit's rounding error matters most. Errors are counted in units of 2^-53 times the logit: on average over the items
// the kernels' are no larger than those of the plain Go (0.41 to 0.71 against 0.47 to 0.87 over 12 seeds), and none is above
// 8 of these units (3.9 seen).
func TestAccuracy(t *testing.T) {
	r := generator(t)
	const n, d, items = 40, 30, 400
	for _, s := range []float64{0, 0.05} {
		m, err := reference.New(normals(r, n*d), d, nil, reference.Isotropic(s*s))
		must(t, err)
		p := problem{mix: m, items: items, x: make([]float64, items*d)}
		for i := range items {
			l := levels[i%3]
			p.alpha, p.sigma = append(p.alpha, l[0]), append(p.sigma, l[1])
			a := r.IntN(n)
			b := (a + 1 + r.IntN(n-1)) % n
			for j := range d {
				p.x[i*d+j] = 0.5 * l[0] * (m.Means[a*d+j] + m.Means[b*d+j])
			}
		}
		got, plain := make([]float64, items*d), make([]float64, items*d)
		k := onDevice[float64](t, device(t, "cpu", 1), m)
		must(t, k.Denoise(got, p.x, p.alpha, p.sigma))
		ours, theirs, worst := 0.0, 0.0, 0.0
		for i := range items {
			l, err := m.At(p.alpha[i], p.sigma[i])
			must(t, err)
			x := p.x[i*d : (i+1)*d]
			l.Denoise(plain[i*d:(i+1)*d], x)
			unit := 0x1p-53 * (1 + p.least(i)/2)
			a, b := 0.0, 0.0
			for j, want := range exactly(m, x, p.alpha[i], p.sigma[i], s) {
				a = max(a, math.Abs(got[i*d+j]-want)/unit)
				b = max(b, math.Abs(plain[i*d+j]-want)/unit)
			}
			ours, theirs, worst = ours+a/items, theirs+b/items, max(worst, a)
		}
		t.Logf("width %g: mean error %.3g units, of the plain Go %.3g; largest %.3g", s, ours, theirs, worst)
		if ours > 1.05*theirs || worst > 8 {
			t.Errorf("width %g: mean error %.3g units, of the plain Go %.3g; largest %.3g", s, ours, theirs, worst)
		}
	}
}

// exactly is the denoiser of C = s^2 I (memorization study, section 1) with logits of 200 bits.
func exactly(m *reference.Mixture, x []float64, alpha, sigma, s float64) []float64 {
	number := func(v float64) *big.Float { return new(big.Float).SetPrec(200).SetFloat64(v) }
	op := func(f func(z, a, b *big.Float) *big.Float, a, b *big.Float) *big.Float { return f(number(0), a, b) }
	mul, add, sub, quo := (*big.Float).Mul, (*big.Float).Add, (*big.Float).Sub, (*big.Float).Quo
	a := op(add, op(mul, number(sigma), number(sigma)), op(mul, op(mul, number(alpha), number(alpha)), op(mul, number(s), number(s))))
	logits := make([]*big.Float, m.N())
	var top *big.Float
	for n := range logits {
		sum := number(0)
		for j, v := range x {
			e := op(sub, number(v), op(mul, number(alpha), number(m.Means[n*m.Dim+j])))
			sum = op(add, sum, op(mul, e, e))
		}
		logits[n] = op(mul, number(-0.5), op(quo, sum, a))
		if top == nil || logits[n].Cmp(top) > 0 {
			top = logits[n]
		}
	}
	total, bar := 0.0, make([]float64, len(x))
	for n := range logits {
		e, _ := op(sub, logits[n], top).Float64()
		w := math.Exp(e)
		total += w
		for j := range bar {
			bar[j] += w * m.Means[n*m.Dim+j]
		}
	}
	v := sigma*sigma + alpha*alpha*s*s
	for j := range bar {
		bar[j] = (sigma*sigma*bar[j]/total + alpha*s*s*x[j]) / v
	}
	return bar
}

// TestOneComponent: a Gaussian. D = m + alpha C A^-1 (x - alpha m), J = alpha C A^-1, log density as everyone knows it.
func TestOneComponent(t *testing.T) {
	r := generator(t)
	const d = 37
	variances := make([]float64, d)
	for i := range variances {
		variances[i] = r.ExpFloat64()
	}
	mean, x, v := normals(r, d), normals(r, d), normals(r, d)
	m, err := mixture.New[float64](device(t, "cpu", 1), mixture.Components{Dim: d, Means: mean, Weights: []float64{1}, Variances: variances})
	must(t, err)
	const alpha, sigma = 0.6, 0.8
	den, vjp, density, resp := make([]float64, d), make([]float64, d), make([]float64, 1), make([]float64, 1)
	a, s := []float64{alpha}, []float64{sigma}
	must(t, m.Denoise(den, x, a, s))
	must(t, m.VJP(vjp, x, v, a, s))
	must(t, m.LogDensity(density, x, a, s))
	must(t, m.LogResponsibilities(resp, x, a, s))
	want := 0.0
	for i, lambda := range variances {
		c := sigma*sigma + alpha*alpha*lambda
		e := x[i] - alpha*mean[i]
		want -= 0.5*math.Log(2*math.Pi*c) + 0.5*e*e/c
		if w := mean[i] + alpha*lambda/c*e; math.Abs(den[i]-w) > 1e-14*(1+math.Abs(w)) {
			t.Errorf("denoiser[%d] = %.17g, want %.17g", i, den[i], w)
		}
		if w := alpha * lambda / c * v[i]; math.Abs(vjp[i]-w) > 1e-14*(1+math.Abs(w)) {
			t.Errorf("vjp[%d] = %.17g, want %.17g", i, vjp[i], w)
		}
	}
	if math.Abs(density[0]-want) > 1e-13*math.Abs(want) || resp[0] != 0 {
		t.Errorf("log density %.17g, want %.17g; log responsibility %g, want 0", density[0], want, resp[0])
	}
}

// TestAlone: an item has the same bits alone and in a batch, with any number of threads, at both instruction sets, and
// however many rows lie on the device.
func TestAlone(t *testing.T) {
	alone(t, func(p *problem, m *mixture.Mixture[float64], lo, hi int) *answers { return ask(t, m, p, lo, hi) })
	alone(t, func(p *problem, m *mixture.Mixture[float32], lo, hi int) *answers { return ask(t, m, p, lo, hi) })
}

func alone[T cuda.Float](t *testing.T, f func(p *problem, m *mixture.Mixture[T], lo, hi int) *answers) {
	t.Helper()
	best := cuda.ISA()
	defer func() { must(t, cuda.SetISA(best)) }()
	for _, p := range problems(t) {
		m := onDevice[T](t, device(t, "cpu", 1), p.mix)
		first := map[string][]float64{}
		f(&p, m, 0, p.items).each(func(name string, x []float64) { first[name] = x })
		same := func(how string, lo, hi int, got *answers) {
			got.each(func(name string, x []float64) {
				if w := p.width(name); !slices.Equal(x, first[name][lo*w:hi*w]) {
					t.Fatalf("%s, %d-byte numbers: %s of items %d to %d %s has other bits", p.name, cuda.SizeOf[T](), name, lo, hi-1, how)
				}
			})
		}
		for i := 0; i < p.items; i += 5 {
			same("alone", i, i+1, f(&p, m, i, i+1))
		}
		same("without the first", p.items/3, p.items, f(&p, m, p.items/3, p.items))
		for threads := 2; threads <= 4; threads++ {
			same("with more threads", 0, p.items, f(&p, onDevice[T](t, device(t, "cpu", threads), p.mix), 0, p.items))
		}
		must(t, cuda.SetISA(3))
		same("at level 3", 0, p.items, f(&p, m, 0, p.items))
		must(t, cuda.SetISA(best))
	}
}

// TestManyRows: more items than lie on the device at a time.
func TestManyRows(t *testing.T) {
	r := generator(t)
	const n, d = 30, 2
	ref, err := reference.New(normals(r, n*d), d, nil, reference.Isotropic(0.01))
	must(t, err)
	m := onDevice[float64](t, device(t, "cpu", 2), ref)
	items := 2*m.Rows() + 5
	x, got, want := normals(r, items*d), make([]float64, items*d), make([]float64, items*d)
	alpha, sigma := slices.Repeat([]float64{0.8}, items), slices.Repeat([]float64{0.6}, items)
	must(t, m.Denoise(got, x, alpha, sigma))
	l, err := ref.At(0.8, 0.6)
	must(t, err)
	l.Denoise(want, x)
	for i := range want {
		if math.Abs(got[i]-want[i]) > 1e-13 {
			t.Fatalf("number %d of %d is %.17g, want %.17g", i, len(want), got[i], want[i])
		}
	}
}

// TestSums: responsibilities add to 1, and weigh the means to what the denoiser of points gives.
func TestSums(t *testing.T) {
	for _, p := range problems(t) {
		if !strings.HasSuffix(p.name, "points") {
			continue
		}
		n, d := p.mix.N(), p.mix.Dim
		a := ask(t, onDevice[float64](t, device(t, "cpu", 2), p.mix), &p, 0, p.items)
		for i := range p.items {
			sum, bar := 0.0, make([]float64, d)
			for k, l := range a.responsibilities[i*n : (i+1)*n] {
				w := math.Exp(l)
				sum += w
				for j := range bar {
					bar[j] += w * p.mix.Means[k*d+j]
				}
			}
			if math.Abs(sum-1) > 1e-13*(10+p.least(i)) {
				t.Fatalf("%s: responsibilities of item %d add to %.17g", p.name, i, sum)
			}
			for j := range bar {
				if math.Abs(bar[j]-a.denoised[i*d+j]) > 1e-13*(10+p.least(i)) {
					t.Fatalf("%s: the weighted mean of item %d is %.17g at %d, the denoiser %.17g", p.name, i, bar[j], j, a.denoised[i*d+j])
				}
			}
		}
	}
}

// TestFar: a point so far away that every exponential underflows keeps a finite answer; one whose square overflows, or that
// is no number, becomes NaN and disturbs no other item of its tile.
func TestFar(t *testing.T) {
	onEachISA(t, func(t *testing.T) {
		far(t, float64(1e200), 1e100)
		far(t, float32(1e30), 1e15)
	})
}

func far[T cuda.Float](t *testing.T, huge, big T) {
	t.Helper()
	const d = 2
	c := mixture.Components{Dim: d, Means: []float64{-1, 0, 1, 0, 0, 1}, Weights: []float64{0.25, 0.25, 0.5}, Variances: []float64{0.01}}
	m, err := mixture.New[T](device(t, "cpu", 1), c)
	must(t, err)
	nan, inf := T(math.NaN()), T(math.Inf(1))
	x := []T{0.5, 0, big, 0, huge, 0, 0, nan, inf, 0, -0.5, 0}
	k := len(x) / d
	alpha, sigma := slices.Repeat([]float64{0.8}, k), slices.Repeat([]float64{0.6}, k)
	den, vjp, density := make([]T, len(x)), make([]T, len(x)), make([]T, k)
	must(t, m.Denoise(den, x, alpha, sigma))
	must(t, m.VJP(vjp, x, slices.Repeat([]T{1}, len(x)), alpha, sigma))
	must(t, m.LogDensity(density, x, alpha, sigma))
	for i, want := range []bool{true, true, false, false, false, true} {
		for _, v := range []T{den[i*d], den[i*d+1], vjp[i*d], vjp[i*d+1], density[i]} {
			if finite := v-v == 0; finite != want {
				t.Errorf("%d-byte numbers: x = %g: denoiser %g, vjp %g, log density %g; finite: want %v", cuda.SizeOf[T](), x[i*d:i*d+d],
					den[i*d:i*d+d], vjp[i*d:i*d+d], density[i], want)
				break
			}
		}
	}
	// The mixture is symmetric in its first coordinate, and so are items 0 and 5.
	if e := math.Abs(float64(den[0] + den[10])); e > 1e-6 || den[0] < 0.2 {
		t.Errorf("denoisers of the mirror images: %g and %g", den[:2], den[10:])
	}
}

// TestRefused: what makes no sense is an error that says what.
func TestRefused(t *testing.T) {
	d := device(t, "cpu", 1)
	good := mixture.Components{Dim: 2, Means: []float64{0, 0, 1, 1}, Weights: []float64{0.5, 0.5}, Variances: []float64{0}}
	for want, change := range map[string]func(c *mixture.Components){
		"3 numbers of means":        func(c *mixture.Components) { c.Means = c.Means[:3] },
		"0 dimensions":              func(c *mixture.Components) { c.Dim = 0 },
		"3 variances":               func(c *mixture.Components) { c.Variances = make([]float64, 3) },
		"variance 0 = -1":           func(c *mixture.Components) { c.Variances = []float64{-1} },
		"mean 1 has coordinate 0":   func(c *mixture.Components) { c.Means = []float64{0, 0, math.NaN(), 1} },
		"weight 1 = NaN":            func(c *mixture.Components) { c.Weights = []float64{1, math.NaN()} },
		"weights add to 0.75":       func(c *mixture.Components) { c.Weights = []float64{0.5, 0.25} },
		"a basis of 3 numbers in 2": func(c *mixture.Components) { c.Basis = make([]float64, 3) },
	} {
		c := good
		change(&c)
		if _, err := mixture.New[float64](d, c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
	m, err := mixture.New[float64](d, good)
	must(t, err)
	x := make([]float64, 4)
	one := []float64{1, 1}
	for what, err := range map[string]error{
		"result":   m.Denoise(x[:2], x, one, one),
		"x":        m.Denoise(x, x[:2], one, one),
		"scales":   m.Denoise(x, x, one, one[:1]),
		"v":        m.VJP(x, x, x[:2], one, one),
		"singular": m.Denoise(x, x, one, []float64{1, 0}),
		"negative": m.LogDensity(x[:2], x, one, []float64{1, -1}),
		"NaN":      m.LogResponsibilities(x, x, []float64{math.NaN(), 1}, one),
	} {
		if err == nil {
			t.Errorf("%s: no error", what)
		}
	}
	f, err := mixture.New[float32](d, good)
	must(t, err)
	if err := f.LogDensity(make([]float32, 1), make([]float32, 2), []float64{1}, []float64{1e-20}); err == nil {
		t.Error("a variance of 1e-40 passes as a float32")
	}
	must(t, m.Free())
	must(t, m.Free())
	if err := m.Denoise(x, x, one, one); !errors.Is(err, mixture.ErrFreed) {
		t.Errorf("freed: %v", err)
	}
}
