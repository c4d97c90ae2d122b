package samebits

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// seed repeats a run of the tests that draw lots; they print it.
var seed = flag.Int64("seed", time.Now().UnixNano(), "seed of the random kills")

// built is where the command and the plugins are, with hooks; made on first use.
var built struct {
	sync.Once
	dir string
	err error
}

// plugins are the binaries beside the command.
var plugins = []string{
	"solvers/analytic/cmd/waveprior-solver-analytic", "priors/gmm/cmd/waveprior-prior-gmm", "samplers/dps/cmd/waveprior-sampler-dps",
	"samplers/ddpm/cmd/waveprior-sampler-ddpm", "samplers/gmm-posterior/cmd/waveprior-sampler-gmm-posterior",
}

func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	if built.dir != "" {
		os.RemoveAll(built.dir)
	}
	os.Exit(code)
}

// binaries builds the command and the plugins with hooks, under the race detector where this test is.
func binaries(t testing.TB) string {
	t.Helper()
	built.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "sbin"); built.err != nil {
			return
		}
		built.err = build(built.dir)
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return built.dir
}

// build puts the binaries into dir; flags come before those that every build of them has.
func build(dir string, flags ...string) error {
	args := append([]string{"build", "-buildvcs=false", "-tags", "hooks"}, flags...)
	if race {
		args = append(args, "-race")
	}
	module := "github.com/waveprior/waveprior/"
	args = append(args, "-o", dir+string(filepath.Separator))
	for _, p := range plugins {
		args = append(args, module+"plugins/"+p)
	}
	cmd := exec.Command("go", args...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	// The command's folder is called host, its binary waveprior.
	args = append(args[:len(args)-len(plugins)-1], filepath.Join(dir, "waveprior"), module+"host")
	cmd = exec.Command("go", args...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return nil
}

var pluginsEnv sync.Once

// withPlugins lets sessions in this process find the plugins. It is the same folder for all tests, which run in parallel.
func withPlugins(t testing.TB, bin string) {
	pluginsEnv.Do(func() {
		if err := os.Setenv("WAVEPRIOR_PLUGINS", bin); err != nil {
			t.Fatal(err)
		}
	})
}
