package roofline

// marchFormula is that of a kernel that goes through time steps with the arguments of cuda/march. What it does depends on the grid, which lies in a
// table on the device: so what a launch costs is handed over with it, computed from the plan (batch_costs.go of cuda/wave and cuda/elastic), in
// the last four arguments.
func marchFormula(kernel, args, bytes, operations string, double bool) formula {
	return formula{
		kernel: kernel, args: args + " read written asked operations", bytes: bytes, operations: operations, double: double,
		work: func(l Launch) Work {
			n := len(l.Args) - 4
			return Work{Read: l.Int(n), Written: l.Int(n + 1), Asked: l.Int(n + 2), Operations: l.Int(n + 3)}
		},
	}
}

const (
	forwardArgs = "grid profile wavelet sources source_weight record record_weight materials directions? extra? dextra? state kept? data? models many shot units lo segment first last blocks"
	backArgs    = "grid profile wavelet sources source_weight receivers receiver_weight materials extra? state kept data? observed? which? cotangent? gradient models many sets observations shot units lo segment first last blocks"
	paddingArgs = "rows cols wide lead top left nz nx"
)

// marchFormulas are those of cuda/march.
var marchFormulas = []formula{
	{
		kernel: "march_copy", args: "to from? n block", bytes: "(1 + [from]) n s", operations: "0",
		work: func(l Launch) Work {
			n := l.Int(2) * l.Size()
			return Work{Read: l.Has(1) * n, Written: n}
		},
	},
}
