package rules

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	module = "github.com/waveprior/waveprior"
	root   = "../.."
)

// goFile is a Go source file, whatever its build constraints: a rule that held for one platform only would be no rule.
type goFile struct {
	path    string // slash separated, from the root
	dir     string // "." is the root
	name    string // of its package
	doc     string // package comment
	test    bool
	imports []string
	lines   int
}

// generated files are written by protoc.
func (f *goFile) generated() bool { return strings.HasSuffix(f.path, ".pb.go") }

// sources parses every Go file of the repository.
func sources(t *testing.T) []goFile {
	t.Helper()
	var out []goFile
	for _, name := range tracked(t) {
		if !strings.HasSuffix(name, ".go") || slices.Contains(strings.Split(name, "/"), "testdata") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ImportsOnly|parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		f := goFile{
			path: name, dir: path.Dir(name), name: parsed.Name.Name, doc: docOf(parsed),
			test: strings.HasSuffix(name, "_test.go"), lines: strings.Count(string(text), "\n"),
		}
		for _, spec := range parsed.Imports {
			p, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			f.imports = append(f.imports, p)
		}
		out = append(out, f)
	}
	if len(out) < 50 {
		t.Fatalf("found %d Go files: the test does not see the repository", len(out))
	}
	return out
}

func docOf(f *ast.File) string {
	if f.Doc == nil {
		return ""
	}
	return f.Doc.Text()
}

// tracked lists the files of the repository, from its root: what git tracks or would track, and in a copy without git
// all files outside of the folders that builds and runs fill.
func tracked(t *testing.T) []string {
	t.Helper()
	if out, err := exec.Command("git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard").Output(); err == nil {
		var names []string
		for name := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
			if st, err := os.Lstat(filepath.Join(root, name)); err == nil && st.Mode().IsRegular() {
				names = append(names, name)
			}
		}
		slices.Sort(names)
		return slices.Compact(names)
	}
	var names []string
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, p)
		switch {
		case err != nil:
			return err
		case d.IsDir() && slices.Contains([]string{".git", ".cache", "bin", "runs"}, rel):
			return filepath.SkipDir
		case d.Type().IsRegular():
			names = append(names, filepath.ToSlash(rel))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// own returns the folder of a package of this module: "core/rng" for its import path.
func own(importPath string) (dir string, ok bool) {
	return strings.CutPrefix(importPath, module+"/")
}

// under tells whether a folder is one of these or lies below one.
func under(dir string, parents ...string) bool {
	for _, p := range parents {
		if dir == p || strings.HasPrefix(dir, p+"/") {
			return true
		}
	}
	return false
}

// graph is which package of this module imports which: folder to folders, without tests.
func graph(files []goFile) map[string][]string {
	g := map[string][]string{}
	for _, f := range files {
		for _, p := range f.imports {
			if dir, ok := own(p); ok && !f.test && !slices.Contains(g[f.dir], dir) {
				g[f.dir] = append(g[f.dir], dir)
			}
		}
	}
	return g
}

// chain returns the shortest way from a package to one that want accepts, or nil.
func chain(g map[string][]string, from string, want func(dir string) bool) []string {
	before := map[string]string{from: ""}
	for queue := []string{from}; len(queue) > 0; queue = queue[1:] {
		for _, next := range g[queue[0]] {
			if _, seen := before[next]; seen {
				continue
			}
			before[next] = queue[0]
			if want(next) {
				var way []string
				for at := next; at != ""; at = before[at] {
					way = append([]string{at}, way...)
				}
				return way
			}
			queue = append(queue, next)
		}
	}
	return nil
}
