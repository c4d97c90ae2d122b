// Package samebits holds the table test of waveprior's first promise (design.md, section 5): the number of workers and
// threads, the grouping of chains, processes or none, kill -9 and resume of any process change no bit of samples, trained
// weights and metrics. Beside it stand the tests of what goes with that promise: nothing is left of a killed run, a
// hanging plugin is restarted, the cache computes a stage once and knows what it depends on, memory stays flat.
//
// All of it is tests, of the real command and the real plugins: TestMain builds them with the build tag hooks, which stops
// a process at a named point so that it can be killed exactly there.
//
//	go test -race ./internal/samebits              # everything
//	go test -short ./internal/samebits             # a few rows of the table
//	go test ./internal/samebits -run Kill -seed 7  # the random kills of a failure again
//	go test ./internal/samebits -run 'Interrupt|Hang|TwoRuns' -instrument  # the processes under the race detector
//
// It is not a test of what the numbers are: see the packages of solvers, priors, samplers and metrics.
package samebits
