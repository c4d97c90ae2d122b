// Command waveprior runs experiments: Bayesian inversion of waves with learned priors, with solvers, priors and samplers
// that are plugins.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/waveprior/waveprior/core/config"
	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/plugin"
)

// version is set by the build: -ldflags "-X main.version=...".
var version = "dev"

// exit codes: 1 a run that failed, 2 bad input (nothing was started), 3 claims that do not hold, 130 interrupted.
const (
	exitFailed      = 1
	exitInput       = 2
	exitClaims      = 3
	exitInterrupted = 130
)

// exitError carries an exit code.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

func main() {
	os.Exit(run(os.Args[1:]))
}

func run(args []string) int {
	plugin.EaseCollector()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := newRoot()
	root.SetArgs(args)
	begun := false
	onRun(root, func() { begun = true })
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	if !begun { // an unknown command, arguments or flags that are missing
		err = &exitError{exitInput, err}
	}
	fmt.Fprintf(os.Stderr, "waveprior: %v\n", err)
	var coded *exitError
	var located *config.Error
	switch {
	case errors.As(err, &coded):
		return coded.code
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(os.Stderr, "waveprior: interrupted; the same command goes on from here")
		return exitInterrupted
	case errors.As(err, &located), errors.Is(err, contract.ErrInvalidOption), errors.Is(err, contract.ErrUnsupported):
		return exitInput
	}
	return exitFailed
}

// onRun has begin called before any command does its own work.
func onRun(c *cobra.Command, begin func()) {
	if f := c.RunE; f != nil {
		c.RunE = func(c *cobra.Command, args []string) error {
			begin()
			return f(c, args)
		}
	}
	for _, sub := range c.Commands() {
		onRun(sub, begin)
	}
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "waveprior",
		Short: "Bayesian inversion of waves with learned priors",
		Long: `waveprior runs experiments in Bayesian inversion of waves with learned priors. An experiment is a TOML file that
names a solver (the physics), a prior (what earth models look like) and a sampler (how samples are drawn), each a
plugin, and says what is observed and what is judged.

  waveprior run experiments/quickstart.toml      run it; the last line is the path of the report
  waveprior plan experiments/quickstart.toml     resolve it and show its cells, nothing is run
  waveprior plugin list                          the plugins that are here, and their options
`,
		SilenceUsage: true, SilenceErrors: true, Version: versionText(),
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &exitError{exitInput, err} })
	root.AddCommand(newRun(), newPlan(), newCompare(), newForward(), newGradient(), newData(), newPlugin(), newVersion())
	return root
}

func versionText() string {
	v := version
	if info, ok := debug.ReadBuildInfo(); ok {
		v += " (" + info.GoVersion + ", contract " + contract.Version + ")"
	}
	return v
}

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		Run: func(c *cobra.Command, _ []string) { fmt.Fprintln(c.OutOrStdout(), "waveprior", versionText()) },
	}
}
