package pairs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"slices"
	"time"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/dataset"
	"github.com/waveprior/waveprior/core/hook"
	"github.com/waveprior/waveprior/core/npy"
	"github.com/waveprior/waveprior/core/openfwi"
	"github.com/waveprior/waveprior/core/tensor"
)

// Result is what Generate did.
type Result struct {
	Files   int // of the set, models and data counted by themselves
	Samples int // of the set
	Made    int // samples made by this call; the others were there
	Seconds float64
}

// Generate makes the files of a set that are not there, or not whole. Errors: a folder of another set (ErrFolder); fewer samples
// than the set has, a solver that cannot take the maps, data that float16 does not hold (contract.ErrInvalidOption); a sample that the solver refuses; no room (*commit.SpaceError).
// After any error, cancellation or kill, the same call goes on with the file that it was at.
func Generate(ctx context.Context, o Options) (*Result, error) {
	j, err := o.prepare(ctx)
	if err != nil {
		return nil, err
	}
	if err := j.claim(); err != nil {
		return nil, err
	}
	per, count := o.Pairs.SamplesPerFile, o.Pairs.Count
	files := (count + per - 1) / per
	res := &Result{Files: files * len(j.parts), Samples: count}
	done, todo := 0, []int{}
	for f := range files {
		n := min(per, count-f*per)
		whole, err := j.whole(f, n)
		if err != nil {
			return nil, err
		}
		if whole {
			done += n
		} else {
			todo = append(todo, f)
		}
	}
	if path := j.path(&j.parts[0], files); exists(path) {
		return nil, j.fewer(path)
	}
	unit, begin := "maps", time.Now()
	if j.solver != nil {
		unit = "pairs"
	}
	cs, err := j.newChunks()
	if err != nil {
		return nil, err
	}
	defer j.release(cs)
	task := o.Progress.Start(o.Pairs.Name, unit, done, count)
	defer task.Stop()
	for _, f := range todo {
		n := min(per, count-f*per)
		if err := j.file(ctx, cs, f, n, func(rows int) { task.Update(done+rows, count, "") }); err != nil {
			return nil, err
		}
		done += n
		res.Made += n
	}
	res.Seconds = time.Since(begin).Seconds()
	task.Done(fmt.Sprintf("%d %s in %s", count, unit, o.Dir))
	return res, nil
}

// whole tells whether all files of number f are there, with n samples each. A file that is cut or another one's is made
// again, which the log says.
func (j *job) whole(f, n int) (bool, error) {
	for i := range j.parts {
		p := &j.parts[i]
		path := j.path(p, f)
		shape, dtype, err := header(path, p.dt.IsComplex())
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return false, nil
		case errors.Is(err, npy.ErrFormat):
			j.Progress.Logf("%v: made again", err)
			return false, nil
		case err != nil:
			return false, err
		}
		want := p.dt.String()
		if p.half {
			want = "float16"
		}
		if len(shape) > 0 && dtype == want && slices.Equal(shape[1:], p.shape) && shape[0] > n && shape[0] <= j.Pairs.SamplesPerFile {
			return false, j.fewer(path)
		}
		if dtype != want || !slices.Equal(shape, append([]int{n}, p.shape...)) {
			j.Progress.Logf("%s has %s %v, wanted is %s %v: made again", path, dtype, shape, want, append([]int{n}, p.shape...))
			return false, nil
		}
	}
	return true, nil
}

