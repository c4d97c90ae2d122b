// The whole solver for one instruction set: included once under each target pragma, with HELM_ISA its name. No template of
// the standard library is used below: its code would be compiled for this set, and the linker keeps one copy for all.

#define HELM_JOIN2(a, b) a##b
#define HELM_JOIN(a, b) HELM_JOIN2(a, b)

namespace waveprior {
namespace HELM_ISA {

static inline int64_t Padded(int64_t n) { return (n + 15) / 16 * 16; }

// Each needs those before it.
// clang-format off
#include "lanes.h"
#include "front.h"
#include "box.h"
#include "panel.h"
#include "solve.h"
#include "drive.h"
#include "fields.h"
// clang-format on

}  // namespace HELM_ISA
}  // namespace waveprior

#define HELM_DEFINE(name, T, VL)                                                                                  \
  extern "C" int HELM_JOIN(helm_factorise_##name##_, HELM_ISA)(                                                   \
      const helm_plan* plan, const helm_front* fronts, const helm_class* classes, const helm_box* boxes,          \
      const int32_t* lists, const helm_matrix* matrix, const helm_memory* memory, helm_report* report) {          \
    const waveprior::FlushDenormals guard;                                                                        \
    return waveprior::HELM_ISA::Factorise<T, VL>(*plan, fronts, classes, boxes, lists, *matrix, *memory, report); \
  }                                                                                                               \
  extern "C" void HELM_JOIN(helm_solve_##name##_, HELM_ISA)(                                                      \
      const helm_plan* plan, const helm_front* fronts, const helm_class* classes, const helm_box* boxes,          \
      const int32_t* lists, const helm_memory* memory, double scale, void* x, helm_panel panel) {                 \
    const waveprior::FlushDenormals guard;                                                                        \
    if (panel.wide)                                                                                               \
      waveprior::HELM_ISA::SolveAll<T, VL>(*plan, fronts, classes, boxes, lists, *memory, scale,                  \
                                           static_cast<double*>(x), panel.count);                                 \
    else                                                                                                          \
      waveprior::HELM_ISA::SolveAll<T, VL>(*plan, fronts, classes, boxes, lists, *memory, scale,                  \
                                           static_cast<float*>(x), panel.count);                                  \
  }                                                                                                               \
  extern "C" void HELM_JOIN(helm_substitute_##name##_, HELM_ISA)(                                                 \
      const helm_plan* plan, const helm_front* fronts, const helm_class* classes, const helm_box* boxes,          \
      const int32_t* lists, const helm_memory* memory, const helm_fields* fields) {                               \
    const waveprior::FlushDenormals guard;                                                                        \
    waveprior::HELM_ISA::Substitute<T, VL>(*plan, fronts, classes, boxes, lists, *memory, *fields);               \
  }                                                                                                               \
  extern "C" void HELM_JOIN(helm_products_##name##_, HELM_ISA)(const helm_plan* plan, const int32_t* lists,       \
                                                               const helm_fields* a, const helm_fields* b,        \
                                                               const double* scale, double* sum) {                \
    const waveprior::FlushDenormals guard;                                                                        \
    waveprior::HELM_ISA::Products<T, VL>(*plan, lists, *a, *b, scale, sum);                                       \
  }
HELM_DEFINE(f32, float, HELM_BYTES / 4)
HELM_DEFINE(f64, double, HELM_BYTES / 8)
