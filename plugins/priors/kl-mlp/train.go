package klmlp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"time"
	"unsafe"

	"github.com/waveprior/waveprior/core/commit"
	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/dataset"
	"github.com/waveprior/waveprior/core/nn"
	"github.com/waveprior/waveprior/core/npy"
	"github.com/waveprior/waveprior/core/rng"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/cuda"
	"github.com/waveprior/waveprior/cuda/diffusion"
)

// Train implements contract.Trainer: it projects the training set on the basis, standardises the coordinates, trains the
// network to predict the noise eps of x_t = alpha_t x0 + sigma_t eps (|eps_hat - eps|^2 summed over coordinates, mean over
// the batch; uniform t), and leaves kl-mlp.safetensors, losses.npy and losses.json in the folder. Epochs are shuffled by
// dataset.Order; level and noise of example i at step k are the streams "kl-mlp/level" and "kl-mlp/noise" at (k, i, 0), so
// a training that goes on from a checkpoint ends with the bits of one that was not interrupted. Progress has the losses
// "loss" (mean since the last report), "ema" and, with held-out items, "held_out" (see losses.npy).
//
// Errors: a dataset that is none, cannot be adapted to squared slowness or has fewer than two examples; ErrCheckpoint for
// a checkpoint in the folder that is damaged or of another training; a loss that is not finite.
func (p *Prior) Train(ctx context.Context, r contract.TrainRequest, report func(contract.TrainProgress) error) error {
	c, err := p.state()
	if err != nil {
		return err
	}
	if err := c.train(ctx, r, report, p.reportEvery); err != nil {
		return fmt.Errorf("prior kl-mlp: %w", asCheckpoint(err))
	}
	return nil
}

func (c *configured) train(ctx context.Context, r contract.TrainRequest, report func(contract.TrainProgress) error, every time.Duration) error {
	raw, err := c.coordinates(r.Dataset)
	if err != nil {
		return err
	}
	d := c.basis.Dim()
	if n := len(raw) / d; n < 2 {
		return fmt.Errorf("dataset %s: %d examples, 2 or more are needed for a standard deviation: %w", r.Dataset, n, contract.ErrInvalidOption)
	}
	var held []float64
	if r.HeldOut != "" {
		if held, err = c.coordinates(r.HeldOut); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(r.Folder, 0o777); err != nil {
		return err
	}
	dev, err := c.open()
	if err != nil {
		return err
	}
	t, err := c.newTraining(dev, raw, held)
	if err == nil {
		err = errors.Join(t.run(ctx, r.Folder, report, every), t.free())
	}
	c.measure(dev)
	return errors.Join(err, dev.Close())
}

// training is one run of Train.
type training struct {
	c         *configured
	d         int
	z         []float32 // (n, d): the standardised training set
	mean, std []float64
	digest    string
	batch     int // rows of a step
	perEpoch  int // steps of an epoch
	epoch     int // of order
	order     []int

	levels, noise rng.Stream
	dev           cuda.Device
	set           diffusion.Set // z and the schedule, on the device
	plan          plan
	store         *nn.Store[float32]
	network       *network
	tape          *nn.Tape[float32]
	level         *nn.Index[float32]
	x, eps        *nn.Var[float32]
	loss          *nn.Loss[float32]
	history       *history
}

// planned is for how many steps a plan is made at once.
const planned = 64

// plan is which examples go into which steps, and at which levels: (planned, batch) int32, on the host and on the device.
type plan struct {
	index, level         []int32
	deviceIndex, atLevel cuda.Buffer
	first                int // step; -1: none yet
}

// newTraining records the network's tape on the device, with fresh weights.
func (c *configured) newTraining(dev cuda.Device, raw, held []float64) (*training, error) {
	d, o := c.basis.Dim(), &c.options
	n := len(raw) / d
	t := &training{c: c, d: d, dev: dev, digest: digest(raw), batch: min(o.Train.Batch, n), epoch: -1,
		levels: rng.New(c.seed, "kl-mlp/level"), noise: rng.New(c.seed, "kl-mlp/noise")}
	t.mean, t.std = standardisationOf(raw, d)
	t.z = standardise(raw, t.mean, t.std)
	t.perEpoch = n / t.batch
	if err := t.upload(); err != nil {
		return nil, err
	}
	t.store = nn.NewStore[float32](dev)
	net, err := declare(t.store, d, o)
	if err != nil {
		return nil, err
	}
	t.network = net
	if err := t.store.Allocate(nn.ForTraining); err != nil {
		return nil, err
	}
	if err := t.store.Init(c.seed); err != nil {
		return nil, err
	}
	if t.tape, err = nn.NewTape(t.store, nn.Value, true); err != nil {
		return nil, err
	}
	t.level, t.x, t.eps = t.tape.Index(t.batch), t.tape.Input(false, t.batch, d), t.tape.Input(false, t.batch, d)
	t.loss = t.tape.SquareError(net.record(t.tape, t.level, t.x), t.eps, 1/float64(t.batch))
	if err := t.tape.Err(); err != nil {
		return nil, err
	}
	eval, err := nn.NewEvaluator(t.store, nn.EMA, net.record, d)
	if err != nil {
		return nil, err
	}
	t.history = newHistory(c, eval, t.z, standardise(held, t.mean, t.std))
	return t, nil
}

// upload puts the training set and the schedule on the device, and makes room for the plan.
func (t *training) upload() error {
	s, n := t.c.schedule, len(t.z)/t.d
	t.set = diffusion.Set{Examples: n, Width: t.d, Levels: s.Steps()}
	t.plan = plan{index: make([]int32, planned*t.batch), level: make([]int32, planned*t.batch), first: -1}
	var err error
	put := func(b *cuda.Buffer, bytes []byte) {
		if err == nil {
			if *b, err = t.dev.Alloc(len(bytes)); err == nil {
				err = t.dev.Upload(*b, bytes)
			}
		}
	}
	put(&t.set.Z, bytesOf(t.z))
	put(&t.set.Alpha, bytesOf(s.Alpha))
	put(&t.set.Sigma, bytesOf(s.Sigma))
	put(&t.plan.deviceIndex, bytesOf(t.plan.index))
	put(&t.plan.atLevel, bytesOf(t.plan.level))
	return err
}

// free gives all memory of the device back.
func (t *training) free() error {
	err := errors.Join(t.history.eval.Free(), t.tape.Free(), t.store.Free(), t.network.free())
	for _, b := range []cuda.Buffer{t.set.Z, t.set.Alpha, t.set.Sigma, t.plan.deviceIndex, t.plan.atLevel} {
		err = errors.Join(err, t.dev.Free(b))
	}
	return err
}

// bytesOf is the memory of x, which is not empty.
func bytesOf[T int32 | float32 | float64](x []T) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), len(x)*int(unsafe.Sizeof(x[0])))
}

