package rules

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/waveprior/waveprior/cuda"
)

var (
	kernelNote = regexp.MustCompile(`//[^\n]*|/\*[^*\n]*\*/`)
	kernelHead = regexp.MustCompile(`extern "C" __global__ void\s+(?:__launch_bounds__\([^)]*\)\s+)?(\w+)\(`)
	kernelPair = regexp.MustCompile(`\bWAVEPRIOR_KERNELS\(\s*(\w+),`) // cuda/kernel.h
	madeKernel = regexp.MustCompile(`\bcuda\.NewKernel\(`)
	// What a .cu may not hold: sums whose order is chance, code that only one machine takes, what cuda/kernel.h is there for.
	notInKernels = regexp.MustCompile(`\batomic\w*|\basm\b|__shfl\w*|__ballot\w*|__activemask|__syncwarp|#include <|<<<|\bprintf\b|\bextern __shared__`)
)

// twins finds the kernels of all .cu files of the product, and which file each is in.
func twins(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, name := range tracked(t) {
		if !strings.HasSuffix(name, ".cu") || under(path.Dir(name), "cuda/internal") || strings.Contains(name, "/testdata/") {
			continue
		}
		for _, kernel := range kernelsOf(source(t, name)) {
			if before, twice := all[kernel]; twice {
				t.Errorf("%s: kernel %s is in %s, too", name, kernel, before)
			}
			all[kernel] = name
		}
	}
	return all
}

