package judge_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/waveprior/waveprior/host/experiment"
)

// ratios are r and the nearest example of each item, by the definition: all distances, sorted. self leaves item i's own
// example out.
func ratios(items, train []float64, k int, self bool) (r []float64, nearest []int) {
	for i := range len(items) / cells {
		type neighbour struct {
			d float64
			n int
		}
		var all []neighbour
		for n := range len(train) / cells {
			if self && n == i {
				continue
			}
			d := 0.0
			for c := range cells {
				d = math.Hypot(d, items[i*cells+c]-train[n*cells+c])
			}
			all = append(all, neighbour{d, n})
		}
		slices.SortFunc(all, func(a, b neighbour) int {
			if a.d < b.d {
				return -1
			}
			return 1
		})
		mean, kk := 0.0, min(k, len(all))
		for _, x := range all[1:kk] {
			mean += x.d / float64(kk-1)
		}
		r, nearest = append(r, all[0].d/mean), append(nearest, all[0].n)
	}
	return r, nearest
}

func share(r []float64, t float64) float64 {
	n := 0.0
	for _, v := range r {
		if v < t {
			n++
		}
	}
	return n / float64(len(r))
}

// percentile5 is the 5 % quantile by interpolation at (n-1)/20.
func percentile5(r []float64) float64 {
	s := slices.Sorted(slices.Values(r))
	h := 0.05 * float64(len(s)-1)
	i := int(h)
	return s[i] + (h-float64(i))*(s[i+1]-s[i])
}

func median(r []float64) float64 {
	s := slices.Sorted(slices.Values(r))
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}

// samplesNear returns n samples: the first half close to training examples 0..2, the rest new.
func samplesNear(train []float64, n int) []float64 {
	fresh, noise := draw("samples", n), draw("noise", n)
	for i := range n / 2 {
		for c := range cells {
			fresh[i*cells+c] = train[i%3*cells+c] + 0.05*(noise[i*cells+c]-0.25)
		}
	}
	return toFloat32(fresh)
}

