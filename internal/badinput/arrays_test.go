package badinput

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"strings"
	"testing"
)

// npyFile is a .npy file of version 1.0 with the given descriptor, shape and number of bytes, whatever they are.
func npyFile(descr, shape string, n int) []byte {
	h := fmt.Sprintf("{'descr': %s, 'fortran_order': False, 'shape': %s, }", descr, shape)
	h += strings.Repeat(" ", 63-(10+len(h))%64) + "\n"
	b := append([]byte("\x93NUMPY\x01\x00"), byte(len(h)), byte(len(h)>>8))
	return append(append(b, h...), make([]byte, n)...)
}

// maxMemory bounds the memory of the command and of every plugin that it waited for: the runtime and some buffers, and
// nothing of what a header promises.
const maxMemory = 150 << 20

// badArrays are files that hold no model of two float64 numbers, and what the error says besides the file's name. nil
// bytes: no file; "folder": a folder.
var badArrays = []struct {
	name string
	data []byte
	want []string
}{
	{"missing", nil, []string{"no such file"}},
	{"folder", []byte("folder"), []string{"folder"}},
	{"empty", []byte{}, []string{"0 bytes"}},
	{"text", []byte("0.5 -0.3\n"), []string{"9 bytes"}},
	{"magic alone", []byte("\x93NUMPY"), []string{"6 bytes"}},
	{"version", []byte("\x93NUMPY\x09\x00\x76\x00{}"), []string{"version"}},
	{"header cut", npyFile("'<f8'", "(2,)", 16)[:40], []string{"40 bytes"}},
	{"header of 4 GiB", append([]byte("\x93NUMPY\x02\x00"), 0xff, 0xff, 0xff, 0xff, '{'), []string{"13 bytes"}},
	{"truncated", npyFile("'<f8'", "(2,)", 15), []string{"(2,)", "<f8", "143 bytes"}},
	{"too long", npyFile("'<f8'", "(2,)", 17), []string{"(2,)", "145 bytes"}},
	{"absurd", npyFile("'<f8'", "(1099511627776, 2)", 16), []string{"(1099511627776, 2)", "144 bytes"}},
	{"overflow", npyFile("'<f8'", "(4611686018427387904, 2)", 0), []string{"4611686018427387904"}},
	{"negative", npyFile("'<f8'", "(-2,)", 16), []string{"(-2,)"}},
	{"big-endian", npyFile("'>f8'", "(2,)", 16), []string{">f8"}},
	{"objects", npyFile("'|O'", "(2,)", 16), []string{"|O"}},
	{"records", npyFile("[('a', '<f8')]", "(2,)", 16), []string{"descr"}},
}

// wrongArrays are sound files with arrays that do not fit: that shows once the solver has said what it takes.
var wrongArrays = []struct {
	name string
	data []byte
	want []string
}{
	{"complex", npyFile("'<c16'", "(2,)", 32), []string{"complex128", "float64"}},
	{"integers", npyFile("'<i8'", "(2,)", 16), []string{"int64", "float64"}},
	{"too few", npyFile("'<f8'", "(1,)", 8), []string{"[1]", "2"}},
	{"wrong batch", npyFile("'<f8'", "(4, 3)", 96), []string{"[4 3]", "2"}},
	{"scalar", npyFile("'<f8'", "()", 8), []string{"[]", "2"}},
}

