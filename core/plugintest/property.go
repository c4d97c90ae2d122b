package plugintest

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// Status is the outcome of a property.
type Status int

// The outcomes.
const (
	Pass Status = iota
	Fail
	Skip // does not apply, or could not be decided: the text says why
)

func (s Status) String() string {
	switch s {
	case Pass:
		return "pass"
	case Fail:
		return "FAIL"
	case Skip:
		return "skip"
	}
	return fmt.Sprintf("status(%d)", int(s))
}

// Property is one thing that the contract asks of a plugin, and how the plugin fared.
type Property struct {
	Name     string // "dot-product"
	Doc      string // what must hold, in a sentence
	Status   Status
	Text     string // the numbers; for a failure what was expected
	Duration time.Duration
}

// Failed returns the properties that failed, in order.
func Failed(list []Property) []Property {
	var f []Property
	for _, p := range list {
		if p.Status == Fail {
			f = append(f, p)
		}
	}
	return f
}

// Write prints a list, one line per property, with what must hold and the numbers below each failure, and with verbose
// below every property. The last line has the counts.
func Write(w io.Writer, list []Property, verbose bool) error {
	var b strings.Builder
	count := map[Status]int{}
	for _, p := range list {
		count[p.Status]++
		line := fmt.Sprintf("%s  %-22s %6.2f s", p.Status, p.Name, p.Duration.Seconds())
		head, _, _ := strings.Cut(p.Text, "\n")
		switch {
		case p.Status == Fail || verbose:
			fmt.Fprintf(&b, "%s\n      %s\n", line, p.Doc)
			if p.Text != "" {
				fmt.Fprintf(&b, "      %s\n", strings.ReplaceAll(p.Text, "\n", "\n      "))
			}
		case head != "":
			fmt.Fprintf(&b, "%s  %s\n", line, head)
		default:
			fmt.Fprintf(&b, "%s\n", line)
		}
	}
	fmt.Fprintf(&b, "%d passed, %d failed, %d skipped\n", count[Pass], count[Fail], count[Skip])
	_, err := io.WriteString(w, b.String())
	return err
}
