//go:build hooks

package hook_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/waveprior/waveprior/core/hook"
)

// TestStops: the process stops at the named point for the n-th time, says so, and only one process ever does.
func TestStops(t *testing.T) {
	if os.Getenv("HOOK_TEST") != "" {
		for i := range 3 {
			hook.At("other")
			fmt.Println("before", i)
			hook.At("solver.Misfit")
		}
		return
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "stopped")
	run := func() (*exec.Cmd, *strings.Builder) {
		var out strings.Builder
		cmd := exec.Command(exe, "-test.run", "TestStops")
		cmd.Env = append(os.Environ(), "HOOK_TEST=1", "WAVEPRIOR_HOOK=solver.Misfit:2", "WAVEPRIOR_HOOK_FILE="+file)
		cmd.Stdout = &out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return cmd, &out
	}
	first, out := run()
	for i := 0; ; i++ {
		if b, err := os.ReadFile(file); err == nil && strings.TrimSpace(string(b)) == fmt.Sprint(first.Process.Pid) {
			break
		}
		if i > 500 {
			first.Process.Kill()
			t.Fatal("it did not stop")
		}
		time.Sleep(10 * time.Millisecond)
	}
	first.Process.Kill()
	first.Wait()
	if !strings.Contains(out.String(), "before 1") || strings.Contains(out.String(), "before 2") {
		t.Errorf("it said %q", out)
	}
	second, out := run()
	if err := second.Wait(); err != nil || !strings.Contains(out.String(), "before 2") {
		t.Errorf("the second process: %v, %q", err, out)
	}
}
