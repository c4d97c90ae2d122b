#include "helm.h"

int helm_factorise(helm_kernel kernel, const helm_plan* plan, const helm_front* fronts, const helm_class* classes,
                   const helm_box* boxes, const int32_t* lists, const helm_matrix* matrix, const helm_memory* memory,
                   helm_report* report) {
  auto* f = kernel.wide ? (kernel.v4 ? helm_factorise_f64_v4 : helm_factorise_f64_v3)
                        : (kernel.v4 ? helm_factorise_f32_v4 : helm_factorise_f32_v3);
  return f(plan, fronts, classes, boxes, lists, matrix, memory, report);
}

void helm_solve(helm_kernel kernel, const helm_plan* plan, const helm_front* fronts, const helm_class* classes,
                const helm_box* boxes, const int32_t* lists, const helm_memory* memory, double scale, void* x,
                helm_panel panel) {
  auto* f = kernel.wide ? (kernel.v4 ? helm_solve_f64_v4 : helm_solve_f64_v3)
                        : (kernel.v4 ? helm_solve_f32_v4 : helm_solve_f32_v3);
  f(plan, fronts, classes, boxes, lists, memory, scale, x, panel);
}
