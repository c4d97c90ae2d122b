package contract_test

import (
	"strings"
	"testing"

	"github.com/waveprior/waveprior/core/contract"
)

func TestDevice(t *testing.T) {
	for device, kind := range map[string]string{"": "cpu", "cpu": "cpu", "cuda:0": "cuda", "cuda:255": "cuda"} {
		if err := contract.CheckDevice(device); err != nil {
			t.Errorf("%q: %v", device, err)
		}
		if got := contract.DeviceKind(device); got != kind {
			t.Errorf("%q is a %s, want %s", device, got, kind)
		}
	}
	for _, device := range []string{"cuda", "cuda:", "cuda:-1", "cuda:+1", "cuda:01", "cuda:1.5", "cuda:0 ", "cuda:256", "cuda:99999", "gpu", "CPU", "cpu:0", "cudax:0"} {
		if err := contract.CheckDevice(device); err == nil || !strings.Contains(err.Error(), `allowed: "cpu", or "cuda:N"`) {
			t.Errorf("%q: %v", device, err)
		}
	}
}
