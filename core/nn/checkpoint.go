package nn

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unsafe"

	"github.com/waveprior/waveprior/core/commit"
	"github.com/waveprior/waveprior/core/safetensors"
	"github.com/waveprior/waveprior/core/tensor"
)

// ErrCheckpoint is wrapped by every error about what is in a checkpoint: a cut file, another architecture, a parameter
// that is missing, superfluous or of another shape or dtype, a schedule that differs.
var ErrCheckpoint = errors.New("nn: checkpoint does not fit")

// format is the metadata "format" of a checkpoint; its number grows when an old reader could not read it.
const format = "waveprior.nn/1"

// Names of the metadata; the caller's counters and strings have the prefix "user.".
const (
	keyFormat, keyArchitecture, keyStep, keyOptimiser = "format", "architecture", "step", "optimiser"
	userPrefix                                        = "user."
)

// kept are the arrays of a checkpoint.
var kept = []Weights{Value, EMA, First, Second}

// State is what a checkpoint holds beside a store's arrays.
type State struct {
	// Architecture names the network with all that decides its shapes and meaning; Load refuses another one.
	Architecture string
	// Optimiser names the optimiser with its schedule and numbers (Adam.String). A checkpoint of another one is refused by
	// whoever resumes with it; for inference it does not matter.
	Optimiser string
	// Step counts the steps done, that is the number of the next one.
	Step int
	// Strings are the caller's: counters, hashes, options.
	Strings map[string]string
	// Tensors are the caller's: scales of the data, sums of losses.
	Tensors map[string]*tensor.Tensor
}

// Save writes the store's parameters and st to a file that appears by rename (core/commit), so that a kill at any time
// leaves the old one or the new one. The tensors are value.NAME, ema.NAME, m.NAME, v.NAME for every parameter, in its
// logical shape, and user.NAME; gradients are not kept. Training resumed from it gives the bits of a training that was
// not interrupted. The folder must exist.
func (s *Store[T]) Save(path string, st State) error {
	if err := s.has(EMA); err != nil {
		return fmt.Errorf("nn: checkpoint %s: %w", path, err)
	}
	tensors := make(map[string]*tensor.Tensor, 4*len(s.params)+len(st.Tensors))
	for _, w := range kept {
		for _, p := range s.params {
			t, err := s.borrow(w, p)
			if err != nil {
				return fmt.Errorf("nn: checkpoint %s: %w", path, err)
			}
			tensors[w.String()+"."+p.Name] = t
		}
	}
	for name, t := range st.Tensors {
		tensors[userPrefix+name] = t
	}
	meta := map[string]string{keyFormat: format, keyArchitecture: st.Architecture, keyOptimiser: st.Optimiser, keyStep: strconv.Itoa(st.Step)}
	for k, v := range st.Strings {
		meta[userPrefix+k] = v
	}
	if _, err := commit.RemoveStale(filepath.Dir(path)); err != nil { // what a killed training was writing
		return fmt.Errorf("nn: checkpoint %s: %w", path, err)
	}
	return safetensors.Write(path, tensors, meta)
}

// Load fills the store from a checkpoint and returns what else is in it. A store for training takes all four arrays, one
// for inference the running mean alone, as its Value. architecture must be the file's. The tensors returned are copies.
//
// Every error about the content wraps ErrCheckpoint and names file, parameter, what is there and what is wanted; a file
// that is not there gives fs.ErrNotExist. Nothing is changed in the store unless the whole file fits.
func (s *Store[T]) Load(path, architecture string) (State, error) {
	if err := s.has(Value); err != nil {
		return State{}, err
	}
	st, f, err := open(path)
	if err != nil {
		return State{}, err
	}
	defer f.Close()
	fail := func(format string, args ...any) (State, error) {
		return State{}, fmt.Errorf("%w: %s: %w", ErrCheckpoint, path, fmt.Errorf(format, args...))
	}
	if st.Architecture != architecture {
		return fail("its network is %q, wanted is %q", st.Architecture, architecture)
	}
	to, from := []Weights{Value}, []Weights{EMA} // arrays of the store, and of the file
	if s.mode == ForTraining {
		to = kept
		from = kept
	}
	if err := s.fits(f); err != nil {
		return fail("%w", err)
	}
	for _, w := range from {
		if err := s.finite(f, w); err != nil {
			return fail("%w", err)
		}
	}
	for i := range to {
		for _, p := range s.params {
			t, err := f.Tensor(from[i].String() + "." + p.Name)
			if err != nil {
				return fail("%w", err)
			}
			if err := s.Set(to[i], p.Name, t); err != nil {
				return fail("%w", err)
			}
		}
	}
	return st, nil
}

