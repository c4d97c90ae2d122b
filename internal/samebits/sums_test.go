package samebits

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
)

// sums are the checksums of a run, by what they are of.
type sums map[string]string

// readSums takes the checksum of every array, weight and metric that a run left: all files of the run folder but those that
// tell of the run itself (times, the experiment as it was written), and the data sets in the cache.
func readSums(t testing.TB, out, cache string) sums {
	t.Helper()
	s := sums{}
	err := filepath.WalkDir(out, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(out, path)
		if err != nil {
			return err
		}
		switch {
		case name == "metrics.json":
			s.metrics(t, path)
		case name == "manifest.json", name == "run.json", name == "page.json", name == "lock.toml", name == "experiment.toml", strings.HasSuffix(name, ".html"):
		case strings.HasPrefix(name, "figures"+string(filepath.Separator)): // of the sweep as a whole: rows run other sets of cells
		default:
			s[name] = sum(t, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	shards, err := filepath.Glob(filepath.Join(cache, "data", "*", "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range shards {
		if !strings.Contains(path, ".damaged-") {
			// A truth rule has a training set of its own: sets are told apart by the bytes of their first shard.
			first, err := os.Stat(filepath.Join(filepath.Dir(path), "..", "training", "00000.npy"))
			if err != nil {
				t.Fatal(err)
			}
			s[fmt.Sprintf("data/%d/%s/%s", first.Size(), filepath.Base(filepath.Dir(path)), filepath.Base(path))] = sum(t, path)
		}
	}
	text, err := os.ReadFile(filepath.Join(out, "experiment.toml"))
	if err != nil {
		t.Fatal(err)
	}
	needed := []string{"latent.npy", "model.npy", "snapshots_x0.npy", "metrics.json", "metric "}
	if bytes.Contains(text, []byte("prior")) {
		needed = append(needed, "train/checkpoint/")
	}
	for _, want := range needed {
		if !s.have(want) {
			t.Fatalf("%s: no %s among the checksums: the test does not see the run: %v", out, want, s)
		}
	}
	return s
}

func (s sums) have(part string) bool {
	for name := range s {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}

func sum(t testing.TB, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:8])
}

// metrics takes the run's metrics one by one as they are written, but for what they cost: a repeated step costs more, and
// takes its time.
func (s sums) metrics(t testing.TB, path string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]json.RawMessage
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	for name, v := range m {
		if !strings.Contains("/"+name, "/cost.") {
			s["metric "+name] = string(v)
		}
	}
}

// differ describes the differences, of the cells that both runs have. A run without figures is compared without them.
func (s sums) differ(first sums) string {
	var lines []string
	figures := s.have("/figures/")
	for name, v := range s {
		was, ok := first[name]
		switch {
		case !ok:
			lines = append(lines, fmt.Sprintf("%s: only here", name))
		case was != v:
			lines = append(lines, fmt.Sprintf("%s: %s, in the first row %s", name, v, was))
		}
	}
	for name := range first {
		if _, ok := s[name]; !ok && s.cell(name) && (figures || !strings.Contains(name, "/figures/")) {
			lines = append(lines, fmt.Sprintf("%s: only in the first row", name))
		}
	}
	sort.Strings(lines)
	return strings.Join(lines, "\n  ")
}

// cell reports whether a checksum of another run is of a cell, or of a truth rule's training set, that this one has.
func (s sums) cell(name string) bool {
	parts := strings.SplitAfterN(name, "/", 3)
	if metric, ok := strings.CutPrefix(parts[0], "metric "); ok {
		return s.have("cells/" + metric)
	}
	return parts[0] != "cells/" && parts[0] != "data/" || s.have(parts[0]+parts[1])
}

// same compares a run with the first row.
func (l *lab) same(first sums) {
	l.t.Helper()
	if drawn, err := filepath.Glob(filepath.Join(l.out, "figures", "*.png")); err != nil || l.figures && len(drawn) == 0 && !readSums(l.t, l.out, l.path).have("/figures/") {
		l.t.Errorf("no figures were drawn: %v, %v", drawn, err)
	}
	if d := readSums(l.t, l.out, l.path).differ(first); d != "" {
		l.t.Errorf("other bits than in the first row:\n  %s", d)
	}
}
