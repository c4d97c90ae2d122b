package badinput

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/waveprior/waveprior/core/npy"
	"github.com/waveprior/waveprior/core/tensor"
)

// waves is an experiment of the study's plugins that runs in a moment, with no cells; every test spoils it in one place.
const waves = `name = "waves"
seed = 3
[solver]
plugin = "helmholtz"
grid = { nz = 12, nx = 12, spacing_m = 60.0 }
boundary = { kind = "pml", cells = 4, sigma_max = 60.0 }
frequency_hz = [1.5, 2.0]
sources = { positions_m = [[0.0, 0.0], [0.0, 600.0]] }
receivers = { z_m = 660.0, x_first_m = 0.0, x_last_m = 660.0, count = 6 }
[prior]
plugin = "kl-mlp"
modes = 3
width = 16
blocks = 1
[prior.schedule]
steps = 5
beta_last = 0.5
[prior.train]
steps = 8
batch = 4
[prior.data]
kind = "gaussian-field"
kl_modes = 3
examples = 5
held_out = 2
[observation]
truth = "held-out"
noise = 0.05
[sampler]
plugin = "dps"
chains = 2
[judge.memorisation]
adapt = [{ kind = "kl", modes = 3 }]
`

// TestWaves: what the options of helmholtz, kl-mlp, the field generator and the KL adapter may not be. Where the file alone
// tells, the error has its line and nothing is started; where a plugin or a space tells, nothing is trained.
func TestWaves(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		old, new string
		line     bool // the error names the line
		want     []string
	}{
		{"unknown key of training", "steps = 8", "step = 8", true, []string{"prior.train.step", "unknown key", `"steps"`, "learning_rate_last"}},
		{"no steps of training", "steps = 8", "steps = 0", true, []string{"prior.train.steps", ">= 1", "0"}},
		{"unknown key of the grid", "{ nz = 12, nx", "{ nz = 12, ny = 12, nx", true, []string{"solver.grid.ny", "unknown key", "spacing_m"}},
		{"no frequency", "frequency_hz = [1.5, 2.0]", "frequency_hz = []", true, []string{"solver.frequency_hz", "at least 1 item"}},
		{"frequency 0", "frequency_hz = [1.5, 2.0]", "frequency_hz = [1.5, 0.0]", true, []string{"solver.frequency_hz[1]", "> 0 Hz"}},
		{"unknown boundary", `kind = "pml"`, `kind = "sponge"`, true, []string{"solver.boundary.kind", `"pml"`, `"sponge"`}},
		{"unknown key of the field", "examples = 5", "examples = 5\nbackground = 0.3", true, []string{"prior.data.background", "unknown key", "kl_background"}},
		{"unknown key of an adapter", `kind = "kl", modes`, `kind = "kl", mode`, true, []string{"judge.memorisation.adapt[0].mode", "modes"}},
		{"unknown truth rule", `truth = "held-out"`, `truth = { rule = "most-memorised" }`, true, []string{"observation.truth.rule", "mean-of-most-memorised", "farthest"}},
		{"more truths than examples", `truth = "held-out"`, `truth = { rule = "mean-of-most-memorised", count = 9, examples = 5, chains = 2 }`, true, []string{"observation.truth.count", "9 different", "has 5"}},

		{"a frequency twice", "frequency_hz = [1.5, 2.0]", "frequency_hz = [1.5, 1.5]", false, []string{"frequency_hz 0 and 1 are both 1.5 Hz"}},
		{"source outside the grid", "[0.0, 600.0]]", "[0.0, 812.0]]", false, []string{"sources: position 1 lies outside the grid", "x = 812 m", "0..660 m"}},
		{"source above the grid", "[0.0, 600.0]]", "[-60.0, 0.0]]", false, []string{"sources: position 1 lies outside the grid", "z = -60 m", "0..660 m"}},
		{"receiver outside the grid", "x_last_m = 660.0", "x_last_m = 760.0", false, []string{"receivers: position 5 lies outside the grid", "x = 760 m", "0..660 m"}},
		{"receivers in one cell", "count = 6", "count = 60", false, []string{"receivers: positions 0 and 1", "spacing 60 m"}},
		{"a position of one number", "[0.0, 600.0]]", "[600.0]]", false, []string{"sources: position 1 has 1 numbers, want [z, x]"}},
		{"half a line", "receivers = { z_m = 660.0, ", "receivers = { ", false, []string{"receivers: a line needs z_m, x_first_m, x_last_m and count, 3 of them"}},
		{"KL adapter of too many modes", `kind = "kl", modes = 3`, `kind = "kl", modes = 12`, false, []string{"judge.memorisation.adapt", "12 modes", "12 x 12 cells", "1 to 11"}},
		{"KL adapter of the data", "noise = 0.05", "noise = 0.05\nadapt = [{ kind = \"kl\" }]", false, []string{"observation.adapt", "wavefield", "one real field on the axes z, x"}},
		{"KL adapter before the solver", `plugin = "kl-mlp"`, "plugin = \"kl-mlp\"\nadapt = [{ kind = \"kl\", modes = 3 }]", false, []string{"kl-mlp and solver helmholtz", "no adapter", "kl_coordinate", "squared_slowness"}},
		{"prior of too many modes", "\nmodes = 3", "\nmodes = 12", false, []string{"prior kl-mlp", "12 modes", "12 x 12 cells", "1 to 11"}},
		{"fields of too many modes", "kl_modes = 3", "kl_modes = 12", false, []string{"prior.data", "gaussian-field", "12 modes", "12 x 12 cells", "1 to 11"}},
		{"one example", "examples = 5", "examples = 1", false, []string{"prior kl-mlp", "1 examples", "2 or more"}},
		{"no held-out fields", "held_out = 2", "held_out = 0", true, []string{"observation.truth", "held_out"}},
		{"too fast for the grid", "frequency_hz = [1.5, 2.0]", "frequency_hz = [1.5, 20.0]", false, []string{"truth 0", "UNSTABLE", "m/s", "20 Hz", "60 m", "nodes per wavelength", "at least 4"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if strings.Count(waves, c.old) != 1 {
				t.Fatalf("%q stands %d times in the file", c.old, strings.Count(waves, c.old))
			}
			b := newBench(t)
			b.write("x.toml", strings.Replace(waves, c.old, c.new, 1))
			r := b.run("run", "-q", "-o", "run", "x.toml")
			r.fails(t, 2, c.want...)
			r.one(t)
			if strings.Contains(r.stderr, "x.toml:") != c.line {
				t.Errorf("%v\nnames a line: want %v", r, c.line)
			}
			if c.line {
				b.nothingStarted()
			}
			if _, err := os.Stat(b.path("run/sample")); err == nil {
				t.Error("samples were drawn")
			}
		})
	}
}

