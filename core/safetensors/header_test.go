package safetensors

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// file makes a file of a header text and n zero bytes.
func file(head string, n int) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(head)))
	return append(append(b, head...), make([]byte, n)...)
}

func decode(b []byte) (Header, error) {
	return decodeHeader("x.safetensors", bytes.NewReader(b), int64(len(b)))
}

func TestHeaderAccepted(t *testing.T) {
	for _, c := range []struct {
		head string
		data int
		want string // entries in order of bytes
	}{
		{`{}`, 0, ""},
		{"{}  \n\t", 0, ""},
		{`{"b":{"data_offsets":[4,8],"shape":[1],"dtype":"I32"},"a":{"dtype":"U8","shape":[2,2],"data_offsets":[0,4]}}`, 8,
			"a uint8 [2 2] 0 4; b int32 [1] 4 8; "},
		{`{"e":{"dtype":"F64","shape":[0,9],"data_offsets":[1,1]},"a":{"dtype":"U8","shape":[],"data_offsets":[0,1]}}`, 1,
			"a uint8 [] 0 1; e float64 [0 9] 1 1; "},
		{`{ "__metadata__" : {} , "\u0061\/" : {"dtype":"C64", "shape":[1], "data_offsets":[0,8]} }`, 8, "a/ complex64 [1] 0 8; "},
	} {
		h, err := decode(file(c.head, c.data))
		got := ""
		for _, e := range h.Entries {
			got += fmt.Sprint(e.Name, " ", e.DType, " ", e.Shape, " ", e.Begin, " ", e.End, "; ")
		}
		if err != nil || got != c.want || h.Offset != int64(8+len(c.head)) {
			t.Errorf("%s: %q, %v, want %q", c.head, got, err, c.want)
		}
	}
}

func TestHeaderRefused(t *testing.T) {
	one := func(body string) []byte { return file(`{"w":`+body+`}`, 4) }
	two := func(a, b string, n int) []byte {
		return file(`{"a":{"dtype":"U8","shape":[4],"data_offsets":`+a+`},"b":{"dtype":"U8","shape":[4],"data_offsets":`+b+`}}`, n)
	}
	for _, c := range []struct {
		name string
		b    []byte
		want string
	}{
		{"empty", nil, "cut in the first 8 bytes"},
		{"seven bytes", make([]byte, 7), "cut in the first 8 bytes"},
		{"no header", make([]byte, 8), "does not start with '{'"},
		{"header past the end", []byte("\x03\x00\x00\x00\x00\x00\x00\x00{}"), "header of 3 bytes at byte 8: the file is cut"},
		{"header of 2^64-1", []byte("\xff\xff\xff\xff\xff\xff\xff\xff{}"), "header of 18446744073709551615 bytes, at most"},
		{"header of 100 MB", []byte("\x00\xe1\xf5\x05\x00\x00\x00\x00{}"), "header of 100000000 bytes at byte 8: the file is cut"},
		{"space first", file(" {}", 0), "does not start with '{'"},
		{"list", file("[]", 0), "does not start with '{'"},
		{"not UTF-8", file("{\"\xff\":{}}", 0), "not UTF-8"},
		{"not JSON", file("{w}", 0), "not JSON"},
		{"without end", file("{", 0), "not JSON"},
		{"comma at the end", file(`{"w":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},}`, 4), "not JSON"},
		{"text after", file("{} x", 0), "text after"},
		{"second object", file("{}{}", 0), "text after"},
		{"NUL padding", file("{}\x00", 0), "text after"},
		{"bytes after", file("{}", 3), "3 bytes too many"},
		{"key twice", file(`{"w":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"w":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}`, 0), `key "w" twice`},
		{"key twice, escaped", file(`{"w":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"\u0077":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}`, 0), `key "w" twice`},
		{"dtype twice", one(`{"dtype":"U8","dtype":"U8","shape":[4],"data_offsets":[0,4]}`), `key "dtype" twice in tensor "w"`},
		{"metadata twice", file(`{"__metadata__":{},"__metadata__":{}}`, 0), `key "__metadata__" twice`},
		{"metadata key twice", file(`{"__metadata__":{"a":"","a":""}}`, 0), `key "a" twice in __metadata__`},
		{"metadata number", file(`{"__metadata__":{"a":1}}`, 0), `__metadata__ "a" is not a string`},
		{"metadata null", file(`{"__metadata__":null}`, 0), `__metadata__ is not an object`},
		{"entry null", one("null"), "is not an object"},
		{"entry empty", one("{}"), "has 0 of them"},
		{"no shape", one(`{"dtype":"U8","data_offsets":[0,4]}`), "has 2 of them"},
		{"unknown key", one(`{"dtype":"U8","shape":[4],"data_offsets":[0,4],"x":1}`), `unknown key "x"`},
		{"case of a key", one(`{"DTYPE":"U8","shape":[4],"data_offsets":[0,4]}`), `unknown key "DTYPE"`},
		{"dtype", one(`{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}`), `dtype "BF16" (allowed`},
		{"dtype number", one(`{"dtype":1,"shape":[4],"data_offsets":[0,4]}`), "dtype is not a string"},
		{"negative extent", one(`{"dtype":"U8","shape":[-4],"data_offsets":[0,4]}`), "-4 is not a whole number"},
		{"fraction", one(`{"dtype":"U8","shape":[4.0],"data_offsets":[0,4]}`), "4.0 is not a whole number"},
		{"exponent", one(`{"dtype":"U8","shape":[4e0],"data_offsets":[0,4]}`), "4e0 is not a whole number"},
		{"text extent", one(`{"dtype":"U8","shape":["4"],"data_offsets":[0,4]}`), "4 is not a whole number"},
		{"nested shape", one(`{"dtype":"U8","shape":[[4]],"data_offsets":[0,4]}`), "is not a whole number"},
		{"shape number", one(`{"dtype":"U8","shape":4,"data_offsets":[0,4]}`), "shape is not a list"},
		{"absurd extent", one(`{"dtype":"U8","shape":[99999999999999999999],"data_offsets":[0,4]}`), "is absurd"},
		{"absurd product", one(`{"dtype":"F64","shape":[4611686018427387904,4],"data_offsets":[0,4]}`), "is absurd"},
		{"33 axes", one(`{"dtype":"U8","shape":[1` + strings.Repeat(",1", 32) + `],"data_offsets":[0,1]}`), "more than 32"},
		{"one offset", one(`{"dtype":"U8","shape":[4],"data_offsets":[4]}`), "is not a pair"},
		{"three offsets", one(`{"dtype":"U8","shape":[4],"data_offsets":[0,4,4]}`), "more than 2"},
		{"wrong bytes", one(`{"dtype":"F32","shape":[2],"data_offsets":[0,4]}`), "takes 8 bytes, data_offsets [0, 4] give 4"},
		{"backwards", one(`{"dtype":"U8","shape":[4],"data_offsets":[4,0]}`), "ends at byte 0 before"},
		{"cut", file(`{"w":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}`, 3), `cut: tensor "w" ends at byte 4 after the header, there are 3`},
		{"overlap", two("[0,4]", "[2,6]", 6), `"b" starts at byte 2, inside`},
		{"same bytes", two("[0,4]", "[0,4]", 4), "inside"},
		{"hole", two("[0,4]", "[5,9]", 9), `bytes 4 to 5 before tensor "b"`},
		{"hole first", two("[1,5]", "[5,9]", 9), `bytes 0 to 1 before tensor "a"`},
		{"tail", two("[0,4]", "[4,8]", 9), "1 bytes too many"},
	} {
		h, err := decode(c.b)
		if !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %+v, %v, want ErrFormat", c.name, h, err)
			continue
		}
		for _, w := range []string{c.want, "x.safetensors", fmt.Sprintf("(%d bytes)", len(c.b))} {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: error %q lacks %q", c.name, err, w)
			}
		}
	}
}

