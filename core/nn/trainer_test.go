package nn_test

import (
	"bytes"
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/waveprior/waveprior/core/nn"
	"github.com/waveprior/waveprior/core/rng"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/cuda"
)

// study is a small training of the study's kind: the network predicts the noise in noisy examples.
type study[T cuda.Float] struct {
	nn.Trainer[T]
	store *nn.Store[T]
	net   nn.Network[T]
	x     *nn.Var[T]
}

const (
	studyDim, studyBatch, studyLevels, studyExamples = 6, 50, 20, 7
	studySeed                                        = 11
)

func newStudy[T cuda.Float](t testing.TB, threads, steps int, path string) *study[T] {
	t.Helper()
	st := &study[T]{store: nn.NewStore[T](device(t, threads))}
	m := declareMLP(st.store, mlp{dim: studyDim, embed: nn.TimeWidth, width: 48, blocks: 2})
	must(t, st.store.Allocate(nn.ForTraining))
	must(t, st.store.Init(studySeed))
	st.Trainer, st.x = newDenoising(t, st.store, studyBatch, studyDim, studyLevels,
		func(t *nn.Tape[T], table *nn.Table[T], level *nn.Index[T], x *nn.Var[T]) *nn.Var[T] {
			st.net = func(t *nn.Tape[T], level *nn.Index[T], in ...*nn.Var[T]) *nn.Var[T] {
				return m.record(t, in[0], t.Lookup(table, level))
			}
			return st.net(t, level, x)
		})
	st.Steps, st.Path, st.Architecture = steps, path, "test mlp 48x2"
	return st
}

// newDenoising is a trainer of a network that predicts the noise in noisy examples, and its input x_t.
func newDenoising[T cuda.Float](t testing.TB, s *nn.Store[T], batch, dim, levels int,
	net func(*nn.Tape[T], *nn.Table[T], *nn.Index[T], *nn.Var[T]) *nn.Var[T]) (nn.Trainer[T], *nn.Var[T]) {
	t.Helper()
	table, err := nn.TimeTable[T](s.Device(), levels)
	must(t, err)
	tape, err := nn.NewTape(s, nn.Value, true)
	must(t, err)
	level, x, eps := tape.Index(batch), tape.Input(false, batch, dim), tape.Input(false, batch, dim)
	loss := tape.SquareError(net(tape, table, level, x), eps, 1/float64(batch))
	must(t, tape.Err())
	data, noise, draws := rng.New(1, "test/data"), rng.New(1, "test/noise"), rng.New(1, "test/level")
	x0, row := make([]float64, studyExamples*dim), make([]float64, dim)
	data.At(0, 0, 0).Normals(x0)
	at, xt, e := make([]int32, batch), make([]T, batch*dim), make([]T, batch*dim)
	fill := func(k int) error {
		for i := range batch {
			noise.At(uint32(k), uint32(i), 0).Normals(row)
			at[i] = int32(draws.At(uint32(k), 0, 0).Intn(i, levels))
			sigma := float64(at[i]+1) / float64(levels+1)
			alpha := math.Sqrt(1 - sigma*sigma)
			for j, n := range row {
				e[i*dim+j] = T(n)
				xt[i*dim+j] = T(alpha*x0[(k*batch+i)%studyExamples*dim+j] + sigma*n)
			}
		}
		return errors.Join(level.Set(at), x.Set(xt), eps.Set(e))
	}
	return nn.Trainer[T]{
		Tape: tape, Loss: loss, Batch: fill,
		Adam: nn.Adam{Schedule: nn.Cosine{First: 2e-3, Last: 2e-4, Steps: 60, EpochSteps: 3}, Clip: 1, EMADecay: 0.999, EMAWarmup: true},
	}, x
}

// file is a checkpoint's content.
func file(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	return b
}

