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
  int32_t targets;       // offset in lists: for each pair of entries of a column, what its product is taken from
  int32_t gather;        // offset in lists: pairs (coefficient relative to the box, slot)
  int32_t gather_count;  // pairs
  int32_t first_box, box_count;
} helm_class;

// A box: pivots are rows first.. of x.
typedef struct {
  int32_t base;  // coefficient index of its first node
  int32_t first;
  int32_t ring;   // offset in lists: rows of x
  int32_t shape;  // its class
  int64_t factor;
  int64_t update;
} helm_box;

typedef struct {
  int32_t nz, nx, nodes, nine;
  int32_t front_count, class_count, box_count;
  int32_t order;       // offset in lists: row of x of node iz * nx + ix
  int32_t node;        // offset in lists: node of a row
  int32_t owner;       // offset in lists: box, or box_count + front, that eliminates the node
  int32_t max_pivots;  // of a front
  int32_t max_boundary;
  int32_t max_local;                            // pivots + ring of a box
  int64_t plane;                                // reals of one padded coefficient plane
  int64_t factor_size, update_size, work_size;  // reals
} helm_plan;

// What came of a factorisation. A pivot that is nearly zero against the typical diagonal entry would make the rounding
// of its neighbours as large as its inverse: 1 is added to the (scaled) diagonal there, and solutions are corrected for
// it (helm_bumps).
enum { HELM_MOST_BUMPS = 64 };
typedef struct {
  int64_t row;   // of x, where the elimination broke down
  double pivot;  // the largest that was left there
  double scale;  // the matrix is factorised times this power of two
  int32_t bump_count;
  int32_t bump[HELM_MOST_BUMPS];  // rows of x
} helm_report;

// The bumped diagonal entries of a factor: with E their unit vectors and S' = S + E E^T,
// S^-1 b = S'^-1 (b + E (1 - E^T Z)^-1 Z^T b), Z = S'^-1 E (Woodbury).
typedef struct {
  const void* z;    // fields of Z
  double* inverse;  // (1 - E^T Z)^-1: count x count complex numbers
  int32_t count;
  int32_t row[HELM_MOST_BUMPS];
  int32_t owner[HELM_MOST_BUMPS];  // box, or box_count + front, of the row
  int32_t lanes[HELM_MOST_BUMPS];  // of the block of Z that holds the column
  int64_t at[HELM_MOST_BUMPS];     // offset of the column's row 0 in z
} helm_bumps;

// Pointers of one factor, all 64-byte aligned C memory; float or double as the entry point says.
typedef struct {
  void *factor, *update, *work;
  void* near;       // rows of x around one front or box, VL lanes
  uint8_t* active;  // a byte per box, then per front: some right-hand side is not zero there; overwritten
  uint8_t* wanted;  // likewise: the solution is wanted there
  helm_bumps* bumps;
  void* x;  // rows of one block, for vectors that come in the grid's order
} helm_memory;

// Fields: `count` vectors in rows, in blocks of lanes: as many full vectors as there are, then the least that holds the
// rest (64 or 32 bytes, 32 or 16 bytes, 16 bytes). A block is (nodes + 1) rows of its lanes' real parts, then imaginary
// ones.
typedef struct {
  void* rows;
  int64_t count;
} helm_fields;

// Right-hand sides: `count` vectors of `nodes` complex numbers in x (wide: double, else float).
typedef struct {
  int64_t count;
  int32_t wide;
} helm_panel;

// HELM_CROWDED: more bumps than there is room for.
enum { HELM_OK = 0, HELM_BREAKDOWN = 1, HELM_CROWDED = 2 };

// The planes of a Matrix as interleaved complex numbers; down_right and down_left are null in a five-point stencil.
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
// Overwrites fields that hold right-hand sides by solutions, without scaling. active and wanted are the caller's.
void helm_substitute(helm_kernel, const helm_plan*, const helm_front*, const helm_class*, const helm_box*,
                     const int32_t* lists, const helm_memory*, const helm_fields*);
// sum[node] += a[k][node] b[k][node] scale[k] over k, as complex numbers, nodes in the grid's order.
void helm_products(helm_kernel, const helm_plan*, const int32_t* lists, const helm_fields* a, const helm_fields* b,
                   const double* scale, double* sum);

// The variants behind them.
#define HELM_ENTRIES(p, isa)                                                                                           \
  int helm_factorise_##p##_##isa(const helm_plan*, const helm_front*, const helm_class*, const helm_box*,              \
                                 const int32_t*, const helm_matrix*, const helm_memory*, helm_report*);                \
  void helm_solve_##p##_##isa(const helm_plan*, const helm_front*, const helm_class*, const helm_box*, const int32_t*, \
                              const helm_memory*, double scale, void* x, helm_panel);                                  \
  void helm_substitute_##p##_##isa(const helm_plan*, const helm_front*, const helm_class*, const helm_box*,            \
                                   const int32_t*, const helm_memory*, const helm_fields*);                            \
  void helm_products_##p##_##isa(const helm_plan*, const int32_t*, const helm_fields*, const helm_fields*,             \
                                 const double*, double*);
HELM_ENTRIES(f32, v3)
HELM_ENTRIES(f32, v4)
HELM_ENTRIES(f64, v3)
HELM_ENTRIES(f64, v4)

#ifdef __cplusplus
}
#endif
#endif  // WAVEPRIOR_CUDA_HELMHOLTZ_HELM_H_
