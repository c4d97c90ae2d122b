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

void helm_substitute(helm_kernel kernel, const helm_plan* plan, const helm_front* fronts, const helm_class* classes,
                     const helm_box* boxes, const int32_t* lists, const helm_memory* memory,
                     const helm_fields* fields) {
  auto* f = kernel.wide ? (kernel.v4 ? helm_substitute_f64_v4 : helm_substitute_f64_v3)
                        : (kernel.v4 ? helm_substitute_f32_v4 : helm_substitute_f32_v3);
  f(plan, fronts, classes, boxes, lists, memory, fields);
}

void helm_products(helm_kernel kernel, const helm_plan* plan, const int32_t* lists, const helm_fields* a,
                   const helm_fields* b, const double* scale, double* sum) {
  auto* f = kernel.wide ? (kernel.v4 ? helm_products_f64_v4 : helm_products_f64_v3)
                        : (kernel.v4 ? helm_products_f32_v4 : helm_products_f32_v3);
  f(plan, lists, a, b, scale, sum);
}
