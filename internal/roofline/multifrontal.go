package roofline

import (
	"errors"
	"math"

	"github.com/waveprior/waveprior/cuda"
	"github.com/waveprior/waveprior/cuda/helmholtz"
	"github.com/waveprior/waveprior/cuda/multifrontal"
)

// The kernels of cuda/multifrontal that work on the tree know from their tables what they do, not from their arguments: so
// what a launch costs is handed over with it, computed from the plan (cuda/multifrontal/costs.go), in the last five arguments.
// systems is the argument that says how many there are.
func treeFormula(kernel, args string, systems int, bytes, operations string) formula {
	return formula{
		kernel: kernel, args: args + " fixed read written asked operations", bytes: bytes, operations: operations,
		work: func(l Launch) Work {
			last, n := len(l.Args)-5, l.Int(systems)
			return Work{
				Read: l.Int(last) + n*l.Int(last+1), Written: n * l.Int(last+2), Asked: n * l.Int(last+3), Operations: n * l.Int(last+4),
			}
		},
	}
}

// ofSystems is how many models and frequencies the systems of a launch have, as table `which` (systems, 2) says: the models'
// numbers and the frequencies' operators are read once.
func (l Launch) ofSystems(which int, systems, models, frequencies float64) (m, f float64) {
	return l.Distinct(which, systems, 2, 0, models), l.Distinct(which, systems, 2, 1, frequencies)
}

// blockSums is the operations of two sums or maxima over a block of 256 threads.
const blockSums = 256 * 20

const (
	boxesArgs  = "lists list_count records boxes diagonal links which plane factors factor_size updates update_size flags units systems frequencies most longest"
	frontsArgs = "lists list_count items item_count diagonal links which plane factors factor_size updates update_size panels panel_size flags units systems frequencies"
	solveArgs  = "lists list_count items item_count chunks factors factor_size vectors vector_rows x nodes count systems local"
)

