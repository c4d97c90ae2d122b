//go:build hooks

// Package hook lets a test stop a process exactly inside a call; see hook.go.
package hook

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
)

// Enabled says whether this build has hooks.
const Enabled = true

var (
	wanted, nth = parse(os.Getenv("WAVEPRIOR_HOOK"))
	marker      = os.Getenv("WAVEPRIOR_HOOK_FILE")
	seen        atomic.Int64
)

// parse splits "point:n"; a missing or bad n is 1.
func parse(s string) (point string, n int64) {
	point, count, ok := strings.Cut(s, ":")
	if ok {
		if v, err := strconv.ParseInt(count, 10, 64); err == nil && v > 0 {
			return point, v
		}
	}
	return point, 1
}

// At blocks forever when this is the wanted point for the n-th time and no other process has stopped yet.
func At(point string) {
	if wanted == "" || point != wanted || seen.Add(1) != nth || marker == "" {
		return
	}
	f, err := os.OpenFile(marker, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return // another process stopped here, or did before this one was restarted
	}
	fmt.Fprintln(f, os.Getpid())
	f.Close()
	select {}
}
