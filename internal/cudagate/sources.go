package main

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/waveprior/waveprior/internal/roofline"
)

// sources lists the product's CUDA files below a folder: every .cu but those of tests, which lie in testdata, internal, or
// the emulated device's folder.
func sources(root string) ([]string, error) {
	var files []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || d.Name() == "internal" || d.Name() == "emulated") {
			return fs.SkipDir
		}
		if !d.IsDir() && strings.HasSuffix(path, ".cu") {
			files = append(files, path)
		}
		return nil
	})
	slices.Sort(files)
	return files, err
}

// options are how every kernel is compiled: no contraction (Fma is written where it is meant), denormals flushed as on
// the CPU, headers of its own folder and of the folder above it. nvcc gets the same (CMakeLists.txt).
func options(arch, file string) []string {
	folder := filepath.Dir(file)
	return []string{
		"--gpu-architecture=" + arch, "--std=c++17", "--fmad=false", "--ftz=true", "--prec-div=true", "--prec-sqrt=true",
		"--ptxas-options=-v", "-I" + folder, "-I" + filepath.Dir(folder),
	}
}

// architectures that every kernel must compile for: A100 and H100.
var architectures = []string{"sm_80", "sm_90"}

// compile compiles one file for both architectures. Warnings are errors: what the compiler's log holds beside the figures
// that were asked for.
func compile(c *compiler, file string, source []byte) ([]roofline.Compiled, error) {
	var all []roofline.Compiled
	for _, arch := range architectures {
		log, err := c.run(file, source, options(arch, file)...)
		if err != nil {
			return nil, err
		}
		if at := warning.FindStringIndex(log); at != nil {
			return nil, fmt.Errorf("cudagate: %s, %s: a warning:\n%s", file, arch, log[at[0]:])
		}
		rows, err := parseLog(log)
		if err != nil {
			return nil, err
		}
		all = append(all, rows...)
	}
	return all, nil
}

var warning = regexp.MustCompile(`(?m)^.*\bwarning\b`)
