package pairs_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// childDir has this test binary make a set in that folder and nothing else; childLimit bounds the child's files, in bytes.
const (
	childDir   = "WAVEPRIOR_TEST_PAIRS"
	childLimit = "WAVEPRIOR_TEST_FSIZE"
)

const killed = "name = \"set\"\nfamily = \"FlatFault_A\"\nseed = 3\ncount = 1190\nsamples_per_file = 100\n"

// TestChild is what a child does; in the parent it has nothing to show.
func TestChild(t *testing.T) {
	dir := os.Getenv(childDir)
	if dir == "" {
		t.Skip("only for the children of this package's tests")
	}
	var limit uint64
	if _, err := fmt.Sscan(os.Getenv(childLimit), &limit); err == nil {
		if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: limit, Max: limit}); err != nil {
			t.Fatal(err)
		}
	}
	b := &bench{t: t, dir: dir}
	b.must("set", killed)
}

// child starts the test binary as a child.
func child(dir string, env ...string) *exec.Cmd {
	c := exec.Command(os.Args[0], "-test.run=^TestChild$", "-test.count=1")
	c.Env = append(append(os.Environ(), childDir+"="+dir), env...)
	c.WaitDelay = 10 * time.Second
	return c
}

// TestKill: a run that is killed with -9 again and again, at random, ends with the bytes of one run, and leaves nothing else.
func TestKill(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	rnd := rand.New(rand.NewPCG(seed, 0))
	b := newBench(t)
	b.must("whole", killed)
	dir := filepath.Join(b.dir, "k")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	kills, done := 0, false
	for try := 0; !done; try++ {
		if try == 200 {
			t.Fatalf("seed %d: not done after %d kills", seed, kills)
		}
		c := child(dir)
		var out strings.Builder
		c.Stdout, c.Stderr = &out, &out
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- c.Wait() }()
		// Once files appear: that is when something is at stake.
		have := func() int {
			list, _ := filepath.Glob(filepath.Join(dir, "set", "vel*.npy"))
			return len(list)
		}
		was, deadline := have(), time.Now().Add(time.Minute)
		var err error
		running := true
		for running && have() == was && time.Now().Before(deadline) {
			select {
			case err = <-ended:
				running = false
			case <-time.After(time.Millisecond):
			}
		}
		if running && kills < 6 {
			time.Sleep(time.Duration(rnd.IntN(20)) * time.Millisecond)
			_ = c.Process.Kill()
			err = <-ended
			if s, ok := c.ProcessState.Sys().(syscall.WaitStatus); ok && s.Signaled() {
				kills++
				continue
			}
		} else if running {
			err = <-ended
		}
		if err != nil {
			t.Fatalf("seed %d: the child failed: %v\n%s", seed, err, out.String())
		}
		done = true
	}
	if kills == 0 {
		t.Errorf("seed %d: nothing was killed", seed)
	}
	b.same("k/set", "whole")
}

// TestNoRoom: where files cannot be as large as they must, the error says how large; nothing half is left, and the same
// command goes on when there is room.
func TestNoRoom(t *testing.T) {
	b := newBench(t)
	c := child(b.dir, childLimit+"=1000000")
	out, err := c.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || !strings.Contains(string(out), "vel2_1_0.npy") || !strings.Contains(string(out), "needs 1960128 bytes, a file may have 1000000 bytes") {
		t.Errorf("%v: %s", err, out)
	}
	if got := names(b.sums("set")); got != "[pairs.json]" {
		t.Errorf("there are %s", got)
	}
	b.must("set", killed)
	b.must("whole", killed)
	b.same("set", "whole")
}
