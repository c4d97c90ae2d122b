// Package session owns the plugin processes of a run: it finds the binaries, launches them in the run's private folder,
// configures them, splits solver batches over a pool of workers, watches every call, and starts a process again that
// died or hangs. Everything above it sees the Go interfaces of package contract and nothing of processes.
//
// With InProcess set for a plugin the same code runs it inside the host's process: tests and cost measurements compare both.
package session

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/waveprior/waveprior/core/arena"
	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/plugin"
	"github.com/waveprior/waveprior/core/tensor"
)

// Ref names a plugin as an experiment does.
type Ref struct {
	Kind   contract.Kind
	Name   string
	Path   string // the TOML's path, "": search
	Device string // "cuda:N", "": the CPU
}

func (r Ref) key() string { return string(r.Kind) + "/" + r.Name }

// Options of a session.
type Options struct {
	CallLimit time.Duration // a call longer than this is a hang; 0: 10 minutes
	Restarts  int           // how often a call is repeated after its process died; 0: 5, negative: never
	Log       func(format string, args ...any)
	InProcess map[string]func() contract.Plugin // "solver/analytic"
	Attach    map[contract.Kind]string          // addresses of plugins that run already
	Env       []string                          // added to every plugin's environment
	ArenaSize int64                             // virtual bytes; 0: package arena's default
}

// Session is the processes of one run.
type Session struct {
	Options
	arena *arena.Arena

	mu      sync.Mutex
	dir     string // private folder for sockets, "": none yet
	solvers map[Ref][]*worker
	others  map[Ref]*worker
	counts  map[string]float64
	peaks   map[string]uint64 // of processes that are gone: see DevicePeaks

	serving atomic.Int32 // calls out to solvers and priors
	served  atomic.Int64 // when the last of them ended, Unix ns
}

// New makes the arena. The private folder comes with the first process, which removes it when the host is killed.
func New(o Options) (*Session, error) {
	if o.ArenaSize == 0 {
		o.ArenaSize = arena.DefaultSize
	}
	if o.CallLimit == 0 {
		o.CallLimit = 10 * time.Minute
	}
	if o.Restarts == 0 {
		o.Restarts = 5
	} else if o.Restarts < 0 {
		o.Restarts = 0
	}
	RemoveStale()
	s := &Session{Options: o, solvers: map[Ref][]*worker{}, others: map[Ref]*worker{}, counts: map[string]float64{}, peaks: map[string]uint64{}}
	var err error
	s.arena, err = arena.New(o.ArenaSize)
	return s, err
}

const folderPrefix = "waveprior-"

// RemoveStale removes socket folders whose host is gone. Plugins do so themselves when their host dies; this is for the
// moment between the folder and the first plugin.
func RemoveStale() {
	dirs, _ := filepath.Glob(filepath.Join(os.TempDir(), folderPrefix+"[0-9]*-*"))
	for _, d := range dirs {
		pid, err := strconv.Atoi(strings.SplitN(strings.TrimPrefix(filepath.Base(d), folderPrefix), "-", 2)[0])
		if err != nil || pid == os.Getpid() {
			continue
		}
		if _, err := os.Stat(filepath.Join("/proc", strconv.Itoa(pid))); os.IsNotExist(err) {
			os.RemoveAll(d)
		}
	}
}

func (s *Session) logf(format string, args ...any) {
	if s.Log != nil {
		s.Log(format, args...)
	}
}

// Dir returns the private folder, and makes it when it is first needed.
func (s *Session) Dir() (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dir == "" {
		dir, err := os.MkdirTemp("", fmt.Sprintf("%s%d-", folderPrefix, os.Getpid()))
		if err != nil {
			return "", fmt.Errorf("session: %w", err)
		}
		s.dir = dir
	}
	return s.dir, nil
}

// PIDs returns the running plugin processes by what they are, e.g. "solver analytic #1".
func (s *Session) PIDs() map[string]int {
	pids := map[string]int{}
	for _, w := range s.workers() {
		w.mu.Lock()
		if w.proc != nil {
			pids[w.what] = w.proc.PID()
		}
		w.mu.Unlock()
	}
	return pids
}

func (s *Session) workers() []*worker {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []*worker
	for _, ws := range s.solvers {
		all = append(all, ws...)
	}
	for _, w := range s.others {
		all = append(all, w)
	}
	sort.Slice(all, func(i, j int) bool { return all[i].what < all[j].what })
	return all
}

// RestartCount returns how many times processes were started again.
func (s *Session) RestartCount() int {
	n := 0
	for _, w := range s.workers() {
		w.mu.Lock()
		n += w.restarts
		w.mu.Unlock()
	}
	return n
}

