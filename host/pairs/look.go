package pairs

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/waveprior/waveprior/core/figure"
	"github.com/waveprior/waveprior/core/npy"
	"github.com/waveprior/waveprior/core/openfwi"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
)

// LookOptions of a contact sheet.
type LookOptions struct {
	Kind    openfwi.Kind // Unknown: by the name, else the shape
	First   int          // the first sample shown
	Count   int          // samples; 0: 12 models, or the gathers of one
	Spacing float64      // of cells or receivers, in m; 0: as the set's pairs.json says, else 10
	Step    float64      // of time, in s; 0: as the set's pairs.json says, else 0.001
}

// Sheet is a contact sheet.
type Sheet struct {
	Figure  *figure.Figure
	Summary string // what is in the file, and in what is shown of it
}

// maxPanels bounds a sheet.
const maxPanels = 60

// ErrLook is wrapped by errors about what is asked for or what is in the file.
var ErrLook = errors.New("cannot be shown")

// Look draws some samples of a file of models, (samples, 1, z, x) or (samples, z, x), or of gathers, (samples, shots, time,
// receivers), of any real precision; it reads no more than these. Errors: those of npy.OpenRows; ErrLook.
func Look(path string, o LookOptions) (*Sheet, error) {
	rows, err := npy.OpenRows(path)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	item := rows.Item()
	bad := func(format string, args ...any) (*Sheet, error) {
		return nil, fmt.Errorf("%s %w: %s", path, ErrLook, fmt.Sprintf(format, args...))
	}
	kind := o.Kind
	if kind == openfwi.Unknown {
		kind, _ = openfwi.KindOf(path)
	}
	if kind == openfwi.Unknown {
		if kind = openfwi.Data; len(item) == 2 || len(item) == 3 && item[0] == 1 {
			kind = openfwi.Model
		}
	}
	grid := item
	if kind == openfwi.Model && len(item) == 3 && item[0] == 1 {
		grid = item[1:]
	}
	if want := map[openfwi.Kind]int{openfwi.Model: 2, openfwi.Data: 3}[kind]; len(grid) != want || slices.Min(grid) < 2 && kind == openfwi.Model || slices.Min(grid) < 1 {
		return bad("its samples have shape %v; models have (1, z, x) or (z, x), gathers (shots, time, receivers)", item)
	}
	if rows.Len() == 0 {
		return bad("it has no samples")
	}
	if o.Count == 0 {
		o.Count = map[openfwi.Kind]int{openfwi.Model: 12, openfwi.Data: 1}[kind]
	}
	if o.First < 0 || o.First >= rows.Len() || o.Count < 1 {
		return bad("%d samples from %d on are asked for, it has %d (0..%d)", o.Count, o.First, rows.Len(), rows.Len()-1)
	}
	panels := 1
	if kind == openfwi.Data {
		panels = grid[0]
	}
	o.Count = min(o.Count, rows.Len()-o.First)
	if o.Count*panels > maxPanels {
		return bad("%d samples of %d panels are more than the %d panels of a sheet", o.Count, panels, maxPanels)
	}
	spacing, step := steps(path, kind)
	o.Spacing, o.Step = cmp.Or(o.Spacing, spacing, 10), cmp.Or(o.Step, step, 0.001)
	t := tensor.New(tensor.Float64, append([]int{o.Count}, item...)...)
	if err := rows.Read(o.First, t); err != nil {
		return nil, err
	}
	s := &Sheet{Summary: fmt.Sprintf("%s: %d samples of %v, %s", path, rows.Len(), item, rows.DType())}
	samples := fmt.Sprintf("%s, sample %d of %d", filepath.Base(path), o.First, rows.Len())
	if o.Count > 1 {
		samples = fmt.Sprintf("%s, samples %d to %d of %d", filepath.Base(path), o.First, o.First+o.Count-1, rows.Len())
	}
	v := t.Float64s()
	n, lo, hi, mean, std := moments(v)
	if n == 0 {
		return bad("samples %d..%d have no finite number", o.First, o.First+o.Count-1)
	}
	if kind == openfwi.Model {
		s.Figure = models(o, v, grid, path, samples, [4]float64{lo, hi, mean, std})
		s.Summary += fmt.Sprintf("; shown: %.6g to %.6g, mean %.6g, standard deviation %.6g", lo, hi, mean, std)
	} else {
		s.Figure = gathers(o, v, grid, samples)
		s.Summary += fmt.Sprintf("; shown: %.6g to %.6g, RMS %.6g", lo, hi, math.Hypot(mean, std))
	}
	if n < len(v) {
		s.Summary += fmt.Sprintf("; %d numbers are not finite (grey)", len(v)-n)
	}
	return s, nil
}

// steps returns the spacing of cells or receivers and the time step that the set of a file has by its pairs.json, beside the
// file or a folder above; 0 where that does not say.
func steps(path string, kind openfwi.Kind) (spacing, step float64) {
	var id identity
	for _, dir := range []string{filepath.Dir(path), filepath.Dir(filepath.Dir(path))} {
		raw, err := os.ReadFile(filepath.Join(dir, identityName))
		if err == nil && json.Unmarshal(raw, &id) == nil && id.Format == identityFormat {
			break
		}
		id = identity{}
	}
	axes := id.Model.Axes
	if kind == openfwi.Data {
		if axes = nil; id.Data != nil {
			axes = id.Data.Axes
		}
	}
	for _, a := range axes {
		switch {
		case (a.Name == "x" || a.Name == "receiver") && a.Unit == "m":
			spacing = stepOf(&a)
		case a.Name == "time" && a.Unit == "s":
			step = a.Step
		}
	}
	return spacing, step
}

