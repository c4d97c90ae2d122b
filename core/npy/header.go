package npy

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/waveprior/waveprior/core/tensor"
)

const (
	magic     = "\x93NUMPY"
	align     = 64      // ARRAY_ALIGN of numpy/lib/format.py: where the elements start
	growth    = 21      // GROWTH_AXIS_MAX_DIGITS there: room for the digits of the first extent
	maxHeader = 1 << 16 // bytes; NumPy reads 10000 by default, the largest of ours has under 1000
	maxAxes   = 32      // NPY_MAXDIMS of NumPy 1
)

// descr gives NumPy's name of each dtype.
var descr = map[tensor.DType]string{
	tensor.Float32:    "<f4",
	tensor.Float64:    "<f8",
	tensor.Complex64:  "<c8",
	tensor.Complex128: "<c16",
	tensor.Int32:      "<i4",
	tensor.Int64:      "<i8",
	tensor.Uint8:      "|u1",
}

// encodeHeader returns all bytes before the elements, as numpy.save (1.24 and later) writes them: version 1.0, the
// dictionary, room for the first extent to grow, spaces to a multiple of 64 bytes, a newline. The length does not depend
// on the first extent.
func encodeHeader(dt tensor.DType, shape []int) []byte { return encodeDescr(descr[dt], shape) }

// encodeDescr is encodeHeader for NumPy's name of a dtype.
func encodeDescr(name string, shape []int) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "{'descr': '%s', 'fortran_order': False, 'shape': (", name)
	for i, n := range shape {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(strconv.Itoa(n))
	}
	if len(shape) == 1 {
		b.WriteByte(',')
	}
	b.WriteString("), }")
	if len(shape) > 0 {
		b.WriteString(strings.Repeat(" ", growth-len(strconv.Itoa(shape[0]))))
	}
	const pre = len(magic) + 4 // version and length
	pad := align - (pre+b.Len()+1)%align
	out := make([]byte, 0, pre+b.Len()+pad+1)
	out = append(out, magic...)
	out = append(out, 1, 0)
	out = binary.LittleEndian.AppendUint16(out, uint16(b.Len()+pad+1))
	out = append(out, b.String()...)
	for range pad {
		out = append(out, ' ')
	}
	return append(out, '\n')
}

// decodeHeader reads and checks the header of a file of size bytes. It allocates no more than the header, whose length is
// checked against the size first.
func decodeHeader(name string, r io.ReaderAt, size int64) (Header, error) {
	return decodeRows(name, r, size, false)
}

// decodeRows is decodeHeader for a reader that takes half-precision numbers too, if halves says so: see Header.Half.
func decodeRows(name string, r io.ReaderAt, size int64, halves bool) (h Header, err error) {
	bad := func(format string, a ...any) (Header, error) {
		return Header{}, fmt.Errorf("%w: %s (%d bytes): %s", ErrFormat, name, size, fmt.Sprintf(format, a...))
	}
	var pre [12]byte
	n, err := r.ReadAt(pre[:min(size, 12)], 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return Header{}, fmt.Errorf("npy: %s: %w", name, err)
	}
	if n < len(magic) || string(pre[:len(magic)]) != magic {
		return bad("it starts with %q, a .npy file starts with %q", pre[:min(n, len(magic))], magic)
	}
	if n < 10 {
		return bad("cut in the first 10 bytes")
	}
	h = Header{Major: int(pre[6])}
	var length int64
	switch {
	case pre[7] != 0 || h.Major < 1 || h.Major > 3:
		return bad("version %d.%d (known: 1.0, 2.0, 3.0)", pre[6], pre[7])
	case h.Major == 1:
		h.Offset, length = 10, int64(binary.LittleEndian.Uint16(pre[8:]))
	case n < 12:
		return bad("cut in the first 12 bytes")
	default:
		h.Offset, length = 12, int64(binary.LittleEndian.Uint32(pre[8:]))
	}
	if length > size-h.Offset {
		return bad("a header of %d bytes at byte %d: the file is cut", length, h.Offset)
	}
	if length > maxHeader {
		return bad("a header of %d bytes, at most %d", length, maxHeader)
	}
	text := make([]byte, length)
	if n, err := r.ReadAt(text, h.Offset); n < len(text) {
		return Header{}, fmt.Errorf("npy: %s: reading the header: %w", name, err)
	}
	h.Offset += length
	p := &parser{s: string(text), halves: halves}
	if h.DType, h.Shape, err = p.header(); err != nil {
		return bad("%v in header %s", err, quote(text))
	}
	elems, err := tensor.Elements(h.Shape)
	if err != nil {
		return bad("shape %v is absurd, in header %s", h.Shape, quote(text))
	}
	h.Half = p.half
	what := h.Type()
	h.Bytes = int64(elems) * int64(h.size())
	switch have := size - h.Offset; {
	case have < h.Bytes:
		return bad("cut: %s %v takes %d bytes after the header, there are %d; header %s", what, h.Shape, h.Bytes, have, quote(text))
	case have > h.Bytes:
		return bad("%d bytes too many: %s %v takes %d bytes after the header, there are %d; header %s",
			have-h.Bytes, what, h.Shape, h.Bytes, have, quote(text))
	}
	return h, nil
}