// TestWavesOutside: items with a NaN, a negative or too large squared slowness have their status with the numbers (velocity,
// frequency, spacing), the others their data and gradients.
func TestWavesOutside(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.write("x.toml", strings.Replace(waves, `plugin = "helmholtz"`, "plugin = \"helmholtz\"\nworkers = 2", 1))
	const items = 6
	m := tensor.New(tensor.Float32, items, 1, 12, 12)
	for i := range m.Float32s() {
		m.Float32s()[i] = 0.25
	}
	for _, bad := range []struct {
		item, iz, ix int
		v            float32
	}{{1, 3, 4, float32(math.NaN())}, {2, 0, 5, -0.1}, {3, 7, 8, 16}, {4, 11, 0, float32(math.Inf(1))}} {
		m.Item(bad.item).Float32s()[bad.iz*12+bad.ix] = bad.v
	}
	sound := tensor.New(tensor.Float32, 1, 1, 12, 12)
	sound.CopyFrom(m.Slice(0, 1))
	for name, x := range map[string]*tensor.Tensor{"m.npy": m, "sound.npy": sound} {
		if err := npy.Write(b.path(name), x); err != nil {
			t.Fatal(err)
		}
	}
	// 16 s2/km2 is 250 m/s: at 2 Hz and 60 m, 2.08 nodes per wavelength.
	bad := []string{"item 1: OUT_OF_BOUNDS", "NaN", "item 2: OUT_OF_BOUNDS", "-0.1", "item 3: UNSTABLE", "(iz 7, ix 8)", "250 m/s", "2 Hz", "60 m", "2.08 nodes per wavelength", "item 4: OUT_OF_BOUNDS", "Inf"}
	r := b.run("forward", "-q", "x.toml", "--model", "m.npy", "-o", "d.npy")
	r.fails(t, 1, bad...)
	if strings.Contains(r.stderr, "item 0") || strings.Contains(r.stderr, "item 5") {
		t.Errorf("%v\nsound items are blamed", r)
	}
	if r := b.run("forward", "-q", "x.toml", "--model", "sound.npy", "-o", "alone.npy"); r.code != 0 {
		t.Fatal(r)
	}
	d, alone := b.read(t, "d.npy"), b.read(t, "alone.npy")
	for i := range items {
		if good := i == 0 || i == 5; good != bytes.Equal(d.Item(i).Data, alone.Data) {
			t.Errorf("item %d: its data are those of the sound model alone: %v, want %v", i, !good, good)
		} else if !good && !allNaN(d.Item(i)) {
			t.Errorf("item %d has no data, and there are numbers", i)
		}
	}
	b.run("gradient", "-q", "x.toml", "--model", "m.npy", "--data", "alone.npy", "--noise-std", "0.1", "-o", "g.npy").fails(t, 1, bad...)
	g := b.read(t, "g.npy")
	for i := range items {
		if good := i == 0 || i == 5; good == allNaN(g.Item(i)) {
			t.Errorf("item %d: no gradient: %v", i, good)
		}
	}
	// Arrays that the solver does not take.
	for name, x := range map[string]*tensor.Tensor{
		"complex":      tensor.New(tensor.Complex64, 1, 1, 12, 12),
		"another grid": tensor.New(tensor.Float32, 1, 1, 12, 8),
		"two fields":   tensor.New(tensor.Float32, 1, 2, 12, 12),
	} {
		if err := npy.Write(b.path("odd.npy"), x); err != nil {
			t.Fatal(err)
		}
		r := b.run("forward", "-q", "x.toml", "--model", "odd.npy", "-o", "odd-d.npy")
		r.fails(t, 2, "odd.npy", "12")
		r.one(t)
		if t.Failed() {
			t.Fatalf("that was %s", name)
		}
	}
}

