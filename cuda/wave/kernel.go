package wave

/*
#include <stdint.h>
int wave_acoustic_f32_cpu(const uint64_t*, int64_t, int64_t);
int wave_acoustic_f64_cpu(const uint64_t*, int64_t, int64_t);
int wave_sponge_f32_cpu(const uint64_t*, int64_t, int64_t);
int wave_sponge_f64_cpu(const uint64_t*, int64_t, int64_t);
int wave_courant_f32_cpu(const uint64_t*, int64_t, int64_t);
int wave_courant_f64_cpu(const uint64_t*, int64_t, int64_t);
int wave_fold_f32_cpu(const uint64_t*, int64_t, int64_t);
int wave_fold_f64_cpu(const uint64_t*, int64_t, int64_t);
int wave_acoustic_march_f32_cpu(const uint64_t*, int64_t, int64_t);
int wave_acoustic_march_f64_cpu(const uint64_t*, int64_t, int64_t);
int wave_acoustic_back_f32_cpu(const uint64_t*, int64_t, int64_t);
int wave_acoustic_back_f64_cpu(const uint64_t*, int64_t, int64_t);
int wave_sponge_march_f32_cpu(const uint64_t*, int64_t, int64_t);
int wave_sponge_march_f64_cpu(const uint64_t*, int64_t, int64_t);
int wave_sponge_back_f32_cpu(const uint64_t*, int64_t, int64_t);
int wave_sponge_back_f64_cpu(const uint64_t*, int64_t, int64_t);
int wave_sponge_damping_f32_cpu(const uint64_t*, int64_t, int64_t);
int wave_sponge_damping_f64_cpu(const uint64_t*, int64_t, int64_t);
*/
import "C"

import "github.com/waveprior/waveprior/cuda/march"

var (
	acousticShots = march.Alone("wave_acoustic", C.wave_acoustic_f32_cpu, C.wave_acoustic_f64_cpu)
	spongeShots   = march.Alone("wave_sponge", C.wave_sponge_f32_cpu, C.wave_sponge_f64_cpu)

	courant = march.Both("wave_courant", C.wave_courant_f32_cpu, C.wave_courant_f64_cpu, march.Items(5))
	fold    = march.Both("wave_fold", C.wave_fold_f32_cpu, C.wave_fold_f64_cpu, march.Items(10))

	acousticMarch = march.Both("wave_acoustic_march", C.wave_acoustic_march_f32_cpu, C.wave_acoustic_march_f64_cpu, march.ForwardLaunch)
	acousticBack  = march.Both("wave_acoustic_back", C.wave_acoustic_back_f32_cpu, C.wave_acoustic_back_f64_cpu, march.BackLaunch)
	spongeMarch   = march.Both("wave_sponge_march", C.wave_sponge_march_f32_cpu, C.wave_sponge_march_f64_cpu, march.ForwardLaunch)
	spongeBack    = march.Both("wave_sponge_back", C.wave_sponge_back_f32_cpu, C.wave_sponge_back_f64_cpu, march.BackLaunch)
	spongeDamping = march.Both("wave_sponge_damping", C.wave_sponge_damping_f32_cpu, C.wave_sponge_damping_f64_cpu, march.OneBlock)
)
