package seismic

import "math"

// Ricker samples a Ricker wavelet, (1 - 2 b) exp(-b) with b = (pi f (t - delay))^2, at t = 0, dt, ..., (n - 1) dt: f is its
// peak frequency in Hz. N. Ricker, Geophysics 18 (1953) 10.
func Ricker(n int, dt, f, delay float64) []float64 {
	q := make([]float64, n)
	for k := range q {
		b := math.Pow(math.Pi*f*(float64(k)*dt-delay), 2)
		q[k] = (1 - 2*b) * math.Exp(-b)
	}
	return q
}

// RickerOpenFWI is the data sets' one: 2 floor(2.2/(2 f dt)) + 1 samples, centred, and 0 after.
func RickerOpenFWI(n int, dt, f float64) []float64 {
	half := int(2.2 / f / dt / 2)
	q := make([]float64, n)
	for k := range min(n, 2*half+1) {
		b := math.Pow(float64(half-k)*f*dt*math.Pi, 2)
		q[k] = (1 - 2*b) * math.Exp(-b)
	}
	return q
}

// HighestRicker is how many times the peak frequency a Ricker wavelet reaches: its spectrum, f^2 exp(-f^2/peak^2), is there at
// 3.3 % of its largest.
const HighestRicker = 2.5
