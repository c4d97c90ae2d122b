package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/host/experiment"
	"github.com/waveprior/waveprior/host/progress"
	hostrun "github.com/waveprior/waveprior/host/run"
	"github.com/waveprior/waveprior/host/session"
	"github.com/waveprior/waveprior/host/stage"
)

// common are the flags of the commands that start plugins.
type common struct {
	cache  string
	attach []string
	set    []string
	quiet  bool
}

func (f *common) flags(c *cobra.Command) {
	f.solverFlags(c)
	c.Flags().StringVar(&f.cache, "cache", "", "folder of the stage cache (default $WAVEPRIOR_CACHE, else waveprior in the user's cache folder)")
}

// solverFlags are those of a command without a cache.
func (f *common) solverFlags(c *cobra.Command) {
	c.Flags().StringArrayVar(&f.attach, "attach", nil, "join a plugin that runs already, KIND=ADDRESS (solver=unix:/path), instead of starting one")
	c.Flags().StringArrayVar(&f.set, "set", nil, "set a key of the file, KEY=VALUE as in TOML (sampler.chains=8)")
	c.Flags().BoolVarP(&f.quiet, "quiet", "q", false, "no progress")
}

func (f *common) cacheDir() (string, error) {
	if f.cache != "" {
		return f.cache, nil
	}
	if dir := os.Getenv("WAVEPRIOR_CACHE"); dir != "" {
		return dir, nil
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no cache folder (%w): name one with --cache or WAVEPRIOR_CACHE", err)
	}
	return filepath.Join(dir, "waveprior"), nil
}

func (f *common) reporter() *progress.Reporter {
	if f.quiet {
		return nil
	}
	return progress.New(os.Stderr)
}

// session starts the processes' owner; attached plugins replace those of their kind.
func (f *common) session(r *progress.Reporter) (*session.Session, error) {
	attach := map[contract.Kind]string{}
	for _, a := range f.attach {
		kind, addr, ok := strings.Cut(a, "=")
		k := contract.Kind(kind)
		if !ok || k != contract.KindSolver && k != contract.KindPrior && k != contract.KindSampler {
			return nil, &exitError{exitInput, fmt.Errorf("--attach %s: want solver=ADDRESS, prior=ADDRESS or sampler=ADDRESS", a)}
		}
		attach[k] = addr
	}
	return session.New(session.Options{Log: r.Logf, Attach: attach})
}

// load reads an experiment and applies its [run] table to the session.
func (f *common) load(ctx context.Context, path string, s *session.Session) (*experiment.Experiment, error) {
	e, err := experiment.Load(ctx, path, f.set, s)
	if err != nil {
		return nil, &exitError{exitInput, err}
	}
	s.CallLimit = time.Duration(e.Run.CallLimitS * float64(time.Second))
	s.Restarts = e.Run.Restarts
	return e, nil
}

func newRun() *cobra.Command {
	var f common
	var out string
	var force, strict, noClaims, noFigures bool
	c := &cobra.Command{
		Use:   "run FILE.toml",
		Short: "Run an experiment, or go on with it; ends with the path of the report",
		Long: `run carries an experiment out: data, train, observe, sample, judge, report. Every stage is kept in the cache and
used again by whatever needs the same; interrupted runs go on where they were, to the same bits. The run folder
(runs/NAME) holds the resolved lock file, the manifest, arrays, metrics.json, figures and report.html.

Beside FILE.toml may stand FILE.expected.toml with claims; run judges them, shows them in the report, and exits with 3
if one does not hold (--no-claims: exits with 0).

Exit codes: 0 done, 1 failed, 2 bad input (nothing was started), 3 a claim does not hold, 130 interrupted.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			r := f.reporter()
			s, err := f.session(r)
			if err != nil {
				return err
			}
			defer s.Close()
			r.Logf("waveprior %s: reading %s", version, args[0])
			e, err := f.load(c.Context(), args[0], s)
			if err != nil {
				return err
			}
			dir := out
			if dir == "" {
				dir = filepath.Join("runs", e.Name)
			}
			cache, err := f.cacheDir()
			if err != nil {
				return err
			}
			res, err := hostrun.Run(c.Context(), hostrun.Options{
				Experiment: e, Dir: dir, Cache: &stage.Cache{Dir: cache, Log: r.Logf}, Session: s, Progress: r, StrictCache: strict, Force: force, NoFigures: noFigures, Version: version,
			})
			if errors.Is(err, hostrun.ErrRunDir) || errors.Is(err, hostrun.ErrFolder) {
				return &exitError{exitInput, err}
			}
			if err != nil {
				return err
			}
			failed := 0
			for _, claim := range res.Claims {
				if claim.OK {
					continue
				}
				failed++
				fmt.Fprintf(os.Stderr, "claim does not hold: %s (%s): expected %s, observed %s\n", claim.Text, claim.Source, claim.Expected, claim.Observed)
				for _, text := range claim.Failures {
					fmt.Fprintf(os.Stderr, "  %s\n", text)
				}
			}
			if n := len(res.Claims); n > 0 {
				fmt.Fprintf(os.Stderr, "%d of %d claims hold\n", n-failed, n)
			}
			fmt.Fprintln(c.OutOrStdout(), filepath.Join(dir, "report.html"))
			if failed > 0 && !noClaims {
				return &exitError{exitClaims, fmt.Errorf("%d of %d claims do not hold", failed, len(res.Claims))}
			}
			return nil
		},
	}
	f.flags(c)
	c.Flags().StringVarP(&out, "out", "o", "", "run folder (default runs/NAME)")
	c.Flags().BoolVar(&force, "force", false, "use a run folder that belongs to something else")
	c.Flags().BoolVar(&strict, "strict-cache", false, "take stages from the cache only if the same plugin binaries computed them")
	c.Flags().BoolVar(&noClaims, "no-claims", false, "exit with 0 even if claims do not hold")
	c.Flags().BoolVar(&noFigures, "no-figures", false, "draw nothing: arrays, numbers and a report of them alone")
	return c
}
