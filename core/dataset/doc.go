// Package dataset holds training sets: a folder with a manifest, dataset.json, and shards that are .npy files, written
// once, mapped read-only by whoever trains. No training data goes over a plugin's connection.
//
// Main types: [Dataset], opened with [Open]; [Writer], which fills a folder shard by shard, goes on after an interruption,
// and makes the folder appear by one rename; [Generator], what draws the items of the stylised problems ([NewGenerator]).
//
//	g, err := dataset.NewGenerator("ring", []byte(`{"radius": 2.0, "std": 0.1, "examples": 1000}`), seed, model)
//	w, err := dataset.Create("cache/train", dataset.Plan{Space: g.Space(), Count: g.Examples()})
//	err = w.Fill(ctx, g, false)
//	err = w.Commit()
//	d, err := dataset.Open("cache/train/dataset.json")
//	defer d.Close()
//	for _, i := range dataset.Order(seed, epoch, d.Len()) { use(d.Item(i)) }
//
// Sets are nested: item i is the same for every number of items, since it is keyed by i alone (Philox chain i); held-out
// items come from another purpose, so that they are never training examples.
//
// It is not a data loader: it neither scales nor augments, and what a network wants is the plugin's affair.
package dataset
