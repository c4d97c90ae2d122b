package elastic

import (
	"fmt"
	"slices"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/seismic"
	"github.com/waveprior/waveprior/plugins/solvers/internal/intime"
)

// Options is the solver's TOML table.
type Options struct {
	Preset        string            `option:"preset" oneof:"none,efwi" doc:"none: all is given here. efwi: a set-up like that of the elastic OpenFWI data, whose generator is not published: 70 x 70 nodes, 5 m, 1000 samples of 1 ms in 2 steps each, 15 Hz peaking at 0.1 s, 5 shots with a force on both components, 70 receivers in row 1, density 2000 kg/m3; what is given beside it replaces its part"`
	Grid          intime.Grid       `option:"grid" doc:"the model's grid: nz x nx nodes, node (iz, ix) at depth iz spacing_m and offset ix spacing_m"`
	DtS           *float64          `option:"dt_s" above:"0" unit:"s" doc:"sampling of the data; where vp_max_m_s is too fast for one step of that length there are several"`
	NT            *int              `option:"nt" min:"1" max:"1000000" doc:"samples; row n of the data is the field at (n + 1) dt_s"`
	VpMaxMS       float64           `option:"vp_max_m_s" default:"4500" above:"0" unit:"m/s" doc:"the fastest vp that models have: decides the steps of the scheme in dt_s, and is what the layers are made for. Faster models are taken as far as that step is stable"`
	Order         int               `option:"order" default:"4" oneof:"2,4" doc:"of the scheme in space"`
	Boundary      Boundary          `option:"boundary" doc:"what absorbs waves around the grid; the model's edge is continued into it"`
	FreeSurface   bool              `option:"free_surface" default:"false" doc:"no stress across depth 0, and no absorbing layer there"`
	Wavelet       Wavelet           `option:"wavelet" doc:"q(t), the same for every shot"`
	Source        Source            `option:"source" doc:"what acts at the sources"`
	Sources       seismic.Positions `option:"sources" doc:"point sources, one shot each: positions_m, or a line of z_m, x_first_m, x_last_m and count"`
	Receivers     seismic.Positions `option:"receivers" doc:"receivers, the same for every shot: positions_m, or a line of z_m, x_first_m, x_last_m and count"`
	Vs            Vs                `option:"vs" doc:"where vs comes from; default: it is a field of the model"`
	Rho           Rho               `option:"rho" doc:"where rho comes from; default: it is a field of the model (preset efwi: 2000 kg/m3)"`
	SincHalfWidth int               `option:"sinc_half_width" default:"4" min:"1" max:"10" doc:"nodes on each side of a point that it acts on in each field, by Kaiser-windowed sinc interpolation; one where a node of the field lies there"`
	Precision     string            `option:"precision" default:"float32" oneof:"float32,float64" doc:"of the wavefields, the model and the data"`
	MemoryMB      int               `option:"memory_mb" default:"8192" min:"1" max:"1048576" unit:"MiB" affects:"nothing" doc:"on the CPU, for what gradients keep of the forward run, and never more than half of what is free; with little, segments of it that are done again are chosen to take the least, to the same bits. On a GPU this is ignored: what is free there counts"`
}

// Boundary is what absorbs waves.
type Boundary struct {
	Cells *int `option:"cells" min:"0" max:"1024" doc:"nodes of the C-PML on every side, default 20. 0: none, all fields are 0 just beyond the grid"`
}

// Wavelet is the source's function of time.
type Wavelet struct {
	Kind   *string   `option:"kind" oneof:"ricker,samples" doc:"ricker: (1 - 2 b) exp(-b), b = (pi peak_hz (t - delay_s))^2. samples: those given, interpolated by a windowed sinc. Default: ricker"`
	PeakHz *float64  `option:"peak_hz" above:"0" unit:"Hz" doc:"peak frequency; of samples, too: 2.5 times that is taken for the highest frequency"`
	DelayS *float64  `option:"delay_s" unit:"s" doc:"ricker: time of the peak; default 1.1/peak_hz"`
	Values []float64 `option:"samples" default:"[]" doc:"samples: q at 0, dt_s, 2 dt_s, ...; 0 before the first and after the last one"`
}

// Source is what acts at a source.
type Source struct {
	Kind      string    `option:"kind" default:"force" oneof:"force,explosion" doc:"force: q(t) in N/m, in its direction. explosion: moment rate q(t) in N/s, outwards where positive"`
	Direction []float64 `option:"direction_zx" default:"[]" doc:"force: [z, x] in units of q; default [1, 0], straight down (preset efwi: [1, 1])"`
}

// Vs says where vs comes from.
type Vs struct {
	Poisson *float64 `option:"poisson" min:"0" max:"0.5" doc:"vs = vp sqrt((0.5 - poisson)/(1 - poisson)); 0.25 is vp/sqrt(3), 0.5 a fluid"`
}

