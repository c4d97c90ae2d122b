package report_test

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/waveprior/waveprior/core/figure"
	"github.com/waveprior/waveprior/host/report"
)

// folder is where pages go: a temporary one, or $WAVEPRIOR_PAGES to look at them.
func folder(t *testing.T) string {
	if d := os.Getenv("WAVEPRIOR_PAGES"); d != "" {
		return d
	}
	return t.TempDir()
}

func draw(t *testing.T, f *figure.Figure) []byte {
	t.Helper()
	b, err := f.PNG()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// study is a report of the size and kind that quickstart.toml makes: two priors by two samplers.
func study(t *testing.T, seed uint64) *report.Report {
	rng := rand.New(rand.NewPCG(seed, 7))
	r := &report.Report{
		Title: "Quickstart: does DPS draw from the posterior?", Name: "quickstart",
		Question: "DPS and DDPM through a memorised and a generalised prior on the 2-D problem, beside the exact posterior: are the samples the posterior's, and are they copies?",
		Truth:    "the exact mixture posterior in closed form; truth x = 0.7 x₁, no noise in the datum",
		Summary: []string{
			"DPS (full) comes within W2 = 0.05 of the exact posterior; the published variant stays at 0.21 and does not improve with steps.",
			"The memorised prior covers its own draws (88.5 % of nominal 90 %) and 5.9 % of held-out truths.",
		},
		Seed: fmt.Sprint(seed), Started: time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC), Wall: 83 * time.Second,
		Columns: []report.Column{
			{Key: "exact.w2", Label: "W2 to the exact posterior", Better: "lower"},
			{Key: "data.chi2_median", Label: "χ² per datum", Better: "target", Target: 1},
			{Key: "calibration.coverage_90", Label: "coverage at 90 %", Unit: "share", Better: "target", Target: 0.9},
			{Key: "memorisation.rate_0.5", Label: "memorised, r < 0.5", Unit: "share", Better: "lower"},
			{Key: "fidelity.relative_l2_mean", Label: "relative L2", Better: "lower"},
		},
		MetricDocs: map[string]string{
			"exact.w2":                  "2-Wasserstein distance between samples and as many exact draws, by assignment.",
			"data.chi2_*":               "|F(x) − d|²/(τ² n) over the chains.",
			"calibration.coverage_*":    "Share of truths inside the central interval by ranks.",
			"memorisation.rate_*":       "Share of samples whose distance ratio r is below the threshold.",
			"fidelity.relative_l2_mean": "|mean − truth|/|truth|.",
		},
		Cost: []report.CostRow{{What: "Forward solves", Value: 1254400}, {What: "Network evaluations", Value: 627200, Note: "the mixture's exact denoiser"},
			{What: "Wall time", Value: 83.2, Unit: "s", Note: "2 solver workers"}, {What: "Peak memory", Value: 312 << 20, Unit: "B"}},
		Provenance: []report.KV{{Key: "waveprior", Value: "0.1.0"}, {Key: "machine", Value: "2 cores, AVX2"}, {Key: "solver", Value: "analytic 1.0, numerics 1"}},
		Notes:      []string{"1 of 128 chains diverged in cell “published, training” and was dropped (on_divergence = drop)."},
		Claims: []report.Claim{
			{Text: "The total variation between exact and linearised posterior at s = 0.3, 2-D", Source: "closed form", Where: "components = training", Expected: "0.0285 ± 0.0001", Observed: "0.02847", OK: true},
			{Text: "DPS full is nearer to the exact posterior than DPS published", Source: "theory", Expected: "W2 full < W2 published", Observed: "0.051 < 0.213", OK: true},
			{Text: "The memorised prior covers held-out truths at nominal 90 %", Source: "oracle", Where: "held-out", Expected: "0.059 ± 0.02", Observed: "0.112", OK: seed == 2},
			{Text: "W2 of this run's samples", Source: "own output", Expected: "0.0512", Observed: "0.0512", OK: true, Regression: true},
		},
	}
	for i, prior := range []string{"training", "gaussian"} {
		for j, variant := range []string{"full", "published"} {
			w := 0.05 + 0.16*float64(j) + 0.003*rng.Float64()
			m := map[string]float64{
				"exact.w2": w, "exact.w2_floor": 0.041, "exact.tv_linearised": 0.02847, "data.chi2_median": 1.02 + 0.3*float64(j), "data.misfit_min": 3.2e-7,
				"calibration.coverage_90": 0.885 - 0.1*float64(j), "calibration.coverage_90_low": 0.83 - 0.1*float64(j), "calibration.coverage_90_high": 0.92 - 0.1*float64(j),
				"calibration.truths": 200, "memorisation.rate_0.5": 0.98 - 0.9*float64(i), "memorisation.rate_0.5_low": 0.95 - 0.9*float64(i), "memorisation.rate_0.5_high": 0.99 - 0.9*float64(i),
				"memorisation.ct_z": -14.2, "fidelity.relative_l2_mean": 0.213 + 0.01*float64(i), "cost.solves": 313600, "cost.wall_s": 20.1, "odd": math.Inf(1),
			}
			if i == 1 && j == 1 {
				delete(m, "exact.w2")
			}
			var x, y []float64
			for k := 0; k < 200; k++ {
				x, y = append(x, 1.4+0.2*rng.NormFloat64()), append(y, 0.2*rng.NormFloat64())
			}
			scatter := draw(t, &figure.Figure{Panels: []*figure.Panel{{Title: "Samples beside the truth", X: figure.Axis{Label: "x₁"}, Y: figure.Axis{Label: "x₂"}, Equal: true,
				Layers: []figure.Layer{figure.Points{Label: variant, X: x, Y: y}, figure.Points{Label: "truth", X: []float64{1.4}, Y: []float64{0}, Shape: figure.Star}}}}})
			hist := draw(t, &figure.Figure{Panels: []*figure.Panel{{Title: "Ratio r of the samples", X: figure.Axis{Label: "r"}, Y: figure.Axis{Label: "share"},
				Layers: []figure.Layer{figure.Histogram{Label: "samples", Values: x}, figure.VLine{At: 1.5, Label: "0.5"}}}}})
			r.Cells = append(r.Cells, report.Cell{
				Label: "components=" + prior + ", variant=" + variant, Metrics: m,
				Values:  []report.KV{{Key: "prior.components", Value: prior}, {Key: "sampler.variant", Value: variant}},
				Figures: []report.Figure{{Name: "samples", Caption: "128 chains; the star is the truth.", PNG: scatter}, {Name: "ratio", Caption: "Distance ratio with its threshold.", PNG: hist}},
				Stages: []report.StageRow{{Name: "data", Key: "3f9a1c77de0142aa9b", Wall: 12 * time.Millisecond, Cached: i+j > 0},
					{Name: "sample", Key: "77de0142aa9b3f9a1c", Wall: 20 * time.Second, Sessions: 4}},
			})
		}
	}
	f := &figure.Figure{Panels: []*figure.Panel{{Title: "W2 falls with the number of steps for the full variant alone", X: figure.Axis{Label: "steps", Log: true}, Y: figure.Axis{Label: "W2", Log: true},
		Layers: []figure.Layer{figure.Line{Label: "full", X: []float64{25, 50, 100, 200, 400}, Y: []float64{0.31, 0.17, 0.1, 0.06, 0.05}, Dots: true},
			figure.Line{Label: "published", X: []float64{25, 50, 100, 200, 400}, Y: []float64{0.33, 0.25, 0.22, 0.21, 0.21}, Dots: true}}}}}
	r.Figures = []report.Figure{{Name: "w2", Caption: "Distance from the exact posterior against the number of reverse steps.", PNG: draw(t, f)}}
	return r
}

