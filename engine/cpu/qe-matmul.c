/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Products of weights and activations, shared out among the threads of a pool.
 *
 * Four ways, chosen for each product from its type and its number of tokens alone:
 *   DOT    rows times a few tokens: streams the weights once; integer activations for quantised formats
 *   TILE   many tokens: integer tiles over panels of unpacked weights
 *   EXACT  rows dequantised to f32, times a few tokens (QE_ACTIVATIONS=f32)
 *   SGEMM  many tokens: dequantised panels times OpenBLAS, one thread each
 *
 * The work is cut into units of rows; whichever thread is free takes the next. Where a row's result could depend on the
 * rows beside it (TILE, SGEMM), the size of a unit depends on the shape only, so that the number of threads changes
 * nothing in the result. The others stream weights from memory, and the longer a run of addresses the faster it comes:
 * their units are four fifths of a thread's part of what is left to do, and so become smaller towards the end, where
 * threads wait for each other. */

#include "cpu/qe-matmul.h"

#include <cblas.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "qe-error.h"
#include "cpu/qe-kernels.h"
#include "cpu/qe-tuning.h"

#define DOT_LEAST_BYTES 16384 /* of weights, in the units of DOT and EXACT */
#define TILE_GROUPS 4         /* row groups of a unit: the activations are read once for so many rows */
#define TILE_BLOCKS 2         /* blocks of 256 columns in a panel: stays in the first-level cache */
#define SGEMM_MIN_TOKENS (QE_TOKENS_APART + 1)
#define PANEL_BYTES ((size_t) 1 << 20)  /* per thread */
#define GATHER_BYTES ((size_t) 1 << 20) /* per thread */
#define ROWS_STEP 16                    /* single rows that a thread takes at a time */
#define ROWS_AHEAD 2
#define PRIVATE_TOKENS 4 /* up to so many, every thread quantises them for itself: cheaper than a barrier */

typedef enum { WAY_DOT, WAY_TILE, WAY_EXACT, WAY_SGEMM } Way;

struct QeMatmul {
  const QeKernels *kernels;
  bool exact;
  unsigned n_threads;
  size_t private_blocks; /* QeX8 of each thread */
  size_t shared_blocks;
  size_t thread_bytes;
  size_t panel_bytes;
  uint8_t *shared;  /* activations of all threads */
  uint8_t *scratch; /* [n_threads][thread_bytes]: private activations, panel, gathered activations */
};

/* What all products of a call share. */
typedef struct {
  QeMatmul *m;
  const float *x;
  size_t ldx, columns, n_rows; /* rows of x */
  const QeX8 *x8;              /* NULL when nothing needs it; block k of row i: x8[k * n_rows + i] */
  const QeX8Pair *x8_pairs;    /* the same in pairs, of rows' whole pairs */
  uint8_t *panel, *gather;
} Call;

/* Rows [row, row + n_rows) of a product, with the rows of x listed, or the first n_tokens where token_rows is NULL. */
typedef struct {
  const QeProduct *product;
  const uint32_t *token_rows;
  size_t n_tokens, row, n_rows;
  Way way;
} Unit;

/* A panel holds at least 16 dequantised rows of the widest input. */
static size_t
panel_bytes (size_t max_columns)
{
  size_t least = 16 * max_columns * sizeof (float);
  return ((least > PANEL_BYTES ? least : PANEL_BYTES) + 63) / 64 * 64;
}

/* Of n blocks of activations: QeX8, then QeX8Pair. */
static size_t
activation_bytes (size_t n)
{
  return n * sizeof (QeX8) + n / 2 * sizeof (QeX8Pair);
}

static size_t
thread_bytes (size_t max_columns)
{
  return activation_bytes (PRIVATE_TOKENS * qe_x8_blocks (max_columns)) + panel_bytes (max_columns) + GATHER_BYTES;
}

size_t
qe_matmul_scratch_bytes (unsigned n_threads, size_t max_columns, size_t max_tokens)
{
  return activation_bytes (max_tokens * qe_x8_blocks (max_columns)) + n_threads * thread_bytes (max_columns);
}

static void
limit_openblas (void)
{
  openblas_set_num_threads (1);
}

/* OpenBLAS takes a buffer for each thread that calls it, and where the address space is limited it asks for ever. */
#define OPENBLAS_BUFFER_BYTES ((size_t) 129 << 20)

