package npy

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/waveprior/waveprior/core/tensor"
)

// TestHalf: every float16 is the number that IEEE 754 says, comes back, and is what all the numbers round to that lie
// nearer to it than to its neighbours; a tie goes to the even one.
func TestHalf(t *testing.T) {
	value := func(h int) float64 { // (-1)^s 2^(e-15) (1 + f/1024), or f 2^-24
		e, f := h>>10&31, float64(h&1023)
		if e == 0 {
			return f * 0x1p-24
		}
		return math.Ldexp(1+f/1024, e-15)
	}
	for h := range 0x7c00 {
		v := value(h)
		for _, sign := range []int{0, 0x8000} {
			want := v
			if sign != 0 {
				want = -v
			}
			if got := fromHalf(uint16(h | sign)); float64(got) != want || math.Signbit(float64(got)) != (sign != 0) {
				t.Fatalf("half %#04x is %g, want %g", h|sign, got, want)
			}
			if got := toHalf(float32(want)); int(got) != h|sign {
				t.Fatalf("%g becomes half %#04x, want %#04x", want, got, h|sign)
			}
		}
		mid := (v + value(h+1)) / 2 // exact in float32; above the largest: 65520
		below, above := math.Nextafter32(float32(mid), 0), math.Nextafter32(float32(mid), 1e9)
		if got := [3]int{int(toHalf(below)), int(toHalf(float32(mid))), int(toHalf(above))}; got != [3]int{h, h + h&1, h + 1} {
			t.Fatalf("around %g: halves %#04x, want %#04x rounded to even", mid, got, h)
		}
	}
	for bits, want := range map[uint16]float64{0x7c00: math.Inf(1), 0xfc00: math.Inf(-1)} {
		if float64(fromHalf(bits)) != want || toHalf(float32(want)) != bits {
			t.Errorf("half %#04x is %g", bits, fromHalf(bits))
		}
	}
	if h := toHalf(float32(math.NaN())); fromHalf(h) == fromHalf(h) || fromHalf(0x7c01) == fromHalf(0x7c01) {
		t.Error("NaN is lost")
	}
	v := []float32{1500, 2049, 4499}
	if RoundHalf(v); !slices.Equal(v, []float32{1500, 2048, 4500}) { // steps of 1, 2, 4 m/s
		t.Errorf("rounded to %v", v)
	}
}

