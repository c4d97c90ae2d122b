package npy

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/waveprior/waveprior/core/tensor"
)

// file makes a version 1.0 file of a header text and n zero bytes.
func file(head string, n int) []byte {
	b := append([]byte(magic), 1, 0, byte(len(head)), byte(len(head)>>8))
	return append(append(b, head...), make([]byte, n)...)
}

func decode(b []byte) (Header, error) {
	return decodeHeader("x.npy", bytes.NewReader(b), int64(len(b)))
}

func TestHeaderAccepted(t *testing.T) {
	for _, c := range []struct {
		head  string
		dt    tensor.DType
		shape []int
	}{
		{"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }  \n", tensor.Float32, []int{2, 3}},
		{`{"shape":(2,3,),"descr":"<c16","fortran_order":False}`, tensor.Complex128, []int{2, 3}},
		{"\t{ 'shape' : ( 5 , ) ,\n'fortran_order' :False , 'descr' : '|u1' }", tensor.Uint8, []int{5}},
		{"{'descr': '<i8', 'fortran_order': False, 'shape': ()}", tensor.Int64, nil},
		{"{'descr': '<i4', 'fortran_order': False, 'shape': (3L, 2L)}", tensor.Int32, []int{3, 2}},
		{"{'descr': '<u1', 'fortran_order': False, 'shape': (0, 9000000000000000000)}", tensor.Uint8, []int{0, 9000000000000000000}},
	} {
		n, err := tensor.Elements(c.shape)
		if err != nil {
			t.Fatal(err)
		}
		b := file(c.head, n*c.dt.Size())
		h, err := decode(b)
		if err != nil || h.DType != c.dt || !slices.Equal(h.Shape, c.shape) || h.Offset+h.Bytes != int64(len(b)) || h.Offset != int64(10+len(c.head)) {
			t.Errorf("%q: %+v, %v", c.head, h, err)
		}
	}
}

func TestHeaderRefused(t *testing.T) {
	good := "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }"
	shape := func(s string) []byte { return file("{'descr': '<f4', 'fortran_order': False, 'shape': "+s+"}", 24) }
	for _, c := range []struct {
		name string
		b    []byte
		want string
	}{
		{"empty", nil, "starts with"},
		{"half a magic", []byte("\x93NUM"), "starts with"},
		{"zip", append([]byte("PK\x03\x04"), make([]byte, 100)...), "starts with"},
		{"magic only", []byte(magic), "cut in the first 10"},
		{"no length", []byte(magic + "\x02\x00\x00\x00"), "cut in the first 12"},
		{"version 0", []byte(magic + "\x00\x00\x00\x00"), "version 0.0"},
		{"version 4", []byte(magic + "\x04\x00\x00\x00"), "version 4.0"},
		{"version 1.1", []byte(magic + "\x01\x01\x00\x00"), "version 1.1"},
		{"header past the end", []byte(magic + "\x01\x00\xff\xff{"), "header of 65535 bytes at byte 10: the file is cut"},
		{"header of 4 GiB", []byte(magic + "\x02\x00\xff\xff\xff\xff{}"), "header of 4294967295 bytes at byte 12: the file is cut"},
		{"header too long", append([]byte(magic+"\x02\x00\x01\x00\x01\x00"), make([]byte, 1<<17)...), "at most 65536"},
		{"elements cut", file(good, 23), "takes 24 bytes after the header, there are 23"},
		{"no elements", file(good, 0), "takes 24 bytes after the header, there are 0"},
		{"too many bytes", file(good, 25), "1 bytes too many"},
		{"absurd extent", shape("(99999999999999999999,)"), "absurd extent 99999999999999999999"},
		{"absurd product", shape("(4611686018427387904, 4)"), "is absurd"},
		{"absurd bytes", shape("(1000000000000000000,)"), "is absurd"},
		{"33 axes", shape("(" + strings.Repeat("1,", 33) + ")"), "more than 32 axes"},
		{"negative", shape("(-1,)"), "not a whole number"},
		{"float", shape("(2.0,)"), "no ',' or ')'"},
		{"hex", shape("(0x6,)"), "no ',' or ')'"},
		{"leading zero", shape("(06,)"), "not a whole number"},
		{"no tuple", shape("(6)"), "not a tuple"},
		{"list", shape("[6]"), "no '('"},
		{"comma only", shape("(,)"), "not a whole number"},
		{"two commas", shape("(2,,3)"), "not a whole number"},
		{"None", shape("None"), "no '('"},
		{"tuple without end", shape("(2, 3"), "no ',' or ')'"},
		{"missing key", file("{'descr': '<f4', 'shape': (6,)}", 24), `"fortran_order" is missing`},
		{"unknown key", file("{'descr': '<f4', 'fortran_order': False, 'shape': (6,), 'x': 1}", 24), `unknown key "x"`},
		{"key twice", file("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (6,)}", 24), `"descr" twice`},
		{"text after", file(good+" x", 24), "text after"},
		{"second dictionary", file(good+good, 24), "text after"},
		{"no dictionary", file("()", 0), "no '{'"},
		{"empty header", file("", 0), "no '{'"},
		{"empty dictionary", file("{}", 0), "is missing"},
		{"dictionary without end", file(good[:len(good)-1], 24), "no string"},
		{"string without end", file("{'descr", 24), "without an end"},
		{"escape", file(`{'des\x63r': '<f4', 'fortran_order': False, 'shape': (6,)}`, 24), "in a string"},
		{"0 for False", file("{'descr': '<f4', 'fortran_order': 0, 'shape': (6,)}", 24), "neither True nor False"},
		{"Falsehood", file("{'descr': '<f4', 'fortran_order': Falsehood, 'shape': (6,)}", 24), "no ','"},
		{"no comma", file("{'descr': '<f4' 'fortran_order': False, 'shape': (6,)}", 24), "no ','"},
		{"native order", file("{'descr': '=f4', 'fortran_order': False, 'shape': (6,)}", 24), `descr "=f4" (allowed`},
		{"half", file("{'descr': '<f2', 'fortran_order': False, 'shape': (6,)}", 12), `descr "<f2" (allowed`},
		{"object", file("{'descr': '|O', 'fortran_order': False, 'shape': (6,)}", 12), `descr "|O" (allowed`},
		{"big-endian", file("{'descr': '>c8', 'fortran_order': False, 'shape': (3,)}", 24), "big-endian complex64"},
		{"Fortran", file("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3)}", 24), "Fortran order"},
	} {
		h, err := decode(c.b)
		if !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %+v, %v, want ErrFormat", c.name, h, err)
			continue
		}
		for _, w := range []string{c.want, "x.npy", fmt.Sprintf("(%d bytes)", len(c.b))} {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: error %q lacks %q", c.name, err, w)
			}
		}
	}
}