// Training gives the same bits, all arrays of the checkpoint, on 1, 2 and 4 threads, and whether it runs through or is
// stopped by its context three times and goes on in a new process (new device, store, tape) with another number of
// threads.
func TestSameBits(t *testing.T) {
	const steps = 60
	dir := t.TempDir()
	reference := newStudy[float32](t, 1, steps, filepath.Join(dir, "reference"))
	var losses []float64
	reference.ReportEvery = 1
	reference.Report = func(p nn.Progress) error {
		losses = append(losses, p.Loss)
		return nil
	}
	must(t, reference.Run(context.Background()))
	want := file(t, reference.Path)
	if first, last := losses[0], losses[len(losses)-1]; !(last < 0.6*first) {
		t.Errorf("the loss went from %g to %g in %d steps: nothing is learnt, so equal bits prove little", first, last, len(losses))
	}
	for _, threads := range []int{2, 4} {
		s := newStudy[float32](t, threads, steps, filepath.Join(dir, "threads"))
		must(t, s.Run(context.Background()))
		if !bytes.Equal(file(t, s.Path), want) {
			t.Errorf("%d threads give another checkpoint than one", threads)
		}
		must(t, os.Remove(s.Path))
	}
	path := filepath.Join(dir, "interrupted")
	for i, stop := range []int{1, 17, 41, steps} {
		s := newStudy[float32](t, 1+i%3, steps, path)
		ctx, cancel := context.WithCancel(context.Background())
		batch := s.Batch
		s.Batch = func(k int) error {
			if k+1 == stop {
				cancel()
			}
			return batch(k)
		}
		err := s.Run(ctx)
		if stop < steps && !errors.Is(err, context.Canceled) || stop == steps && err != nil {
			t.Fatalf("run to step %d: %v", stop, err)
		}
		cancel()
		st, err := nn.ReadState(path)
		must(t, err)
		if st.Step != stop {
			t.Fatalf("the checkpoint is of step %d, the training was stopped after %d", st.Step, stop)
		}
	}
	if !bytes.Equal(file(t, path), want) {
		t.Error("a training that was stopped and resumed gives another checkpoint than one that was not")
	}
	// A finished training is loaded, not repeated.
	s := newStudy[float32](t, 1, steps, path)
	s.Batch = func(int) error { return errors.New("a step was done") }
	must(t, s.Run(context.Background()))
	if got, want := all(t, s.store, nn.EMA), all(t, reference.store, nn.EMA); !equal(got, want) {
		t.Error("the finished training was not loaded")
	}
}

func equal(a, b []float64) bool {
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return len(a) == len(b)
}

// Checkpoints at intervals, with what the caller puts into them, and a report that ends the training.
func TestIntervals(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c")
	s := newStudy[float32](t, 2, 30, path)
	s.CheckpointEvery, s.ReportEvery = 1, 1
	s.Strings = map[string]string{"data": "abc"}
	s.Tensors = map[string]*tensor.Tensor{"mean": tensor.FromFloat64s([]float64{1, 2}, 2)}
	stop := errors.New("enough")
	reports := 0
	s.Report = func(p nn.Progress) error {
		reports++
		if p.Step != reports || p.Steps != 30 || !(p.Rate > 0) || !(p.GradNorm > 0) || !(p.Loss > 0) {
			t.Errorf("report %d: %+v", reports, p)
		}
		if p.Step > 1 { // the checkpoint of this step is written before its report
			st, err := nn.ReadState(path)
			must(t, err)
			if st.Step != p.Step || st.Strings["data"] != "abc" || st.Tensors["mean"].Float64s()[1] != 2 {
				t.Errorf("after step %d the checkpoint has %+v", p.Step, st)
			}
		}
		if p.Step == 12 {
			return stop
		}
		return nil
	}
	if err := s.Run(context.Background()); !errors.Is(err, stop) || reports != 12 {
		t.Errorf("after %d reports: %v", reports, err)
	}
}

