package plugin

import (
	"io"
	"strings"
	"sync"
)

// tailLines is how many lines of a plugin's log are kept, and maxLine how many bytes of a line.
const (
	tailLines = 50
	maxLine   = 4 << 10
)

// logTail keeps the last lines of a plugin's stderr and passes everything on. It may be used from several goroutines.
type logTail struct {
	to io.Writer // may be nil

	mu    sync.Mutex
	lines []string
	part  []byte
}

func (l *logTail) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, b := range p {
		switch {
		case b == '\n':
			l.lines = append(l.lines, string(l.part))
			l.part = l.part[:0]
			if len(l.lines) > tailLines {
				l.lines = append(l.lines[:0], l.lines[len(l.lines)-tailLines:]...)
			}
		case len(l.part) < maxLine:
			l.part = append(l.part, b)
		}
	}
	if l.to != nil {
		// What becomes of the copy is not the plugin's concern: the lines are kept.
		_, _ = l.to.Write(p)
	}
	return len(p), nil
}

// String returns the lines kept, without a newline at the end.
func (l *logTail) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := strings.Join(l.lines, "\n")
	if len(l.part) > 0 {
		if s != "" {
			s += "\n"
		}
		s += string(l.part)
	}
	return s
}
