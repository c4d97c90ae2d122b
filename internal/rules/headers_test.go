package rules

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	quoted = regexp.MustCompile(`(?m)^\s*#\s*include\s+"([^"]+)"`)
	loops  = regexp.MustCompile(`(?m)^#define WAVEPRIOR_LOOPS "([^"]+)"`)
)

// The go command sees a changed header only in the folder of the package that it builds. So C++ includes headers of its own
// folder, or those of cuda/ and cuda/march where its package imports that package, which embeds them: then they are part of what
// the importer's build depends on (docs/adr/0010-cuda-families.md). cuda/emulated is built by CMake, which sees all headers; what
// lies in cuda/ includes it for that build only (WAVEPRIOR_EMULATED).
func TestHeadersAreSeen(t *testing.T) {
	texts := map[string]string{}
	for _, name := range tracked(t) {
		if !under(path.Dir(name), "cuda") || strings.Contains(name, "/testdata/") {
			continue
		}
		if slices.Contains([]string{".h", ".cc", ".cu"}, path.Ext(name)) {
			text, err := os.ReadFile(filepath.Join(root, name))
			if err != nil {
				t.Fatal(err)
			}
			texts[name] = string(text)
		}
	}
	g := graph(sources(t))
	if n := checkHeaders(texts, g, t.Errorf); n < 10 {
		t.Errorf("saw %d includes: the test does not see the sources", n)
	}
}

// embedding are the packages that embed their headers, each with a test that it does (TestHeadersAreEmbedded).
var embedding = []string{"cuda", "cuda/march"}

func checkHeaders(texts map[string]string, imports map[string][]string, fail func(format string, args ...any)) (seen int) {
	for name, text := range texts {
		dir := path.Dir(name)
		if under(dir, "cuda/emulated") {
			continue
		}
		for _, m := range append(quoted.FindAllStringSubmatch(text, -1), loops.FindAllStringSubmatch(text, -1)...) {
			seen++
			header := path.Join(dir, m[1])
			switch _, there := texts[header]; {
			case !there:
				fail("%s includes %s: no such file, or one that the go command does not watch (.h is)", name, m[1])
			case path.Dir(header) == dir:
			case dir == "cuda" && path.Dir(header) == "cuda/emulated":
			case !slices.Contains(embedding, path.Dir(header)):
				fail("%s includes %s: headers that families share lie in one of %v, where the go command sees them change", name, m[1], embedding)
			case !slices.Contains(imports[dir], path.Dir(header)):
				fail("%s includes %s, and package %s does not import package %s: a change would not be seen", name, m[1], dir, path.Dir(header))
			}
		}
	}
	return seen
}

func TestHeadersRuleSees(t *testing.T) {
	imports := map[string][]string{"cuda/a": {"cuda", "cuda/march"}, "cuda/c": {"cuda"}}
	for name, c := range map[string]struct {
		file, text string
		bad        bool
	}{
		"own folder":    {"cuda/a/x.cc", `#include "x.h"`, false},
		"shim, shared":  {"cuda/kernel.h", `#include "emulated/shim.h"`, false},
		"shim, family":  {"cuda/a/x.cc", `#include "../emulated/shim.h"`, true},
		"by CMake":      {"cuda/emulated/x/y.cc", `#include "../shim.h"`, false},
		"shared":        {"cuda/a/x.cc", `#include "../args.h"`, false},
		"loops":         {"cuda/a/x.cc", `#define WAVEPRIOR_LOOPS "x.h"`, false},
		"no import":     {"cuda/b/x.cc", `#include "../args.h"`, true},
		"other family":  {"cuda/a/x.cc", `#include "../b/y.h"`, true},
		"of march":      {"cuda/a/x.cc", `#include "../march/z.h"`, false},
		"march unseen":  {"cuda/c/x.cc", `#include "../march/z.h"`, true},
		"not watched":   {"cuda/a/x.cc", `#include "x.inc"`, true},
		"missing loops": {"cuda/a/x.cc", `#define WAVEPRIOR_LOOPS "y.h"`, true},
	} {
		failed := false
		texts := map[string]string{"cuda/args.h": "", "cuda/emulated/shim.h": "", "cuda/a/x.h": "", "cuda/b/y.h": "", "cuda/march/z.h": "", c.file: c.text}
		checkHeaders(texts, imports, func(string, ...any) { failed = true })
		if failed != c.bad {
			t.Errorf("%s: refused %v, want %v", name, failed, c.bad)
		}
	}
}
