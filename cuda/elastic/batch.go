package elastic

import "github.com/waveprior/waveprior/cuda/march"

// newBatch is what takes all shots through time side by side.
func (p *Plan[T]) newBatch() (*march.Batch[T], error) {
	s, c := &p.shape, &p.config
	rows, wide, field := int(s.Rows), int(s.Wide), s.field()
	g := march.Grid{
		Rows: int32(rows), Cols: int32(s.Cols), Wide: int32(wide), Halo: int32(s.Halo),
		Top: int32(c.Top), Bottom: int32(c.Bottom), Left: int32(c.Left), Right: int32(c.Right), FreeSurface: int32(s.FreeSurface),
		Steps: int32(s.Steps), Phases: 2, Each: int32(s.Each), Shots: int32(s.Shots), Receivers: int32(s.Receivers), Components: 2,
		Materials: int32(parts * s.compact()), Profile: int32(4*wide + 4*rows),
	}
	axes := g.Axes()
	variables := rows*axes[1].Variables + axes[0].Variables*wide // of one kind of difference
	b := march.Scheme{
		Grid: g, Forward: forward, Back: back, States: [2]int{parts*field + 4*variables, parts*field + 9*variables},
		Kept: [2]int{2 * s.compact(), parts * s.compact()}, Together: 2,
		Profile: p.profile, Wavelet: p.wavelet, SourceGroups: 4 * len(c.Sources), InjectedGroups: 2,
		ForwardCosts: forwardCosts, BackCosts: backCosts, Memory: c.Memory, Segment: c.Segment,
	}
	spot := func(group int, e entry) march.Spot {
		in := int(e.node) % s.compact()
		return march.Spot{Group: group + int(e.node)/s.compact(), Row: in / wide, Col: in % wide, Point: int(e.channel), Weight: e.weight}
	}
	for k, entries := range p.acting() {
		for _, e := range entries {
			b.Sources = append(b.Sources, spot(4*k, e))
		}
	}
	for _, e := range p.driving() {
		b.Injected = append(b.Injected, spot(0, e))
	}
	for component := range 2 {
		for _, r := range c.Receivers {
			var places []march.Place
			for _, n := range r[component] {
				places = append(places, march.Place{At: int(p.place(n)), Weight: n.Weight})
			}
			b.Record = append(b.Record, places)
		}
	}
	return march.NewBatch[T](p.Device, p.Rooms, "elastic", b)
}
