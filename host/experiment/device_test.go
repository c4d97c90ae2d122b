package experiment_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/waveprior/waveprior/host/experiment"
)

// TestDevices: a plugin computes where its table says, else where the file says; samplers compute on the CPU.
func TestDevices(t *testing.T) {
	const obs = "[observation.solver]\nplugin = \"plain\"\n"
	for name, c := range map[string]struct {
		top, solver, prior, observation string
		want                            [3]string // solver, prior, the observation's solver
	}{
		"nothing said": {want: [3]string{"", "", ""}},
		"the file's":   {top: "cuda:1", want: [3]string{"cuda:1", "cuda:1", "cuda:1"}},
		"own":          {solver: "cuda:0", want: [3]string{"cuda:0", "", ""}},
		"own first":    {top: "cuda:0", prior: "cpu", observation: "cuda:2", want: [3]string{"cuda:0", "", "cuda:2"}},
		"all but":      {top: "cuda:0", solver: "cpu", observation: "cpu", want: [3]string{"", "cuda:0", ""}},
		"cpu":          {top: "cpu", solver: "cpu", want: [3]string{"", "", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			in := func(text, after, device string) string {
				if device == "" {
					return text
				}
				return strings.Replace(text, after, after+"device = \""+device+"\"\n", 1)
			}
			text := strings.Replace(base, "[sampler]", in(obs, "\"plain\"\n", c.observation)+"[sampler]", 1)
			text = strings.Replace(text, `"free"`, `"guided"`, 1)
			text = in(in(in(text, "seed = 1\n", c.top), "\"wave\"\n", c.solver), "\"full\"\n", c.prior)
			e, err := load(t, text)
			if err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			cell := &e.Cells[0]
			got := [3]string{cell.Solver.Ref.Device, cell.Prior.Ref.Device, cell.ObsSolver.Ref.Device}
			if got != c.want || cell.Sampler.Ref.Device != "" {
				t.Errorf("solver, prior and the observation's solver on %q, sampler on %q; want %q and the CPU", got, cell.Sampler.Ref.Device, c.want)
			}
			for i, key := range []string{"solver.device", "prior.device", "observation.solver.device"} {
				want := c.want[i]
				if want == "" {
					want = "cpu"
				}
				if v, _ := cell.Lookup(key); v != want {
					t.Errorf("the lock has %s = %v, want %s", key, v, want)
				}
			}
		})
	}
	e := mustLoad(t, base+"[sweep]\ndevice = [\"cpu\", \"cuda:0\"]\n")
	if got := []string{e.Cells[0].Solver.Ref.Device, e.Cells[1].Solver.Ref.Device}; !reflect.DeepEqual(got, []string{"", "cuda:0"}) {
		t.Errorf("swept: %q", got)
	}
	e = mustLoad(t, base, `device = "cuda:3"`)
	if got := e.Cells[0].Prior.Ref.Device; got != "cuda:3" {
		t.Errorf("by --set: %q", got)
	}
}

// TestDeviceErrors: an error stands where the device does.
func TestDeviceErrors(t *testing.T) {
	const allowed = `(allowed: "cpu", or "cuda:N" for GPU number N = 0, 1, ...)`
	for after, c := range map[string][2]string{
		"seed = 1\n":          {`device = "gpu"`, `x.toml:3: device: no such device: "gpu" ` + allowed},
		"name = \"base\"\n":   {`device = 0`, `x.toml:2: device: must be a string`},
		"\"wave\"\n":          {`device = "cuda"`, `x.toml:6: solver.device: no such device: "cuda" ` + allowed},
		"\"full\"\n":          {`device = "cuda:x"`, `x.toml:9: prior.device: no such device: "cuda:x" ` + allowed},
		"[prior]\n":           {`device = 1`, `x.toml:8: prior.device: must be a string`},
		"plugin = \"free\"\n": {`device = "cuda:0"`, `x.toml:19: sampler.device: must be one of "cpu", got "cuda:0"`},
	} {
		_, err := load(t, strings.Replace(base, after, after+c[0]+"\n", 1))
		if err == nil || !strings.Contains(err.Error(), c[1]) {
			t.Errorf("%s\ngot  %v\nwant %s", c[0], err, c[1])
		}
	}
	_, _, err := experiment.LoadSolver(t.Context(), write(t, strings.Replace(base, "seed = 1\n", "device = \"tpu\"\n", 1)), nil, known())
	if err == nil || !strings.Contains(err.Error(), `x.toml:2: device: no such device: "tpu"`) {
		t.Errorf("solver alone: %v", err)
	}
	p, _, err := experiment.LoadSolver(t.Context(), write(t, strings.Replace(base, "seed = 1\n", "device = \"cuda:0\"\n", 1)), nil, known())
	if err != nil || p.Ref.Device != "cuda:0" {
		t.Errorf("solver alone: %+v, %v", p, err)
	}
}
