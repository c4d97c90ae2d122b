// Command cudagate compiles every CUDA kernel of the product to machine code, for A100 and H100, without a GPU and without
// CUDA's toolkit: by NVIDIA's run-time compiler, one library of which tools/cuda-nvrtc prints the path. It prints for every
// kernel what the compiler says: registers, stack, spills, static shared memory, and the occupancy that they allow. It fails
//
//   - where a file does not compile or is warned about,
//   - where a kernel spills registers to memory, or keeps arrays on a stack,
//   - where a kernel of the product (cuda.Kernels) has no CUDA twin, or a twin no kernel,
//   - where the figures differ from the committed ones (internal/roofline/compiled.tsv), or the page cuda/roofline.md that is
//     made of them is not what is committed. -write brings both up to date.
//
// `make cuda-gate` runs it. With -counts it holds what the emulated device counted to the formulas of the page instead
// (make cuda-sanitize).
//
//	go run ./internal/cudagate -nvrtc "$(tools/cuda-nvrtc)"
//	go run ./internal/cudagate -counts .cache/cuda/launches/counts.tsv
//	go run ./internal/cudagate -page                                      # formulas changed, kernels did not
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/waveprior/waveprior/cuda"
	"github.com/waveprior/waveprior/internal/roofline"
)

func main() {
	nvrtc := flag.String("nvrtc", "", "path of libnvrtc.so.11.2 (tools/cuda-nvrtc prints it)")
	root := flag.String("root", ".", "folder of the repository")
	counts := flag.String("counts", "", "what the sanitizer harness counted: held to the formulas, and nothing is compiled")
	page := flag.Bool("page", false, "write roofline.md from the committed figures, and compile nothing")
	write := flag.Bool("write", false, "write compiled.tsv and roofline.md instead of comparing")
	flag.Parse()
	var err error
	switch {
	case *counts != "":
		err = checkCounts(*counts)
	case *page:
		err = writePage(*root)
	default:
		err = run(*nvrtc, *root, *write)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// checkCounts holds the counts in a file to the formulas.
func checkCounts(path string) error {
	tsv, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	counted, err := roofline.ParseCounted(tsv)
	if err != nil {
		return err
	}
	fmt.Printf("%d launches held to their formulas\n", len(counted))
	return roofline.CheckCounted(counted, cuda.Kernels())
}

// writePage makes the page anew where launches or formulas changed and the kernels did not.
func writePage(root string) error {
	rows, err := roofline.Committed()
	if err != nil {
		return err
	}
	page, err := roofline.Page(rows)
	if err != nil {
		return err
	}
	return generated(filepath.Join(root, "cuda/roofline.md"), page, true)
}

func run(nvrtc, root string, write bool) error {
	c, err := openCompiler(nvrtc)
	if err != nil {
		return err
	}
	rows, err := compileAll(c, filepath.Join(root, "cuda"))
	if err != nil {
		return err
	}
	page, err := roofline.Page(rows)
	return errors.Join(spills(rows), err, twins(rows),
		generated(filepath.Join(root, "internal/roofline/compiled.tsv"), roofline.FormatCompiled(rows), write),
		generated(filepath.Join(root, "cuda/roofline.md"), page, write && err == nil))
}

// compileAll compiles all files below a folder, and prints how long each took.
func compileAll(c *compiler, folder string) ([]roofline.Compiled, error) {
	files, err := sources(folder)
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("cudagate: %s holds no .cu file", folder)
	}
	fmt.Printf("NVRTC %s, %s\n", c.version, strings.Join(architectures, " and "))
	type result struct {
		rows []roofline.Compiled
		err  error
	}
	results := make([]result, len(files))
	var next atomic.Int64
	var wait sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wait.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(files) {
					return
				}
				start := time.Now()
				source, err := os.ReadFile(files[i])
				if err == nil {
					results[i].rows, err = compile(c, files[i], source)
				}
				results[i].err = err
				fmt.Printf("%-40s %3d kernels  %.1f s\n", files[i], len(results[i].rows)/len(architectures), time.Since(start).Seconds())
			}
		})
	}
	wait.Wait()
	var rows []roofline.Compiled
	var wrong []error
	for _, r := range results {
		rows, wrong = append(rows, r.rows...), append(wrong, r.err)
	}
	_, err = os.Stdout.Write(roofline.FormatCompiled(rows))
	return rows, errors.Join(append(wrong, err)...)
}

// generated compares a committed file with what it should be, or writes it.
func generated(path string, want []byte, write bool) error {
	if write {
		return os.WriteFile(path, want, 0o644)
	}
	got, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if !bytes.Equal(got, want) {
		return fmt.Errorf("cudagate: %s is not what the kernels give: make cuda-gate WRITE=1, and look at the difference", path)
	}
	return nil
}

// tolerated are the kernels that may spill, and up to how many bytes a thread writes or reads: why.
var tolerated = map[string]struct {
	bytes int
	why   string
}{
	"nn_outer_adam_f32":             {56, "128 registers keep two blocks on a multiprocessor; a thread's 64 weights move 2048 bytes anyway"},
	"nn_layernorm_backward_f64":     {68, "float64 serves proofs of gradients, not training"},
	"nn_linear_backward_weight_f64": {20, "float64 serves proofs of gradients, not training"},
}

// spills lists the kernels that use local memory.
func spills(rows []roofline.Compiled) error {
	var wrong []error
	for _, r := range rows {
		if most := max(r.SpillStores, r.SpillLoads); r.Stack > 0 && most == 0 || most > tolerated[r.Kernel].bytes {
			wrong = append(wrong, fmt.Errorf("cudagate: kernel %s on %s: %d bytes of stack, %d spilled and %d read back a thread, %d allowed: smaller tiles, or fewer",
				r.Kernel, r.Arch, r.Stack, r.SpillStores, r.SpillLoads, tolerated[r.Kernel].bytes))
		}
	}
	return errors.Join(wrong...)
}