// TestMemorisationInCoordinates compares every number of the block with the definitions, in velocities (an adapter of the
// experiment: distances differ from those in squared slowness), for prior and posterior samples.
func TestMemorisationInCoordinates(t *testing.T) {
	train, held := draw("train", 20), draw("held", 60)
	samples := samplesNear(train, 40)
	adapt := experiment.Adapters{{"kind": "convert", "field": "squared_slowness", "to": "vp", "to_unit": "m/s"}}
	cell := experiment.Cell{Judge: experiment.Judge{Memorisation: experiment.Memorisation{Nearest: 12, Thresholds: []float64{0.5, 0.7}, Adapt: adapt}}}
	truth := slices.Concat(held[:cells], held[3*cells:4*cells])

	prior, _ := run(t, stages{train: train, held: held, samples: samples, cell: cell})
	posterior, dir := run(t, stages{train: train, held: held, truth: truth, samples: samples, cell: cell})

	r, nearest := ratios(velocity(samples), velocity(train), 12, false)
	null, _ := ratios(velocity(held), velocity(train), 12, false)
	loo, _ := ratios(velocity(train), velocity(train), 12, true)
	own, _ := ratios(velocity(truth), velocity(train), 12, false)
	slow, _ := ratios(samples, train, 12, false)
	if math.Abs(median(slow)/median(r)-1) < 1e-4 {
		t.Fatalf("the ratios are the same in both coordinates (%g): the test proves nothing", median(r))
	}
	threshold := percentile5(null)
	for name, m := range map[string]map[string]float64{"prior": prior, "posterior": posterior} {
		near(t, name+": threshold", m["memorisation.threshold_null"], threshold, 1e-9)
		for key, set := range map[string][]float64{"": r, "held_out_": null, "leave_one_out_": loo} {
			near(t, name+": "+key+"ratio_median", m["memorisation."+key+"ratio_median"], median(set), 1e-9)
			for label, at := range map[string]float64{"0.5": 0.5, "0.7": 0.7, "null": threshold} {
				k := fmt.Sprintf("memorisation.%srate_%s", key, label)
				want := share(set, at)
				if got, ok := m[k]; !ok || got != want {
					t.Errorf("%s: %s is %g, want %g", name, k, got, want)
				}
				wilson(t, m, k, want, len(set))
			}
		}
	}
	if v := share(r, threshold); v < 0.45 || v > 0.7 {
		t.Errorf("%g of the samples count as memorised, half of them are", v)
	}
	if _, ok := prior["memorisation.truth_ratio_median"]; ok {
		t.Error("unconditional samples have a truth")
	}
	near(t, "ratio of the truths", posterior["memorisation.truth_ratio_median"], median(own), 1e-9)
	if _, ok := posterior["memorisation.truth_rate_0.5"]; ok {
		t.Error("two truths have a rate")
	}
	counts := map[int]float64{}
	for _, n := range nearest {
		counts[n]++
	}
	h := 0.0
	for _, c := range counts {
		h -= c / float64(len(nearest)) * math.Log(c/float64(len(nearest)))
	}
	near(t, "different neighbours", prior["memorisation.neighbours_different"], float64(len(counts)), 0)
	near(t, "effective neighbours", prior["memorisation.neighbours_effective"], math.Exp(h), 1e-9)
	for key, want := range map[string]float64{"samples": 40, "examples": 20, "held_out": 60, "coordinates": cells} {
		near(t, key, prior["memorisation."+key], want, 0)
	}

	// The gallery: the lowest ratio of each training example, the lowest six of these, in m/s.
	var order []int
	for n := range 20 {
		best := -1
		for i, k := range nearest {
			if k == n && (best < 0 || r[i] < r[best]) {
				best = i
			}
		}
		if best >= 0 {
			order = append(order, best)
		}
	}
	slices.SortFunc(order, func(a, b int) int {
		if r[a] < r[b] {
			return -1
		}
		return 1
	})
	rows := array(t, dir, "gallery").Float64s()
	shown, beside := array(t, dir, "gallery_samples"), array(t, dir, "gallery_nearest")
	if len(order) < 7 || len(rows) != 18 {
		t.Fatalf("%d different neighbours, %d numbers in the gallery", len(order), len(rows))
	}
	for i := range 6 {
		near(t, "gallery r", rows[3*i], r[order[i]], 1e-9)
		near(t, "gallery example", rows[3*i+1], float64(nearest[order[i]]), 0)
		near(t, "gallery chain", rows[3*i+2], float64(order[i]), 0)
		near(t, "gallery sample", shown.Item(i).Float64s()[7], velocity(samples)[order[i]*cells+7], 1e-9)
		near(t, "gallery neighbour", beside.Item(i).Float64s()[7], velocity(train)[nearest[order[i]]*cells+7], 1e-9)
	}
	if c := array(t, dir, "memorisation_coordinates_training"); c.Shape[0] != 20 || c.Shape[1] != 4 {
		t.Errorf("scatter coordinates of shape %v", c.Shape)
	} else {
		near(t, "scatter coordinate", c.Item(2).Float64s()[3], velocity(train)[2*cells+3], 1e-9)
	}
}

// wilson holds the interval to be at least Wilson's, from its formula.
func wilson(t *testing.T, m map[string]float64, key string, p float64, n int) {
	t.Helper()
	z, nf := distuv.UnitNormal.Quantile(0.975), float64(n)
	centre := (p + z*z/(2*nf)) / (1 + z*z/nf)
	half := z * math.Sqrt(p*(1-p)/nf+z*z/(4*nf*nf)) / (1 + z*z/nf)
	lo, hi := m[key+"_low"], m[key+"_high"]
	if lo > centre-half+1e-12 || hi < centre+half-1e-12 || lo < -1e-12 || hi > 1+1e-12 || lo > p || hi < p {
		t.Errorf("%s = %g of %d: interval [%g, %g], Wilson's is [%g, %g]", key, p, n, lo, hi, centre-half, centre+half)
	}
}

// TestSamplesWithoutCoordinates: a sample that the adapters cannot carry is left out, and the rates say how many there are.
func TestSamplesWithoutCoordinates(t *testing.T) {
	train, held := draw("train", 8), draw("held", 10)
	samples := draw("samples", 12)
	for c := range cells {
		samples[5*cells+c] = -0.1 // no velocity
	}
	adapt := experiment.Adapters{{"kind": "convert", "field": "squared_slowness", "to": "vp", "to_unit": "m/s"}}
	cell := experiment.Cell{Judge: experiment.Judge{Memorisation: experiment.Memorisation{Nearest: 50, Thresholds: []float64{0.5}, Adapt: adapt}}}
	m, _ := run(t, stages{train: train, held: held, samples: samples, cell: cell})
	if m["memorisation.samples"] != 11 || m["samples.chains"] != 12 {
		t.Errorf("%g samples of %g chains are judged, want 11 of 12", m["memorisation.samples"], m["samples.chains"])
	}
}
