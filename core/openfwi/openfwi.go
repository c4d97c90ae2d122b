// Package openfwi knows the files of the OpenFWI data sets: their names, their shapes, and how the samples of many files
// are read as one sequence. Writing is package npy's.
//
//	model/model{i}.npy, data/data{i}.npy      Vel and Style families, i from 1
//	vel{L}_1_{k}.npy, seis{L}_1_{k}.npy       Fault families: maps of L layers, k from 0
//	vp_{i}.npy, vs_{i}.npy, rho_{i}.npy,
//	data_x_{i}.npy, data_z_{i}.npy            elastic sets, i from 1
//
// A model file is (500, 1, 70, 70), velocity in m/s; a data file (500, 5, 1000, 70): sources, time steps of 1 ms, receivers.
// They come as float32, float64 or float16. Main types: [Set], the model files of a path, from [Open]; [Layout], the names
// of a family's files.
//
//	set, err := openfwi.Open("FlatVel_A")
//	defer set.Close()
//	err = set.Read(1234, m) // sample 734 of model3.npy
//
// Nothing is read but what is asked for: the data of a family are 43 to 95 GB. It is not a downloader.
package openfwi

import (
	"fmt"
	"path"
	"path/filepath"
	"regexp"
	"strconv"

	"github.com/waveprior/waveprior/core/field"
)

// SamplesPerFile is how many samples a published file has.
const SamplesPerFile = 500

// Layout names the files of a set.
type Layout struct {
	family  field.Family
	elastic bool
}

// NewLayout returns the layout of a family; elastic sets have a file per field and component.
func NewLayout(f field.Family, elastic bool) Layout { return Layout{f, elastic} }

// Layers returns how many layers all maps of file number f (from 0) have, 0 where they may differ: the files of Fault
// families take turns with the family's numbers.
func (l Layout) Layers(f int) int {
	if l.elastic || !l.family.Faulted {
		return 0
	}
	return l.family.MinLayers + f%(l.family.MaxLayers-l.family.MinLayers+1)
}

// Model returns the path, from the set's folder, of file number f with a field of the models: "vp", "vs" or "rho".
func (l Layout) Model(f int, quantity string) string {
	switch {
	case l.elastic:
		return fmt.Sprintf("%s_%d.npy", quantity, f+1)
	case l.family.Faulted:
		return fmt.Sprintf("vel%d_1_%d.npy", l.Layers(f), f/(l.family.MaxLayers-l.family.MinLayers+1))
	}
	return fmt.Sprintf("model/model%d.npy", f+1)
}

// Data returns the path of file number f of the data; component is "x" or "z" in an elastic set, "" where its data have
// none.
func (l Layout) Data(f int, component string) string {
	switch {
	case l.elastic && component == "":
		return fmt.Sprintf("data_%d.npy", f+1)
	case l.elastic:
		return fmt.Sprintf("data_%s_%d.npy", component, f+1)
	case l.family.Faulted:
		return fmt.Sprintf("seis%d_1_%d.npy", l.Layers(f), f/(l.family.MaxLayers-l.family.MinLayers+1))
	}
	return fmt.Sprintf("data/data%d.npy", f+1)
}

// Kind is what a file holds.
type Kind string

// The kinds.
const (
	Model   Kind = "model"
	Data    Kind = "data"
	Unknown Kind = ""
)

// patterns of file names: the words before the numbers.
var patterns = []struct {
	name *regexp.Regexp
	kind Kind
}{
	{regexp.MustCompile(`^(?:model|vmodel)(\d+)\.npy$`), Model},
	{regexp.MustCompile(`^vel(\d+)_(\d+)_(\d+)\.npy$`), Model},
	{regexp.MustCompile(`^vp_?(\d+)\.npy$`), Model},
	{regexp.MustCompile(`^(?:data|seismic)(\d+)\.npy$`), Data},
	{regexp.MustCompile(`^seis(\d+)_(\d+)_(\d+)\.npy$`), Data},
	{regexp.MustCompile(`^data_(?:[a-z]+_?)?(\d+)\.npy$`), Data},
}

// KindOf tells by its name what a file holds, and the numbers in the name.
func KindOf(name string) (Kind, []int) {
	base := path.Base(filepath.ToSlash(name))
	for _, p := range patterns {
		m := p.name.FindStringSubmatch(base)
		if m == nil {
			continue
		}
		var numbers []int
		for _, text := range m[1:] {
			n, err := strconv.Atoi(text)
			if err != nil {
				return Unknown, nil
			}
			numbers = append(numbers, n)
		}
		return p.kind, numbers
	}
	return Unknown, nil
}
