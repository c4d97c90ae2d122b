package space

import (
	"fmt"
	"math"
)

// unit is a unit of a dimension: 1 of it is 10^exponent of the dimension's SI unit.
type unit struct {
	dimension string
	exponent  int
}

var units = map[string]unit{
	"": {"number", 0}, "1": {"number", 0},
	"m/s": {"velocity", 0}, "km/s": {"velocity", 3},
	"s/m": {"slowness", 0}, "s/km": {"slowness", -3}, "us/m": {"slowness", -6},
	"s2/m2": {"squared slowness", 0}, "s2/km2": {"squared slowness", -6},
	"kg/m3": {"density", 0}, "g/cm3": {"density", 3},
	"Pa": {"pressure", 0}, "kPa": {"pressure", 3}, "MPa": {"pressure", 6},
	"m": {"length", 0}, "km": {"length", 3},
	"s": {"time", 0}, "ms": {"time", -3},
}

// velocityPower gives P slowness and its square as powers of vp, in halves: quantity = vp^(halves/2) in SI units.
var velocityPower = map[string]int{"vp": 2, "slowness": -2, "squared_slowness": -4}

var dimensionOf = map[string]string{"vp": "velocity", "slowness": "slowness", "squared_slowness": "squared slowness"}

// convert returns the law from one quantity to another, or why there is none. With both a power of vp the law is
// y = c x^(p/q); units are powers of ten, so that c is one too and exact (vp in m/s to s2/km2: 1e6 / vp^2).
func convert(from, to Quantity) (powerLaw, string) {
	p2 := 2
	if from.Name != to.Name {
		a, ok := velocityPower[from.Name]
		b, ok2 := velocityPower[to.Name]
		if !ok || !ok2 {
			return powerLaw{}, fmt.Sprintf("no adapter from %s to %s", from.Name, to.Name)
		}
		for _, q := range []Quantity{from, to} {
			if u, ok := units[q.Unit]; !ok || u.dimension != dimensionOf[q.Name] {
				return powerLaw{}, fmt.Sprintf("%q is no known unit of %s", q.Unit, q.Name)
			}
		}
		p2 = 2 * b / a // b/a in halves: 2b/a is whole for every pair
	}
	u, ok := units[from.Unit]
	v, ok2 := units[to.Unit]
	if from.Unit == to.Unit && p2 == 2 {
		return powerLaw{1, 2}, ""
	}
	if !ok || !ok2 || p2 == 2 && u.dimension != v.dimension {
		return powerLaw{}, fmt.Sprintf("%s [%s]: no conversion to %s [%s]", from.Name, from.Unit, to.Name, to.Unit)
	}
	return powerLaw{math.Pow10(p2*u.exponent/2 - v.exponent), p2}, ""
}

// Between returns the adapter from what a prior decodes to (or a solver's data) to what is taken, or an error wrapping
// ErrNoAdapter that names both spaces and the first obstacle. In this order it
//
//   - picks the quantities that are taken, by name or as another power of vp (vp, slowness, squared_slowness), and
//     inserts or drops a singleton field, component or channel axis;
//   - interpolates linearly along regular z, x and time axes (bilinear on a grid, in the quantity of from) where
//     the positions differ: both ends of the extents must agree to half of the coarser step;
//   - converts quantities and units;
//   - casts the dtype within the real or the complex ones.
//
// It is the identity for equal spaces. It never clamps: bounds and names of the spaces play no role. An axis
// without positions (no step, no values) agrees with any positions of as many, one without depths with any depths (Unsaid).
func Between(from, to Space) (*Adapter, error) {
	fail := func(why string) error {
		return fmt.Errorf("%w from %s to %s: %s", ErrNoAdapter, describe(&from), describe(&to), why)
	}
	for _, s := range []*Space{&from, &to} {
		if err := s.Validate(); err != nil {
			return nil, err
		}
	}
	if why := differ(&from, &to); why == "" && from.DType == to.DType {
		return &Adapter{in: from, out: to}, nil
	}
	c := Identity(from)
	then := func(a *Adapter, err error) error {
		if err == nil {
			c, err = Chain(c, a)
		}
		return err
	}
	if err := betweenFields(&c.out, &to, then); err != nil {
		return nil, fail(err.Error())
	}
	cur := &c.out
	if why := axesDiffer(cur, &to); why != "" {
		return nil, fail(why)
	}
	for i := range to.Axes {
		a, b := c.out.Axes[i], to.Axes[i]
		if a.Size == b.Size && apart(&a, &b) == "" {
			continue
		}
		if why := cannotResample(&a, &b); why != "" {
			return nil, fail(why)
		}
		if err := then(Resample(c.out, b.Name, b)); err != nil {
			return nil, fail(err.Error())
		}
	}
	if err := betweenQuantities(&c.out, &to, then); err != nil {
		return nil, fail(err.Error())
	}
	if c.out.DType != to.DType {
		if err := then(Cast(c.out, to.DType)); err != nil {
			return nil, fail(err.Error())
		}
	}
	c.out = to
	return c, nil
}

