// Package field draws random earth models: stationary Gaussian random fields on a periodic square, with the cosine basis
// ("KL basis") in whose coordinates the memorisation study's prior lives; and geology, layered, curved, faulted and natural
// maps as in the ten 2-D families of OpenFWI, with Poisson's ratios for elastic models.
//
// Main types: [Gaussian], a random field of given spectrum, from [NewGaussian]; [KL], the basis on a grid of any size,
// from [NewKL]; [Geology], the maps of one [Family], from [NewGeology].
//
//	g, err := field.NewGaussian(field.Spectrum{Grid: 64, Alpha: 3, Tau: 5, Mean: 0.278, Std: 0.0556})
//	g.Draw(m, rng.New(seed, "dataset/training").At(0, item, 0))    // m: 64 x 64, z slow and x fast
//	small, err := field.NewKL(field.Published(10), 64, 64)
//	small.Project(z, m)                                            // 100 coordinates
//	large, err := field.NewKL(field.Published(10), 200, 200)
//	large.Evaluate(m200, z)                                        // the same earth on another grid
//
//	family, err := field.FamilyByName("CurveFault_A")
//	rock, err := field.NewGeology(family, field.GeologyOptions{})
//	rock.Draw(vp, nu, func(draw uint32) rng.Source { return stream.At(0, item, draw) }) // 70 x 70 each
//
// All sums have a fixed order: an item's bits depend on that item alone. Everything is float64, and a value may be used by
// several goroutines at the same time.
//
// The geology is fitted to what is published about OpenFWI's maps, not made by their authors' program, and knows one grid.
// Axes, units and dtypes are package space's.
package field
