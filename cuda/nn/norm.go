package nn

/*
#include <stdint.h>
int nn_layernorm_f32_cpu(const uint64_t*, int64_t, int64_t);
int nn_layernorm_f64_cpu(const uint64_t*, int64_t, int64_t);
int nn_layernorm_backward_f32_cpu(const uint64_t*, int64_t, int64_t);
int nn_layernorm_backward_f64_cpu(const uint64_t*, int64_t, int64_t);
*/
import "C"

import (
	"github.com/waveprior/waveprior/cuda"
)

var (
	layerNorm         = bothSized("nn_layernorm", C.nn_layernorm_f32_cpu, C.nn_layernorm_f64_cpu, launchNorm)
	layerNormBackward = bothSized("nn_layernorm_backward", C.nn_layernorm_backward_f32_cpu, C.nn_layernorm_backward_f64_cpu, launchNormBackward)
)

// normSums is the number of partial sums of a row (norm.h).
const normSums = 64

// launchNorm gives a row's block memory for two sets of partial sums and, up to 40 KiB, for the row (norm.cu).
func launchNorm(size int) launcher {
	return func(rows int, args []cuda.Arg) cuda.Launch {
		row := size * integer(args, 6)
		if row > 40<<10 {
			row = 0
		}
		return cuda.Launch{Grid: [3]int{rows}, Block: [3]int{threads}, Shared: 2*normSums*size + row}
	}
}

// launchNormBackward gives a group's block memory for two halves of two arrays of a chunk, and the partial sums (norm.cu).
func launchNormBackward(size int) launcher {
	return func(groups int, args []cuda.Arg) cuda.Launch {
		group := integer(args, 9)
		return cuda.Launch{Grid: [3]int{groups}, Block: [3]int{threads, group}, Shared: group * (4*threads + 2*normSums) * size}
	}
}

// normRows is the number of rows whose parameter gradients are summed together, before the groups are added in order.
const normRows = 4

// LayerNormForward computes y = gamma (u - mean)/sqrt(var + 1e-5) + beta for each row: u, y (rows, width), gamma, beta
// (width). mean and var (the biased one) are of the row. stats (rows, 2) receives mean and 1/sqrt(var + 1e-5), which the
// backward pass takes; no buffer: not kept. y may be u where nothing needs u again.
func LayerNormForward[T cuda.Float](d cuda.Device, y, u, gamma, beta, stats cuda.Buffer, rows, width int) error {
	return normForward[T](d, y, u, cuda.Buffer{}, gamma, beta, stats, rows, width, false)
}

// NormGeluForward is a residual block's pointwise part: y = r + gelu(n), n = the layer norm of u as in LayerNormForward:
// r, y, u (rows, width); r may be no buffer: y = gelu(n). y may be r or u.
func NormGeluForward[T cuda.Float](d cuda.Device, y, u, r, gamma, beta, stats cuda.Buffer, rows, width int) error {
	return normForward[T](d, y, u, r, gamma, beta, stats, rows, width, true)
}

func normForward[T cuda.Float](d cuda.Device, y, u, r, gamma, beta, stats cuda.Buffer, rows, width int, gelu bool) error {
	const what = "layer norm"
	if err := positive(what, rows, width); err != nil {
		return err
	}
	need := []operand{{"y", y, rows * width}, {"u", u, rows * width}, {"gamma", gamma, width}, {"beta", beta, width}}
	if !r.IsNil() {
		need = append(need, operand{"r", r, rows * width})
	}
	if !stats.IsNil() {
		need = append(need, operand{"stats", stats, 2 * rows})
	}
	if err := check[T](what, need...); err != nil {
		return err
	}
	return d.Run(of[T](layerNorm), rows, y.Arg(), u.Arg(), r.Arg(), gamma.Arg(), beta.Arg(), stats.Arg(),
		cuda.Int(width), flag(gelu), cuda.Int(rows))
}

// NormScratch is how many numbers the scratch of LayerNormBackward and NormGeluBackward holds.
func NormScratch(rows, width int) int { return 2 * width * cuda.Blocks(rows, normRows) }

// LayerNormBackward computes from dy (rows, width) the gradients du (rows, width; may be dy), dgamma and dbeta (width; both
// or neither may be no buffer), which accumulate adds to what is there. u, gamma, stats are those of the forward pass,
// scratch holds NormScratch numbers and is needed for dgamma and dbeta only.
func LayerNormBackward[T cuda.Float](d cuda.Device, du, dgamma, dbeta, dy, u, gamma, stats, scratch cuda.Buffer, rows, width int, accumulate bool) error {
	return normBackward[T](d, du, dgamma, dbeta, dy, u, gamma, cuda.Buffer{}, stats, scratch, rows, width, accumulate)
}

// NormGeluBackward is the same for NormGeluForward; it needs beta, too. The gradient with respect to r is dy itself, so a
// residual block keeps dy, takes another buffer as du, and adds the dense layer's input gradient to dy.
func NormGeluBackward[T cuda.Float](d cuda.Device, du, dgamma, dbeta, dy, u, gamma, beta, stats, scratch cuda.Buffer, rows, width int, accumulate bool) error {
	if err := check[T]("layer norm backward", operand{"beta", beta, width}); err != nil {
		return err
	}
	return normBackward[T](d, du, dgamma, dbeta, dy, u, gamma, beta, stats, scratch, rows, width, accumulate)
}

func normBackward[T cuda.Float](d cuda.Device, du, dgamma, dbeta, dy, u, gamma, beta, stats, scratch cuda.Buffer, rows, width int, accumulate bool) error {
	const what = "layer norm backward"
	if err := positive(what, rows, width); err != nil {
		return err
	}
	need := []operand{{"du", du, rows * width}, {"dy", dy, rows * width}, {"u", u, rows * width},
		{"gamma", gamma, width}, {"stats", stats, 2 * rows}}
	parameters := !dgamma.IsNil() || !dbeta.IsNil()
	if parameters {
		need = append(need, operand{"dgamma", dgamma, width}, operand{"dbeta", dbeta, width},
			operand{"scratch", scratch, NormScratch(rows, width)})
	} else {
		scratch = cuda.Buffer{}
	}
	if err := check[T](what, need...); err != nil {
		return err
	}
	groups := cuda.Blocks(rows, normRows)
	if err := d.Run(of[T](layerNormBackward), groups, du.Arg(), dy.Arg(), u.Arg(), gamma.Arg(), beta.Arg(), stats.Arg(),
		scratch.Arg(), cuda.Int(rows), cuda.Int(width), cuda.Int(normRows)); err != nil || !parameters {
		return err
	}
	// The groups' sums lie as (groups, 2 width): dgamma's half, then dbeta's.
	half := width * cuda.SizeOf[T]()
	if err := stridedSums[T](d, dgamma, scratch, groups, width, 2*width, accumulate); err != nil {
		return err
	}
	return stridedSums[T](d, dbeta, scratch.Slice(half, scratch.Bytes()-half), groups, width, 2*width, accumulate)
}
