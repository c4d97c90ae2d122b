package judge_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/waveprior/waveprior/host/judge"
)

// keys returns every string literal of the package that is a metric's key or begins one, formats as *.
func keys(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	key := regexp.MustCompile(`^(samples|data|fidelity|calibration|memorisation|denoiser|exact|components)\.[a-z0-9_%.*]+$`)
	verb := regexp.MustCompile(`%[0-9.]*[a-z]`)
	var out []string
	for _, name := range files {
		if name == "docs.go" || strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
				if s, err := strconv.Unquote(l.Value); err == nil && key.MatchString(s) && !strings.HasSuffix(s, ".npy") {
					out = append(out, verb.ReplaceAllString(s, "x"))
				}
			}
			return true
		})
	}
	if len(out) < 40 {
		t.Fatalf("only %d keys found: the test does not see the package", len(out))
	}
	return out
}

func documented(key string, doc judge.Doc) bool {
	re := regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(doc.Key), `\*`, ".*") + "$")
	return re.MatchString(key) || strings.HasSuffix(key, "_") && re.MatchString(key+"x")
}

// TestEveryMetricIsDocumented: each key that the package writes is in Docs, and each of Docs (but for the cost block, which
// host/run writes) is written by the package.
func TestEveryMetricIsDocumented(t *testing.T) {
	all := keys(t)
	for _, k := range all {
		found := false
		for _, d := range judge.Docs {
			found = found || documented(k, d)
		}
		if !found {
			t.Errorf("metric %s is not in judge.Docs", k)
		}
	}
	for _, d := range judge.Docs {
		written := strings.HasPrefix(d.Key, "cost.") || strings.HasSuffix(d.Key, "_nominal")
		for _, k := range all {
			written = written || documented(k, d)
		}
		if !written {
			t.Errorf("judge.Docs has %s, which nothing writes", d.Key)
		}
	}
}
