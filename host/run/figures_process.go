package run

import (
	"fmt"

	"github.com/waveprior/waveprior/core/figure"
)

// manyTruths is from how many truths on a calibration figure can say more than where one truth lies.
const manyTruths = 5

// calibrationPicture: coverage at every level, ranks, error against spread.
func calibrationPicture(a *arrays) *picture {
	c := a.get("judge", "calibration_coverage.npy")
	if c == nil {
		return nil
	}
	v := c.Float64s()
	truths, chains := int(a.c.Metrics["calibration.truths"]), int(a.c.Metrics["calibration.chains"])
	band := truths
	if truths < manyTruths {
		band = 0
	}
	panels := []*figure.Panel{figure.CalibrationPanel("central intervals", band, figure.Coverage{Label: "observed", Nominal: column(v, 0, 3), Observed: column(v, 1, 3)})}
	d := a.art()
	if r := a.reals("judge", "calibration_ranks.npy"); r != nil && truths >= manyTruths {
		bins := rankBins(chains + 1)
		counts := make([]int, bins)
		for _, x := range r {
			counts[int(x)*bins/(chains+1)]++
		}
		p := figure.RankPanel("ranks of the truths", counts)
		p.X.Label = fmt.Sprintf("rank of the truth among %d chains, in %d bins", chains, bins)
		panels = append(panels, p)
	} else if r != nil && d != nil && len(r)/truths == d.NZ*d.NX {
		share := make([]float64, d.NZ*d.NX)
		for i := range share {
			share[i] = r[i] / float64(chains)
		}
		panels = append(panels, d.panel("share of the chains below the truth", share, &figure.Scale{Map: figure.Diverging, Max: 1}, true, true))
	}
	if p := binsPanel(a, d); p != nil {
		panels = append(panels, p)
	}
	caption := fmt.Sprintf("Over %d truths, %d chains each; the band of the intervals takes the cells of one truth as dependent (n = number of truths), that of the ranks as independent.", truths, chains)
	if truths < manyTruths {
		caption = fmt.Sprintf("Over the cells of %d truth, %d chains: how honest the spread is here. Cells depend on each other, so that no band can be given. In the map, 0 and 1 are cells where all chains are on one side of the truth.", truths, chains)
	}
	return &picture{"calibration", caption, &figure.Figure{Title: "Calibration", Panels: panels, Columns: len(panels)}}
}

// binsPanel: error against spread.
func binsPanel(a *arrays, d *art) *figure.Panel {
	b := a.reals("judge", "calibration_bins.npy")
	if b == nil {
		return nil
	}
	unit := ""
	if d != nil {
		unit = d.Unit
	}
	std, e := column(b, 0, 3), column(b, 1, 3)
	top := max(peak(std), peak(e))
	return &figure.Panel{Title: fmt.Sprintf("error against spread, %d bins of equal count", len(std)), X: figure.Axis{Label: "standard deviation of the chains", Unit: unit, Min: 0, Max: 1.05 * top}, Y: figure.Axis{Label: "mean |mean - truth|", Unit: unit, Min: 0, Max: 1.05 * top},
		Layers: []figure.Layer{honest(top), figure.Points{Label: "bins", X: std, Y: e, Size: 3}}}
}

// honest is the line of a calibrated Gaussian: E|error| = sqrt(2/pi) std.
func honest(top float64) figure.Line {
	return figure.Line{Label: "calibrated Gaussian: 0.80 x", X: []float64{0, top}, Y: []float64{0, 0.798 * top}, Dash: figure.Dashed, Color: figure.Grey}
}

// rankBins is the largest divisor of the number of ranks up to 20, or 10 uneven bins.
func rankBins(ranks int) int {
	for b := min(20, ranks); b >= 5; b-- {
		if ranks%b == 0 {
			return b
		}
	}
	return min(10, ranks)
}

// denoiserPicture: distance of the learned denoiser from the memorised one, per level.
func denoiserPicture(a *arrays) *picture {
	t := a.get("judge", "denoiser_gap.npy")
	if t == nil {
		return nil
	}
	d, v := t.Shape[1], t.Float64s()
	level := column(v, 0, d)
	gap := &figure.Panel{Title: "distance from the memorised denoiser", X: figure.Axis{Label: "level t"}, Y: figure.Axis{Label: "E|D − D_gmm|² / variance", Log: true},
		Layers: []figure.Layer{figure.Line{Label: "training examples", X: level, Y: column(v, 1, d), Color: figure.Black, Dots: true}}}
	panels := []*figure.Panel{gap}
	if d >= 7 {
		gap.Layers = append(gap.Layers, figure.Line{Label: "held-out examples", X: level, Y: column(v, 4, d), Color: heldOutColor, Dots: true})
		panels = append(panels, &figure.Panel{Title: "error on held-out examples", X: figure.Axis{Label: "level t"}, Y: figure.Axis{Label: "E|D − x0|² / variance", Log: true},
			Layers: []figure.Layer{figure.Line{Label: "network", X: level, Y: column(v, 5, d), Color: priorColor, Dots: true}, figure.Line{Label: "memorised denoiser", X: level, Y: column(v, 6, d), Color: figure.Black, Dash: figure.Dashed, Dots: true}}})
	}
	return &picture{"denoiser", "D_gmm is the optimal denoiser of the training examples alone: a network at distance 0 from it has memorised them. On held-out examples a network that has generalised finds x0 better than D_gmm. In units of the variance of the clean latent vectors.",
		&figure.Figure{Title: "How far the network is from having memorised", Panels: panels}}
}
