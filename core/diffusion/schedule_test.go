package diffusion

import (
	"fmt"
	"math"
	"math/big"
	"slices"
	"strings"
	"testing"
)

func must(t *testing.T) func(*Schedule, error) *Schedule {
	return func(s *Schedule, err error) *Schedule {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
}

func within(t *testing.T, what string, got, want, tol float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tol) {
		t.Errorf("%s is %v, want %v within %v", what, got, want, tol)
	}
}

func ExampleLinear() {
	s, err := Linear(200, 1e-4, 0.02)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.4f %.3f\n", s.Alpha[0]*s.Alpha[0], s.Alpha[199]*s.Alpha[199])
	// Output: 0.9999 0.132
}

// The memorisation study's schedule (spec/memorization.md, section 3) and the ends of DDPM's and Stable Diffusion's schedules
// (Lin et al., "Common diffusion noise schedules and sample steps are flawed", WACV 2024, table 1: sqrt(alphabar_T) =
// 0.006353 and 0.068265).
func TestPublishedNumbers(t *testing.T) {
	study := must(t)(Linear(200, 1e-4, 0.02))
	within(t, "alphabar_0", study.Alpha[0]*study.Alpha[0], 0.9999, 1e-15)
	within(t, "alphabar_199", study.Alpha[199]*study.Alpha[199], 0.132, 5e-4)
	within(t, "beta_0", study.Beta[0], 1e-4, 0)
	within(t, "beta_199", study.Beta[199], 0.02, 0)
	within(t, "beta_100", study.Beta[100], 1e-4+100*(0.02-1e-4)/199, 1e-17)
	ddpm := must(t)(Linear(1000, 1e-4, 0.02))
	within(t, "DDPM's alpha_999", ddpm.Alpha[999], 0.006353, 1e-6)
	ldm := must(t)(SqrtLinear(1000, 0.00085, 0.012))
	within(t, "latent diffusion's alpha_999", ldm.Alpha[999], 0.068265, 1e-6)
	within(t, "latent diffusion's beta_999", ldm.Beta[999], 0.012, 1e-17)
	within(t, "latent diffusion's beta_500", ldm.Beta[500], math.Pow(math.Sqrt(0.00085)+500*(math.Sqrt(0.012)-math.Sqrt(0.00085))/999, 2), 1e-17)
}

// Alpha and Sigma to 1e-13 against products in math/big, also where sigma is small.
func TestFromBetasAgainstBig(t *testing.T) {
	beta := make([]float64, 1000)
	for i := range beta {
		beta[i] = 1e-12 * math.Pow(1e10, float64(i)/999)
	}
	s := must(t)(FromBetas(beta))
	one := big.NewFloat(1).SetPrec(300)
	prod := big.NewFloat(1).SetPrec(300)
	for i, b := range beta {
		prod.Mul(prod, new(big.Float).SetPrec(300).Sub(one, big.NewFloat(b)))
		a, _ := new(big.Float).Sqrt(prod).Float64()
		g, _ := new(big.Float).Sqrt(new(big.Float).Sub(one, prod)).Float64()
		within(t, fmt.Sprintf("alpha[%d]", i), s.Alpha[i]/a, 1, 1e-13)
		within(t, fmt.Sprintf("sigma[%d]", i), s.Sigma[i]/g, 1, 1e-13)
	}
	if beta[0] = 0.5; s.Beta[0] == 0.5 {
		t.Error("the schedule keeps the caller's slice")
	}
}

func TestConstructorErrors(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		f    func() (*Schedule, error)
		want string
	}{
		{func() (*Schedule, error) { return Linear(0, 1e-4, 0.02) }, "linear schedule of 0 steps, at least 1"},
		{func() (*Schedule, error) { return Linear(10, 0, 0.02) }, "from beta 0 to 0.02, needed: 0 < first <= last < 1"},
		{func() (*Schedule, error) { return Linear(10, 0.02, 0.01) }, "from beta 0.02 to 0.01"},
		{func() (*Schedule, error) { return SqrtLinear(10, 0.1, 1) }, "square-root-linear schedule from beta 0.1 to 1"},
		{func() (*Schedule, error) { return SqrtLinear(10, nan, 0.1) }, "from beta NaN"},
		{func() (*Schedule, error) { return FromBetas(nil) }, "schedule of 0 steps"},
		{func() (*Schedule, error) { return FromBetas([]float64{0.1, 1.5}) }, "beta[1] = 1.5, must be in (0, 1)"},
		{func() (*Schedule, error) { return Linear(100000, 0.1, 0.1) }, "leaves no signal"},
	} {
		if s, err := c.f(); err == nil || s != nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got a schedule: %v, error %v; want an error with %q", s != nil, err, c.want)
		}
	}
}

