package multifrontal_test

import (
	"math/rand/v2"
	"testing"

	"github.com/waveprior/waveprior/cuda"
	"github.com/waveprior/waveprior/cuda/internal/twin"
)

// twins lists every kernel of the package by its outputs. Sums over pivots have the same order on both devices, but what is
// assembled is added before or after; residual and misfit are summed by a block's tree on a GPU.
var twins = map[string][]twin.Written{
	"helm_boxes":             {twin.Writes(8, 't', true), twin.Writes(10, 't', true), twin.Writes(12, 'i', true)},
	"helm_pivots":            {twin.Writes(8, 't', false), twin.Writes(14, 'i', true)},
	"helm_panels":            {twin.Writes(8, 't', false), twin.Writes(12, 't', false)},
	"helm_updates":           {twin.Writes(10, 't', true)},
	"helm_box_forward":       {twin.Writes(7, 't', false), twin.Writes(9, 't', false)},
	"helm_box_backward":      {twin.Writes(9, 't', false)},
	"helm_forward_pivots":    {twin.Writes(9, 't', true)},
	"helm_forward_boundary":  {twin.Writes(7, 't', true)},
	"helm_backward_boundary": {twin.Writes(9, 't', true)},
	"helm_backward_pivots":   {twin.Writes(9, 't', true)},
	"helm_diagonals":         {twin.Writes(0, 't', true)},
	"helm_source":            {twin.Writes(0, 't', true)},
	"helm_receive":           {twin.Writes(0, 't', true)},
	"helm_tangent":           {twin.Writes(0, 't', true)},
	"helm_sample":            {twin.Writes(0, 't', true)},
	"helm_products":          {twin.Writes(0, 'd', true)},
	"helm_fold_x":            {twin.Writes(0, 'd', true)},
	"helm_fold_z":            {twin.Writes(0, 'd', true)},
	"helm_residual":          {twin.Writes(0, 'd', false)},
	"helm_misfit":            {twin.Writes(0, 'd', false), twin.Writes(1, 'd', true), twin.Writes(2, 't', true)},
}

// compareTwins runs all kernels on both devices: grids of one box, and with fronts of several tiles and blocks, at a number of
// shots that is none of right-hand sides that a block carries.
func compareTwins(t *testing.T, first, second cuda.Device, sizes [][3]int) *twin.Pair {
	t.Helper()
	p := twin.NewPair(t, first, second, twins)
	for _, size := range sizes {
		everything[float32](t, p, size, 2, 2, 6)
		everything[float64](t, p, size, 2, 2, 6)
	}
	// One system in a small place: launches that the emulated device may record (cuda/emulated/record.h).
	everything[float32](t, p, [3]int{23, 17, 2}, 1, 1, 4)
	everything[float64](t, p, [3]int{23, 17, 2}, 1, 1, 4)
	return p
}

func everything[T cuda.Float](t *testing.T, d cuda.Device, size [3]int, count, frequencies, directions int) {
	t.Helper()
	const seed = 8
	r := rand.New(rand.NewPCG(seed, 1))
	p := problem(r, size[0], size[1], size[2], frequencies, 5)
	cells, n, systems := p.NZ*p.NX, len(p.Sources)*len(p.Receivers), count*frequencies
	e := engine[T](t, d, p, systems, count, directions)
	observed, weight := make([]complex128, frequencies*n), make([]float64, systems*directions)
	for i := range observed {
		observed[i] = complex(r.NormFloat64(), r.NormFloat64())
	}
	for i := range weight {
		weight[i] = 1 + float64(i%5)
	}
	must(t, e.SetObservations(nil, observed, []float64{0.7}))
	must(t, e.Load(models[T](r, count*cells), 0, frequencies))
	must(t, e.Background())
	must(t, e.Data(make([]T, 2*systems*n)))
	must(t, e.Misfit(make([]int, count), make([]float64, systems), true, true, false))
	must(t, e.Tangent(models[T](r, count*directions*cells), directions, make([]T, 2*systems*directions*n)))
	must(t, e.Adjoint(models[T](r, 2*systems*directions*n), weight, directions, false, true))
}

// TestTwinsAreComplete: every kernel of the package is in the table, is run by the comparison, and writes what the table says;
// on one thread and on three it writes the same.
func TestTwinsAreComplete(t *testing.T) {
	compareTwins(t, twin.CPU(t, 2), twin.CPU(t, 3), [][3]int{{14, 20, 2}}).Complete("helm_")
}