static bool
has_room_for_openblas (unsigned n_threads)
{
  struct rlimit limit;
  if (getrlimit (RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
    return true;
  void *p = mmap (NULL, n_threads * OPENBLAS_BUFFER_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
                  0);
  if (p == MAP_FAILED)
    return false;
  munmap (p, n_threads * OPENBLAS_BUFFER_BYTES);
  return true;
}

/* max_tokens is a hint: more are computed correctly, but with f32 activations. */
QeStatus
qe_matmul_new (QeMatmul **out, unsigned n_threads, size_t max_columns, size_t max_tokens, QeError *err)
{
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once (&once, limit_openblas);
  QeMatmul *m = calloc (1, sizeof *m);
  if (!m)
    return qe_fail (err, QE_ERROR_MEMORY, "Not enough memory for matrix products.");
  size_t blocks = qe_x8_blocks (max_columns);
  m->kernels = qe_kernels ();
  m->exact = qe_cpu_exact_activations ();
  m->n_threads = n_threads;
  m->private_blocks = PRIVATE_TOKENS * blocks;
  m->shared_blocks = max_tokens * blocks;
  m->panel_bytes = panel_bytes (max_columns);
  m->thread_bytes = thread_bytes (max_columns);
  m->shared = aligned_alloc (64, activation_bytes (m->shared_blocks + 2));
  m->scratch = aligned_alloc (64, n_threads * m->thread_bytes);
  if (!has_room_for_openblas (n_threads)) {
    qe_matmul_free (m);
    return qe_fail (
        err, QE_ERROR_MEMORY,
        "The limit to this program's address space leaves no room to calculate: raise it (ulimit -v), or use fewer threads.");
  }
  if (!m->shared || !m->scratch) {
    qe_matmul_free (m);
    return qe_fail (err, QE_ERROR_MEMORY, "Not enough memory for matrix products of %zu columns and %zu tokens.",
                    max_columns, max_tokens);
  }
  *out = m;
  return QE_OK;
}

void
qe_matmul_free (QeMatmul *m)
{
  if (!m)
    return;
  free (m->shared);
  free (m->scratch);
  free (m);
}

/* ---- activations ----------------------------------------------------------------------------------------------- */

static size_t
n_pairs (const Call *call)
{
  return call->m->kernels->pair_x8 ? call->columns / (2 * QE_X8) : 0;
}

/* n rows from the first one on, into `to`. */
static void
quantise_rows (Call *call, uint8_t *to, size_t first, size_t n)
{
  QeX8 *x8 = (QeX8 *) (void *) to;
  QeX8Pair *pairs = (QeX8Pair *) (void *) (x8 + qe_x8_blocks (call->columns) * call->n_rows);
  for (size_t i = first; i < first + n; i++) {
    call->m->kernels->quantise_x8 (call->x + i * call->ldx, call->columns, x8 + i, call->n_rows);
    if (n_pairs (call))
      call->m->kernels->pair_x8 (x8 + i, n_pairs (call), pairs + i, call->n_rows);
  }
  call->x8 = x8;
  call->x8_pairs = pairs;
}

/* Sets call->x8 if the integer ways can be used: few rows are quantised by every thread for itself, many together. */
static void
prepare_activations (Call *call, QeWorker *worker, uint8_t *own)
{
  QeMatmul *m = call->m;
  size_t n = qe_x8_blocks (call->columns) * call->n_rows;
  call->x8 = NULL;
  if (m->exact || call->columns % 32 != 0)
    return;
  if (n <= m->private_blocks && call->n_rows <= 2 * PRIVATE_TOKENS)
    quantise_rows (call, own, 0, call->n_rows);
  else if (n <= m->shared_blocks) {
    const size_t step = 4;
    quantise_rows (call, m->shared, 0, 0);
    for (size_t i; (i = qe_worker_next (worker) * step) < call->n_rows;)
      quantise_rows (call, m->shared, i, call->n_rows - i < step ? call->n_rows - i : step);
    qe_worker_barrier (worker);
  }
}

/* True when the unit's rows of x follow each other; *first is where they begin. */
static bool
rows_adjoin (const Unit *u, size_t *first)
{
  *first = u->token_rows ? u->token_rows[0] : 0;
  for (size_t i = 1; u->token_rows && i < u->n_tokens; i++)
    if (u->token_rows[i] != u->token_rows[0] + i)
      return false;
  return true;
}

/* Some of a unit's tokens, brought together. */
typedef struct {
  size_t first, n; /* within the unit */
  const QeX8 *x8;
  const QeX8Pair *x8_pairs;
  size_t ldx8;
  const float *x;
  size_t ldx;
} Slab;

static void
gather_x8 (const Call *call, const Unit *u, Slab *s)
{
  QeX8 *out = (QeX8 *) (void *) call->gather;
  QeX8Pair *pairs = (QeX8Pair *) (void *) (out + qe_x8_blocks (call->columns) * s->n);
  for (size_t k = 0; k < qe_x8_blocks (call->columns); k++)
    for (size_t i = 0; i < s->n; i++)
      out[k * s->n + i] = call->x8[k * call->n_rows + u->token_rows[s->first + i]];
  for (size_t k = 0; u->way == WAY_DOT && k < n_pairs (call); k++)
    for (size_t i = 0; i < s->n; i++)
      pairs[k * s->n + i] = call->x8_pairs[k * call->n_rows + u->token_rows[s->first + i]];
  s->x8 = out;
  s->x8_pairs = pairs;
  s->ldx8 = s->n;
}

static void
gather_f32 (const Call *call, const Unit *u, Slab *s)
{
  float *out = (float *) (void *) call->gather;
  for (size_t i = 0; i < s->n; i++)
    memcpy (out + i * call->columns, call->x + u->token_rows[s->first + i] * call->ldx, call->columns * sizeof *out);
  s->x = out;
  s->ldx = call->columns;
}

/* Advances to the next tokens of the unit: all at once, or as many as the gather buffer holds. Start with n = first =
 * 0; false at the end. */
static bool
next_slab (const Call *call, const Unit *u, Slab *s)
{
  bool integer = u->way == WAY_DOT || u->way == WAY_TILE;
  size_t first;
  s->first += s->n;
  s->n = u->n_tokens - s->first;
  if (s->n == 0)
    return false;
  if (rows_adjoin (u, &first)) {
    *s = (Slab) { .n = u->n_tokens, .ldx8 = call->n_rows, .x = call->x + first * call->ldx, .ldx = call->ldx };
    if (call->x8) {
      s->x8 = call->x8 + first;
      s->x8_pairs = call->x8_pairs + first;
    }
    return true;
  }
  bool x8 = integer && qe_w8_format (u->product->type)->unpack;
  size_t each = x8 ? activation_bytes (qe_x8_blocks (call->columns)) : call->columns * sizeof (float);
  size_t most = GATHER_BYTES / each > 0 ? GATHER_BYTES / each : 1;
  s->n = s->n < most ? s->n : most;
  if (x8)
    gather_x8 (call, u, s);
  else
    gather_f32 (call, u, s);
  return true;
}

/* ---- units ----------------------------------------------------------------------------------------------------- */

static const uint8_t *
unit_weights (const Unit *u, size_t row_bytes)
{
  return (const uint8_t *) u->product->w + u->row * row_bytes;
}

static void
run_dot (const Call *call, const Unit *u, const Slab *s, size_t row_bytes)
{
  QeDotArgs args = {
    unit_weights (u, row_bytes),
    row_bytes,
    u->n_rows,
    call->columns,
    s->n,
    s->x8,
    s->x8_pairs,
    s->ldx8,
    s->x,
    s->ldx,
    u->product->y + s->first * u->product->ldy + u->row,
    u->product->ldy,
    qe_tuning_ahead (u->product->type),
  };
  call->m->kernels->dot[u->product->type](&args);
}

static void
run_tile (const Call *call, const Unit *u, const Slab *s, size_t row_bytes)
{
  const QeKernels *kernels = call->m->kernels;
  const QeTiling *tiling = &kernels->tiling[u->product->type];
  size_t step_bytes = qe_row_bytes (qe_type_traits (u->product->type), QE_X8), n_blocks = qe_x8_blocks (call->columns);

  for (size_t k = 0; k < n_blocks; k += TILE_BLOCKS)
    for (size_t r = 0; r < u->n_rows; r += kernels->tile_rows) {
      size_t n_rows = u->n_rows - r < kernels->tile_rows ? u->n_rows - r : kernels->tile_rows;
      size_t columns = call->columns - k * QE_X8;
      columns = columns < TILE_BLOCKS * QE_X8 ? columns : TILE_BLOCKS * QE_X8;
      tiling->pack (unit_weights (u, row_bytes) + r * row_bytes + k * step_bytes, row_bytes, n_rows, columns,
                    call->panel);
      QeTileArgs args = {
        call->panel,
        qe_x8_blocks (columns),
        n_rows,
        s->n,
        s->x8 + k * s->ldx8,
        s->ldx8,
        u->product->y + s->first * u->product->ldy + u->row + r,
        u->product->ldy,
        k > 0,
      };
      tiling->tile (&args);
    }
}

static void
dequantise_rows (const Call *call, QeType type, const uint8_t *w, size_t row_bytes, size_t n_rows)
{
  float *panel = (float *) (void *) call->panel;
  for (size_t r = 0; r < n_rows; r++, w += row_bytes, panel += call->columns)
    if (type == QE_TYPE_F16)
      call->m->kernels->dequantise_f16 ((const uint16_t *) (const void *) w, panel, call->columns);
    else
      qe_dequantise (type, w, panel, call->columns);
}

static void
run_exact (const Call *call, const Unit *u, const Slab *s, size_t row_bytes)
{
  for (size_t r = 0; r < u->n_rows; r++) {
    dequantise_rows (call, u->product->type, unit_weights (u, row_bytes) + r * row_bytes, row_bytes, 1);
    for (size_t t = 0; t < s->n; t++)
      u->product->y[(s->first + t) * u->product->ldy + u->row + r] =
          call->m->kernels->dot_f32 ((const float *) (const void *) call->panel, s->x + t * s->ldx, call->columns);
  }
}

static void
run_sgemm (const Call *call, const Unit *u, const Slab *s, size_t row_bytes)
{
  const void *panel = unit_weights (u, row_bytes); /* as it is if f32 */
  if (u->product->type != QE_TYPE_F32) {
    dequantise_rows (call, u->product->type, panel, row_bytes, u->n_rows);
    panel = call->panel;
  }
  cblas_sgemm (CblasRowMajor, CblasNoTrans, CblasTrans, (int) s->n, (int) u->n_rows, (int) call->columns, 1, s->x,
               (int) s->ldx, panel, (int) call->columns, 0, u->product->y + s->first * u->product->ldy + u->row,
               (int) u->product->ldy);
}

static void
run_unit (const Call *call, const Unit *u)
{
  static void (*const run[]) (const Call *, const Unit *, const Slab *, size_t) = {
    [WAY_DOT] = run_dot,
    [WAY_TILE] = run_tile,
    [WAY_EXACT] = run_exact,
    [WAY_SGEMM] = run_sgemm,
  };
  size_t row_bytes = qe_row_bytes (qe_type_traits (u->product->type), call->columns);
  for (Slab slab = { 0 }; next_slab (call, u, &slab);)
    run[u->way](call, u, &slab, row_bytes);
  for (size_t t = 0; u->product->scale && t < u->n_tokens; t++) {
    float *y = u->product->y + t * u->product->ldy + u->row;
    for (size_t r = 0; r < u->n_rows; r++)
      y[r] *= *u->product->scale;
  }
}

static Way
choose_way (const Call *call, QeType type, size_t n_tokens)
{
  const QeKernels *kernels = call->m->kernels;
  bool integer = qe_w8_format (type)->unpack != NULL;
  if (!integer)
    return n_tokens < SGEMM_MIN_TOKENS ? WAY_DOT : WAY_SGEMM;
  if (!call->x8)
    return n_tokens < SGEMM_MIN_TOKENS ? WAY_EXACT : WAY_SGEMM;
  if (kernels->tiling[type].pack)
    return n_tokens < kernels->tiling[type].min_tokens ? WAY_DOT : WAY_TILE;
  return n_tokens < SGEMM_MIN_TOKENS ? WAY_DOT : WAY_SGEMM;
}

static size_t
product_bytes (const Call *call, const QeProduct *product)
{
  return product->rows * qe_row_bytes (qe_type_traits (product->type), call->columns);
}

/* Rows of the unit that begins at u->row. after: bytes of the products that follow. */
static size_t
unit_rows (const Call *call, const Unit *u, size_t after)
{
  const size_t left = u->product->rows - u->row;
  size_t row_bytes = qe_row_bytes (qe_type_traits (u->product->type), call->columns), rows;
  if (u->way == WAY_TILE)
    rows = TILE_GROUPS * call->m->kernels->tile_rows;
  else if (u->way == WAY_SGEMM) {
    rows = call->m->panel_bytes / (call->columns * sizeof (float)) / 16 * 16;
    rows = rows < 8 ? 8 : rows > 256 ? 256 : rows;
  } else {
    size_t bytes = (left * row_bytes + after) * 4 / (5 * call->m->n_threads);
    rows = (bytes > DOT_LEAST_BYTES ? bytes : DOT_LEAST_BYTES) / row_bytes + 1;
  }
  return rows < left ? rows : left;
}

/* Takes units of products[0 … n_products) until none is left; get() describes product i without its rows. */
static void
run_units (const Call *call, QeWorker *worker, void (*get) (const void *products, size_t i, Unit *out),
           const void *products, size_t n_products)
{
  size_t mine = qe_worker_next (worker), number = 0, after = 0;
  Unit u;
  for (size_t i = 0; i < n_products; i++) {
    get (products, i, &u);
    after += product_bytes (call, u.product);
  }
  for (size_t i = 0; i < n_products; i++) {
    get (products, i, &u);
    after -= product_bytes (call, u.product);
    if (u.n_tokens == 0)
      continue;
    u.way = choose_way (call, u.product->type, u.n_tokens);
    for (u.row = 0; u.row < u.product->rows; u.row += u.n_rows) {
      u.n_rows = unit_rows (call, &u, after);
      if (number++ != mine)
        continue;
      run_unit (call, &u);
      mine = qe_worker_next (worker);
    }
  }
}

/* ---- calls ----------------------------------------------------------------------------------------------------- */

static void
begin (Call *call, QeMatmul *m, QeWorker *worker, bool integer)
{
  uint8_t *own = m->scratch + worker->index * m->thread_bytes;
  call->m = m;
  call->panel = own + activation_bytes (m->private_blocks);
  call->gather = call->panel + m->panel_bytes;
  qe_worker_barrier (worker);
  if (integer)
    prepare_activations (call, worker, own);
}

typedef struct {
  const QeProduct *products;
  size_t n_tokens;
} Plain;

static void
get_plain (const void *products, size_t i, Unit *out)
{
  const Plain *plain = products;
  *out = (Unit) { .product = &plain->products[i], .n_tokens = plain->n_tokens };
}

void
qe_matmul (QeMatmul *m, QeWorker *worker, const QeProduct *products, size_t n_products, const float *x, size_t ldx,
           size_t columns, size_t n_tokens)
{
  Call call = { .x = x, .ldx = ldx, .columns = columns, .n_rows = n_tokens };
  Plain plain = { products, n_tokens };
  bool integer = false;
  for (size_t i = 0; i < n_products; i++)
    integer |= qe_w8_format (products[i].type)->unpack != NULL;
  begin (&call, m, worker, integer);
  run_units (&call, worker, get_plain, &plain, n_products);
  qe_worker_barrier (worker);
}

void
qe_matmul_rows (QeMatmul *m, QeWorker *worker, const QeProduct *product, const int32_t *rows, size_t n, const float *x,
                size_t columns)
{
  const size_t row_bytes = qe_row_bytes (qe_type_traits (product->type), columns);
  Call call = { .x = x, .ldx = columns, .columns = columns, .n_rows = 1 };
  Unit u = { .product = product, .n_tokens = 1, .n_rows = 1 };
  begin (&call, m, worker, qe_w8_format (product->type)->unpack != NULL);
  u.way = choose_way (&call, product->type, 1);
  for (size_t at; (at = qe_worker_next (worker) * ROWS_STEP) < n;)
    for (size_t i = at; i < n && i < at + ROWS_STEP; i++) {
      if (i + ROWS_AHEAD < n) { /* rows are far apart: the processor does not see which comes next */
        const uint8_t *ahead = (const uint8_t *) product->w + (size_t) rows[i + ROWS_AHEAD] * row_bytes;
        for (size_t byte = 0; byte < row_bytes; byte += 64)
          __builtin_prefetch (ahead + byte);
      }
      u.row = (size_t) rows[i];
      run_unit (&call, &u);
    }
  qe_worker_barrier (worker);
}

static void
get_grouped (const void *products, size_t i, Unit *out)
{
  const QeGroupedProduct *g = (const QeGroupedProduct *) products + i;
  *out = (Unit) { .product = &g->product, .token_rows = g->token_rows, .n_tokens = g->n_token_rows };
}

void
qe_matmul_grouped (QeMatmul *m, QeWorker *worker, const QeGroupedProduct *products, size_t n_products, const float *x,
                   size_t ldx, size_t columns)
{
  Call call = { .x = x, .ldx = ldx, .columns = columns };
  bool integer = false;
  for (size_t i = 0; i < n_products; i++) {
    integer |= qe_w8_format (products[i].product.type)->unpack != NULL;
    for (size_t t = 0; t < products[i].n_token_rows; t++)
      if (products[i].token_rows[t] >= call.n_rows)
        call.n_rows = products[i].token_rows[t] + 1;
  }
  begin (&call, m, worker, integer);
  run_units (&call, worker, get_grouped, products, n_products);
  qe_worker_barrier (worker);
}
