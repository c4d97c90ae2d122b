package roofline

import (
	"fmt"
	"slices"

	"github.com/waveprior/waveprior/cuda"
)

// Problem is one published piece of work, as the launches that the product makes for it.
type Problem struct {
	Name string // a heading
	What string // sizes and source
	// Run does the work once, through the families' own functions: on a device that only takes notes, or on a GPU.
	Run func(d cuda.Device) error
	// Small is the same cut down until the emulated device does it in seconds.
	Small func(d cuda.Device) error
}

// Row is the launches of one kernel with one set of sizes in a problem.
type Row struct {
	Launch
	Calls int
	Work  Work
}

// Launches runs a problem on a ledger and returns its launches in order of their first call, equal ones as one Row.
func (p Problem) Launches() ([]Row, error) {
	var rows []Row
	var wrong error
	d := cuda.NewLedger(func(k *cuda.Kernel, units int, args []cuda.Arg) {
		l, err := launchOf(k, units, args)
		var w Work
		if err == nil {
			w, err = WorkOf(l)
		}
		if err != nil && wrong == nil {
			wrong = err
		}
		for i := range rows {
			if r := &rows[i]; r.Kernel == l.Kernel && r.Grid == l.Grid && r.Block == l.Block && r.Shared == l.Shared && r.Work == w {
				r.Calls++
				return
			}
		}
		rows = append(rows, Row{Launch: l, Calls: 1, Work: w})
	})
	if err := p.Run(d); err != nil {
		return nil, fmt.Errorf("roofline: %s: %w", p.Name, err)
	}
	return rows, wrong
}

// launchOf is how a GPU is asked to do a call.
func launchOf(k *cuda.Kernel, units int, args []cuda.Arg) (Launch, error) {
	of, err := k.LaunchOf(units, args)
	return Launch{Kernel: k.Name, Units: units, Grid: of.Grid, Block: of.Block, Shared: of.Shared, Args: slices.Clone(args)}, err
}
