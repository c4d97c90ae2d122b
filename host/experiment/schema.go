// Package experiment reads experiment files: one TOML file names a solver, a prior and a sampler, says what is observed
// and what is judged, and may sweep over any of its keys. Load checks every key against the host's own tables and the
// plugins' option tables, fills every default in, and returns one Cell per combination of the sweep, plus the lock file.
package experiment

// The host's own keys. A plugin's options stand in the same table beside them, so none of them may have these names.

// File is the top of an experiment file.
type File struct {
	Name     string `option:"name" doc:"name of the experiment and of its run folder: letters, digits, - and _"`
	Title    string `option:"title" default:"" affects:"nothing" doc:"one line for the report's head"`
	Question string `option:"question" default:"" affects:"nothing" doc:"what this experiment asks, shown at the head of the report"`
	Seed     int64  `option:"seed" default:"0" min:"0" doc:"seed of all noise"`
	Device   string `option:"device" default:"cpu" doc:"where solvers and prior compute unless their own tables say: cpu, or cuda:N for GPU number N, by the plugin's CUDA build. Samplers compute on the CPU"`
	Report   Report `option:"report" doc:"what the report shows first; changes no number"`
	Run      Run    `option:"run" doc:"how the run is carried out; changes no number"`
}

// Run is the [run] table.
type Run struct {
	CallLimitS  float64 `option:"call_limit_s" default:"600" above:"0" unit:"s" affects:"nothing" doc:"a plugin that does not answer a call within this time (a training: that sends no report) is killed and the call repeated"`
	Restarts    int     `option:"restarts" default:"5" min:"0" affects:"nothing" doc:"how often one call is repeated after its plugin died"`
	CheckpointS float64 `option:"checkpoint_s" default:"10" min:"0" unit:"s" affects:"nothing" doc:"time between checkpoints of the chains"`
}

// Solver is the host's part of [solver] and [observation.solver].
type Solver struct {
	Plugin  string `option:"plugin" doc:"name of the solver plugin"`
	Path    string `option:"path" default:"" affects:"nothing" doc:"path of its binary; empty: WAVEPRIOR_PLUGINS, beside the host, PATH"`
	Device  string `option:"device" default:"cpu" doc:"cpu, or cuda:N for GPU number N; where it is not given, the file's own device"`
	Threads int    `option:"threads" default:"0" min:"0" affects:"nothing" doc:"threads per worker process; 0: the machine's cores, shared out to the workers"`
	Workers int    `option:"workers" default:"1" min:"1" affects:"nothing" doc:"worker processes; a batch is split over them"`
}

// Prior is the host's part of [prior].
type Prior struct {
	Plugin     string  `option:"plugin" doc:"name of the prior plugin"`
	Path       string  `option:"path" default:"" affects:"nothing" doc:"path of its binary; empty: WAVEPRIOR_PLUGINS, beside the host, PATH"`
	Device     string  `option:"device" default:"cpu" doc:"cpu, or cuda:N for GPU number N; where it is not given, the file's own device"`
	Threads    int     `option:"threads" default:"0" min:"0" affects:"nothing" doc:"threads of its process; 0: as many as the machine has cores"`
	Checkpoint *string `option:"checkpoint" doc:"folder of a trained prior: skips training"`
}

// Data is the host's part of [prior.data]; the generator's options (its number of examples among them) stand beside it.
type Data struct {
	Kind    string `option:"kind" doc:"generator of the training set"`
	HeldOut int    `option:"held_out" default:"0" min:"0" doc:"number of held-out examples, from another stream, for truths and nulls"`
}

// Observation is the [observation] table.
type Observation struct {
	Truth    string       `option:"truth" default:"held-out" oneof:"held-out,prior,training,model,file,data" doc:"where the true models come from: held-out examples, draws of the prior itself, training examples, given models, an .npy file; or no truth but the data themselves. A table { rule = ... } is a truth rule"`
	Model    *[][]float64 `option:"model" doc:"the true models, for truth = \"model\""`
	File     *string      `option:"file" doc:"path of an .npy file: the true models, for truth = \"file\", or the observed data, for truth = \"data\". One item or a batch (n, ...) of them, float16, float32 or float64 (complex64 or complex128 for complex data). Relative to the experiment's folder"`
	Index    []int        `option:"index" default:"[]" min:"0" json:",omitempty" doc:"numbers, from 0, of the items of file that are the observations, in this order; empty: the first count items"`
	Data     *[][]float64 `option:"data" doc:"the observed data, for truth = \"data\", in place of file"`
	Count    int          `option:"count" default:"1" min:"1" doc:"number of observations (truths); for given models and data, and with index, their number"`
	Noise    *float64     `option:"noise" min:"0" doc:"noise sqrt(E|n|^2) relative to max |d| of each observation"`
	NoiseStd *float64     `option:"noise_std" min:"0" doc:"standard deviation of the noise of each real number, in the data's unit"`
	AddNoise bool         `option:"add_noise" default:"true" doc:"add noise to the solver's data; false: the data are exact, the noise level enters the likelihood only. Given data (truth = \"data\") have their noise already: none is added"`

	// DataSum is the hash of what a file of observed data holds, "" where there is none.
	DataSum string `option:"-" json:",omitempty"`

	// Rule is a truth that is a table; Truth is then its name.
	Rule *Rule `option:"-" json:"-"`

	// Drawn is the rule that draws: truth = { rule = "drawn", ... }.
	Drawn *Generated `option:"-" json:"-"`
}

