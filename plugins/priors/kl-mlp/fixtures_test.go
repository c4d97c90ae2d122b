package klmlp

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/dataset"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
)

var ctx = context.Background()

// earth is the model space of a solver on nz x nx cells of 2 km by 2 km.
func earth(dt tensor.DType, nz, nx int) space.Space {
	return space.Space{Name: "model", DType: dt,
		Axes: []space.Axis{{Name: "field", Size: 1}, {Name: "z", Unit: "m", Size: nz, Step: 2000 / float64(nz)},
			{Name: "x", Unit: "m", Size: nx, Step: 2000 / float64(nx)}},
		Quantities: []space.Quantity{{Name: "squared_slowness", Unit: "s2/km2"}}}
}

// fields writes n fields of the study, projected on K^2 cosines, as a dataset and returns its manifest.
func fields(t testing.TB, s space.Space, modes, n int, heldOut bool) string {
	t.Helper()
	g, err := dataset.NewGenerator("gaussian-field", json.RawMessage(fmt.Sprintf(`{"kl_modes": %d}`, modes)), 7, &s)
	if err != nil {
		t.Fatal(err)
	}
	return write(t, s, n, func(b *tensor.Tensor) error { return g.Fill(0, b, heldOut) })
}

func write(t testing.TB, s space.Space, n int, fill func(b *tensor.Tensor) error) string {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "set")
	w, err := dataset.Create(folder, dataset.Plan{Space: s, Count: n})
	if err != nil {
		t.Fatal(err)
	}
	for k := range w.Shards() {
		_, count := w.Range(k)
		b := s.New(count)
		if err := fill(b); err != nil {
			t.Fatal(err)
		}
		if err := w.Write(k, b); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(folder, dataset.ManifestName)
}

// configuredAt configures a prior for a target, with the folder of a training as checkpoint or "".
func configuredAt(t testing.TB, p *Prior, options, checkpoint string, threads int, target ...space.Space) contract.Configured {
	t.Helper()
	c, err := p.Configure(ctx, contract.Config{Options: json.RawMessage(options), Seed: 3, Threads: threads, Target: target, Checkpoint: checkpoint})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// tiny is a network that trains in a second.
const tiny = `{"modes": 3, "width": 64, "blocks": 2, "schedule": {"steps": 50, "beta_last": 0.1}, "train": {"steps": 300, "batch": 8, "history_every": 50, "learning_rate": 2e-3, "learning_rate_last": 2e-4}}`

func ok(t testing.TB, status []contract.Status, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range status {
		if s.Code != contract.OK {
			t.Fatalf("item %d: %v", i, s)
		}
	}
}
