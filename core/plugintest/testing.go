package plugintest

import (
	"context"
	"strings"

	"github.com/waveprior/waveprior/core/contract"
)

// TB is what a suite uses of *testing.T.
type TB interface {
	Helper()
	Logf(format string, args ...any)
	Errorf(format string, args ...any)
	Context() context.Context
	TempDir() string
}

// Solver checks a solver in this process and reports every failed property as an error of the test.
func Solver(t TB, newSolver func() contract.Solver, o Options) {
	t.Helper()
	Report(t, CheckSolver(t.Context(), InProcess(func() contract.Plugin { return newSolver() }), withDir(t, o)))
}

// Prior checks a prior in this process.
func Prior(t TB, newPrior func() contract.Prior, o Options) {
	t.Helper()
	Report(t, CheckPrior(t.Context(), InProcess(func() contract.Plugin { return newPrior() }), withDir(t, o)))
}

// Sampler checks a sampler in this process.
func Sampler(t TB, newSampler func() contract.Sampler, o Options) {
	t.Helper()
	Report(t, CheckSampler(t.Context(), InProcess(func() contract.Plugin { return newSampler() }), withDir(t, o)))
}

// Binary checks the plugin in a binary, through real processes.
func Binary(t TB, kind contract.Kind, path string, o Options) {
	t.Helper()
	Report(t, Check(t.Context(), kind, Process(path, ProcessOptions{}), withDir(t, o)))
}

// Report makes an error of every failed property, and logs the list.
func Report(t TB, list []Property) {
	t.Helper()
	var b strings.Builder
	if err := Write(&b, list, true); err != nil {
		t.Errorf("%v", err)
	}
	t.Logf("\n%s", b.String())
	for _, p := range Failed(list) {
		t.Errorf("%s: %s\n%s", p.Name, p.Doc, p.Text)
	}
}

func withDir(t TB, o Options) Options {
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	return o
}
