// The analysis of a grid as C sees it, and the entry points of the two instruction sets.
//
// A plan's tree has fronts (separators, dense matrices) as inner nodes and boxes (small rectangles, eliminated one per
// vector lane) as leaves. All offsets into factors, updates and workspaces count real numbers, and do not depend on
// precision or instruction set; all index lists lie in one array `lists`. Rows of x are numbered in the order of
// elimination; row `nodes` is a dummy that stands for nodes outside the grid.
#ifndef WAVEPRIOR_CUDA_HELMHOLTZ_HELM_H_
#define WAVEPRIOR_CUDA_HELMHOLTZ_HELM_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// One child of a front: its update matrix goes into the parent's front by runs (child row, parent row, length), sorted
// by parent row. Parent rows: pivot i is row i, boundary node j is row 16 ceil(p/16) + j.
typedef struct {
  int32_t box;  // 1: index counts boxes, 0: fronts
  int32_t index;
  int32_t runs;  // offset in lists, triples
  int32_t run_count;
} helm_child;

// A separator: p pivots, rows first..first+p-1 of x, and b boundary nodes, sorted by row.
typedef struct {
  int32_t p, b;
  int32_t first;
  int32_t boundary;        // offset in lists: b rows of x
  int32_t assembly;        // offset in lists: pairs (coefficient, row and column of the front as row + column * rows)
  int32_t assembly_count;  // pairs
  helm_child child[2];
  int64_t factor;  // offset in the factor
  int64_t update;  // offset in the stack of update matrices
} helm_front;

// A class of boxes of one shape, with the program that eliminates `pivots` nodes with a ring of `ring` around them.
typedef struct {
  int32_t pivots, ring, entries;  // entries: of L below the diagonal
  int32_t column_start;           // offset in lists: pivots + 1 starts of columns among the entries
  int32_t rows;                   // offset in lists: local row of each entry; rows >= pivots are ring nodes
  int32_t targets;                // offset in lists: for each pair of entries of a column, what its product is taken from
  int32_t gather;                 // offset in lists: pairs (coefficient relative to the box, slot)
  int32_t gather_count;           // pairs
  int32_t first_box, box_count;
} helm_class;

// A box: pivots are rows first.. of x.
typedef struct {
  int32_t base;  // coefficient index of its first node
  int32_t first;
  int32_t ring;  // offset in lists: rows of x
  int32_t unused;
  int64_t factor;
  int64_t update;
} helm_box;

typedef struct {
  int32_t nz, nx, nodes, nine;
  int32_t front_count, class_count, box_count;
  int32_t order;       // offset in lists: row of x of node iz * nx + ix
  int32_t owner;       // offset in lists: box, or box_count + front, that eliminates the node
  int32_t max_pivots;  // of a front
  int32_t max_boundary;
  int32_t max_local;   // pivots + ring of a box
  int64_t plane;       // reals of one padded coefficient plane
  int64_t factor_size, update_size, work_size;  // reals
} helm_plan;

// What went wrong: row of x where the elimination broke down, and the size of the pivot there.
typedef struct {
  int64_t row;
  double pivot;
  double scale;  // the matrix is factorised times this power of two
} helm_report;

// Pointers of one factor, all 64-byte aligned C memory; float or double as the entry point says.
typedef struct {
  void *factor, *update, *work, *x;
} helm_memory;

// Right-hand sides: `count` vectors of `nodes` complex numbers in x (wide: double, else float).
typedef struct {
  int64_t count;
  int32_t wide;
} helm_panel;

// 0 or HELM_BREAKDOWN. planes: right-hand members of Matrix as interleaved complex doubles; down_right and down_left null
// in a five-point stencil.
enum { HELM_OK = 0, HELM_BREAKDOWN = 1 };

typedef struct {
  const double *diagonal, *right, *down, *down_right, *down_left;
} helm_matrix;

// Which variant of the code to run: double precision, x86-64-v4.
typedef struct {
  int32_t wide, v4;
} helm_kernel;

// Factorises; on HELM_BREAKDOWN the report says where.
int helm_factorise(helm_kernel, const helm_plan*, const helm_front*, const helm_class*, const helm_box*,
                   const int32_t* lists, const helm_matrix*, const helm_memory*, helm_report*);
// Overwrites right-hand sides by solutions. scale: the factorisation's.
void helm_solve(helm_kernel, const helm_plan*, const helm_front*, const helm_class*, const helm_box*,
                const int32_t* lists, const helm_memory*, double scale, void* x, helm_panel);

// The variants behind them.
#define HELM_ENTRIES(isa)                                                                                         \
  int helm_factorise_f32_##isa(const helm_plan*, const helm_front*, const helm_class*, const helm_box*,          \
                               const int32_t*, const helm_matrix*, const helm_memory*, helm_report*);            \
  int helm_factorise_f64_##isa(const helm_plan*, const helm_front*, const helm_class*, const helm_box*,          \
                               const int32_t*, const helm_matrix*, const helm_memory*, helm_report*);            \
  void helm_solve_f32_##isa(const helm_plan*, const helm_front*, const helm_class*, const helm_box*,             \
                            const int32_t*, const helm_memory*, double scale, void* x, helm_panel);              \
  void helm_solve_f64_##isa(const helm_plan*, const helm_front*, const helm_class*, const helm_box*,             \
                            const int32_t*, const helm_memory*, double scale, void* x, helm_panel);
HELM_ENTRIES(v3)
HELM_ENTRIES(v4)

#ifdef __cplusplus
}
#endif
#endif  // WAVEPRIOR_CUDA_HELMHOLTZ_HELM_H_
