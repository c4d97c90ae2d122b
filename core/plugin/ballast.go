package plugin

import "os"

// ballastBytes is how much the heap of a process may grow between two collections, at least.
const ballastBytes = 32 << 20

var ballast []byte

// EaseCollector lets Go's garbage collector run less often in a process whose own heap is small: its tensors lie in shared
// memory, its kernels' buffers in C's, and what is left are the messages of calls. With the default settings such a heap of a
// few MiB is collected every dozen calls, on all cores, which was a third of what calls cost. The ballast is never touched, so
// it takes addresses and no memory; a heap larger than it is collected as ever. It does nothing where GOGC is set.
//
// Serve calls it, a host's main should.
func EaseCollector() {
	if os.Getenv("GOGC") == "" && ballast == nil {
		ballast = make([]byte, ballastBytes)
	}
}
