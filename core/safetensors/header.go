package safetensors

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/waveprior/waveprior/core/tensor"
)

const (
	metadataKey = "__metadata__"
	maxHeader   = 100_000_000 // MAX_HEADER_SIZE of safetensors/src/tensor.rs
	maxAxes     = 32          // as package npy
)

// dtypes are the format's names in the order of its Dtype enum, which is that of alignment: files hold the last first.
var dtypes = []struct {
	dt   tensor.DType
	name string
}{
	{tensor.Uint8, "U8"},
	{tensor.Int32, "I32"},
	{tensor.Float32, "F32"},
	{tensor.Complex64, "C64"},
	{tensor.Float64, "F64"},
	{tensor.Int64, "I64"},
}

const allowed = "allowed: F32, F64, C64, I32, I64, U8"

// rank is the place of a dtype in that order, -1 for one that the format has not.
func rank(dt tensor.DType) int {
	for i, d := range dtypes {
		if d.dt == dt {
			return i
		}
	}
	return -1
}

func check(name string, t *tensor.Tensor) error {
	switch {
	case name == metadataKey:
		return fmt.Errorf("a tensor cannot be called %q", name)
	case !utf8.ValidString(name):
		return fmt.Errorf("tensor name %q is not UTF-8", name)
	case t == nil:
		return fmt.Errorf("tensor %q is nil: %w", name, tensor.ErrShape)
	case t.DType == tensor.Complex128:
		return fmt.Errorf("tensor %q is complex128, which the format does not have (%s): store real and imaginary parts as float64 "+
			"with a last axis of 2: %w", name, allowed, tensor.ErrShape)
	case rank(t.DType) < 0:
		return fmt.Errorf("tensor %q is %v (%s): %w", name, t.DType, allowed, tensor.ErrShape)
	case len(t.Shape) > maxAxes:
		return fmt.Errorf("tensor %q has %d axes, at most %d: %w", name, len(t.Shape), maxAxes, tensor.ErrShape)
	}
	return t.Check("tensor "+strconv.Quote(name), t.DType, t.Shape...)
}

// encodeHeader returns all bytes before those of the tensors, which follow in the order of names.
func encodeHeader(names []string, tensors map[string]*tensor.Tensor, metadata map[string]string) ([]byte, error) {
	b := append(make([]byte, 8), '{')
	if len(metadata) > 0 {
		b = append(appendString(b, metadataKey), ':', '{')
		for i, k := range slices.Sorted(maps.Keys(metadata)) {
			if !utf8.ValidString(k) || !utf8.ValidString(metadata[k]) {
				return nil, fmt.Errorf("metadata %q = %q is not UTF-8", k, metadata[k])
			}
			if i > 0 {
				b = append(b, ',')
			}
			b = appendString(append(appendString(b, k), ':'), metadata[k])
		}
		b = append(b, '}')
	}
	off := 0
	for i, name := range names {
		if i > 0 || len(metadata) > 0 {
			b = append(b, ',')
		}
		t := tensors[name]
		b = fmt.Appendf(appendString(b, name), `:{"dtype":"%s","shape":[`, dtypes[rank(t.DType)].name)
		for j, n := range t.Shape {
			if j > 0 {
				b = append(b, ',')
			}
			b = strconv.AppendInt(b, int64(n), 10)
		}
		b = fmt.Appendf(b, `],"data_offsets":[%d,%d]}`, off, off+len(t.Data))
		off += len(t.Data)
	}
	b = append(b, '}')
	for len(b)%8 != 0 {
		b = append(b, ' ')
	}
	if len(b)-8 > maxHeader {
		return nil, fmt.Errorf("%d tensors need a header of %d bytes, at most %d", len(names), len(b)-8, maxHeader)
	}
	binary.LittleEndian.PutUint64(b, uint64(len(b)-8))
	return b, nil
}