// multifrontalFormulas are those of cuda/multifrontal. p pivots, b nodes of the boundary of a front; h what its children hold of
// a part of it; R right-hand sides, in groups g = ceil(R/16); sums over the fronts or boxes of the launch.
var multifrontalFormulas = []formula{
	treeFormula("helm_boxes", boxesArgs, 14, "programs + systems sum (coefficients + p + entries + ring^2/2) 2s", "systems sum (8 products + 6 entries)"),
	treeFormula("helm_pivots", frontsArgs, 16, "tables + systems sum (2 p^2 - 16 p + h) 2s", "systems sum 8 (p^3/3 + 16 p^2), in tiles of 16"),
	treeFormula("helm_panels", frontsArgs, 16, "tables + systems sum (3 p b + p^2/2 + h) 2s", "systems sum 8 (p^2 b/2 + 16 p b), in blocks of 64 by 16"),
	treeFormula("helm_updates", frontsArgs, 16, "tables + systems sum (2 p b + b^2/2 + h) 2s", "systems sum 4 p b^2, in blocks of 64 by 64"),
	treeFormula("helm_box_forward", solveArgs, 12, "tables + systems sum (p + entries + (2 p + ring) R) 2s", "systems sum 8 entries 16 g"),
	treeFormula("helm_box_backward", solveArgs, 12, "tables + systems sum (entries + (2 p + ring/2) R) 2s", "systems sum 8 entries 16 g"),
	treeFormula("helm_forward_pivots", solveArgs, 12, "tables + systems sum (p^2/2 + (2 p + h) R) 2s", "systems sum 4 p^2 16 g"),
	treeFormula("helm_forward_boundary", solveArgs, 12, "tables + systems sum (p b + (p + b + h) R) 2s", "systems sum 8 p b 16 g"),
	treeFormula("helm_backward_boundary", solveArgs, 12, "tables + systems sum (p b + (2 p + b) R) 2s", "systems sum 8 p (b + 16) 16 g"),
	treeFormula("helm_backward_pivots", solveArgs, 12, "tables + systems sum (p^2/2 + 2 p R) 2s", "systems sum 4 p^2 16 g"),
	{
		kernel: "helm_diagonals", args: "diagonal models which operators model_count systems frequencies nz nx cells block",
		bytes: "systems (pz + 2) (px + 2) 2s + models nz nx s + frequencies pz px 32", operations: "4 systems pz px", double: true,
		work: func(l Launch) Work {
			systems, frequencies, nz, nx, c := l.Int(5), l.Int(6), l.Int(7), l.Int(8), 2*l.Int(9)
			nodes, s := (nz+c)*(nx+c), l.Size()
			written := systems * (nz + c + 2) * (nx + c + 2) * 2 * s
			models, frequencies := l.ofSystems(2, systems, l.Int(4), frequencies)
			return Work{
				Read: models*nz*nx*s + frequencies*nodes*32, Written: written,
				Asked: written + systems*nodes*(s+32+8), Operations: 4 * systems * nodes,
			}
		},
	},
	{
		kernel: "helm_source", args: "x place systems nodes count block", bytes: "systems nodes count 2s + 4 nodes", operations: "0",
		work: func(l Launch) Work {
			n := l.Int(2) * l.Int(3) * l.Int(4)
			return Work{Read: 4 * l.Int(3), Written: n * 2 * l.Size(), Asked: n * (2*l.Size() + 4)}
		},
	},
	{
		kernel: "helm_receive", args: "x place w systems nodes count receivers block",
		bytes: "systems (nodes + receivers) count 2s + 4 nodes", operations: "0",
		work: func(l Launch) Work {
			n, w, c := l.Int(3)*l.Int(4)*l.Int(5), l.Int(3)*l.Int(5)*l.Int(6), 2*l.Size()
			return Work{Read: 4*l.Int(4) + w*c, Written: n * c, Asked: n*(c+4) + w*c}
		},
	},
	{
		kernel: "helm_tangent", args: "x u dm which node operators sets systems frequencies nz nx cells directions shots own block",
		bytes:      "systems nodes shots (directions + 1) 2s + sets directions nz nx s + frequencies nodes 16 + 4 nodes",
		operations: "8 systems nodes directions shots",
		work: func(l Launch) Work {
			nz, nx, c := l.Int(9), l.Int(10), 2*l.Int(11)
			nodes, k, s := (nz+c)*(nx+c), l.Int(12), l.Size()
			n := l.Int(7) * nodes * l.Int(13)
			sets, frequencies := l.ofSystems(3, l.Int(7), l.Int(6), l.Int(8))
			if l.On(14) == 0 {
				sets = 1
			}
			return Work{
				Read: n*2*s + sets*k*nz*nx*s + frequencies*nodes*16 + 4*nodes, Written: n * k * 2 * s,
				Asked: n * k * (5*s + 16 + 12), Operations: 8 * n * k,
			}
		},
	},
	{
		kernel: "helm_sample", args: "d x row which strength systems frequencies nodes count receivers block",
		bytes: "systems count receivers 4s", operations: "2 systems count receivers",
		work: func(l Launch) Work {
			n, c := l.Int(5)*l.Int(8)*l.Int(9), 2*l.Size()
			return Work{Read: n*c + 4*l.Int(9), Written: n * c, Asked: n * (2*c + 16), Operations: 2 * n}
		},
	},
	{
		kernel: "helm_products", args: "g u a row which operators strength systems frequencies nodes directions shots block",
		bytes:      "systems nodes (shots (directions + 1) 2s + 8 directions) + frequencies nodes 16 + 4 nodes",
		operations: "systems nodes directions (8 shots + 4)",
		work: func(l Launch) Work {
			nodes, k, shots, c := l.Int(9), l.Int(10), l.Int(11), 2*l.Size()
			n := l.Int(7) * nodes
			frequencies := l.Distinct(4, l.Int(7), 2, 1, l.Int(8))
			return Work{
				Read: n*shots*(k+1)*c + frequencies*nodes*16 + 4*nodes, Written: 8 * n * k,
				Asked: n * k * (2*shots*c + 8 + 16 + 16), Operations: n * k * (8*shots + 4),
			}
		},
	},
	{
		kernel: "helm_fold_x", args: "out in rows nz nx cells layer block", double: true,
		bytes: "8 rows (nx + [layer] 2 cells + nx)", operations: "[layer] 2 rows cells",
		work: func(l Launch) Work {
			rows, nx, c := l.Int(2), l.Int(4), 2*l.Int(5)*l.On(6)
			return Work{Read: 8 * rows * (nx + c), Written: 8 * rows * nx, Operations: rows * c}
		},
	},
	{
		kernel: "helm_fold_z", args: "out in weight models directions frequencies nz nx cells layer more block", double: true,
		bytes:      "8 models directions (frequencies (nz + [layer] 2 cells) nx + (1 + [more]) nz nx)",
		operations: "2 models directions frequencies (nz + [layer] cells) nx",
		work: func(l Launch) Work {
			sets, f, nz, nx, c := l.Int(3)*l.Int(4), l.Int(5), l.Int(6), l.Int(7), 2*l.Int(8)*l.On(9)
			more := l.On(10)
			return Work{
				Read: 8 * sets * (f*(nz+c)*nx + more*nz*nx + f), Written: 8 * sets * nz * nx,
				Asked: 8 * sets * (f*(2*nz+c)*nx + (1+more)*nz*nx), Operations: sets * f * (2*nz + c) * nx,
			}
		},
	},
	{
		kernel: "helm_residual", args: "residual x models which row operators flags model_count systems frequencies nz nx cells count source units",
		bytes:      "systems (nodes 2s + 4 units + 16) + models nz nx s + frequencies nodes 64 + 4 nodes",
		operations: "systems (46 nodes + 5120)", double: true,
		work: func(l Launch) Work {
			nz, nx, c := l.Int(10), l.Int(11), 2*l.Int(12)
			nodes, s, systems := (nz+c)*(nx+c), l.Size(), l.Int(8)
			models, frequencies := l.ofSystems(3, systems, l.Int(7), l.Int(9))
			return Work{
				Read: systems*(nodes*2*s+4*l.Int(15)) + models*nz*nx*s + frequencies*nodes*64 + 4*nodes, Written: 16 * systems,
				Asked: systems * (nodes*(5*(2*s+4)+s+6*16+8) + 4*l.Int(15) + 16), Operations: systems * (46*nodes + blockSums),
			}
		},
	},
	{
		kernel: "helm_misfit",
		args:   "phi weight w x observed observation tau row which strength observations model_count systems frequencies nodes count receivers",
		bytes:  "systems count receivers (4s + 16)", operations: "systems (10 count receivers + 5120)", double: true,
		work: func(l Launch) Work {
			systems, n, c := l.Int(12), l.Int(15)*l.Int(16), 2*l.Size()
			return Work{
				Read: systems*n*c + l.observed()*n*16 + 4*l.Int(16), Written: systems * (n*c + 16),
				Asked: systems * (n*(3*c+2*(16+28)) + 256*20), Operations: systems * (10*n + blockSums),
			}
		},
	},
}

