package klmlp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/npy"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
)

// trained reads what a training left.
func trained(t testing.TB, folder string) (checkpoint, losses []byte) {
	t.Helper()
	read := func(name string) []byte {
		b, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	return read(CheckpointName), read(HistoryName)
}

// TestSameBits: the checkpoint and the losses have the same bytes for every number of threads, and however often training
// is interrupted, by its report or by its context, between rows of the losses too.
func TestSameBits(t *testing.T) {
	s := earth(tensor.Float32, 12, 9)
	req := contract.TrainRequest{Dataset: fields(t, s, 3, 21, false), HeldOut: fields(t, s, 3, 5, true)}
	run := func(threads int, folder string, stop func(step int) bool) (err error) {
		p := New()
		p.reportEvery = time.Nanosecond
		configuredAt(t, p, tiny, "", threads, s)
		stopped, cancel := context.WithCancel(ctx)
		defer cancel()
		req.Folder = folder
		return p.Train(stopped, req, func(r contract.TrainProgress) error {
			if stop(r.Step) {
				if r.Step%2 == 0 {
					return errors.New("enough")
				}
				cancel()
			}
			return nil
		})
	}
	whole := t.TempDir()
	if err := run(1, whole, func(int) bool { return false }); err != nil {
		t.Fatal(err)
	}
	checkpoint, losses := trained(t, whole)
	for threads, stops := range map[int][]int{2: nil, 3: {1, 2, 137, 250, 299}, 1: {50, 51, 300}} {
		folder, last := filepath.Join(t.TempDir(), "not", "there"), 0
		for _, at := range stops {
			err := run(threads, folder, func(step int) bool {
				if step <= last {
					t.Fatalf("step %d is done again after %d", step, last)
				}
				return step == at
			})
			if at < 300 && err == nil {
				t.Fatalf("stopped at step %d: no error", at)
			}
			last = at
		}
		if err := run(threads, folder, func(int) bool { return false }); err != nil {
			t.Fatal(err)
		}
		c, l := trained(t, folder)
		if !bytes.Equal(c, checkpoint) || !bytes.Equal(l, losses) {
			t.Errorf("%d threads, stopped at %v: another checkpoint (%v) or losses (%v)", threads, stops, !bytes.Equal(c, checkpoint), !bytes.Equal(l, losses))
		}
	}
	// What is learned does not depend on the held-out items.
	req.HeldOut = ""
	alone := t.TempDir()
	if err := run(2, alone, func(int) bool { return false }); err != nil {
		t.Fatal(err)
	}
	a, b := readReference(t, whole, 9, 64, 2), readReference(t, alone, 9, 64, 2)
	for name, v := range a.p {
		if strings.HasPrefix(name, "user.") {
			continue
		}
		for i := range v {
			if v[i] != b.p[name][i] {
				t.Fatalf("%s differs without held-out items", name)
			}
		}
	}
	h, err := npy.Read(filepath.Join(alone, HistoryName))
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Check("losses", tensor.Float64, 6, 4); err != nil {
		t.Fatal(err)
	}
	for i := range 6 {
		row := h.Item(i).Float64s()
		if row[0] != float64(50*(i+1)) || !(row[1] > 0) || !(row[2] > 0) || !math.IsNaN(row[3]) {
			t.Errorf("row %d of the losses is %v", i, row)
		}
	}
}

// TestMemorises: a small network learns six fields by heart. At first its loss is that of the answer 0, the mean of |eps|^2
// = 9; then it falls far below on the training set and rises on held-out fields; and it has
// become the exact denoiser of the memorised prior.
func TestMemorises(t *testing.T) {
	s := earth(tensor.Float32, 12, 9)
	const options = `{"modes": 3, "width": 96, "blocks": 2, "schedule": {"steps": 50, "beta_last": 0.2}, "train": {"steps": 4000, "history_every": 100, "learning_rate": 3e-3, "learning_rate_last": 1e-4}}`
	set := fields(t, s, 3, 6, false)
	p, folder := New(), t.TempDir()
	configuredAt(t, p, options, "", 2, s)
	reported := map[string]float64{}
	if err := p.Train(ctx, contract.TrainRequest{Dataset: set, HeldOut: fields(t, s, 3, 60, true), Folder: folder}, func(r contract.TrainProgress) error {
		reported = r.Losses
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	h, err := npy.Read(filepath.Join(folder, HistoryName))
	if err != nil {
		t.Fatal(err)
	}
	last := h.Item(h.Batch() - 1).Float64s()
	t.Logf("first 100 steps: %.3g; end: loss %.3g, mean network on the training set %.3g, on held-out fields %.3g", h.Item(0).Float64s()[1], last[1], last[2], last[3])
	if first := h.Item(0).Float64s()[1]; first < 4 || first > 12 {
		t.Errorf("the loss of the first 100 steps is %g, |eps|^2 has mean 9", first)
	}
	if last[2] > 1.8 || last[3] < 3*last[2] {
		t.Errorf("losses at the end: %g on the training set, %g held out: nothing is memorised", last[2], last[3])
	}
	if reported["ema"] != last[2] || reported["held_out"] != last[3] || reported["loss"] == 0 {
		t.Errorf("reported %v, the last row is %v", reported, last)
	}
	c := configuredAt(t, p, options, folder, 2, s)
	raw, err := p.cfg.coordinates(set)
	if err != nil {
		t.Fatal(err)
	}
	z := standardise(raw, p.cfg.mean, p.cfg.std)
	// The exact denoiser of the memorised prior with s = 0: the mean of the examples, weighted with exp(-|x - alpha z|^2/(2
	// sigma^2)). The network is that, not only nearer to the examples.
	const draws = 16
	for _, at := range []int{3, 10, 20, 30} {
		alpha, sigma := c.Schedule.Alpha[at], c.Schedule.Sigma[at]
		x, x0, levels := c.Latent.New(6*draws), c.Latent.New(6*draws), make([]int, 6*draws)
		eps := normals(*c.Latent, 100+at, 6*draws).Float32s()
		for i := range x.Float32s() {
			x.Float32s()[i] = float32(alpha*float64(z[i%54]) + sigma*float64(eps[i]))
			levels[i/9] = at
		}
		status, err := p.Denoise(ctx, x, levels, x0)
		ok(t, status, err)
		far, spread := 0.0, 0.0
		for i := range levels {
			var w [6]float64
			sum := 0.0
			for n := range w {
				for k, v := range x.Item(i).Float32s() {
					w[n] -= math.Pow(float64(v)-alpha*float64(z[9*n+k]), 2) / (2 * sigma * sigma)
				}
				w[n] = math.Exp(w[n])
				sum += w[n]
			}
			for k, v := range x0.Item(i).Float32s() {
				exact := 0.0
				for n := range w {
					exact += w[n] / sum * float64(z[9*n+k])
				}
				far += math.Pow(float64(v)-exact, 2)
				spread += math.Pow(float64(z[9*(i%6)+k]), 2) // the mean of z is 0
			}
		}
		t.Logf("level %d (sigma/alpha %.2g): E |D - exact|^2/E |z|^2 = %.3g", at, sigma/alpha, far/spread)
		if far > 0.15*spread {
			t.Errorf("level %d: E |D - exact|^2/E |z|^2 = %g, at most 0.15", at, far/spread)
		}
	}
}

func TestTrainErrors(t *testing.T) {
	s := earth(tensor.Float32, 12, 9)
	good := fields(t, s, 3, 10, false)
	other := earth(tensor.Float32, 12, 9)
	other.Quantities[0].Name, other.Quantities[0].Unit = "rho", "kg/m3"
	constant := func(v float32) func(*tensor.Tensor) error {
		return func(b *tensor.Tensor) error {
			for i := range b.Float32s() {
				b.Float32s()[i] = 0.25
			}
			b.Item(b.Batch() - 1).Float32s()[100] = v
			return nil
		}
	}
	nan := write(t, s, 4, constant(float32(math.NaN())))
	for _, test := range []struct {
		name, set, held, want string
		err                   error
	}{
		{"one example", fields(t, s, 3, 1, false), "", "1 examples, 2 or more", contract.ErrInvalidOption},
		{"density", write(t, other, 3, constant(1)), "", "no adapter from rho", tensor.ErrShape},
		{"NaN", nan, "", "example 3: squared_slowness is NaN at [0 11 1]", contract.ErrInvalidOption},
		{"NaN held out", good, nan, "example 3", contract.ErrInvalidOption},
		{"no dataset", good + "x", "", "dataset.jsonx", os.ErrNotExist},
	} {
		p, folder := New(), t.TempDir()
		configuredAt(t, p, tiny, "", 1, s)
		err := p.Train(ctx, contract.TrainRequest{Dataset: test.set, HeldOut: test.held, Folder: folder}, nil)
		if !errors.Is(err, test.err) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %v with %q", test.name, err, test.err, test.want)
		}
		if left, _ := os.ReadDir(folder); len(left) != 0 {
			t.Errorf("%s: left %v", test.name, left)
		}
	}
	if err := New().Train(ctx, contract.TrainRequest{Dataset: good, Folder: t.TempDir()}, nil); !errors.Is(err, contract.ErrNotConfigured) {
		t.Errorf("Train before Configure: %v", err)
	}
	// A learning rate that blows the network up ends in an error, not in a checkpoint of NaN.
	p, folder := New(), t.TempDir()
	configuredAt(t, p, strings.Replace(tiny, `"learning_rate": 2e-3`, `"learning_rate": 1e30, "clip": 0`, 1), "", 1, s)
	if err := p.Train(ctx, contract.TrainRequest{Dataset: good, Folder: folder}, nil); err == nil || !strings.Contains(err.Error(), "not finite") {
		t.Errorf("learning rate 1e30: %v", err)
	}
}

// TestCheckpointErrors: going on from, and answering with, a checkpoint that is damaged or of another training.
func TestCheckpointErrors(t *testing.T) {
	s := earth(tensor.Float32, 12, 9)
	set := fields(t, s, 3, 10, false)
	folder := t.TempDir()
	p := New()
	p.reportEvery = time.Nanosecond
	configuredAt(t, p, tiny, "", 1, s)
	enough := errors.New("enough")
	if err := p.Train(ctx, contract.TrainRequest{Dataset: set, Folder: folder}, func(r contract.TrainProgress) error {
		if r.Step == 40 {
			return enough
		}
		return nil
	}); !errors.Is(err, enough) {
		t.Fatal(err)
	}
	path := filepath.Join(folder, CheckpointName)
	configure := func(options string) error {
		_, err := New().Configure(ctx, contract.Config{Options: []byte(options), Checkpoint: folder, Target: []space.Space{s}})
		return err
	}
	train := func(options, set string, seed uint64) error {
		p := New()
		if _, err := p.Configure(ctx, contract.Config{Options: []byte(options), Seed: seed, Target: []space.Space{s}}); err != nil {
			t.Fatal(err)
		}
		return p.Train(ctx, contract.TrainRequest{Dataset: set, Folder: folder}, nil)
	}
	check := func(what string, err error, want string) {
		t.Helper()
		if !errors.Is(err, contract.ErrCheckpoint) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v, want ErrCheckpoint with the path and %q", what, err, want)
		}
	}
	changed := func(old, new string) string {
		o := strings.Replace(tiny, old, new, 1)
		if o == tiny {
			t.Fatalf("%q is not in %s", old, tiny)
		}
		return o
	}
	check("incomplete", configure(tiny), "step 40 of 300")
	check("another width", configure(changed(`"width": 64`, `"width": 32`)), "width 32")
	check("another basis", configure(changed(`"modes": 3`, `"modes": 4`)), "4 x 4 modes")
	check("another schedule", configure(changed(`"beta_last": 0.1`, `"beta_last": 0.2`)), "to 0.2")
	check("another seed", train(tiny, set, 4), "seed")
	check("another set", train(tiny, fields(t, s, 3, 11, false), 3), "data")
	check("another rate", train(changed("2e-3", "1e-3"), set, 3), "cosine")
	check("another history", train(changed(`"history_every": 50`, `"history_every": 30`), set, 3), "history")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 7, 500, len(whole) - 1} {
		if err := os.WriteFile(path, whole[:n], 0o666); err != nil {
			t.Fatal(err)
		}
		check(fmt.Sprintf("cut to %d bytes", n), configure(tiny), "")
		check(fmt.Sprintf("cut to %d bytes", n), train(tiny, set, 3), "")
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	check("missing", configure(tiny), "no such file")
}
