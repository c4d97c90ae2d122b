// Package nn holds the kernels of neural networks: dense layers, layer normalisation and GELU, the time embedding, losses,
// and the optimiser. Matrices are row-major, rows are items of a batch; every function exists for float32 (in use) and
// float64 (where gradients are proved) as a type parameter.
//
// What is here is single operations on buffers of a [cuda.Device]: forward and backward are functions of their own, nothing
// is remembered between calls. core/nn makes layers, a tape and an optimiser of them.
//
//	s := nn.LinearShape{Rows: 50, In: 356, Out: 2048}
//	err := nn.LinearForward[float32](d, y, x, w, b, s)                // y = x w + b
//	err = nn.LinearBackwardWeight[float32](d, dw, db, x, dy, s, false)
//
// Results are the same bits for any number of threads: work is cut into units by the shape alone, and no sum crosses a
// unit but by a fixed tree. Rows of inference go through a dense layer in tiles of [Tile], so that an item's result does
// not depend on how many others came with it.
//
// Every kernel has its CUDA twin in the .cu beside its loops, with the point formula in a header that both include. On a
// GPU the results have the CPU's bits, too, but for dense products in tiles of up to 64 rows, whose sums are split eight
// ways there (product.h): twins_test.go holds the two together.
package nn