func (b *bench) writeArray(name string, data []byte) {
	b.t.Helper()
	var err error
	switch {
	case data == nil:
	case bytes.Equal(data, []byte("folder")):
		err = os.Mkdir(b.path(name), 0o755)
	default:
		err = os.WriteFile(b.path(name), data, 0o644)
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

func TestArrays(t *testing.T) {
	t.Parallel()
	dataText := strings.Replace(sound, `truth = "held-out"`, "truth = \"data\"\nfile = \"bad.npy\"", 1)
	fileText := strings.Replace(sound, `truth = "held-out"`, "truth = \"file\"\nfile = \"bad.npy\"", 1)
	uses := []struct {
		name string
		args []string
		file string // experiment
	}{
		{"forward", []string{"forward", "-q", "x.toml", "--model", "bad.npy", "-o", "out.npy"}, sound},
		{"gradient's model", []string{"gradient", "-q", "x.toml", "--model", "bad.npy", "--data", "good.npy", "--noise-std", "1", "-o", "out.npy"}, sound},
		{"gradient's data", []string{"gradient", "-q", "x.toml", "--model", "good.npy", "--data", "bad.npy", "--noise-std", "1", "-o", "out.npy"}, sound},
		{"observation.file", []string{"run", "-q", "-o", "run", "x.toml"}, fileText},
		{"observed data", []string{"plan", "x.toml"}, dataText},
	}
	for _, use := range uses {
		for _, group := range []struct {
			started bool
			cases   []struct {
				name string
				data []byte
				want []string
			}
		}{{false, badArrays}, {true, wrongArrays}} {
			for i, c := range group.cases {
				if use.name != "forward" && i%3 != 0 { // they share the reader
					continue
				}
				t.Run(use.name+"/"+c.name, func(t *testing.T) {
					t.Parallel()
					b := newBench(t)
					b.write("x.toml", use.file)
					b.writeArray("good.npy", npyFile("'<f8'", "(2,)", 16))
					b.writeArray("bad.npy", c.data)
					r := b.run(use.args...)
					r.fails(t, 2, append(c.want, "bad.npy")...)
					r.one(t)
					if r.maxRSS > maxMemory {
						t.Errorf("%v\n%d MiB were in memory", r, r.maxRSS>>20)
					}
					if _, err := os.Stat(b.path("out.npy")); err == nil {
						t.Error("an output was written")
					}
					if !group.started {
						b.nothingStarted()
					}
				})
			}
		}
	}
}

// TestTooFewObservations: the file is sound, and has fewer models than are asked for.
func TestTooFewObservations(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.writeArray("m.npy", npyFile("'<f8'", "(3, 2)", 48))
	b.write("x.toml", strings.Replace(sound, `truth = "held-out"`, "truth = \"file\"\ncount = 4\nfile = \"m.npy\"", 1))
	b.run("run", "-q", "-o", "run", "x.toml").fails(t, 2, "m.npy holds 3 models, count = 4")
}

// TestObservedData: files of observed data that are sound and do not fit: an item that is not there, numbers that are none, together
// with numbers in the experiment or with a truth. One error, and nothing is computed.
func TestObservedData(t *testing.T) {
	t.Parallel()
	nan := npyFile("'<f8'", "(3, 2)", 48)
	copy(nan[len(nan)-8:], "\x00\x00\x00\x00\x00\x00\xf8\x7f")
	for _, c := range []struct {
		name, data, truth string
		want              []string
	}{
		{"no such item", "index = [1, 3]", "data", []string{"observation.index[1] is 3, and ", "d.npy holds 3 observations (allowed: 0..2)"}},
		{"too few", "count = 4", "data", []string{"d.npy holds 3 observations, count = 4"}},
		{"NaN", "index = [2]", "data", []string{"d.npy, item 2: 1 of 2 numbers are not finite in float64, the first is NaN at coordinate 1"}},
		{"both", "data = [[0.5, 0.5]]", "data", []string{"x.toml:20: observation.file: data and file are both given, allowed is one of them"}},
		{"a truth", "", "held-out", []string{`x.toml:20: observation.file: goes with truth = "file" (true models) or "data" (observed data), and truth is "held-out", whose data are simulated`}},
		{"noise", "add_noise = true", "data", []string{"x.toml:21: observation.add_noise: given data have their own noise"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.writeArray("d.npy", nan)
			b.write("x.toml", strings.Replace(sound, `truth = "held-out"`, "truth = \""+c.truth+"\"\nfile = \"d.npy\"\n"+c.data, 1))
			r := b.run("run", "-q", "-o", "run", "x.toml")
			r.fails(t, 2, c.want...)
			r.one(t)
			if made, _ := os.ReadDir(b.path("cache")); len(made) > 0 {
				t.Errorf("%d stages were computed", len(made))
			}
		})
	}
}

// safetensorsFile is a file with the given header, whatever it says, and n bytes.
func safetensorsFile(header string, n int) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), make([]byte, n)...)
}

