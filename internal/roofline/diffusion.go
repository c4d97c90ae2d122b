package roofline

import "math"

// diffusionFormulas are those of cuda/diffusion.
var diffusionFormulas = []formula{
	{
		kernel: "diffusion_noised",
		args:   "x eps z index level alpha sigma key step examples levels width rows",
		bytes:  "3 rows width 4 + 24 rows", operations: "38 rows width: a pair of normals is 76",
		work: func(l Launch) Work {
			width, rows := l.Int(11), l.Int(12)
			taken := math.Min(rows, l.Int(9)) // an example that is taken twice is read once
			threads := rows * float64(l.Block[0]*l.Grid[0])
			return Work{
				Read: 4*taken*width + 24*rows, Written: 8 * rows * width,
				Asked: 12*rows*width + 24*threads, Operations: 76 * rows * math.Ceil(width/2),
			}
		},
		double: true,
	},
}