// fewer is the error for a set that has more samples than are asked for: what it took to make them is not thrown away.
func (j *job) fewer(path string) error {
	return fmt.Errorf("%s: count = %d, but the set has more samples (%s): take another folder (-o), or as many as there are: %w", j.Dir, j.Pairs.Count, path, contract.ErrInvalidOption)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func header(path string, complex bool) (shape []int, dtype string, err error) {
	if complex {
		h, err := npy.ReadHeader(path)
		return h.Shape, h.DType.String(), err
	}
	r, err := npy.OpenRows(path)
	if err != nil {
		return nil, "", err
	}
	return append([]int{r.Len()}, r.Item()...), r.DType(), r.Close()
}

// chunk holds some samples on their way into the files.
type chunk struct {
	m    *tensor.Tensor // models as they are stored
	in   *tensor.Tensor // the same as the solver takes them
	d    *tensor.Tensor // its data; both nil without a solver
	free []func()
}

// samplesAtOnce is how many maps are drawn at a time where nothing is solved; with a solver it is eight for every worker, so
// that a call is long against its overhead and short against a progress line.
const samplesAtOnce = 250

// newChunks makes two chunks: one is written while the next is made.
func (j *job) newChunks() (cs [2]*chunk, err error) {
	n := samplesAtOnce
	if j.solver != nil {
		n = 8 * j.Pairs.Solver.Workers
	}
	n = min(n, j.Pairs.SamplesPerFile, j.Pairs.Count)
	for i := range cs {
		c := &chunk{m: j.model.New(n)}
		cs[i] = c
		if j.solver == nil {
			continue
		}
		conf := j.solver.Configured
		for _, t := range []struct {
			to    **tensor.Tensor
			dt    tensor.DType
			shape []int
		}{{&c.in, conf.Model.DType, conf.Model.BatchShape(n)}, {&c.d, conf.Data.DType, conf.Data.BatchShape(n)}} {
			var free func()
			if *t.to, free, err = j.Session.Alloc(t.dt, t.shape...); err != nil {
				j.release(cs)
				return cs, err
			}
			c.free = append(c.free, free)
		}
	}
	return cs, nil
}

func (j *job) release(cs [2]*chunk) {
	for _, c := range cs {
		if c != nil {
			for _, free := range c.free {
				free()
			}
		}
	}
}

// file makes the files of number f, of n samples. They are written as the samples come, and appear at the end, the data
// first.
func (j *job) file(ctx context.Context, cs [2]*chunk, f, n int, progress func(rows int)) error {
	hook.At("host.pairs")
	gen, err := j.generator(f)
	if err != nil {
		return err
	}
	writers := make([]*npy.Writer, len(j.parts))
	for i := range j.parts {
		p := &j.parts[i]
		if p.half {
			writers[i], err = npy.CreateHalf(j.path(p, f), p.shape...)
		} else {
			writers[i], err = npy.Create(j.path(p, f), p.dt, p.shape...)
		}
		if err != nil {
			return err
		}
		defer writers[i].Abort()
		if err := writers[i].Reserve(n); err != nil {
			return err
		}
	}
	var writing chan error // of the chunk before
	written := func() error {
		if writing == nil {
			return nil
		}
		err := <-writing
		writing = nil
		return err
	}
	defer func() { _ = written() }() // before the writers are aborted
	per := cs[0].m.Batch()
	for lo, turn := 0, 0; lo < n; lo, turn = lo+per, 1-turn {
		k := min(per, n-lo)
		if err := j.make(ctx, gen, f, lo, k, cs[turn]); err != nil {
			return err
		}
		if err := written(); err != nil {
			return err
		}
		progress(lo + k)
		done := make(chan error, 1)
		writing = done
		go func() { done <- j.write(writers, cs[turn], k) }()
	}
	if err := written(); err != nil {
		return err
	}
	for i := len(writers) - 1; i >= 0; i-- {
		if err := writers[i].Commit(); err != nil {
			return err
		}
	}
	return nil
}

// make draws the samples lo..lo+k-1 of file f into the chunk, and solves them.
func (j *job) make(ctx context.Context, gen dataset.Generator, f, lo, k int, c *chunk) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	first := f*j.Pairs.SamplesPerFile + lo
	m := c.m.Slice(0, k)
	if err := gen.Fill(first, m, j.Pairs.HeldOut); err != nil {
		return err
	}
	if j.Pairs.DType == "float16" {
		npy.RoundHalf(m.Float32s()) // the data are those of what is stored
	}
	if j.solver == nil {
		return nil
	}
	in, d := c.in.Slice(0, k), c.d.Slice(0, k)
	failed, err := j.adapt.Apply(m, in)
	if err != nil {
		return err
	}
	for i, err := range failed {
		if err != nil {
			return fmt.Errorf("sample %d: %w", first+i, err)
		}
	}
	status, err := j.pool.Forward(ctx, in, d)
	if err != nil {
		return err
	}
	for i := range k {
		if st := contract.StatusAt(status, i); st.Code != contract.OK {
			return fmt.Errorf("solver %s: sample %d (%s, row %d): %v", j.Pairs.Solver.Ref.Name, first+i, j.path(&j.parts[0], f), lo+i, st)
		}
		if err := j.fits(d.Item(i)); err != nil {
			return fmt.Errorf("solver %s: sample %d (%s, row %d): %w", j.Pairs.Solver.Ref.Name, first+i, j.path(&j.parts[0], f), lo+i, err)
		}
	}
	return nil
}

// fits is an error for data that the files' precision does not hold: float16 makes numbers from 65520 on infinite, and data that
// are all below its least normal number next to nothing.
func (j *job) fits(d *tensor.Tensor) error {
	if j.Pairs.DType != "float16" || d.DType.IsComplex() {
		return nil
	}
	const least, most = 0x1p-14, 65504
	largest := 0.0
	for _, x := range d.AppendReals(nil) {
		largest = max(largest, math.Abs(x))
	}
	if largest > most || largest > 0 && largest < least {
		return fmt.Errorf("its largest datum is %.3g, float16 holds %.3g to %d: take dtype = \"float32\": %w", largest, least, most, contract.ErrInvalidOption)
	}
	return nil
}

// write appends the first k samples of a chunk to the files.
func (j *job) write(writers []*npy.Writer, c *chunk, k int) error {
	for i := range j.parts {
		p, from, of := &j.parts[i], c.m, len(j.model.Quantities)
		if p.kind == openfwi.Data {
			from, of = c.d, 1
			if len(p.shape) < len(from.Shape)-1 {
				of = from.Shape[1]
			}
		}
		t := from.Slice(0, k)
		if of > 1 || t.DType != p.dt {
			t = p.of(t, of)
		}
		if err := writers[i].Append(t.Reshape(append([]int{k}, p.shape...)...)); err != nil {
			return err
		}
	}
	return nil
}

// of copies the part's index of an axis of n out of a batch, in the part's precision.
func (p *part) of(t *tensor.Tensor, n int) *tensor.Tensor {
	k := t.Batch()
	out := tensor.New(p.dt, append([]int{k}, p.shape...)...)
	var v []float64
	for i := range k {
		item := t.Item(i)
		own := item.Reshape(n, item.Len()/n).Item(p.index)
		if own.DType == p.dt {
			copy(out.Item(i).Data, own.Data)
			continue
		}
		v = own.AppendReals(v[:0])
		out.Item(i).SetReals(v)
	}
	return out
}
