package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/waveprior/waveprior/core/config"
	"github.com/waveprior/waveprior/core/plugin"
	"github.com/waveprior/waveprior/core/plugintest"
	"github.com/waveprior/waveprior/host/experiment"
	hostrun "github.com/waveprior/waveprior/host/run"
	"github.com/waveprior/waveprior/host/session"
	"github.com/waveprior/waveprior/host/stage"
)

func newPluginCheck() *cobra.Command {
	var f common
	var from, problem string
	var limit time.Duration
	var seed uint64
	var verbose bool
	c := &cobra.Command{
		Use:   "check [KIND/NAME | NAME | PATH]... [--from FILE.toml] [--problem FILE.toml]",
		Short: "Check that plugins keep the contract; names every property",
		Long: `check runs the conformance suite of a plugin's kind on it, in a process of its own, in whatever language it is
written: spaces and options, derivatives (dot product, Taylor), independence of the batch to the last bit, item statuses,
errors, restarts, answers in time, nothing on stdout. Every property is named with what was found.

A plugin whose options have no defaults gets them by --set (map = "cubic") or from an experiment by --from, or from there
with some of them changed by --set (train.steps = 100). A prior gets the experiment's training set too, made if need be.
--problem checks the composed problem of an experiment's first cell, from latent vector to data, training included.
A build for GPUs is NAME-cuda (or its path): the suite runs on the first GPU, and where the machine has none the build is
passed over. Without arguments and flags every plugin that is here and needs no options is checked.`,
		RunE: func(c *cobra.Command, args []string) error {
			o := plugintest.Options{Seed: seed, CallLimit: limit}
			failed := 0
			show := func(title string, list []plugintest.Property) error {
				bad := plugintest.Failed(list)
				failed += len(bad)
				fmt.Fprintln(c.OutOrStdout(), title)
				if err := plugintest.Write(c.OutOrStdout(), list, verbose); err != nil {
					return err
				}
				fmt.Fprintln(c.OutOrStdout())
				return nil
			}
			refs, err := targets(args, problem == "")
			if err != nil {
				return &exitError{exitInput, err}
			}
			for _, ref := range refs {
				list, err := f.checkOne(c.Context(), ref, from, len(args) == 0, o)
				if len(args) == 0 && errors.Is(err, plugin.ErrNoCUDA) {
					fmt.Fprintf(c.OutOrStdout(), "%s %s-cuda: not checked: %v\n\n", ref.Kind, ref.Name, err)
					continue
				}
				if err != nil {
					return &exitError{exitInput, err}
				}
				if list == nil {
					fmt.Fprintf(c.OutOrStdout(), "%s %s: not checked, it has options without a default: name it with --set or --from\n\n", ref.Kind, ref.Name)
					continue
				}
				on := ""
				if ref.Device != "" {
					on = " on " + ref.Device
				}
				if err := show(fmt.Sprintf("%s %s%s (%s)", ref.Kind, ref.Name, on, ref.Path), list); err != nil {
					return err
				}
			}
			if problem != "" {
				list, err := f.checkProblem(c.Context(), problem, o)
				if err != nil {
					return err
				}
				if err := show("problem "+problem, list); err != nil {
					return err
				}
			}
			if failed > 0 {
				return fmt.Errorf("%d properties do not hold", failed)
			}
			return nil
		},
	}
	f.flags(c)
	c.Flags().StringVar(&from, "from", "", "take the plugin's options, and a prior's training set, from this experiment")
	c.Flags().StringVar(&problem, "problem", "", "check the composed problem of this experiment's first cell")
	c.Flags().DurationVar(&limit, "limit", 30*time.Second, "time that one call may take")
	c.Flags().Uint64Var(&seed, "seed", 1, "seed of everything drawn")
	c.Flags().BoolVarP(&verbose, "verbose", "v", false, "say of every property what must hold")
	return c
}

// targets finds the binaries that are meant.
func targets(args []string, all bool) ([]session.Ref, error) {
	found := session.List()
	if len(args) == 0 && all {
		if found == nil {
			return nil, errors.New("no plugins are here; make build puts them into bin/")
		}
		return found, nil
	}
	var refs []session.Ref
	for _, a := range args {
		kind, name, both := strings.Cut(a, "/")
		if !both {
			kind, name = "", a
		}
		n := 0
		for _, p := range found {
			if (kind == "" || string(p.Kind) == kind) && strings.TrimPrefix(session.BuildName(p), string(p.Kind)+"-") == name {
				refs = append(refs, p)
				n++
			}
		}
		if n > 0 {
			continue
		}
		if _, err := os.Stat(a); err != nil {
			return nil, fmt.Errorf("no plugin called %s (waveprior plugin list shows those that are here), and no such file", a)
		}
		path, err := filepath.Abs(a)
		if err != nil {
			return nil, err
		}
		ref, err := session.FileRef(path)
		if err != nil {
			return nil, err
		}
		refs = append(refs, ref)
	}
	return refs, nil
}

