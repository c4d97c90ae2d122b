// Package roofline holds, for every kernel of the product, a formula of the bytes that a launch must move and of the
// operations that it does, and makes the page cuda/roofline.md of them: what the launches of the published problems would
// take on an H100 at its data sheet's rates. Nothing of that is measured; it is computed, from
//
//   - the arguments of the launches, as the product's own Go code makes them at the published sizes (cuda.NewLedger),
//   - the formulas (Works), which a test holds to what the emulated device counts when it runs the kernels at small sizes,
//   - registers and shared memory as NVIDIA's compiler gives them (compiled.tsv, kept true by internal/cudagate),
//   - and the limits of a multiprocessor (Machine), for the occupancy.
//
// A formula is a function of the launch's own arguments, so that the same one answers for the small launches of tests and for
// the published sizes.
package roofline
