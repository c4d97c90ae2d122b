package roofline

import (
	"github.com/waveprior/waveprior/cuda"
	"github.com/waveprior/waveprior/cuda/elastic"
)

// elasticFormulas are those of cuda/elastic. N nodes of the grid with its layers, V memory variables of a shot, along one axis and of
// one kind of difference; 2 R the order in space.
var elasticFormulas = []formula{
	{
		kernel: "elastic_materials", args: "out m dm? many sets " + paddingArgs + " free_surface items beta", double: true,
		bytes: "(5 items rows wide + 3 models nz nx + [dm] 3 sets many nz nx) s", operations: "items rows cols (35 + 70 [dm])",
		work: func(l Launch) Work {
			items, rows, cols, wide, model, dm, s := l.Int(14), l.Int(5), l.Int(6), l.Int(7), 3*l.Int(11)*l.Int(12), l.Has(2), l.Size()
			models := items
			if dm == 1 {
				models /= l.Int(3)
			}
			return Work{
				Read: (models + dm*l.Int(3)*l.Int(4)) * model * s, Written: 5 * items * rows * wide * s,
				Asked: items * (5*rows*wide + 9*(1+dm)*rows*cols) * s, Operations: items * rows * cols * (35 + 70*dm),
			}
		},
	},
	{
		kernel: "elastic_fold", args: "out m g shots many " + paddingArgs + " free_surface items", double: true,
		bytes:      "items (5 shots rows cols s + 24 nz nx) + 3 models nz nx s",
		operations: "items (rows + nz) (cols + nx) (82 + 5 shots)",
		work: func(l Launch) Work {
			shots, many, rows, cols, nz, nx, items, s := l.Int(3), l.Int(4), l.Int(5), l.Int(6), l.Int(11), l.Int(12), l.Int(14), l.Size()
			terms := items * (rows + nz - 1) * (cols + nx - 1) // a padded node's, by each node of the model that they go to
			return Work{
				Read: (5*items*shots*rows*cols + 3*items/many*nz*nx) * s, Written: 24 * items * nz * nx,
				Asked: terms*(5*shots+9)*s + 24*items*nz*nx, Operations: terms * (82 + 5*shots),
			}
		},
	},
	marchFormula("elastic_march", forwardArgs, "units (10 N + 8 V) s + 5 models N s + [kept] 2 steps N s a shot, for a tangent 5",
		"units steps (N (24 R + 1) + 16 V); 14 more [directions]", false),
	marchFormula("elastic_back", backArgs, "units (20 N + 18 V) s + 5 models N s + 2 steps N s a shot", "units steps (N (36 R + 9) + 20 V)", false),
}

// elastics is a gradient of the elastic solver for a batch of models on a square grid of n x n nodes of 10 m, in C-PML but for a free
// surface: vertical forces, and n receivers of both components, in row 1.
func elastics(models, n, shots, cells, steps int) func(cuda.Device) error {
	return func(d cuda.Device) error {
		c := elastic.Config{NZ: n, NX: n, SpacingM: 10, StepS: 1e-3, Steps: steps, Order: 4, Bottom: cells, Left: cells, Right: cells,
			FreeSurface: true, LayerSpeed: 4500, LayerHz: 15, Batched: true}
		for k := range shots {
			c.Wavelets = append(c.Wavelets, make([]float64, steps))
			c.Sources = append(c.Sources, []elastic.Node{{Field: elastic.VZ, IZ: 1, IX: (n - 1) * k / max(1, shots-1), Weight: 1}})
		}
		for k := range n {
			c.Receivers = append(c.Receivers, [2][]elastic.Node{{{Field: elastic.VX, IZ: 1, IX: k, Weight: 1}}, {{Field: elastic.VZ, IZ: 1, IX: k, Weight: 1}}})
		}
		p, err := elastic.New[float32](d, c)
		if err != nil {
			return err
		}
		m, data := make([]float32, models*p.Nodes()), make([]float32, models*p.Data())
		for i := range m {
			m[i] = 2000 // vp, vs and rho alike: only their being there counts
		}
		if err := p.Gradient(m, data[:p.Data()], make([]int, models), data, make([]float64, len(m))); err != nil {
			return err
		}
		return p.Close()
	}
}

// elasticProblems are sizes of E-FWI's data sets, and one large grid.
var elasticProblems = []Problem{
	{
		Name: "Elastic waves in time: gradients at OpenFWI's size",
		What: "A `Misfit` call with gradients of solver elastic for 52 models: 70 x 70 nodes below a free surface, C-PML of 20 on the other\n" +
			"sides, order 4, 5 shots, 70 receivers, 1000 steps, float32. A block goes through all steps of its shot.",
		Run: elastics(52, 70, 5, 20, 1000), Small: elastics(2, 20, 2, 6, 12),
	},
	{
		Name: "Elastic waves in time: one large model",
		What: "A gradient of one model of 512 x 512 nodes likewise, 4 shots, 512 receivers, 1000 steps, float32. A shot has many blocks, and\n" +
			"half a step is a launch.",
		Run: elastics(1, 512, 4, 20, 1000), Small: elastics(1, 140, 2, 6, 4),
	},
}