// observed is how many sets of data helm_misfit reads: pairs of an observation, which its model has, and a frequency.
func (l Launch) observed() float64 {
	systems, most := l.Int(12), l.Int(10)*l.Int(13)
	which, ok := l.Tables[8]
	of, also := l.Tables[5]
	if !ok || !also {
		return math.Min(systems, most)
	}
	seen := map[[2]int32]bool{}
	for i := range int(systems) {
		seen[[2]int32{of[which[2*i]], which[2*i+1]}] = true
	}
	return float64(len(seen))
}

// gradients is a Misfit call of the Helmholtz solver with gradients for a batch of models on a square grid of side n in a layer of
// cells nodes: shots at one depth, receivers at another.
func gradients(models, n, cells, shots, receivers int) func(cuda.Device) error {
	return func(d cuda.Device) error {
		side := n + 2*cells
		plan, err := helmholtz.NewPlan(side, side, helmholtz.FivePoint)
		if err != nil {
			return err
		}
		planes := make([]complex128, side*side)
		p := multifrontal.Problem{NZ: n, NX: n, Cells: cells,
			Frequencies: []multifrontal.Frequency{{Mass: planes, Links: planes, Right: planes, Down: planes, Strength: 1}}}
		for k := range shots {
			p.Sources = append(p.Sources, (cells+2)*side+cells+k)
		}
		for k := range receivers {
			p.Receivers = append(p.Receivers, (cells+n-3)*side+cells+k)
		}
		a, err := multifrontal.NewAnalysis(d, plan, p)
		if err != nil {
			return err
		}
		e, err := multifrontal.NewEngine[float32](a, models, models, 1)
		if err != nil {
			return err
		}
		if err := e.SetObservations(nil, make([]complex128, shots*receivers), []float64{1}); err != nil {
			return err
		}
		if err := e.Load(make([]float32, models*n*n), 0, 1); err != nil {
			return err
		}
		if err := e.Background(); err != nil {
			return err
		}
		if err := e.Misfit(make([]int, models), make([]float64, models), true, true, false); err != nil {
			return err
		}
		return errors.Join(e.Close(), a.Close())
	}
}

// helmholtzProblems are the gradients of one step of the memorization study's chains (spec/memorization.md, section 3).
var helmholtzProblems = []Problem{
	{
		Name: "Helmholtz gradients, published set-up",
		What: "A `Misfit` call with gradients for 128 models: 200 x 200 nodes in a layer of 30, one frequency, 15 shots, 196 receivers, float32.",
		Run:  gradients(128, 200, 30, 15, 196), Small: gradients(2, 24, 4, 3, 10),
	},
	{
		Name: "Helmholtz gradients, small set-up",
		What: "The same for 32 models: 64 x 64 nodes in a layer of 10, 5 shots, 40 receivers.",
		Run:  gradients(32, 64, 10, 5, 40), Small: gradients(3, 16, 4, 2, 6),
	},
}
