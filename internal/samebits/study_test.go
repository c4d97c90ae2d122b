package samebits

import (
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"syscall"
	"testing"

	"github.com/waveprior/waveprior/core/nn"
)

// studyCells are the samplers of the study: a line of its sweep each.
var studyCells = map[string]string{
	"full":      `{ label = "full", plugin = "dps", variant = "full" }`,
	"published": `{ label = "published", plugin = "dps", variant = "published", zeta = 0.05 }`,
	"ddpm":      `{ label = "ddpm", plugin = "ddpm" }`,
}

// study is the memorisation study in small: waves, a trained network, a truth rule with a training of its own, distances in
// KL coordinates, and the denoiser's distance from its memorised twin. The network is wider than one panel of a product
// (256), its batch more than one tile (32), so that threads have something to share; a checkpoint after every step of the
// training and of the sampling.
func study(of ...string) string {
	if len(of) == 0 {
		for name := range studyCells {
			of = append(of, name)
		}
	}
	sort.Strings(of)
	var sweep []string
	for _, name := range of {
		sweep = append(sweep, studyCells[name])
	}
	return fmt.Sprintf(`name = "study"
title = "Same bits"
seed = 7

[run]
checkpoint_s = 0.0

[solver]
plugin = "helmholtz"
grid = { nz = 16, nx = 16, spacing_m = 60.0 }
boundary = { kind = "pml", cells = 4, sigma_max = 60.0 }
frequency_hz = [1.5, 2.0]
sources = { positions_m = [[0.0, 0.0], [0.0, 900.0]] }
receivers = { z_m = 900.0, x_first_m = 0.0, x_last_m = 900.0, count = 6 }

[prior]
plugin = "kl-mlp"
modes = 3
width = 264
blocks = 1
[prior.schedule]
steps = 6
beta_first = 1e-3
beta_last = 0.5
[prior.train]
steps = 16
batch = 36
history_every = 4
checkpoint_s = 1e-9
[prior.data]
kind = "gaussian-field"
kl_modes = 3
examples = 40
held_out = 4

[observation]
truth = { rule = "mean-of-most-memorised", count = 2, examples = 5, chains = 4 }
noise = 0.05

[sampler]
plugin = "dps"
chains = 5
snapshots = 3

[judge.memorisation]
adapt = [{ kind = "kl", modes = 3 }]

[sweep]
"sampler" = [
  %s
]
`, strings.Join(sweep, ",\n  "))
}

// unruled is the study's cell "full" without the truth rule: one training, two observations of five chains.
func unruled() string {
	return strings.Replace(study("full"), `truth = { rule = "mean-of-most-memorised", count = 2, examples = 5, chains = 4 }`, "truth = \"held-out\"\ncount = 2", 1)
}

// studyPoints are kills in the study: mid-training, around the training's checkpoints, in the truth rule's own training, in
// the calls of solver and denoiser, in the judge's Encode.
var studyPoints = []point{
	// Training: step 1, within, the last; of the two trainings the rule's is the second.
	{"study full", "nn.step", 1, false},
	{"study full", "nn.step", 9, true},
	{"study full", "nn.step", 16, false},
	{"study full", "nn.step", 21, false},
	{"study full", "nn.checkpoint", 1, false},
	{"study full", "nn.checkpoint", 7, false},
	{"study full", "nn.checkpoint.written", 1, false},
	{"study full", "nn.checkpoint.written", 8, true},
	{"study full", "nn.checkpoint.written", 16, false},
	{"study full", "nn.checkpoint.written", 27, false},
	{"study full", "prior.Train", 1, false},
	{"study full", "prior.Train.progress", 1, false},
	{"study full", "prior.Train.reply", 1, false},
	{"study full", "prior.Train", 2, false},
	{"study full", "prior.Train.reply", 2, false},
	// Sampling.
	{"study full", "prior.Denoise", 3, false},
	{"study full", "prior.DenoiseVJP", 2, true},
	{"study full", "prior.DenoiseVJP.reply", 4, false},
	{"study full", "prior.Decode.reply", 2, false},
	{"study full", "prior.DecodeVJP", 3, false},
	{"study full", "solver.Configure.reply", 1, false},
	{"study full", "solver.Forward", 1, false},
	{"study full", "solver.Observe", 1, false},
	{"study full", "solver.Misfit", 4, true},
	{"study full", "solver.Misfit.reply", 5, false},
	{"study published", "solver.Misfit", 3, false},
	{"study published", "sampler.Step", 4, false},
	{"study ddpm", "prior.Denoise.reply", 2, false},
	{"study ddpm", "sampler.Step.reply", 3, false},
	// Judge.
	{"study full", "prior.Encode", 1, false},
	{"study full", "prior.Encode.reply", 1, false},
	{"study ddpm", "prior.Encode.reply", 1, false},
	// The host, while the prior trains and around the stages of both trainings.
	{"study full", "host.train", 1, false},
	{"study full", "host.train.commit", 1, false},
	{"study full", "host.train.renamed", 2, false},
	{"study full", "host.observe", 1, false},
	{"study full", "host.sample", 3, false},
	{"study full", "service.prior.DenoiseVJP", 2, false},
	{"study full", "service.physics.Misfit.reply", 3, false},
	{"study full", "host.judge", 1, false},
}

