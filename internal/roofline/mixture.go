package roofline

import "math"

// Tiles of cuda/mixture: 16 items, 128 components, 64 coordinates of the sums (tiles.h); 256 threads.
const (
	mixtureItems      = 16
	mixtureChunk      = 128
	mixtureWide       = 64
	mixtureThreads    = 256
	expOperations     = 16 // of ExpNegative in float32; 12 more in float64
	expOperationsMore = 12
)

func exponential(size float64) float64 {
	if size == 8 {
		return expOperations + expOperationsMore
	}
	return expOperations
}

// mixtureFormulas are those of cuda/mixture: N components in d dimensions; chunks = ceil(N/128); v = 1 where each coordinate
// has its own variance.
var mixtureFormulas = []formula{
	{
		kernel:     "mixture_weigh",
		args:       "top sum bars? logits? x alpha sigma means log_weights variances items components d variances_count tile chunk",
		bytes:      "(items d + 2 items + N d + N + variances + 2 items chunks + [bars] items chunks d + [logits] items N) s",
		operations: "(4 + v + 2 [bars]) items N d + 20 (32 in float64) items N, items rounded up to 16, N to 128",
		work: func(l Launch) Work {
			items, n, d, each, s := l.Int(10), l.Int(11), l.Int(12), l.Int(13), l.Size()
			bars, logits, chunks, up := l.Has(2), l.Has(3), math.Ceil(n/mixtureChunk), math.Ceil(items/mixtureItems)
			own := 0.0
			if each > 1 {
				own = 1
			}
			written := 2*items*chunks + bars*items*chunks*d + logits*items*n
			all := up * mixtureItems * chunks * mixtureChunk
			return Work{
				Read: (items*d + 2*items + n*d + n + each) * s, Written: written * s,
				Asked: ((1+bars)*n*d*up + items*d*chunks*(1+3*own) + 4*up*chunks*mixtureThreads*2 + all + written) * s,
				Operations: (4+own)*all*d + (exponential(s)+4)*up*mixtureItems*n + 4*l.AllThreads() +
					2*bars*up*mixtureItems*n*math.Ceil(d/mixtureWide)*mixtureWide,
			}
		},
	},
	{
		kernel:     "mixture_spread",
		args:       "y logits stats bar v alpha sigma means variances items components d variances_count tile chunk",
		bytes:      "(items N + 4 items + 2 items d + N d + variances + items chunks d) s",
		operations: "6 items N d + 19 (31 in float64) items N, items rounded up to 16, N and d to whole tiles",
		work: func(l Launch) Work {
			items, n, d, each, s := l.Int(9), l.Int(10), l.Int(11), l.Int(12), l.Size()
			chunks, up := math.Ceil(n/mixtureChunk), math.Ceil(items/mixtureItems)
			all := up * mixtureItems * chunks * mixtureChunk
			wide := math.Ceil(d/mixtureWide) * mixtureWide
			return Work{
				Read: (items*n + 4*items + 2*items*d + n*d + each) * s, Written: items * chunks * d * s,
				Asked:      (2*n*d*up + items*n + items*chunks*d*7 + 2*items*chunks*32 + items*chunks*d) * s,
				Operations: 3*all*d + 3*up*mixtureItems*n*wide + (exponential(s)+3)*items*n,
			}
		},
	},
	{
		kernel: "mixture_posterior", args: "out? bar? stats? top sum bars x alpha sigma variances chunks d variances_count",
		bytes:      "(2 items chunks + [out or bar] items chunks d + ([out] + [out] + [bar]) items d + 2 [stats] items) s",
		operations: "items chunks d [out or bar] 20 (32 in float64), and as much for each thread",
		work: func(l Launch) Work {
			items, chunks, d, s := l.Blocks(), l.Int(10), l.Int(11), l.Size()
			out, bar, stats := l.Has(0), l.Has(1), l.Has(2)
			any := math.Max(out, bar)
			threads := float64(l.Threads())
			return Work{
				Read:       (2*items*chunks + any*items*chunks*d + out*items*(d+2) + out*l.Int(12)) * s,
				Written:    ((out+bar)*items*d + 2*stats*items) * s,
				Asked:      (items*threads*(3*chunks+1) + any*items*d*2*chunks + items*d*(5*out+bar) + 2*stats*items) * s,
				Operations: (exponential(s) + 4) * items * chunks * (threads + any*d),
			}
		},
	},
	{
		kernel: "mixture_pullback", args: "dx y v alpha sigma variances chunks d variances_count",
		bytes: "(items chunks d + 2 items d + 2 items + variances) s", operations: "items d (chunks + 6)",
		work: func(l Launch) Work {
			items, chunks, d, s := l.Blocks(), l.Int(6), l.Int(7), l.Size()
			return Work{
				Read: (items*chunks*d + items*d + 2*items + l.Int(8)) * s, Written: items * d * s,
				Asked: items * d * (chunks + 5) * s, Operations: items * d * (chunks + 6),
			}
		},
	},
	{
		kernel: "mixture_log_density", args: "out stats alpha sigma variances d variances_count",
		bytes: "(5 items + variances) s", operations: "40 items variances", double: true,
		work: func(l Launch) Work {
			items, each, s := l.Blocks(), l.Int(6), l.Size()
			return Work{
				Read: (4*items + each) * s, Written: items * s,
				Asked: items * (2*float64(l.Threads()) + each + 4) * s, Operations: items * (40*each + 160),
			}
		},
	},
	{
		kernel: "mixture_log_responsibilities", args: "logits stats components",
		bytes: "(2 items N + 2 items) s", operations: "2 items N",
		work: func(l Launch) Work {
			items, n, s := l.Blocks(), l.Int(2), l.Size()
			return Work{
				Read: (items*n + 2*items) * s, Written: items * n * s,
				Asked: (2*items*n + 2*items*float64(l.Threads())) * s, Operations: 2 * items * n,
			}
		},
	},
}
