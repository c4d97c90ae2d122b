package klmlp

import (
	"fmt"
	"path/filepath"
	"strconv"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/nn"
	"github.com/waveprior/waveprior/core/tensor"
)

// CheckpointName is the file in Train's folder that the network lies in, with all that training needs to go on (nn.Store's
// Save). Beside the parameters it has the tensors user.mean and user.std (d), float64, of the training set's coordinates.
const CheckpointName = "kl-mlp.safetensors"

// Keys of the checkpoint's strings and tensors.
const (
	keySteps, keyData, keySeed, keyBatch, keyHistoryEvery = "steps", "data", "seed", "batch", "history_every"
	keyMean, keyStd                                       = "mean", "std"
	keyHistory, keyPending                                = "history", "pending"
)

// load takes mean, std and network from the checkpoint in a folder. Every error wraps contract.ErrCheckpoint and names the file.
func (c *configured) load(folder string) error {
	path := filepath.Join(folder, CheckpointName)
	fail := func(err error) error {
		return fmt.Errorf("checkpoint %s: %w: %w", path, contract.ErrCheckpoint, err)
	}
	dev, err := c.open()
	if err != nil {
		return err
	}
	n, st, err := newDenoiser(dev, c.measure, path, c.basis.Dim(), &c.options)
	if err != nil {
		return fail(err)
	}
	if err := c.standardisation(&st); err != nil {
		n.free()
		return fail(err)
	}
	c.network = n
	return nil
}

// standardisation takes what a complete checkpoint has beside the network.
func (c *configured) standardisation(st *nn.State) error {
	steps, err := strconv.Atoi(st.Strings[keySteps])
	if err != nil {
		return fmt.Errorf("its number of steps is %q: it is not a checkpoint of prior kl-mlp", st.Strings[keySteps])
	}
	if st.Step != steps {
		return fmt.Errorf("its training is not complete: step %d of %d; train again in its folder, which goes on from there", st.Step, steps)
	}
	for name, dst := range map[string]*[]float64{keyMean: &c.mean, keyStd: &c.std} {
		t := st.Tensors[name]
		if err := t.Check(name, tensor.Float64, c.basis.Dim()); err != nil {
			return err
		}
		if !t.Finite() {
			return fmt.Errorf("its %s is not finite", name)
		}
		*dst = t.Float64s()
	}
	for i, v := range c.std {
		if v <= 0 {
			return fmt.Errorf("its std of coordinate %d is %g (allowed: positive)", i, v)
		}
	}
	return nil
}
