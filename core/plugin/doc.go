// Package plugin lets the parts of waveprior live in processes of their own: it serves an implementation of package
// contract from a plugin's main, starts such processes from the host, and gives the host clients with the same
// interfaces. Control goes over gRPC on unix sockets (hashicorp/go-plugin's handshake); tensors larger than 64 KiB lie in
// the run's shared memory (package arena).
//
// A plugin:
//
//	func main() { plugin.Serve(analytic.New()) }
//
// A host:
//
//	p, err := plugin.Launch(ctx, plugin.LaunchSpec{Kind: contract.KindSolver, Name: "analytic", Path: file, SocketDir: dir, Arena: a})
//	defer p.Close()
//	solver, err := p.Solver()
//	_, err = solver.Configure(ctx, contract.Config{Options: options})
//	status, err := solver.Forward(ctx, m, d)
//
// Main types: Process, a plugin that runs; LaunchSpec, how to start it; Serve, the other side; ServePrior and ServeSolver,
// what a sampler calls back (Configure of a sampler's client does that by itself).
//
// Errors keep their kind: errors.Is with the sentinels of package contract works on what a client returns, as do
// context.Canceled and context.DeadlineExceeded. contract.ErrPluginDied from a client of Launch means that the process is
// gone and was waited for. After a cancelled call the process may still be at work: the ranges of that call are kept from
// being used again until it is gone.
//
// It does not restart, look up or pool plugins: that is the host's business.
package plugin
