// Package emulated asks the emulated CUDA driver (cuda/emulated) what a real one does not tell: texts of errors, the
// kernels it was built from, what they read and wrote. Its functions are found by name in whatever libcuda the process
// loaded; on a real driver, or on none, [Present] is false and the others answer with nothing.
//
//	if emulated.Present() {
//		fmt.Println(emulated.LastError())
//	}
//
// The package is not a binding of CUDA: cuda/gpu.go holds that.
package emulated

/*
#cgo CFLAGS: -D_GNU_SOURCE
#cgo LDFLAGS: -ldl
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>

static int present(void) { return dlsym(RTLD_DEFAULT, "waveprior_emulated_kernels") != 0; }

static int64_t text(const char* function, char* to, int64_t size) {
  int64_t (*f)(char*, int64_t) = (int64_t(*)(char*, int64_t))dlsym(RTLD_DEFAULT, function);
  return f ? f(to, size) : 0;
}

static int counts(const char* name, int reset, uint64_t* to) {
  int (*f)(const char*, int, uint64_t*) = (int (*)(const char*, int, uint64_t*))dlsym(RTLD_DEFAULT, "waveprior_emulated_counts");
  return f ? f(name, reset, to) : 0;
}

static int set_order(const char* name) {
  int (*f)(const char*) = (int (*)(const char*))dlsym(RTLD_DEFAULT, "waveprior_emulated_set_order");
  return f ? f(name) : 0;
}
*/
import "C"

import (
	"fmt"
	"strings"
	"sync"
	"unsafe"
)

// Present reports whether the libcuda of this process is the emulated one. It looks once: every launch asks.
var Present = sync.OnceValue(func() bool { return C.present() != 0 })

func text(function string) string {
	name := C.CString(function)
	defer C.free(unsafe.Pointer(name))
	for size := C.int64_t(4096); ; {
		to := (*C.char)(C.malloc(C.size_t(size)))
		n := C.text(name, to, size)
		if n < size {
			s := C.GoStringN(to, C.int(n))
			C.free(unsafe.Pointer(to))
			return s
		}
		C.free(unsafe.Pointer(to))
		size = n + 1
	}
}

// LastError is the text of the driver's last refusal, "" where there was none.
func LastError() string { return text("waveprior_emulated_last_error") }

// Leaks says which buffers the last context held when it was destroyed, "" where there were none.
func Leaks() string { return text("waveprior_emulated_leaks") }

// A Kernel is one entry of the driver's table.
type Kernel struct {
	Name       string
	Parameters string // a letter for each: p pointer, i int64_t, d double, f float
	File       string // the .cu, from the repository's root
}

// Kernels are those that the driver was built from, by name; it reads the table once.
var Kernels = sync.OnceValue(func() map[string]Kernel {
	all := map[string]Kernel{}
	for line := range strings.Lines(text("waveprior_emulated_kernels")) {
		if f := strings.Fields(line); len(f) == 3 {
			all[f[0]] = Kernel{Name: f[0], Parameters: strings.Trim(f[1], "-"), File: f[2]}
		}
	}
	return all
})

// Counts are what all launches of one kernel did.
type Counts struct {
	Read, Written uint64 // bytes of global memory, through waveprior::View
	Operations    uint64 // as the kernel counts them: args.h, CountOperations
	Launches      uint64
}

// Count returns what a kernel did since the last call with reset. No kernel may be running (Device.Synchronise). It is an
// error where the driver has no such kernel.
func Count(kernel string, reset bool) (Counts, error) {
	name := C.CString(kernel)
	defer C.free(unsafe.Pointer(name))
	var c [4]C.uint64_t
	var r C.int
	if reset {
		r = 1
	}
	if C.counts(name, r, &c[0]) == 0 {
		return Counts{}, fmt.Errorf("emulated: no kernel %s in the driver (%d kernels)", kernel, len(Kernels()))
	}
	return Counts{uint64(c[0]), uint64(c[1]), uint64(c[2]), uint64(c[3])}, nil
}

// Orders are the orders in which the threads of a block can run between barriers. A kernel whose bits depend on the order
// has a race.
var Orders = []string{"forward", "reverse", "shuffled"}

// SetOrder makes the kernels that are launched from now on run in one of Orders. No kernel may be running.
func SetOrder(order string) error {
	name := C.CString(order)
	defer C.free(unsafe.Pointer(name))
	if C.set_order(name) == 0 {
		return fmt.Errorf("emulated: order %q: %v are allowed, and the emulated driver is needed", order, Orders)
	}
	return nil
}