// stepOf is the distance of an axis' positions, 0 where there are none or they differ.
func stepOf(a *space.Axis) float64 {
	if len(a.Values) < 2 {
		return a.Step
	}
	step := (a.Values[len(a.Values)-1] - a.Values[0]) / float64(len(a.Values)-1)
	for i, x := range a.Values {
		if math.Abs(x-a.Values[0]-float64(i)*step) > 1e-6*step {
			return 0
		}
	}
	return step
}

// moments are of the finite numbers, n of them.
func moments(v []float64) (n int, lo, hi, mean, std float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	for _, x := range v {
		if !math.IsNaN(x) && !math.IsInf(x, 0) {
			n, lo, hi, mean = n+1, min(lo, x), max(hi, x), mean+x
		}
	}
	mean /= float64(n)
	for _, x := range v {
		if !math.IsNaN(x) && !math.IsInf(x, 0) {
			std += (x - mean) * (x - mean)
		}
	}
	return n, lo, hi, mean, math.Sqrt(std / float64(n))
}

// quantities are what files are called after.
var quantities = []struct{ prefix, label, unit string }{
	{"vp", "P velocity", "m/s"}, {"vs", "S velocity", "m/s"}, {"rho", "density", "kg/m3"},
	{"model", "velocity", "m/s"}, {"vmodel", "velocity", "m/s"}, {"vel", "velocity", "m/s"},
}

func models(o LookOptions, v []float64, grid []int, path, samples string, m [4]float64) *figure.Figure {
	scale := &figure.Scale{Label: "value", Map: figure.Viridis}
	for _, q := range quantities {
		if rest, ok := strings.CutPrefix(filepath.Base(path), q.prefix); ok && strings.ContainsRune("0123456789_.", rune((rest + ".")[0])) {
			scale.Label, scale.Unit = q.label, q.unit
		}
	}
	unit := ""
	if scale.Unit != "" {
		unit = " " + scale.Unit
	}
	f := &figure.Figure{Columns: min(4, o.Count), Title: fmt.Sprintf("%s: %s from %.0f to %.0f%s, mean %.0f, standard deviation %.0f", samples, scale.Label, m[0], m[1], unit, m[2], m[3])}
	if m[1] < 100 {
		f.Title = fmt.Sprintf("%s: %s from %.3g to %.3g%s, mean %.3g, standard deviation %.3g", samples, scale.Label, m[0], m[1], unit, m[2], m[3])
	}
	n := grid[0] * grid[1]
	for i := range o.Count {
		f.Panels = append(f.Panels, figure.NewFieldPanel(fmt.Sprintf("sample %d", o.First+i), v[i*n:(i+1)*n], grid[0], grid[1], o.Spacing, scale))
	}
	return f
}

// clipped is the share of a sheet's numbers beyond the ends of its colours: direct waves would hide the reflections.
const clipped = 0.05

func gathers(o LookOptions, v []float64, grid []int, samples string) *figure.Figure {
	shots, nt, nr := grid[0], grid[1], grid[2]
	sorted := make([]float64, 0, len(v))
	for _, x := range v {
		if !math.IsNaN(x) && !math.IsInf(x, 0) {
			sorted = append(sorted, math.Abs(x))
		}
	}
	slices.Sort(sorted)
	top, most := sorted[int((1-clipped)*float64(len(sorted)-1))], sorted[len(sorted)-1]
	if top == 0 {
		top = max(most, 1)
	}
	scale := &figure.Scale{Label: "recorded amplitude", Map: figure.Diverging, Min: -top, Max: top}
	what := fmt.Sprintf("%d shots", shots)
	if shots == 1 {
		what = "1 shot"
	}
	f := &figure.Figure{Columns: min(5, shots), Width: min(13, 3+2*float64(min(5, shots))),
		Title: fmt.Sprintf("%s: %s, largest amplitude %.3g; colours end at %.3g, which %.0f %% of the numbers exceed", samples, what, most, top, 100*clipped)}
	for i := range o.Count {
		for k := range shots {
			title := fmt.Sprintf("shot %d", k)
			if o.Count > 1 {
				title = fmt.Sprintf("sample %d, shot %d", o.First+i, k)
			}
			at := (i*shots + k) * nt * nr
			f.Panels = append(f.Panels, &figure.Panel{Title: title, X: figure.Axis{Label: "receiver", Unit: "m"}, Y: figure.Axis{Label: "time", Unit: "s", Flip: true}, Aspect: 1.5,
				Layers: []figure.Layer{figure.Field{Values: v[at : at+nt*nr], NZ: nt, NX: nr, X0: -o.Spacing / 2, X1: (float64(nr) - 0.5) * o.Spacing,
					Z0: -o.Step / 2, Z1: (float64(nt) - 0.5) * o.Step, Scale: scale}}})
		}
	}
	return f
}