func source(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// kernelsOf lists the kernels that a text defines, by name.
func kernelsOf(text string) (names []string) {
	text = kernelNote.ReplaceAllString(text, "")
	for _, m := range kernelHead.FindAllStringSubmatch(text, -1) {
		names = append(names, m[1])
	}
	for _, m := range kernelPair.FindAllStringSubmatch(text, -1) {
		names = append(names, m[1]+"_f32", m[1]+"_f64")
	}
	return names
}

// families are the packages below cuda/ that make kernels.
func families(t *testing.T) []string {
	t.Helper()
	var dirs []string
	for _, f := range sources(t) {
		if !f.test && under(f.dir, "cuda") && f.dir != "cuda" && !under(f.dir, "cuda/internal") &&
			!slices.Contains(dirs, f.dir) && madeKernel.MatchString(source(t, f.path)) {
			dirs = append(dirs, f.dir)
		}
	}
	return dirs
}

// The rule of cuda/doc.go: a kernel is written once and for both machines. Each has its CUDA twin, a test that compares the
// two, and a row in the roofline table; and no twin is without its kernel. That a .cu takes what Run passes is seen where it
// runs: types when the emulated driver is compiled (cuda/emulated/table.h), their number at each launch (cuda/gpu.go).
func TestKernelsHaveTwins(t *testing.T) {
	linked := map[string]bool{}
	for _, f := range sources(t) {
		if f.dir == "internal/rules" {
			for _, p := range f.imports {
				if dir, ok := own(p); ok {
					linked[dir] = true
				}
			}
		}
	}
	tests := map[string]string{} // the comparison tests of each family
	for _, dir := range families(t) {
		if !linked[dir] {
			t.Errorf("%s makes kernels: import it in internal/rules/families_test.go, so that this test sees them", dir)
		}
		const name = "twins_test.go"
		if _, err := os.Stat(filepath.Join(root, dir, name)); err != nil {
			t.Errorf("%s: no %s: it compares each kernel on the GPU with its CPU twin, in a table that names the kernels", dir, name)
			continue
		}
		tests[dir] = source(t, path.Join(dir, name))
	}
	page, err := os.ReadFile(filepath.Join(root, "cuda/roofline.md"))
	if err != nil {
		t.Errorf("no cuda/roofline.md: %v", err)
	}
	found := twins(t)
	for _, k := range cuda.Kernels() {
		file, ok := found[k.Name]
		if !ok {
			t.Errorf(`kernel %s: no .cu has extern "C" __global__ void %s(, nor WAVEPRIOR_KERNELS(%s,`, k.Name, k.Name, concept(k.Name))
			continue
		}
		delete(found, k.Name)
		if k.CPU == nil {
			t.Errorf("kernel %s: no CPU function", k.Name)
		}
		dir := path.Dir(file)
		if text, ok := tests[dir]; ok && !named(text, k.Name) {
			t.Errorf("kernel %s: %s/twins_test.go does not name it (%q)", k.Name, dir, concept(k.Name))
		}
		if page != nil && !row(string(page), k.Name) {
			t.Errorf("kernel %s: no row in cuda/roofline.md: make cuda-gate WRITE=1 makes it", k.Name)
		}
	}
	for name, file := range found {
		t.Errorf("%s: kernel %s: no Go package makes it (cuda.NewKernel)", file, name)
	}
}

// concept is a kernel's name without its number type.
func concept(kernel string) string { return numberType.ReplaceAllString(kernel, "") }

var numberType = regexp.MustCompile(`_(f32|f64|c64|c128)$`)

// named tells whether a Go text has the kernel's name, or that of its concept, as a string.
func named(text, kernel string) bool {
	return strings.Contains(text, `"`+kernel+`"`) || strings.Contains(text, `"`+concept(kernel)+`"`)
}

// row tells whether a page has a table row for the kernel, or its concept.
func row(page, kernel string) bool {
	return strings.Contains(page, "\n| `"+kernel+"` |") || strings.Contains(page, "\n| `"+concept(kernel)+"` |")
}

// Kernels hold nothing whose result is chance or that one compiler only takes (cuda/kernel.h).
func TestKernelSources(t *testing.T) {
	n := 0
	for _, name := range tracked(t) {
		if !strings.HasSuffix(name, ".cu") || strings.Contains(name, "/testdata/") {
			continue
		}
		n++
		text := kernelNote.ReplaceAllStringFunc(source(t, name), func(c string) string { return strings.Repeat(" ", len(c)) })
		if m := notInKernels.FindString(text); m != "" {
			line := 1 + strings.Count(text[:strings.Index(text, m)], "\n")
			t.Errorf("%s:%d: %s: not in a .cu; cuda/kernel.h has what warps and blocks do together", name, line, m)
		}
		if heads, marks := len(kernelHead.FindAllString(text, -1)), strings.Count(text, "__global__"); heads != marks {
			t.Errorf("%s: %d times __global__, %d kernels begin with extern \"C\" __global__ void NAME(", name, marks, heads)
		}
	}
	if n < 2 {
		t.Errorf("found %d .cu files: the test does not see them", n)
	}
}

// What the tests above look for, each seen and each missed once.
func TestKernelsAreSeen(t *testing.T) {
	text := "// extern \"C\" __global__ void no(int64_t n) {\n" +
		"extern \"C\" __global__ void a_f32(float* y, const float* x, // the input\n    int64_t /*n*/, float a) {\n}\n" +
		"extern \"C\" __global__ void __launch_bounds__(256)\nb(double x) {}\n" +
		"// WAVEPRIOR_KERNELS(no,\nWAVEPRIOR_KERNELS(c,\n  (T* y, int64_t n), { C(y, n); })\n#define NOT_WAVEPRIOR_KERNELS(d, x)\n"
	if got := kernelsOf(text); !slices.Equal(got, []string{"a_f32", "b", "c_f32", "c_f64"}) {
		t.Errorf("%v", got)
	}
	if !named(`{"nn_gelu", x}`, "nn_gelu_f32") || named(`{"nn_gelu_backward"}`, "nn_gelu_f32") || named("nn_gelu", "nn_gelu_f32") {
		t.Error("names in a table of kernels are not told apart")
	}
	if !row("\n| `nn_gelu_f32` | 3 |", "nn_gelu_f32") || row("\n| `nn_gelu_backward` |", "nn_gelu_f32") || row("`nn_gelu_f32`", "nn_gelu_f32") {
		t.Error("rows of the roofline table are not told apart")
	}
	for _, bad := range []string{"atomicAdd(p, x)", "__shfl_xor_sync(m, x, 1)", "k<<<1, 1>>>()", "#include <math.h>", "extern __shared__ float x[]"} {
		if !notInKernels.MatchString(bad) {
			t.Errorf("%s is not seen", bad)
		}
	}
}
