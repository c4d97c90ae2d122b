package run

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/npy"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/host/experiment"
)

// given is what an experiment brings along instead of having it computed: models or data of a file, and which of its items.
type given struct {
	file  *itemFile
	index []int
}

// openGiven opens observation.file, whose items are of a space, and settles which of them are the observations. Errors
// (contract.ErrInvalidOption): openItems'; an index that the file does not have; fewer items than observations.
func openGiven(o *experiment.Observation, s *space.Space, what string) (*given, error) {
	f, err := openItems(*o.File, s)
	if err != nil {
		return nil, fmt.Errorf("observation.file: %w: %w", err, contract.ErrInvalidOption)
	}
	g := &given{f, o.Index}
	switch {
	case len(g.index) == 0 && f.n < o.Count:
		err = fmt.Errorf("observation.file %s holds %d %s, count = %d: %w", *o.File, f.n, what, o.Count, contract.ErrInvalidOption)
	case len(g.index) == 0:
		g.index = count(o.Count)
	}
	for k, i := range g.index {
		if err == nil && i >= f.n {
			err = fmt.Errorf("observation.index[%d] is %d, and %s holds %d %s (allowed: 0..%d): %w", k, i, *o.File, f.n, what, f.n-1, contract.ErrInvalidOption)
		}
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return g, nil
}

// fromFile reads the observations' items of observation.file.
func fromFile(o *experiment.Observation, s *space.Space, what string) (*tensor.Tensor, error) {
	g, err := openGiven(o, s, what)
	if err != nil {
		return nil, err
	}
	defer g.file.Close()
	t, err := g.file.read(g.index)
	if err != nil {
		return nil, fmt.Errorf("observation.file: %w", err)
	}
	return t, nil
}

// givenData returns the data of truth = "data", (count, data...) in the space of the observed data, behind the experiment's adapters.
// Errors (contract.ErrInvalidOption): another number of numbers; openGiven's; numbers that are not finite.
func (k *cellRun) givenData() (*tensor.Tensor, error) {
	o := k.c.Observation
	s, err := k.dataSpace()
	if err != nil {
		return nil, err
	}
	if o.File == nil {
		data := s.New(o.Count)
		for i, row := range *o.Data {
			if len(row) != s.Reals() {
				return nil, fmt.Errorf("observation.data[%d] has %d numbers, an observation has %d (%v): %w", i, len(row), s.Reals(), s, contract.ErrInvalidOption)
			}
			data.Item(i).SetReals(row)
		}
		return data, nil
	}
	data, err := fromFile(o, s, "observations")
	if err != nil {
		if len(k.c.DataAdapt) > 0 {
			err = fmt.Errorf("%w (given data are as they are behind observation.adapt)", err)
		}
		return nil, err
	}
	for i := range data.Batch() {
		if text := notFinite(s, data.Item(i)); text != "" {
			return nil, fmt.Errorf("observation.file: %s, item %d: %s: %w", *o.File, itemNumber(o, i), text, contract.ErrInvalidOption)
		}
	}
	return data, nil
}

// unchanged fails where the file of observed data is another one than when the experiment was read.
func unchanged(o *experiment.Observation) error {
	if o.File == nil {
		return nil
	}
	sum, err := experiment.FileSum(*o.File)
	if err == nil && sum != o.DataSum {
		err = fmt.Errorf("%s changed while the run was under way (sha256 %.12s, it was %.12s): run it again", *o.File, sum, o.DataSum)
	}
	if err != nil {
		return fmt.Errorf("observation.file: %w: %w", err, contract.ErrInvalidOption)
	}
	return nil
}

// itemNumber is the number in the file of the item that observation i is.
func itemNumber(o *experiment.Observation, i int) int {
	if len(o.Index) > 0 {
		return o.Index[i]
	}
	return i
}

// notFinite counts the numbers of an item that are NaN or infinite and says where the first is, "" where there are none.
func notFinite(s *space.Space, item *tensor.Tensor) string {
	n, first := 0, -1
	v := item.AppendReals(nil)
	for i, x := range v {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			if n++; first < 0 {
				first = i
			}
		}
	}
	if n == 0 {
		return ""
	}
	at := first / (len(v) / s.Len())
	where := make([]string, len(s.Axes))
	for a, axis := range slices.Backward(s.Axes) {
		where[a] = fmt.Sprintf("%s %d", axis.Name, at%axis.Size)
		at /= axis.Size
	}
	return fmt.Sprintf("%d of %d numbers are not finite in %v, the first is %g at %s", n, len(v), s.DType, v[first], strings.Join(where, ", "))
}

