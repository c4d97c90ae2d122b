// Package badinput tests, through the built command and real processes, what bad input gets: every line of the table in
// docs (TOML, arrays, models, plugins that are missing, wrong, dead or hanging, full disks, foreign folders). It has no
// code besides its tests.
package badinput
