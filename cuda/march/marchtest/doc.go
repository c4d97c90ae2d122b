// Package marchtest is what tests of the families on cuda/march share: wave and elastic are held to the same, each with its own
// configurations. Tests alone import it (internal/rules).
//
// A [Case] is a configuration with what it is tried with. Of a case, [AgainstPlain] wants the data of a plain program, [SameBits] the
// same bits over threads, batches, segments and instruction sets, [BatchAsShots] the same numbers from the kernels of a batch,
// [DotProduct] that the transpose is one;
// [CompareTwins], [GPUAsShots] and [Transfers] compare devices. [Taylor] and [SlopeSingle] look at directions of a plan, [RefusedCalls] at what its
// calls must not take, [Benchmark] times it. A family has a table of cases and calls these:
//
//	for _, s := range settings(40) {
//		marchtest.SameBits(t, s.tried())
//	}
//
// It knows no equation: what the right data are, the family's tests say.
package marchtest