// The header's length does not depend on the first extent: that is what lets Writer fill it in at the end.
func TestHeaderLengthIsFixed(t *testing.T) {
	for _, item := range [][]int{{}, {7}, {100, 200}, slices.Repeat([]int{1}, maxAxes-1)} {
		want := len(encodeHeader(tensor.Complex128, append([]int{0}, item...)))
		for n := 1; n > 0; n *= 10 {
			shape := append([]int{n}, item...)
			b := encodeHeader(tensor.Complex128, shape)
			if len(b) != want || len(b)%64 != 0 || b[len(b)-1] != '\n' {
				t.Errorf("shape %v: header of %d bytes, want %d", shape, len(b), want)
			}
			if dt, got, err := parseHeader(string(b[10:])); err != nil || dt != tensor.Complex128 || !slices.Equal(got, shape) {
				t.Errorf("shape %v parsed as %v %v, %v", shape, dt, got, err)
			}
		}
	}
}

// Whatever the bytes: no panic; what is accepted fits the file to the byte, and written again says the same.
func FuzzDecode(f *testing.F) {
	names, err := filepath.Glob("testdata/*.npy")
	if err != nil || len(names) == 0 {
		f.Fatal(names, err)
	}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add(file(`{"shape":(2L,),"descr":"<f4","fortran_order":False}`, 8))
	f.Add([]byte(magic + "\x02\x00\xff\xff\xff\xff{}"))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := decode(b)
		if err != nil {
			if !errors.Is(err, ErrFormat) {
				t.Fatalf("not ErrFormat: %v", err)
			}
			return
		}
		n, err := tensor.Elements(h.Shape)
		if err != nil || int64(n)*int64(h.DType.Size()) != h.Bytes || h.Offset+h.Bytes != int64(len(b)) {
			t.Fatalf("accepted %+v in %d bytes (%v)", h, len(b), err)
		}
		again := append(encodeHeader(h.DType, h.Shape), b[h.Offset:]...)
		h2, err := decode(again)
		if err != nil || h2.DType != h.DType || !slices.Equal(h2.Shape, h.Shape) || h2.Offset%64 != 0 {
			t.Fatalf("%+v written again is %+v, %v", h, h2, err)
		}
	})
}