// betweenFields picks the quantities of to in its order, and makes the field axis appear or vanish.
func betweenFields(cur, to *Space, then func(*Adapter, error) error) error {
	f, g := cur.fieldAxis(), to.fieldAxis()
	index, picked := make([]int, len(to.Quantities)), len(to.Quantities) != len(cur.Quantities)
	for j, q := range to.Quantities {
		k, why := pick(cur.Quantities, q)
		if k < 0 {
			return fmt.Errorf("%s", why)
		}
		index[j] = k
		picked = picked || k != j
	}
	s := *cur
	step := func(a *Adapter, err error) error {
		if err == nil {
			s = a.out
		}
		return then(a, err)
	}
	if picked && f < 0 {
		return fmt.Errorf("%d quantities are taken and there is one", len(to.Quantities))
	}
	if picked {
		if err := step(Select(s, s.Axes[f].Name, index)); err != nil {
			return err
		}
	}
	if f >= 0 && g < 0 {
		if err := step(DropAxis(s, s.Axes[f].Name)); err != nil {
			return err
		}
	}
	if f < 0 && g >= 0 {
		if err := step(InsertAxis(s, min(g, len(s.Axes)), to.Axes[g].Name)); err != nil {
			return err
		}
	}
	switch a, b := s.axis("channel"), to.axis("channel"); {
	case a >= 0 && b < 0 && s.Axes[a].Size == 1:
		return step(DropAxis(s, "channel"))
	case a < 0 && b >= 0 && to.Axes[b].Size == 1:
		return step(InsertAxis(s, min(b, len(s.Axes)), "channel"))
	}
	return nil
}

// pick returns the index of the quantity from which want can be made: of the same name, or else the first convertible.
func pick(have []Quantity, want Quantity) (int, string) {
	for i, q := range have {
		if q.Name == want.Name {
			return i, ""
		}
	}
	first := ""
	for i, q := range have {
		_, why := convert(q, want)
		if why == "" {
			return i, ""
		}
		if first == "" {
			first = why
		}
	}
	return -1, first
}

func betweenQuantities(cur, to *Space, then func(*Adapter, error) error) error {
	laws := make([]scalar, len(to.Quantities))
	same, name := true, ""
	for i, q := range to.Quantities {
		law, why := convert(cur.Quantities[i], q)
		if why != "" {
			return fmt.Errorf("%s", why)
		}
		laws[i] = law
		if !law.isIdentity() && name == "" {
			name = fmt.Sprintf("%s [%s] to %s [%s]", cur.Quantities[i].Name, cur.Quantities[i].Unit, q.Name, q.Unit)
		}
		same = same && law.isIdentity()
	}
	if same {
		return nil
	}
	out := *cur
	out.Quantities = to.Quantities
	return then(New(name, *cur, out, newPointwise(*cur, name, laws)))
}

