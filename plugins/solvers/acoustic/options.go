package acoustic

import (
	"fmt"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/seismic"
	"github.com/waveprior/waveprior/plugins/solvers/internal/intime"
)

// Options is the solver's TOML table.
type Options struct {
	Preset        string            `option:"preset" oneof:"none,openfwi" doc:"none: all is given here. openfwi: grid, time step, boundary, wavelet, sources and receivers of the OpenFWI data sets (70 x 70 nodes, 10 m, 1000 steps of 1 ms, 15 Hz, 5 shots, 70 receivers); what is given beside it replaces its part"`
	Grid          intime.Grid       `option:"grid" doc:"the model's grid: nz x nx nodes, node (iz, ix) at depth iz spacing_m and offset ix spacing_m"`
	DtS           *float64          `option:"dt_s" above:"0" unit:"s" doc:"time step, and the sampling of the data; velocities above the scheme's limit for it are refused"`
	NT            *int              `option:"nt" min:"1" max:"1000000" doc:"time steps; row n of the data is the field at (n + 1) dt_s"`
	Order         int               `option:"order" default:"4" oneof:"2,4,6,8" doc:"of the scheme in space"`
	Boundary      Boundary          `option:"boundary" doc:"what absorbs waves around the grid; the model's edge is continued into it"`
	FreeSurface   bool              `option:"free_surface" default:"false" doc:"p = 0 at depth 0, without an absorbing layer there"`
	Wavelet       Wavelet           `option:"wavelet" doc:"q(t), the same for every shot"`
	Sources       seismic.Positions `option:"sources" doc:"point sources, one shot each: positions_m, or a line of z_m, x_first_m, x_last_m and count"`
	Receivers     seismic.Positions `option:"receivers" doc:"receivers, the same for every shot: positions_m, or a line of z_m, x_first_m, x_last_m and count"`
	Record        Record            `option:"record" doc:"what receivers record"`
	SincHalfWidth int               `option:"sinc_half_width" default:"4" min:"1" max:"10" doc:"nodes on each side of a point between nodes that it acts on, by Kaiser-windowed sinc interpolation"`
	Precision     string            `option:"precision" default:"float32" oneof:"float32,float64" doc:"of the wavefields, the model and the data"`
	MemoryMB      int               `option:"memory_mb" default:"1024" min:"1" max:"1048576" unit:"MiB" affects:"nothing" doc:"for the wavefields that gradients keep; with little, segments of the forward run that are done again are chosen to take the least, to the same bits"`
}

// Boundary is what absorbs waves.
type Boundary struct {
	Kind       *string  `option:"kind" oneof:"cpml,openfwi" doc:"cpml: convolutional perfectly matched layers. openfwi: the data sets' sponge, periodic at its outer edge, order 4 only. Default: cpml, or the preset's"`
	Cells      *int     `option:"cells" min:"0" max:"1024" doc:"nodes of the layer on every side; default 20 for cpml, 120 for openfwi. 0: p = 0 just beyond the grid"`
	VelocityMS *float64 `option:"velocity_m_s" above:"0" unit:"m/s" doc:"cpml: the fastest speed that the layer's damping is made for; default: the fastest that dt_s allows"`
}

// Wavelet is the source's function of time.
type Wavelet struct {
	Kind   *string   `option:"kind" oneof:"ricker,openfwi,samples" doc:"ricker: (1 - 2 b) exp(-b), b = (pi peak_hz (t - delay_s))^2. openfwi: the same, centred in 2 floor(1.1/(peak_hz dt_s)) + 1 samples and 0 after. samples: those given. Default: ricker, or the preset's"`
	PeakHz *float64  `option:"peak_hz" above:"0" unit:"Hz" doc:"peak frequency; of samples, too: 2.5 times that is taken for the highest frequency"`
	DelayS *float64  `option:"delay_s" unit:"s" doc:"ricker: time of the peak; default 1.1/peak_hz"`
	Values []float64 `option:"samples" default:"[]" doc:"samples: q at 0, dt_s, 2 dt_s, ...; 0 after the last one"`
}

// invalid is an error of the options.
func invalid(format string, args ...any) error {
	return fmt.Errorf("solver acoustic: "+format+": %w", append(args, contract.ErrInvalidOption)...)
}