// TestHostDiesInTraining: kill -9 of the host while the prior is inside a training ends the prior too; the same command goes
// on from the training's last checkpoint to the same bits.
func TestHostDiesInTraining(t *testing.T) {
	t.Parallel()
	text := unruled()
	want := first(t, text)
	for _, at := range []string{"nn.step", "nn.checkpoint", "nn.checkpoint.written"} {
		l := newLab(t, text)
		host, _ := l.stop(at, 8)
		l.kill(host.cmd.Process.Pid)
		host.must(-1)
		l.nothingLeft()
		if step := l.trained(); step < 7 || step > 8 {
			t.Errorf("%s, the eighth time: the checkpoint has %d steps", at, step)
		}
		l.start().must(0)
		l.nothingLeft()
		l.tidy()
		l.same(want)
	}
}

// trained is the number of steps in the checkpoint of the training that is not complete.
func (l *lab) trained() int {
	l.t.Helper()
	paths, err := filepath.Glob(filepath.Join(l.path, "train", "*.part", "checkpoint", "kl-mlp.safetensors"))
	if err != nil || len(paths) != 1 {
		l.t.Fatalf("checkpoints of incomplete trainings: %v, %v", paths, err)
	}
	st, err := nn.ReadState(paths[0])
	if err != nil {
		l.t.Fatal(err)
	}
	return st.Step
}

// TestInterruptTraining: Ctrl-C during a training leaves a checkpoint of the steps that are done, and the same command does
// the steps that are left, and no more, to the same bits.
func TestInterruptTraining(t *testing.T) {
	t.Parallel()
	const steps = 1500
	text := strings.NewReplacer("steps = 16\n", fmt.Sprintf("steps = %d\n", steps), "history_every = 4", "history_every = 100", "checkpoint_s = 1e-9", "checkpoint_s = 0.05").Replace(unruled())
	want := first(t, text)
	l := newLab(t, text)
	host := l.start()
	host.until("a checkpoint", func() bool {
		found, _ := filepath.Glob(filepath.Join(l.path, "train", "*.part", "checkpoint", "kl-mlp.safetensors"))
		return len(found) == 1
	})
	if err := syscall.Kill(-host.cmd.Process.Pid, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	host.must(130)
	l.nothingLeft()
	done := l.trained()
	t.Logf("interrupted after %d of %d steps", done, steps)
	if done < 1 || done >= steps {
		t.Fatalf("the checkpoint has %d of %d steps", done, steps)
	}
	// One step more than are left would stop the prior.
	marker := filepath.Join(l.root, "repeated")
	again := l.start(fmt.Sprintf("WAVEPRIOR_HOOK=nn.step:%d", steps-done+1), "WAVEPRIOR_HOOK_FILE="+marker)
	again.until("the end", func() bool {
		_, err := os.Stat(marker)
		return err == nil
	})
	if _, err := os.Stat(marker); err == nil {
		t.Fatalf("%d steps were done, and more than the %d that are left were done again", done, steps-done)
	}
	again.must(0)
	l.nothingLeft()
	l.tidy()
	l.same(want)
}
