package cuda

import "sync/atomic"

// Meter is the most memory of GPUs that any of the devices it was shown held at once; a plugin that opens one after another
// embeds it, and so is a contract.DeviceMeter. The zero value has seen none. Safe for concurrent use.
type Meter struct{ peak atomic.Int64 }

// Note looks at a device; at the CPU it passes by.
func (m *Meter) Note(d Device) {
	if d.Name() == "cpu" {
		return
	}
	_, peak := d.Memory()
	for was := m.peak.Load(); int64(peak) > was && !m.peak.CompareAndSwap(was, int64(peak)); was = m.peak.Load() {
	}
}

// DevicePeak implements contract.DeviceMeter.
func (m *Meter) DevicePeak() int { return int(m.peak.Load()) }
