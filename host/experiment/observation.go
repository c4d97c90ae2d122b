package experiment

import (
	"fmt"

	"github.com/waveprior/waveprior/core/config"
	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/npy"
)

func (l *loader) observation(tree map[string]any, c *draft, out map[string]any) error {
	path := config.Path{"observation"}
	table, err := sub(l, tree, "observation")
	if err != nil {
		return err
	}
	opts, err := config.Table(Observation{})
	if err != nil {
		return err
	}
	if c.DataAdapt, table, err = l.adapters(table, path, c); err != nil {
		return err
	}
	own := map[string]any{}
	for k, v := range table {
		if k != "solver" {
			own[k] = v
		}
	}
	truth, isRule := own["truth"].(map[string]any)
	if isRule {
		delete(own, "truth")
	}
	resolved, err := config.Resolve(opts, own)
	if err != nil {
		return l.locate(err, path, c.moved)
	}
	var o Observation
	if err := config.DecodeTree(resolved, &o); err != nil {
		return l.locate(err, path, c.moved)
	}
	switch {
	case isRule && truth["rule"] == RuleDrawn:
		if o.Drawn, resolved["truth"], err = l.drawn(truth, c); err != nil {
			return err
		}
		o.Truth = RuleDrawn
	case isRule:
		if o.Rule, resolved["truth"], err = l.rule(truth, c); err != nil {
			return err
		}
		o.Truth = o.Rule.Name
	}
	bad := func(key, format string, args ...any) error {
		return l.locate(&config.KeyError{Path: config.Path{key}, Text: fmt.Sprintf(format, args...)}, path, c.moved)
	}
	if (o.Noise == nil) == (o.NoiseStd == nil) {
		return bad("noise", "give either noise (relative to max |d|) or noise_std (in the data's unit)")
	}
	for key, v := range map[string]*float64{"noise": o.Noise, "noise_std": o.NoiseStd} { // one of the two is given
		if v != nil && *v == 0 {
			return bad(key, "must be above 0: the likelihood needs a noise level (add_noise = false leaves the data exact)")
		}
	}
	if o.Noise != nil && o.Truth == "data" {
		return bad("noise", "observed data come with a noise_std of their own")
	}
	if key, text := o.misplaced(table); key != "" {
		return bad(key, "%s", text)
	}
	if o.Truth == "data" {
		o.AddNoise, resolved["add_noise"] = false, false
	}
	for _, need := range []struct {
		key  string
		have bool
		n    int
	}{{"model", o.Model != nil, length(o.Model)}, {"data", o.Data != nil, length(o.Data)}, {"index", len(o.Index) > 0, len(o.Index)}} {
		if need.have && need.n > 0 {
			if _, given := table["count"]; given && o.Count != need.n {
				return bad("count", "is %d, but %d are given", o.Count, need.n)
			}
			o.Count = need.n
			resolved["count"] = int64(need.n)
		}
	}
	switch {
	case o.Truth == "held-out" && (c.Data == nil || c.Data.HeldOut < o.Count):
		have := 0
		if c.Data != nil {
			have = c.Data.HeldOut
		}
		return bad("truth", "held-out truths: count = %d, but prior.data.held_out = %d", o.Count, have)
	case o.Truth == "training" && c.Data == nil:
		return bad("truth", "training truths need [prior.data]")
	case o.Truth == "prior" && c.Prior == nil:
		return bad("truth", "draws of the prior need a [prior]")
	case o.Truth == "prior" && !c.Prior.Description.Has(contract.CapMixture):
		return fmt.Errorf("%w: %w", bad("truth", "\"prior\" needs prior capability %s; prior %s has: %s", contract.CapMixture, c.Prior.Ref.Name, list(c.Prior.Description.Capabilities)), contract.ErrUnsupported)
	}
	if o.File != nil {
		f, err := l.rel(*o.File)
		if err == nil {
			_, err = npy.ReadHeader(f)
		}
		if err == nil && o.Truth == "data" {
			o.DataSum, err = l.sum(f)
		}
		if err != nil {
			return bad("file", "%v", err)
		}
		o.File = &f
		resolved["file"] = f
	}
	c.Observation = &o
	if _, ok := table["solver"]; ok {
		p, err := l.solver(table, config.Path{"observation", "solver"}, c, resolved)
		if err != nil {
			return err
		}
		c.ObsSolver = p
	}
	if len(c.DataAdapt) > 0 {
		resolved["adapt"] = tables(c.DataAdapt)
	}
	out["observation"] = resolved
	return nil
}

// misplaced names a key that does not go with the truth, with the reason; "" where there is none. table is [observation] as it
// stands.
func (o *Observation) misplaced(table map[string]any) (key, text string) {
	simulated := fmt.Sprintf("and truth is %q, whose data are simulated", o.Truth)
	_, noise := table["add_noise"]
	_, solver := table["solver"]
	switch given := o.Truth == "data"; {
	case (o.Truth == "model") != (o.Model != nil):
		return "model", fmt.Sprintf("goes with truth = \"model\", and truth is %q", o.Truth)
	case o.Data != nil && o.File != nil:
		return "file", "data and file are both given, allowed is one of them"
	case o.Data != nil && !given:
		return "data", "goes with truth = \"data\", " + simulated
	case o.File != nil && !given && o.Truth != "file":
		return "file", "goes with truth = \"file\" (true models) or \"data\" (observed data), " + simulated
	case o.Truth == "file" && o.File == nil:
		return "file", "goes with truth = \"file\": the path of a file of models is missing"
	case given && o.Data == nil && o.File == nil:
		return "data", "truth = \"data\" needs the observed data: data = [[...]], or file = \"gathers.npy\""
	case len(o.Index) > 0 && o.File == nil:
		return "index", "says which items of a file are the observations, and there is no file"
	case given && noise && o.AddNoise:
		return "add_noise", "given data have their own noise: none is added (add_noise = false, or leave it out)"
	case given && solver:
		return "solver", "makes the data of a truth, and truth is \"data\": nothing is simulated"
	}
	return "", ""
}

func length(v *[][]float64) int {
	if v == nil {
		return 0
	}
	return len(*v)
}
