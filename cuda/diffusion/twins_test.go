package diffusion_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/waveprior/waveprior/core/rng"
	"github.com/waveprior/waveprior/cuda"
	"github.com/waveprior/waveprior/cuda/diffusion"
)

// twins lists every kernel of the package with what runs it on a device and returns what it wrote.
var twins = []struct {
	kernel string
	run    func(t *testing.T, d cuda.Device) []byte
}{
	{"diffusion_noised", noisedTwin},
}

func noisedTwin(t *testing.T, d cuda.Device) []byte {
	const rows, width, examples, levels = 50, 101, 20, 30
	z, index, level := make([]float32, examples*width), make([]int32, rows), make([]int32, rows)
	alpha, sigma := make([]float64, levels), make([]float64, levels)
	at := rng.New(5, "test/twins").At(0, 0, 0)
	at.Normals32(z)
	at.Uniforms(alpha)
	copy(sigma, alpha[1:])
	for r := range rows {
		index[r], level[r] = int32(at.Intn(r, examples)), int32(at.Intn(r, levels))
	}
	x, eps := make([]float32, rows*width), make([]float32, rows*width)
	dx, de := upload(t, d, x), upload(t, d, eps)
	set := diffusion.Set{Z: upload(t, d, z), Alpha: upload(t, d, alpha), Sigma: upload(t, d, sigma), Examples: examples, Width: width, Levels: levels}
	b := diffusion.Batch{Index: upload(t, d, index), Level: upload(t, d, level), Rows: rows}
	err := diffusion.Noised(d, dx, de, b, set, [2]uint32{3, 4}, 5)
	if err := errors.Join(err, d.Download(bytesOf(x), dx), d.Download(bytesOf(eps), de)); err != nil {
		t.Fatal(err)
	}
	for _, buffer := range []cuda.Buffer{dx, de, set.Z, set.Alpha, set.Sigma, b.Index, b.Level} {
		if err := d.Free(buffer); err != nil {
			t.Fatal(err)
		}
	}
	return append(bytes.Clone(bytesOf(x)), bytesOf(eps)...)
}

// TestTwins: a kernel gives the same bits on every device.
func TestTwins(t *testing.T) {
	all := devices(t)
	for _, k := range twins {
		want := k.run(t, all["cpu, 1 thread"])
		if bytes.Equal(want, make([]byte, len(want))) {
			t.Errorf("%s wrote zeros only", k.kernel)
		}
		for name, d := range all {
			if got := k.run(t, d); !bytes.Equal(got, want) {
				t.Errorf("%s on %s: other bits than on the CPU", k.kernel, name)
			}
		}
	}
}
