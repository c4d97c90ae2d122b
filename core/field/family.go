package field

import (
	"fmt"
	"strings"
)

// Rows and Columns are the grid of the OpenFWI maps; MinRows is how many rows a layer has at least; VMin and VMax bound
// every velocity, in m/s.
const (
	Rows    = 70
	Columns = 70
	MinRows = 8
	VMin    = 1500
	VMax    = 4500
)

// Family is the recipe of one of the ten families of 2-D velocity maps that OpenFWI (Deng et al., NeurIPS 2022, Datasets
// and Benchmarks) publishes as files. The recipe is a stand-in, fitted to the mean and standard deviation of the real
// maps: the authors' own generator is not public.
type Family struct {
	Name string
	Doc  string

	// Layered families: the number of layers, uniform in MinLayers..MaxLayers; 0 where Style is set.
	MinLayers, MaxLayers int
	P, Q                 float64 // speeds are 1500 + 3000 Beta(P, Q) m/s, to a whole number
	Sorted               bool    // speeds rise with depth
	Curved               bool    // one random sinusoid lifts and lowers all interfaces
	Faulted              bool    // the rock on one side of a dipping line is shifted along it

	Style *Style // of the Style families; nil: layered

	Mean, Std float64 // of the real maps, in m/s over all cells of all maps
}

// Style is the law of a Style map, in m/s: v = Base + Offset n1 + (Slope + SlopeStd n2) (row - 34.5) + Sigma g + Noise w,
// with standard normals n1, n2 of the map, w of the cell, and g a Gaussian process of unit variance whose correlation at a
// distance of r cells is exp(-r^2/(2 Length^2)); then v is clipped to VMin..VMax.
type Style struct {
	Base, Offset, Slope, SlopeStd, Sigma, Length, Noise float64
}

var (
	styleA = Style{Base: 2738, Offset: 345, Slope: 26.5, SlopeStd: 10, Sigma: 183, Length: 3.48, Noise: 0.1}
	styleB = Style{Base: 2840, Offset: 320, Slope: 24.5, SlopeStd: 10, Sigma: 158, Length: 1.96, Noise: 58}
)

var families = []Family{
	{Name: "FlatVel_A", Doc: "2 to 7 flat layers, faster with depth", MinLayers: 2, MaxLayers: 7, P: 1.10, Q: 1.47, Sorted: true, Mean: 2782, Std: 786},
	{Name: "FlatVel_B", Doc: "2 to 7 flat layers in any order", MinLayers: 2, MaxLayers: 7, P: 1, Q: 1, Mean: 3001, Std: 867},
	{Name: "CurveVel_A", Doc: "2 to 7 curved layers, faster with depth", MinLayers: 2, MaxLayers: 7, P: 1.10, Q: 1.47, Sorted: true, Curved: true, Mean: 2788, Std: 794},
	{Name: "CurveVel_B", Doc: "2 to 7 curved layers in any order", MinLayers: 2, MaxLayers: 7, P: 1, Q: 1, Curved: true, Mean: 3000, Std: 866},
	{Name: "FlatFault_A", Doc: "2 to 4 flat layers, faster with depth, cut by a fault", MinLayers: 2, MaxLayers: 4, P: 1.10, Q: 0.97, Sorted: true, Faulted: true, Mean: 3089, Std: 855},
	{Name: "FlatFault_B", Doc: "6 to 8 flat layers in any order, cut by a fault", MinLayers: 6, MaxLayers: 8, P: 1, Q: 0.93, Faulted: true, Mean: 3056, Std: 876},
	{Name: "CurveFault_A", Doc: "2 to 4 curved layers, faster with depth, cut by a fault", MinLayers: 2, MaxLayers: 4, P: 1.10, Q: 0.97, Sorted: true, Curved: true, Faulted: true, Mean: 3083, Std: 853},
	{Name: "CurveFault_B", Doc: "6 to 8 curved layers in any order, cut by a fault", MinLayers: 6, MaxLayers: 8, P: 1, Q: 0.93, Curved: true, Faulted: true, Mean: 3036, Std: 890},
	{Name: "Style_A", Doc: "smooth maps of natural texture", Style: &styleA, Mean: 2729, Std: 666},
	{Name: "Style_B", Doc: "rougher maps of natural texture", Style: &styleB, Mean: 2838, Std: 638},
}

// Families lists the ten families, always in the same order.
func Families() []Family { return append([]Family(nil), families...) }

// FamilyNames lists their names.
func FamilyNames() []string {
	names := make([]string, len(families))
	for i, f := range families {
		names[i] = f.Name
	}
	return names
}

// FamilyByName returns the family of a name, exactly as OpenFWI writes it. The error names those that there are.
func FamilyByName(name string) (Family, error) {
	for _, f := range families {
		if f.Name == name {
			return f, nil
		}
	}
	return Family{}, fmt.Errorf("field: no OpenFWI family %q (allowed: %s)", name, strings.Join(FamilyNames(), ", "))
}
