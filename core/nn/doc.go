// Package nn trains and runs neural networks on the kernels of cuda/nn: layers, a reverse-mode tape, an optimiser,
// checkpoints.
//
// The main types: [Store] holds all parameters of a network, in one piece per array (value, running mean, gradient, Adam's
// moments), declared by its layers ([Linear], [LayerNorm], [Residual]). [Tape] is a computation recorded once and played
// often, forward and back, without allocating. [Adam] with a [Schedule] is the optimiser, [Trainer] the loop around them
// with checkpoints that it goes on from, [Evaluator] the network in inference, row by row. All exist in float32 (in use)
// and float64 (in which gradients are proved).
//
//	s := nn.NewStore[float32](device)
//	in, block, out := s.Linear("in", 2, 64), s.Residual("block", 64), s.Linear("out", 64, 2)
//	err := s.Allocate(nn.ForTraining) // then s.Init(seed)
//	t, err := nn.NewTape(s, nn.Value, true)
//	x, y := t.Input(false, 50, 2), t.Input(false, 50, 2)
//	loss := t.SquareError(t.Linear(out, t.Residual(block, t.GELU(t.Linear(in, x)))), y, 1.0/50)
//	err = t.Err() // the first mistake of all that was recorded
//	for k := range 1000 {
//		// x.Set(...), y.Set(...), t.Forward(), t.Backward(loss)
//		norm, err := s.Step(nn.Adam{Schedule: nn.Constant(1e-3), Clip: 1, EMADecay: 0.999, EMAWarmup: true}, k)
//	}
//
// Everything gives the same bits for any number of threads, and training resumed from a checkpoint the bits of training
// that was not interrupted.
//
// It is not a framework: no shapes found out at run time, no broadcasting, no graph rewriting. Variables have a first axis
// of rows (items); what the others mean is the ops' own business, so that images (rows, height, width, channels) need new
// ops only. Networks themselves belong to the priors.
package nn
