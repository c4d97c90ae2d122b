package seismic

import (
	"fmt"
	"math"
)

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

// CheckRicker is an error where next to nothing of a Ricker wavelet's samples q, dt apart, is left, since its peak lies too far before
// or behind them: less than 1e-6 of the peak's 1.
func CheckRicker(q []float64, dt, delay float64) error {
	largest := 0.0
	for _, x := range q {
		largest = max(largest, math.Abs(x))
	}
	if largest < 1e-6 {
		return fmt.Errorf("delay_s = %g s puts the wavelet's peak, of 1, so far from the time steps, 0 to %.6g s, that the largest sample is %.3g", delay, float64(len(q)-1)*dt, largest)
	}
	return nil
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
