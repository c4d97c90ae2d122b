// Package metric holds the numbers that a report states: fidelity against a truth, memorisation with its nulls,
// calibration, exact transport distances, the Frechet distance, and intervals for rates.
//
// Main functions and types, by file
//
//   - image.go, ssim.go: [RelativeL2], [MAE], [RMSE], [PSNR], [SSIM].
//   - neighbours.go, memorisation.go: [NearestRatios], [LeaveOneOut], [MemorisedRate], [CT], [Shares].
//   - calibration.go, tarp.go: [Coverage], [CRPS], [Spread], [RankHistogram], [TARP], [EqualCountBins].
//   - assignment.go, transport.go: [Assign], [W2], [SlicedW2]; frechet.go: [Moments], [Frechet].
//   - rates.go: [Wilson], [Quantile], [ChiSquare], [TotalVariation], [EffectiveCount].
//
// Example: which share of generated samples is nearer to a training example than 95 % of held-out fields are,
//
//	null, err := metric.NearestRatios(heldOut, train, dim, 50)
//	gen, err := metric.NearestRatios(samples, train, dim, 50)
//	rate := metric.MemorisedRate(gen.Ratio, metric.Quantile(null.Ratio, 0.05), 1000, 0.95, stream.Intn)
//
// Conventions: float64, sets of vectors row-major in one slice, sums in index order. Randomness is passed in: normals, or a
// func(n int) int that returns an index in 0..n-1. Slices of lengths that do not agree are a programming error and panic;
// data that cannot be judged (too few, not finite) are errors.
//
// What it is not: it reads no files, runs no networks and draws no figures. Formulas: diagnostics and memorization pages of
// the project's specification, and the sources named at each function.
package metric
