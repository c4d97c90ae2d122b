// Package onednn runs operations of oneDNN (Debian's libdnnl-dev 2.6) as kernels of the CPU device: dense products of
// float32 matrices now, what convolutions need later.
//
// One file, onednn_cpu.cc, owns the library's rules. It is parallel over work units like every other kernel, one thread a
// call, so the library's OpenMP is told to use one thread on every thread that enters it (the number is thread-local, and
// environment variables set from Go come too late); scratch memory is the caller's (the library's own belongs to the thread
// that created the primitive, and Go changes threads); primitives are kept by shape, as making one costs up to a
// millisecond.
//
//	err := onednn.LinearForward(d, y, x, w, b, nn.LinearShape{Rows: 50, In: 2048, Out: 2048})
//
// Dense layers do not go through this package: cuda/nn's own products are faster, give an element the same bits whatever
// the number of rows beside it, and bring no OpenMP along (docs/adr/0011-dense-products.md). It is the peer they are
// measured against (BenchmarkLinear here), and the place for what own code would not do better.
package onednn
