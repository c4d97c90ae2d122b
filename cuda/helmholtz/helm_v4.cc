#pragma GCC optimize("-O3", "-ffp-contract=off")
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#include <cmath>
#include <limits>
#include <type_traits>

#include "../isa.h"
#include "helm.h"

#pragma GCC target("arch=x86-64-v4")
#define HELM_ISA v4
#define HELM_V4
#define HELM_BYTES 64  // of a vector
#define HELM_LIMIT 500
#define HELM_REGISTERS 32
#include "engine.h"
