package judge_test

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/diffusion"
	"github.com/waveprior/waveprior/host/experiment"
	"github.com/waveprior/waveprior/host/judge"
)

// TestOneTruthOfAField: fidelity and calibration of one truth, against sums over cells written out.
func TestOneTruthOfAField(t *testing.T) {
	const l = 9
	truth, samples := draw("truth", 1), draw("chains", l)
	copy(samples[4*cells:5*cells], truth) // the chain of lowest misfit is the truth
	m, dir := run(t, stages{truth: truth, samples: samples})

	vt, mean, mu, std := velocity(truth), make([]float64, cells), make([]float64, cells), make([]float64, cells)
	covered, slow := 0.0, 0.0
	for c := range cells {
		rank, below := 0, 0
		for i := range l {
			v := samples[i*cells+c]
			mean[c] += 1000 / math.Sqrt(v) / l
			mu[c] += v / l
			if v < truth[c] {
				rank++
			}
			if v == truth[c] {
				below++
			}
		}
		a, b := 0.0, 0.0
		for i := range l {
			a += math.Pow(1000/math.Sqrt(samples[i*cells+c])-mean[c], 2)
			b += math.Pow(samples[i*cells+c]-mu[c], 2)
		}
		std[c] = math.Sqrt(a / (l - 1))
		slow += math.Sqrt(b/(l-1)) / cells
		// k = round(10 * 0.5/2) = 3 of 9 for the 50 % interval, nominally (10-6)/10: the third smallest to the third largest
		// value, ends included.
		if rank <= 6 && l-rank-below <= 6 {
			covered++
		}
	}
	mae, mse, spread, num, den := 0.0, 0.0, 0.0, 0.0, 0.0
	for c := range cells {
		mae += math.Abs(mean[c]-vt[c]) / cells
		mse += math.Pow(mean[c]-vt[c], 2) / cells
		spread += std[c] / cells
		num, den = num+math.Pow(mu[c]-truth[c], 2), den+truth[c]*truth[c]
	}
	near(t, "relative L2", m["fidelity.relative_l2_mean"], math.Sqrt(num/den), 1e-9)
	near(t, "OpenFWI MAE", m["fidelity.openfwi_mae_mean"], mae/1500, 1e-9)
	near(t, "OpenFWI RMSE", m["fidelity.openfwi_rmse_mean"], math.Sqrt(mse)/1500, 1e-9)
	near(t, "PSNR", m["fidelity.psnr_mean"], 20*math.Log10(3000/math.Sqrt(mse)), 1e-9)
	near(t, "std", m["fidelity.std"], slow, 1e-9)
	near(t, "velocity std", m["fidelity.velocity_std"], spread, 1e-9)
	near(t, "SSIM of the best chain", m["fidelity.ssim_best"], 1, 1e-12)
	if s := m["fidelity.ssim_mean"]; !(s > 0 && s < 1) {
		t.Errorf("SSIM of the mean is %g", s)
	}
	if _, ok := m["fidelity.psnr_best"]; ok {
		t.Error("the PSNR of an exact chain is infinite and must be absent")
	}
	near(t, "coverage", m["calibration.coverage_50"], covered/cells, 1e-12)
	near(t, "nominal coverage", m["calibration.coverage_50_nominal"], 0.4, 1e-12)
	if _, ok := m["calibration.coverage_50_low"]; ok {
		t.Error("the cells of one truth are not independent: the coverage has no interval")
	}
	near(t, "truths", m["calibration.truths"], 1, 0)
	near(t, "chi^2 of the truth", m["data.chi2_truth"]+1, 1, 1e-6) // exact data

	fields := map[string][]float64{"field_truth": vt, "field_mean": mean, "field_std": std}
	for name, want := range fields {
		got := array(t, dir, name)
		if !slices.Equal(got.Shape, []int{1, nz, nx}) {
			t.Errorf("%s has shape %v", name, got.Shape)
		}
		for c, v := range got.Float64s() {
			near(t, name, v, want[c], 1e-9)
		}
	}
	b, err := os.ReadFile(filepath.Join(dir, judge.FieldFile))
	if err != nil {
		t.Fatal(err)
	}
	var f judge.Field
	if err := json.Unmarshal(b, &f); err != nil || f != (judge.Field{Quantity: "vp", Unit: "m/s", NZ: nz, NX: nx, DZ: 25, DX: 25}) {
		t.Errorf("%s: %+v, %v", judge.FieldFile, f, err)
	}

	// 54 cells in 13 bins: sorted by standard deviation, 5 or 4 each.
	bins := array(t, dir, "calibration_bins")
	order := make([]int, cells)
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		if std[a] < std[b] {
			return -1
		}
		return 1
	})
	first, e := 0.0, 0.0
	for _, c := range order[:5] {
		first, e = first+std[c]/5, e+math.Abs(mean[c]-vt[c])/5
	}
	near(t, "std of the first bin", bins.Float64s()[0], first, 1e-9)
	near(t, "error of the first bin", bins.Float64s()[1], e, 1e-9)
}

