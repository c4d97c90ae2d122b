package plugintest

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/dataset"
	"github.com/waveprior/waveprior/core/space"
)

// drawnExamples is the number of models in the training set that the check draws.
const drawnExamples = 24

// dataset returns the manifest to train s on, which is configured.
func (p *probe) dataset(s *subject) string {
	if p.o.Dataset != "" {
		return p.o.Dataset
	}
	for _, sp := range p.targets() {
		if sp.Name == "model" && s.conf.Model != nil {
			if _, err := space.Between(sp, *s.conf.Model); err != nil {
				p.skipf("no training set can be drawn: the prior's models are not those of the solver that the check tells it of (%v). Give "+
					"an experiment that uses it (--from), or Options.Target and Options.Dataset", err)
			}
		}
	}
	folder := filepath.Join(p.o.Dir, "dataset")
	manifest := filepath.Join(folder, dataset.ManifestName)
	if _, err := os.Stat(manifest); err == nil {
		return manifest
	}
	for _, sp := range p.targets() {
		if sp.Name != "model" {
			continue
		}
		w, err := dataset.Create(folder, dataset.Plan{Space: sp, Count: drawnExamples})
		p.must(err, "dataset")
		all := points(&sp, drawnExamples, p.o.Scale, nil, p.source("example"))
		for k := range w.Shards() {
			first, count := w.Range(k)
			p.must(w.Write(k, all.Slice(first, first+count)), "dataset")
		}
		p.must(w.Commit(), "dataset")
		return manifest
	}
	p.skipf("no space named model among the targets to draw a training set for: give Options.Dataset")
	return ""
}

// train runs one training on a fresh, untrained instance.
func (p *probe) train(su *priorSuite, folder string, report func(contract.TrainProgress) error) error {
	su.untrained = true
	defer func() { su.untrained = false }()
	s := p.start()
	p.must(p.configure(s, nil), "Configure before training")
	return s.prior.Train(p.ctx, contract.TrainRequest{Dataset: p.dataset(s), Folder: folder}, report)
}

// folder makes a folder of the check.
func (p *probe) folder(name string) string {
	dir := filepath.Join(p.o.Dir, name)
	p.must(os.MkdirAll(dir, 0o755), "folder")
	return dir
}

func checkTrain(p *probe) {
	p.needs(contract.CapTrain)
	su := p.suite.(*priorSuite)
	if p.unconfigured != "" {
		p.skipf("not decided: %s", p.unconfigured)
	}
	p.unconfigured = "it cannot be trained, see train"
	folder := p.folder("checkpoint")
	last, reports := contract.TrainProgress{Step: -1}, 0
	err := p.train(su, folder, func(t contract.TrainProgress) error {
		if t.Step < last.Step || t.Step > t.Steps {
			p.failf("training reports step %d of %d after step %d", t.Step, t.Steps, last.Step)
		}
		last = t
		reports++
		return nil
	})
	p.must(err, "Train")
	su.checkpoint, p.shared = folder, nil
	s := p.start()
	p.must(p.configure(s, nil), "Configure with the checkpoint")
	p.unconfigured = ""
	if reports == 0 {
		p.failf("training made no report of its progress")
	}
	p.notef("%d reports, the last of step %d of %d", reports, last.Step, last.Steps)
}

// trained skips where there is no checkpoint to compare with.
func (p *probe) trained() *priorSuite {
	p.needs(contract.CapTrain)
	su := p.suite.(*priorSuite)
	if su.checkpoint == "" {
		p.skipf("not decided: it was not trained")
	}
	return su
}

func checkTrainAgain(p *probe) {
	su := p.trained()
	folder := p.folder("again")
	p.must(os.CopyFS(folder, os.DirFS(su.checkpoint)), "copy")
	p.must(p.train(su, folder, nil), "Train on a complete folder")
	p.sameFolder(su.checkpoint, folder)
}

// errEnough ends a training half-way.
var errEnough = errors.New("half-way")

func checkTrainResumes(p *probe) {
	su := p.trained()
	folder := p.folder("resumed")
	su.untrained = true
	s := p.start()
	p.must(p.configure(s, nil), "Configure before training")
	su.untrained = false
	stopped := contract.TrainProgress{}
	// Not watched: here the process is meant to die.
	err := s.inst.Plugin.(contract.FullPrior).Train(p.ctx, contract.TrainRequest{Dataset: p.dataset(s), Folder: folder}, func(t contract.TrainProgress) error {
		if 2*t.Step < t.Steps {
			return nil
		}
		stopped = t
		s.inst.Close()
		return errEnough
	})
	if err == nil && s.inst.PID == 0 && stopped.Steps > 0 {
		p.failf("Train returned nil though its report returned an error")
	}
	p.must(p.train(su, folder, nil), "Train again")
	p.sameFolder(su.checkpoint, folder)
	p.notef("stopped at step %d of %d", stopped.Step, stopped.Steps)
}

// sameFolder fails unless two folders hold the same files with the same bytes.
func (p *probe) sameFolder(a, b string) {
	read := func(dir string) map[string][]byte {
		files := map[string][]byte{}
		err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			name, err := filepath.Rel(dir, path)
			if err != nil {
				return err
			}
			files[name], err = os.ReadFile(path)
			return err
		})
		p.must(err, "folder %s", dir)
		return files
	}
	fa, fb := read(a), read(b)
	for _, name := range slices.Sorted(maps.Keys(fa)) {
		if other, ok := fb[name]; !ok {
			p.failf("file %s is missing", name)
		} else if !bytes.Equal(fa[name], other) {
			p.failf("file %s differs", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(fb)) {
		if _, ok := fa[name]; !ok {
			p.failf("file %s is left over", name)
		}
	}
	p.notef("%d files", len(fa))
}

func checkCheckpoint(p *probe) {
	p.trained()
	empty := p.folder("empty")
	s := p.start()
	err := p.configure(s, func(c *contract.Config) { c.Checkpoint = empty })
	p.want(err, contract.ErrCheckpoint, "Configure with an empty folder as checkpoint")
	su := p.suite.(*priorSuite)
	files, err := os.ReadDir(su.checkpoint)
	p.must(err, "checkpoint")
	for i, f := range files {
		if f.IsDir() {
			continue
		}
		cut := p.folder(fmt.Sprintf("cut%d", i))
		p.must(os.CopyFS(cut, os.DirFS(su.checkpoint)), "copy")
		st, err := os.Stat(filepath.Join(cut, f.Name()))
		p.must(err, "checkpoint")
		p.must(os.Truncate(filepath.Join(cut, f.Name()), st.Size()/2), "cut")
		s := p.start()
		err = p.configure(s, func(c *contract.Config) { c.Checkpoint = cut })
		p.want(err, contract.ErrCheckpoint, "Configure with %s cut to half", f.Name())
		s.inst.Close()
		break
	}
}
