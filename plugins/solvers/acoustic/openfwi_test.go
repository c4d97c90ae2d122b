package acoustic

import (
	"math"
	"slices"
	"testing"
)

// Homogeneous maps through the data sets' scheme: the extremes of all shots and receivers, known to three decimals from the
// authors' own recipe (spec of this project, OpenFWI data sets).
func TestOpenFWIExtremes(t *testing.T) {
	s, c := configure(t, options{"preset": "openfwi"}, 2)
	if got := c.Data.ItemShape(); !slices.Equal(got, []int{1, 5, 1000, 70}) {
		t.Fatalf("data %v, want (1, 5, 1000, 70)", got)
	}
	for _, want := range [][3]float64{{1500, -20.694, 39.225}, {3000, -24.654, 47.728}, {4500, -27.165, 53.272}} {
		d := forward(t, s, &c, constant(&c, want[0]))
		low, high := slices.Min(d), slices.Max(d)
		if math.Abs(low-want[1]) > 6e-4 || math.Abs(high-want[2]) > 6e-4 {
			t.Errorf("%g m/s: %.5f/%.5f, want %.3f/%.3f", want[0], low, high, want[1], want[2])
		}
		t.Logf("%g m/s: %.8f/%.8f", want[0], low, high)
	}
}
