// Package cost measures what the processes cost: one step of the sampler dps in its full variant, with two calls of the
// prior and one gradient of the composed problem, over plugin processes and inside this process, by the same code of
// host/session and core/compose that a run uses. It has no code besides its test and benchmarks (make bench); the figures
// are in docs/performance.md.
package cost