// checkOne returns nil without an error for a plugin that needs options where skip is set.
func (f *common) checkOne(ctx context.Context, ref session.Ref, from string, skip bool, o plugintest.Options) ([]plugintest.Property, error) {
	o.Name = ref.Name
	if from != "" {
		if err := f.takeFrom(ctx, ref, from, &o); err != nil {
			return nil, err
		}
	}
	if len(f.set) > 0 {
		doc, err := config.Parse("--set", []byte(strings.Join(f.set, "\n")))
		if err != nil {
			return nil, err
		}
		tree := map[string]any{}
		if o.Options != nil {
			if tree, err = config.ParseJSON(o.Options); err != nil {
				return nil, err
			}
		}
		for _, key := range slices.Sorted(maps.Keys(doc.Tree)) {
			if tree, err = config.Override(tree, key, doc.Tree[key]); err != nil {
				return nil, err
			}
		}
		o.Options = config.Canonical(tree)
	}
	o.Device = ref.Device
	if unset := o.Options == nil && skip; unset || o.Device != "" {
		s, err := session.New(session.Options{})
		if err != nil {
			return nil, err
		}
		d, err := s.Describe(ctx, ref)
		s.Close()
		if err != nil {
			return nil, err
		}
		if unset && slices.ContainsFunc(d.Options, func(opt config.Option) bool { return opt.Required() }) {
			return nil, nil
		}
	}
	if o.Options == nil {
		o.Options = json.RawMessage("{}")
	}
	return plugintest.Check(ctx, ref.Kind, plugintest.Process(ref.Path, plugintest.ProcessOptions{}), o), nil
}

// takeFrom takes the plugin's options from an experiment, and for a prior its solver's spaces and its training set.
func (f *common) takeFrom(ctx context.Context, ref session.Ref, from string, o *plugintest.Options) error {
	r := f.reporter()
	s, err := f.session(r)
	if err != nil {
		return err
	}
	defer s.Close()
	e, err := experiment.Load(ctx, from, nil, s)
	if err != nil {
		return err
	}
	c, p := pluginOf(e, ref)
	if p == nil {
		return fmt.Errorf("%s uses no %s %s", from, ref.Kind, ref.Name)
	}
	o.Options = p.OptionsJSON()
	if p != c.Prior || c.Data == nil {
		return nil
	}
	dir, err := f.cacheDir()
	if err != nil {
		return err
	}
	o.Target, o.Dataset, err = hostrun.PriorData(ctx, hostrun.Options{Experiment: e, Cache: &stage.Cache{Dir: dir, Log: r.Logf}, Session: s, Progress: r}, c)
	return err
}

// pluginOf finds the first cell that uses a plugin.
func pluginOf(e *experiment.Experiment, ref session.Ref) (*experiment.Cell, *experiment.Plugin) {
	for i := range e.Cells {
		c := &e.Cells[i]
		for _, p := range []*experiment.Plugin{&c.Solver, c.Prior, c.ObsSolver, c.Sampler} {
			if p != nil && p.Ref.Kind == ref.Kind && p.Ref.Name == ref.Name {
				return c, p
			}
		}
	}
	return nil, nil
}

// checkProblem checks the composed problem of an experiment's first cell.
func (f *common) checkProblem(ctx context.Context, path string, o plugintest.Options) ([]plugintest.Property, error) {
	r := f.reporter()
	s, err := f.session(r)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	e, err := f.load(ctx, path, s)
	if err != nil {
		return nil, err
	}
	dir, err := f.cacheDir()
	if err != nil {
		return nil, err
	}
	p, latents, err := hostrun.Problem(ctx, hostrun.Options{Experiment: e, Cache: &stage.Cache{Dir: dir, Log: r.Logf}, Session: s, Progress: r}, &e.Cells[0])
	if err != nil {
		return nil, err
	}
	o.Models = latents
	return plugintest.CheckProblem(ctx, p, o), nil
}
