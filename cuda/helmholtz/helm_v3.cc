#pragma GCC optimize("-O3", "-ffp-contract=off")
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#include <cmath>
#include <limits>
#include <type_traits>

#include "../isa.h"
#include "helm.h"

#pragma GCC target("arch=x86-64-v3")
#define HELM_ISA v3
#define HELM_V3
#define HELM_BYTES 32  // of a vector
#define HELM_LIMIT 500
#define HELM_REGISTERS 16
#include "engine.h"
