package klmlp

import (
	"encoding/json"
	"math"
	"path/filepath"
	"testing"
	"time"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/npy"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/cuda"
)

// counting counts what crosses between host and device, and allocations.
type counting struct {
	cuda.Device
	uploads, downloads, allocs int
}

func (c *counting) Upload(dst cuda.Buffer, src []byte) error {
	c.uploads++
	return c.Device.Upload(dst, src)
}

func (c *counting) Download(dst []byte, src cuda.Buffer) error {
	c.downloads++
	return c.Device.Download(dst, src)
}

func (c *counting) Alloc(bytes int) (cuda.Buffer, error) {
	c.allocs++
	return c.Device.Alloc(bytes)
}

const smallNetwork = `{"modes": 3, "width": 8, "blocks": 1, "schedule": {"steps": 20}, "train": {"steps": 1000, "batch": 5, "history_every": 500, "checkpoint_s": 0}}`

// newSmall is a small training of 1000 steps on a device.
func newSmall(t *testing.T, dev cuda.Device) *training {
	t.Helper()
	s := earth(tensor.Float32, 8, 8)
	p := New()
	configuredAt(t, p, smallNetwork, "", 1, s)
	raw, err := p.cfg.coordinates(fields(t, s, 3, 12, false))
	if err != nil {
		t.Fatal(err)
	}
	tr, err := p.cfg.newTraining(dev, raw, nil)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// open opens a device for a test.
func open(t *testing.T, name string) cuda.Device {
	t.Helper()
	dev, err := cuda.Open(name, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dev.Close() })
	return dev
}

// names are the devices of this build.
func names() []string {
	if gpu {
		return []string{"cpu", "cuda:0"}
	}
	return []string{"cpu"}
}

// TestStepsKeepToTheDevice: a step moves nothing to the device nor back, and allocates nothing. In 1000 steps there are 16
// plans of 64 steps with two uploads each; the steps' numbers are read when 256 of them are there and when a row of the
// history is due, at 256, 500, 756 and 1000; either row evaluates the network once, two uploads and a download.
func TestStepsKeepToTheDevice(t *testing.T) {
	dev := &counting{Device: open(t, "cpu")}
	tr := newSmall(t, dev)
	dev.uploads, dev.downloads, dev.allocs = 0, 0, 0
	if err := tr.run(ctx, t.TempDir(), nil, time.Hour); err != nil {
		t.Fatal(err)
	}
	if dev.uploads != 16*2+2*2 || dev.downloads != 4+2 || dev.allocs > 60 {
		t.Errorf("1000 steps: %d uploads, want 36; %d downloads, want 6; %d allocations, of the first step and the first evaluation at most 60",
			dev.uploads, dev.downloads, dev.allocs)
	}
}

// TestMemoryFlat: from the first evaluation on no step takes memory of the device, nor is any left when all is given back.
func TestMemoryFlat(t *testing.T) {
	for _, name := range names() {
		t.Run(name, func(t *testing.T) {
			dev := open(t, name)
			tr := newSmall(t, dev)
			tr.c.options.Train.HistoryEvery = 10
			tr.history.every = 10
			tr.history.rows = tensor.New(tensor.Float64, 100, len(historyColumns))
			inUse, peak, seen := 0, 0, 0
			report := func(p contract.TrainProgress) error {
				now, most := dev.Memory()
				switch {
				case p.Step == 20:
					inUse, peak = now, most
				case p.Step > 20:
					if seen++; now != inUse || most != peak {
						t.Errorf("step %d: %d bytes in use and %d at most, after 20 steps %d and %d", p.Step, now, most, inUse, peak)
					}
				}
				return nil
			}
			if err := tr.run(ctx, t.TempDir(), report, time.Nanosecond); err != nil {
				t.Fatal(err)
			}
			if err := tr.free(); err != nil {
				t.Error(err)
			}
			if left, _ := dev.Memory(); left != 0 {
				t.Errorf("%d bytes are left when all is given back", left)
			}
			if seen != 980 || inUse == 0 || peak < inUse {
				t.Errorf("%d reports after step 20, want 980; %d bytes in use, %d at most", seen, inUse, peak)
			}
		})
	}
}

// TestSameTraining: on a GPU the training goes the way of the CPU's: the same noise and order of examples, so that losses
// differ by rounding alone, which 200 steps have not blown up.
func TestSameTraining(t *testing.T) {
	if !gpu {
		t.Skip("a build without GPUs")
	}
	s := earth(tensor.Float32, 8, 8)
	set, held := fields(t, s, 3, 12, false), fields(t, s, 3, 12, true)
	rows := map[string][]float64{}
	x0 := map[string][]float32{}
	for _, name := range names() {
		p, folder := New(), t.TempDir()
		config := contract.Config{Options: json.RawMessage(`{"modes": 3, "width": 32, "blocks": 2, "schedule": {"steps": 20}, "train": {"steps": 200, "batch": 5, "history_every": 20}}`),
			Seed: 3, Device: name, Threads: 1, Target: nil}
		config.Target = append(config.Target, s)
		if _, err := p.Configure(ctx, config); err != nil {
			t.Fatal(err)
		}
		if err := p.Train(ctx, contract.TrainRequest{Dataset: set, HeldOut: held, Folder: folder}, nil); err != nil {
			t.Fatal(err)
		}
		h, err := npy.Read(filepath.Join(folder, HistoryName))
		if err != nil {
			t.Fatal(err)
		}
		rows[name] = h.Float64s()
		config.Checkpoint = folder
		c, err := p.Configure(ctx, config)
		if err != nil {
			t.Fatal(err)
		}
		x, out := normals(*c.Latent, 5, 40), c.Latent.New(40)
		if status, err := p.Denoise(ctx, x, make([]int, 40), out); err != nil || status != nil {
			t.Fatal(status, err)
		}
		x0[name] = out.Float32s()
		if peak := p.DevicePeak(); (peak > 0) != (name != "cpu") {
			t.Errorf("%s: peak of %d bytes of a GPU", name, peak)
		}
	}
	for i, want := range rows["cpu"] {
		if got := rows["cuda:0"][i]; math.Abs(got-want) > 1e-3*math.Abs(want) {
			t.Errorf("history, row %d, column %d: %g on the GPU, %g on the CPU", i/4, i%4, got, want)
		}
	}
	for i, want := range x0["cpu"] {
		if got := x0["cuda:0"][i]; math.Abs(float64(got-want)) > 1e-3 {
			t.Errorf("denoised number %d: %g on the GPU, %g on the CPU", i, got, want)
			break
		}
	}
}