// TestRows: files of every precision, written as they come, are read in any pieces; the half file is NumPy's own.
func TestRows(t *testing.T) {
	dir := t.TempDir()
	const n, item = 2000, 3 * 41 // so that one read is longer than a chunk
	all := make([]float64, n*item)
	for i := range all {
		all[i] = float64(i%2048) / 2 // exact in float16
	}
	for _, name := range []string{"float16", "float32", "float64"} {
		path, dt := filepath.Join(dir, name+".npy"), tensor.Float32
		var w *Writer
		var err error
		switch name {
		case "float16":
			w, err = CreateHalf(path, 3, 41)
		case "float64":
			dt = tensor.Float64
			fallthrough
		default:
			w, err = Create(path, dt, 3, 41)
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Reserve(n); err != nil {
			t.Fatal(err)
		}
		for lo := 0; lo < n; lo += 700 {
			part := tensor.New(dt, min(700, n-lo), 3, 41)
			part.SetReals(all[lo*item : lo*item+part.Len()])
			if err := w.Append(part); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Commit(); err != nil {
			t.Fatal(err)
		}
		r, err := OpenRows(path)
		if err != nil {
			t.Fatal(err)
		}
		if r.Len() != n || !slices.Equal(r.Item(), []int{3, 41}) || r.DType() != name || r.Name() != path {
			t.Errorf("%s: %d rows of %v, %s", path, r.Len(), r.Item(), r.DType())
		}
		for _, read := range []tensor.DType{tensor.Float32, tensor.Float64} {
			for _, c := range [][2]int{{0, n}, {0, 0}, {n, 0}, {5, 1}, {n - 1, 1}, {700, 1100}} {
				dst := tensor.New(read, c[1], 3, 41)
				if err := r.Read(c[0], dst); err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(dst.AppendReals(nil), all[c[0]*item:(c[0]+c[1])*item]) {
					t.Errorf("%s read as %v: rows %d.. differ", name, read, c[0])
				}
			}
		}
		if info, err := os.Stat(path); err != nil || info.Size() != int64(128+n*item*map[string]int{"float16": 2, "float32": 4, "float64": 8}[name]) {
			t.Errorf("%s: %d bytes, %v", name, info.Size(), err)
		}
		for _, first := range []int{-1, n, math.MaxInt} {
			if err := r.Read(first, tensor.New(tensor.Float32, 1, 3, 41)); err == nil || !strings.Contains(err.Error(), "it has 2000 (0..1999)") {
				t.Errorf("row %d: %v", first, err)
			}
		}
		for _, dst := range []*tensor.Tensor{tensor.New(tensor.Float32, 1, 41, 3), tensor.New(tensor.Complex64, 1, 3, 41), tensor.New(tensor.Float32, 1)} {
			if err := r.Read(0, dst); !errors.Is(err, tensor.ErrShape) {
				t.Errorf("read into %v %v: %v", dst.DType, dst.Shape, err)
			}
		}
		if err := os.Truncate(path, 1000); err != nil {
			t.Fatal(err)
		}
		if err := r.Read(n-1, tensor.New(tensor.Float32, 1, 3, 41)); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("a file that was cut: %v", err)
		}
		if err := errors.Join(r.Close(), r.Close()); err != nil {
			t.Error(err)
		}
		if _, err := OpenRows(path); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), "cut: "+name+" [2000 3 41]") ||
			!strings.Contains(err.Error(), "(1000 bytes)") {
			t.Errorf("a file that was cut: %v", err)
		}
	}
	r, err := OpenRows("testdata/f2.npy")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	dst := tensor.New(tensor.Float64, 2, 3)
	if err := r.Read(0, dst); err != nil || !slices.Equal(dst.Float64s(), []float64{-2, -0.5, 1, 2.5, 4, 5.5}) || r.DType() != "float16" {
		t.Errorf("NumPy's float16: %v, %v", dst.Float64s(), err)
	}
	own := filepath.Join(dir, "own.npy")
	w, err := CreateHalf(own, 3)
	if err != nil {
		t.Fatal(err)
	}
	six := tensor.New(tensor.Float32, 2, 3)
	six.SetReals(dst.Float64s())
	if err := errors.Join(w.Append(six), w.Commit()); err != nil {
		t.Fatal(err)
	}
	a, err1 := os.ReadFile("testdata/f2.npy")
	b, err2 := os.ReadFile(own)
	if err1 != nil || err2 != nil || !slices.Equal(a, b) {
		t.Errorf("the file differs from NumPy's: %v, %v", err1, err2)
	}
}

