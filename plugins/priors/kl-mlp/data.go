package klmlp

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/dataset"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
)

// leastStd is added to every coordinate's standard deviation.
const leastStd = 1e-5

// coordinates reads a dataset, adapts its items to the model and returns their raw KL coordinates (n, d). Errors: a dataset
// that is none, items that cannot be adapted, a value that is not finite.
func (c *configured) coordinates(manifest string) ([]float64, error) {
	data, err := dataset.Open(manifest)
	if err != nil {
		return nil, err
	}
	defer data.Close()
	adapt, err := space.Between(data.Space(), c.model)
	if err != nil {
		return nil, fmt.Errorf("%w: dataset %s: %w", tensor.ErrShape, manifest, err)
	}
	d := c.basis.Dim()
	raw, m := make([]float64, data.Len()*d), c.model.New(1)
	var cells []float64
	for i := range data.Len() {
		item := data.Item(i)
		failed, err := adapt.Apply(item.Reshape(append([]int{1}, item.Shape...)...), m)
		if err == nil && failed != nil {
			err = failed[0]
		}
		if err != nil {
			return nil, fmt.Errorf("dataset %s: example %d: %w", manifest, i, err)
		}
		if text, ok := c.model.FirstOutside(m.Item(0)); !ok {
			return nil, fmt.Errorf("dataset %s: example %d: %s: %w", manifest, i, text, contract.ErrInvalidOption)
		}
		cells = m.AppendReals(cells[:0])
		c.basis.Project(raw[i*d:(i+1)*d], cells)
	}
	return raw, nil
}

// standardisationOf returns mean and unbiased standard deviation + 1e-5 of the n > 1 rows of raw, summed in their order.
func standardisationOf(raw []float64, d int) (mean, std []float64) {
	n := len(raw) / d
	mean, std = make([]float64, d), make([]float64, d)
	for i, v := range raw {
		mean[i%d] += v
	}
	for k := range mean {
		mean[k] /= float64(n)
	}
	for i, v := range raw {
		r := v - mean[i%d]
		std[i%d] = math.FMA(r, r, std[i%d])
	}
	for k := range std {
		std[k] = math.Sqrt(std[k]/float64(n-1)) + leastStd
	}
	return mean, std
}

// standardise returns (raw - mean)/std in float32.
func standardise(raw, mean, std []float64) []float32 {
	z, d := make([]float32, len(raw)), len(mean)
	for i, v := range raw {
		z[i] = float32((v - mean[i%d]) / std[i%d])
	}
	return z
}

// digest names a set of coordinates by their bits.
func digest(raw []float64) string {
	h := sha256.New()
	var b [8]byte
	for _, v := range raw {
		binary.LittleEndian.PutUint64(b[:], math.Float64bits(v))
		h.Write(b[:])
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
