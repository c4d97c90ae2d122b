package samebits

import (
	"fmt"
	"sort"
	"strings"
)

// wavesCases are the cells of the waves in time: solver acoustic and solver elastic, sampler map on the models' grid in bands of
// frequency and in a prior's latent space, dps beside it. Of "latent" one chain starts where the time step is unstable and
// is dropped; an untrained prior leads one of "elastic dps" astray.
var wavesCases = map[string]string{
	"bands": `sampler = { memory = 2, lower = [1300.0], upper = [3600.0], first_step = 30.0, tikhonov_std = [100.0], start = { model = "truth", smooth_m = 120.0 } }
[[sweep.cases.sampler.stages]]
evaluations = 6
adapt = [{ kind = "band-pass", high_hz = 5.0 }]
[[sweep.cases.sampler.stages]]
evaluations = 6
`,
	"latent":      "sampler = { evaluations = 8, memory = 2 }\n" + coordinates,
	"elastic":     `sampler = { evaluations = 8, memory = 2, first_step = 30.0, start = { model = "truth", smooth_m = 120.0 } }` + "\n" + elastic,
	"elastic dps": `sampler = { plugin = "dps", variant = "published", zeta = 0.05 }` + "\n" + elastic + coordinates,
}

const (
	elastic     = `solver = { plugin = "elastic", source = { kind = "explosion" }, vs = { poisson = 0.25 }, rho = { constant_kg_m3 = 2000.0 } }` + "\n"
	coordinates = `[sweep.cases.prior]
plugin = "kl-mlp"
modes = 3
width = 32
blocks = 1
schedule = { steps = 6, beta_first = 1e-3, beta_last = 0.5 }
train = { steps = 4, batch = 8 }
data = { kind = "gaussian-field", kl_modes = 3, examples = 12, held_out = 3 }
`
)

// waves is the experiment of propagators in time and of the optimiser: two truths, three chains each, three shots, so that threads
// and workers have something to share; the optimiser remembers two pairs, fewer than it makes. A checkpoint after every step.
func waves(of ...string) string {
	if len(of) == 0 {
		for name := range wavesCases {
			of = append(of, name)
		}
	}
	sort.Strings(of)
	var cases strings.Builder
	for _, name := range of {
		fmt.Fprintf(&cases, "\n[[sweep.cases]]\nlabel = %q\n%s", name, wavesCases[name])
	}
	return `name = "waves"
title = "Same bits"
seed = 7

[run]
checkpoint_s = 0.0

[solver]
plugin = "acoustic"
preset = "none"
grid = { nz = 16, nx = 16, spacing_m = 40.0 }
dt_s = 9e-3
nt = 40
boundary = { cells = 4 }
wavelet = { peak_hz = 3.0 }
sources = { positions_m = [[40.0, 80.0], [60.0, 290.0], [40.0, 520.0]] }
receivers = { z_m = 560.0, x_first_m = 20.0, x_last_m = 590.0, count = 7 }

[observation]
truth = { rule = "drawn", data = { kind = "gaussian-field" } }
count = 2
noise = 0.02

[sampler]
plugin = "map"
chains = 3
snapshots = 3
` + cases.String()
}

// wavesPoints are kills around the stages of map: in and between them, where the second is configured and started from the
// first, where its state, the optimiser's history, lies in a checkpoint; and in the calls of both propagators.
var wavesPoints = []point{
	{"waves bands", "solver.VJP", 2, true}, // the first stage's misfit is the host's, behind a filter
	{"waves bands", "solver.VJP.reply", 6, false},
	{"waves bands", "solver.Forward.reply", 4, false},
	{"waves bands", "solver.Misfit", 4, false}, // the second's is the solver's own
	{"waves bands", "solver.Misfit.reply", 6, false},
	{"waves bands", "sampler.Step", 3, false},
	{"waves bands", "sampler.Step.reply", 6, false}, // the last of the first stage
	{"waves bands", "sampler.Configure", 2, true},   // of the second
	{"waves bands", "sampler.Start", 2, false},
	{"waves bands", "sampler.Start.reply", 2, false},
	{"waves bands", "sampler.Step", 7, false},
	{"waves bands", "sampler.Step", 11, true},
	{"waves bands", "host.sample", 5, false},
	{"waves bands", "host.sample", 6, false},
	{"waves bands", "host.sample", 7, false},
	{"waves bands", "host.sample", 10, true},
	{"waves bands", "host.checkpoint", 4, false},
	{"waves bands", "host.checkpoint", 6, false},
	{"waves bands", "host.checkpoint", 7, false},
	{"waves bands", "service.physics.Misfit.reply", 5, false},
	{"waves bands", "service.physics.Misfit", 9, false},
	{"waves latent", "solver.Misfit", 5, false},
	{"waves latent", "prior.DecodeVJP.reply", 4, false},
	{"waves latent", "sampler.Step", 6, false},
	{"waves latent", "host.checkpoint", 5, true},
	{"waves elastic", "solver.Forward", 1, false},
	{"waves elastic", "solver.Misfit", 5, true},
	{"waves elastic", "solver.Misfit.reply", 3, false},
	{"waves elastic", "sampler.Step.reply", 4, false},
	{"waves elastic", "host.sample", 5, false},
	{"waves elastic dps", "solver.Misfit.reply", 4, false},
	{"waves elastic dps", "sampler.Step", 4, false},
}
