package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/npy"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/host/experiment"
	hostrun "github.com/waveprior/waveprior/host/run"
	"github.com/waveprior/waveprior/host/session"
)

// solverRun is a solver by itself, on files.
type solverRun struct {
	common
	model string
	out   string
}

func (f *solverRun) flags(c *cobra.Command) {
	f.common.flags(c)
	c.Flags().StringVar(&f.model, "model", "", ".npy file of one model or a batch of models, in the solver's own space (required)")
	c.Flags().StringVarP(&f.out, "out", "o", "", ".npy file to write (required)")
	_ = c.MarkFlagRequired("model")
	_ = c.MarkFlagRequired("out")
}

// open starts the solver of a file and reads the models.
func (f *solverRun) open(ctx context.Context, path string) (s *session.Session, solver *contract.SolverService, m *tensor.Tensor, single bool, err error) {
	if _, err := npy.ReadHeader(f.model); err != nil { // before anything is started
		return nil, nil, nil, false, &exitError{exitInput, fmt.Errorf("--model: %w", err)}
	}
	own, err := f.session(f.reporter())
	if err != nil {
		return nil, nil, nil, false, err
	}
	defer func() {
		if err != nil {
			own.Close()
		}
	}()
	p, seed, err := experiment.LoadSolver(ctx, path, f.set, own)
	if err != nil {
		return nil, nil, nil, false, &exitError{exitInput, err}
	}
	pool, err := own.Solver(ctx, p.Ref, p.Workers)
	if err != nil {
		return nil, nil, nil, false, err
	}
	device := p.Ref.Device
	if device == "" {
		device = "cpu"
	}
	conf, err := pool.Configure(ctx, contract.Config{Options: p.OptionsJSON(), Seed: seed, Device: device, Threads: p.Threads})
	if err != nil {
		return nil, nil, nil, false, err
	}
	solver = &contract.SolverService{Solver: pool, Description: pool.Describe(), Configured: conf}
	if m, single, err = hostrun.ReadItems(f.model, conf.Model); err != nil {
		return nil, nil, nil, false, &exitError{exitInput, err}
	}
	return own, solver, m, single, nil
}

// check fails with every item's status that is not OK.
func check(st []contract.Status) error {
	var bad []string
	for i, s := range st {
		if s.Code != contract.OK {
			bad = append(bad, fmt.Sprintf("item %d: %v", i, s))
		}
	}
	if bad == nil {
		return nil
	}
	return errors.New(strings.Join(bad, "\n"))
}

// blank fills the items that failed with NaN: what the solver left there means nothing.
func blank(t *tensor.Tensor, st []contract.Status) {
	for i := range t.Batch() {
		if contract.StatusAt(st, i).Code == contract.OK {
			continue
		}
		v := make([]float64, t.Item(i).Reals())
		for j := range v {
			v[j] = math.NaN()
		}
		t.Item(i).SetReals(v)
	}
}

func newForward() *cobra.Command {
	var f solverRun
	c := &cobra.Command{
		Use:   "forward FILE.toml --model m.npy --out d.npy",
		Short: "Run a solver by itself: data of a model, or of a batch of models",
		Long: `forward uses the [solver] table of FILE.toml alone. m.npy holds one model or a batch (n, ...) of models in the
solver's own space, float32 or float64; d.npy gets the data, always with a batch axis in front. Items that the solver refuses (outside its
bounds, unstable) are NaN there and listed with the reason; the exit code is then 1.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			s, solver, m, _, err := f.open(c.Context(), args[0])
			if err != nil {
				return err
			}
			defer s.Close()
			d := solver.Configured.Data.New(m.Batch())
			st, err := solver.Solver.Forward(c.Context(), m, d)
			if err != nil {
				return err
			}
			blank(d, st)
			if err := npy.Write(f.out, d); err != nil {
				return err
			}
			fmt.Fprintf(c.OutOrStdout(), "%s: %v %v, %v\n", f.out, d.DType, d.Shape, solver.Configured.Data)
			return check(st)
		},
	}
	f.flags(c)
	return c
}

func newGradient() *cobra.Command {
	var f solverRun
	var data string
	var std float64
	c := &cobra.Command{
		Use:   "gradient FILE.toml --model m.npy --data d_obs.npy --noise-std S --out g.npy",
		Short: "Gradient of the misfit with respect to the model's own field",
		Long: `gradient uses the [solver] table of FILE.toml alone. It writes d phi/d m, phi = 1/2 sum (F(m) - d)^2 / S^2 over real
numbers, one model without, a batch with a batch axis, and prints phi. d_obs.npy holds one observation for all models, or one each.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if !(std > 0) {
				return &exitError{exitInput, fmt.Errorf("--noise-std is %g, it must be above 0", std)}
			}
			if _, err := npy.ReadHeader(data); err != nil {
				return &exitError{exitInput, fmt.Errorf("--data: %w", err)}
			}
			s, solver, m, single, err := f.open(c.Context(), args[0])
			if err != nil {
				return err
			}
			defer s.Close()
			d, _, err := hostrun.ReadItems(data, solver.Configured.Data)
			if err != nil {
				return &exitError{exitInput, err}
			}
			if d.Batch() != 1 && d.Batch() != m.Batch() {
				return &exitError{exitInput, fmt.Errorf("%s holds %d observations, %s %d models: give one observation, or as many", data, d.Batch(), filepath.Base(f.model), m.Batch())}
			}
			tau, which := make([]float64, d.Batch()), make([]int, m.Batch())
			for i := range tau {
				tau[i] = std
			}
			for i := range which {
				which[i] = min(i, d.Batch()-1)
			}
			if err := solver.Solver.Observe(c.Context(), d, tau); err != nil {
				return err
			}
			phi, g := make([]float64, m.Batch()), solver.Configured.Model.New(m.Batch())
			st, err := solver.Solver.Misfit(c.Context(), m, which, phi, g)
			if err != nil {
				return err
			}
			blank(g, st)
			if single {
				g = g.Item(0)
			}
			if err := npy.Write(f.out, g); err != nil {
				return err
			}
			for i, v := range phi {
				if contract.StatusAt(st, i).Code == contract.OK {
					fmt.Fprintf(c.OutOrStdout(), "item %d: misfit %.10g\n", i, v)
				}
			}
			return check(st)
		},
	}
	f.flags(c)
	c.Flags().StringVar(&data, "data", "", ".npy file of one observation, or one per model (required)")
	c.Flags().Float64Var(&std, "noise-std", 0, "standard deviation of the noise of each real number, in the data's unit (required)")
	_ = c.MarkFlagRequired("data")
	_ = c.MarkFlagRequired("noise-std")
	return c
}
