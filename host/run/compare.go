package run

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/waveprior/waveprior/host/report"
)

// Compare puts finished run folders side by side in one page.
func Compare(out string, dirs []string) error {
	var pages []*report.Report
	for _, dir := range dirs {
		b, err := os.ReadFile(filepath.Join(dir, savedName))
		if err != nil {
			return fmt.Errorf("%s is no folder of a finished run: %w", dir, err)
		}
		var p report.Report
		if err := json.Unmarshal(b, &p); err != nil {
			return fmt.Errorf("%s: %w", filepath.Join(dir, savedName), err)
		}
		pages = append(pages, &p)
	}
	return report.Compare(out, pages...)
}
