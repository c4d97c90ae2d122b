//go:build race

package samebits

// race says that this test runs under the race detector; then so do the processes that it starts.
const race = true