func (b *bench) read(t *testing.T, name string) *tensor.Tensor {
	t.Helper()
	x, err := npy.Read(b.path(name))
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func allNaN(x *tensor.Tensor) bool {
	for _, v := range x.AppendReals(nil) {
		if !math.IsNaN(v) {
			return false
		}
	}
	return true
}

// TestNetworkCheckpoints: a checkpoint of a network that is cut, another's, of another network, or not complete is refused,
// and the error names file and numbers.
func TestNetworkCheckpoints(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.write("x.toml", waves)
	if r := b.run("run", "-q", "-o", "run", "x.toml"); r.code != 0 {
		t.Fatal(r)
	}
	sound, err := os.ReadFile(b.path("run/train/checkpoint/kl-mlp.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	given := strings.Replace(waves, "modes = 3\n", "modes = 3\ncheckpoint = \"ck\"\n", 1)
	change := func(old, new string) []byte {
		if len(old) != len(new) || bytes.Count(sound, []byte(old)) != 1 {
			t.Fatalf("%q stands %d times in the checkpoint", old, bytes.Count(sound, []byte(old)))
		}
		return bytes.Replace(sound, []byte(old), []byte(new), 1)
	}
	for _, c := range []struct {
		name string
		data []byte
		text string
		want []string // none: it is taken
	}{
		{"sound", sound, given, nil},
		{"missing", nil, given, []string{"no such file"}},
		{"empty", []byte{}, given, []string{"0 bytes"}},
		{"cut", sound[:len(sound)-7], given, []string{fmt.Sprintf("%d bytes", len(sound)-7), "cut"}},
		{"cut in the header", sound[:20], given, []string{"20 bytes", "cut"}},
		{"another kind of file", npyFile("'<f8'", "(2,)", 16), given, []string{"144 bytes", "header"}},
		{"another's", change("waveprior.nn/1", "waveprior.xx/1"), given, []string{`"waveprior.xx/1"`, "not a checkpoint of a network"}},
		{"not complete", change(`"step":"8"`, `"step":"5"`), given, []string{"not complete", "step 5 of 8"}},
		{"another width", sound, strings.Replace(given, "width = 16", "width = 24", 1), []string{"width 16", "wanted", "width 24"}},
		{"another schedule", sound, strings.Replace(given, "beta_last = 0.5", "beta_last = 0.4", 1), []string{"to 0.5", "wanted", "to 0.4"}},
		{"other modes", sound, strings.Replace(given, "\nmodes = 3", "\nmodes = 4", 1), []string{"3 x 3 modes", "wanted", "4 x 4 modes"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			if err := os.Mkdir(b.path("ck"), 0o755); err != nil {
				t.Fatal(err)
			}
			b.writeArray("ck/kl-mlp.safetensors", c.data)
			b.write("x.toml", c.text)
			r := b.run("run", "-q", "-o", "run", "x.toml")
			if c.want == nil {
				if r.code != 0 {
					t.Error(r)
				}
				return
			}
			r.fails(t, 2, append(c.want, "prior.checkpoint", "ck/kl-mlp.safetensors")...)
			r.one(t)
			if r.maxRSS > maxMemory {
				t.Errorf("%v\n%d MiB were in memory", r, r.maxRSS>>20)
			}
		})
	}
}
