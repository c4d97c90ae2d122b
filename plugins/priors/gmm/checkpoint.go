package gmm

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/waveprior/waveprior/core/commit"
	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/mixture"
	"github.com/waveprior/waveprior/core/safetensors"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
)

// CheckpointName is the file that Train writes into its folder. It has the tensor means (N, d), for components =
// "gaussian" with N = 1 and the tensor covariance (d, d), all float64; metadata: format, components, and the dataset's
// space as JSON. The width is not in it: it is an option of use.
const CheckpointName = "gmm.safetensors"

const checkpointFormat = "waveprior.gmm/1"

// checkpoint is the content of the file.
type checkpoint struct {
	path              string // for errors
	components        string
	space             space.Space
	means, covariance *tensor.Tensor // covariance: nil for "training"
}

// write makes the file appear in the folder.
func (ck *checkpoint) write(folder string) error {
	s, err := json.Marshal(ck.space)
	if err != nil {
		return fmt.Errorf("space of the dataset: %w", err)
	}
	tensors := map[string]*tensor.Tensor{"means": ck.means}
	if ck.covariance != nil {
		tensors["covariance"] = ck.covariance
	}
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return err
	}
	if _, err := commit.RemoveStale(folder); err != nil { // what a killed training was writing
		return err
	}
	return safetensors.Write(filepath.Join(folder, CheckpointName), tensors,
		map[string]string{"format": checkpointFormat, "components": ck.components, "space": string(s)})
}

// readCheckpoint reads and checks the file of a folder. Every error wraps contract.ErrCheckpoint and names the file.
func readCheckpoint(folder, components string) (*checkpoint, error) {
	path := filepath.Join(folder, CheckpointName)
	fail := func(format string, args ...any) (*checkpoint, error) {
		return nil, fmt.Errorf("checkpoint %s: %w: %w", path, contract.ErrCheckpoint, fmt.Errorf(format, args...))
	}
	f, err := safetensors.Read(path)
	if err != nil {
		return fail("%w", err)
	}
	defer f.Close()
	if v, _ := f.Metadata("format"); v != checkpointFormat {
		return fail("its format is %q, want %q: it is not a checkpoint of prior gmm", v, checkpointFormat)
	}
	ck := &checkpoint{path: path}
	if ck.components, _ = f.Metadata("components"); ck.components != components {
		return fail("it was trained with components = %q, the options say %q: train again", ck.components, components)
	}
	s, _ := f.Metadata("space")
	if err := json.Unmarshal([]byte(s), &ck.space); err != nil {
		return fail("its space is not JSON: %w", err)
	}
	if err := ck.space.Validate(); err != nil {
		return fail("%w", err)
	}
	d := ck.space.Len()
	if ck.means, err = f.Tensor("means"); err != nil {
		return fail("%w", err)
	}
	n := -1
	if components == "gaussian" {
		n = 1
		if ck.covariance, err = f.Tensor("covariance"); err != nil {
			return fail("%w", err)
		}
		if err := ck.covariance.Check("covariance", tensor.Float64, d, d); err != nil {
			return fail("%w", err)
		}
		if !ck.covariance.Finite() {
			return fail("the covariance is not finite")
		}
	}
	if err := ck.means.Check("means", tensor.Float64, n, d); err != nil {
		return fail("%w", err)
	}
	if ck.means.Batch() == 0 || !ck.means.Finite() {
		return fail("it has %d means, one or more, all finite, are needed", ck.means.Batch())
	}
	return ck, nil
}

// fits returns an error unless the checkpoint's models have the shape of the target's, and where they are the options' own
// also its quantities.
func (ck *checkpoint) fits(model space.Space, own bool) error {
	err := sameShape(ck.space, model)
	if err == nil && own {
		for i, q := range model.Quantities {
			if has := ck.space.Quantities[i]; has.Name != q.Name || has.Unit != q.Unit {
				err = fmt.Errorf("it is a mixture of %s [%s], the options say %s [%s]: train again", has.Name, has.Unit, q.Name, q.Unit)
			}
		}
	}
	if err != nil {
		return fmt.Errorf("checkpoint %s: %w: %w", ck.path, contract.ErrCheckpoint, err)
	}
	return nil
}

// sameShape compares a dataset's space with the model that the solver takes.
func sameShape(s, model space.Space) error {
	if !slices.Equal(s.ItemShape(), model.ItemShape()) || s.DType.IsComplex() {
		return fmt.Errorf("its items are %v, the target is %v", &s, &model)
	}
	return nil
}

// mixture returns the prior of width s.
func (ck *checkpoint) mixture(s float64) (*mixture.Mixture, error) {
	d := ck.means.Shape[1]
	cov := mixture.Isotropic(s * s)
	if ck.covariance != nil {
		l, err := factor(ck.covariance.Float64s(), d, s*s)
		if err != nil {
			return nil, fmt.Errorf("checkpoint %s: %w: %w", ck.path, contract.ErrCheckpoint, err)
		}
		cov = mixture.Factor(l)
	}
	m, err := mixture.New(ck.means.Float64s(), d, nil, cov)
	if err != nil {
		return nil, fmt.Errorf("checkpoint %s: %w: %w", ck.path, contract.ErrCheckpoint, err)
	}
	return m, nil
}