// TestCheckpoints: what prior.checkpoint names is read by the plugin, and its error is the user's.
func TestCheckpoints(t *testing.T) {
	t.Parallel()
	meta := `"__metadata__":{"format":"waveprior.gmm/1","components":"training","space":"{}"}`
	for _, c := range []struct {
		name string
		data []byte
		want []string
	}{
		{"missing", nil, []string{"no such file"}},
		{"folder", []byte("folder"), []string{"folder"}},
		{"empty", []byte{}, []string{"0 bytes"}},
		{"text", []byte("weights of a network"), []string{"20 bytes"}},
		{"header of an exabyte", append(binary.LittleEndian.AppendUint64(nil, 1<<60), '{'), []string{"9 bytes", "1152921504606846976"}},
		{"truncated", safetensorsFile(`{`+meta+`,"means":{"dtype":"F64","shape":[2,2],"data_offsets":[0,32]}}`, 31), []string{"means", "32"}},
		{"absurd", safetensorsFile(`{`+meta+`,"means":{"dtype":"F64","shape":[1099511627776,2],"data_offsets":[0,17592186044416]}}`, 32), []string{"means", "17592186044416"}},
		{"overflow", safetensorsFile(`{`+meta+`,"means":{"dtype":"F64","shape":[4611686018427387904,8],"data_offsets":[0,0]}}`, 0), []string{"means", "4611686018427387904"}},
		{"dtype", safetensorsFile(`{`+meta+`,"means":{"dtype":"BF16","shape":[2,2],"data_offsets":[0,8]}}`, 8), []string{"means", "BF16"}},
		{"another's", safetensorsFile(`{"__metadata__":{"format":"other"},"means":{"dtype":"F64","shape":[2,2],"data_offsets":[0,32]}}`, 32), []string{`"other"`, "not a checkpoint of prior gmm"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			if err := os.Mkdir(b.path("ck"), 0o755); err != nil {
				t.Fatal(err)
			}
			b.writeArray("ck/gmm.safetensors", c.data)
			b.write("x.toml", strings.Replace(sound, `width = 0.05`, "width = 0.05\ncheckpoint = \"ck\"", 1))
			r := b.run("run", "-q", "-o", "run", "x.toml")
			r.fails(t, 2, append(c.want, "prior.checkpoint", "ck/gmm.safetensors")...)
			r.one(t)
			if r.maxRSS > maxMemory {
				t.Errorf("%v\n%d MiB were in memory", r, r.maxRSS>>20)
			}
		})
	}
}

// TestCheckpointChanges: another checkpoint under the same path is another prior, not one from the cache.
func TestCheckpointChanges(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	train := func(seed string) {
		t.Helper()
		b.write("x.toml", sound)
		if r := b.run("run", "-q", "-o", "trained"+seed, "--set", "seed="+seed, "x.toml"); r.code != 0 {
			t.Fatal(r)
		}
		data, err := os.ReadFile(b.path("trained" + seed + "/train/checkpoint/gmm.safetensors"))
		if err != nil {
			t.Fatal(err)
		}
		_ = os.Mkdir(b.path("ck"), 0o755)
		if err := os.WriteFile(b.path("ck/gmm.safetensors"), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	given := strings.Replace(sound, `width = 0.05`, "width = 0.05\ncheckpoint = \"ck\"", 1)
	var got [3][]byte
	for i, seed := range []string{"3", "4", "3"} {
		train(seed)
		b.write("x.toml", given)
		out := fmt.Sprintf("run%d", i)
		if r := b.run("run", "-q", "-o", out, "x.toml"); r.code != 0 {
			t.Fatal(r)
		}
		data, err := os.ReadFile(b.path(out + "/sample/latent.npy"))
		if err != nil {
			t.Fatal(err)
		}
		got[i] = data
	}
	trained, err := os.ReadFile(b.path("trained3/sample/latent.npy"))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(got[0], got[1]) || !bytes.Equal(got[0], got[2]) || !bytes.Equal(got[0], trained) {
		t.Errorf("samples of checkpoints a, b, a: a = b %v, a = a %v, a = trained here %v", bytes.Equal(got[0], got[1]), bytes.Equal(got[0], got[2]), bytes.Equal(got[0], trained))
	}
}
