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

	"github.com/waveprior/waveprior/core/commit"
	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/dataset"
	"github.com/waveprior/waveprior/core/nn"
	"github.com/waveprior/waveprior/core/npy"
	"github.com/waveprior/waveprior/core/rng"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/cuda"
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
	dev, err := cuda.NewCPU(c.threads)
	if err != nil {
		return err
	}
	t, err := c.newTraining(dev, raw, held)
	if err == nil {
		err = t.run(ctx, r.Folder, report, every)
	}
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
	store         *nn.Store[float32]
	tape          *nn.Tape[float32]
	level         *nn.Index[float32]
	x, eps        *nn.Var[float32]
	loss          *nn.Loss[float32]
	hostLevel     []int32
	hostX, hostE  []float32
	history       *history
}

// newTraining records the network's tape on the device, with fresh weights.
func (c *configured) newTraining(dev cuda.Device, raw, held []float64) (*training, error) {
	d, o := c.basis.Dim(), &c.options
	n := len(raw) / d
	t := &training{c: c, d: d, digest: digest(raw), batch: min(o.Train.Batch, n), epoch: -1,
		levels: rng.New(c.seed, "kl-mlp/level"), noise: rng.New(c.seed, "kl-mlp/noise")}
	t.mean, t.std = standardisationOf(raw, d)
	t.z = standardise(raw, t.mean, t.std)
	t.perEpoch = n / t.batch
	t.hostLevel, t.hostX, t.hostE = make([]int32, t.batch), make([]float32, t.batch*d), make([]float32, t.batch*d)
	t.store = nn.NewStore[float32](dev)
	net, err := declare(t.store, d, o)
	if err != nil {
		return nil, err
	}
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
		Tape: t.tape, Loss: t.loss, Steps: o.Steps, Batch: t.fill, After: t.history.after,
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

// fill sets the tape's inputs for step k.
func (t *training) fill(k int) error {
	if e := k / t.perEpoch; e != t.epoch {
		t.epoch, t.order = e, dataset.Order(t.c.seed, e, len(t.z)/t.d)
	}
	first := k % t.perEpoch * t.batch
	for b, i := range t.order[first : first+t.batch] {
		level := t.levels.At(uint32(k), uint32(i), 0).Intn(0, t.c.schedule.Steps())
		t.hostLevel[b] = int32(level)
		eps := t.hostE[b*t.d : (b+1)*t.d]
		t.noise.At(uint32(k), uint32(i), 0).Normals32(eps)
		t.c.mix(t.hostX[b*t.d:(b+1)*t.d], t.z[i*t.d:(i+1)*t.d], eps, level)
	}
	return errors.Join(t.level.Set(t.hostLevel), t.x.Set(t.hostX), t.eps.Set(t.hostE))
}

// mix fills x with alpha_t z + sigma_t eps, each rounded once.
func (c *configured) mix(x, z, eps []float32, level int) {
	alpha, sigma := c.schedule.Alpha[level], c.schedule.Sigma[level]
	for k := range x {
		x[k] = float32(math.FMA(sigma, float64(eps[k]), float64(alpha*float64(z[k]))))
	}
}