// parse reads a page and fails on anything that a self-contained page must not have.
func parse(t *testing.T, path string) (doc *html.Node, text string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if doc, err = html.Parse(bytes.NewReader(b)); err != nil {
		t.Fatal(err)
	}
	ids, links := map[string]bool{}, []string{}
	var words strings.Builder
	for n := range doc.Descendants() {
		if n.Type == html.TextNode && n.Parent.Data != "style" {
			words.WriteString(n.Data + "\n")
		}
		if n.Type != html.ElementNode {
			continue
		}
		switch n.Data {
		case "script", "iframe", "object", "embed", "base", "form", "audio", "video":
			t.Errorf("%s: element <%s>", path, n.Data)
		case "style":
			if css := n.FirstChild.Data; strings.Contains(css, "url(") || strings.Contains(css, "@import") || strings.Contains(css, "ZgotmplZ") {
				t.Errorf("%s: the style refers to something outside, or was refused", path)
			}
		}
		for _, a := range n.Attr {
			switch {
			case strings.HasPrefix(a.Key, "on"):
				t.Errorf("%s: handler %s on <%s>", path, a.Key, n.Data)
			case strings.Contains(a.Val, "ZgotmplZ"):
				t.Errorf("%s: attribute %s of <%s> was refused by the template", path, a.Key, n.Data)
			case a.Key == "id":
				if ids[a.Val] {
					t.Errorf("%s: id %q twice", path, a.Val)
				}
				ids[a.Val] = true
			case a.Key == "href" && strings.HasPrefix(a.Val, "#"):
				links = append(links, a.Val[1:])
			case a.Key == "src" || a.Key == "href" || a.Key == "srcset" || a.Key == "action" || a.Key == "data":
				if !strings.HasPrefix(a.Val, "data:") {
					t.Errorf("%s: <%s %s=%q> refers to something outside", path, n.Data, a.Key, a.Val)
				}
			}
		}
	}
	for _, l := range links {
		if !ids[l] {
			t.Errorf("%s: link to #%s, which is not there", path, l)
		}
	}
	return doc, words.String()
}

