// Package field draws the random earth models of the memorisation study and describes them: stationary Gaussian random
// fields on a periodic square, and the cosine basis ("KL basis") in whose coordinates its prior lives.
//
// Main types: [Gaussian], a random field of given spectrum, from [NewGaussian]; [KL], the basis on a grid of any size,
// from [NewKL].
//
//	g, err := field.NewGaussian(field.Spectrum{Grid: 64, Alpha: 3, Tau: 5, Mean: 0.278, Std: 0.0556})
//	g.Draw(m, rng.New(seed, "dataset/training").At(0, item, 0))    // m: 64 x 64, z slow and x fast
//	small, err := field.NewKL(field.Published(10), 64, 64)
//	small.Project(z, m)                                            // 100 coordinates
//	large, err := field.NewKL(field.Published(10), 200, 200)
//	large.Evaluate(m200, z)                                        // the same earth on another grid
//
// All sums have a fixed order: an item's bits depend on that item alone. Everything is float64, and a value may be used by
// several goroutines at the same time.
//
// It is not a geology: no layers, no faults. Nor does it know axes, units and dtypes; those are package space's.
package field