// axesDiffer says why two lists of axes cannot be matched one by one, "" if they can.
func axesDiffer(a, b *Space) string {
	names := func(s *Space) []string {
		v := make([]string, len(s.Axes))
		for i, ax := range s.Axes {
			v[i] = ax.Name
		}
		return v
	}
	if len(a.Axes) != len(b.Axes) {
		return fmt.Sprintf("axes %v against %v", names(a), names(b))
	}
	for i := range a.Axes {
		if a.Axes[i].Name != b.Axes[i].Name {
			return fmt.Sprintf("axes %v against %v, no adapter reorders axes", names(a), names(b))
		}
		if a.Axes[i].Unit != b.Axes[i].Unit && a.Axes[i].Unit != "" && b.Axes[i].Unit != "" {
			return fmt.Sprintf("axis %s is in %s against %s", a.Axes[i].Name, a.Axes[i].Unit, b.Axes[i].Unit)
		}
	}
	return ""
}

// cannotResample says why an axis cannot be interpolated to another, "" if it can.
func cannotResample(a, b *Axis) string {
	switch {
	case a.Name != "z" && a.Name != "x" && a.Name != "time" && a.Size != b.Size:
		return fmt.Sprintf("axis %s has %d positions against %d; only z, x and time are interpolated (select indices instead)", a.Name, a.Size, b.Size)
	case a.Name != "z" && a.Name != "x" && a.Name != "time":
		return fmt.Sprintf("axis %s: %s; only z, x and time are interpolated", a.Name, apart(a, b))
	case len(a.Values) > 0 || len(b.Values) > 0 || a.Step <= 0 || b.Step <= 0:
		return fmt.Sprintf("axis %s has size %d against %d and no origin and step on both sides, so it cannot be interpolated", a.Name, a.Size, b.Size)
	}
	slack := 0.5 * max(a.Step, b.Step) * (1 + snap)
	if math.Abs(a.Origin-b.Origin) > slack || math.Abs(a.last()-b.last()) > slack {
		return fmt.Sprintf("axis %s covers %g..%g %s (%d points, step %g) against %g..%g (%d points, step %g): the extents must agree to half of the coarser step",
			a.Name, a.Origin, a.last(), a.Unit, a.Size, a.Step, b.Origin, b.last(), b.Size, b.Step)
	}
	return ""
}

// differ says how the meaning of two spaces differs (dtype within the reals or the complex, names and bounds aside), ""
// where it does not.
func differ(a, b *Space) string {
	if a.DType.IsComplex() != b.DType.IsComplex() {
		return fmt.Sprintf("%v against %v", a.DType, b.DType)
	}
	if why := axesDiffer(a, b); why != "" {
		return why
	}
	for i := range a.Axes {
		p, q := &a.Axes[i], &b.Axes[i]
		if p.Size != q.Size {
			return fmt.Sprintf("axis %s has %d positions against %d", p.Name, p.Size, q.Size)
		}
		if why := apart(p, q); why != "" {
			return fmt.Sprintf("axis %s: %s", p.Name, why)
		}
	}
	if len(a.Quantities) != len(b.Quantities) {
		return fmt.Sprintf("%d quantities against %d", len(a.Quantities), len(b.Quantities))
	}
	for i, q := range a.Quantities {
		law, why := convert(q, b.Quantities[i])
		if why != "" {
			return why
		}
		if !law.isIdentity() || q.Name != b.Quantities[i].Name {
			return fmt.Sprintf("%s [%s] against %s [%s]", q.Name, q.Unit, b.Quantities[i].Name, b.Quantities[i].Unit)
		}
	}
	return ""
}

// describe is String with the extents of regular axes.
func describe(s *Space) string {
	text := s.String()
	for i := range s.Axes {
		if a := &s.Axes[i]; a.Step > 0 && len(a.Values) == 0 {
			text += fmt.Sprintf(", %s %g..%g %s", a.Name, a.Origin, a.last(), a.Unit)
		}
	}
	return text
}