// dataSpace is the space of the observed data: the solver's, behind the experiment's adapters.
func (k *cellRun) dataSpace() (*space.Space, error) {
	a, err := k.dataAdapter()
	if a == nil || err != nil {
		return k.solver.Configured.Data, err
	}
	return a.Out(), nil
}

// fileText says what of a file the observations are: "item 17 of gathers.npy".
func fileText(o *experiment.Observation) string {
	list := o.Index
	if len(list) == 0 {
		list = count(o.Count)
	}
	const most = 8
	var numbers []string
	for _, i := range list[:min(len(list), most)] {
		numbers = append(numbers, fmt.Sprint(i))
	}
	if len(list) > most {
		numbers = append(numbers, fmt.Sprintf("... (%d)", len(list)))
	}
	items := "items"
	if len(list) == 1 {
		items = "item"
	}
	return fmt.Sprintf("%s %s of %s", items, strings.Join(numbers, ", "), filepath.Base(*o.File))
}

// lookAhead refuses, before anything is computed, observations that cannot be: files that do not fit, and data of another solver that
// do not fit the solver's. maker is that solver, configured; nil: there is none. What of their places neither says, the cell's notes do.
func (k *cellRun) lookAhead(maker *contract.SolverService) (err error) {
	o := k.c.Observation
	switch {
	case o == nil:
	case o.Truth == "data":
		_, err = k.givenData()
	case o.Truth == "file":
		var g *given
		if g, err = openGiven(o, k.solver.Configured.Model, "models"); err == nil {
			err = g.file.Close()
		}
	}
	if err != nil || maker == nil || o.Truth == "data" {
		return err
	}
	if _, err = space.Between(*k.solver.Configured.Model, *maker.Configured.Model); err != nil {
		return fmt.Errorf("observation.solver: %w: %w", err, contract.ErrInvalidOption)
	}
	if k.made, err = space.Between(*maker.Configured.Data, *k.solver.Configured.Data); err != nil {
		return fmt.Errorf("observation.solver: its data do not fit the solver's: %w: %w", err, contract.ErrInvalidOption)
	}
	if open := space.Unsaid(maker.Configured.Data, k.solver.Configured.Data); len(open) > 0 {
		k.out.Notes = append(k.out.Notes, fmt.Sprintf("The data are made by solver %s and explained by solver %s: whether both have shots and receivers at the same places was not compared (not said by one of them: %s).",
			maker.Description.Name, k.c.Solver.Ref.Name, strings.Join(open, ", ")))
	}
	return nil
}

// observedText says of a plan where the data come from, "" where the experiment's own solver makes them.
func (k *cellRun) observedText() string {
	o := k.c.Observation
	switch {
	case o == nil:
		return ""
	case o.Truth == "data" && o.File != nil:
		h, err := npy.ReadHeader(*o.File)
		if err != nil {
			return ""
		}
		return fmt.Sprintf("observed data: %s (%s %v), given; nothing is simulated, no noise is added", fileText(o), h.Type(), h.Shape)
	case o.Truth == "data":
		return fmt.Sprintf("observed data: %d given in the experiment; nothing is simulated, no noise is added", o.Count)
	case k.made == nil:
		return ""
	}
	text := fmt.Sprintf("observed data: made by solver %s, explained by solver %s", k.c.ObsSolver.Ref.Name, k.c.Solver.Ref.Name)
	if !k.made.IsIdentity() {
		text += "; in between: " + k.made.Name()
	}
	return text
}