// appendString writes a JSON string as the reference does: only quotes, backslashes and control characters are escaped.
func appendString(b []byte, s string) []byte {
	const short = "\b\t\n\f\r\"\\"
	b = append(b, '"')
	for i := range len(s) {
		c := s[i]
		if j := strings.IndexByte(short, c); j >= 0 {
			b = append(b, '\\', `btnfr"\`[j])
		} else if c < ' ' {
			b = fmt.Appendf(b, `\u%04x`, c)
		} else {
			b = append(b, c)
		}
	}
	return append(b, '"')
}

// decodeHeader reads and checks the header of a file of size bytes.
func decodeHeader(name string, r io.ReaderAt, size int64) (Header, error) {
	bad := func(format string, a ...any) (Header, error) {
		return Header{}, fmt.Errorf("%w: %s (%d bytes): %s", ErrFormat, name, size, fmt.Sprintf(format, a...))
	}
	if size < 8 {
		return bad("cut in the first 8 bytes, which hold the header's length")
	}
	var pre [8]byte
	if n, err := r.ReadAt(pre[:], 0); n < 8 {
		return Header{}, fmt.Errorf("safetensors: %s: %w", name, err)
	}
	length := binary.LittleEndian.Uint64(pre[:])
	if length > maxHeader {
		return bad("a header of %d bytes, at most %d", length, maxHeader)
	}
	if int64(length) > size-8 {
		return bad("a header of %d bytes at byte 8: the file is cut", length)
	}
	text := make([]byte, length)
	if n, err := r.ReadAt(text, 8); n < len(text) {
		return Header{}, fmt.Errorf("safetensors: %s: reading the header: %w", name, err)
	}
	h, err := parseHeader(text)
	if err == nil {
		h.Offset = 8 + int64(length)
		err = h.checkLayout(size - h.Offset)
	}
	if err != nil {
		return bad("%v; header of %d bytes %s", err, length, quote(text))
	}
	return h, nil
}

// quote shows a header cut at 200 bytes.
func quote(b []byte) string {
	b = bytes.TrimRight(b, " ")
	if len(b) > 200 {
		return strconv.Quote(string(b[:200])) + "..."
	}
	return strconv.Quote(string(b))
}

// checkLayout sorts the entries by their bytes and makes sure that they fill data bytes without hole or overlap.
func (h *Header) checkLayout(data int64) error {
	slices.SortFunc(h.Entries, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(a.Begin, b.Begin), cmp.Compare(a.End, b.End), cmp.Compare(a.Name, b.Name))
	})
	var end int64
	for _, e := range h.Entries {
		switch {
		case e.End < e.Begin:
			return fmt.Errorf("tensor %q ends at byte %d before it starts at %d", e.Name, e.End, e.Begin)
		case e.End > data:
			return fmt.Errorf("cut: tensor %q ends at byte %d after the header, there are %d", e.Name, e.End, data)
		case e.Begin < end:
			return fmt.Errorf("tensor %q starts at byte %d, inside the one before, which ends at %d", e.Name, e.Begin, end)
		case e.Begin > end:
			return fmt.Errorf("bytes %d to %d before tensor %q belong to none", end, e.Begin, e.Name)
		}
		n, err := tensor.Elements(e.Shape)
		if err != nil {
			return fmt.Errorf("tensor %q: shape %v is absurd", e.Name, e.Shape)
		}
		if want := int64(n) * int64(e.DType.Size()); want != e.End-e.Begin {
			return fmt.Errorf("tensor %q: %v %v takes %d bytes, data_offsets [%d, %d] give %d",
				e.Name, e.DType, e.Shape, want, e.Begin, e.End, e.End-e.Begin)
		}
		end = e.End
	}
	if end != data {
		return fmt.Errorf("%d bytes too many: the tensors take %d bytes after the header, there are %d", data-end, end, data)
	}
	return nil
}

// parseHeader reads the JSON text. It goes token by token, because duplicate and unknown keys must be seen.
func parseHeader(text []byte) (Header, error) {
	var h Header
	if len(text) == 0 || text[0] != '{' {
		return h, errors.New("the header does not start with '{'")
	}
	if !utf8.Valid(text) {
		return h, errors.New("the header is not UTF-8")
	}
	p := &parser{d: json.NewDecoder(bytes.NewReader(text))}
	p.d.UseNumber()
	err := p.object("the header", func(key string) error {
		if key == metadataKey {
			h.Metadata = map[string]string{}
			return p.object(metadataKey, func(key string) (err error) {
				h.Metadata[key], err = p.str(metadataKey + " " + strconv.Quote(key))
				return err
			})
		}
		e := Entry{Name: key}
		err := p.entry(&e)
		h.Entries = append(h.Entries, e)
		return err
	})
	if err != nil {
		return h, err
	}
	if rest := bytes.TrimRight(text[p.d.InputOffset():], " \t\r\n"); len(rest) > 0 {
		return h, fmt.Errorf("text after the JSON object at byte %d of the header", p.d.InputOffset())
	}
	return h, nil
}

type parser struct{ d *json.Decoder }

// object reads an object; each is called with every key and reads its value.
func (p *parser) object(what string, each func(key string) error) error {
	if err := p.delim(what, '{', "an object"); err != nil {
		return err
	}
	seen := map[string]bool{}
	for p.d.More() {
		key, err := p.str("a key of " + what)
		if err != nil {
			return err
		}
		if seen[key] {
			return fmt.Errorf("key %q twice in %s", key, what)
		}
		seen[key] = true
		if err := each(key); err != nil {
			return err
		}
	}
	return p.delim(what, '}', "an object")
}

func (p *parser) entry(e *Entry) error {
	what := "tensor " + strconv.Quote(e.Name)
	seen := 0
	err := p.object(what, func(key string) error {
		seen++
		switch key {
		case "dtype":
			s, err := p.str(what + ": dtype")
			if err != nil {
				return err
			}
			for _, d := range dtypes {
				if d.name == s {
					e.DType = d.dt
					return nil
				}
			}
			return fmt.Errorf("%s: dtype %q (%s)", what, s, allowed)
		case "shape":
			e.Shape = []int{}
			return p.numbers(what+": shape", maxAxes, func(n int64) { e.Shape = append(e.Shape, int(n)) })
		case "data_offsets":
			var o []int64
			err := p.numbers(what+": data_offsets", 2, func(n int64) { o = append(o, n) })
			if err == nil && len(o) != 2 {
				err = fmt.Errorf("%s: data_offsets %v is not a pair", what, o)
			}
			if err == nil {
				e.Begin, e.End = o[0], o[1]
			}
			return err
		}
		return fmt.Errorf("%s: unknown key %q (known: dtype, shape, data_offsets)", what, key)
	})
	if err == nil && seen != 3 {
		err = fmt.Errorf("%s: needs dtype, shape and data_offsets, has %d of them", what, seen)
	}
	return err
}

// numbers reads a list of at most limit whole numbers >= 0.
func (p *parser) numbers(what string, limit int, each func(n int64)) error {
	if err := p.delim(what, '[', "a list"); err != nil {
		return err
	}
	for count := 0; p.d.More(); count++ {
		t, err := p.token(what)
		if err != nil {
			return err
		}
		s, ok := t.(json.Number)
		if !ok {
			return fmt.Errorf("%s: %v is not a whole number >= 0", what, t)
		}
		if strings.Trim(string(s), "0123456789") != "" {
			return fmt.Errorf("%s: %s is not a whole number >= 0", what, s)
		}
		n, err := strconv.ParseInt(string(s), 10, 64)
		if err != nil {
			return fmt.Errorf("%s: %s is absurd", what, s)
		}
		if count == limit {
			return fmt.Errorf("%s: more than %d numbers", what, limit)
		}
		each(n)
	}
	return p.delim(what, ']', "a list")
}

func (p *parser) str(what string) (string, error) {
	t, err := p.token(what)
	if err != nil {
		return "", err
	}
	s, ok := t.(string)
	if !ok {
		return "", fmt.Errorf("%s is not a string", what)
	}
	return s, nil
}

func (p *parser) delim(what string, d json.Delim, kind string) error {
	t, err := p.token(what)
	if err != nil {
		return err
	}
	if t != d {
		return fmt.Errorf("%s is not %s", what, kind)
	}
	return nil
}

func (p *parser) token(what string) (json.Token, error) {
	t, err := p.d.Token()
	if err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, fmt.Errorf("%s: not JSON: %w", what, err)
	}
	return t, nil
}
