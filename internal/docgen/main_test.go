package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFill(t *testing.T) {
	const text = "head\n" + begin + "a -->\nold\n" + end + "\nmiddle\n" + begin + "b -->\n" + end + "\ntail\n"
	want := "head\n" + begin + "a -->\n\nTA\n\n" + end + "\nmiddle\n" + begin + "b -->\n\nTB\n\n" + end + "\ntail\n"
	tables := map[string]string{"a": "TA\n", "b": "TB\n"}
	got, err := fill([]byte(text), tables)
	if err != nil || string(got) != want {
		t.Fatalf("got %q, %v; want %q", got, err, want)
	}
	if again, err := fill(got, tables); err != nil || string(again) != want {
		t.Errorf("filled twice: %q, %v", again, err)
	}
	for _, c := range []struct{ name, text, want string }{
		{"unknown", begin + "c -->\n" + end, "no table is called \"c\""},
		{"twice", begin + "a -->\n" + end + begin + "a -->\n" + end, "asked for twice"},
		{"open", begin + "a -->\n", "has no"},
		{"broken", begin + "a\n", "does not end"},
		{"absent", begin + "a -->\n" + end, "table \"b\" has no marker"},
	} {
		if _, err := fill([]byte(c.text), tables); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
	}
}

// A plugin's page comes from what the binary says of itself; pages of plugins that are gone are removed.
func TestWritePlugins(t *testing.T) {
	bin, docs := t.TempDir(), filepath.Join(t.TempDir(), "plugins")
	script := func(file, kind, name string) {
		text := `#!/bin/sh
[ "$1" = --describe ] && cat <<'END'
{"Kind": "` + kind + `", "Name": "` + name + `", "Doc": "About it.", "Capabilities": ["misfit", "jvp"],
 "Needs": [{"Service": "prior", "Capability": "denoise", "Option": "variant", "Value": "full"}],
 "Options": [{"name": "zeta", "type": "float", "unit": "m", "doc": "weight", "default": 0.3}]}
END
`
		if err := os.WriteFile(filepath.Join(bin, file), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := writePlugins(bin, docs); err == nil || !strings.Contains(err.Error(), "make build") {
		t.Errorf("empty folder: %v", err)
	}
	script("waveprior-sampler-x-y", "sampler", "x-y")
	if err := os.MkdirAll(docs, 0o755); err != nil {
		t.Fatal(err)
	}
	gone := filepath.Join(docs, "solver-gone.md")
	if err := os.WriteFile(gone, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := writePlugins(bin, docs); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(gone); !os.IsNotExist(err) {
		t.Errorf("the page of a plugin that is gone: %v", err)
	}
	got, err := os.ReadFile(filepath.Join(docs, "sampler-x-y.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"# sampler x-y\n\nAbout it.\n", "[sampler]\nplugin = \"x-y\"\n", "Capabilities: `misfit`, `jvp`.\n",
		"- prior with capability `denoise` where `variant = \"full\"`\n", "| `zeta` | float, m | `0.3` | weight |\n",
	} {
		if !strings.Contains(string(got), want) {
			t.Errorf("the page has no %q:\n%s", want, got)
		}
	}
	script("waveprior-sampler-z", "sampler", "other")
	if err := writePlugins(bin, docs); err == nil || !strings.Contains(err.Error(), "waveprior-sampler-other") {
		t.Errorf("a binary under another name: %v", err)
	}
}

// Every table has a marker in its page and the other way round, and what stands there is what the code says.
func TestPages(t *testing.T) {
	keys, err := hostTables()
	if err != nil {
		t.Fatal(err)
	}
	for page, tables := range map[string]map[string]string{"experiments.md": keys, "metrics.md": metricTables()} {
		text, err := os.ReadFile(filepath.Join("../../docs", page))
		if err != nil {
			t.Fatal(err)
		}
		filled, err := fill(text, tables)
		if err != nil {
			t.Fatalf("%s: %v", page, err)
		}
		if string(filled) != string(text) {
			t.Errorf("docs/%s is not what the code says: type make docs", page)
		}
	}
}
