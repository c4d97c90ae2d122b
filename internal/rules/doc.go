// Package rules holds the tests of the repository's own rules: who may import whom, how long a file may be, what may not
// stand in a tracked file. It has no code to import; go test ./internal/rules says which rule is broken, where, and why
// the rule is there.
package rules
