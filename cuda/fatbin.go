//go:build cuda

package cuda

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"

	"github.com/waveprior/waveprior/cuda/internal/emulated"
)

// fatbin reads the GPU's kernels: the file that $WAVEPRIOR_FATBIN names, else waveprior.fatbin beside the executable. The
// emulated driver has its own kernels and needs no file.
func fatbin() (string, error) {
	const name = "waveprior.fatbin"
	path := os.Getenv("WAVEPRIOR_FATBIN")
	if path == "" {
		if emulated.Present() {
			return "kernels of the emulated driver", nil
		}
		exe, err := os.Executable()
		if err != nil {
			return "", fmt.Errorf("cuda: the kernels (%s) are looked for beside the executable: %w; set WAVEPRIOR_FATBIN to their path", name, err)
		}
		path = filepath.Join(filepath.Dir(exe), name)
	}
	image, err := os.ReadFile(path)
	if err == nil {
		err = checkFatbin(image)
	}
	if err != nil {
		return "", fmt.Errorf("cuda: the GPU's kernels: %s: %w; make cuda builds them, and WAVEPRIOR_FATBIN names another file", path, err)
	}
	return string(image), nil
}

// checkFatbin looks at the header of what `nvcc -fatbin` writes, as the driver is told no length: it reads on for as long as
// the header says, past the end of a file that was cut off. Little-endian: a magic number, the version (uint16), the size of the
// header (uint16) and of what follows it (uint64).
func checkFatbin(image []byte) error {
	const magic, header = 0xba55ed50, 16
	if len(image) < header || binary.LittleEndian.Uint32(image) != magic {
		return fmt.Errorf("%d bytes that do not begin as a fatbin does, with %#x", len(image), magic)
	}
	size, follows := uint64(binary.LittleEndian.Uint16(image[6:])), binary.LittleEndian.Uint64(image[8:])
	if have := uint64(len(image)); size < header || size > have || follows == 0 || follows > have-size {
		return fmt.Errorf("the file is cut off or damaged: it has %d bytes, and its header speaks of %d and %d", have, size, follows)
	}
	return nil
}
