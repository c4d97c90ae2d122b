// Package report writes what people look at when a run is over: one self-contained HTML page that says at a look what was
// asked, what came out, against what truth and at what cost, and a page that sets several runs side by side.
//
// The host fills a [Report] and calls Write; Compare takes several. Pages hold everything they show (styles and pictures
// are inlined, there is no script), so that they can be mailed, printed and read without a network.
//
//	err := report.Write("runs/quickstart/report.html", &report.Report{
//		Title: "Quickstart", Name: "quickstart", Question: "Does DPS draw from the posterior?",
//		Cells: []report.Cell{{Label: "gmm training", Metrics: metrics, Figures: figures}},
//	})
//
// It computes no metric and draws no picture: core/metric and core/figure do.
package report

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io"
	"time"

	"github.com/waveprior/waveprior/core/commit"
)

// Report is what a run has to say. Every field but Title may be empty; its part of the page is then left out.
type Report struct {
	Title, Name string   // heading, and the experiment's name
	Question    string   // what was asked, one sentence
	Summary     []string // what came out, in sentences
	Truth       string   // against what truth the results are judged
	Claims      []Claim
	Columns     []Column // headline metrics, in order
	Figures     []Figure // about all cells
	Rows        []Row    // of the headline table, where several cells make one row; empty: a row per cell
	Tables      []Table  // about all cells, after the headline table
	Cells       []Cell
	Cost        []CostRow
	Provenance  []KV // versions, machine, files
	Notes       []string
	MetricDocs  map[string]string // metric key to one sentence; a key may have one * for any text
	Seed        string            // or seeds, "1, 2, 3"
	Started     time.Time
	Wall        time.Duration
}

// Claim is one line of expected.toml with its outcome.
type Claim struct {
	Text       string // what is claimed
	Source     string // paper, closed form, oracle, ...
	Where      string // the cells
	Expected   string // "0.119 ± 0.0005", "< 0.5"
	Observed   string
	OK         bool
	Regression bool // frozen from own output: guards against change, proves nothing
}

// Column is a headline metric: one column of the table over the cells.
type Column struct {
	Key    string  // of Cell.Metrics; Key_low and Key_high, where present, are shown as its interval
	Label  string  // heading; "" the key
	Unit   string  // beside the heading
	Doc    string  // one sentence under the table; "" from MetricDocs
	Better string  // "lower", "higher", "target" or "": the best cell is marked
	Target float64 // for "target"
	Digits int     // significant digits; 0: 3
}

// KV is a name with a text.
type KV struct{ Key, Value string }

// Cell is one combination of a sweep, or the whole of a run without one.
type Cell struct {
	Label   string
	Values  []KV // what was swept
	Metrics map[string]float64
	Figures []Figure
	Stages  []StageRow
	Notes   []string
}

// Row is one line of the headline table that sums up several cells, such as those of a sweep's seeds: means, with Key_low and
// Key_high as their range.
type Row struct {
	Label   string
	First   int // the first of its cells, which the label leads to
	Metrics map[string]float64
}

// Table is a further table about all cells: a line per Row, with the metrics that its Columns name.
type Table struct {
	Title, Note string
	Columns     []Column
	Rows        []Row
}

// StageRow is one stage of a cell.
type StageRow struct {
	Name     string
	Key      string // of the cache
	Wall     time.Duration
	Cached   bool
	Sessions int // plugin sessions started; 0 not known
}

// Figure is a picture. Name identifies it among runs that are compared.
type Figure struct {
	Name, Caption string
	PNG           []byte // at 150 dots per inch
}

// CostRow is one line of the cost table. Unit "s" is shown as a duration, "B" as bytes, anything else as a count.
type CostRow struct {
	What  string
	Value float64
	Unit  string
	Note  string
}

//go:embed page/*.html page/style.css
var files embed.FS

var pages = template.Must(template.ParseFS(files, "page/*.html"))

var style = func() template.CSS {
	b, err := files.ReadFile("page/style.css")
	if err != nil { // embedded at build time
		panic("report: " + err.Error())
	}
	return template.CSS(b)
}()

// Write makes the page appear at path by rename. Errors: a figure that is not a PNG, and what core/commit says.
func Write(path string, r *Report) error {
	v, err := newView(r)
	if err != nil {
		return err
	}
	return render(path, "report.html", v)
}

// render executes a template to memory first: nothing appears when it fails.
func render(path, name string, v any) error {
	var b bytes.Buffer
	if err := pages.ExecuteTemplate(&b, name, v); err != nil {
		return fmt.Errorf("report: %s: %w", path, err)
	}
	return commit.WriteFileSize(path, int64(b.Len()), func(w io.Writer) error {
		_, err := w.Write(b.Bytes())
		return err
	})
}
