package badinput

import (
	"bytes"
	"os"
	"strings"
	"sync"
	"testing"
)

// reference runs an experiment once for all tests, undisturbed, and returns its samples.
type reference struct {
	once    sync.Once
	samples []byte
}

func (r *reference) of(t *testing.T, text string) []byte {
	t.Helper()
	r.once.Do(func() {
		b := newBench(t)
		b.write("x.toml", text)
		if got := b.run("run", "-q", "-o", "run", "x.toml"); got.code != 0 {
			t.Error(got)
			return
		}
		r.samples = b.samples()
	})
	if r.samples == nil {
		t.Fatal("no reference")
	}
	return r.samples
}

// samples are the final states of the run in the folder "run".
func (b *bench) samples() []byte {
	b.t.Helper()
	data, err := os.ReadFile(b.path("run/sample/latent.npy"))
	if err != nil {
		b.t.Fatal(err)
	}
	return data
}

// patience is for plugins that hang: few restarts, a short limit.
const patience = "[run]\nrestarts = 1\ncall_limit_s = 0.6\n[solver]\n"

// TestFaults: a plugin that dies, or hangs, always in the same call. The run gives up after the restarts that it may
// make, with the plugin's last words; and with a sound plugin it goes on to the bits of a run that nothing disturbed.
func TestFaults(t *testing.T) {
	t.Parallel()
	texts := map[string]string{
		"dps":           strings.Replace(sound, "[solver]\n", patience, 1),
		"gmm-posterior": strings.Replace(strings.Replace(sound, "[solver]\n", patience, 1), `plugin = "dps"`, `plugin = "gmm-posterior"`, 1),
	}
	references := map[string]*reference{"dps": {}, "gmm-posterior": {}}
	names := map[string]string{"solver": "solver analytic", "prior": "prior gmm", "sampler": "sampler dps"}
	for _, c := range []struct{ sampler, kind, calls string }{
		{"dps", "solver", "Configure Forward Observe Misfit"},
		{"dps", "prior", "Configure Train Denoise DenoiseVJP Decode DecodeVJP"},
		{"dps", "sampler", "Configure Start Step"},
		{"gmm-posterior", "solver", "JVP"},
		{"gmm-posterior", "prior", "Mixture DecodeJVP"},
	} {
		for call := range strings.FieldsSeq(c.calls) {
			for _, mode := range []string{"die", "hang", "then-hang"} {
				if mode == "then-hang" && call != "Misfit" && call != "Denoise" && call != "Step" {
					continue
				}
				t.Run(c.sampler+"/"+c.kind+"/"+call+"/"+mode, func(t *testing.T) {
					t.Parallel()
					want := references[c.sampler].of(t, texts[c.sampler])
					b := newBench(t)
					b.write("x.toml", texts[c.sampler])
					b.env = fixtures(envFault + "=" + c.kind + " " + call + " " + mode)
					texts := []string{names[c.kind], "failed 2 times, giving up (the run can be resumed)"}
					switch mode {
					case "hang":
						texts = append(texts, "no answer within 600ms", "device 7 is gone, in "+call)
					case "die":
						texts = append(texts, "the process ended", "device 7 is gone, in "+call)
					case "then-hang":
						texts = append(texts, "Configure after a restart", "no answer within 600ms", "device 7 is busy, in Configure")
					}
					r := b.run("run", "-q", "-o", "run", "x.toml")
					r.fails(t, 1, texts...)
					if n := strings.Count(r.stderr, "last words"); n != 1 {
						t.Errorf("%v\nthe last words stand there %d times", r, n)
					}
					b.nothingLeft()

					b.env = nil
					if r := b.run("run", "-q", "-o", "run", "x.toml"); r.code != 0 {
						t.Fatal(r)
					}
					if !bytes.Equal(b.samples(), want) {
						t.Error("the run that was resumed has other samples")
					}
				})
			}
		}
	}
}
