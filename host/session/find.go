package session

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"time"

	"github.com/waveprior/waveprior/core/contract"
)

// BinaryName returns the file name of a plugin's binary: waveprior-<kind>-<name>, with -cuda appended for a cuda device.
func BinaryName(ref Ref) string {
	name := fmt.Sprintf("waveprior-%s-%s", ref.Kind, ref.Name)
	if strings.HasPrefix(ref.Device, "cuda") {
		name += "-cuda"
	}
	return name
}

// searchDirs are where binaries are looked for, in order: $WAVEPRIOR_PLUGINS, beside the host, PATH.
func searchDirs() []string {
	dirs := filepath.SplitList(os.Getenv("WAVEPRIOR_PLUGINS"))
	if exe, err := os.Executable(); err == nil {
		dirs = append(dirs, filepath.Dir(exe))
	}
	return append(dirs, filepath.SplitList(os.Getenv("PATH"))...)
}

// Find returns the binary of a plugin: the experiment's path when it gives one, else the first in the search folders.
func Find(ref Ref) (string, error) {
	if ref.Path != "" {
		return ref.Path, executable(ref, ref.Path)
	}
	name := BinaryName(ref)
	var looked []string
	for _, dir := range searchDirs() {
		if dir == "" {
			continue
		}
		path := filepath.Join(dir, name)
		if _, err := os.Stat(path); err == nil {
			return path, executable(ref, path)
		}
		looked = append(looked, dir)
	}
	hint := ""
	if have := names(List(), ref.Kind); len(have) > 0 {
		hint = fmt.Sprintf("; %ss that are here: %s", ref.Kind, strings.Join(have, ", "))
	}
	return "", fmt.Errorf("plugin not found: %s %s: no file %s in %s%s; name its path in the experiment (path = \"...\"), or set WAVEPRIOR_PLUGINS to its folder",
		ref.Kind, ref.Name, name, strings.Join(looked, ", "), hint)
}

func names(found []Found, kind contract.Kind) []string {
	var out []string
	for _, f := range found {
		if f.Kind == kind {
			out = append(out, f.Name)
		}
	}
	return out
}

func executable(ref Ref, path string) error {
	st, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("plugin not found: %s %s: no file %s", ref.Kind, ref.Name, path)
	case err != nil:
		return fmt.Errorf("%s %s: %w", ref.Kind, ref.Name, err)
	case st.IsDir():
		return fmt.Errorf("%s %s: %s is a folder, a plugin is a binary", ref.Kind, ref.Name, path)
	case st.Mode()&0o111 == 0:
		return fmt.Errorf("%s %s: %s is not executable; type: chmod +x %s", ref.Kind, ref.Name, path, path)
	}
	return nil
}

// Found is a plugin binary in the search folders.
type Found struct {
	Kind contract.Kind
	Name string
	Path string
}

// List returns the plugins in the search folders, the first of each name.
func List() []Found {
	seen := map[string]bool{}
	var out []Found
	for _, dir := range searchDirs() {
		paths, _ := filepath.Glob(filepath.Join(dir, "waveprior-*-*"))
		for _, path := range paths {
			parts := strings.SplitN(filepath.Base(path), "-", 3)
			kind := contract.Kind(parts[1])
			if seen[filepath.Base(path)] || (kind != contract.KindSolver && kind != contract.KindPrior && kind != contract.KindSampler) {
				continue
			}
			if executable(Ref{}, path) != nil {
				continue
			}
			seen[filepath.Base(path)] = true
			out = append(out, Found{Kind: kind, Name: parts[2], Path: path})
		}
	}
	sort.Slice(out, func(i, j int) bool {
		if out[i].Kind != out[j].Kind {
			return out[i].Kind < out[j].Kind
		}
		return out[i].Name < out[j].Name
	})
	return out
}

// Describe asks a plugin what it is, without a session: the binary is run once with --describe, and where it does not
// know that (other languages) it is launched for a moment.
func (s *Session) Describe(ctx context.Context, ref Ref) (contract.Description, error) {
	if make := s.InProcess[ref.key()]; make != nil {
		return clientsOfLocal(make()).describe(), nil
	}
	if s.Attach[ref.Kind] == "" {
		path, err := Find(ref)
		if err != nil {
			return contract.Description{}, err
		}
		cctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		cmd := exec.CommandContext(cctx, path, "--describe")
		cmd.Env = append(os.Environ(), s.Env...)
		cmd.WaitDelay = time.Second // children of its own may hold its stdout
		out := &bounded{left: maxDescription}
		cmd.Stdout = out
		if err := cmd.Run(); err == nil {
			var d contract.Description
			if json.Unmarshal(out.text, &d) == nil && d.Kind == ref.Kind && d.Name == ref.Name && d.Contract == contract.Version {
				return d, d.Check()
			}
		}
	}
	switch ref.Kind {
	case contract.KindSolver:
		p, err := s.Solver(ctx, ref, 1)
		if err != nil {
			return contract.Description{}, err
		}
		return p.Describe(), nil
	case contract.KindPrior:
		p, err := s.Prior(ctx, ref)
		if err != nil {
			return contract.Description{}, err
		}
		return p.Describe(), nil
	}
	p, err := s.Sampler(ctx, ref)
	if err != nil {
		return contract.Description{}, err
	}
	return p.Describe(), nil
}

// maxDescription is the size in bytes of the longest description that is read.
const maxDescription = 4 << 20

// bounded keeps what is written to it and refuses more than it may hold: the writer, a process, then ends by SIGPIPE.
type bounded struct {
	text []byte
	left int
}

func (b *bounded) Write(p []byte) (int, error) {
	if len(p) > b.left {
		return 0, errors.New("more than a description may have")
	}
	b.left -= len(p)
	b.text = append(b.text, p...)
	return len(p), nil
}

func (c clients) describe() contract.Description {
	d := c.plugin().Describe()
	d.Contract = contract.Version
	return d
}
