package roofline

import "math"

// Operations that a number costs in gelu.h, by its size in bytes: Phi with phi, Phi(x) x, and the slope.
func gelu(size float64) float64 {
	if size == 8 {
		return 92
	}
	return 52
}

func slope(size float64) float64 { return gelu(size) + 2 }

// nnFormulas are those of cuda/nn; s is the bytes of a number.
var nnFormulas = []formula{
	{
		kernel: "nn_gelu", args: "y x n block", bytes: "2 n s", operations: "52 n (92 n in float64)",
		work: func(l Launch) Work {
			n, s := l.Int(2), l.Size()
			return Work{Read: n * s, Written: n * s, Operations: gelu(s) * n}
		},
	},
	{
		kernel: "nn_gelu_backward", args: "dx dy x n block", bytes: "3 n s", operations: "54 n (94 n)",
		work: func(l Launch) Work {
			n, s := l.Int(3), l.Size()
			return Work{Read: 2 * n * s, Written: n * s, Operations: slope(s) * n}
		},
	},
	{
		kernel: "nn_phi", args: "y x n block", bytes: "2 n s", operations: "51 n (91 n)",
		work: func(l Launch) Work {
			n, s := l.Int(2), l.Size()
			return Work{Read: n * s, Written: n * s, Operations: (gelu(s) - 1) * n}
		},
	},
	{
		kernel: "nn_axpby", args: "y x z? a b n block", bytes: "(2 + [z]) n s", operations: "(1 + 2 [z]) n",
		work: func(l Launch) Work {
			n, s, z := l.Int(5), l.Size(), l.Has(2)
			return Work{Read: (1 + z) * n * s, Written: n * s, Operations: (1 + 2*z) * n}
		},
	},
	{
		kernel: "nn_row_axpby", args: "y a x b z width rows", bytes: "(3 width + 2) rows s", operations: "3 width rows",
		work: func(l Launch) Work {
			width, rows, s := l.Int(5), l.Int(6), l.Size()
			n := width * rows
			return Work{Read: (2*n + 2*rows) * s, Written: n * s, Asked: 3*n*s + 2*s*perThread(n, s, width), Operations: 3 * n}
		},
	},
	{
		kernel: "nn_copy_rows", args: "dst dst_stride src src_stride width rows", bytes: "2 width rows s", operations: "0",
		work: func(l Launch) Work {
			n, s := l.Int(4)*l.Int(5), l.Size()
			return Work{Read: n * s, Written: n * s}
		},
	},
	{
		kernel: "nn_gather_rows", args: "dst stride table index entries width rows", bytes: "(rows + distinct entries) width s + 4 rows", operations: "0",
		work: func(l Launch) Work {
			width, rows, s := l.Int(5), l.Int(6), l.Size()
			n := width * rows
			taken := l.Distinct(3, rows, 1, 0, l.Int(4))
			return Work{Read: taken*width*s + 4*rows, Written: n * s, Asked: 2*n*s + 4*perThread(n, s, width), Operations: 0}
		},
	},
	{
		kernel: "nn_layernorm", args: "y u r? gamma beta stats? width gelu rows",
		bytes:      "((2 + [r]) rows width + 2 width + 2 [stats] rows) s",
		operations: "(8 + 52 [gelu] (92 in float64) + [r]) rows width + 11 a thread",
		work: func(l Launch) Work {
			width, rows, s := l.Int(6), l.Int(8), l.Size()
			n, r := rows*width, l.Has(2)
			return Work{
				Read: ((1+r)*n + 2*width) * s, Written: (n + 2*rows*l.Has(5)) * s,
				Asked:      ((2+r)*n + 2*n + 2*rows*l.Has(5)) * s,
				Operations: n*(8+gelu(s)*l.On(7)+r*l.On(7)) + 11*l.AllThreads(),
			}
		},
	},
	{
		kernel: "nn_layernorm_backward", args: "du dy u gamma beta? stats scratch? rows width group",
		bytes:      "(3 rows width + (1 + [beta]) width + 2 rows + 2 [scratch] ceil(rows/group) width) s",
		operations: "(16 + 56 [beta] (96 in float64)) rows width + 10 a thread",
		work: func(l Launch) Work {
			rows, width, s := l.Int(7), l.Int(8), l.Size()
			n, beta := rows*width, l.Has(4)
			sums := 2 * l.Has(6) * math.Ceil(rows/l.Int(9)) * width
			again := 0.0 // rows that registers do not hold pass through memory: u is read twice, du written, read and written
			if width > 256*8*16/(s*s) {
				again = 3
			}
			return Work{
				Read: (2*n + (1+beta)*width + 2*rows) * s, Written: (n + sums) * s,
				Asked:      ((5+beta+again)*n + sums + 2*256*rows) * s,
				Operations: n*(16+(slope(s)+2)*beta) + 10*l.AllThreads(),
			}
		},
	},
	{
		kernel: "nn_square_error", args: "losses dx? x target width factor rows", bytes: "(2 + [dx]) rows width s + 8 rows",
		operations: "(3 + [dx]) rows width", work: func(l Launch) Work {
			n, rows, s, dx := l.Int(4)*l.Int(6), l.Int(6), l.Size(), l.Has(1)
			return Work{Read: 2 * n * s, Written: dx*n*s + 8*rows, Operations: (3+dx)*n + 160*rows}
		},
	},
	{
		kernel: "nn_sum_squares", args: "partial x n block", bytes: "n s + 8 ceil(n/block)", operations: "2 n",
		work: func(l Launch) Work {
			n, blocks := l.Int(2), math.Ceil(l.Int(2)/l.Int(3))
			return Work{Read: n * l.Size(), Written: 8 * blocks, Operations: 2*n + 160*blocks}
		},
	},
	{
		kernel: "nn_tree_sum", args: "sum partial n", bytes: "8 n + 8", operations: "n", double: true,
		work: func(l Launch) Work { return Work{Read: 8 * l.Int(2), Written: 8, Operations: l.Int(2) + 160} },
	},
	{
		kernel: "nn_adam", args: "w g m v average? squares? limit beta1 beta2 rest1 rest2 step root epsilon follow n block",
		bytes: "(7 + 2 [average]) n s + 8 [squares]", operations: "(16 + 3 [average]) n",
		work: func(l Launch) Work {
			n, s, average := l.Int(15), l.Size(), l.Has(4)
			return Work{
				Read: (4+average)*n*s + 8*l.Has(5), Written: (3 + average) * n * s,
				Asked: (7+2*average)*n*s + 8*l.Has(5)*l.Blocks()*float64(l.Threads()), Operations: (16 + 3*average) * n,
			}
		},
	},
	{
		kernel: "nn_linear", args: "y x w b? rows in out tile panel", bytes: "(rows in + in out + rows out + [b] out) s",
		operations: "2 rows in out, rows and out rounded up to whole tiles",
		work: func(l Launch) Work {
			rows, in, out, b := l.Int(4), l.Int(5), l.Int(6), l.Has(3)
			w := product(l, rows, out, in, rows*in+in*out+b*out, 0)
			w.Asked += b * rows * out * l.Size()
			return w
		},
	},
	{
		kernel: "nn_linear_backward_input", args: "dx dy w rows in out tile panel accumulate",
		bytes:      "(rows out + in out + (1 + [accumulate]) rows in) s",
		operations: "2 rows in out, rows and in rounded up to whole tiles",
		work: func(l Launch) Work {
			rows, in, out := l.Int(3), l.Int(4), l.Int(5)
			return product(l, rows, in, out, rows*out+in*out, l.On(8))
		},
	},
	{
		kernel: "nn_linear_backward_weight", args: "dw x dy rows in out panel accumulate",
		bytes:      "(rows in + rows out + (1 + [accumulate]) in out) s",
		operations: "2 rows in out, in and out rounded up to whole tiles",
		work: func(l Launch) Work {
			rows, in, out := l.Int(3), l.Int(4), l.Int(5)
			return product(l, in, out, rows, rows*in+rows*out, l.On(7))
		},
	},
	{
		kernel: "nn_column_sums", args: "sums x rows width stride panel accumulate", bytes: "(rows + 1 + [accumulate]) width s",
		operations: "rows width", work: func(l Launch) Work {
			rows, width, s := l.Int(2), l.Int(3), l.Size()
			return Work{Read: (rows + l.On(6)) * width * s, Written: width * s, Operations: rows * width}
		},
	},
	{
		kernel: "nn_outer_squares", args: "partial x dy rows in out", bytes: "rows (in + out) s + 8 rows", double: true,
		operations: "(in + out + 65) rows (rows + 1)",
		work: func(l Launch) Work {
			rows, both, s := l.Int(3), l.Int(4)+l.Int(5), l.Size()
			pairs, rounds := rows*(rows+1)/2, 0.0
			for k := 0.0; k < rows; k++ {
				rounds += math.Ceil((k + 1) / 2)
			}
			return Work{
				Read: rows * both * s, Written: 8 * rows, Asked: 2*pairs*both*s + 8*rows,
				Operations: (2*both+3)*pairs + 256*rounds,
			}
		},
	},
	{
		kernel:     "nn_outer_adam",
		args:       "w m v average? squares? limit beta1 beta2 rest1 rest2 step root epsilon follow x dy rows in out panel",
		bytes:      "((6 + 2 [average]) in out + rows (in + out)) s + 8 [squares]",
		operations: "2 rows in out, in and out rounded up to whole tiles, + (16 + 3 [average]) in out",
		work: func(l Launch) Work {
			rows, in, out, s, average := l.Int(16), l.Int(17), l.Int(18), l.Size(), l.Has(3)
			w := product(l, in, out, rows, rows*(in+out), 0)
			n := in * out
			w.Read += (3+average)*n*s + 8*l.Has(4)
			w.Written = (3 + average) * n * s
			w.Asked += (5+2*average)*n*s + 8*l.Has(4)*l.Blocks()*float64(l.Threads())
			w.Operations += (16 + 3*average) * n
			return w
		},
	},
}

// product is the work of c (m, n) = a b, summed over k, in tiles of a block: the factors' numbers, and with add the matrix
// itself, are read once at least; each tile reads its rows and columns whole.
func product(l Launch, m, n, k, factors, add float64) Work {
	s := l.Size()
	side, per := 512/s, 0.0
	if l.Block[0] == 32 { // thin tiles: eight partial sums of each number
		side, per = 32, 8
	}
	up, across := math.Ceil(m/side), math.Ceil(n/side)
	return Work{
		Read: (factors + add*m*n) * s, Written: m * n * s,
		Asked:      (m*k*across + k*n*up + (1+add)*m*n) * s,
		Operations: (2*k + per) * up * side * across * side,
	}
}

// perThread is the number of threads that take n numbers in rows of that width: 16 bytes each, where rows are made of such.
func perThread(n, size, width float64) float64 {
	if pack := 16 / size; math.Mod(width, pack) == 0 {
		return n / pack
	}
	return n
}
