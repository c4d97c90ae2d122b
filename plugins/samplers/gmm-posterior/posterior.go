package gmmposterior

import (
	"context"
	"fmt"
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/mixture"
	"github.com/waveprior/waveprior/core/tensor"
)

// misfitItems bounds the components in one call of Misfit.
const misfitItems = 64

// tangentBytes bounds the tangents asked for in one call of JVP, but never below one component's. A variable for the tests.
var tangentBytes = 64 << 20

// curvature is J_n^T J_n for every component: no observation comes into it.
type curvature struct {
	jtj     []float64 // N x d x d, symmetric
	refused []bool    // N: the physics refused to linearise here
}

// posterior is that of one observation.
type posterior struct {
	observation int
	tau         float64
	draw        func(dst []float64, u float64, normals func([]float64)) int
	effective   float64
	refused     int
}

// posterior returns that of an observation, kept or new.
func (s *Sampler) posterior(ctx context.Context, observation int, tau float64) (*posterior, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.last; p != nil && p.observation == observation && p.tau == tau {
		return p, nil
	}
	if err := s.takeMixture(ctx); err != nil {
		return nil, err
	}
	s.last = nil // its memory is needed for the next
	p := &posterior{observation: observation, tau: tau}
	var err error
	if s.options.Method == Lookup {
		err = s.lookup(ctx, p)
	} else {
		err = s.linearise(ctx, p)
	}
	if err != nil {
		return nil, fmt.Errorf("sampler %s: observation %d: %w", name, observation, err)
	}
	s.last = p
	return p, nil
}

// takeMixture asks the prior once.
func (s *Sampler) takeMixture(ctx context.Context) error {
	if s.mixture != nil {
		return nil
	}
	m, err := s.prior.Mixture(ctx)
	if err != nil {
		return err
	}
	if s.mixture, err = m.Closed(); err != nil {
		return fmt.Errorf("sampler gmm-posterior: the prior's mixture: %w", err)
	}
	if d := s.latent.Len(); s.mixture.Dim != d {
		s.mixture = nil
		return fmt.Errorf("sampler gmm-posterior: the prior's mixture has %d coordinates, the latent space %d: %w", m.Means.Shape[1], d, contract.ErrShape)
	}
	return nil
}

// means returns components lo..hi-1 as models for the physics.
func (s *Sampler) means(lo, hi int) *tensor.Tensor {
	t, d := s.latent.New(hi-lo), s.mixture.Dim
	t.SetReals(s.mixture.Means[lo*d : hi*d])
	return t
}

// misfits fills phi (N) and, unless nil, gradient (N x d) at the means; phi is +Inf where the physics refused.
func (s *Sampler) misfits(ctx context.Context, observation int, phi, gradient []float64) error {
	n, d := s.mixture.N(), s.mixture.Dim
	for lo := 0; lo < n; lo += misfitItems {
		hi := min(lo+misfitItems, n)
		which := make([]int, hi-lo)
		for k := range which {
			which[k] = observation
		}
		var g *tensor.Tensor
		if gradient != nil {
			g = s.latent.New(hi - lo)
		}
		st, err := s.physics.Solver.Misfit(ctx, s.means(lo, hi), which, phi[lo:hi], g)
		if err != nil {
			return err
		}
		if g != nil {
			g.AppendReals(gradient[lo*d : lo*d : hi*d])
		}
		for k := range which {
			if contract.StatusAt(st, k).Code != contract.OK {
				phi[lo+k] = math.Inf(1)
			}
		}
	}
	return nil
}

