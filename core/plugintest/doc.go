// Package plugintest judges plugins: conformance suites for solvers, priors and samplers, and for problems composed of
// them. A suite takes any implementation of the contract, in this process or in a process of its own, in any language,
// and answers with a list of named properties, each passed, failed or skipped, with the numbers.
//
// Main types: [Target], how to get the plugin ([InProcess], [Process]); [Options], what it is checked under; [Property],
// one line of the answer. [Check] runs the suite of a kind; [Solver], [Prior], [Sampler] do so in an author's test:
//
//	func TestConformance(t *testing.T) {
//		plugintest.Solver(t, func() contract.Solver { return analytic.New() },
//			plugintest.Options{Options: []byte(`{"map": "quadratic"}`)})
//	}
//
// and the command line:
//
//	list := plugintest.Check(ctx, contract.KindSolver, plugintest.Process(path, plugintest.ProcessOptions{}), options)
//	plugintest.Write(os.Stdout, list, false)
//	os.Exit(len(plugintest.Failed(list)))
//
// A call that hangs or a process that dies fails the property "answers-in-time" or "stays-alive"; the property in which
// it happened is skipped, the plugin started anew, and the list goes on.
//
// It is no measure of quality: a plugin that passes keeps the contract; whether its physics or its network is any good
// is what experiments are for. Nor does it prove the absence of a fault: inputs are drawn, with a seed that is told.
package plugintest