// Strings as this package writes them are read by encoding/json as they were.
func FuzzString(f *testing.F) {
	for _, s := range []string{"", "a", "\"\\/\b\f\n\r\t\x00\x1f\x7f", "é\u2028\U0001f30a", "</script>"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		s = strings.ToValidUTF8(s, "?")
		var got string
		if b := appendString(nil, s); json.Unmarshal(b, &got) != nil || got != s {
			t.Errorf("%q is written %s, which is %q", s, b, got)
		}
	})
}

// Whatever the bytes: no panic; a header that is accepted is JSON, and its tensors fill the file to the byte.
func FuzzDecode(f *testing.F) {
	names, err := filepath.Glob("testdata/*.safetensors")
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
	f.Add(file(`{"a":{"dtype":"U8","shape":[2,2],"data_offsets":[0,4]},"__metadata__":{"a":"b"}}`, 4))
	f.Add([]byte("\xff\xff\xff\xff\xff\xff\xff\xff{}"))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := decode(b)
		if err != nil {
			if !errors.Is(err, ErrFormat) {
				t.Fatalf("not ErrFormat: %v", err)
			}
			return
		}
		if text := b[8:h.Offset]; !json.Valid(text) {
			t.Fatalf("accepted %q, which is not JSON", text)
		}
		var sum int64
		for _, e := range h.Entries {
			n := int64(e.DType.Size())
			for _, s := range e.Shape {
				n *= int64(s)
			}
			if e.End-e.Begin != n || e.Begin < 0 || h.Offset+e.End > int64(len(b)) {
				t.Fatalf("accepted %+v in %d bytes", e, len(b))
			}
			sum += n
		}
		if h.Offset+sum != int64(len(b)) {
			t.Fatalf("tensors of %d bytes after %d in a file of %d", sum, h.Offset, len(b))
		}
	})
}