// run trains, going on from what lies in the folder.
func (t *training) run(ctx context.Context, folder string, report func(contract.TrainProgress) error, every time.Duration) error {
	o := &t.c.options.Train
	path := filepath.Join(folder, CheckpointName)
	if there, err := nn.Exists(path); err != nil {
		return err
	} else if there {
		st, err := nn.ReadState(path)
		if err != nil {
			return err
		}
		if err := t.history.resume(st.Tensors); err != nil {
			return fmt.Errorf("%w: %s: %w", nn.ErrCheckpoint, path, err)
		}
	}
	tensors := map[string]*tensor.Tensor{
		keyMean: tensor.FromFloat64s(t.mean, t.d), keyStd: tensor.FromFloat64s(t.std, t.d),
		keyHistory: t.history.rows, keyPending: t.history.pending,
	}
	trainer := nn.Trainer[float32]{
		Tape: t.tape, Loss: t.loss, Steps: o.Steps, Batch: t.fill, After: t.history.after, LookEvery: o.HistoryEvery,
		Adam: nn.Adam{
			Schedule: nn.Cosine{First: o.LearningRate, Last: o.LearningRateLast, Steps: o.Steps, EpochSteps: t.perEpoch},
			Clip:     o.Clip, EMADecay: o.EMADecay, EMAWarmup: o.EMAWarmup,
		},
		Path: path, Architecture: t.c.options.architecture(), Tensors: tensors,
		Strings: map[string]string{
			keySteps: strconv.Itoa(o.Steps), keyData: t.digest, keySeed: strconv.FormatUint(t.c.seed, 10), keyBatch: strconv.Itoa(t.batch),
			keyHistoryEvery: strconv.Itoa(o.HistoryEvery),
		},
		CheckpointEvery: time.Duration(o.CheckpointS * float64(time.Second)), ReportEvery: every,
	}
	if report != nil {
		trainer.Report = func(p nn.Progress) error {
			return report(contract.TrainProgress{Step: p.Step, Steps: p.Steps, Rate: p.Rate, Losses: t.history.losses(p.Loss)})
		}
	}
	if err := trainer.Run(ctx); err != nil {
		return err
	}
	if err := npy.Write(filepath.Join(folder, HistoryName), t.history.rows); err != nil {
		return err
	}
	return commit.WriteFile(filepath.Join(folder, HistoryNames), func(w io.Writer) error { return json.NewEncoder(w).Encode(historyColumns) })
}

// fill sets the tape's inputs for step k. Of a step nothing crosses between host and device: the training set lies there,
// noise is drawn there, and which examples go into the next steps is told for many at once.
func (t *training) fill(k int) error {
	p := &t.plan
	if first := k - k%planned; first != p.first {
		if err := t.planFrom(first); err != nil {
			return err
		}
	}
	at := 4 * (k - p.first) * t.batch
	b := diffusion.Batch{Index: p.deviceIndex.Slice(at, 4*t.batch), Level: p.atLevel.Slice(at, 4*t.batch), Rows: t.batch}
	return errors.Join(t.level.Bind(b.Level, 0, int32(t.set.Levels-1)), diffusion.Noised(t.dev, t.x.Buffer(), t.eps.Buffer(), b, t.set, t.noise.Key(), k))
}

// planFrom makes the plan of the steps from first on.
func (t *training) planFrom(first int) error {
	p := &t.plan
	for s := range planned {
		k := first + s
		if e := k / t.perEpoch; e != t.epoch {
			t.epoch, t.order = e, dataset.Order(t.c.seed, e, t.set.Examples)
		}
		from := k % t.perEpoch * t.batch
		for b, i := range t.order[from : from+t.batch] {
			p.index[s*t.batch+b] = int32(i)
			p.level[s*t.batch+b] = int32(t.levels.At(uint32(k), uint32(i), 0).Intn(0, t.set.Levels))
		}
	}
	p.first = first
	return errors.Join(t.dev.Upload(p.deviceIndex, bytesOf(p.index)), t.dev.Upload(p.atLevel, bytesOf(p.level)))
}

// mix fills x with alpha_t z + sigma_t eps, each rounded once.
func (c *configured) mix(x, z, eps []float32, level int) {
	alpha, sigma := c.schedule.Alpha[level], c.schedule.Sigma[level]
	for k := range x {
		x[k] = float32(math.FMA(sigma, float64(eps[k]), float64(alpha*float64(z[k]))))
	}
}
