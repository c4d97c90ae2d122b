package main

/*
#cgo LDFLAGS: -ldl
#include <dlfcn.h>
#include <stdlib.h>

// The few calls of libnvrtc 11.8 that are needed, by their addresses: the program links without the library.
typedef void* program;
static int create(void* f, program* p, const char* source, const char* name) {
  return ((int (*)(program*, const char*, const char*, int, const char* const*, const char* const*))f)(p, source, name, 0, 0, 0);
}
static int compile(void* f, program p, int count, char** options) {
  return ((int (*)(program, int, const char* const*))f)(p, count, (const char* const*)options);
}
static int size(void* f, program p, size_t* n) { return ((int (*)(program, size_t*))f)(p, n); }
static int text(void* f, program p, char* to) { return ((int (*)(program, char*))f)(p, to); }
static int destroy(void* f, program* p) { return ((int (*)(program*))f)(p); }
static int version(void* f, int* major, int* minor) { return ((int (*)(int*, int*))f)(major, minor); }
*/
import "C"

import (
	"fmt"
	"path/filepath"
	"unsafe"
)

// compiler is libnvrtc, NVIDIA's run-time compiler: it makes code for a GPU without one.
type compiler struct {
	create, compile, logSize, log, cubinSize, destroy unsafe.Pointer
	version                                           string
}

// openCompiler loads libnvrtc from that path, and the library of built-in functions that lies beside it, which it would
// otherwise look for on the loader's own path.
func openCompiler(path string) (*compiler, error) {
	if beside, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "libnvrtc-builtins.so*")); len(beside) > 0 {
		if _, err := open(beside[0]); err != nil {
			return nil, err
		}
	}
	library, err := open(path)
	if err != nil {
		return nil, err
	}
	c := &compiler{}
	var versionCall unsafe.Pointer
	for name, to := range map[string]*unsafe.Pointer{
		"nvrtcCreateProgram": &c.create, "nvrtcCompileProgram": &c.compile, "nvrtcGetProgramLogSize": &c.logSize,
		"nvrtcGetProgramLog": &c.log, "nvrtcGetCUBINSize": &c.cubinSize, "nvrtcDestroyProgram": &c.destroy,
		"nvrtcVersion": &versionCall,
	} {
		symbol := C.CString(name)
		*to = C.dlsym(library, symbol)
		C.free(unsafe.Pointer(symbol))
		if *to == nil {
			return nil, fmt.Errorf("cudagate: %s has no function %s", path, name)
		}
	}
	var major, minor C.int
	if code := C.version(versionCall, &major, &minor); code != 0 {
		return nil, fmt.Errorf("cudagate: %s: nvrtcVersion: code %d", path, int(code))
	}
	c.version = fmt.Sprintf("%d.%d", int(major), int(minor))
	return c, nil
}

func open(path string) (unsafe.Pointer, error) {
	file := C.CString(path)
	defer C.free(unsafe.Pointer(file))
	library := C.dlopen(file, C.RTLD_NOW|C.RTLD_GLOBAL)
	if library == nil {
		return nil, fmt.Errorf("cudagate: %s", C.GoString(C.dlerror()))
	}
	return library, nil
}

// run compiles a source to machine code and returns the compiler's log, with what ptxas says about every kernel. An error
// holds the log.
func (c *compiler) run(name string, source []byte, options ...string) (string, error) {
	text, title := C.CString(string(source)), C.CString(name)
	defer C.free(unsafe.Pointer(text))
	defer C.free(unsafe.Pointer(title))
	var p C.program
	if code := C.create(c.create, &p, text, title); code != 0 {
		return "", fmt.Errorf("cudagate: %s: nvrtcCreateProgram: code %d", name, int(code))
	}
	defer C.destroy(c.destroy, &p)

	list := make([]*C.char, len(options))
	for i, o := range options {
		list[i] = C.CString(o)
		defer C.free(unsafe.Pointer(list[i]))
	}
	code := C.compile(c.compile, p, C.int(len(list)), unsafe.SliceData(list))
	log, err := c.logOf(p)
	if code != 0 {
		return "", fmt.Errorf("cudagate: %s, %v: code %d\n%s", name, options, int(code), log)
	}
	if err != nil {
		return "", fmt.Errorf("cudagate: %s: %w", name, err)
	}
	var n C.size_t
	if code := C.size(c.cubinSize, p, &n); code != 0 || n == 0 {
		return "", fmt.Errorf("cudagate: %s, %v: %d bytes of machine code, code %d", name, options, int(n), int(code))
	}
	return log, nil
}

func (c *compiler) logOf(p C.program) (string, error) {
	var n C.size_t
	if code := C.size(c.logSize, p, &n); code != 0 || n == 0 {
		return "", fmt.Errorf("nvrtcGetProgramLogSize: %d bytes, code %d", int(n), int(code))
	}
	buffer := C.malloc(n)
	defer C.free(buffer)
	if code := C.text(c.log, p, (*C.char)(buffer)); code != 0 {
		return "", fmt.Errorf("nvrtcGetProgramLog: code %d", int(code))
	}
	return C.GoString((*C.char)(buffer)), nil
}
