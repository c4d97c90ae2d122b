package experiment_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/waveprior/waveprior/core/config"
	"github.com/waveprior/waveprior/host/experiment"
)

// TestPluginFiles: a plugin is told where a file that an option names lies, from the experiment's folder; keys have its content
// and not its name; a file that is not there is blamed on its line.
func TestPluginFiles(t *testing.T) {
	p := known()
	d := p["solver wave"]
	d.Options = append(d.Options, config.Option{Name: "wavelet", Type: config.TableType, Doc: "Wavelet.", Options: []config.Option{
		{Name: "path", Type: config.String, Doc: "File.", Default: []byte(`""`), File: true},
	}})
	p["solver wave"] = d
	text := strings.Replace(base, `plugin = "wave"`, "plugin = \"wave\"\nwavelet.path = \"q.npy\"", 1)
	load := func(content string) (*experiment.Plugin, string) {
		path := write(t, text)
		file := filepath.Join(filepath.Dir(path), "q.npy")
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		e, err := experiment.Load(t.Context(), path, nil, p)
		if err != nil {
			t.Fatal(err)
		}
		return &e.Cells[0].Solver, file
	}
	one, file := load("one")
	if got := one.Options["wavelet"]; !reflect.DeepEqual(got, map[string]any{"path": file}) {
		t.Errorf("the plugin is told %v, want the path %s", got, file)
	}
	// printf one | sha256sum
	want := map[string]any{"path": "sha256:7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"}
	if got := one.Numbers()["wavelet"]; !reflect.DeepEqual(got, want) {
		t.Errorf("the key has %v, want %v", got, want)
	}
	elsewhere, _ := load("one")
	other, _ := load("two")
	if !reflect.DeepEqual(elsewhere.Numbers(), one.Numbers()) || reflect.DeepEqual(other.Numbers(), one.Numbers()) {
		t.Error("keys go by the name, not by the content")
	}
	if _, err := experiment.Load(t.Context(), write(t, text), nil, p); err == nil || !strings.Contains(err.Error(), "x.toml:6: solver.wavelet.path: ") || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("no file: %v", err)
	}
}
