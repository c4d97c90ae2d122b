package samebits

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// pairsText is a set of maps and data by a real solver.
const pairsText = `name = "set"
family = "CurveFault_A"
seed = 5
count = 40
samples_per_file = 10
[solver]
plugin = "helmholtz"
frequency_hz = [4.0]
[solver.grid]
nz = 14
nx = 16
spacing_m = 60.0
[solver.boundary]
cells = 6
sigma_max = 60.0
[solver.sources]
z_m = 0.0
x_first_m = 0.0
x_last_m = 900.0
count = 2
[solver.receivers]
z_m = 0.0
x_first_m = 0.0
x_last_m = 900.0
count = 5
`

// pairsFiles are the hashes of a set's files.
func (l *lab) pairsFiles() string {
	l.t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(l.out, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		fmt.Fprintf(&b, "%s %x\n", filepath.Base(path), sha256.Sum256(raw))
		return err
	})
	if err != nil {
		l.t.Fatal(err)
	}
	return b.String()
}

func (l *lab) generate(env []string, args ...string) *proc {
	l.t.Helper()
	return l.command(env, append([]string{"data", "generate", "-o", l.out, l.file}, args...)...)
}

// TestPairs: sets of models and data have the same bits for any number of workers and threads, and after a kill -9 of the
// host or of a solver at any point, and nothing else is left.
func TestPairs(t *testing.T) {
	t.Parallel()
	whole := newLab(t, pairsText)
	whole.generate(nil).must(0)
	want := whole.pairsFiles()
	if n := strings.Count(want, ".npy"); n != 8 {
		t.Fatalf("%d files:\n%s", n, want)
	}
	for _, c := range []struct {
		name string
		args []string
		at   string // where a process is killed
		n    int
	}{
		{"2 workers", []string{"--set", "solver.workers=2"}, "", 0},
		{"3 workers of 2 threads", []string{"--set", "solver.workers=3", "--set", "solver.threads=2"}, "", 0},
		{"host before the second file", nil, "host.pairs", 2},
		{"host before data get their name", nil, "commit.rename", 2},
		{"host between data and models", nil, "commit.rename", 3},
		{"host at the last name", []string{"--set", "solver.workers=2"}, "commit.rename", 9},
		{"a solver in a call", nil, "solver.Forward", 3},
		{"one of two solvers after a call", []string{"--set", "solver.workers=2"}, "solver.Forward.reply", 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, pairsText)
			if c.at != "" {
				marker := filepath.Join(l.root, "stopped")
				env := []string{fmt.Sprintf("WAVEPRIOR_HOOK=%s:%d", c.at, c.n), "WAVEPRIOR_HOOK_FILE=" + marker}
				host := l.generate(env, c.args...)
				var pid int
				if !host.until("the hook "+c.at, func() bool {
					b, err := os.ReadFile(marker)
					if err != nil || !bytes.HasSuffix(b, []byte("\n")) {
						return false
					}
					pid, err = strconv.Atoi(string(bytes.TrimSpace(b)))
					return err == nil
				}) {
					t.Fatalf("%s did not happen %d times:\n%s", c.at, c.n, host.text())
				}
				l.kill(pid)
				if isHost := pid == host.cmd.Process.Pid; isHost != !strings.HasPrefix(c.at, "solver.") {
					t.Errorf("process %d stopped at %s, the host is %d", pid, c.at, host.cmd.Process.Pid)
				}
				host.wait()
			}
			l.generate(nil, c.args...).must(0)
			if got := l.pairsFiles(); got != want {
				t.Errorf("files\n%swant\n%s", got, want)
			}
		})
	}
}
