package contract

import (
	"errors"
	"fmt"
	"regexp"

	"github.com/waveprior/waveprior/core/config"
)

// nameRE is what a plugin may be called: its name is a TOML value, a folder and part of a file's name.
var nameRE = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`)

// Check judges a description that came from a plugin: its kind, name and contract, its option table (config.Check), and that
// its needs name services and options that there are. Capabilities that this version does not know are let be: a newer
// plugin may have them. The error names the plugin, joins all that is wrong, and wraps ErrInternal.
func (d *Description) Check() error {
	var errs []error
	bad := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("%s %s: its description is wrong: %s: %w", d.Kind, d.Name, fmt.Sprintf(format, args...), ErrInternal))
	}
	if d.Kind != KindSolver && d.Kind != KindPrior && d.Kind != KindSampler {
		bad("kind %q (allowed: solver, prior, sampler)", d.Kind)
	}
	if !nameRE.MatchString(d.Name) {
		bad("name %q (allowed: lower-case letters, digits, - and _, at most 64)", d.Name)
	}
	if d.Contract != Version {
		bad("contract %q (this host speaks %q)", d.Contract, Version)
	}
	if err := config.Check(d.Options); err != nil {
		for _, e := range config.All(err) {
			bad("option %v", e)
		}
	}
	options := map[string]bool{"": true}
	for _, o := range d.Options {
		options[o.Name] = true
	}
	for _, n := range d.Needs {
		if n.Service != "prior" && n.Service != "physics" && n.Service != "decoder" {
			bad("it needs a service %q (allowed: prior, physics, decoder)", n.Service)
		}
		if !options[n.Option] {
			bad("a need depends on the option %q, which it has not", n.Option)
		}
	}
	return errors.Join(errs...)
}
