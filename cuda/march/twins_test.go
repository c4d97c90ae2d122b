package march

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/waveprior/waveprior/cuda"
	"github.com/waveprior/waveprior/cuda/internal/twin"
)

var twins = map[string][]twin.Written{"march_copy": {twin.Writes(0, 't', true)}}

// compareTwins runs every kernel of the package on both devices; what is copied is looked at, too.
func compareTwins(t *testing.T, first, second cuda.Device) *twin.Pair {
	t.Helper()
	p := twin.NewPair(t, first, second, twins)
	copied[float32](t, p)
	copied[float64](t, p)
	return p
}

func copied[T cuda.Float](t *testing.T, d cuda.Device) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	rooms := cuda.NewRooms(d)
	defer func() { must(rooms.Close()) }()
	const n, block = 1000, 64
	x, y := make([]T, n), make([]T, n)
	for i := range x {
		x[i] = T(i) + 0.5
	}
	from, err := rooms.Put("from", cuda.BytesOf(x))
	must(err)
	to, err := rooms.Put("to", cuda.BytesOf(y))
	must(err)
	run := func(from cuda.Buffer, n int) {
		t.Helper()
		must(d.Run(Of[T](copies), cuda.Blocks(n, block), to.Arg(), from.Arg(), cuda.Int(n), cuda.Int(block)))
		must(d.Download(cuda.BytesOf(y), to))
	}
	run(from, n-1)
	if y[n-2] != x[n-2] || y[0] != x[0] || y[n-1] != 0 {
		t.Errorf("copies are %v, %v, and %v behind them", y[0], y[n-2], y[n-1])
	}
	run(cuda.Buffer{}, n/2)
	if y[0] != 0 || y[n/2-1] != 0 || y[n/2] != x[n/2] {
		t.Errorf("zeros are %v, %v, and %v behind them", y[0], y[n/2-1], y[n/2])
	}
}

// TestTwinsAreComplete: every kernel of the package is in the table and is run by the comparison.
func TestTwinsAreComplete(t *testing.T) {
	compareTwins(t, twin.CPU(t, 1), twin.CPU(t, 3)).Complete("march_")
}

// All headers of this folder are embedded as they are, so that importers are built again when one changes.
func TestHeadersAreEmbedded(t *testing.T) {
	names, err := filepath.Glob("*.h")
	if err != nil || len(names) < 5 {
		t.Fatalf("found %v, %v: the test does not see the headers", names, err)
	}
	for _, name := range names {
		want, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := fs.ReadFile(Headers, name); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not embedded as it is (%v)", name, err)
		}
	}
}
