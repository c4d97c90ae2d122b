package elastic

/*
#include <stdint.h>
int elastic_shots_f32_cpu(const uint64_t*, int64_t, int64_t);
int elastic_shots_f64_cpu(const uint64_t*, int64_t, int64_t);
int elastic_materials_f32_cpu(const uint64_t*, int64_t, int64_t);
int elastic_materials_f64_cpu(const uint64_t*, int64_t, int64_t);
int elastic_fold_f32_cpu(const uint64_t*, int64_t, int64_t);
int elastic_fold_f64_cpu(const uint64_t*, int64_t, int64_t);
int elastic_march_f32_cpu(const uint64_t*, int64_t, int64_t);
int elastic_march_f64_cpu(const uint64_t*, int64_t, int64_t);
int elastic_back_f32_cpu(const uint64_t*, int64_t, int64_t);
int elastic_back_f64_cpu(const uint64_t*, int64_t, int64_t);
*/
import "C"

import "github.com/waveprior/waveprior/cuda/march"

var (
	shots = march.Alone("elastic_shots", C.elastic_shots_f32_cpu, C.elastic_shots_f64_cpu)

	materials = march.Both("elastic_materials", C.elastic_materials_f32_cpu, C.elastic_materials_f64_cpu, march.Items(5))
	fold      = march.Both("elastic_fold", C.elastic_fold_f32_cpu, C.elastic_fold_f64_cpu, march.Items(11))

	forward = march.Both("elastic_march", C.elastic_march_f32_cpu, C.elastic_march_f64_cpu, march.ForwardLaunch)
	back    = march.Both("elastic_back", C.elastic_back_f32_cpu, C.elastic_back_f64_cpu, march.BackLaunch)
)
