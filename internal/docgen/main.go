// Command docgen writes the tables of the docs: a page for every plugin binary of a folder, as the plugin itself describes
// its options; and the tables between the markers of docs/experiments.md, docs/metrics.md and docs/data.md, as the host declares its own
// keys and the judge its metrics.
// `make docs` runs it, and `make check-generated` fails where what is committed differs.
//
//	go run ./internal/docgen -bin bin -docs docs
//
// It writes tables, not prose: what stands outside of the markers is left as it is.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/waveprior/waveprior/core/config"
	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/dataset"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/host/claims"
	"github.com/waveprior/waveprior/host/experiment"
	"github.com/waveprior/waveprior/host/judge"
)

func main() {
	bin := flag.String("bin", "bin", "folder of the plugin binaries")
	docs := flag.String("docs", "docs", "folder of the docs")
	flag.Parse()
	if err := run(*bin, *docs); err != nil {
		fmt.Fprintln(os.Stderr, "docgen:", err)
		os.Exit(1)
	}
}

func run(bin, docs string) error {
	if err := writePlugins(bin, filepath.Join(docs, "plugins")); err != nil {
		return err
	}
	tables, err := hostTables()
	if err != nil {
		return err
	}
	pairs, err := pairTables()
	if err != nil {
		return err
	}
	for page, tables := range map[string]map[string]string{"experiments.md": tables, "metrics.md": metricTables(), "data.md": pairs} {
		path := filepath.Join(docs, page)
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if text, err = fill(text, tables); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if err := os.WriteFile(path, text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// pairTables returns the table of files for `waveprior data generate`.
func pairTables() (map[string]string, error) {
	table, err := experiment.PairsTable()
	if err != nil {
		return nil, err
	}
	return map[string]string{"pairs": config.Markdown(table)}, nil
}

// metricTables returns the judge's metrics by block: what stands before the first dot of their keys.
func metricTables() map[string]string {
	tables := map[string]string{}
	cell := strings.NewReplacer("|", `\|`, "*", `\*`)
	for _, d := range judge.Docs {
		block, _, _ := strings.Cut(d.Key, ".")
		if tables[block] == "" {
			tables[block] = "| metric | unit | meaning |\n|---|---|---|\n"
		}
		tables[block] += fmt.Sprintf("| `%s` | %s | %s |\n", d.Key, cell.Replace(d.Unit), cell.Replace(d.Text))
	}
	return tables
}

// hostTables returns the tables of an experiment file's own keys by the name of their marker.
func hostTables() (map[string]string, error) {
	tables := map[string]string{}
	for name, keys := range map[string]any{
		"file": experiment.File{}, "solver": experiment.Solver{}, "prior": experiment.Prior{},
		"prior.data": experiment.Data{}, "observation": experiment.Observation{}, "sampler": experiment.Sampler{},
		"judge": experiment.Judge{}, "claim": claims.Claim{}, "truth.most-memorised": experiment.MostMemorised{}, "truth.farthest": experiment.Farthest{},
		"truth.drawn": experiment.Drawn{}, "sampler.start": experiment.Start{}, "sampler.stages": experiment.StageKeys{},
	} {
		table, err := config.Table(keys)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		tables[name] = config.Markdown(table)
	}
	var b strings.Builder
	for i, k := range dataset.GeneratorKinds() {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "`kind = %q`: %s\n\n%s", k.Name, k.Doc, config.Markdown(k.Options))
	}
	tables["generators"] = b.String()
	b.Reset()
	for i, kind := range space.Kinds() {
		options, err := space.KindOptions(kind)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "`kind = %q`:\n\n%s", kind, config.Markdown(options))
	}
	tables["adapters"] = b.String()
	return tables, nil
}

const (
	begin = "<!-- begin generated: "
	end   = "<!-- end generated -->"
)

// fill replaces what stands between the markers of each table. Every marker has a table and every table a marker.
func fill(text []byte, tables map[string]string) ([]byte, error) {
	var out bytes.Buffer
	used := map[string]bool{}
	for {
		before, rest, ok := bytes.Cut(text, []byte(begin))
		out.Write(before)
		if !ok {
			break
		}
		name, rest, ok := bytes.Cut(rest, []byte(" -->\n"))
		if !ok {
			return nil, fmt.Errorf("a marker %q does not end with %q on its line", begin, " -->")
		}
		table, known := tables[string(name)]
		_, after, closed := bytes.Cut(rest, []byte(end))
		switch {
		case !known:
			return nil, fmt.Errorf("no table is called %q", name)
		case used[string(name)]:
			return nil, fmt.Errorf("table %q is asked for twice", name)
		case !closed:
			return nil, fmt.Errorf("table %q has no %q", name, end)
		}
		used[string(name)] = true
		fmt.Fprintf(&out, "%s%s -->\n\n%s\n%s", begin, name, table, end)
		text = after
	}
	for name := range tables {
		if !used[name] {
			return nil, fmt.Errorf("table %q has no marker %q", name, begin+name+" -->")
		}
	}
	return out.Bytes(), nil
}

// writePlugins writes a page for every plugin binary of a folder, and removes pages whose plugin is gone.
func writePlugins(bin, dir string) error {
	binaries, err := filepath.Glob(filepath.Join(bin, "waveprior-*-*"))
	if err != nil {
		return err
	}
	if len(binaries) == 0 {
		return fmt.Errorf("no plugins in %s: type make build", bin)
	}
	pages := map[string][]byte{}
	for _, path := range binaries {
		if strings.HasSuffix(path, "-cuda") {
			continue // a build of the same plugin, with the same options, which may not start here
		}
		out, err := exec.Command(path, "--describe").Output()
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return fmt.Errorf("%s --describe: %w: %s", path, err, bytes.TrimSpace(exit.Stderr))
		} else if err != nil {
			return err
		}
		var d contract.Description
		if err := json.Unmarshal(out, &d); err != nil {
			return fmt.Errorf("%s --describe: %w", path, err)
		}
		if want := fmt.Sprintf("waveprior-%s-%s", d.Kind, d.Name); filepath.Base(path) != want {
			return fmt.Errorf("%s calls itself %s %s: its binary's name is %s", path, d.Kind, d.Name, want)
		}
		pages[fmt.Sprintf("%s-%s.md", d.Kind, d.Name)] = page(&d)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	old, err := filepath.Glob(filepath.Join(dir, "*.md"))
	if err != nil {
		return err
	}
	for _, path := range old {
		if pages[filepath.Base(path)] == nil {
			if err := os.Remove(path); err != nil {
				return err
			}
		}
	}
	for name, text := range pages {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// page is a plugin's page.
func page(d *contract.Description) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "<!-- Generated by make docs from waveprior-%s-%s --describe. -->\n", d.Kind, d.Name)
	fmt.Fprintf(&b, "# %s %s\n\n%s\n\n", d.Kind, d.Name, d.Doc)
	fmt.Fprintf(&b, "In an experiment file:\n\n```toml\n[%s]\nplugin = %q\n```\n\n", d.Kind, d.Name)
	var has []string
	for _, c := range d.Capabilities {
		has = append(has, "`"+string(c)+"`")
	}
	if len(has) > 0 {
		fmt.Fprintf(&b, "Capabilities: %s.\n\n", strings.Join(has, ", "))
	}
	if len(d.Needs) > 0 {
		b.WriteString("Needs:\n\n")
		for _, n := range d.Needs {
			fmt.Fprintf(&b, "- %s", n.Service)
			if n.Capability != "" {
				fmt.Fprintf(&b, " with capability `%s`", n.Capability)
			}
			if n.Option != "" {
				fmt.Fprintf(&b, " where `%s = %q`", n.Option, n.Value)
			}
			b.WriteByte('\n')
		}
		b.WriteByte('\n')
	}
	if len(d.Options) > 0 {
		fmt.Fprintf(&b, "## Options\n\n%s", config.Markdown(d.Options))
	} else {
		b.WriteString("It has no options.\n")
	}
	return b.Bytes()
}
