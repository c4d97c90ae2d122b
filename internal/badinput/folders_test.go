package badinput

import (
	"os"
	"strings"
	"testing"
)

// TestRunFolders: a run folder that belongs to something else is left alone, unless forced.
func TestRunFolders(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.write("x.toml", sound)
	b.write("other.toml", strings.Replace(sound, `name = "sound"`, `name = "other"`, 1))
	b.write("changed.toml", strings.Replace(sound, `width = 0.05`, `width = 0.06`, 1))
	b.write("threads.toml", strings.Replace(sound, `width = 0.05`, "width = 0.05\nthreads = 2", 1))
	must := func(args ...string) {
		t.Helper()
		if r := b.run(append([]string{"run", "-q"}, args...)...); r.code != 0 {
			t.Fatal(r)
		}
	}
	must("-o", "run", "x.toml")
	before := b.samples()

	r := b.run("run", "-q", "-o", "run", "other.toml")
	r.fails(t, 2, `run holds a run of experiment "sound"`, "--out FOLDER", "--force")
	r.one(t)
	r = b.run("run", "-q", "-o", "run", "changed.toml")
	r.fails(t, 2, `of another version of "sound"`, "--out FOLDER", "--force", "changed.toml")
	r.one(t)
	r = b.run("run", "-q", "-o", "run", "--set", "seed=4", "x.toml")
	r.fails(t, 2, `of another version of "sound"`)
	if string(b.samples()) != string(before) {
		t.Error("a refused run has changed the folder")
	}
	must("-o", "run", "threads.toml") // changes no number: the same run

	if err := os.Mkdir(b.path("photos"), 0o755); err != nil {
		t.Fatal(err)
	}
	b.write("photos/holiday.txt", "sea")
	r = b.run("run", "-q", "-o", "photos", "x.toml")
	r.fails(t, 2, "photos is not empty and holds no run", "--out FOLDER", "--force")
	r.one(t)

	must("-o", "run", "--force", "changed.toml")
	if string(b.samples()) == string(before) {
		t.Error("a forced run has left the samples as they were")
	}
	must("-o", "photos", "--force", "x.toml")
	if text, err := os.ReadFile(b.path("photos/holiday.txt")); err != nil || string(text) != "sea" {
		t.Errorf("a forced run has touched what lay there: %q, %v", text, err)
	}

	b.write("run/run.json", "{")
	b.run("run", "-q", "-o", "run", "changed.toml").fails(t, 2, "unreadable run.json", "--force")
}

// TestFoldersUnwritable: a file stands where a folder belongs (permissions do not bind root).
func TestFoldersUnwritable(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		args []string
		want []string
	}{
		{"run folder", []string{"-o", "file"}, []string{"run folder file", "not a directory", "--out FOLDER"}},
		{"under a file", []string{"-o", "file/run"}, []string{"run folder file/run", "not a directory", "--out FOLDER"}},
		{"cache", []string{"--cache", "file"}, []string{"cache file", "not a directory", "--cache FOLDER or WAVEPRIOR_CACHE"}},
		{"cache under a file", []string{"--cache", "file/cache"}, []string{"cache file/cache", "not a directory", "--cache FOLDER or WAVEPRIOR_CACHE"}},
		{"/proc", []string{"--cache", "/proc/self/cache"}, []string{"cache /proc/self/cache", "--cache FOLDER or WAVEPRIOR_CACHE"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.write("x.toml", sound)
			b.write("file", "text")
			r := b.run(append([]string{"run", "-q", "x.toml"}, c.args...)...)
			r.fails(t, 2, c.want...)
			r.one(t)
			if text, err := os.ReadFile(b.path("file")); err != nil || string(text) != "text" {
				t.Errorf("the file is now %q, %v", text, err)
			}
			if _, err := os.Stat(b.path("runs")); err == nil {
				t.Error("a run folder was made")
			}
		})
	}
	t.Run("output of forward", func(t *testing.T) {
		t.Parallel()
		b := newBench(t)
		b.write("x.toml", sound)
		b.writeArray("m.npy", npyFile("'<f8'", "(2,)", 16))
		b.run("forward", "-q", "x.toml", "--model", "m.npy", "-o", "tmp").fails(t, 1, "cannot write tmp", "folder")
		b.run("forward", "-q", "x.toml", "--model", "m.npy", "-o", "gone/d.npy").fails(t, 1, "cannot write gone/d.npy", "no such file or directory")
	})
}

// TestLocks: a lock file that was changed, or that was made with plugins of other numerics.
func TestLocks(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.write("x.toml", sound)
	if r := b.run("run", "-q", "-o", "run", "x.toml"); r.code != 0 {
		t.Fatal(r)
	}
	text, err := os.ReadFile(b.path("run/lock.toml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, old, new string
		want           []string
	}{
		{"numerics", `numerics = "1"`, `numerics = "0"`, []string{`was "0" when this run was made`, `has "1"`}},
		{"no cells", "[[cell]]", "[[cells]]", []string{"cell", "[[cell]]"}},
		{"unknown key", "width = 0.05", "wdth = 0.05", []string{"wdth", "width"}},
		{"out of range", "chains = 3", "chains = 0", []string{"chains", ">= 1"}},
	} {
		if !strings.Contains(string(text), c.old) {
			t.Fatalf("no %q in the lock:\n%s", c.old, text)
		}
		b.write("lock.toml", strings.Replace(string(text), c.old, c.new, 1))
		r := b.run("run", "-q", "-o", "again", "lock.toml")
		r.fails(t, 2, append(c.want, "lock.toml:")...)
		r.one(t)
	}
}

// TestClaims: claims that cannot be read are an error before anything is computed, and a run of the lock file is judged by
// the claims of the run that wrote it.
func TestClaims(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.write("x.toml", sound)
	b.write("x.expected.toml", "[[claim]]\ntext = \"t\"\nsource = \"hearsay\"\nmetric = \"samples.chains\"\nmin = 1.0\n")
	r := b.run("run", "-q", "-o", "run", "x.toml")
	r.fails(t, 2, "x.expected.toml:3: claim[0].source")
	b.nothingStarted()
	b.write("x.expected.toml", "[[claim]]\ntext = \"more chains than there are\"\nsource = \"theory\"\nmetric = \"samples.chains\"\nmin = 1e6\n")
	b.run("run", "-q", "-o", "run", "x.toml").fails(t, 3, "1 of 1 claims do not hold", "more chains than there are")
	b.run("run", "-q", "-o", "run", "run/lock.toml").fails(t, 3, "1 of 1 claims do not hold")
	b.run("run", "-q", "-o", "run", "run/lock.toml", "--set", "seed=3").fails(t, 2, "a lock file has name, lock and [[cell]] only")
}
