package session

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestOneLine: what the log says of a death has no line break, its beginning and its end.
func TestOneLine(t *testing.T) {
	long := strings.Repeat("ä", 1000)
	for text, want := range map[string]string{
		"pid 7; its last words:\n  panic: no\n  exit 2": "pid 7; its last words: | panic: no | exit 2",
		"one line": "one line",
	} {
		if got := oneLine(errors.New(text)); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	got := oneLine(errors.New("begin\n" + long + "\nend"))
	if !strings.HasPrefix(got, "begin | ä") || !strings.HasSuffix(got, "ä | end") || !strings.Contains(got, " ... ") || len(got) > 500 || !utf8.ValidString(got) {
		t.Errorf("%d bytes: %q", len(got), got)
	}
}
