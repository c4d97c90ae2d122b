// Package pairs makes sets of models and their data as files in the layout of OpenFWI, and draws contact sheets of such
// files: what stands behind `waveprior data generate` and `waveprior data look`.
//
//	res, err := pairs.Generate(ctx, pairs.Options{Pairs: p, Dir: "data/FlatVel_A", Session: s, Progress: r})
//	sheet, err := pairs.Look("data/FlatVel_A/model/model1.npy", pairs.LookOptions{})
//	png, err := sheet.Figure.PNG()
//
// A set has the same bits for any number of workers and threads, and after any interruption: sample i is drawn by its
// number alone, files appear whole, by rename, and what is whole stays when the same command is run again.
//
// It is not the data stage of an experiment (host/run), which makes what a prior is trained on; a folder of it can be that:
// [prior.data] kind = "files".
package pairs
