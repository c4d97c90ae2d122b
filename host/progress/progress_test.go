package progress_test

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/waveprior/waveprior/host/progress"
)

// TestPlainLines: where there is no terminal each stage has a first and a last line, and between them lines with rate and
// time left, no more often than asked.
func TestPlainLines(t *testing.T) {
	var b bytes.Buffer
	r := progress.Plain(&b, 30*time.Millisecond)
	s := r.Start("sample [a]", "steps", 10, 1000)
	for i := 11; i <= 60; i++ {
		time.Sleep(2 * time.Millisecond)
		s.Update(i, 1000, "median misfit 3")
	}
	r.Logf("a note")
	s.Done("60 steps")
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	if len(lines) < 5 || len(lines) > 45 {
		t.Fatalf("%d lines:\n%s", len(lines), b.String())
	}
	for i, want := range map[int]string{
		0:              `s  sample \[a\]: goes on at 10 of 1000 steps$`,
		1:              `s  sample \[a\]: \d+ of 1000 steps, [0-9.e+]+/s, \d+\w* left, median misfit 3$`,
		len(lines) - 2: `s  a note$`,
		len(lines) - 1: `s  sample \[a\]: done in \S+ \(60 steps\)$`,
	} {
		if !regexp.MustCompile(want).MatchString(lines[i]) {
			t.Errorf("line %d is %q, want %s", i, lines[i], want)
		}
	}
}

// TestSilent: no reporter, no stage, no trouble.
func TestSilent(t *testing.T) {
	var r *progress.Reporter
	s := r.Start("x", "steps", 0, 1)
	s.Update(1, 1, "")
	s.Stop()
	s.Done("")
	r.Logf("x")
}

// TestPaceAfterResume: a stage that goes on at step 9000 of a number that is not known when it begins does not think that it
// did those steps just now.
func TestPaceAfterResume(t *testing.T) {
	var b bytes.Buffer
	s := progress.Plain(&b, 0).Start("train", "steps", 0, 0)
	s.Update(9000, 10000, "loss 2")
	time.Sleep(50 * time.Millisecond)
	s.Update(9010, 10000, "loss 1") // at most 200/s: 5 s left or more
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	if len(lines) != 3 || !strings.HasSuffix(lines[1], "train: 9000 of 10000 steps, loss 2") {
		t.Fatalf("%s", b.String())
	}
	m := regexp.MustCompile(`9010 of 10000 steps, ([0-9.e+]+)/s, (\S+) left, loss 1$`).FindStringSubmatch(lines[2])
	if m == nil {
		t.Fatalf("%q", lines[2])
	}
	left, err := time.ParseDuration(m[2])
	if err != nil || left < 4*time.Second {
		t.Errorf("%q: %v", lines[2], err)
	}
}
