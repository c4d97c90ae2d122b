package plugintest

import (
	"context"
	"encoding/json"
	"sync/atomic"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
)

// CheckPrior runs the suite of priors. A trainable one is trained first, on Options.Dataset or on a few drawn models.
func CheckPrior(ctx context.Context, t Target, o Options) []Property {
	return run(ctx, &priorSuite{}, t, o)
}

type priorSuite struct {
	checkpoint string
	untrained  bool // configure without the checkpoint: training comes
	pattern    atomic.Uint32
}

func (*priorSuite) kind() contract.Kind { return contract.KindPrior }

func (*priorSuite) prepare(*probe, *subject) {}

// targets are the spaces that the prior is told.
func (p *probe) targets() []space.Space {
	if p.o.Target != nil {
		return p.o.Target
	}
	return []space.Space{vectorSpace("model", 2)}
}

func (su *priorSuite) config(p *probe, resolved json.RawMessage) contract.Config {
	c := contract.Config{Options: resolved, Seed: p.o.Seed, Device: p.o.Device, Threads: p.o.Threads, Target: p.targets()}
	if !su.untrained {
		c.Checkpoint = su.checkpoint
	}
	return c
}

func (su *priorSuite) out(sp *space.Space, shape ...int) *tensor.Tensor {
	if sp == nil {
		return nil
	}
	return soil(tensor.New(sp.DType, append(shape, sp.ItemShape()...)...), byte(su.pattern.Add(1)*37))
}

// outputs are the tensors that are there.
func outputs(ts ...*tensor.Tensor) []*tensor.Tensor {
	var out []*tensor.Tensor
	for _, t := range ts {
		if t != nil {
			out = append(out, t)
		}
	}
	return out
}

// latents draws n latent vectors: from the mixture, where the prior is one, standard normal elsewhere.
func (p *probe) latents(s *subject, n int) *tensor.Tensor {
	sp := s.conf.Latent
	z := sp.New(n)
	v := make([]float64, sp.Reals())
	if !p.desc.Has(contract.CapMixture) {
		for i := range n {
			p.stream("latent", i).Normals(v)
			z.Item(i).SetReals(v)
		}
		return z
	}
	m, err := s.prior.Mixture(p.ctx)
	p.must(err, "Mixture")
	closed, err := m.Closed()
	p.must(err, "Mixture")
	for i := range n {
		src := p.stream("latent", i)
		closed.Draw(v, p.stream("component", i).Uniform(0), src.Normals)
		z.Item(i).SetReals(v)
	}
	return z
}

// noisy returns x_t = alpha_t z + sigma_t eps for the levels of a batch.
func (p *probe) noisy(s *subject, z *tensor.Tensor, level []int) *tensor.Tensor {
	x := z.Clone()
	for i, t := range level {
		v := x.Item(i).AppendReals(nil)
		src := p.stream("eps", i)
		for k := range v {
			v[k] = s.conf.Schedule.Alpha[t]*v[k] + s.conf.Schedule.Sigma[t]*src.Normal(k)
		}
		x.Item(i).SetReals(v)
	}
	return x
}

// spread puts n levels over the schedule, not in order.
func spread(levels, n int) []int {
	l := make([]int, n)
	for i := range l {
		l[i] = (i*7 + 3) % levels
	}
	if n > 2 {
		l[0], l[n-1] = 0, levels-1
	}
	return l
}

// decoded are the spaces that Decode fills.
func (s *subject) decoded() (model, data *space.Space) { return s.conf.Model, s.conf.Data }

