package run_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/host/run"
	"github.com/waveprior/waveprior/plugins/priors/gmm"
)

// plan returns the stages of each cell, by name.
func (b *bench) plan(text string) []map[string]run.StagePlan {
	b.t.Helper()
	o, done, err := b.load(text)
	defer done()
	if err != nil {
		b.t.Fatal(err)
	}
	plans, err := run.Plan(b.t.Context(), o)
	if err != nil {
		b.t.Fatal(err)
	}
	var out []map[string]run.StagePlan
	for _, p := range plans {
		m := map[string]run.StagePlan{}
		for _, s := range p.Stages {
			m[s.Stage] = s
		}
		if len(m) != len(p.Stages) {
			b.t.Errorf("stages twice: %+v", p.Stages)
		}
		out = append(out, m)
	}
	return out
}

// TestPlan: the stages of a truth rule's run are planned with the keys that they have in the run, and nothing is computed.
func TestPlan(t *testing.T) {
	b := newBench(t)
	text := ruled(`{ rule = "mean-of-most-memorised", count = 2, examples = 6, chains = 40 }`, sweepN)
	p := b.plan(text)
	if n := b.entries("*"); n != 0 || len(p) != 2 || len(p[1]) != 8 {
		t.Fatalf("%d stages in the cache, the plan is %+v", n, p)
	}
	if a, c := p[0]["train"], p[1]["truth: train"]; a.Key != c.Key || a.Key == "?" || p[1]["train"].Key == a.Key {
		t.Errorf("the small cell trains %s, the rule %s, the large cell %s", a.Key, c.Key, p[1]["train"].Key)
	}
	if s := p[1]["truth: sample"]; !strings.HasPrefix(s.Work, "40 chains x 12 steps") || s.Seconds <= 0 || s.AtLeast {
		t.Errorf("the rule's samples: %+v", s)
	}
	if s := p[1]["sample"]; s.Key != "?" || s.Work != "3 chains x 12 steps with a gradient each" || s.Seconds <= 0 || s.AtLeast {
		t.Errorf("the cell's samples: %+v", s)
	}
	res := b.run(text)
	keys := map[string]string{}
	for _, e := range res.Cells[1].Truth.Entries {
		keys["truth: "+e.Manifest.Stage] = e.Manifest.Key
	}
	for name, key := range keys {
		if p[1][name].Key != key {
			t.Errorf("%s was planned as %s and is %s", name, p[1][name].Key, key)
		}
	}
	for _, cell := range b.plan(text) {
		for name, s := range cell {
			if !s.Cached || s.Key == "?" || s.Time() != "-" {
				t.Errorf("after the run: %s: %+v", name, s)
			}
		}
		if len(cell) != 5 { // the observation is there: its rule needs nothing
			t.Errorf("after the run: %+v", cell)
		}
	}
	if err := os.RemoveAll(filepath.Join(b.root, "cache", "observe")); err != nil {
		t.Fatal(err)
	}
	for name, s := range b.plan(text)[1] {
		if want := map[string]bool{"observe": true, "sample": true, "judge": true}[name]; s.Cached == want {
			t.Errorf("without the observation: %s: %+v", name, s)
		}
	}
}

// slow is a prior that takes a fixed time to train, most of it asleep, so that a busy machine changes it little.
type slow struct{ *gmm.Prior }

const slowSteps, slowStep = 1500, 3 * time.Millisecond

func (s *slow) Train(ctx context.Context, r contract.TrainRequest, report func(contract.TrainProgress) error) error {
	for i := 1; i <= slowSteps; i++ {
		time.Sleep(slowStep)
		if i%10 == 0 {
			if err := report(contract.TrainProgress{Step: i, Steps: slowSteps}); err != nil {
				return err
			}
		}
	}
	return s.Prior.Train(ctx, r, nil)
}

// TestPlanTraining: a training is estimated within a factor 2 by a short try, and from the cache as long as it took.
func TestPlanTraining(t *testing.T) {
	b := newBench(t)
	b.plugins["prior/gmm"] = func() contract.Plugin { return &slow{Prior: gmm.New()} }
	text := ruled(`"held-out"`, "")
	begin := time.Now()
	p := b.plan(text)[0]
	if took := time.Since(begin); took > 4*time.Second {
		t.Errorf("the plan took %v", took)
	}
	train := p["train"]
	if want := fmt.Sprintf("%d steps (from a short try)", slowSteps); train.Work != want || b.entries("*") != 0 {
		t.Errorf("%+v, want %s", train, want)
	}
	if s := p["sample"]; !s.AtLeast || !strings.HasPrefix(s.Time(), "over ") { // no checkpoint came out of the try
		t.Errorf("the samples are timed without a prior: %+v", s)
	}
	took := b.run(text).Cells[0].Train.Manifest.WallS
	if ratio := train.Seconds / took; ratio < 0.5 || ratio > 2 {
		t.Errorf("estimated %.3g s, took %.3g s", train.Seconds, took)
	}
	again := b.plan(strings.Replace(text, "seed = 3", "seed = 4", 1))[0]
	if s := again["train"]; s.Seconds != took || s.Cached || !strings.Contains(s.Work, "as long as the last time") {
		t.Errorf("%+v, the last time took %g s", s, took)
	}
	if s := again["sample"]; s.AtLeast || s.Seconds <= 0 {
		t.Errorf("the samples: %+v", s)
	}
}
