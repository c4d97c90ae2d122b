package plugin

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Environment variables between the host and a plugin, beside go-plugin's own.
const (
	envCookie    = "WAVEPRIOR_PLUGIN"       // the magic cookie: set by whoever starts a plugin as one
	envHost      = "WAVEPRIOR_HOST_PID"     // the process that the plugin belongs to
	envAttach    = "WAVEPRIOR_ATTACH"       // 1: serve without a host, print the address
	envSocketDir = "PLUGIN_UNIX_SOCKET_DIR" // go-plugin's
)

// cookieValue is the value of the magic cookie. It tells a person's try from a host's, it is no secret.
const cookieValue = "2f1c4f0e-waveprior-v1"

// startGrace is how long a plugin waits for its host's Live stream.
const startGrace = 30 * time.Second

// lifetime ends the plugin when its host is gone: when the last Live stream breaks, when none was opened in time, or
// when the parent changed before one was. Never by Pdeathsig, which is bound to a thread of the parent.
type lifetime struct {
	host   int // process id of the host
	dir    string
	attach bool          // nobody's: serve until killed
	exit   func(int)     // os.Exit
	parent func() int    // os.Getppid
	remove func() error  // removes this plugin's socket
	done   chan struct{} // closed when the server has stopped

	mu      sync.Mutex
	streams map[chan liveLine]bool
	opened  bool
}

// watch guards the time until the first Live stream. It returns when one was opened.
func (l *lifetime) watch() {
	if l.attach {
		return
	}
	for start := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		l.mu.Lock()
		opened := l.opened
		l.mu.Unlock()
		if opened {
			return
		}
		if l.parent() != l.host || time.Since(start) > startGrace {
			l.end()
			return
		}
	}
}

// liveLine is what goes to the host over a Live stream: a line of text, or the most memory that a GPU held.
type liveLine struct {
	text string
	peak uint64
}

// enter registers a Live stream; leave must be called when it ends.
func (l *lifetime) enter() (lines <-chan liveLine, leave func()) {
	c := make(chan liveLine, 64)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.streams == nil {
		l.streams = map[chan liveLine]bool{}
	}
	l.streams[c] = true
	l.opened = true
	return c, func() {
		l.mu.Lock()
		delete(l.streams, c)
		last := len(l.streams) == 0
		l.mu.Unlock()
		if last && !l.attach {
			go l.end()
		}
	}
}

// send sends something to the host; when nobody reads, it is dropped.
func (l *lifetime) send(line liveLine) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.streams {
		select {
		case c <- line:
		default:
		}
	}
}

// end removes what the run left where its host can no longer do so, and ends the process.
func (l *lifetime) end() {
	if l.remove != nil {
		_ = l.remove()
	}
	// A dying process closes its sockets before its children get another parent: give that a moment.
	for i := 0; i < 200; i++ {
		if l.parent() != l.host {
			removeSockets(l.dir)
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	l.exit(0)
}

// removeSockets removes the sockets in a folder, and the folder if nothing else is in it. Other files are left alone, but for the
// empty one that holds a socket's name (go-plugin makes it first), where a plugin was killed just then.
func removeSockets(dir string) {
	if dir == "" {
		return
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		placeholder := false
		if strings.HasPrefix(e.Name(), "plugin") && e.Type().IsRegular() {
			info, err := e.Info()
			placeholder = err == nil && info.Size() == 0
		}
		if e.Type()&os.ModeSocket != 0 || placeholder {
			_ = os.Remove(filepath.Join(dir, e.Name()))
		}
	}
	_ = os.Remove(dir)
}