// Rho says where rho comes from.
type Rho struct {
	Constant *float64 `option:"constant_kg_m3" above:"0" unit:"kg/m3" doc:"one density everywhere"`
	Gardner  bool     `option:"gardner" default:"false" doc:"rho = 310 vp^0.25 (Gardner, Gardner and Gregory 1974)"`
}

// invalid is an error of the options.
func invalid(format string, args ...any) error {
	return fmt.Errorf("solver elastic: "+format+": %w", append(args, contract.ErrInvalidOption)...)
}

func ptr[T any](x T) *T { return &x }

func or[T any](p **T, x T) {
	if *p == nil {
		*p = &x
	}
}

// fill sets what is not given: to nothing, or by the preset.
func (o *Options) fill() error {
	if o.Preset == "efwi" {
		or(&o.Grid.NZ, 70)
		or(&o.Grid.NX, 70)
		or(&o.Grid.SpacingM, 5)
		or(&o.DtS, 1e-3)
		or(&o.NT, 1000)
		or(&o.Wavelet.PeakHz, 15)
		or(&o.Wavelet.DelayS, 0.1)
		if len(o.Source.Direction) == 0 && o.Source.Kind == "force" {
			o.Source.Direction = []float64{1, 1}
		}
		if o.Sources.Empty() { // columns linspace(0, 69, 5), rounded half to even
			o.Sources.PositionsM = [][]float64{{5, 0}, {5, 85}, {5, 170}, {5, 260}, {5, 345}}
		}
		if o.Receivers.Empty() {
			o.Receivers = seismic.Positions{ZM: ptr(5.0), XFirstM: ptr(0.0), XLastM: ptr(345.0), Count: ptr(70)}
		}
		if !o.Rho.Gardner {
			or(&o.Rho.Constant, 2000)
		}
	}
	or(&o.Wavelet.Kind, "ricker")
	or(&o.Boundary.Cells, 20)
	if len(o.Source.Direction) == 0 && o.Source.Kind == "force" {
		o.Source.Direction = []float64{1, 0}
	}
	for name, missing := range map[string]bool{
		"grid.nz": o.Grid.NZ == nil, "grid.nx": o.Grid.NX == nil, "grid.spacing_m": o.Grid.SpacingM == nil,
		"dt_s": o.DtS == nil, "nt": o.NT == nil, "wavelet.peak_hz": o.Wavelet.PeakHz == nil,
	} {
		if missing {
			return invalid("%s is missing (or give preset = \"efwi\")", name)
		}
	}
	or(&o.Wavelet.DelayS, 1.1 / *o.Wavelet.PeakHz)
	return o.check()
}

// check judges options that depend on each other.
func (o *Options) check() error {
	samples := *o.Wavelet.Kind == "samples"
	switch {
	case samples && len(o.Wavelet.Values) == 0:
		return invalid("wavelet.kind = \"samples\" without wavelet.samples")
	case !samples && len(o.Wavelet.Values) > 0:
		return invalid("wavelet.samples with wavelet.kind = %q", *o.Wavelet.Kind)
	case len(o.Wavelet.Values) > *o.NT:
		return invalid("wavelet.samples has %d numbers for %d samples", len(o.Wavelet.Values), *o.NT)
	case samples && !slices.ContainsFunc(o.Wavelet.Values, func(x float64) bool { return x != 0 }):
		return invalid("wavelet.samples: all %d are 0", len(o.Wavelet.Values))
	case o.Source.Kind == "explosion" && len(o.Source.Direction) > 0:
		return invalid("source.direction_zx of an explosion, which has none")
	case o.Source.Kind == "force" && (len(o.Source.Direction) != 2 || o.Source.Direction[0] == 0 && o.Source.Direction[1] == 0):
		return invalid("source.direction_zx is %v, want [z, x], not both 0", o.Source.Direction)
	case o.Rho.Gardner && o.Rho.Constant != nil:
		return invalid("rho.gardner and rho.constant_kg_m3 are both given, allowed is one of them")
	}
	return nil
}

// wavelet is q at the middle of every step of the scheme for forces, at its end for explosions: dt s each, of which `each` make
// a sample. Error: a wavelet that is over before they begin, or begins when they are over.
func (o *Options) wavelet(dt float64, each int) ([]float64, error) {
	shift := 0.5
	if o.Source.Kind == "explosion" {
		shift = 1
	}
	n := *o.NT * each
	if *o.Wavelet.Kind == "ricker" {
		q := seismic.Ricker(n, dt, *o.Wavelet.PeakHz, *o.Wavelet.DelayS-shift*dt)
		if err := seismic.CheckRicker(q, dt, *o.Wavelet.DelayS); err != nil {
			return nil, invalid("wavelet.%w", err)
		}
		return q, nil
	}
	sinc := seismic.Sinc{HalfWidth: 8}
	q := make([]float64, n)
	for k := range q {
		q[k] = sinc.Interpolate(o.Wavelet.Values, (float64(k)+shift)/float64(each))
	}
	return q, nil
}