// quote shows a header without its padding, cut at 200 bytes.
func quote(b []byte) string {
	s := strings.TrimRight(string(b), " \n")
	if len(s) > 200 {
		return strconv.Quote(s[:200]) + "..."
	}
	return strconv.Quote(s)
}

// parseHeader reads the dictionary, a Python literal with exactly the keys descr, fortran_order and shape.
func parseHeader(s string) (tensor.DType, []int, error) { return (&parser{s: s}).header() }

func (p *parser) header() (tensor.DType, []int, error) {
	var dt tensor.DType
	var shape []int
	var fortran bool
	seen := map[string]bool{}
	if err := p.want('{'); err != nil {
		return 0, nil, err
	}
	for !p.accept('}') {
		key, err := p.str()
		if err != nil {
			return 0, nil, err
		}
		if seen[key] {
			return 0, nil, fmt.Errorf("key %q twice", key)
		}
		seen[key] = true
		if err := p.want(':'); err != nil {
			return 0, nil, err
		}
		switch key {
		case "descr":
			dt, err = p.dtype()
		case "fortran_order":
			fortran, err = p.boolean()
		case "shape":
			shape, err = p.shape()
		default:
			err = fmt.Errorf("unknown key %q (known: descr, fortran_order, shape)", key)
		}
		if err != nil {
			return 0, nil, err
		}
		if p.accept('}') {
			break
		}
		if err := p.want(','); err != nil {
			return 0, nil, err
		}
	}
	p.space()
	if p.i < len(p.s) {
		return 0, nil, p.fail("text after the dictionary")
	}
	for _, key := range []string{"descr", "fortran_order", "shape"} {
		if !seen[key] {
			return 0, nil, fmt.Errorf("key %q is missing", key)
		}
	}
	if fortran {
		return 0, nil, fmt.Errorf("the array is in Fortran order (fortran_order: True), shape %v; C order is needed: save numpy.ascontiguousarray(a)", shape)
	}
	return dt, shape, nil
}

// parser reads tokens of a Python literal.
type parser struct {
	s      string
	i      int
	halves bool // float16 is taken, as Float32
	half   bool // and that is what it was
}

func (p *parser) fail(what string) error { return fmt.Errorf("%s at byte %d", what, p.i) }

func (p *parser) space() {
	for p.i < len(p.s) && strings.IndexByte(" \t\r\n\f", p.s[p.i]) >= 0 {
		p.i++
	}
}

func (p *parser) accept(c byte) bool {
	p.space()
	if p.i < len(p.s) && p.s[p.i] == c {
		p.i++
		return true
	}
	return false
}