// TestRowsRefuses: what has no rows of real numbers; and a header that claims far more than the file has is refused before
// anything is allocated.
func TestRowsRefuses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.npy")
	header := func(descr, shape string, data int) []byte {
		text := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': %s}", descr, shape)
		b := append([]byte(magic), 1, 0)
		b = binary.LittleEndian.AppendUint16(b, uint16(len(text)))
		return append(append(b, text...), make([]byte, data)...)
	}
	for _, c := range []struct {
		b    []byte
		want string
	}{
		{header("<i4", "(6,)", 24), "float16, float32 or float64 is needed"},
		{header("<c8", "(3,)", 24), "float16, float32 or float64 is needed"},
		{header("<f8", "()", 8), "a single number"},
		{header(">f2", "(3,)", 6), `descr ">f2" (allowed: <f2, `},
		{header("<f2", "(3,)", 5), "cut: float16 [3] takes 6 bytes after the header, there are 5"},
		{header("<f2", "(3,)", 7), "1 bytes too many: float16"},
		{header("<f4", "(500, 5, 1000, 70)", 100), "cut: float32 [500 5 1000 70] takes 700000000 bytes"},
		{header("<f2", "(4611686018427387904, 4)", 8), "is absurd"},
		{[]byte("PK\x03\x04 a zip"), "starts with"},
	} {
		if err := os.WriteFile(path, c.b, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := OpenRows(path)
		if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), fmt.Sprintf("%s (%d bytes)", path, len(c.b))) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
	if err := os.WriteFile(path, header("<f2", "(6,)", 12), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(path); !errors.Is(err, ErrFormat) {
		t.Errorf("Read takes float16, which tensors do not have: %v", err)
	}
	if _, err := OpenRows(filepath.Join(t.TempDir(), "none.npy")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
}

// TestNumbers: rows of complex numbers are read in any pieces and either precision, across chunks; real numbers as OpenRows reads
// them; nothing turns from the one kind into the other.
func TestNumbers(t *testing.T) {
	dir := t.TempDir()
	const n, item = 3, 40000 // more than a chunk
	for _, dt := range []tensor.DType{tensor.Complex64, tensor.Complex128} {
		all := make([]float64, 2*n*item)
		for i := range all {
			all[i] = float64(i) / 4 // exact in float32
		}
		x := tensor.New(dt, n, item)
		x.SetReals(all)
		path := filepath.Join(dir, dt.String()+".npy")
		if err := Write(path, x); err != nil {
			t.Fatal(err)
		}
		r, err := OpenNumbers(path)
		if err != nil || r.Len() != n || r.DType() != dt.String() {
			t.Fatalf("%v: %v", dt, err)
		}
		for _, read := range []tensor.DType{tensor.Complex64, tensor.Complex128} {
			for _, c := range [][2]int{{0, n}, {1, 2}, {2, 1}, {3, 0}} {
				dst := tensor.New(read, c[1], item)
				if err := r.Read(c[0], dst); err != nil || !slices.Equal(dst.AppendReals(nil), all[2*c[0]*item:2*(c[0]+c[1])*item]) {
					t.Errorf("%v read as %v: rows %d.. differ, %v", dt, read, c[0], err)
				}
			}
		}
		if err := r.Read(0, tensor.New(tensor.Float64, 1, item)); !errors.Is(err, tensor.ErrShape) || !strings.Contains(err.Error(), "allowed are complex64 and complex128") {
			t.Errorf("%v read as float64: %v", dt, err)
		}
		if err := r.CheckMemory(math.MaxInt64); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("all the memory there is: %v", err)
		}
		if err := errors.Join(r.CheckMemory(1), r.Close()); err != nil {
			t.Error(err)
		}
	}
	for _, name := range []string{"testdata/f2.npy", filepath.Join(dir, "complex64.npy")} {
		h, err := ReadHeader(name)
		if want := map[bool]string{true: "float16", false: "complex64"}[h.Half]; err != nil || h.Type() != want || h.Half != strings.Contains(name, "f2") {
			t.Errorf("%s: %+v, %v", name, h, err)
		}
	}
	r, err := OpenNumbers("testdata/f2.npy")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := r.Read(0, tensor.New(tensor.Complex64, 2, 3)); !errors.Is(err, tensor.ErrShape) {
		t.Errorf("float16 read as complex64: %v", err)
	}
	if err := Write(filepath.Join(dir, "i.npy"), tensor.New(tensor.Int32, 4)); err != nil {
		t.Fatal(err)
	}
	one := tensor.FromFloat64s([]float64{2.5})
	if err := Write(filepath.Join(dir, "one.npy"), one); err != nil {
		t.Fatal(err)
	}
	dst := tensor.New(tensor.Float32, 1)
	if r, err := OpenNumbers(filepath.Join(dir, "one.npy")); err != nil || r.Len() != 1 || r.Read(0, dst) != nil || dst.Float32s()[0] != 2.5 {
		t.Errorf("a single number: %v, %v", dst, err)
	}
	if _, err := OpenNumbers(filepath.Join(dir, "i.npy")); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), "int32 of shape [4]; float16, float32 or float64 is needed, or complex64 or complex128") {
		t.Errorf("integers: %v", err)
	}
}
