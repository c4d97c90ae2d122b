package experiment_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/waveprior/waveprior/core/config"
	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/host/experiment"
)

// learning are the plugins with a prior that has a table train, as one that is trained by steps has.
func learning() plugins {
	p := known()
	d := p["prior trained"]
	d.Options = append(d.Options, config.Option{Name: "train", Type: config.TableType, Doc: "Training.", Options: []config.Option{
		{Name: "steps", Type: config.Int, Doc: "Steps.", Default: []byte("20000"), Stage: "train"},
		{Name: "checkpoint_s", Type: config.Float, Doc: "Pause.", Default: []byte("20.0"), Stage: config.Nothing},
		{Name: "floor", Type: config.Float, Doc: "Floor.", Default: []byte("0.5"), Stage: config.Use},
	}})
	p["prior trained"] = d
	return p
}

// TestNestedOptions: a plugin's options within tables of [prior] resolve, are swept, stand in the keys of what they affect, and
// are blamed on their lines.
func TestNestedOptions(t *testing.T) {
	text := strings.Replace(strings.Replace(base, `"full"`, `"trained"`, 1), "[observation]", "[prior.train]\nsteps = 5\n[prior.data]\nkind = \"gaussian\"\n[observation]", 1)
	e, err := experiment.Load(t.Context(), write(t, text+"[sweep]\n\"prior.train.checkpoint_s\" = [1, 2]\n\"prior.train\" = [{ label = \"a\", floor = 0.1 }, { label = \"b\", steps = 9 }]\n"), nil, learning())
	if err != nil {
		t.Fatal(err)
	}
	numbers := func(c int, without ...string) any { return e.Cells[c].Prior.Numbers(without...)["train"] }
	for _, c := range []struct {
		cell    int
		without []string
		want    map[string]any
	}{
		{0, nil, map[string]any{"steps": int64(5), "floor": 0.1}},
		{1, nil, map[string]any{"steps": int64(9), "floor": 0.5}},
		{2, nil, map[string]any{"steps": int64(5), "floor": 0.1}},
		{0, []string{config.Use}, map[string]any{"steps": int64(5)}},
		{1, []string{"train"}, map[string]any{"floor": 0.5}},
	} {
		if got := numbers(c.cell, c.without...); !reflect.DeepEqual(got, c.want) {
			t.Errorf("cell %d without %v: %v, want %v", c.cell, c.without, got, c.want)
		}
	}
	if got := e.Cells[2].Prior.Options["train"].(map[string]any)["checkpoint_s"]; got != 2.0 {
		t.Errorf("the plugin is told checkpoint_s = %v", got)
	}
	for old, c := range map[string][2]string{
		"steps = 5":          {"stepz = 5", "x.toml:13: prior.train.stepz: unknown key"},
		"steps = 5\n":        {"steps = 5.5\n", "x.toml:13: prior.train.steps: must be an integer"},
		"[prior.train]\n":    {"[prior.training]\n", "x.toml:12: prior.training: unknown key"},
		"[prior.schedule]\n": {"[prior.schedule]\ntrain = 3\n", "prior.schedule.train: unknown key"},
	} {
		if _, err := experiment.Load(t.Context(), write(t, strings.Replace(text, old, c[0], 1)), nil, learning()); err == nil || !strings.Contains(err.Error(), c[1]) {
			t.Errorf("%s: got %v, want %s", c[0], err, c[1])
		}
	}
}

// TestCheckpoint: a folder that is there takes the place of training and of its data; anything else is an error with its line.
func TestCheckpoint(t *testing.T) {
	text := strings.Replace(strings.Replace(base, `"full"`, `"trained"`, 1), "[prior.schedule]", "checkpoint = \"missing\"\n[prior.schedule]", 1)
	if _, err := load(t, text); err == nil || !strings.Contains(err.Error(), "x.toml:9: prior.checkpoint: no such folder") {
		t.Errorf("a folder that is not there: %v", err)
	}
	if _, err := load(t, strings.Replace(text, "missing", "x.toml", 1)); err == nil || !strings.Contains(err.Error(), "is a file, a checkpoint is a folder") {
		t.Errorf("a file: %v", err)
	}
	if _, err := load(t, strings.Replace(text, "checkpoint = \"missing\"\n", "", 1)); err == nil || !strings.Contains(err.Error(), `prior trained is trained: it needs [prior.data] or checkpoint = "folder"`) {
		t.Errorf("neither: %v", err)
	}
	dir := t.TempDir()
	c := mustLoad(t, strings.Replace(text, "missing", dir, 1)).Cells[0]
	if c.Checkpoint != dir || c.Data != nil || !c.Prior.Description.Has(contract.CapTrain) {
		t.Errorf("%+v", c)
	}
}
