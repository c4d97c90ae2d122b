// Package progress shows how a run comes on: one live line per stage with rate and time left on a terminal, plain log
// lines otherwise.
package progress

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// Reporter shows stages. It is safe for concurrent use.
type Reporter struct {
	mu       sync.Mutex
	out      io.Writer
	terminal bool
	every    time.Duration // between two plain lines of a stage
	start    time.Time
	open     *Stage // the stage whose live line is on the screen
}

// New reports to f: live lines if it is a terminal, log lines otherwise.
func New(f *os.File) *Reporter {
	return &Reporter{out: f, terminal: term.IsTerminal(int(f.Fd())), every: 2 * time.Second, start: time.Now()}
}

// Plain reports log lines to w, at most one per stage and interval besides first and last.
func Plain(w io.Writer, every time.Duration) *Reporter {
	return &Reporter{out: w, every: every, start: time.Now()}
}

// Logf writes one line, above the live line if there is one.
func (r *Reporter) Logf(format string, args ...any) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.line(fmt.Sprintf(format, args...))
}

func (r *Reporter) line(text string) {
	if r.open != nil && r.open.bar != nil {
		_ = r.open.bar.Clear()
	}
	if r.terminal {
		fmt.Fprintln(r.out, text)
	} else {
		fmt.Fprintf(r.out, "%7.1fs  %s\n", time.Since(r.start).Seconds(), text)
	}
}

// Stage is one stage in progress.
type Stage struct {
	r     *Reporter
	title string
	unit  string
	bar   *progressbar.ProgressBar
	begin time.Time
	first int64     // steps that lay behind it (of an earlier session) when the clock of its rate began, at since
	since time.Time //
	last  time.Time
	total int64
	done  int64
}

// Start announces a stage of total steps (0: not known), done of which lie behind it from an earlier session. unit names
// a step in the plural ("steps", "examples"), "" where nothing is counted.
func (r *Reporter) Start(title, unit string, done, total int) *Stage {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	s := &Stage{r: r, title: title, unit: unit, begin: now, first: int64(done), since: now, done: int64(done), total: int64(total)}
	if r.terminal {
		n := int64(total)
		if n == 0 {
			n = -1
		}
		options := []progressbar.Option{progressbar.OptionSetWriter(r.out), progressbar.OptionSetDescription(title), progressbar.OptionSetWidth(24),
			progressbar.OptionThrottle(100 * time.Millisecond), progressbar.OptionClearOnFinish(), progressbar.OptionSetPredictTime(false)}
		if unit != "" {
			options = append(options, progressbar.OptionShowCount())
		}
		s.bar = progressbar.NewOptions64(n, options...)
		_ = s.bar.Set64(int64(done))
		r.open = s
		return s
	}
	text := title
	if done > 0 {
		text += fmt.Sprintf(": goes on at %d of %d %s", done, total, unit)
	} else if total > 0 {
		text += fmt.Sprintf(": %d %s", total, unit)
	}
	r.line(text)
	s.last = time.Now()
	return s
}

// Update says that done of total steps are behind; note is shown beside them ("loss 0.12"). Where Start knew no total, the
// first Update tells what lay behind it: the rate is that of the steps since then.
func (s *Stage) Update(done, total int, note string) {
	if s == nil {
		return
	}
	s.r.mu.Lock()
	defer s.r.mu.Unlock()
	if s.total == 0 && total > 0 {
		s.first, s.since = int64(done), time.Now()
	}
	s.done, s.total = int64(done), int64(total)
	if s.bar != nil {
		if int64(total) != s.bar.GetMax64() && total > 0 {
			s.bar.ChangeMax64(int64(total))
		}
		pace := s.pace(" ")
		if pace != "" {
			note = after(", ", note)
		} else {
			note = after(" ", note)
		}
		s.bar.Describe(s.title + pace + note)
		_ = s.bar.Set64(int64(done))
		return
	}
	if time.Since(s.last) < s.r.every {
		return
	}
	s.last = time.Now()
	text := fmt.Sprintf("%s: %d", s.title, done)
	if total > 0 {
		text += fmt.Sprintf(" of %d", total)
	}
	text += after(" ", s.unit) + s.pace(", ") + after(", ", note)
	s.r.line(text)
}

// pace is the rate and the time left after a separator, "" where they are not known yet.
func (s *Stage) pace(separator string) string {
	elapsed := time.Since(s.since).Seconds()
	if s.unit == "" || s.done <= s.first || elapsed <= 0 {
		return ""
	}
	rate := float64(s.done-s.first) / elapsed
	text := fmt.Sprintf("%s%.3g/s", separator, rate)
	if rate >= 100 {
		text = fmt.Sprintf("%s%.0f/s", separator, rate)
	}
	if s.total > 0 {
		text += fmt.Sprintf(", %s left", time.Duration(float64(s.total-s.done)/rate*float64(time.Second)).Round(time.Second))
	}
	return text
}

func after(separator, text string) string {
	if text == "" {
		return ""
	}
	return separator + text
}

// takeAway removes the live line and ends what keeps it turning. Callers hold the lock.
func (s *Stage) takeAway() {
	if s.bar != nil {
		_ = s.bar.Finish()
		_ = s.bar.Clear()
		s.bar = nil
	}
}

// Done ends the stage with one line.
func (s *Stage) Done(note string) {
	if s == nil {
		return
	}
	s.r.mu.Lock()
	defer s.r.mu.Unlock()
	s.takeAway()
	if s.r.open == s {
		s.r.open = nil
	}
	text := fmt.Sprintf("%s: done in %s", s.title, time.Since(s.begin).Round(time.Millisecond))
	if note != "" {
		text += " (" + note + ")"
	}
	s.r.line(text)
}

// Stop takes the live line away without saying that the stage is done.
func (s *Stage) Stop() {
	if s == nil {
		return
	}
	s.r.mu.Lock()
	defer s.r.mu.Unlock()
	s.takeAway()
	if s.r.open == s {
		s.r.open = nil
	}
}
