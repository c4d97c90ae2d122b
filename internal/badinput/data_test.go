package badinput

import (
	"os"
	"strings"
	"testing"
)

// soundPairs is a set that is made in a moment.
const soundPairs = `name = "set"
family = "FlatVel_A"
seed = 3
count = 6
samples_per_file = 3
`

// TestLookArrays: files that hold nothing that can be shown.
func TestLookArrays(t *testing.T) {
	t.Parallel()
	for _, c := range append(badArrays[:len(badArrays):len(badArrays)], []struct {
		name string
		data []byte
		want []string
	}{
		{"complex", npyFile("'<c8'", "(2, 4, 4)", 256), []string{"complex64", "float16, float32 or float64"}},
		{"vectors", npyFile("'<f4'", "(2, 4)", 32), []string{"[4]", "(1, z, x)"}},
		{"no samples", npyFile("'<f4'", "(0, 1, 4, 4)", 0), []string{"no samples"}},
		{"half cut", npyFile("'<f2'", "(2, 1, 4, 4)", 63), []string{"float16", "takes 64 bytes", "there are 63"}},
		{"a set that is cut", npyFile("'<f4'", "(500, 5, 1000, 70)", 1000), []string{"takes 700000000 bytes", "there are 1000"}},
	}...) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.writeArray("bad.npy", c.data)
			r := b.run("data", "look", "bad.npy", "-o", "out.png")
			r.fails(t, 2, append(c.want, "bad.npy")...)
			r.one(t)
			if r.maxRSS > maxMemory {
				t.Errorf("%v\n%d MiB were in memory", r, r.maxRSS>>20)
			}
			if _, err := os.Stat(b.path("out.png")); err == nil {
				t.Error("a picture was written")
			}
		})
	}
}

// TestPairsFiles: files for data generate that are wrong, and folders that it must leave alone. Nothing is made.
func TestPairsFiles(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, old, new string
		want           []string
		args           []string
	}{
		{"unknown key", "seed = 3", "sead = 3", []string{"x.toml:3: sead: unknown key", "seed"}, nil},
		{"unknown family", "FlatVel_A", "FlatVelA", []string{"x.toml:2: family", "FlatVel_A"}, nil},
		{"no samples", "count = 6", "count = 0", []string{"x.toml:4: count: must be >= 1, got 0"}, nil},
		{"a path for a name", `"set"`, `"../set"`, []string{"x.toml:1: name", "no name for a folder"}, nil},
		{"no such solver", "samples_per_file = 3\n", "[solver]\nplugin = \"nonesuch\"\n", []string{"x.toml:6: solver.plugin: plugin not found", "helmholtz"}, nil},
		{"a solver without a grid", "samples_per_file = 3\n", "[solver]\nplugin = \"analytic\"\nmap = \"quadratic\"\n", []string{"solver analytic", "axes z and x"}, nil},
		{"--set", "", "", []string{"--set count=many"}, []string{"--set", "count=many"}},
		{"two sets, one folder", "", "", []string{"x.toml and x.toml both write to data/set"}, []string{"x.toml"}},
		{"two sets, one --out", "", "", []string{"--out o for 2 files"}, []string{"x.toml", "-o", "o"}},
		{"a folder of something else", "", "", []string{"notes", "belongs to something else", "(note)", "-o"}, []string{"-o", "notes"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.write("x.toml", strings.Replace(soundPairs, c.old, c.new, 1))
			if err := os.Mkdir(b.path("notes"), 0o755); err != nil {
				t.Fatal(err)
			}
			b.write("notes/note", "keep")
			r := b.run(append([]string{"data", "generate", "-q", "x.toml"}, c.args...)...)
			r.fails(t, 2, c.want...)
			r.one(t)
			for _, name := range []string{"data", "set", "o", "notes/pairs.json"} {
				if _, err := os.Stat(b.path(name)); err == nil {
					t.Errorf("%s was made", name)
				}
			}
		})
	}
	b := newBench(t)
	b.run("data").fails(t, 0)
	b.run("data", "look").fails(t, 2, "accepts 1 arg(s)")
	b.run("data", "look", "x.npy", "--kind", "picture").fails(t, 2, "--kind picture (allowed: model, data)")
	b.run("data", "look", "x.npy", "--step", "0").fails(t, 2, "--step 0 must be above 0")
}

// TestPairsDiskFull: the disk of a set is full; what is whole stays, and when there is room the same command ends it.
func TestPairsDiskFull(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.write("x.toml", soundPairs)
	grow := smallDisk(t, b.path("data"), 100) // a file of 3 maps takes 59 KB
	r := b.run("data", "generate", "-q", "x.toml")
	r.fails(t, 1, "set: ", "model2.npy", "no space left on device", "needs 58928 bytes", "bytes are free")
	r.one(t)
	first, err := os.ReadFile(b.path("data/set/model/model1.npy"))
	if err != nil || len(first) != 58928 {
		t.Errorf("the first file: %d bytes, %v", len(first), err)
	}
	if left := b.temporary("data"); len(left) > 0 {
		t.Errorf("%v is left", left)
	}
	grow(200)
	if r := b.run("data", "generate", "-q", "x.toml"); r.code != 0 || !strings.Contains(r.stdout, "6 samples in 2 files") {
		t.Errorf("%v", r)
	}
}