// TestLostChainsOfOneTruth: an observation that lost a chain is judged by those that are left, one that lost half is not.
func TestLostChainsOfOneTruth(t *testing.T) {
	for _, tc := range []struct{ lost, want int }{{0, 8}, {2, 6}, {4, 0}} {
		samples := draw("chains", 8)
		for i := range tc.lost {
			for c := range cells {
				samples[i*cells+c] = math.NaN()
			}
		}
		m, _ := run(t, stages{truth: draw("truth", 1), samples: samples})
		if got := m["calibration.chains"]; got != float64(tc.want) {
			t.Errorf("%d of 8 chains lost: %g are judged, want %d", tc.lost, got, tc.want)
		}
		if m["samples.dropped"] != float64(tc.lost) {
			t.Errorf("%g dropped, want %d", m["samples.dropped"], tc.lost)
		}
	}
}

// TestOptima: the same chains of a sampler that optimises have the same fidelity and no calibration.
func TestOptima(t *testing.T) {
	s := stages{truth: draw("truth", 1), samples: draw("chains", 9)}
	s.cell.Sampler = &experiment.Plugin{}
	drawn, _ := run(t, s)
	s.cell.Sampler.Description.Capabilities = []contract.Capability{contract.CapStart, contract.CapOptimise}
	optima, dir := run(t, s)
	left := 0
	for key, v := range drawn {
		if strings.HasPrefix(key, "calibration.") {
			left++
			continue
		}
		if got, ok := optima[key]; !ok || got != v {
			t.Errorf("%s is %g of draws, %g of optima (%v)", key, v, got, ok)
		}
	}
	if left == 0 || len(optima) != len(drawn)-left {
		t.Errorf("%d metrics of draws, %d of them of calibration, %d of optima", len(drawn), left, len(optima))
	}
	if files, err := filepath.Glob(filepath.Join(dir, "calibration_*")); err != nil || len(files) > 0 {
		t.Errorf("%v, %v", files, err)
	}
}

// TestMisfitOfTheTruth: with data off by two standard deviations in every real number chi^2 is 4.
func TestMisfitOfTheTruth(t *testing.T) {
	truth := draw("truth", 1)
	d := observe(truth)
	for i := range d {
		d[i] += 2 * fieldTau
	}
	m, _ := run(t, stages{truth: truth, samples: draw("chains", 4), data: d})
	near(t, "chi^2", m["data.chi2_truth"], 4, 1e-4)
	near(t, "misfit", m["data.misfit_truth"], 2*2*nx, 1e-4)
}

// TestMisfitAlongTheSteps: every tenth record and the last, quantiles over the chains that are left.
func TestMisfitAlongTheSteps(t *testing.T) {
	const records, chains = 60, 5
	var misfit []float64
	var steps []int
	for s := range records {
		steps = append(steps, s)
		for c := range chains {
			misfit = append(misfit, float64(1000-10*s+c))
		}
	}
	misfit[20*chains] = math.NaN() // chain 0 is lost at step 20, where it is no longer counted
	_, dir := run(t, stages{truth: draw("truth", 1), samples: draw("chains", chains), misfit: misfit, steps: steps, total: records})
	rows := array(t, dir, "misfit_along")
	want := [][4]float64{{59, 1002, 1000.4, 1003.6}, {49, 902, 900.4, 903.6}, {39, 802.5, 801.3, 803.7}, {29, 702, 700.4, 703.6}, {19, 602, 600.4, 603.6}, {9, 502, 500.4, 503.6}, {0, 412, 410.4, 413.6}}
	if rows.Batch() != len(want) {
		t.Fatalf("%d rows, want %d", rows.Batch(), len(want))
	}
	for i, w := range want {
		for k, v := range rows.Item(i).Float64s() {
			if math.Abs(v-w[k]) > 1e-9 {
				t.Errorf("row %d is %v, want %v", i, rows.Item(i).Float64s(), w)
				break
			}
		}
	}
}

