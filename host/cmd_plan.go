package main

import (
	"fmt"
	"os"
	"path/filepath"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/waveprior/waveprior/core/config"
	hostrun "github.com/waveprior/waveprior/host/run"
	"github.com/waveprior/waveprior/host/session"
	"github.com/waveprior/waveprior/host/stage"
)

func newPlan() *cobra.Command {
	var f common
	var lock bool
	c := &cobra.Command{
		Use:   "plan FILE.toml",
		Short: "Resolve an experiment and estimate its cost; nothing is run",
		Long: `plan reads an experiment as run does, lists its cells with what each stage needs (and what the cache has already),
and estimates time and memory. Of solvers in time it says what waves the grid carries: nodes per wavelength, the velocity
error of the scheme, how near the time step is to its limit, with a warning where that is too little. Plugins are started and configured, calls of the solver and of a trained prior are timed, and a
prior that is to be trained is trained for a few seconds, unless the cache knows how long it took; no stage is computed.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			s, err := f.session(nil)
			if err != nil {
				return err
			}
			defer s.Close()
			e, err := f.load(c.Context(), args[0], s)
			if err != nil {
				return err
			}
			if lock {
				b, err := config.Encode(e.LockTree(func(session.Ref) string { return "" }), "")
				if err != nil {
					return err
				}
				_, err = c.OutOrStdout().Write(b)
				return err
			}
			cache, err := f.cacheDir()
			if err != nil {
				return err
			}
			plans, err := hostrun.Plan(c.Context(), hostrun.Options{Experiment: e, Dir: filepath.Join("runs", e.Name), Cache: &stage.Cache{Dir: cache}, Session: s, Version: version})
			if err != nil {
				return err
			}
			fmt.Fprintf(c.OutOrStdout(), "%s: %d cells, run folder %s\n\n", e.Name, len(plans), filepath.Join("runs", e.Name))
			w := tabwriter.NewWriter(c.OutOrStdout(), 2, 4, 2, ' ', 0)
			fmt.Fprintln(w, "cell\tstage\tkey\tin the cache\twork\testimated time\tmemory")
			total, least, counted := 0.0, false, map[string]bool{}
			for _, p := range plans {
				for _, st := range p.Stages {
					label := p.Label
					if label == "" {
						label = "-"
					}
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", label, st.Stage, st.Key, yes(st.Cached), st.Work, st.Time(), st.Memory())
					if !st.Cached && !counted[st.Key] { // cells share stages
						total += st.Seconds
						least = least || st.AtLeast
						counted[st.Key] = st.Key != "?"
					}
				}
			}
			if err := w.Flush(); err != nil {
				return err
			}
			said := map[string]bool{} // cells share solvers
			for _, p := range plans {
				for _, text := range p.Notes {
					if !said[text] {
						fmt.Fprintf(c.OutOrStdout(), "\n%s\n", text)
						said[text] = true
					}
				}
			}
			for _, p := range plans {
				if text := p.Waves.String(); !said[text] {
					fmt.Fprintf(c.OutOrStdout(), "\n%s", text)
					said[text] = true
				}
			}
			text := hostrun.Seconds(total)
			if least {
				text = "over " + text + ": priors that are not trained yet could not be timed"
			}
			fmt.Fprintf(c.OutOrStdout(), "\nestimated for what is not in the cache, but for judging and the report: %s\n", text)
			return nil
		},
	}
	f.flags(c)
	c.Flags().BoolVar(&lock, "lock", false, "print the resolved experiment as a lock file instead")
	return c
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func newCompare() *cobra.Command {
	var out string
	c := &cobra.Command{
		Use:   "compare RUN...",
		Short: "Put the metrics and figures of several run folders side by side in one page",
		Args:  cobra.MinimumNArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			if err := hostrun.Compare(out, args); err != nil {
				if os.IsNotExist(err) {
					return &exitError{exitInput, err}
				}
				return err
			}
			fmt.Fprintln(c.OutOrStdout(), out)
			return nil
		},
	}
	c.Flags().StringVarP(&out, "out", "o", "compare.html", "page to write")
	return c
}