// A loss that is not finite ends the training with the step, the loss and the rate, and leaves the last checkpoint.
func TestNotFinite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c")
	s := newStudy[float32](t, 1, 30, path)
	s.CheckpointEvery = time.Nanosecond
	batch := s.Batch
	s.Batch = func(k int) error {
		err := batch(k)
		if k == 5 {
			bad := make([]float32, studyBatch*studyDim)
			bad[3] = float32(math.NaN())
			err = s.x.Set(bad)
		}
		return err
	}
	err := s.Run(context.Background())
	if err == nil || !strings.Contains(err.Error(), "step 5: loss NaN") {
		t.Errorf("error %v, want one that names step 5 and its loss", err)
	}
	st, err := nn.ReadState(path)
	must(t, err)
	if st.Step != 5 {
		t.Errorf("the checkpoint is of step %d, want the last good one, 5", st.Step)
	}
}

// Resuming with anything that would change the numbers is refused, with both sides named.
func TestResumeRefuses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c")
	s := newStudy[float32](t, 1, 3, path)
	must(t, s.Run(context.Background()))
	for name, c := range map[string]struct {
		change func(s *study[float32])
		says   []string
	}{
		"schedule":     {func(s *study[float32]) { s.Adam.Schedule = nn.Constant(1e-3) }, []string{"cosine 0.002", "constant 0.001"}},
		"clip":         {func(s *study[float32]) { s.Adam.Clip = 2 }, []string{"clip 1", "clip 2"}},
		"architecture": {func(s *study[float32]) { s.Architecture = "another" }, []string{"test mlp 48x2", "another"}},
		"strings":      {func(s *study[float32]) { s.Strings = map[string]string{"data": "x"} }, []string{"data:x"}},
		"fewer steps":  {func(s *study[float32]) { s.Steps = 2 }, []string{"3 steps", "2 are asked"}},
	} {
		s := newStudy[float32](t, 1, 3, path)
		c.change(s)
		err := s.Run(context.Background())
		if !errors.Is(err, nn.ErrCheckpoint) {
			t.Errorf("%s: error %v, want ErrCheckpoint", name, err)
			continue
		}
		for _, part := range append(c.says, path) {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %q does not say %q", name, err, part)
			}
		}
	}
}

// A training step allocates nothing that grows: some arguments of kernels, a few kilobytes, and no device memory.
func TestMemoryIsFlat(t *testing.T) {
	s := newStudy[float32](t, 2, 0, "")
	step := 0
	play := func() {
		must(t, s.Batch(step))
		must(t, s.Tape.Forward())
		_, err := s.Tape.Update(s.Loss, s.Adam, step)
		must(t, err)
		_, err = s.Loss.Value()
		must(t, err)
		step++
	}
	play()
	held := s.Tape.Bytes()
	if n := testing.AllocsPerRun(100, play); n > 400 {
		t.Errorf("a step makes %g small allocations, at most 400 are the goroutines and arguments of its kernels", n)
	} else {
		t.Logf("%g allocations a step", n)
	}
	if s.Tape.Bytes() != held {
		t.Errorf("the tape grew from %d to %d bytes in %d steps", held, s.Tape.Bytes(), step)
	}
}

// float32 training follows float64 training: the same losses within 1e-4 over 20 steps (each step adds some 1e-6, which
// the optimiser's division by small second moments magnifies).
func TestFloat32FollowsFloat64(t *testing.T) {
	a, b := losses[float32](t), losses[float64](t)
	for k := range a {
		near(t, "loss", a[k], b[k], 1e-4)
	}
	t.Logf("loss after 20 steps: float32 %.9g, float64 %.9g", a[19], b[19])
}

func losses[T cuda.Float](t *testing.T) []float64 {
	t.Helper()
	var l []float64
	s := newStudy[T](t, 2, 20, "")
	s.ReportEvery = 1
	s.Report = func(p nn.Progress) error {
		l = append(l, p.Loss)
		return nil
	}
	must(t, s.Run(context.Background()))
	return l
}
