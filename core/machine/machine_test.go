package machine_test

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/waveprior/waveprior/core/machine"
)

// What is available is something, and no more than the machine has by another count, swap included.
func TestAvailable(t *testing.T) {
	var info unix.Sysinfo_t
	if err := unix.Sysinfo(&info); err != nil {
		t.Fatal(err)
	}
	all := (info.Totalram + info.Totalswap) * uint64(info.Unit)
	if got := machine.Available(); got < 1<<20 || got > all {
		t.Errorf("%d bytes are available on a machine of %d", got, all)
	}
}

// What this process holds is missing from what is available.
func TestAvailableFalls(t *testing.T) {
	const size = 512 << 20
	before := machine.Available()
	b, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_POPULATE)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(b)
	if after := machine.Available(); after+size/2 > before { // others take and give at the same time
		t.Errorf("%d MiB were available, and with %d MiB in use %d MiB still are", before>>20, size>>20, after>>20)
	}
}
