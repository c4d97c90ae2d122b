package stage

import (
	"io"
	"os"

	"github.com/waveprior/waveprior/core/commit"
)

func writeFile(path string, b []byte) error {
	return commit.WriteFile(path, func(w io.Writer) error { _, err := w.Write(b); return err })
}

func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}
