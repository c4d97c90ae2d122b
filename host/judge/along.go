package judge

import (
	"encoding/json"
	"math"
	"os"
)

// alongEvery is the distance in steps of the records of misfit_along.npy: every tenth level and the last.
const alongEvery = 10

// along thins the sampler's record of the misfit to rows (t, median, 10 % and 90 % quantile over chains), t the steps that
// are left: the level of a schedule that is walked down one by one.
func (j *judging) along() error {
	if j.obs == 0 || j.Sample == nil {
		return nil
	}
	var h struct {
		Names []string
		Steps []int
		Total int
	}
	b, err := os.ReadFile(j.Sample.Path("history.json"))
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, &h); err != nil {
		return err
	}
	path := j.Sample.Path("history_misfit.npy")
	if _, err := os.Stat(path); os.IsNotExist(err) {
		return nil
	}
	all, records, err := reals(path)
	if err != nil {
		return err
	}
	if records != len(h.Steps) || records == 0 {
		return nil
	}
	chains := len(all) / records
	every := alongEvery
	if h.Total < 5*alongEvery {
		every = 1
	}
	var rows []float64
	last := -every
	for i, s := range h.Steps {
		if s-last < every && i < records-1 {
			continue
		}
		last = s
		var v []float64
		for _, phi := range all[i*chains : (i+1)*chains] {
			if !math.IsNaN(phi) {
				v = append(v, phi)
			}
		}
		if len(v) > 0 {
			rows = append(rows, float64(h.Total-1-s), quantile(v, 0.5), quantile(v, 0.1), quantile(v, 0.9))
		}
	}
	if len(rows) == 0 {
		return nil
	}
	return j.save("misfit_along", rows, len(rows)/4, 4)
}