// Sampler is the host's part of [sampler].
type Sampler struct {
	Plugin       string `option:"plugin" doc:"name of the sampler plugin"`
	Path         string `option:"path" default:"" affects:"nothing" doc:"path of its binary; empty: WAVEPRIOR_PLUGINS, beside the host, PATH"`
	Device       string `option:"device" default:"cpu" oneof:"cpu" doc:"samplers compute on the CPU"`
	Threads      int    `option:"threads" default:"0" min:"0" affects:"nothing" doc:"threads of its process; 0: as many as the machine has cores"`
	Chains       int    `option:"chains" min:"1" doc:"chains per observation"`
	Group        int    `option:"group" default:"0" min:"0" affects:"nothing" doc:"chains per call of the sampler, two calls at a time; 0: halves of whole 32s"`
	OnDivergence string `option:"on_divergence" default:"drop" oneof:"drop,stop" doc:"what happens when a chain diverges: it is dropped and counted, or the run stops"`
	Snapshots    int    `option:"snapshots" default:"8" min:"0" max:"64" doc:"how many states along the way are kept for figures"`
}

// Judge is the [judge] table.
type Judge struct {
	Memorisation Memorisation         `option:"memorisation" doc:"how near to the training set samples lie"`
	Exact        *Exact               `option:"exact" affects:"judge" doc:"the exact posterior on a grid of a 1-D or 2-D latent space, and distances from it"`
	Components   *EffectiveComponents `option:"effective_components" affects:"judge" doc:"effective number of components against the width, 1-D"`
}

// Memorisation is [judge.memorisation]. Truth rules that look for memorised or far examples measure by it too.
type Memorisation struct {
	Nearest    int       `option:"nearest" default:"50" min:"2" affects:"judge" doc:"k: the ratio r is the distance to the nearest training example over the mean distance to the next k-1, k at most their number"`
	Thresholds []float64 `option:"thresholds" default:"[0.5, 0.7]" affects:"judge" doc:"ratios r below which a sample counts as memorised"`

	// Adapt, [judge.memorisation] adapt, goes from the solver's model space to the coordinates in which distances are
	// measured; see Space.
	Adapt Adapters `option:"-"`
}

// Exact is [judge.exact].
type Exact struct {
	Lower float64 `option:"lower" default:"-5" doc:"lower end of every latent coordinate"`
	Upper float64 `option:"upper" default:"5" doc:"upper end of every latent coordinate"`
	Cells int     `option:"cells" default:"0" min:"0" max:"4000" doc:"grid points per coordinate; 0: 2000 in 1-D, 400 in 2-D"`
	Draws int     `option:"draws" default:"1000" min:"0" max:"2000" doc:"exact draws against which the samples' W2 is taken; 0: none"`
}

// EffectiveComponents is [judge.effective_components].
type EffectiveComponents struct {
	First      float64 `option:"first" default:"-3" doc:"first training point"`
	Last       float64 `option:"last" default:"3" doc:"last training point"`
	Points     int     `option:"points" default:"100" min:"2" doc:"number of points, of which each N takes a subset"`
	Counts     []int   `option:"counts" default:"[3, 5, 10, 20, 100]" min:"1" doc:"numbers of training points N"`
	Widths     int     `option:"widths" default:"70" min:"2" doc:"number of widths"`
	WidthFirst float64 `option:"width_first" default:"0.01" above:"0" doc:"smallest width"`
	WidthLast  float64 `option:"width_last" default:"5" above:"0" doc:"largest width"`
}

// Report is the [report] table: what the report shows first. It changes no number.
type Report struct {
	Columns []string `option:"columns" default:"[]" affects:"nothing" doc:"metrics of the headline table; empty: a choice of what there is"`
	Figures []Plot   `option:"figure" default:"[]" affects:"nothing" doc:"[[report.figure]]: a metric against a key, over the cells of a sweep"`
}

// Plot is one [[report.figure]].
type Plot struct {
	Title   string   `option:"title" affects:"nothing" doc:"what to see"`
	Metrics []string `option:"metrics" len:"1.." affects:"nothing" doc:"the metrics drawn"`
	X       string   `option:"x" affects:"nothing" doc:"dotted key of the experiment whose value is the horizontal axis"`
	XLabel  string   `option:"x_label" default:"" affects:"nothing" doc:"label of the horizontal axis; empty: the key"`
	YLabel  string   `option:"y_label" default:"" affects:"nothing" doc:"label of the vertical axis; empty: the metric"`
	LogX    bool     `option:"log_x" default:"false" affects:"nothing" doc:"logarithmic horizontal axis"`
	LogY    bool     `option:"log_y" default:"false" affects:"nothing" doc:"logarithmic vertical axis"`
	Series  []string `option:"series" default:"[]" affects:"nothing" doc:"swept keys that make one curve each; others (seeds) are averaged, with their range as a band; empty: all but x and seed"`
	Case    string   `option:"case" default:"" affects:"nothing" doc:"only cells of this case"`
}
