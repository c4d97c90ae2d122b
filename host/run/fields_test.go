package run_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/host/judge"
	"github.com/waveprior/waveprior/host/report"
)

const fieldExperiment = `
name = "fields"
[solver]
plugin = "cosines"
[prior]
plugin = "gmm"
width = 0.004
[prior.schedule]
kind = "linear"
steps = 60
beta_first = 1e-3
beta_last = 0.2
[prior.data]
kind = "gaussian-field"
kl_modes = 4
held_out = 25
[observation]
truth = "held-out"
noise = 0.05
[sampler]
chains = 8
[judge.memorisation]
adapt = [{ kind = "kl", modes = 4 }]
[sweep]
"prior.data.examples" = [5, 9]
"sampler" = [{ label = "unconditional", plugin = "ddpm", chains = 12 }, { label = "DPS", plugin = "dps", variant = "published", zeta = 0.005 }]
"seed" = [1, 2]
`

// TestReportOfFields runs a small study of fields and holds its report to the metrics and arrays that it rests on.
func TestReportOfFields(t *testing.T) {
	b := newBench(t)
	b.plugins["solver/cosines"] = func() contract.Plugin { return &cosines{} }
	res := b.run(fieldExperiment)
	for _, name := range []string{"fields", "copies", "ratios", "coordinates", "misfit", "calibration", "rates"} {
		for _, ext := range []string{".png", ".svg"} {
			if _, err := os.Stat(filepath.Join(res.Dir, "figures", name+ext)); err != nil {
				t.Errorf("no figure: %v", err)
			}
		}
	}
	for _, name := range []string{"denoiser", "losses", "posteriors"} { // for networks, and for two coordinates
		if _, err := os.Stat(filepath.Join(res.Dir, "figures", name+".png")); err == nil {
			t.Errorf("figure %s is drawn", name)
		}
	}
	cells := filepath.Join(res.Dir, "cells")
	for folder, names := range map[string][]string{
		"examples=5__unconditional__seed=1": {"copies", "memorisation", "coordinates"},
		"examples=9__DPS__seed=1":           {"field", "copies", "memorisation", "coordinates", "misfit", "calibration"},
	} {
		for _, name := range names {
			if _, err := os.Stat(filepath.Join(cells, folder, "figures", name+".png")); err != nil {
				t.Errorf("no figure: %v", err)
			}
		}
		if _, err := os.Stat(filepath.Join(cells, folder, "figures", "samples.png")); err == nil {
			t.Errorf("%s: single cells of a field are drawn as a scatter plot", folder)
		}
	}

	// One training set, one seed: prior and posterior have the same nulls and the same threshold.
	of := func(label string, seed int) map[string]float64 {
		for _, c := range res.Cells {
			if c.Cell.Label == fmt.Sprintf("%s, seed=%d", label, seed) {
				return c.Metrics
			}
		}
		t.Fatalf("no cell %s of seed %d", label, seed)
		return nil
	}
	for _, n := range []int{5, 9} {
		for seed := 1; seed <= 2; seed++ {
			a, p := of(fmt.Sprintf("examples=%d, unconditional", n), seed), of(fmt.Sprintf("examples=%d, DPS", n), seed)
			for _, k := range []string{"threshold_null", "held_out_rate_0.7", "leave_one_out_rate_null", "held_out_ratio_median"} {
				if v, ok := a["memorisation."+k]; !ok || v != p["memorisation."+k] {
					t.Errorf("N = %d, seed %d: %s is %g of the prior's samples, %g of the posterior's", n, seed, k, v, p["memorisation."+k])
				}
			}
			if a["memorisation.examples"] != float64(n) || a["memorisation.coordinates"] != 16 {
				t.Errorf("N = %d: %g examples, %g coordinates", n, a["memorisation.examples"], a["memorisation.coordinates"])
			}
			if a["memorisation.rate_null"] < 0.99 {
				t.Errorf("N = %d, seed %d: %g of the samples of narrow components at the training examples count as memorised", n, seed, a["memorisation.rate_null"])
			}
		}
	}

	// The tables: means over seeds, the range widened to the seeds' intervals.
	var page report.Report
	text, err := os.ReadFile(filepath.Join(res.Dir, "page.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &page); err != nil {
		t.Fatal(err)
	}
	if len(page.Tables) != 2 || len(page.Tables[0].Rows) != 4*3 || len(page.Tables[1].Rows) != 4 {
		t.Fatalf("tables: %+v", page.Tables)
	}
	for _, r := range page.Tables[0].Rows {
		name, key, _ := strings.Cut(r.Label, ": r < ")
		if key == "5 % of held-out" {
			key = "null"
		}
		label := strings.Replace(name, "N = ", "examples=", 1)
		x, y := of(label, 1), of(label, 2)
		for column, prefix := range map[string]string{"samples": "", "held_out": "held_out_", "leave_one_out": "leave_one_out_"} {
			k := "memorisation." + prefix + "rate_" + key
			want := []float64{(x[k] + y[k]) / 2, math.Min(x[k+"_low"], y[k+"_low"]), math.Max(x[k+"_high"], y[k+"_high"])}
			for i, end := range []string{"", "_low", "_high"} {
				if got, ok := r.Metrics[column+end]; !ok || math.Abs(got-want[i]) > 1e-12 {
					t.Errorf("%s, %s%s: %g, want %g", r.Label, column, end, got, want[i])
				}
			}
		}
	}
	html, err := os.ReadFile(filepath.Join(res.Dir, "report.html"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Memorisation rates with their nulls", "N = 9, DPS: r &lt; 5 % of held-out", "Distances to the training set"} {
		if !strings.Contains(string(html), want) {
			t.Errorf("the report does not say %q", want)
		}
	}

	// The arrays behind the figures are velocities of what lies in the observe stage.
	folder := filepath.Join(cells, "examples=9__DPS__seed=1")
	var f judge.Field
	if text, err = os.ReadFile(filepath.Join(folder, "judge", judge.FieldFile)); err == nil {
		err = json.Unmarshal(text, &f)
	}
	if err != nil || f.Quantity != "vp" || f.NZ != fieldNZ || f.NX != fieldNX || f.DZ != fieldSpacing {
		t.Errorf("field: %+v, %v", f, err)
	}
	truth, seen := read(t, filepath.Join(folder, "observe", "truth.npy")).AppendReals(nil), read(t, filepath.Join(folder, "judge", "field_truth.npy")).AppendReals(nil)
	for i, m := range truth {
		if math.Abs(seen[i]-1000/math.Sqrt(m)) > 1e-9*seen[i] {
			t.Fatalf("cell %d: %g s2/km2 is shown as %g m/s", i, m, seen[i])
		}
	}
}
