// Package cost measures what the processes cost, over plugin processes and inside this process by the same code of the host:
// one step of the sampler dps in its full variant with cheap plugins, where calls are all there is to it (BenchmarkStep), and
// one step of the sampling stage of experiments/quickstart.toml (BenchmarkQuickstartStep), where the promise is at most 5 %.
// It has no code besides its tests and benchmarks (make bench-step); the figures are in docs/performance.md.
//
//	go test -run '^$' -bench QuickstartStep -benchtime 5x ./internal/cost    # 100 steps each way, in turns
package cost
