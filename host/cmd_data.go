package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/waveprior/waveprior/core/commit"
	"github.com/waveprior/waveprior/core/config"
	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/openfwi"
	"github.com/waveprior/waveprior/host/experiment"
	"github.com/waveprior/waveprior/host/pairs"
)

func newData() *cobra.Command {
	c := &cobra.Command{
		Use:   "data",
		Short: "Make sets of models and data in OpenFWI's layout, and look at such files",
	}
	c.AddCommand(newGenerate(), newLook())
	return c
}

func newGenerate() *cobra.Command {
	var f common
	var out string
	table, err := experiment.PairsTable()
	if err != nil {
		panic(err) // a mistake in the tags of a struct
	}
	c := &cobra.Command{
		Use:   "generate FILE.toml...",
		Short: "Make models of an OpenFWI family, and their data by a solver, as files in the published layout",
		Long: `generate draws velocity maps of one of the ten 2-D families of OpenFWI and, where FILE.toml has a [solver], computes the
data of each. The files have the published names and shapes: model/model1.npy (500, 1, 70, 70) and data/data1.npy
(500, 5, 1000, 70) for Vel and Style, vel2_1_0.npy and seis2_1_0.npy for Fault, vp_1.npy, vs_1.npy, data_x_1.npy and
data_z_1.npy for elastic sets. Beside them lies pairs.json, which says what the set is.

Interrupt it anywhere, or lose the machine: the same command goes on with the file that it was at. Files appear whole, by
rename, and the set has the same bits for any number of workers and interruptions. Sample i is the same for every count.

  waveprior data generate experiments/data/flatvel-a.toml
  waveprior data generate experiments/data/*.toml --set count=20000 --set solver.workers=4
  waveprior data look data/flatvel-a/model/model1.npy

Keys of FILE.toml:

` + config.Help(table) + `
[solver] has the keys of an experiment's: plugin, workers, threads, device, and the plugin's own (docs/plugins).`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if out != "" && len(args) > 1 {
				return &exitError{exitInput, fmt.Errorf("--out %s for %d files: each set has a folder of its own", out, len(args))}
			}
			var all []*experiment.Pairs
			r := f.reporter()
			s, err := f.session(r)
			if err != nil {
				return err
			}
			defer s.Close()
			for _, path := range args { // all of them are read before anything is made
				p, err := experiment.LoadPairs(c.Context(), path, f.set, s)
				if err != nil {
					return &exitError{exitInput, err}
				}
				all = append(all, p)
			}
			folders := map[string]string{}
			for i, p := range all {
				dir := p.Out
				switch {
				case out != "":
					dir = out
				case dir == "":
					dir = filepath.Join("data", p.Name)
				}
				if other, ok := folders[filepath.Clean(dir)]; ok {
					return &exitError{exitInput, fmt.Errorf("%s and %s both write to %s: give them different names", other, args[i], dir)}
				}
				folders[filepath.Clean(dir)], p.Out = args[i], dir
			}
			for _, p := range all {
				res, err := pairs.Generate(c.Context(), pairs.Options{Pairs: p, Dir: p.Out, Session: s, Progress: r})
				if errors.Is(err, pairs.ErrFolder) || errors.Is(err, contract.ErrInvalidOption) {
					return &exitError{exitInput, err}
				}
				if err != nil {
					return fmt.Errorf("%s: %w", p.Name, err)
				}
				fmt.Fprintf(c.OutOrStdout(), "%s: %d samples in %d files%s\n", p.Out, res.Samples, res.Files, made(res))
			}
			return nil
		},
	}
	f.solverFlags(c)
	c.Flags().StringVarP(&out, "out", "o", "", "folder to write (default: the file's key out, else data/NAME)")
	return c
}

// made says what of a set was made now.
func made(res *pairs.Result) string {
	switch {
	case res.Made == 0:
		return ", all there"
	case res.Seconds < 0.01:
		return ""
	}
	return fmt.Sprintf("; made %d in %s, %.3g/s", res.Made, time.Duration(res.Seconds*float64(time.Second)).Round(10*time.Millisecond), float64(res.Made)/res.Seconds)
}

func newLook() *cobra.Command {
	var o pairs.LookOptions
	var kind, out string
	c := &cobra.Command{
		Use:   "look FILE.npy",
		Short: "Draw a contact sheet of some samples of a file of models or of gathers",
		Long: `look draws models (samples, 1, z, x) or (samples, z, x) as maps with one colour bar, and data (samples, shots, time,
receivers) as gathers whose colours end at the 95th percentile. Files may be float16, float32 or float64 and of any length: only
what is shown is read. What a file holds is taken from its name, else from its shape (--kind says otherwise).

  waveprior data look data/flatvel-a/model/model1.npy --count 24
  waveprior data look data/flatvel-a/data/data1.npy --first 3 -o gathers.png`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			switch o.Kind = openfwi.Kind(kind); o.Kind {
			case openfwi.Model, openfwi.Data, openfwi.Unknown:
			default:
				return &exitError{exitInput, fmt.Errorf("--kind %s (allowed: model, data)", kind)}
			}
			for _, f := range []string{"spacing", "step"} {
				if v, _ := c.Flags().GetFloat64(f); c.Flags().Changed(f) && !(v > 0 && v < 1e9) {
					return &exitError{exitInput, fmt.Errorf("--%s %g must be above 0", f, v)}
				}
			}
			sheet, err := pairs.Look(args[0], o)
			if err != nil {
				return &exitError{exitInput, err}
			}
			png, err := sheet.Figure.PNG()
			if err != nil {
				return err
			}
			if out == "" {
				out = strings.TrimSuffix(filepath.Base(args[0]), ".npy") + ".png"
			}
			if err := commit.WriteFileSize(out, int64(len(png)), func(w io.Writer) error {
				_, err := w.Write(png)
				return err
			}); err != nil {
				return err
			}
			fmt.Fprintf(c.OutOrStdout(), "%s\n%s\n", sheet.Summary, out)
			return nil
		},
	}
	c.Flags().StringVar(&kind, "kind", "", "what the file holds: model or data (default: by its name, else its shape)")
	c.Flags().IntVar(&o.First, "first", 0, "first sample shown")
	c.Flags().IntVar(&o.Count, "count", 0, "samples shown (default 12 models, or the gathers of 1)")
	c.Flags().Float64Var(&o.Spacing, "spacing", 0, "spacing of cells or receivers in m (default: as the set's pairs.json says, else 10)")
	c.Flags().Float64Var(&o.Step, "step", 0, "time step in s (default: as the set's pairs.json says, else 0.001)")
	c.Flags().StringVarP(&out, "out", "o", "", "PNG file to write (default: the file's name, here)")
	return c
}
