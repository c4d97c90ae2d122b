package seismic

import (
	"fmt"
	"math"
	"math/cmplx"

	"gonum.org/v1/gonum/dsp/fourier"
)

// inexact is how much of a signal's largest sample, or of its spectrum's largest amplitude, may be where resampling has nothing
// to hold it: the error that this leaves is of that size.
const inexact = 1e-3

// Resample returns at 0, dt, ..., (n-1) dt the signal whose samples at 0, sampling, 2 sampling, ... are given, and which is 0
// after them: the samples themselves where they lie at these times, else q(t) = sum_k q_k sinc(t/sampling - k), which is exact
// for a signal without frequencies from 1/(2 sampling) on (Shannon, Proc. IRE 37 (1949) 10). Errors, with the numbers: a signal
// that lasts longer than n steps; where the intervals differ, a spectrum of more than 1e-3 of its largest at or beyond what the
// coarser of the two holds, or a first or last sample of more than 1e-3 of the largest.
func Resample(q []float64, sampling float64, n int, dt float64) ([]float64, error) {
	const close = 1e-9
	last := float64(len(q)-1) * sampling
	if last > float64(n-1)*dt*(1+close) {
		return nil, fmt.Errorf("%d numbers for %d time steps: samples every %g s last to %.6g s, the time steps to %.6g s",
			len(q), n, sampling, last, float64(n-1)*dt)
	}
	out := make([]float64, n)
	if math.Abs(sampling/dt-1) <= close {
		copy(out, q)
		return out, nil
	}
	if err := held(q, sampling, dt); err != nil {
		return nil, err
	}
	for i := range out {
		x := float64(i) * dt / sampling
		if near := math.Round(x); math.Abs(x-near) <= 1e-6 {
			if int(near) < len(q) {
				out[i] = q[int(near)]
			}
			continue
		}
		sin := math.Sin(math.Pi*(x-math.Floor(x))) / math.Pi
		if int(math.Floor(x))%2 == 1 {
			sin = -sin
		}
		sum := 0.0
		for k, v := range q { // sin(pi (x - k)) = (-1)^k sin(pi x)
			term := v / (x - float64(k))
			if k%2 == 1 {
				term = -term
			}
			sum += term
		}
		out[i] = sin * sum
	}
	return out, nil
}

// held says what neither of two sampling intervals holds of a signal.
func held(q []float64, sampling, dt float64) error {
	largest := 0.0
	for _, x := range q {
		largest = max(largest, math.Abs(x))
	}
	for _, end := range []struct {
		name string
		x    float64
	}{{"first", q[0]}, {"last", q[len(q)-1]}} {
		if math.Abs(end.x) > inexact*largest {
			return fmt.Errorf("samples every %g s cannot be resampled exactly to %g s: the %s one is %.3g of the largest, allowed is %g (let the signal begin and end at 0, or give it every %g s)",
				sampling, dt, end.name, math.Abs(end.x)/largest, inexact, dt)
		}
	}
	coarse := max(sampling, dt)
	limit, step, amplitude := 1/(2*coarse), 0.0, []float64(nil)
	step, amplitude = spectrum(q, sampling)
	top, beyond, at := 0.0, 0.0, 0.0
	for k, a := range amplitude {
		top = max(top, a)
		if f := float64(k) * step; f >= limit*(1-1e-9) && a > beyond {
			beyond, at = a, f
		}
	}
	if beyond > inexact*top {
		return fmt.Errorf("samples every %g s cannot be resampled exactly to %g s: at %.4g Hz their spectrum has %.3g of its largest, allowed is %g from %.4g Hz on, the most that %g s hold",
			sampling, dt, at, beyond/top, inexact, limit, coarse)
	}
	return nil
}

// spectrum is the amplitudes at 0, step, 2 step, ... up to 1/(2 sampling), of a grid at least eight times as fine as the
// signal's length gives.
func spectrum(q []float64, sampling float64) (step float64, amplitude []float64) {
	long := 1
	for long < 8*len(q) {
		long *= 2
	}
	padded := make([]float64, long)
	copy(padded, q)
	for _, c := range fourier.NewFFT(long).Coefficients(nil, padded) {
		amplitude = append(amplitude, cmplx.Abs(c))
	}
	return 1 / (float64(long) * sampling), amplitude
}

// Band returns where a signal's spectrum is largest, and the highest frequency with as much of that as a Ricker wavelet has at
// HighestRicker times its peak.
func Band(q []float64, sampling float64) (peak, highest float64) {
	step, amplitude := spectrum(q, sampling)
	top, at := 0.0, 0
	for k, a := range amplitude {
		if a > top {
			top, at = a, k
		}
	}
	peak = float64(at) * step
	const x2 = HighestRicker * HighestRicker
	for k, a := range amplitude {
		if a >= x2*math.Exp(1-x2)*top {
			highest = float64(k) * step
		}
	}
	return peak, highest
}