func count(doc *html.Node, element, class string) (n int) {
	for d := range doc.Descendants() {
		if d.Type != html.ElementNode || d.Data != element {
			continue
		}
		if class == "" {
			n++
		}
		for _, a := range d.Attr {
			if a.Key == "class" {
				for _, c := range strings.Fields(a.Val) {
					if c == class {
						n++
					}
				}
			}
		}
	}
	return n
}

func TestWrite(t *testing.T) {
	path := filepath.Join(folder(t), "report.html")
	r := study(t, 1)
	if err := report.Write(path, r); err != nil {
		t.Fatal(err)
	}
	doc, text := parse(t, path)
	if got := count(doc, "img", ""); got != 9 {
		t.Errorf("%d pictures, want 1 + 4·2", got)
	}
	if h, f := count(doc, "tr", "holds"), count(doc, "tr", "fails"); h != 3 || f != 1 {
		t.Errorf("claims: %d hold and %d fail, want 3 and 1", h, f)
	}
	for _, want := range []string{r.Question, r.Truth, r.Summary[0], "1 of 4 fail", "regression, proves nothing", "1 min 23 s", "0.885", "[0.830, 0.920]",
		"312 MiB", "1\u202f254\u202f400", "3.200·10⁻⁷", "Calibration", "Other", "∞", "from the cache", "3f9a1c77de01",
		"Share of samples whose distance ratio r is below the threshold.", "lower is better", "target 0.9", "22 November 2026"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if strings.Contains(text, "coverage_90_low") {
		t.Error("the bound of an interval stands alone although its value is shown")
	}
	// Best: w2 1 cell (one has none), chi2 2 ties, coverage 2 ties, memorised 2 ties, relative L2 2 ties.
	if got := count(doc, "td", "best"); got != 9 {
		t.Errorf("%d cells marked as best, want 9", got)
	}
	if got := count(doc, "td", "missing"); got != 1 {
		t.Errorf("%d missing values, want 1", got)
	}
}

func TestWriteIsDeterministic(t *testing.T) {
	dir := t.TempDir()
	var first []byte
	for i := range 2 {
		path := filepath.Join(dir, fmt.Sprintf("%d.html", i))
		if err := report.Write(path, study(t, 3)); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = b
		} else if !bytes.Equal(first, b) {
			t.Error("two pages of the same report differ")
		}
	}
}

// Empty fields leave their part out; a page appears all the same.
func TestWriteEmpty(t *testing.T) {
	path := filepath.Join(t.TempDir(), "report.html")
	if err := report.Write(path, &report.Report{Title: "Nothing yet"}); err != nil {
		t.Fatal(err)
	}
	doc, text := parse(t, path)
	if !strings.Contains(text, "Nothing yet") || count(doc, "table", "") != 0 || count(doc, "h2", "") != 0 {
		t.Errorf("empty report: tables %d, headings %d, text %q", count(doc, "table", ""), count(doc, "h2", ""), text)
	}
}

