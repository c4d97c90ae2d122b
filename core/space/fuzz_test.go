package space_test

import (
	"encoding/json"
	"testing"

	"github.com/waveprior/waveprior/core/gradcheck"
	"github.com/waveprior/waveprior/core/space"
)

// Spaces come from plugins. Whatever two of them say, Between answers with an error or with an adapter that takes the
// one, gives the other, and has an exact transpose.
func FuzzBetween(f *testing.F) {
	for _, s := range [][2]string{
		{`{"name":"model","dtype":1,"axes":[{"name":"z","unit":"m","size":3,"step":10},{"name":"x","unit":"m","size":4,"step":10}],"quantities":[{"name":"vp","unit":"m/s"}]}`,
			`{"name":"model","dtype":2,"axes":[{"name":"field","size":1},{"name":"z","unit":"m","size":5,"step":5},{"name":"x","unit":"m","size":2,"step":30}],"quantities":[{"name":"squared_slowness","unit":"s2/km2"}]}`},
		{`{"dtype":4,"axes":[{"name":"component","size":2},{"name":"receiver","size":2,"values":[1,5],"depths":[3,3]}],"quantities":[{"name":"pressure","unit":"Pa"},{"name":"vz","unit":"m/s"}]}`,
			`{"dtype":3,"axes":[{"name":"receiver","size":2}],"quantities":[{"name":"vz","unit":"km/s"}]}`},
		{`{"dtype":2,"axes":[{"name":"channel","size":1},{"name":"x","size":1,"step":1e308}],"quantities":[{}]}`, `{"dtype":2,"axes":[{"name":"x","size":7,"step":1e-308}],"quantities":[{}]}`},
	} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, from, to string) {
		var a, b space.Space
		if json.Unmarshal([]byte(from), &a) != nil || json.Unmarshal([]byte(to), &b) != nil {
			return
		}
		for _, s := range []*space.Space{&a, &b} {
			if s.Validate() == nil && s.Len() > 1<<12 {
				return
			}
		}
		c, err := space.Between(a, b)
		if err != nil {
			return
		}
		if c.In().Reals() != a.Reals() || c.Out().Reals() != b.Reals() || c.Out().DType != b.DType {
			t.Fatalf("%s from %v to %v, want %v to %v", c.Name(), c.In(), c.Out(), &a, &b)
		}
		x, dx, w := a.New(1), batched(&a, 1, 1), batched(&b, 1, 1)
		for i, v := range [][]float64{make([]float64, a.Reals()), make([]float64, a.Reals()), make([]float64, b.Reals())} {
			for j := range v {
				v[j] = 1 + float64((7*j+3*i)%5)/8
			}
			[]interface{ SetReals([]float64) }{x, dx, w}[i].SetReals(v)
		}
		y, dy, g := b.New(1), batched(&b, 1, 1), batched(&a, 1, 1)
		st, err := c.Apply(x, y)
		if err != nil {
			t.Fatal(err)
		}
		if st != nil || !a.DType.IsComplex() && (a.DType.Size() != 8 || b.DType.Size() != 8) || a.DType.IsComplex() && (a.DType.Size() != 16 || b.DType.Size() != 16) {
			return
		}
		if st, err = c.JVP(x, dx, dy); st != nil || err != nil {
			t.Fatal(st, err)
		}
		if st, err = c.VJP(x, w, g); st != nil || err != nil {
			t.Fatal(st, err)
		}
		if err := gradcheck.DotProduct(reals(dx), reals(dy), reals(w), reals(g)).Check(1e-12); err != nil {
			t.Fatalf("%s: %v", c.Name(), err)
		}
	})
}
