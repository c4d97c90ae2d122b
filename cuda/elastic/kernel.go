package elastic

/*
#include <stdint.h>
int elastic_shots_f32_cpu(const uint64_t*, int64_t, int64_t);
int elastic_shots_f64_cpu(const uint64_t*, int64_t, int64_t);
int elastic_materials_f32_cpu(const uint64_t*, int64_t, int64_t);
int elastic_materials_f64_cpu(const uint64_t*, int64_t, int64_t);
int elastic_fold_f32_cpu(const uint64_t*, int64_t, int64_t);
int elastic_fold_f64_cpu(const uint64_t*, int64_t, int64_t);
*/
import "C"

import (
	"unsafe"

	"github.com/waveprior/waveprior/cuda"
)

// kernel is one concept in both number types.
type kernel struct{ f32, f64 *cuda.Kernel }

// both makes the kernels without entering them in cuda.Kernels: that is the list of those with a CUDA twin, which these do
// not have yet.
func both(name string, f32, f64 unsafe.Pointer) kernel {
	return kernel{&cuda.Kernel{Name: name + "_f32", CPU: f32}, &cuda.Kernel{Name: name + "_f64", CPU: f64}}
}

func of[T cuda.Float](k kernel) *cuda.Kernel {
	if cuda.SizeOf[T]() == 4 {
		return k.f32
	}
	return k.f64
}

var (
	shots     = both("elastic_shots", C.elastic_shots_f32_cpu, C.elastic_shots_f64_cpu)
	materials = both("elastic_materials", C.elastic_materials_f32_cpu, C.elastic_materials_f64_cpu)
	fold      = both("elastic_fold", C.elastic_fold_f32_cpu, C.elastic_fold_f64_cpu)
)