const hostile = `</style></title><script>alert(1)</script>"'><img src=http://x.example/ onerror=alert(2)>{{.}}`

// Texts come from files that people pass around: none of them may become markup.
func TestWriteEscapes(t *testing.T) {
	r := study(t, 1)
	r.Title, r.Name, r.Question, r.Truth = hostile, hostile, hostile, hostile
	r.Summary, r.Notes = []string{hostile}, []string{hostile}
	r.Claims[0] = report.Claim{Text: hostile, Source: hostile, Where: hostile, Expected: hostile, Observed: hostile}
	r.Columns[0].Label, r.Columns[0].Unit, r.Columns[0].Doc = hostile, hostile, hostile
	r.Figures[0].Name, r.Figures[0].Caption = hostile, hostile
	c := &r.Cells[0]
	c.Label, c.Values[0], c.Notes = hostile, report.KV{Key: hostile, Value: hostile}, []string{hostile}
	c.Metrics[hostile] = 1
	r.MetricDocs[hostile] = hostile
	c.Stages[0].Name, c.Stages[0].Key = hostile, hostile
	r.Provenance[0] = report.KV{Key: hostile, Value: hostile}
	r.Cost[0].What, r.Cost[0].Note, r.Cost[0].Unit = hostile, hostile, hostile
	dir := t.TempDir()
	path := filepath.Join(dir, "report.html")
	if err := report.Write(path, r); err != nil {
		t.Fatal(err)
	}
	doc, text := parse(t, path) // fails on a script, a handler, an outside source
	if got := count(doc, "img", ""); got != 9 {
		t.Errorf("%d pictures, want 9", got)
	}
	if got := strings.Count(text, hostile); got < 20 {
		t.Errorf("the text appears %d times as written, want at least 20", got)
	}
	path = filepath.Join(dir, "compare.html")
	if err := report.Compare(path, r, r); err != nil {
		t.Fatal(err)
	}
	if _, text = parse(t, path); !strings.Contains(text, hostile) {
		t.Error("the comparison does not show the label as written")
	}
}

func TestWriteRefusesWhatIsNoPicture(t *testing.T) {
	path := filepath.Join(t.TempDir(), "report.html")
	err := report.Write(path, &report.Report{Cells: []report.Cell{{Label: "c7", Figures: []report.Figure{{Name: "bad", PNG: []byte("GIF89a")}}}}})
	if err == nil || !strings.Contains(err.Error(), `"bad" of cell "c7"`) {
		t.Errorf("error %v does not name the figure and the cell", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a page appeared: %v", err)
	}
}

func TestCompare(t *testing.T) {
	a, b := study(t, 1), study(t, 2)
	b.Provenance[0].Value = "0.2.0"
	b.Cells = b.Cells[:3]
	b.Cells[0].Metrics["data.chi2_median"] = 2.04
	var blank bytes.Buffer
	if err := png.Encode(&blank, image.NewGray(image.Rect(0, 0, 30, 20))); err != nil {
		t.Fatal(err)
	}
	b.Figures = append(b.Figures, report.Figure{Name: "mine alone", PNG: blank.Bytes()})
	path := filepath.Join(folder(t), "compare.html")
	if err := report.Compare(path, a, b); err != nil {
		t.Fatal(err)
	}
	doc, text := parse(t, path)
	if got := count(doc, "img", ""); got != 2*(1+3*2) {
		t.Errorf("%d pictures, want two of each of the 7 that both have", got)
	}
	for _, want := range []string{"quickstart (2)", "0.2.0", "+100 %", "mine alone (quickstart (2))", "claims: 1 of 4 fail", "claims: all 4 hold", "seed", "same"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if strings.Contains(text, "2 cores, AVX2") {
		t.Error("what is the same in both runs is listed as a difference")
	}
	if err := report.Compare(path, a, b, a); err != nil {
		t.Fatal(err)
	}
	if doc, _ = parse(t, path); count(doc, "img", "") != 2*(1+3*2)+1+3*2+2*2 {
		t.Errorf("three runs: %d pictures", count(doc, "img", ""))
	}
	if err := report.Compare(path, a, b); err != nil { // leave the page of two to look at
		t.Fatal(err)
	}
	if err := report.Compare(path, a); err == nil || !strings.Contains(err.Error(), "at least 2") {
		t.Errorf("one run: %v", err)
	}
}
