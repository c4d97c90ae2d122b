package rules

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	link     = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	fenced   = regexp.MustCompile("(?ms)^ *```.*?^ *```")
	makeCall = regexp.MustCompile("`make ([a-z-]+)`")
	goTest   = regexp.MustCompile("`?go (?:test|doc|run) (?:-[a-z]+ )*\\./([a-z/-]+)")
)

// Links between pages lead to files that are there, and the targets and folders that they tell people to type exist.
func TestDocsLeadSomewhere(t *testing.T) {
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	pages, links := 0, 0
	for _, name := range tracked(t) {
		if !strings.HasSuffix(name, ".md") {
			continue
		}
		pages++
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(fenced.ReplaceAllString(string(text), ""), -1) {
			target, _, _ := strings.Cut(m[1], "#")
			if target == "" || strings.Contains(target, "://") {
				continue
			}
			links++
			if _, err := os.Stat(filepath.Join(root, path.Join(path.Dir(name), target))); err != nil {
				t.Errorf("%s: a link to %s, which is not there", name, target)
			}
		}
		for _, m := range makeCall.FindAllStringSubmatch(string(text), -1) {
			if !strings.Contains(string(makefile), "\n"+m[1]+":") {
				t.Errorf("%s: make %s: the Makefile has no such target", name, m[1])
			}
		}
		for _, m := range goTest.FindAllStringSubmatch(string(text), -1) {
			if _, err := os.Stat(filepath.Join(root, m[1])); err != nil {
				t.Errorf("%s: tells to type %s: no such folder", name, m[0])
			}
		}
	}
	if pages < 10 || links < 20 {
		t.Errorf("saw %d pages with %d links: the test does not see the docs", pages, links)
	}
}

// The tree that docs/reading-the-tree.md draws has every folder of core and of host, and no others.
func TestTreeIsDrawn(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "docs/reading-the-tree.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, tree, _ := strings.Cut(string(text), "```\n")
	tree, _, ok := strings.Cut(tree, "```")
	if !ok {
		t.Fatal("docs/reading-the-tree.md has no tree")
	}
	drawn, parent := map[string]bool{}, ""
	for line := range strings.SplitSeq(strings.TrimSpace(tree), "\n") {
		names, _, _ := strings.Cut(strings.TrimSpace(line), "  ")
		if !strings.HasPrefix(line, " ") {
			parent = strings.TrimSuffix(names, "/")
			continue
		}
		for n := range strings.FieldsSeq(names) {
			first, _, _ := strings.Cut(n, "/")
			drawn[parent+"/"+first] = true
		}
	}
	there := map[string]bool{}
	for _, f := range sources(t) {
		if parts := strings.Split(f.dir, "/"); len(parts) > 1 && under(f.dir, "core", "host") {
			there[parts[0]+"/"+parts[1]] = true
		}
	}
	for dir := range there {
		if !drawn[dir] {
			t.Errorf("docs/reading-the-tree.md does not show %s", dir)
		}
	}
	for dir := range drawn {
		if _, err := os.Stat(filepath.Join(root, dir)); err != nil {
			t.Errorf("docs/reading-the-tree.md shows %s, which is not there", dir)
		}
	}
}
