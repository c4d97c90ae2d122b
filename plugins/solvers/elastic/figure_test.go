package elastic

import (
	"fmt"
	"math"
	"os"
	"slices"
	"testing"

	"github.com/waveprior/waveprior/core/figure"
	"github.com/waveprior/waveprior/plugins/solvers/internal/solvertest"
)

// The figure of docs/elastic.md: a vertical force 10 m below the free surface of a half-space of rock, vz everywhere at 0.6 s and vx, vz
// along the surface, with where P, S and Rayleigh waves are by then. The test holds the arrivals to these times; with WAVEPRIOR_FIGURE=FILE it
// writes the figure there.
func TestArrivals(t *testing.T) {
	const h, nz, nx, nt, dt, delay, from, shown = 10.0, 81, 201, 750, 2e-3, 0.12, 200.0, 300
	var at [][]float64
	for i := range nx {
		at = append(at, []float64{0, h * float64(i)})
	}
	for j := 0; j < nz; j += 2 { // the snapshot
		for i := 0; i < nx; i += 2 {
			at = append(at, []float64{h * float64(j), h * float64(i)})
		}
	}
	s, c := configure(t, options{"preset": "none", "grid": section{"nz": nz, "nx": nx, "spacing_m": h}, "dt_s": dt, "nt": nt, "free_surface": true,
		"vp_max_m_s": rock.vp, "wavelet": section{"peak_hz": 10, "delay_s": delay}, "sources": section{"positions_m": [][]float64{{10, from}}},
		"receivers": section{"positions_m": at}}, 2)
	d := solvertest.Forward(t, s, &c, solvertest.Uniform(&c, rock.values()...))
	n := len(at)
	gather := func(component int) []float64 {
		out := make([]float64, 0, nt*nx)
		for it := range nt {
			out = append(out, d[(component*nt+it)*n:][:nx]...)
		}
		return out
	}
	vx, vz := gather(0), gather(1)
	waves := []struct {
		name  string
		speed float64
		dash  figure.Dash
	}{{"P", rock.vp, figure.Dotted}, {"S", rock.vs, figure.Dashed}, {"Rayleigh", rock.rayleigh(), figure.DashDot}}

	// At 1.6 km: first there is what P waves bring, 1.1/peak_hz before its peak at most, and the largest are Rayleigh waves.
	i, first, most := nx-21, 0, 0
	for it := range nt {
		if math.Abs(vz[it*nx+i]) > math.Abs(vz[most*nx+i]) {
			most = it
		}
	}
	for math.Abs(vx[first*nx+i]) < 5e-3*math.Abs(vz[most*nx+i]) {
		first++
	}
	offset := h*float64(i) - from
	if at, want := dt*float64(first+1), offset/rock.vp+delay; at < want-0.11 || at > want {
		t.Errorf("%g m away vx begins at %.3f s, P waves' peak is there at %.3f s", offset, at, want)
	}
	if at, want := dt*float64(most+1), offset/rock.rayleigh()+delay; math.Abs(at-want) > 0.03 {
		t.Errorf("%g m away vz is largest at %.3f s, Rayleigh waves are there at %.3f s", offset, at, want)
	}

	file := os.Getenv("WAVEPRIOR_FIGURE")
	if file == "" {
		return
	}
	snapshot := append([]float64(nil), d[(nt+shown-1)*n+nx:][:n-nx]...)
	// Body waves are some percent of Rayleigh waves: amplitudes are shown relative to the largest of their trace (the snapshot's: of all),
	// and by their cube root, which takes a hundredth to a fifth. A trace of rounding errors, vx above the source, stays 0.
	relative := func(v []float64, traces int) []float64 {
		out, most := make([]float64, len(v)), make([]float64, traces)
		for i, x := range v {
			most[i%traces] = max(most[i%traces], math.Abs(x))
		}
		for i, x := range v {
			if l := most[i%traces]; l > 1e-4*slices.Max(most) {
				out[i] = math.Cbrt(x / l)
			}
		}
		return out
	}
	scale := &figure.Scale{Label: "cube root of v / largest |v|", Map: figure.Diverging, Min: -1, Max: 1}
	largest := func(v []float64) (most float64) {
		for _, x := range v {
			most = max(most, math.Abs(x))
		}
		return most
	}
	trace := func(v []float64, ir int) (out []float64) {
		for it := range nt {
			out = append(out, v[it*nx+ir])
		}
		return out
	}
	label := func(name string) string { return name + " waves" }
	circles := []figure.Layer{figure.Field{Values: relative(snapshot, 1), NZ: (nz + 1) / 2, NX: (nx + 1) / 2, Scale: scale, X0: -h, X1: h * nx, Z0: -h, Z1: h * nz}}
	for _, w := range waves[:2] {
		line := figure.Line{Label: label(w.name), Dash: w.dash, Color: figure.Black}
		for a := 0.0; a <= 180; a++ {
			r, angle := w.speed*(dt*shown-delay), a*math.Pi/180
			if x, z := from+r*math.Cos(angle), 10+r*math.Sin(angle); x >= 0 && z <= h*(nz-1) {
				line.X, line.Y = append(line.X, x), append(line.Y, z)
			}
		}
		circles = append(circles, line)
	}
	panels := []*figure.Panel{{Title: fmt.Sprintf("vz at 0.6 s, largest %.2g m/s", largest(snapshot)), NoGrid: true, Aspect: 0.5, Layers: circles,
		X: figure.Axis{Label: "x", Unit: "m", Min: 0, Max: h * (nx - 1)}, Y: figure.Axis{Label: "depth", Unit: "m", Flip: true, Min: 0, Max: h * (nz - 1)}}}
	for k, v := range [][]float64{vx, vz} {
		layers := []figure.Layer{figure.Field{Values: relative(v, nx), NZ: nt, NX: nx, Scale: scale, X0: -h / 2, X1: h * (nx - 0.5), Z0: dt / 2, Z1: dt * (nt + 0.5)}}
		for _, w := range waves {
			layers = append(layers, figure.Line{Label: label(w.name), Dash: w.dash, Color: figure.Black,
				X: []float64{from, h * (nx - 1)}, Y: []float64{delay, delay + (h*(nx-1)-from)/w.speed}})
		}
		panels = append(panels, &figure.Panel{Title: fmt.Sprintf("%s along the surface, at 1.6 km largest %.2g m/s", []string{"vx", "vz"}[k], largest(trace(v, i))), NoGrid: true, Aspect: 1, Layers: layers,
			X: figure.Axis{Label: "x of the receiver", Unit: "m", Min: 0, Max: h * (nx - 1)}, Y: figure.Axis{Label: "time", Unit: "s", Flip: true, Min: dt, Max: dt * nt, Hide: k > 0}})
	}
	png, err := (&figure.Figure{Title: "A vertical force just below a free surface (vp 2400 m/s, vs 1400 m/s, 10 Hz): P waves first, then S, Rayleigh waves last and largest", Panels: panels, Columns: 3, Width: 13}).PNG()
	if err == nil {
		err = os.WriteFile(file, png, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}
