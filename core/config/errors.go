package config

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// KeyError is what is wrong with one key of a tree whose file is not known here, as a plugin or Resolve sees it.
// Document.Locate makes an *Error of it. Line is 0 unless something knew it. It goes over wires as
// JSON.
type KeyError struct {
	Path Path   `json:"path,omitempty"`
	Line int    `json:"line,omitempty"`
	Text string `json:"text"`
}

// Error is "key: text", or the text alone for the whole tree.
func (e *KeyError) Error() string {
	text := e.Text
	if len(e.Path) > 0 {
		text = e.Path.String() + ": " + text
	}
	if e.Line > 0 {
		text = fmt.Sprintf("line %d: %s", e.Line, text)
	}
	return text
}

// Error is what is wrong with one place of a file. Line 0: the file as a whole. Key "": no single key.
type Error struct {
	File string
	Line int
	Key  string
	Text string
}

// Error is "file:line: key: text", without what is not known.
func (e *Error) Error() string {
	at := e.File
	if e.Line > 0 {
		at = fmt.Sprintf("%s:%d", at, e.Line)
	}
	if e.Key != "" {
		at += ": " + e.Key
	}
	return at + ": " + e.Text
}

// All lists the errors that errors.Join put together, at any depth, in order; nil gives none.
func All(err error) []error {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []error
		for _, e := range joined.Unwrap() {
			all = append(all, All(e)...)
		}
		return all
	}
	return []error{err}
}

// First returns the first of the errors that errors.Join put together; of what Locate returns, the one with the
// smallest line.
func First(err error) error {
	all := All(err)
	if len(all) == 0 {
		return nil
	}
	return all[0]
}

// JoinByLine joins errors: first every *Error, sorted by file and line (equal ones stay in order), then the others. It
// returns nil if there are none.
func JoinByLine(errs ...error) error {
	var all []error
	for _, e := range errs {
		all = append(all, All(e)...)
	}
	slices.SortStableFunc(all, func(a, b error) int {
		var x, y *Error
		xOK, yOK := errors.As(a, &x), errors.As(b, &y)
		switch {
		case xOK && yOK:
			return cmp.Or(cmp.Compare(x.File, y.File), cmp.Compare(x.Line, y.Line))
		case xOK:
			return -1
		case yOK:
			return 1
		}
		return 0
	})
	return errors.Join(all...)
}
