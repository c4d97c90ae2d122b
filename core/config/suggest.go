package config

import (
	"fmt"
	"strings"
)

// UnknownKey is the error for a key, the last of path, that is not among the allowed ones.
func UnknownKey(path Path, allowed []string) *KeyError {
	text := "unknown key"
	if s := Suggest(path[len(path)-1], allowed); s != "" {
		text += fmt.Sprintf("; did you mean %q?", s)
	}
	switch {
	case len(allowed) == 0:
		text += "; this table has no options"
	case strings.HasSuffix(text, "?"):
		text += " allowed: " + strings.Join(allowed, ", ")
	default:
		text += "; allowed: " + strings.Join(allowed, ", ")
	}
	return &KeyError{Path: path, Text: text}
}

// Suggest returns the name that was most likely meant by word: the only one that begins with it (three letters or more);
// else the nearest by number of typing errors (letters added, missing, wrong, or two neighbours swapped), at most a third
// of the word's length and at least one; else the only one with which the word begins. "" if there is none. Case, - and _
// do not count.
func Suggest(word string, names []string) string {
	if len(word) > 100 {
		return ""
	}
	folded := fold(word)
	if name := only(names, func(f string) bool { return len(folded) >= 3 && strings.HasPrefix(f, folded) }); name != "" {
		return name
	}
	best, least := "", max(1, len(folded)/3)+1
	for _, name := range names {
		if d := typos(folded, fold(name)); d < least {
			best, least = name, d
		}
	}
	if best != "" {
		return best
	}
	return only(names, func(f string) bool { return len(f) >= 3 && strings.HasPrefix(folded, f) })
}

// only returns the one name that, folded, fits; "" if none or several do.
func only(names []string, fits func(folded string) bool) string {
	found := ""
	for _, name := range names {
		if fits(fold(name)) {
			if found != "" {
				return ""
			}
			found = name
		}
	}
	return found
}

func fold(s string) string { return strings.ReplaceAll(strings.ToLower(s), "-", "_") }

// typos is the optimal string alignment distance of a and b.
func typos(a, b string) int {
	x, y := []rune(a), []rune(b)
	before, row := make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(x); i++ {
		next := make([]int, len(y)+1)
		next[0] = i
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			next[j] = min(row[j]+1, next[j-1]+1, row[j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				next[j] = min(next[j], before[j-2]+1)
			}
		}
		before, row = row, next
	}
	return row[len(y)]
}
