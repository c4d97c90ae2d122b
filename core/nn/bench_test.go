package nn_test

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/waveprior/waveprior/core/nn"
	"github.com/waveprior/waveprior/core/tensor"
)

// BenchmarkTrainStep is a whole training step, batch 50: levels and noise drawn, forward, backward, clipping, Adam and
// running mean; of the published network (51 341 412 parameters) and of one that trains in minutes. bench/compare.py puts
// it beside PyTorch. Arithmetic: three products of 2 * 50 operations a parameter, less the input gradient of the first
// layer. Threads: as -cpu says. The metric cpu-ms/step is the process's CPU time, which other processes disturb less.
func BenchmarkTrainStep(b *testing.B) {
	for name, c := range map[string]mlp{
		"published": {dim: 100, embed: nn.TimeWidth, width: 2048, blocks: 12},
		"small":     {dim: 100, embed: nn.TimeWidth, width: 512, blocks: 4},
	} {
		b.Run(name, func(b *testing.B) { benchmarkStep(b, c, true) })
		b.Run(name+"-storing-gradients", func(b *testing.B) { benchmarkStep(b, c, false) })
	}
}

func benchmarkStep(b *testing.B, c mlp, update bool) {
	b.Helper()
	const batch = 50
	s := nn.NewStore[float32](device(b, 0))
	m := declareMLP(s, c)
	must(b, s.Allocate(nn.ForTraining))
	must(b, s.Init(1))
	b.Cleanup(func() { must(b, s.Free()) })
	tr, _ := newDenoising(b, s, batch, c.dim, 200, func(t *nn.Tape[float32], table *nn.Table[float32], level *nn.Index[float32], x *nn.Var[float32]) *nn.Var[float32] {
		return m.record(t, x, t.Lookup(table, level))
	})
	k := 0
	step := func() {
		must(b, tr.Batch(k))
		must(b, tr.Tape.Forward())
		if update {
			_, err := tr.Tape.Update(tr.Loss, tr.Adam, k)
			must(b, err)
		} else {
			must(b, tr.Tape.Backward(tr.Loss))
			_, err := s.Step(tr.Adam, k)
			must(b, err)
		}
		_, err := tr.Loss.Value()
		must(b, err)
		k++
	}
	step()
	step()
	start := cpuTime(b)
	for b.Loop() {
		step()
	}
	b.ReportMetric(1e3*(cpuTime(b)-start)/float64(b.N), "cpu-ms/step")
	flops := 2 * float64(batch) * (3*float64(s.Count()) - float64((c.dim+c.embed)*c.width))
	seconds := b.Elapsed().Seconds() / float64(b.N)
	b.ReportMetric(1e3*seconds, "ms/step")
	b.ReportMetric(flops/seconds/1e9, "GFLOP/s")
}

// cpuTime is the process's CPU time in seconds.
func cpuTime(b *testing.B) float64 {
	b.Helper()
	var r unix.Rusage
	must(b, unix.Getrusage(unix.RUSAGE_SELF, &r))
	return float64(r.Utime.Nano()+r.Stime.Nano()) * 1e-9
}

// BenchmarkEvaluate is inference of the small network for 128 rows, and its input gradient.
func BenchmarkEvaluate(b *testing.B) {
	s := nn.NewStore[float32](device(b, 2))
	c := mlp{dim: 100, embed: nn.TimeWidth, width: 512, blocks: 4}
	m := declareMLP(s, c)
	must(b, s.Allocate(nn.ForInference))
	must(b, s.Init(1))
	table, err := nn.TimeTable[float32](s.Device(), 200)
	must(b, err)
	e, err := nn.NewEvaluator(s, nn.Value, func(t *nn.Tape[float32], level *nn.Index[float32], in ...*nn.Var[float32]) *nn.Var[float32] {
		return m.record(t, in[0], t.Lookup(table, level))
	}, c.dim)
	must(b, err)
	const rows = 128
	levels, x, w := make([]int32, rows), normals[float32](1, rows*c.dim), normals[float32](2, rows*c.dim)
	out := tensor.New(tensor.Float32, rows, c.dim).Float32s()
	b.Run("forward", func(b *testing.B) {
		for b.Loop() {
			must(b, e.Forward(out, levels, x))
		}
	})
	b.Run("vjp", func(b *testing.B) {
		for b.Loop() {
			must(b, e.VJP(out, w, nil, levels, x))
		}
	})
}