func (p *parser) want(c byte) error {
	if !p.accept(c) {
		return p.fail(fmt.Sprintf("no %q", c))
	}
	return nil
}

// str reads a string in single or double quotes of printable ASCII without escapes: all that the keys and dtypes need.
func (p *parser) str() (string, error) {
	p.space()
	if p.i >= len(p.s) || (p.s[p.i] != '\'' && p.s[p.i] != '"') {
		return "", p.fail("no string")
	}
	q := p.s[p.i]
	for j := p.i + 1; j < len(p.s); j++ {
		switch c := p.s[j]; {
		case c == q:
			s := p.s[p.i+1 : j]
			p.i = j + 1
			return s, nil
		case c == '\\' || c < ' ' || c > '~':
			p.i = j
			return "", p.fail(fmt.Sprintf("byte %q in a string", c))
		}
	}
	return "", p.fail("string without an end")
}

func (p *parser) boolean() (bool, error) {
	p.space()
	for word, v := range map[string]bool{"True": true, "False": false} {
		if strings.HasPrefix(p.s[p.i:], word) {
			p.i += len(word)
			return v, nil
		}
	}
	return false, p.fail("neither True nor False")
}

// dtype reads the value of descr. Errors name what was found in words.
func (p *parser) dtype() (tensor.DType, error) {
	allowed := "(allowed: <f4, <f8, <c8, <c16, <i4, <i8, |u1)"
	if p.halves {
		allowed = "(allowed: <f2, <f4, <f8, <c8, <c16, <i4, <i8, |u1)"
	}
	p.space()
	if p.i < len(p.s) && (p.s[p.i] == '[' || p.s[p.i] == '(') {
		return 0, fmt.Errorf("descr is a structured dtype %s", allowed)
	}
	s, err := p.str()
	if err != nil {
		return 0, err
	}
	if p.halves && s == halfDescr {
		p.half = true
		return tensor.Float32, nil
	}
	if s == "<u1" || s == ">u1" { // one byte has no order
		s = "|u1"
	}
	for dt := tensor.Float32; dt <= tensor.Uint8; dt++ {
		if descr[dt] == s {
			return dt, nil
		}
	}
	if strings.HasPrefix(s, ">") {
		for dt := tensor.Float32; dt <= tensor.Uint8; dt++ {
			if descr[dt][1:] == s[1:] {
				return 0, fmt.Errorf("descr %q is big-endian %v, little-endian is needed: save a.astype('%s')", s, dt, descr[dt])
			}
		}
	}
	return 0, fmt.Errorf("descr %q %s", s, allowed)
}

// shape reads a tuple of integers: (), (3,), (3, 4). The long integers of Python 2 (3L) are taken, as NumPy does.
func (p *parser) shape() ([]int, error) {
	if err := p.want('('); err != nil {
		return nil, err
	}
	shape := []int{}
	for !p.accept(')') {
		p.space()
		j := p.i
		for j < len(p.s) && p.s[j] >= '0' && p.s[j] <= '9' {
			j++
		}
		digits := p.s[p.i:j]
		if digits == "" || (len(digits) > 1 && digits[0] == '0') {
			return nil, p.fail("extent that is not a whole number >= 0 in shape")
		}
		n, err := strconv.Atoi(digits)
		if err != nil {
			return nil, fmt.Errorf("absurd extent %s in shape", digits)
		}
		if len(shape) == maxAxes {
			return nil, fmt.Errorf("shape of more than %d axes", maxAxes)
		}
		shape = append(shape, n)
		p.i = j
		if p.i < len(p.s) && p.s[p.i] == 'L' {
			p.i++
		}
		if p.accept(',') {
			continue
		}
		if !p.accept(')') {
			return nil, p.fail("no ',' or ')'")
		}
		if len(shape) == 1 {
			return nil, p.fail("shape that is not a tuple (one extent is written (3,))")
		}
		break
	}
	return shape, nil
}