// Count adds to the counted work; Counts takes it and sets it back to zero.
func (s *Session) Count(what string, n int) {
	s.mu.Lock()
	s.counts[what] += float64(n)
	s.mu.Unlock()
}

// Counts returns the work counted since the last call: "forward", "adjoint", "jvp", "denoise", "denoise_vjp", "decode", ...
func (s *Session) Counts() map[string]float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.counts
	s.counts = map[string]float64{}
	return c
}

// Alloc places a tensor in the run's shared memory, so that it crosses to plugins without a copy. Its bytes are whatever
// was there before.
func (s *Session) Alloc(dt tensor.DType, shape ...int) (*tensor.Tensor, func(), error) {
	t, err := s.arena.AllocRaw(dt, shape...)
	if err != nil {
		return nil, nil, err
	}
	return t, func() { _ = s.arena.Free(t) }, nil
}

func (s *Session) launch(ctx context.Context, ref Ref) (*plugin.Process, error) {
	path, attach := "", s.Attach[ref.Kind]
	if attach == "" {
		var err error
		if path, err = Find(ref); err != nil {
			return nil, err
		}
	}
	dir, err := s.Dir()
	if err != nil {
		return nil, err
	}
	return plugin.Launch(ctx, plugin.LaunchSpec{
		Kind: ref.Kind, Name: ref.Name, Path: path, Device: ref.Device, SocketDir: dir, Attach: attach, Arena: s.arena, Env: s.Env,
		Progress: func(text string) { s.logf("%s %s: %s", ref.Kind, ref.Name, text) },
	})
}

func (s *Session) worker(ref Ref, i int) *worker {
	what := fmt.Sprintf("%s %s", ref.Kind, ref.Name)
	if ref.Kind == contract.KindSolver {
		what = fmt.Sprintf("%s #%d", what, i+1)
	}
	return &worker{s: s, ref: ref, what: what}
}

// started makes sure that the worker's process runs, and returns its description.
func (s *Session) started(ctx context.Context, w *worker) (d contract.Description, err error) {
	err = w.call(ctx, "Describe", func(_ context.Context, c clients) error {
		d = c.plugin().Describe()
		if s.InProcess[w.ref.key()] != nil {
			d.Contract = contract.Version
		}
		return nil
	})
	return d, err
}

// Solver returns a pool of n workers for a solver; processes that run already are used again.
func (s *Session) Solver(ctx context.Context, ref Ref, n int) (*SolverPool, error) {
	ref.Kind = contract.KindSolver
	s.mu.Lock()
	for len(s.solvers[ref]) < n {
		s.solvers[ref] = append(s.solvers[ref], s.worker(ref, len(s.solvers[ref])))
	}
	p := &SolverPool{workers: s.solvers[ref][:n:n], count: s.Count}
	s.mu.Unlock()
	descs := make([]contract.Description, n)
	err := p.all(func(i int, w *worker) (err error) {
		descs[i], err = s.started(ctx, w)
		return err
	})
	p.desc = descs[0]
	return p, err
}

func (s *Session) other(ref Ref) *worker {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.others[ref]
	if w == nil {
		w = s.worker(ref, 0)
		s.others[ref] = w
	}
	return w
}

// Prior returns a supervised prior.
func (s *Session) Prior(ctx context.Context, ref Ref) (*Prior, error) {
	ref.Kind = contract.KindPrior
	w := s.other(ref)
	d, err := s.started(ctx, w)
	return &Prior{w: w, count: s.Count, desc: d}, err
}

// Sampler returns a supervised sampler.
func (s *Session) Sampler(ctx context.Context, ref Ref) (*Sampler, error) {
	ref.Kind = contract.KindSampler
	w := s.other(ref)
	d, err := s.started(ctx, w)
	return &Sampler{w: w, desc: d}, err
}

// Close ends all plugins in good order and removes the folder. Nothing of the session is left after it.
func (s *Session) Close() {
	var wg sync.WaitGroup
	for _, w := range s.workers() {
		wg.Add(1)
		go func() { defer wg.Done(); w.close() }()
	}
	wg.Wait()
	s.arena.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dir != "" {
		os.RemoveAll(s.dir)
		s.dir = ""
	}
}

// DevicePeaks returns the most memory, in bytes, that each plugin process on a GPU held there at once, by what it is, e.g.
// "prior kl-mlp" or "solver helmholtz #1"; the larger one where it was started again. Without GPUs it is empty.
func (s *Session) DevicePeaks() map[string]uint64 {
	for _, w := range s.workers() {
		w.mu.Lock()
		w.notePeak()
		w.mu.Unlock()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.peaks)
}

// PeakBytes is the most shared memory that was reserved at once.
func (s *Session) PeakBytes() uint64 { return s.arena.Stats().Peak }
