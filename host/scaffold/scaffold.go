// Package scaffold writes the beginning of a new plugin: a small, working, commented project that passes the conformance
// suite as it is (waveprior plugin new).
//
//	err := scaffold.New(contract.KindSolver, scaffold.Go, "my-physics", "my-physics")
//
// In Go a project is a package with the options, the plugin and its conformance test, a main under cmd/, and a go.mod
// unless the folder lies in waveprior's own module. In Python it is one script, a module with all but its numbers, and the message classes; only solvers.
//
// It is not a build tool: what it wrote is the author's.
package scaffold

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"go/format"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strings"
	"text/template"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/examples"
)

// The languages.
const (
	Go     = "go"
	Python = "python"
)

// module is waveprior's own.
const module = "github.com/waveprior/waveprior"

// ErrRefused is wrapped by every error about what was asked for; others are the file system's.
var ErrRefused = errors.New("cannot make the plugin")

//go:embed templates/*
var templates embed.FS

var goodName = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

// project is what templates see.
type project struct {
	Kind    string // solver
	Name    string // my-physics: TOML key, folder, binary suffix
	Binary  string // waveprior-solver-my-physics
	Package string // myphysics
	Import  string // import path of the package
	Type    string // Solver
	Version string // of waveprior, for go.mod
}

// New writes a plugin project into dir, which must be empty or not be there yet ("": the plugin's name). name is
// lower-case words with hyphens. Errors: ErrRefused (kind, language, name, a folder that is not empty) or the file
// system's.
func New(kind contract.Kind, lang, name, dir string) error {
	switch kind {
	case contract.KindSolver, contract.KindPrior, contract.KindSampler:
	default:
		return fmt.Errorf("%w: kind %q (allowed: solver, prior, sampler)", ErrRefused, kind)
	}
	if !goodName.MatchString(name) || token.IsKeyword(name) {
		return fmt.Errorf("%w: name %q (allowed: lower-case words of letters and digits joined by hyphens, such as my-physics)", ErrRefused, name)
	}
	if dir == "" {
		dir = name
	}
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return fmt.Errorf("%w: the folder %s is not empty", ErrRefused, dir)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var files map[string][]byte
	var err error
	switch lang {
	case Go:
		files, err = goFiles(kind, name, dir)
	case Python:
		files, err = pythonFiles(kind, name)
	default:
		err = fmt.Errorf("%w: language %q (allowed: go, python)", ErrRefused, lang)
	}
	if err != nil {
		return err
	}
	for rel, text := range files {
		file := filepath.Join(dir, rel)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		mode := fs.FileMode(0o644)
		if bytes.HasPrefix(text, []byte("#!")) {
			mode = 0o755
		}
		if err := os.WriteFile(file, text, mode); err != nil {
			return err
		}
	}
	return nil
}

// goFiles makes a Go project.
func goFiles(kind contract.Kind, name, dir string) (map[string][]byte, error) {
	p := project{Kind: string(kind), Name: name, Binary: fmt.Sprintf("waveprior-%s-%s", kind, name),
		Package: strings.ReplaceAll(name, "-", ""), Type: strings.ToUpper(string(kind[:1])) + string(kind[1:]), Version: version()}
	inside, err := importPath(dir)
	if err != nil {
		return nil, err
	}
	p.Import = inside
	names := map[string]string{
		string(kind) + ".go.tmpl": p.Package + ".go",
		"test.go.tmpl":            p.Package + "_test.go",
		"main.go.tmpl":            path.Join("cmd", p.Binary, "main.go"),
		"README.md.tmpl":          "README.md",
	}
	if inside == "" {
		p.Import = "example.org/" + p.Binary
		names["go.mod.tmpl"] = "go.mod"
	}
	files := map[string][]byte{}
	for from, to := range names {
		t, err := template.ParseFS(templates, "templates/"+from)
		if err != nil {
			return nil, err
		}
		var b bytes.Buffer
		if err := t.Execute(&b, p); err != nil {
			return nil, err
		}
		text := b.Bytes()
		if strings.HasSuffix(to, ".go") {
			if text, err = format.Source(text); err != nil {
				return nil, fmt.Errorf("template %s: %w", from, err)
			}
		}
		files[to] = text
	}
	return files, nil
}

// importPath returns the import path of a folder in waveprior's own module, "" elsewhere.
func importPath(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	for up := abs; ; up = filepath.Dir(up) {
		text, err := os.ReadFile(filepath.Join(up, "go.mod"))
		if err == nil {
			line, _, _ := strings.Cut(string(text), "\n")
			if strings.TrimSpace(line) != "module "+module {
				return "", nil
			}
			rel, err := filepath.Rel(up, abs)
			return path.Join(module, filepath.ToSlash(rel)), err
		}
		if up == filepath.Dir(up) {
			return "", nil
		}
	}
}

// version is that of the waveprior in this program, for go.mod; one that was built from a checkout has none.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range append(info.Deps, &info.Main) {
			if m.Path == module && strings.HasPrefix(m.Version, "v") {
				return m.Version
			}
		}
	}
	return "v0.0.0"
}

// pythonFiles makes a Python project out of the example.
func pythonFiles(kind contract.Kind, name string) (map[string][]byte, error) {
	if kind != contract.KindSolver {
		return nil, fmt.Errorf("%w: there is no Python template of a %s, only of a solver; use --lang go, or begin with the messages in core/proto and examples/python-solver",
			ErrRefused, kind)
	}
	const there, here = `os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "python")`, `os.path.dirname(os.path.realpath(__file__))`
	files := map[string][]byte{}
	script, err := examples.Python.ReadFile("python-solver/waveprior-solver-pyanalytic")
	if err != nil {
		return nil, err
	}
	if !bytes.Contains(script, []byte(there)) {
		return nil, fmt.Errorf("scaffold: the example in Python does not find its messages at %s", there)
	}
	text := strings.ReplaceAll(strings.Replace(string(script), there, here, 1), "pyanalytic", name)
	files["waveprior-solver-"+name] = []byte(text)
	readme, err := examples.Python.ReadFile("python-solver/README.md")
	if err != nil {
		return nil, err
	}
	text = strings.ReplaceAll(string(readme), "examples/python-solver/", "./")
	text = strings.ReplaceAll(strings.ReplaceAll(text, "`../python/waveprior/", "`waveprior/"), "--python_out=examples/python", "--python_out=.")
	files["README.md"] = []byte(strings.ReplaceAll(text, "pyanalytic", name))
	if files["waveprior/plugin.py"], err = examples.Python.ReadFile("python/waveprior/plugin.py"); err != nil {
		return nil, err
	}
	const messages = "python/waveprior/v1"
	entries, err := examples.Python.ReadDir(messages)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if files["waveprior/v1/"+e.Name()], err = examples.Python.ReadFile(messages + "/" + e.Name()); err != nil {
			return nil, err
		}
	}
	return files, nil
}
