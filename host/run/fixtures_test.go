package run_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/npy"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/host/experiment"
	"github.com/waveprior/waveprior/host/progress"
	"github.com/waveprior/waveprior/host/run"
	"github.com/waveprior/waveprior/host/session"
	"github.com/waveprior/waveprior/host/stage"
	"github.com/waveprior/waveprior/plugins/priors/gmm"
	"github.com/waveprior/waveprior/plugins/samplers/ddpm"
	"github.com/waveprior/waveprior/plugins/samplers/dps"
	"github.com/waveprior/waveprior/plugins/solvers/analytic"
)

// bench is a place to run experiments in, with all plugins in this process: they share one cache.
type bench struct {
	t       testing.TB
	root    string
	plugins map[string]func() contract.Plugin
	log     bytes.Buffer
	runs    int
}

func newBench(t testing.TB) *bench {
	return &bench{t: t, root: t.TempDir(), plugins: map[string]func() contract.Plugin{
		"solver/analytic": func() contract.Plugin { return analytic.New() },
		"prior/gmm":       func() contract.Plugin { return gmm.New() },
		"sampler/dps":     func() contract.Plugin { return dps.New() },
		"sampler/ddpm":    func() contract.Plugin { return ddpm.New() },
	}}
}

// load resolves an experiment for a run in a folder of its own.
func (b *bench) load(text string, set ...string) (run.Options, func(), error) {
	b.t.Helper()
	r := progress.Plain(&b.log, 0)
	s, err := session.New(session.Options{Log: r.Logf, InProcess: b.plugins})
	if err != nil {
		b.t.Fatal(err)
	}
	b.runs++
	file := filepath.Join(b.root, "x.toml")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		b.t.Fatal(err)
	}
	e, err := experiment.Load(b.t.Context(), file, set, s)
	return run.Options{Experiment: e, Dir: filepath.Join(b.root, "run", time.Now().Format("150405.000000000")), Cache: &stage.Cache{Dir: filepath.Join(b.root, "cache"), Log: r.Logf}, Session: s, Progress: r}, s.Close, err
}

func (b *bench) try(ctx context.Context, text string, set ...string) (*run.Result, error) {
	b.t.Helper()
	o, done, err := b.load(text, set...)
	defer done()
	if err != nil {
		return nil, err
	}
	return run.Run(ctx, o)
}

func (b *bench) run(text string, set ...string) *run.Result {
	b.t.Helper()
	res, err := b.try(b.t.Context(), text, set...)
	if err != nil {
		b.t.Fatalf("%v\n%s", err, b.log.String())
	}
	return res
}

func read(t testing.TB, path string) *tensor.Tensor {
	t.Helper()
	x, err := npy.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// entries counts the committed entries of a stage in the cache.
func (b *bench) entries(name string) int {
	found, err := filepath.Glob(filepath.Join(b.root, "cache", name, "*", "stage.json"))
	if err != nil {
		b.t.Fatal(err)
	}
	return len(found)
}

// stageOf returns the folder of a cell's stage.
func (b *bench) stageOf(t testing.TB, c *run.CellResult, name string) string {
	t.Helper()
	for _, e := range c.Entries {
		if e.Manifest.Stage == name {
			return e.Dir
		}
	}
	t.Fatalf("no stage %s", name)
	return ""
}

// runFile runs a file, such as a lock, as it is.
func (b *bench) runFile(t testing.TB, path string) *run.Result {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b.run(string(text))
}
