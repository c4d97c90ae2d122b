package run

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sort"
	"strings"

	"github.com/waveprior/waveprior/core/commit"
	"github.com/waveprior/waveprior/core/hook"
	"github.com/waveprior/waveprior/host/claims"
	"github.com/waveprior/waveprior/host/experiment"
	"github.com/waveprior/waveprior/host/session"
	"github.com/waveprior/waveprior/host/stage"
)

// Manifest is manifest.json of a run folder: what is needed to say where every number comes from.
type Manifest struct {
	Experiment string            `json:"experiment"`
	Waveprior  string            `json:"waveprior"`
	Go         string            `json:"go"`
	Machine    Machine           `json:"machine"`
	Started    string            `json:"started"`
	WallS      float64           `json:"wall_s"`
	Restarts   int               `json:"plugin_restarts"`
	PeakRSS    int64             `json:"host_peak_rss_bytes"`
	PeakShm    uint64            `json:"peak_shared_bytes"`
	DevicePeak map[string]uint64 `json:"device_peak_bytes,omitempty"` // of every plugin process on a GPU
	Plugins    map[string]Plugin `json:"plugins"`
	Cells      []ManifestCell    `json:"cells"`
}

// Machine is what the numbers' last bits may depend on.
type Machine struct {
	OS    string `json:"os"`
	Arch  string `json:"arch"`
	CPU   string `json:"cpu"`
	Cores int    `json:"cores"`
	Flags string `json:"instruction_sets"`
}

// Plugin is one plugin of a run.
type Plugin struct {
	Version  string `json:"version"`
	Numerics string `json:"numerics"`
	Device   string `json:"device,omitempty"` // none: the CPU
	SHA256   string `json:"sha256,omitempty"` // of a CUDA build: of the binary and, after it, its kernels
}

// ManifestCell is one cell of a run.
type ManifestCell struct {
	Label  string          `json:"label"`
	Folder string          `json:"folder"`
	Seed   uint64          `json:"seed"`
	Stages []ManifestStage `json:"stages"`
	Truth  []ManifestStage `json:"truth_stages,omitempty"` // of the run of its truth rule
	Notes  []string        `json:"notes,omitempty"`
}

// ManifestStage is one stage of a cell.
type ManifestStage struct {
	Stage    string             `json:"stage"`
	Key      string             `json:"key"`
	Cached   bool               `json:"from_cache"`
	WallS    float64            `json:"wall_s"`
	Sessions int                `json:"sessions"`
	Cost     map[string]float64 `json:"cost,omitempty"`
}

// writeDir writes everything that people look at: arrays, metrics, manifest, figures and the report.
func (r *runner) writeDir(res *Result, lock []byte) error {
	task := r.Progress.Start("report", "cells", 0, len(res.Cells))
	defer task.Stop()
	hook.At("host.report")
	for i, c := range res.Cells {
		if err := r.linkCell(c); err != nil {
			return fmt.Errorf("report: %w", err)
		}
		task.Update(i+1, len(res.Cells), "")
	}
	flat := map[string]float64{}
	for _, c := range res.Cells {
		prefix := ""
		if c.Cell.Label != "" {
			prefix = c.Cell.Label + "/"
		}
		for k, v := range c.Metrics {
			flat[prefix+k] = v
		}
	}
	if err := writeJSON(filepath.Join(r.Dir, "metrics.json"), flat); err != nil {
		return err
	}
	if err := writeJSON(filepath.Join(r.Dir, "manifest.json"), r.manifest(res)); err != nil {
		return err
	}
	hook.At("host.report.written")
	res.Claims = claims.Evaluate(r.claims, ClaimCells(res))
	if err := r.report(res); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	b, err := os.ReadFile(filepath.Join(r.Dir, identityName))
	if err != nil {
		return err
	}
	var id runIdentity
	if err := json.Unmarshal(b, &id); err != nil {
		return err
	}
	id.Done = true
	if err := writeJSON(filepath.Join(r.Dir, identityName), id); err != nil {
		return err
	}
	task.Done(filepath.Join(r.Dir, "report.html"))
	return nil
}

// ClaimCells is what claims are judged on.
func ClaimCells(res *Result) []claims.Cell {
	var cells []claims.Cell
	for _, c := range res.Cells {
		values := map[string]any{}
		for _, v := range c.Cell.Values {
			values[v.Key] = v.Value
		}
		label := c.Cell.Label
		if label == "" {
			label = "this run"
		}
		cells = append(cells, claims.Cell{Label: label, Values: values, Metrics: c.Metrics})
	}
	return cells
}