func ptr[T any](x T) *T { return &x }

// fill sets what is not given: to nothing, or by the preset.
func (o *Options) fill() error {
	or := func(p **float64, x float64) {
		if *p == nil {
			*p = &x
		}
	}
	orInt := func(p **int, n int) {
		if *p == nil {
			*p = &n
		}
	}
	orText := func(p **string, s string) {
		if *p == nil {
			*p = &s
		}
	}
	if o.Preset == "openfwi" {
		orInt(&o.Grid.NZ, 70)
		orInt(&o.Grid.NX, 70)
		or(&o.Grid.SpacingM, 10)
		or(&o.DtS, 1e-3)
		orInt(&o.NT, 1000)
		orText(&o.Boundary.Kind, "openfwi")
		orText(&o.Wavelet.Kind, "openfwi")
		or(&o.Wavelet.PeakHz, 15)
		if o.Sources.Empty() { // columns linspace(0, 69, 5), rounded half to even
			o.Sources.PositionsM = [][]float64{{10, 0}, {10, 170}, {10, 340}, {10, 520}, {10, 690}}
		}
		if o.Receivers.Empty() {
			o.Receivers = seismic.Positions{ZM: ptr(10.0), XFirstM: ptr(0.0), XLastM: ptr(690.0), Count: ptr(70)}
		}
	}
	orText(&o.Boundary.Kind, "cpml")
	orText(&o.Wavelet.Kind, "ricker")
	if *o.Boundary.Kind == "openfwi" {
		orInt(&o.Boundary.Cells, 120)
	} else {
		orInt(&o.Boundary.Cells, 20)
	}
	for name, missing := range map[string]bool{
		"grid.nz": o.Grid.NZ == nil, "grid.nx": o.Grid.NX == nil, "grid.spacing_m": o.Grid.SpacingM == nil,
		"dt_s": o.DtS == nil, "nt": o.NT == nil, "wavelet.peak_hz": o.Wavelet.PeakHz == nil,
	} {
		if missing {
			return invalid("%s is missing (or give preset = \"openfwi\")", name)
		}
	}
	or(&o.Wavelet.DelayS, 1.1 / *o.Wavelet.PeakHz)
	return o.check()
}

// check judges options that depend on each other.
func (o *Options) check() error {
	sponge := *o.Boundary.Kind == "openfwi"
	if err := o.Record.check(); err != nil {
		return err
	}
	switch {
	case sponge && o.Record.Quantity != "pressure":
		return invalid("record.quantity = %q with boundary.kind = \"openfwi\", whose data are pressures", o.Record.Quantity)
	case sponge && o.Order != 4:
		return invalid("order %d with boundary.kind = \"openfwi\", which is of order 4", o.Order)
	case sponge && o.FreeSurface:
		return invalid("free_surface with boundary.kind = \"openfwi\", which has none")
	case sponge && *o.Boundary.Cells < 2:
		return invalid("boundary.cells = %d, the openfwi sponge needs at least 2", *o.Boundary.Cells)
	case sponge && o.Boundary.VelocityMS != nil:
		return invalid("boundary.velocity_m_s is of cpml: the openfwi sponge goes by the slowest velocity of each model")
	case *o.Wavelet.Kind == "samples" && len(o.Wavelet.Values) == 0:
		return invalid("wavelet.kind = \"samples\" without wavelet.samples")
	case *o.Wavelet.Kind != "samples" && len(o.Wavelet.Values) > 0:
		return invalid("wavelet.samples with wavelet.kind = %q", *o.Wavelet.Kind)
	case len(o.Wavelet.Values) > *o.NT:
		return invalid("wavelet.samples has %d numbers for %d time steps", len(o.Wavelet.Values), *o.NT)
	}
	return nil
}

// samples returns q(t) at every step.
func (o *Options) samples() []float64 {
	switch *o.Wavelet.Kind {
	case "samples":
		return append(append([]float64(nil), o.Wavelet.Values...), make([]float64, *o.NT-len(o.Wavelet.Values))...)
	case "openfwi":
		return seismic.RickerOpenFWI(*o.NT, *o.DtS, *o.Wavelet.PeakHz)
	}
	return seismic.Ricker(*o.NT, *o.DtS, *o.Wavelet.PeakHz, *o.Wavelet.DelayS)
}
