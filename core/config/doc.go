// Package config reads experiments: strict TOML whose every error has a file, a line and a key, and the option tables
// that plugins describe themselves with.
//
// A plugin declares its options once, as a Go struct with tags. From it come the option table that travels to the host
// ([Table], [Option]), the text of --help and of the docs ([Help], [Markdown]), the defaults and the errors ([Resolve])
// and the decoding ([Decode]):
//
//	type Options struct {
//		Zeta  float64 `option:"zeta" default:"0.3" min:"0" unit:"1" doc:"guidance weight"`
//		Rule  string  `option:"rule" default:"full" oneof:"published,full" doc:"which gradient is taken"`
//		Quiet bool    `option:"quiet" default:"false" affects:"nothing" doc:"no progress lines"`
//	}
//
//	table, err := config.Table(Options{})           // the plugin's Describe
//	doc, err := config.Load("x.toml")               // the host
//	in, err := doc.Table(config.Path{"sampler"})
//	resolved, err := config.Resolve(table, in)
//	err = doc.Locate(err, config.Path{"sampler"})   // x.toml:12: sampler.zeta: must be >= 0, got -1
//	wire := config.Canonical(resolved)              // sent to the plugin, and hashed
//	var o Options
//	err = config.Decode(wire, &o)                   // the plugin's Configure
//
// Main types: [Option], [Path], [KeyError] (an error that knows its key), [Document] (a TOML file that knows the line of
// every key), [Error] (file, line, key, text). [Override] applies one value of a sweep, [Encode] writes lock files,
// [Without] leaves out of a stage's key what cannot change the stage's result.
//
// It is not a general TOML library (github.com/BurntSushi/toml does the parsing; this package finds lines), it knows no
// plugin, no stage order and no experiment: the host's own tables are Go structs like everyone's.
package config
