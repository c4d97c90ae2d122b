package rules

import (
	"bytes"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// layer is who must not reach whom, directly or through others.
type layer struct {
	from, to []string
	tests    bool // holds for what tests import, too
	// through is what a test may reach them through: it runs a plugin in its own process, and what the plugin needs is the
	// plugin's affair.
	through []string
	why     string
}

var layers = []layer{
	{
		from: []string{"core"}, to: []string{"host", "plugins"}, tests: true,
		why: "core is what host and plugins stand on",
	},
	{
		from: []string{"plugins"}, to: []string{"host"}, tests: true,
		why: "a plugin works under any host that speaks the contract",
	},
	{
		from: []string{"host"}, to: []string{"plugins"},
		why: "the host knows plugins by name only (its tests may run them in-process)",
	},
	{
		from: []string{"host", "core/plugin", "core/space", "core/metric", "plugins/samplers"}, to: []string{"cuda", "core/nn"}, tests: true, through: []string{"plugins/priors", "plugins/solvers"},
		why: "these build and run where there is no GPU and no C++ compiler",
	},
	{
		from: []string{"core", "cuda", "host", "plugins"}, to: []string{"internal"}, tests: true,
		why: "internal holds the tools of the repository",
	},
}

func TestLayers(t *testing.T) {
	checkLayers(t, sources(t), t.Errorf)
}

func checkLayers(t *testing.T, files []goFile, fail func(format string, args ...any)) {
	t.Helper()
	g := graph(files)
	for _, l := range layers {
		forbidden := func(dir string) bool { return under(dir, l.to...) }
		seen := map[string]bool{}
		for _, f := range files {
			if !under(f.dir, l.from...) {
				continue
			}
			if !seen[f.dir] {
				seen[f.dir] = true
				if way := chain(g, f.dir, forbidden); way != nil {
					fail("%s: %s", strings.Join(way, " imports "), l.why)
				}
			}
			if !f.test || !l.tests {
				continue
			}
			for _, p := range f.imports {
				if dir, ok := own(p); ok && (forbidden(dir) || !under(dir, l.through...) && chain(g, dir, forbidden) != nil) {
					fail("%s imports %s: %s", f.path, dir, l.why)
				}
			}
		}
	}
	// A plugin and its parts: no plugin is built on another one.
	plugin := func(dir string) string {
		if parts := strings.Split(dir, "/"); len(parts) >= 3 && parts[0] == "plugins" && parts[2] != "internal" {
			return strings.Join(parts[:3], "/")
		}
		return ""
	}
	for from, imports := range g {
		for _, to := range imports {
			if plugin(from) != "" && plugin(to) != "" && plugin(from) != plugin(to) {
				fail("%s imports %s: plugins meet over the contract only; what two share belongs to core", from, to)
			}
		}
	}
}

// The rules above see what they should: each broken once, in a made-up graph.
func TestLayersAreSeen(t *testing.T) {
	imports := func(file string, dirs ...string) goFile {
		f := goFile{path: file, dir: path.Dir(file), test: strings.HasSuffix(file, "_test.go")}
		for _, d := range dirs {
			f.imports = append(f.imports, module+"/"+d)
		}
		return f
	}
	clean := []goFile{
		imports("host/run/run.go", "core/plugin"), imports("core/plugin/serve.go", "core/rng"),
		imports("plugins/priors/x/x.go", "core/nn", "cuda"), imports("core/nn/n.go", "cuda"),
		imports("host/run/run_test.go", "plugins/priors/x", "plugins/priors/y"), imports("plugins/priors/y/y.go", "core/rng"),
		imports("plugins/priors/x/cmd/waveprior-prior-x/main.go", "plugins/priors/x"),
		imports("plugins/samplers/z/z.go", "plugins/samplers/internal/steps"),
	}
	checkLayers(t, clean, t.Errorf)
	for _, broken := range []goFile{
		imports("core/rng/rng.go", "host/run"),
		imports("core/rng/rng_test.go", "plugins/x/y"),
		imports("core/space/space.go", "core/nn"),
		imports("core/metric/m.go", "core/space", "cuda"),
		imports("core/metric/m_test.go", "core/nn"),
		imports("host/run/run_test.go", "cuda"),
		imports("plugins/priors/y/z.go", "host/run"),
		imports("plugins/samplers/z/y.go", "core/nn"),
		imports("host/run/more.go", "plugins/priors/y"),
		imports("plugins/priors/y/z.go", "plugins/priors/x"),
		imports("cuda/a.go", "internal/rules"),
	} {
		n := 0
		checkLayers(t, append(slices.Clone(clean), broken), func(format string, args ...any) {
			n++
			t.Logf(format, args...)
		})
		if n == 0 {
			t.Errorf("%s imports %v, and no rule says a word", broken.path, broken.imports)
		}
	}
}

// A package that itself imports testing is for tests: nothing else imports it, or a plugin would carry it.
func TestKitsAreForTests(t *testing.T) {
	if n := checkKits(sources(t), t.Errorf); n < 3 {
		t.Errorf("saw %d packages that import testing: the test does not see them", n)
	}
}

func checkKits(files []goFile, fail func(format string, args ...any)) int {
	kits := map[string]bool{}
	for _, f := range files {
		if !f.test && slices.Contains(f.imports, "testing") {
			kits[f.dir] = true
		}
	}
	for _, f := range files {
		for _, p := range f.imports {
			if dir, ok := own(p); ok && kits[dir] && !f.test && !kits[f.dir] {
				fail("%s imports %s: that is for tests, and imports testing", f.path, dir)
			}
		}
	}
	return len(kits)
}

func TestKitsAreSeen(t *testing.T) {
	kit := goFile{path: "cuda/a/kit/k.go", dir: "cuda/a/kit", imports: []string{"testing"}}
	of := func(file, dir string) goFile {
		return goFile{path: file, dir: path.Dir(file), test: strings.HasSuffix(file, "_test.go"), imports: []string{module + "/" + dir}}
	}
	for _, c := range []struct {
		file goFile
		bad  int
	}{{of("cuda/a/a_test.go", "cuda/a/kit"), 0}, {of("cuda/a/kit/l.go", "cuda/a/kit"), 0}, {of("cuda/a/a.go", "cuda/a/kit"), 1}, {of("cuda/a/a.go", "cuda/b"), 0}} {
		n := 0
		checkKits([]goFile{kit, c.file}, func(string, ...any) { n++ })
		if n != c.bad {
			t.Errorf("%s imports %v: refused %d times, want %d", c.file.path, c.file.imports, n, c.bad)
		}
	}
}

// The emulated driver and the real one are told apart in one place.
func TestOneFileImportsTheDriver(t *testing.T) {
	var users []string
	for _, f := range sources(t) {
		for _, p := range f.imports {
			if p == "gorgonia.org/cu" || strings.HasPrefix(p, "gorgonia.org/cu/") {
				users = append(users, f.path)
			}
		}
	}
	if len(users) > 1 {
		t.Errorf("gorgonia.org/cu is imported by %v, one file may", users)
	}
}

// A name says what is in a package.
func TestPackageNames(t *testing.T) {
	empty := []string{"util", "utils", "common", "helper", "helpers", "misc", "shared", "base", "lib"}
	for _, f := range sources(t) {
		if slices.Contains(empty, strings.TrimSuffix(f.name, "_test")) || slices.Contains(empty, path.Base(f.dir)) {
			t.Errorf("%s: package %s: such a name says nothing of what is in it", f.path, f.name)
		}
	}
}

func TestPackageComments(t *testing.T) {
	commented, all := map[string]bool{}, map[string]bool{}
	for _, f := range sources(t) {
		if f.test || f.generated() {
			continue
		}
		all[f.dir] = true
		switch {
		case f.doc == "":
		case f.name == "main", strings.HasPrefix(f.doc, "Package "+f.name+" "):
			commented[f.dir] = true
		default:
			t.Errorf("%s: the package comment begins with %.40q, want %q", f.path, f.doc, "Package "+f.name+" ...")
		}
	}
	for dir := range all {
		if !commented[dir] {
			t.Errorf("%s: no package comment: what it is, its main types, an example, what it is not", dir)
		}
	}
}

// maxLines is the length past which a file has more than one duty, unless long says why it has not.
const maxLines = 500

var long = map[string]string{}

func TestFileLength(t *testing.T) {
	lengths := map[string]int{}
	for _, f := range sources(t) {
		lengths[f.path] = f.lines
		if _, listed := long[f.path]; !listed && !f.generated() && f.lines > maxLines {
			t.Errorf("%s: %d lines, more than %d: split it by its duties, or list it here with a reason", f.path, f.lines, maxLines)
		}
	}
	for name, why := range long {
		if lengths[name] <= maxLines || why == "" {
			t.Errorf("%s: listed as long (%q), has %d lines: take it off the list", name, why, lengths[name])
		}
	}
}

// What is committed works on any machine: it names no folder of one, and no host that packages come from.
var foreign = []struct {
	what string
	re   *regexp.Regexp
}{
	{"a path of one machine", regexp.MustCompile(`(^|[^A-Za-z0-9_.\-})])/(work|farm|root|home|Users)/[A-Za-z0-9_.]`)},
	{"a registry's host", regexp.MustCompile(`(?i)\b((proxy|sum|deb|security|ftp|registry|files|archive|index|goproxy|repo\d*)\.[a-z0-9-]+\.(org|com|io|net|cn)|pypi\.[a-z.]+|(docker|ghcr|quay|crates)\.io)\b`)},
}

func TestNoForeignNames(t *testing.T) {
	for _, name := range tracked(t) {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.IndexByte(text, 0) >= 0 {
			continue
		}
		for i, line := range bytes.Split(text, []byte("\n")) {
			for _, f := range foreign {
				if m := f.re.Find(line); m != nil {
					t.Errorf("%s:%d: %s: %q", name, i+1, f.what, bytes.TrimSpace(m))
				}
			}
		}
	}
	for _, line := range []string{"cd /" + "work/main", `"/` + `root/x"`, "GOPROXY=https://proxy." + "example.org", "(/" + "home/a)"} {
		if !foreign[0].re.MatchString(line) && !foreign[1].re.MatchString(line) {
			t.Errorf("%q is not seen", line)
		}
	}
	for _, line := range []string{"host/work/x", "$HOME/root", "./work/x", "a /worker/ b", "golang.org/x/sys"} {
		if foreign[0].re.MatchString(line) || foreign[1].re.MatchString(line) {
			t.Errorf("%q is taken for a foreign name", line)
		}
	}
}
