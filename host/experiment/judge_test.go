package experiment_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
)

func line(n int) space.Space {
	return space.Space{Name: "model", DType: tensor.Float64, Axes: []space.Axis{{Name: "index", Size: n}}, Quantities: []space.Quantity{{Name: "x", Unit: "1"}}}
}

// TestMemorisation: the defaults; a chain of adapters is resolved, applied in its order, and may stand in a stage's key.
func TestMemorisation(t *testing.T) {
	m := mustLoad(t, base).Cells[0].Judge.Memorisation
	if m.Nearest != 50 || !reflect.DeepEqual(m.Thresholds, []float64{0.5, 0.7}) || m.Adapt != nil {
		t.Errorf("defaults: %+v", m)
	}
	e := mustLoad(t, base+"[judge.memorisation]\nnearest = 7\nthresholds = [0.3]\nadapt = [{ kind = \"clamp\", lower = -1 }, { kind = \"affine\", scale = 2, offset = 1 }]\n")
	c := &e.Cells[0]
	if m = c.Judge.Memorisation; m.Nearest != 7 || m.Thresholds[0] != 0.3 || len(m.Adapt) != 2 {
		t.Fatalf("%+v", m)
	}
	a, err := c.MemorisationSpace(line(2))
	if err != nil {
		t.Fatal(err)
	}
	out := a.Out().New(1)
	if bad, err := a.Apply(tensor.FromFloat64s([]float64{-5, 3}, 1, 2), out); bad != nil || err != nil {
		t.Fatal(bad, err)
	}
	if got := out.Float64s(); got[0] != -1 || got[1] != 7 { // 2 max(x, -1) + 1
		t.Errorf("got %v, want [-1 7]", got)
	}
	b, err := json.Marshal(c.Judge)
	if err != nil || !strings.Contains(string(b), `"upper":"inf"`) {
		t.Errorf("%s, %v: an open bound in a stage's key", b, err)
	}
}

func TestMemorisationErrors(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"[judge.memorisation]\nnearest = 1", "x.toml:21: judge.memorisation.nearest: must be >= 2, got 1"},
		{"[judge.memorisation]\nadapt = [\n{ kind = \"clamp\", lower = 0 },\n{ kind = \"clmp\" }]", "x.toml:23: judge.memorisation.adapt[1].kind: space: no adapter of kind \"clmp\""},
		{"[judge.memorisation]\nadapt = [{ kind = \"clamp\", low = 0 }]", "x.toml:21: judge.memorisation.adapt[0].low: unknown key"},
		{"[judge]\nmemorisation = 3", "x.toml:21: judge.memorisation: must be a table"},
		{"[judge]\nthresholds = [0.5]", "x.toml:21: judge.thresholds: unknown key"},
	} {
		if _, err := load(t, base+c.text+"\n"); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s\ngot  %v\nwant %s", c.text, err, c.want)
		}
	}
	e := mustLoad(t, base+"[judge.memorisation]\nadapt = [{ kind = \"resample\", axis = \"z\", size = 3 }]\n")
	if _, err := e.Cells[0].MemorisationSpace(line(2)); err == nil || !strings.Contains(err.Error(), "judge.memorisation.adapt: \"[0]\": space: resample: no axis") {
		t.Errorf("an adapter that does not fit: %v", err)
	}
}
