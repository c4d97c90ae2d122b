//go:build hooks

package plugin_test

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/plugin"
)

// TestKilledAtHook: a plugin stops inside the second call, before and after the work, and is killed there from outside.
func TestKilledAtHook(t *testing.T) {
	for _, point := range []string{"solver.Forward", "solver.Forward.reply"} {
		file := filepath.Join(t.TempDir(), "stopped")
		p := launch(t, "solver", func(s *plugin.LaunchSpec) {
			s.Env = append(s.Env, "WAVEPRIOR_HOOK="+point+":2", "WAVEPRIOR_HOOK_FILE="+file)
		})
		s := solverOf(t, p, 4, "")
		if err := forward(t.Context(), s, 4); err != nil {
			t.Fatal(err)
		}
		got := make(chan error, 1)
		go func() { got <- forward(t.Context(), s, 4) }()
		eventually(t, point+" is reached", func() bool {
			b, err := os.ReadFile(file)
			pid, bad := strconv.Atoi(strings.TrimSpace(string(b)))
			return err == nil && bad == nil && pid == p.PID()
		})
		if err := syscall.Kill(p.PID(), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		if err := <-got; !errors.Is(err, contract.ErrPluginDied) {
			t.Errorf("%s: %v", point, err)
		}
	}
}
