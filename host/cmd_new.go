package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/host/scaffold"
)

func newPluginNew() *cobra.Command {
	var kind, lang string
	c := &cobra.Command{
		Use:   "new NAME [FOLDER] --kind solver|prior|sampler --lang go|python",
		Short: "Write a small working plugin to start from",
		Long: `new writes a plugin that builds, runs and passes waveprior plugin check: its options, its mathematics and its tests are
there to be replaced. In Go any kind; in Python a solver. FOLDER defaults to NAME.`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(c *cobra.Command, args []string) error {
			dir := args[0]
			if len(args) == 2 {
				dir = args[1]
			}
			err := scaffold.New(contract.Kind(kind), lang, args[0], dir)
			if errors.Is(err, scaffold.ErrRefused) {
				return &exitError{exitInput, err}
			}
			if err != nil {
				return err
			}
			fmt.Fprintf(c.OutOrStdout(), "%s: a %s in %s; its README.md says how to build and check it\n", dir, kind, lang)
			return nil
		},
	}
	c.Flags().StringVar(&kind, "kind", "solver", "solver, prior or sampler")
	c.Flags().StringVar(&lang, "lang", "go", "go or python")
	return c
}