// folder is a cell's place in the run folder.
func (r *runner) folder(c *experiment.Cell) string {
	if c.Slug == "" {
		return r.Dir
	}
	return filepath.Join(r.Dir, "cells", c.Slug)
}

// linkCell makes a cell's arrays appear in the run folder: by hard link where the cache is on the same file system, else
// by copy.
func (r *runner) linkCell(c *CellResult) error {
	for _, e := range c.Entries {
		if e.Manifest.Stage == "data" {
			continue // large, shared, and reproducible: it stays in the cache
		}
		for _, f := range e.Manifest.Files {
			to := filepath.Join(r.folder(c.Cell), e.Manifest.Stage, f.Name)
			if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
				return err
			}
			if err := link(e.Path(f.Name), to); err != nil {
				return err
			}
		}
	}
	return nil
}

func link(from, to string) error {
	a, err := os.Stat(from)
	if err != nil {
		return err
	}
	if b, err := os.Stat(to); err == nil {
		if os.SameFile(a, b) {
			return nil
		}
		if err := os.Remove(to); err != nil {
			return err
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if os.Link(from, to) == nil {
		return nil
	}
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	return commit.WriteFileSize(to, a.Size(), func(w io.Writer) error {
		_, err := io.Copy(w, src)
		return err
	})
}

func (r *runner) manifest(res *Result) *Manifest {
	m := &Manifest{
		Experiment: r.Experiment.Name, Waveprior: r.Version, Go: runtime.Version(), Machine: machine(),
		Started: res.Started.UTC().Format("2006-01-02T15:04:05Z"), WallS: res.WallS, Restarts: res.Restarts,
		PeakRSS: res.PeakRSS, PeakShm: res.PeakShm, DevicePeak: res.DevicePeak, Plugins: map[string]Plugin{},
	}
	for _, c := range res.Cells {
		rel, err := filepath.Rel(r.Dir, r.folder(c.Cell))
		if err != nil {
			rel = c.Cell.Slug
		}
		mc := ManifestCell{Label: c.Cell.Label, Folder: rel, Seed: c.Cell.Seed, Notes: c.Notes}
		for i, e := range c.Entries {
			mc.Stages = append(mc.Stages, manifestStage(e, c.Cached[i]))
		}
		if c.Truth != nil {
			for i, e := range c.Truth.Entries {
				mc.Truth = append(mc.Truth, manifestStage(e, c.Truth.Cached[i]))
			}
		}
		m.Cells = append(m.Cells, mc)
		for _, p := range c.Cell.Plugins() {
			m.Plugins[session.BuildName(p.Ref)] = Plugin{Version: p.Description.Version, Numerics: p.Description.Numerics, Device: p.Ref.Device, SHA256: r.checksum(p.Ref)}
		}
	}
	return m
}

func manifestStage(e *stage.Entry, cached bool) ManifestStage {
	m := e.Manifest
	return ManifestStage{Stage: m.Stage, Key: m.Key, Cached: cached, WallS: m.WallS, Sessions: m.Sessions, Cost: m.Cost}
}

// machine reads what the kernel says of the processor.
func machine() Machine {
	m := Machine{OS: runtime.GOOS, Arch: runtime.GOARCH, Cores: runtime.NumCPU()}
	b, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return m
	}
	for _, line := range bytes.Split(b, []byte("\n")) {
		key, value, ok := strings.Cut(string(line), ":")
		if !ok {
			continue
		}
		switch strings.TrimSpace(key) {
		case "model name":
			if m.CPU == "" {
				m.CPU = strings.TrimSpace(value)
			}
		case "flags":
			if m.Flags == "" {
				var sets []string
				for _, f := range strings.Fields(value) {
					if f == "sse4_2" || f == "avx" || f == "avx2" || f == "fma" || strings.HasPrefix(f, "avx512") || strings.HasPrefix(f, "amx") {
						sets = append(sets, f)
					}
				}
				sort.Strings(sets)
				m.Flags = strings.Join(sets, " ")
			}
		}
	}
	return m
}

// stageOf returns a cell's entry of a stage, nil if it has none.
func stageOf(c *CellResult, name string) *stage.Entry {
	for _, e := range c.Entries {
		if e.Manifest.Stage == name {
			return e
		}
	}
	return nil
}
