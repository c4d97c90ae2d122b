package contract_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/waveprior/waveprior/core/config"
	"github.com/waveprior/waveprior/core/contract"
)

func TestDescriptionCheck(t *testing.T) {
	sound := func() contract.Description {
		return contract.Description{
			Kind: contract.KindSampler, Name: "walk-2", Contract: contract.Version,
			Options:      []config.Option{{Name: "variant", Type: config.String, Doc: "Which.", Default: []byte(`"full"`), Allowed: []string{"full", "short"}}},
			Capabilities: []contract.Capability{"of-next-year"},
			Needs:        []contract.Need{{Service: "prior", Capability: contract.CapDenoise, Option: "variant", Value: "full"}, {Service: "physics"}},
		}
	}
	if d := sound(); d.Check() != nil {
		t.Fatal(d.Check())
	}
	for name, c := range map[string]struct {
		change func(d *contract.Description)
		want   string
	}{
		"kind":            {func(d *contract.Description) { d.Kind = "walker" }, `kind "walker" (allowed: solver, prior, sampler)`},
		"empty name":      {func(d *contract.Description) { d.Name = "" }, `name ""`},
		"name with path":  {func(d *contract.Description) { d.Name = "../x" }, `name "../x"`},
		"contract":        {func(d *contract.Description) { d.Contract = "waveprior.v0" }, `contract "waveprior.v0" (this host speaks "waveprior.v1")`},
		"option's type":   {func(d *contract.Description) { d.Options[0].Type = "strng" }, `option variant: option declared wrongly: unknown type "strng"`},
		"option's name":   {func(d *contract.Description) { d.Options[0].Name = "a b"; d.Needs = nil }, `is no bare key`},
		"default":         {func(d *contract.Description) { d.Options[0].Default = []byte(`"long"`) }, `default`},
		"default no JSON": {func(d *contract.Description) { d.Options[0].Default = []byte(`{`) }, `default`},
		"service":         {func(d *contract.Description) { d.Needs[0].Service = "priors" }, `a service "priors" (allowed: prior, physics, decoder)`},
		"need's option":   {func(d *contract.Description) { d.Needs[0].Option = "varaint" }, `the option "varaint", which it has not`},
	} {
		d := sound()
		c.change(&d)
		err := d.Check()
		if err == nil || !errors.Is(err, contract.ErrInternal) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}