func TestValidate(t *testing.T) {
	good := must(t)(Linear(200, 1e-4, 0.02))
	if err := good.Validate(); err != nil {
		t.Errorf("a linear schedule: %v", err)
	}
	if err := must(t)(Linear(600, 0.1, 0.1)).Validate(); err != nil { // sigma rounds to 1, or close to it
		t.Errorf("a schedule that ends in noise: %v", err)
	}
	for _, n := range []int{1, 2} {
		if err := must(t)(Linear(n, 0.1, 0.2)).Validate(); err != nil {
			t.Errorf("%d steps: %v", n, err)
		}
	}
	// A plugin that computes and keeps float32, as the usual Python code does.
	rounded, product := &Schedule{}, float32(1)
	for _, b := range good.Beta {
		product *= 1 - float32(b)
		rounded.Alpha = append(rounded.Alpha, float64(float32(math.Sqrt(float64(product)))))
		rounded.Sigma = append(rounded.Sigma, float64(float32(math.Sqrt(float64(1-product)))))
		rounded.Beta = append(rounded.Beta, float64(float32(b)))
	}
	if err := rounded.Validate(); err != nil {
		t.Errorf("a float32 schedule: %v", err)
	}
	for want, spoil := range map[string]func(*Schedule){
		"199 alphas, 200 sigmas":  func(s *Schedule) { s.Alpha = s.Alpha[:199] },
		"0 alphas":                func(s *Schedule) { *s = Schedule{} },
		"alpha[3] = NaN":          func(s *Schedule) { s.Alpha[3] = math.NaN() },
		"sigma[0] = 0":            func(s *Schedule) { s.Sigma[0] = 0 },
		"beta[7] = 1,":            func(s *Schedule) { s.Beta[7] = 1 },
		"alpha[5]^2 + sigma[5]^2": func(s *Schedule) { s.Sigma[5] *= 1.01 },
		"(1 - beta[9])":           func(s *Schedule) { s.Beta[9] *= 1.01 },
		"(1 - beta[0]) alpha[-1]": func(s *Schedule) { slices.Reverse(s.Alpha); slices.Reverse(s.Sigma) },
	} {
		s := must(t)(FromBetas(good.Beta))
		spoil(s)
		if err := s.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
	}
}

func TestRespace(t *testing.T) {
	s := must(t)(Linear(200, 1e-4, 0.02))
	for _, n := range []int{1, 2, 7, 50, 199, 200} {
		steps, err := Spaced(200, n)
		if err != nil {
			t.Fatal(err)
		}
		if len(steps) != n || steps[n-1] != 199 || (n > 1 && steps[0] != 0) {
			t.Errorf("%d steps of 200: %v", n, steps)
		}
		for k, v := range steps {
			if n > 1 {
				within(t, fmt.Sprintf("step %d of %d", k, n), float64(v), float64(k)*199/float64(n-1), 0.5)
			}
		}
		r := must(t)(s.Respace(steps))
		if err := r.Validate(); err != nil {
			t.Errorf("respaced to %d: %v", n, err)
		}
		// The new betas make a schedule by themselves, with the same alpha and sigma.
		again := must(t)(FromBetas(r.Beta))
		for k, v := range steps {
			if r.Alpha[k] != s.Alpha[v] || r.Sigma[k] != s.Sigma[v] {
				t.Errorf("respaced to %d: step %d differs from step %d of the original", n, k, v)
			}
			within(t, "alpha from the new betas", again.Alpha[k], s.Alpha[v], 1e-13)
			within(t, "sigma from the new betas", again.Sigma[k]/s.Sigma[v], 1, 1e-13)
		}
	}
	for _, c := range []struct {
		steps []int
		want  string
	}{
		{nil, "respacing to 0 steps"},
		{[]int{0, 5, 5}, "respacing step 2 is 5, must increase and be in [0, 200)"},
		{[]int{-1}, "respacing step 0 is -1"},
		{[]int{3, 200}, "respacing step 1 is 200"},
	} {
		if _, err := s.Respace(c.steps); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Respace(%v): %v, want an error with %q", c.steps, err, c.want)
		}
	}
	for _, n := range []int{0, -1, 11} {
		if _, err := Spaced(10, n); err == nil {
			t.Errorf("Spaced(10, %d) gives no error", n)
		}
	}
}