// lookup makes the posterior of method lookup.
func (s *Sampler) lookup(ctx context.Context, p *posterior) error {
	n, d := s.mixture.N(), s.mixture.Dim
	phi := make([]float64, n)
	if err := s.misfits(ctx, p.observation, phi, nil); err != nil {
		return err
	}
	for i, w := range s.mixture.Weights {
		if math.IsInf(phi[i], 1) {
			p.refused++
		}
		phi[i] -= math.Log(w) // +Inf for a component without weight
	}
	weights, err := mixture.LookupWeights(phi)
	if err != nil {
		return err
	}
	p.effective = mixture.Effective(weights)
	points, err := mixture.New(s.mixture.Means, d, weights, mixture.Isotropic(0))
	if err != nil {
		return err
	}
	p.draw = points.Draw
	return nil
}

// linearise makes the posterior of method linearised.
func (s *Sampler) linearise(ctx context.Context, p *posterior) error {
	n, d := s.mixture.N(), s.mixture.Dim
	if s.curvature == nil {
		c, err := s.newCurvature(ctx)
		if err != nil {
			return err
		}
		s.curvature = c
	}
	rule, err := mixture.ParseRule(s.options.Weights)
	if err != nil {
		return err
	}
	phi, gradient := make([]float64, n), make([]float64, n*d)
	if err := s.misfits(ctx, p.observation, phi, gradient); err != nil {
		return err
	}
	local := mixture.Local{B: make([]float64, d), H: make([]float64, d*d)}
	scale := 1 / (p.tau * p.tau)
	post, err := mixture.Linearise(s.mixture, func(i int) (mixture.Local, error) {
		local.Phi = phi[i]
		if s.curvature.refused[i] {
			local.Phi = math.Inf(1)
		}
		if math.IsInf(local.Phi, 1) {
			p.refused++
			return local, nil
		}
		for k, g := range gradient[i*d : (i+1)*d] {
			local.B[k] = -g
		}
		for k, v := range s.curvature.jtj[i*d*d : (i+1)*d*d] {
			local.H[k] = v * scale
		}
		return local, nil
	}, rule)
	if err != nil {
		return err
	}
	p.effective = mixture.Effective(post.Weights())
	p.draw = post.Draw
	return nil
}

// newCurvature asks for d tangents at every mean, along the unit vectors, as many components a call as fit into
// tangentBytes.
func (s *Sampler) newCurvature(ctx context.Context) (*curvature, error) {
	n, d := s.mixture.N(), s.mixture.Dim
	data := s.physics.Configured.Data
	c := &curvature{jtj: make([]float64, n*d*d), refused: make([]bool, n)}
	unit := make([]float64, d*d)
	for i := range d {
		unit[i*d+i] = 1
	}
	shape := append([]int{1, d}, s.latent.ItemShape()...)
	directions := tensor.New(s.latent.DType, shape...)
	directions.SetReals(unit)
	chunk := min(n, max(1, tangentBytes/(d*data.Len()*data.DType.Size())))
	tangents := tensor.New(data.DType, append([]int{chunk, d}, data.ItemShape()...)...)
	rows := make([]float64, 0, d*data.Reals())
	for lo := 0; lo < n; lo += chunk {
		hi := min(lo+chunk, n)
		dd := tangents.Slice(0, hi-lo)
		st, err := s.physics.Solver.JVP(ctx, s.means(lo, hi), directions, dd)
		if err != nil {
			return nil, err
		}
		for k := range hi - lo {
			if contract.StatusAt(st, k).Code != contract.OK {
				c.refused[lo+k] = true
				continue
			}
			rows = dd.Item(k).AppendReals(rows[:0]) // J^T: d x reals
			gram(c.jtj[(lo+k)*d*d:(lo+k+1)*d*d], rows, d)
		}
	}
	return c, nil
}

// gram sets h (d x d) to A A^T for A (d x m, row-major).
func gram(h, a []float64, d int) {
	m := len(a) / d
	sym := blas64.Symmetric{Uplo: blas.Upper, N: d, Stride: d, Data: h}
	blas64.Syrk(blas.NoTrans, 1, blas64.General{Rows: d, Cols: m, Stride: m, Data: a}, 0, sym)
	for i := range d {
		for j := range i {
			h[i*d+j] = h[j*d+i]
		}
	}
}
