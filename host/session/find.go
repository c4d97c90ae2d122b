package session

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/waveprior/waveprior/core/contract"
)

// BinaryName returns the file name of a plugin's binary: waveprior-<kind>-<name>, with -cuda appended for a GPU.
func BinaryName(ref Ref) string { return "waveprior-" + BuildName(ref) }

// BuildName names a plugin's build in locks and manifests: <kind>-<name>, with -cuda appended for a GPU.
func BuildName(ref Ref) string {
	name := string(ref.Kind) + "-" + ref.Name
	if contract.DeviceKind(ref.Device) == contract.DeviceCUDA {
		name += cudaSuffix
	}
	return name
}

// cudaSuffix ends the names of CUDA builds' files; no plugin's own name ends in it.
const cudaSuffix = "-cuda"

// FileRef names the plugin in a file called waveprior-KIND-NAME or waveprior-KIND-NAME-cuda; the latter is for the first GPU.
func FileRef(path string) (Ref, error) {
	parts := strings.SplitN(filepath.Base(path), "-", 3)
	if len(parts) != 3 || parts[0] != "waveprior" {
		return Ref{}, fmt.Errorf("%s: a plugin's file is called waveprior-KIND-NAME, or waveprior-KIND-NAME-cuda", path)
	}
	ref := Ref{Kind: contract.Kind(parts[1]), Path: path}
	var cuda bool
	if ref.Name, cuda = strings.CutSuffix(parts[2], cudaSuffix); cuda {
		ref.Device = contract.DeviceCUDA + ":0"
	}
	return ref, nil
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
	if contract.DeviceKind(ref.Device) == contract.DeviceCUDA {
		hint = fmt.Sprintf("; device = %q needs a CUDA build", ref.Device)
		if have := names(List(), ref.Kind, true); len(have) > 0 {
			hint += fmt.Sprintf(" (of %ss there are: %s)", ref.Kind, strings.Join(have, ", "))
		}
		return "", fmt.Errorf("plugin not found: %s %s: no file %s in %s%s: make cuda builds it (docs/cuda.md); or name its path in the experiment (path = \"...\"), or set WAVEPRIOR_PLUGINS to its folder; device = \"cpu\" computes without a GPU",
			ref.Kind, ref.Name, name, strings.Join(looked, ", "), hint)
	}
	if have := names(List(), ref.Kind, false); len(have) > 0 {
		hint = fmt.Sprintf("; %ss that are here: %s", ref.Kind, strings.Join(have, ", "))
	}
	return "", fmt.Errorf("plugin not found: %s %s: no file %s in %s%s; name its path in the experiment (path = \"...\"), or set WAVEPRIOR_PLUGINS to its folder",
		ref.Kind, ref.Name, name, strings.Join(looked, ", "), hint)
}

// names lists the plugins of a kind that are builds for GPUs, or for the CPU.
func names(found []Ref, kind contract.Kind, cuda bool) []string {
	var out []string
	for _, f := range found {
		if f.Kind == kind && (f.Device != "") == cuda {
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

// List returns the plugins in the search folders, the first of each name, with their paths: of each its build for the CPU,
// then that for GPUs, if they are there.
func List() []Ref {
	seen := map[string]bool{}
	var out []Ref
	for _, dir := range searchDirs() {
		paths, _ := filepath.Glob(filepath.Join(dir, "waveprior-*-*"))
		for _, path := range paths {
			ref, err := FileRef(path)
			if err != nil || seen[filepath.Base(path)] || (ref.Kind != contract.KindSolver && ref.Kind != contract.KindPrior && ref.Kind != contract.KindSampler) {
				continue
			}
			if executable(Ref{}, path) != nil {
				continue
			}
			seen[filepath.Base(path)] = true
			out = append(out, ref)
		}
	}
	slices.SortFunc(out, func(a, b Ref) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Device, b.Device))
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
			if json.Unmarshal(out.text, &d) == nil && d.Kind == ref.Kind && d.Name == ref.Name && d.Contract == contract.Version && (ref.Device == "" || d.Device == contract.DeviceKind(ref.Device)) {
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
