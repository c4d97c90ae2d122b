//go:build cuda

package cuda_test

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/waveprior/waveprior/cuda"
)

// TestFatbin: a file of kernels that is missing, cut off or something else is an error that names it, and no driver sees it.
func TestFatbin(t *testing.T) {
	onEmulated(t)
	header := func(size uint16, follows uint64) []byte {
		b := binary.LittleEndian.AppendUint32(nil, 0xba55ed50)
		b = binary.LittleEndian.AppendUint16(b, 1)
		return binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint16(b, size), follows)
	}
	dir := t.TempDir()
	for name, c := range map[string]struct {
		image []byte // nil: no file
		want  string // "": it is whole
	}{
		"missing":        {nil, "no such file"},
		"empty":          {[]byte{}, "0 bytes that do not begin as a fatbin does"},
		"text":           {[]byte("what is this? something else"), "28 bytes that do not begin as a fatbin does, with 0xba55ed50"},
		"header only":    {header(16, 100), "cut off or damaged: it has 16 bytes, and its header speaks of 16 and 100"},
		"a byte short":   {append(header(16, 100), make([]byte, 99)...), "it has 115 bytes, and its header speaks of 16 and 100"},
		"nothing in it":  {header(16, 0), "cut off or damaged"},
		"absurd size":    {append(header(16, 1<<64-8), make([]byte, 99)...), "cut off or damaged"},
		"absurd header":  {append(header(1<<15, 1), make([]byte, 99)...), "cut off or damaged"},
		"whole":          {append(header(16, 100), make([]byte, 100)...), ""},
		"two of one":     {append(append(header(16, 8), make([]byte, 8)...), header(16, 8)...), ""},
		"in the header":  {header(16, 100)[:9], "9 bytes that do not begin"},
		"another header": {append(header(24, 100), make([]byte, 108)...), ""},
	} {
		path := filepath.Join(dir, strings.ReplaceAll(name, " ", "-"))
		if c.image != nil {
			must(t, os.WriteFile(path, c.image, 0o644))
		}
		t.Setenv("WAVEPRIOR_FATBIN", path)
		d, err := cuda.Open("cuda:0", 1)
		switch {
		case err == nil:
			must(t, d.Close())
			if c.want != "" {
				t.Errorf("%s: opened", name)
			}
		case c.want == "" || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "make cuda builds them"):
			t.Errorf("%s: %v", name, err)
		}
	}
}