func (su *priorSuite) operations(p *probe, s *subject, poison int) []operation {
	n, k, latent := p.o.Batch, directions, s.conf.Latent
	z := p.latents(s, n)
	var ops []operation
	add := func(name string, run func(items []int) ([]*tensor.Tensor, []contract.Status, error)) {
		ops = append(ops, operation{name: name, n: n, run: run})
	}
	zs := z.Clone()
	if poison >= 0 {
		setNaN(zs, poison)
	}
	if p.desc.Has(contract.CapDenoise) {
		level := spread(s.conf.Schedule.Steps(), n)
		x := p.noisy(s, zs, level)
		add("Denoise", func(items []int) ([]*tensor.Tensor, []contract.Status, error) {
			x0 := su.out(latent, len(items))
			st, err := s.prior.Denoise(p.ctx, pick(x, items), pickInts(level, items), x0)
			return outputs(x0), st, err
		})
		if p.desc.Has(contract.CapDenoiseVJP) {
			w := normals(latent.DType, 1, p.stream("weights", 0), latent.BatchShape(n)...)
			add("DenoiseVJP", func(items []int) ([]*tensor.Tensor, []contract.Status, error) {
				dx := su.out(latent, len(items))
				st, err := s.prior.DenoiseVJP(p.ctx, pick(x, items), pickInts(level, items), pick(w, items), dx)
				return outputs(dx), st, err
			})
		}
	}
	model, data := s.decoded()
	if p.desc.Has(contract.CapDecode) {
		add("Decode", func(items []int) ([]*tensor.Tensor, []contract.Status, error) {
			m, d := su.out(model, len(items)), su.out(data, len(items))
			st, err := s.prior.Decode(p.ctx, pick(zs, items), m, d)
			return outputs(m, d), st, err
		})
	}
	dirs := func(sp *space.Space, what int) *tensor.Tensor {
		if sp == nil {
			return nil
		}
		return normals(sp.DType, 1, p.stream("directions", what), append([]int{n, k}, sp.ItemShape()...)...)
	}
	if p.desc.Has(contract.CapDecodeVJP) {
		wm, wd := dirs(model, 0), dirs(data, 1)
		add("DecodeVJP", func(items []int) ([]*tensor.Tensor, []contract.Status, error) {
			dz := su.out(latent, len(items), k)
			st, err := s.prior.DecodeVJP(p.ctx, pick(zs, items), pick(wm, items), pick(wd, items), dz)
			return outputs(dz), st, err
		})
	}
	if p.desc.Has(contract.CapDecodeJVP) {
		dz := dirs(latent, 2)
		add("DecodeJVP", func(items []int) ([]*tensor.Tensor, []contract.Status, error) {
			dm, dd := su.out(model, len(items), k), su.out(data, len(items), k)
			st, err := s.prior.DecodeJVP(p.ctx, pick(zs, items), pick(dz, items), dm, dd)
			return outputs(dm, dd), st, err
		})
	}
	if p.desc.Has(contract.CapEncode) && p.desc.Has(contract.CapDecode) {
		m, d := su.out(model, n), su.out(data, n)
		st, err := s.prior.Decode(p.ctx, z, m, d)
		p.ok(st, err, "Decode")
		if poison >= 0 && m != nil {
			setNaN(m, poison)
		} else if poison >= 0 {
			setNaN(d, poison)
		}
		add("Encode", func(items []int) ([]*tensor.Tensor, []contract.Status, error) {
			out := su.out(latent, len(items))
			st, err := s.prior.Encode(p.ctx, pick(m, items), pick(d, items), out)
			return outputs(out), st, err
		})
	}
	return ops
}

func (su *priorSuite) properties() []property {
	list := basics(func(p *probe, c *contract.Configured) {
		for _, sp := range []struct {
			name string
			s    *space.Space
		}{{"model", c.Model}, {"data", c.Data}, {"latent", c.Latent}} {
			if sp.s != nil {
				checkSpace(p, sp.name, sp.s)
			}
		}
	})
	list = append(list,
		property{"configure-first", "Calls before Configure are refused as such.", checkPriorConfigureFirst},
		property{"train", "Training ends, reports steps that grow, and Configure takes the folder as a checkpoint.", checkTrain},
		property{"train-again", "Training on a folder that is complete changes no byte of it.", checkTrainAgain},
		property{"train-resumes", "Training that was killed half-way and started again ends with the same bytes.", checkTrainResumes},
		property{"checkpoint", "A checkpoint that is none is refused as such.", checkCheckpoint},
		property{"spaces", "After training Configure answers with the latent space, the schedule of a denoiser, the spaces of a decoder.", checkPriorSpaces},
		property{"denoise-taylor", "DenoiseVJP belongs to Denoise: Taylor remainders of <x0(x), w> fall with slopes 1 and 2.", checkDenoiseTaylor},
		property{"mixture", "Denoise is the closed-form denoiser of Mixture, at every level.", checkMixture},
		property{"decode-taylor", "DecodeJVP belongs to Decode: Taylor remainders fall with slopes 1 and 2.", checkDecodeTaylor},
		property{"decode-vjp-taylor", "DecodeVJP belongs to Decode: Taylor remainders of <decode(z), w> fall with slopes 1 and 2.", checkDecodeVJPTaylor},
		property{"dot-product", "DecodeVJP is the transpose of DecodeJVP.", checkDecodeDot},
		property{"encode", "Decoding what was encoded from a decoded latent vector gives it again.", checkEncode},
		property{"shapes", "Wrong shapes, types and levels are refused, and the prior lives on.", checkPriorShapes},
		property{"capabilities", "Calls of capabilities that are not claimed are refused as unsupported.", checkPriorCapabilities})
	list = append(list, bits()...)
	return append(list, memoryFlat(1000))
}