// fits checks names, shapes and dtypes of all arrays in the file, those that are not asked for too.
func (s *Store[T]) fits(f *safetensors.File) error {
	for _, w := range kept {
		for _, p := range s.params {
			t, err := f.Tensor(w.String() + "." + p.Name)
			if err != nil {
				return err
			}
			if err := t.Check(w.String()+"."+p.Name, dtypeOf[T](), p.Shape...); err != nil {
				return err
			}
		}
	}
	for _, name := range f.Names() {
		array, rest, _ := strings.Cut(name, ".")
		if array+"." != userPrefix && (s.names[rest] == nil || !slices.ContainsFunc(kept, func(w Weights) bool { return w.String() == array })) {
			return fmt.Errorf("tensor %q belongs to no parameter of this network", name)
		}
	}
	return nil
}

// finite returns an error for the first element of an array that is not.
func (s *Store[T]) finite(f *safetensors.File, w Weights) error {
	for _, p := range s.params {
		t, err := f.Tensor(w.String() + "." + p.Name)
		if err != nil {
			return err
		}
		for i, x := range unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(t.Data))), t.Len()) {
			if y := float64(x); math.IsNaN(y) || math.IsInf(y, 0) {
				return fmt.Errorf("%v.%s has %g at element %d, it must be finite", w, p.Name, x, i)
			}
		}
	}
	return nil
}

// ReadState reads what a checkpoint holds beside its parameters: enough to know which network to build. The errors are
// those of Load.
func ReadState(path string) (State, error) {
	st, f, err := open(path)
	if err != nil {
		return State{}, err
	}
	return st, f.Close()
}

// open maps a checkpoint and reads its metadata and the caller's tensors.
func open(path string) (State, *safetensors.File, error) {
	f, err := safetensors.Open(path)
	if errors.Is(err, safetensors.ErrFormat) {
		return State{}, nil, fmt.Errorf("%w: %w", ErrCheckpoint, err)
	}
	if err != nil {
		return State{}, nil, fmt.Errorf("nn: checkpoint: %w", err)
	}
	st, err := state(f)
	if err != nil {
		_ = f.Close()
		return State{}, nil, fmt.Errorf("%w: %s: %w", ErrCheckpoint, path, err)
	}
	return st, f, nil
}

func state(f *safetensors.File) (State, error) {
	st := State{Strings: map[string]string{}, Tensors: map[string]*tensor.Tensor{}}
	if v, _ := f.Metadata(keyFormat); v != format {
		return st, fmt.Errorf("its format is %q, want %q: it is not a checkpoint of a network", v, format)
	}
	st.Architecture, _ = f.Metadata(keyArchitecture)
	st.Optimiser, _ = f.Metadata(keyOptimiser)
	text, _ := f.Metadata(keyStep)
	step, err := strconv.Atoi(text)
	if err != nil || step < 0 {
		return st, fmt.Errorf("its step is %q, a number >= 0 is needed", text)
	}
	st.Step = step
	for k, v := range f.Header.Metadata {
		if name, ok := strings.CutPrefix(k, userPrefix); ok {
			st.Strings[name] = v
		}
	}
	for _, name := range f.Names() {
		rest, ok := strings.CutPrefix(name, userPrefix)
		if !ok {
			continue
		}
		t, err := f.Tensor(name)
		if err != nil {
			return st, err
		}
		st.Tensors[rest] = t.Clone()
	}
	return st, nil
}

// Exists reports whether there is a checkpoint at path to go on from; any other error than its absence is returned.
func Exists(path string) (bool, error) {
	_, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}
