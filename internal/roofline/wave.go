package roofline

import (
	"github.com/waveprior/waveprior/cuda"
	"github.com/waveprior/waveprior/cuda/wave"
)

// waveFormulas are those of cuda/wave. N nodes of the grid with its layers, V memory variables of a shot, 2 R the order in
// space; fields and variables come twice, in turn; one step reads or writes each of the two once, more steps all of them.
var waveFormulas = []formula{
	{
		kernel: "wave_courant", args: "out v dv? many sets " + paddingArgs + " still items dt h",
		bytes: "(items rows wide + models nz nx + [dv] sets many nz nx) s", operations: "items rows cols (3 + 3 [dv])",
		work: func(l Launch) Work {
			items, rows, cols, wide, model, dv, s := l.Int(14), l.Int(5), l.Int(6), l.Int(7), l.Int(11)*l.Int(12), l.Has(2), l.Size()
			models := items
			if dv == 1 {
				models /= l.Int(3)
			}
			return Work{
				Read: (models + dv*l.Int(3)*l.Int(4)) * model * s, Written: items * rows * wide * s,
				Asked: items * (rows*wide + (1+dv)*rows*cols) * s, Operations: items * rows * cols * (3 + 3*dv),
			}
		},
	},
	{
		kernel: "wave_fold", args: "out g shots many " + paddingArgs + " items", double: true,
		bytes: "items (shots rows cols s + 8 nz nx)", operations: "items shots rows cols",
		work: func(l Launch) Work {
			n := l.Int(12) * l.Int(2) * l.Int(4) * l.Int(5)
			return Work{Read: n * l.Size(), Written: 8 * l.Int(12) * l.Int(10) * l.Int(11), Operations: n}
		},
	},
	marchFormula("wave_acoustic_march", forwardArgs, "units (4 N + 2 V) s + models N s + [kept] steps N s a shot", "units steps N (5 R + 5), in layers R + 24 more; 2 more [directions]", false),
	marchFormula("wave_acoustic_back", backArgs, "units (6 N + 3 V) s + models N s + steps N s a shot", "units steps N (5 R + 7), in layers R + 24 more", false),
	marchFormula("wave_sponge_march", forwardArgs, "units 4 N s + (models + 1) N s + [kept] steps N s a shot", "units steps N (19 + 17 [directions])", false),
	marchFormula("wave_sponge_back", backArgs, "units 8 N s + (models + 1) N s + steps N s a shot", "35 units steps N", false),
	marchFormula("wave_sponge_damping", "sums grid state profile courant models many shot", "units N' s + models N' s + N s, N' nodes of the strips", "units (3 N' + 2560)", true),
}

// waves is a call of the acoustic solver for a batch of models on a square grid of n x n nodes of 10 m: shots and n receivers in row
// 1.
func waves(models, n, shots, cells, steps int, sponge, gradient bool) func(cuda.Device) error {
	return func(d cuda.Device) error {
		c := wave.Config{NZ: n, NX: n, SpacingM: 10, StepS: 1e-3, Steps: steps, Order: 4, Top: cells, Bottom: cells, Left: cells,
			Right: cells, Sponge: sponge, LayerSpeed: 4500, LayerHz: 15, Batched: true}
		for k := range shots {
			c.Wavelets = append(c.Wavelets, make([]float64, steps))
			c.Sources = append(c.Sources, []wave.Node{{IZ: 1, IX: (n - 1) * k / max(1, shots-1), Weight: 1}})
		}
		for k := range n {
			c.Receivers = append(c.Receivers, []wave.Node{{IZ: 1, IX: k, Weight: 1}})
		}
		p, err := wave.New[float32](d, c)
		if err != nil {
			return err
		}
		v, data := make([]float32, models*p.Nodes()), make([]float32, models*p.Data())
		if !gradient {
			err = p.Forward(v, data)
		} else {
			err = p.Gradient(v, data[:p.Data()], make([]int, models), data, make([]float64, len(v)))
		}
		if err != nil {
			return err
		}
		return p.Close()
	}
}

// waveProblems are sizes of OpenFWI, for many models and for few, and one large grid.
var waveProblems = []Problem{
	{
		Name: "Waves in time: gradients at OpenFWI's size",
		What: "A `Misfit` call with gradients of solver acoustic for 52 models: 70 x 70 nodes in C-PML of 20, order 4, 5 shots, 70\n" +
			"receivers, 1000 steps, float32. A block goes through all steps of its shot.",
		Run: waves(52, 70, 5, 20, 1000, false, true), Small: waves(2, 20, 2, 6, 20, false, true),
	},
	{
		Name: "Waves in time: OpenFWI's data",
		What: "Seismograms of 52 models by the data sets' scheme: 70 x 70 nodes in a sponge of 120, 5 shots, 70 receivers, 1000 steps.",
		Run:  waves(52, 70, 5, 120, 1000, true, false), Small: waves(2, 20, 2, 10, 20, true, false),
	},
	{
		Name: "Waves in time: one large model",
		What: "A gradient of one model of 512 x 512 nodes in C-PML of 20, 4 shots, 512 receivers, 1000 steps, float32. A shot has many\n" +
			"blocks, and a step is a launch.",
		Run: waves(1, 512, 4, 20, 1000, false, true), Small: waves(1, 140, 2, 6, 6, false, true),
	},
}
