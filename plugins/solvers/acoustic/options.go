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
	Wavelet       seismic.Wavelet   `option:"wavelet" doc:"q(t), the same for every shot; of a file with several, each shot's"`
	Wavelets      []seismic.Wavelet `option:"wavelets" default:"[]" doc:"several wavelets instead, of any kinds and frequencies, each a table as wavelet is"`
	WaveletOfShot []int             `option:"wavelet_of_shot" default:"[]" min:"0" doc:"number of every shot's wavelet, from 0 in the order of wavelets; default: the only one for all shots, or as many as there are shots, each its own"`
	Sources       seismic.Positions `option:"sources" doc:"point sources, one shot each: positions_m, or a line of z_m, x_first_m, x_last_m and count"`
	Receivers     seismic.Positions `option:"receivers" doc:"receivers, the same for every shot: positions_m, or a line of z_m, x_first_m, x_last_m and count"`
	Record        Record            `option:"record" doc:"what receivers record"`
	SincHalfWidth int               `option:"sinc_half_width" default:"4" min:"1" max:"10" doc:"nodes on each side of a point between nodes that it acts on, by Kaiser-windowed sinc interpolation"`
	Precision     string            `option:"precision" default:"float32" oneof:"float32,float64" doc:"of the wavefields, the model and the data"`
	MemoryMB      int               `option:"memory_mb" default:"4096" min:"1" max:"1048576" unit:"MiB" affects:"nothing" doc:"on the CPU, for the wavefields that gradients keep, and never more than half of what is free; fastest where it holds nt fields of the grid with its layers for each thread; with less, steps are done again, to the same bits. On a GPU this is ignored: what is free there counts"`
}

// Boundary is what absorbs waves.
type Boundary struct {
	Kind       *string  `option:"kind" oneof:"cpml,openfwi" doc:"cpml: convolutional perfectly matched layers. openfwi: the data sets' sponge, periodic at its outer edge, order 4 only. Default: cpml, or the preset's"`
	Cells      *int     `option:"cells" min:"0" max:"1024" doc:"nodes of the layer on every side; default 20 for cpml, 120 for openfwi. 0: p = 0 just beyond the grid"`
	VelocityMS *float64 `option:"velocity_m_s" above:"0" unit:"m/s" doc:"cpml: the fastest speed that the layer's damping is made for; default: the fastest that dt_s allows"`
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
		if len(o.Wavelets) == 0 {
			orText(&o.Wavelet.Kind, "openfwi")
			if formula(*o.Wavelet.Kind) {
				or(&o.Wavelet.PeakHz, 15)
			}
		}
		if o.Sources.Empty() { // columns linspace(0, 69, 5), rounded half to even
			o.Sources.PositionsM = [][]float64{{10, 0}, {10, 170}, {10, 340}, {10, 520}, {10, 690}}
		}
		if o.Receivers.Empty() {
			o.Receivers = seismic.Positions{ZM: ptr(10.0), XFirstM: ptr(0.0), XLastM: ptr(690.0), Count: ptr(70)}
		}
	}
	orText(&o.Boundary.Kind, "cpml")
	if len(o.Wavelets) == 0 {
		orText(&o.Wavelet.Kind, "ricker")
	}
	for i := range o.Wavelets {
		orText(&o.Wavelets[i].Kind, "ricker")
	}
	if *o.Boundary.Kind == "openfwi" {
		orInt(&o.Boundary.Cells, 120)
	} else {
		orInt(&o.Boundary.Cells, 20)
	}
	for name, missing := range map[string]bool{
		"grid.nz": o.Grid.NZ == nil, "grid.nx": o.Grid.NX == nil, "grid.spacing_m": o.Grid.SpacingM == nil,
		"dt_s": o.DtS == nil, "nt": o.NT == nil,
	} {
		if missing {
			return invalid("%s is missing (or give preset = \"openfwi\")", name)
		}
	}
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
	}
	return nil
}

// formula tells which kinds of wavelets need a peak frequency.
func formula(kind string) bool { return kind == "ricker" || kind == "openfwi" }

// signals returns the wavelets at the time steps, and which of them is each shot's.
func (o *Options) signals(shots int) (list []seismic.Signal, of []int, err error) {
	all, name := []seismic.Wavelet{o.Wavelet}, "wavelet"
	if len(o.Wavelets) > 0 {
		w := &o.Wavelet
		if w.Kind != nil || w.PeakHz != nil || w.DelayS != nil || w.SamplingS != nil || w.Path != "" || len(w.Values) > 0 {
			return nil, nil, invalid("wavelet and wavelets are both given, allowed is one of them")
		}
		all = o.Wavelets
	}
	for i := range all {
		if len(o.Wavelets) > 0 {
			name = fmt.Sprintf("wavelets[%d]", i)
		}
		some, err := all[i].Signals(*o.NT, *o.DtS)
		if err != nil {
			return nil, nil, invalid("%s.%w", name, err)
		}
		list = append(list, some...)
	}
	switch n := len(o.WaveletOfShot); {
	case n == shots:
		for shot, k := range o.WaveletOfShot {
			if k >= len(list) {
				return nil, nil, invalid("wavelet_of_shot: shot %d has wavelet %d, there are %d (0..%d)", shot, k, len(list), len(list)-1)
			}
		}
		return list, o.WaveletOfShot, nil
	case n > 0:
		return nil, nil, invalid("wavelet_of_shot has %d numbers for %d shots", n, shots)
	case len(list) != 1 && len(list) != shots:
		return nil, nil, invalid("%d wavelets for %d shots: give wavelet_of_shot, or one wavelet for all shots, or one for each", len(list), shots)
	}
	of = make([]int, shots)
	for shot := range of {
		of[shot] = min(shot, len(list)-1)
	}
	return list, of, nil
}
