package roofline

import "math"

// philoxFormulas are those of package cuda itself.
var philoxFormulas = []formula{
	{
		kernel: "philox_normals", args: "dst stride chains? first key step draw width rows block",
		bytes: "width rows s + 4 [chains] rows", operations: "31 rows width: a pair is 62", double: true,
		work: func(l Launch) Work {
			width, rows := l.Int(7), l.Int(8)
			n := width * rows * l.Size()
			return Work{
				Read: 4 * rows * l.Has(2), Written: n, Asked: n + 4*l.Has(2)*rows*float64(l.Block[0]*l.Grid[0]),
				Operations: 62 * rows * math.Ceil(width/2),
			}
		},
	},
}

// diffusionFormulas are those of cuda/diffusion.
var diffusionFormulas = []formula{
	{
		kernel: "diffusion_noised",
		args:   "x eps z index level alpha sigma key step examples levels width rows",
		bytes:  "(2 rows + distinct examples) width 4 + 8 rows + 16 distinct levels", operations: "33 rows width: a pair of normals is 62",
		work: func(l Launch) Work {
			width, rows := l.Int(11), l.Int(12)
			taken := l.Distinct(3, rows, 1, 0, l.Int(9))
			threads := rows * float64(l.Block[0]*l.Grid[0])
			return Work{
				Read: 4*taken*width + 8*rows + 16*l.Distinct(4, rows, 1, 0, l.Int(10)), Written: 8 * rows * width,
				Asked: 12*rows*width + 24*threads, Operations: 68 * rows * math.Ceil(width/2),
			}
		},
		double: true,
	},
}
