package field

import (
	"fmt"
	"math"
	"math/cmplx"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/waveprior/waveprior/core/rng"
)

// study is the field of the memorisation study, section 3: squared slowness between 1/3^2 and 1/1.5^2 s2/km2.
func study(noise Noise) Spectrum {
	a, b := 1/9., 1/2.25
	return Spectrum{Grid: 64, Alpha: 3, Tau: 5, Mean: (a + b) / 2, Std: (b - a) / 6, Noise: noise}
}

func gaussian(t testing.TB, s Spectrum) *Gaussian {
	t.Helper()
	g, err := NewGaussian(s)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

const seed = 11

func item(i int) rng.Source { return rng.New(seed, "field/test").At(0, uint32(i), 0) }

// TestDirect: Draw against the definition, summed directly over all wave numbers -n/2..(n-1)/2, on even and odd grids.
func TestDirect(t *testing.T) {
	for _, n := range []int{2, 7, 12} {
		for _, noise := range []Noise{Hermitian, Real} {
			s := Spectrum{Grid: n, Alpha: 1.7, Tau: 2, Mean: 0.3, Std: 0.05, Noise: noise}
			w, got := make([]float64, n*n), make([]float64, n*n)
			item(3).Normals(w)
			gaussian(t, s).Draw(got, item(3))
			phase := func(kz, kx, iz, ix int) complex128 {
				return cmplx.Exp(complex(0, 2*math.Pi*float64(kz*iz+kx*ix)/float64(n)))
			}
			sum2, want := 0.0, make([]complex128, n*n)
			for kz := -(n / 2); kz < n-n/2; kz++ {
				for kx := -(n / 2); kx < n-n/2; kx++ {
					if kz == 0 && kx == 0 {
						continue
					}
					g := math.Pow(4*math.Pi*math.Pi*float64(kz*kz+kx*kx)+s.Tau*s.Tau, -s.Alpha/2)
					sum2 += g * g
					white := complex(w[(kz+n)%n*n+(kx+n)%n], 0)
					if noise == Hermitian {
						white = 0
						for iz := range n {
							for ix := range n {
								white += complex(w[iz*n+ix]/float64(n), 0) * cmplx.Conj(phase(kz, kx, iz, ix))
							}
						}
					}
					for iz := range n {
						for ix := range n {
							want[iz*n+ix] += complex(g, 0) * white * phase(kz, kx, iz, ix)
						}
					}
				}
			}
			for i, v := range want {
				f := s.Mean + s.Std*real(v)/math.Sqrt(sum2)
				if math.Abs(f-got[i]) > 1e-15*float64(n*n) { // a sum of n^2 numbers, of size 0.3
					t.Errorf("n = %d, %s: point %d is %.17g, want %.17g", n, noise, i, got[i], f)
					break
				}
			}
			// The field is real without taking a real part where its spectrum is Hermitian.
			if noise == Hermitian && n%2 == 1 && math.Abs(imag(want[n+1])) > 1e-14 {
				t.Errorf("n = %d: imaginary part %g", n, imag(want[n+1]))
			}
		}
	}
}

// TestMoments: mean and variance over 300 fields. At a point the variance is std^2 with Hermitian noise and, with real
// noise, std^2 sum g^2 cos^2(2 pi k.x)/sum g^2: half of it on average, all of it at the origin.
func TestMoments(t *testing.T) {
	const fields = 300
	for _, noise := range []Noise{Hermitian, Real} {
		s := study(noise)
		g := gaussian(t, s)
		n := s.Grid * s.Grid
		f, power, origin := make([]float64, n), 0.0, 0.0
		for i := range fields {
			g.Draw(f, item(i))
			mean := 0.0
			for _, v := range f {
				mean += v / float64(n)
				power += (v - s.Mean) * (v - s.Mean) / float64(n*fields)
			}
			origin += (f[0] - s.Mean) * (f[0] - s.Mean) / fields
			if math.Abs(mean-s.Mean) > 1e-14 { // g(0) = 0
				t.Fatalf("seed %d: %s: field %d has mean %.17g, want %g", seed, noise, i, mean, s.Mean)
			}
			if noise == Real && i < 10 {
				for iz := range s.Grid {
					for ix := range s.Grid {
						if a, b := f[iz*s.Grid+ix], f[(s.Grid-iz)%s.Grid*s.Grid+(s.Grid-ix)%s.Grid]; math.Abs(a-b) > 1e-15 {
							t.Fatalf("seed %d: field %d: %.17g and %.17g at opposite points", seed, i, a, b)
						}
					}
				}
			}
		}
		ratio, at0 := math.Sqrt(power)/s.Std, math.Sqrt(origin)/s.Std
		want := map[Noise]float64{Hermitian: 1, Real: math.Sqrt(0.5)}[noise]
		t.Logf("%s: standard deviation %.4f of (b-a)/6 = %.5f, at the origin %.4f", noise, ratio, s.Std, at0)
		// Some 10 wave numbers carry the power, so a field's mean square is within 1/sqrt(5) of its expectation: 300 of them
		// are within 3 % (standard error), half of that for the root. A variance at one point is within sqrt(2/300).
		if math.Abs(ratio-want) > 0.05*want {
			t.Errorf("seed %d: %s: standard deviation %.4f of (b-a)/6, want %.4f", seed, noise, ratio, want)
		}
		if math.Abs(at0-1) > 0.15 {
			t.Errorf("seed %d: %s: standard deviation at the origin %.4f of (b-a)/6, want 1", seed, noise, at0)
		}
	}
}

// TestDrawIsAlone: a field's bits depend on its source alone, whoever else draws at the same time.
func TestDrawIsAlone(t *testing.T) {
	g := gaussian(t, study(Hermitian))
	const fields = 16
	want := make([][]float64, fields)
	for i := range want {
		want[i] = make([]float64, 64*64)
		g.Draw(want[i], item(i))
	}
	if slices.Equal(want[0], want[1]) {
		t.Fatal("two sources give one field")
	}
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			f := make([]float64, 64*64)
			for k := range fields {
				i := (k*5 + w) % fields
				if g.Draw(f, item(i)); !slices.Equal(f, want[i]) {
					t.Errorf("field %d differs", i)
				}
			}
		})
	}
	wg.Wait()
}

func TestNewGaussianErrors(t *testing.T) {
	good := study(Hermitian)
	for want, change := range map[string]func(*Spectrum){
		"noise \"pink\"":  func(s *Spectrum) { s.Noise = "pink" },
		"a grid of 1":     func(s *Spectrum) { s.Grid = 1 },
		"allowed: finite": func(s *Spectrum) { s.Alpha = math.NaN() },
		"not negative":    func(s *Spectrum) { s.Std = -1 },
		"tau = -2":        func(s *Spectrum) { s.Tau = -2 },
		"the sum of the":  func(s *Spectrum) { s.Alpha = 1e4 },
	} {
		s := good
		change(&s)
		if _, err := NewGaussian(s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", s, err, want)
		}
	}
	s := good
	s.Noise = ""
	if got := gaussian(t, s).Spectrum(); got != good {
		t.Errorf("spectrum %+v, want %+v", got, good)
	}
}

func BenchmarkDraw(b *testing.B) {
	for _, noise := range []Noise{Hermitian, Real} {
		b.Run(fmt.Sprint(noise), func(b *testing.B) {
			g, f := gaussian(b, study(noise)), make([]float64, 64*64)
			i := 0
			for b.Loop() {
				g.Draw(f, item(i))
				i++
			}
		})
	}
}