// TestDenoiserGap: a network that is the optimal empirical denoiser has gap 0, and one that is off by a constant c in every
// coordinate has d c^2/E|z - mean z|^2 at every level, for training and held-out examples alike.
func TestDenoiserGap(t *testing.T) {
	train, held := draw("train", 12), draw("held", 7)
	sch, err := diffusion.Linear(40, 1e-4, 0.2)
	if err != nil {
		t.Fatal(err)
	}
	variance := func(z []float64) float64 {
		n, s := len(z)/cells, 0.0
		for c := range cells {
			mean := 0.0
			for i := range n {
				mean += z[i*cells+c] / float64(n)
			}
			for i := range n {
				s += math.Pow(z[i*cells+c]-mean, 2) / float64(n)
			}
		}
		return s
	}
	for _, offset := range []float64{0, 0.03} {
		p := &memoriser{examples: train, offset: offset, schedule: sch}
		m, dir := run(t, stages{train: train, held: held, prior: p.service(t)})
		for name, set := range map[string][]float64{"training": train, "held_out": held} {
			want := cells * offset * offset / variance(set)
			got := m["denoiser.gap_"+name]
			if math.Abs(got-want) > 1e-6*want+1e-9 {
				t.Errorf("offset %g: gap on %s examples is %g, want %g", offset, name, got, want)
			}
			for _, level := range []string{"t0", "t39"} {
				if got := m["denoiser.gap_"+name+"_"+level]; math.Abs(got-want) > 1e-6*want+1e-9 {
					t.Errorf("offset %g: gap on %s examples at %s is %g, want %g", offset, name, level, got, want)
				}
			}
		}
		rows := array(t, dir, "denoiser_gap")
		if !slices.Equal(rows.Shape, []int{10, 7}) || rows.Item(0).Float64s()[0] != 0 || rows.Item(9).Float64s()[0] != 39 {
			t.Errorf("levels: %v", rows.Shape)
		}
		// At the first level the noise (sigma 0.01) is far below the spacing of the examples, and the memorised denoiser finds
		// training examples again.
		if e := rows.Item(0).Float64s()[3]; e > 1e-3 {
			t.Errorf("error of the memorised denoiser on its own examples at t = 0 is %g", e)
		}
		if e := m["denoiser.error_memorised_held_out"]; e < 0.5 {
			t.Errorf("error of the memorised denoiser on held-out examples is %g", e)
		}
	}
}

// One held-out example does not vary: nothing is said of held-out examples, and the rest of the judgement stands.
func TestDenoiserGapOfOneHeldOut(t *testing.T) {
	sch, err := diffusion.Linear(40, 1e-4, 0.2)
	if err != nil {
		t.Fatal(err)
	}
	p := &memoriser{examples: draw("train", 12), schedule: sch}
	m, dir := run(t, stages{train: p.examples, held: draw("held", 1), prior: p.service(t)})
	if rows := array(t, dir, "denoiser_gap"); !slices.Equal(rows.Shape, []int{10, 4}) {
		t.Errorf("gaps of shape %v, want 10 levels of the training set alone", rows.Shape)
	}
	if v, ok := m["denoiser.gap_held_out"]; ok {
		t.Errorf("a gap of %g in units of no variance", v)
	}
	if _, ok := m["denoiser.gap_training"]; !ok {
		t.Error("no gap on training examples")
	}
}

// TestExactIsSkippedInManyCoordinates: an experiment's grid is for one or two latent coordinates and no error elsewhere.
func TestExactIsSkippedInManyCoordinates(t *testing.T) {
	cell := experiment.Cell{Judge: experiment.Judge{Exact: &experiment.Exact{Lower: -5, Upper: 5, Draws: 10}}}
	m, _ := run(t, stages{truth: draw("truth", 1), samples: draw("chains", 4), cell: cell})
	for k := range m {
		if len(k) > 5 && k[:6] == "exact." {
			t.Errorf("%s is there", k)
		}
	}
}
