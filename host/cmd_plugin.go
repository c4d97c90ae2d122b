package main

import (
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/waveprior/waveprior/core/config"
	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/plugin"
	"github.com/waveprior/waveprior/host/session"
)

func newPlugin() *cobra.Command {
	c := &cobra.Command{
		Use:   "plugin",
		Short: "List, check and make plugins",
		Long: `Plugins are binaries called waveprior-KIND-NAME (kinds: solver, prior, sampler), looked up in the experiment's path,
then in the folders of $WAVEPRIOR_PLUGINS, then beside waveprior itself, then in PATH. Those that compute on GPUs are
called waveprior-KIND-NAME-cuda; device = "cuda:0" in the experiment takes them.`,
	}
	c.AddCommand(newPluginList(), newPluginCheck(), newPluginNew())
	return c
}

func newPluginList() *cobra.Command {
	var options bool
	c := &cobra.Command{
		Use:   "list [NAME]",
		Short: "List the plugins that are here; with a name or --options also their options",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			s, err := session.New(session.Options{})
			if err != nil {
				return err
			}
			defer s.Close()
			found := session.List()
			out := c.OutOrStdout()
			if len(found) == 0 {
				fmt.Fprintln(out, "no plugins beside waveprior, in $WAVEPRIOR_PLUGINS or in PATH; make build puts them into bin/")
				return nil
			}
			w := tabwriter.NewWriter(out, 2, 4, 2, ' ', 0)
			if len(args) == 0 && !options {
				fmt.Fprintln(w, "KIND\tNAME\tDEVICE\tVERSION\tNUMERICS\tCAPABILITIES\tPATH")
			}
			shown := 0
			for _, f := range found {
				if len(args) == 1 && f.Name != args[0] {
					continue
				}
				shown++
				device := contract.DeviceKind(f.Device)
				d, err := s.Describe(c.Context(), f)
				if err != nil {
					how := "broken"
					if errors.Is(err, plugin.ErrNoCUDA) {
						how = "cannot start here"
					}
					fmt.Fprintf(w, "%s\t%s\t%s\t-\t-\t%s: %v\t%s\n", f.Kind, f.Name, device, how, strings.ReplaceAll(err.Error(), "\n", " "), f.Path)
					continue
				}
				if len(args) == 0 && !options {
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", f.Kind, f.Name, device, d.Version, d.Numerics, capabilities(d), f.Path)
					continue
				}
				fmt.Fprintf(w, "%s %s %s on %s, numerics %s (%s)\n\n%s\n\n", f.Kind, f.Name, d.Version, device, d.Numerics, f.Path, d.Doc)
				fmt.Fprintf(w, "capabilities: %s\n", capabilities(d))
				for _, n := range d.Needs {
					fmt.Fprintf(w, "needs: %s\n", need(n))
				}
				fmt.Fprintf(w, "\n%s\n", config.Help(d.Options))
			}
			if len(args) == 1 && shown == 0 {
				return &exitError{exitInput, fmt.Errorf("no plugin called %q; waveprior plugin list shows those that are here", args[0])}
			}
			return w.Flush()
		},
	}
	c.Flags().BoolVar(&options, "options", false, "show every plugin's options")
	return c
}

func capabilities(d contract.Description) string {
	if len(d.Capabilities) == 0 {
		return "-"
	}
	s := make([]string, len(d.Capabilities))
	for i, c := range d.Capabilities {
		s[i] = string(c)
	}
	return strings.Join(s, ", ")
}

func need(n contract.Need) string {
	s := n.Service
	if n.Capability != "" {
		s += " with capability " + string(n.Capability)
	}
	if n.Option != "" {
		s += fmt.Sprintf(" where %s = %q", n.Option, n.Value)
	}
	return s
}
