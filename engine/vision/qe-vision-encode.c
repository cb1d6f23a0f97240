/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>
#include <stdlib.h>

#include "cpu/qe-kernels.h"
#include "cpu/qe-matmul.h"
#include "qe-error.h"
#include "vision/qe-image.h"
#include "vision/qe-resize.h"
#include "vision/qe-vision-attention.h"
#include "vision/qe-vision-encode.h"

/* The tower, as one parallel region (engine/doc/qwen35.md §9.3):
 *
 *   pixels -> patches [n][3 p p] -> x [n][h] + positions
 *   each block:  x += out (attention (rope (qkv (norm1 (x)))));  x += down (gelu (up (norm2 (x))))
 *   merger:      norm (x), p patches of a square side by side -> mm.0 -> gelu -> mm.2 -> embeddings [n / merge²][n_embd_out]
 *
 * Patches are in the order of the squares that the merger joins, so joining moves nothing. Rows go through in slices, which
 * keeps the wide intermediate results small; only x, y and qkv exist for all rows. Within a slice every thread has the
 * same rows for all elementwise work, so barriers are needed at products and attention only. */

#define SLICE 512

typedef struct {
  const QeVision *vision;
  const QeControl *control;
  const QeVisionTrace *trace;
  const uint8_t *pixels; /* [plan.height][plan.width][3] */
  QeImagePlan plan;
  size_t n, slice;    /* number of patches; rows of a slice */
  float *x, *y, *qkv; /* [n][h] [n][h] [n][3h] */
  float *wide;        /* [slice][max (m, h, 3 p p)] */
  float *narrow;      /* [slice][h] */
  float *scratch;     /* [n_threads][scratch_size], for attention */
  size_t scratch_size;
  float *cosines, *sines; /* [max (grid rows, columns)][head size / 4] */
  float *embeddings;      /* [plan.n_tokens][n_embd_out] */
  float level[3][256];    /* normalised value of each byte, for each colour */
  QeMatmul *matmul;
  QePool *pool;
  atomic_bool cancelled; /* may be set at any time; work is skipped then */
  bool stop;             /* thread 0 sets it between barriers; all leave the region */
} Encoder;

static size_t
max_size (size_t a, size_t b)
{
  return a > b ? a : b;
}

static size_t
patch_numbers (const QeVisionInfo *info)
{
  return 3 * (size_t) info->patch_size * info->patch_size;
}

static size_t
wide_columns (const QeVisionInfo *info)
{
  return max_size (patch_numbers (info), max_size (info->n_ff, info->n_embd));
}

/* Returns the widest input of any product. */
static size_t
product_columns (const QeVisionInfo *info)
{
  return max_size (wide_columns (info), (size_t) info->n_embd * info->merge_size * info->merge_size);
}

static size_t
slice_rows (const QeVisionInfo *info)
{
  size_t square = (size_t) info->merge_size * info->merge_size;
  return SLICE / square * square;
}

/* Returns the share of n rows that belongs to this thread. */
static void
own_rows (const QeWorker *worker, size_t n, size_t *first, size_t *end)
{
  *first = n * worker->index / worker->n;
  *end = n * (worker->index + 1) / worker->n;
}

/* Returns the row and column of patch i in the grid of patches. */
static void
patch_place (const Encoder *e, size_t i, size_t *row, size_t *column)
{
  size_t merge = e->vision->info.merge_size, token = i / (merge * merge), inner = i % (merge * merge);

  *row = token / e->plan.columns * merge + inner / merge;
  *column = token % e->plan.columns * merge + inner % merge;
}

static void
product (Encoder *e, QeWorker *worker, const QeTensor *w, const float *x, float *y, size_t n)
{
  QeProduct p = { w->data, w->type, w->ne[1], y, w->ne[1] };
  qe_matmul (e->matmul, worker, &p, 1, x, w->ne[0], w->ne[0], n);
}

/* Computes y = (x - mean) / deviation * weight + bias over the width of a row. */
static void
layer_norm (const Encoder *e, const float *x, float *y, const float *weight, const float *bias)
{
  size_t h = e->vision->info.n_embd;
  double sum = 0, squares = 0;
  float mean, scale;

  for (size_t j = 0; j < h; j++)
    sum += x[j];
  mean = (float) (sum / h);
  for (size_t j = 0; j < h; j++)
    squares += (double) (x[j] - mean) * (x[j] - mean);
  scale = (float) (1 / sqrt (squares / h + e->vision->eps));
  for (size_t j = 0; j < h; j++)
    y[j] = (x[j] - mean) * scale * weight[j] + bias[j];
}

static void
add (float *x, const float *a, const float *b, size_t n)
{
  for (size_t j = 0; j < n; j++)
    x[j] += a[j] + b[j];
}

/* Adds the position of patch i. The square table is stretched over the grid from corner to corner, and the position is
 * interpolated between four entries. */
static void
add_position (const Encoder *e, size_t i, float *x)
{
  size_t h = e->vision->info.n_embd, side = e->vision->position_side, merge = e->vision->info.merge_size;
  size_t rows = e->plan.rows * merge, columns = e->plan.columns * merge, row, column, r0, c0, r1, c1;
  const float *table = e->vision->positions, *a, *b, *c, *d;
  float r, s;

  patch_place (e, i, &row, &column);
  r = rows > 1 ? (float) (row * (side - 1)) / (float) (rows - 1) : 0;
  s = columns > 1 ? (float) (column * (side - 1)) / (float) (columns - 1) : 0;
  r0 = (size_t) r;
  c0 = (size_t) s;
  r1 = r0 + 1 < side ? r0 + 1 : side - 1;
  c1 = c0 + 1 < side ? c0 + 1 : side - 1;
  r -= (float) r0;
  s -= (float) c0;
  a = table + (r0 * side + c0) * h;
  b = table + (r0 * side + c1) * h;
  c = table + (r1 * side + c0) * h;
  d = table + (r1 * side + c1) * h;
  for (size_t j = 0; j < h; j++)
    x[j] += (1 - r) * (1 - s) * a[j] + (1 - r) * s * b[j] + r * (1 - s) * c[j] + r * s * d[j];
}

static void
embed_slice (Encoder *e, QeWorker *worker, size_t first, size_t n)
{
  const QeVision *v = e->vision;
  size_t h = v->info.n_embd, width = patch_numbers (&v->info), from, to;
  QeProduct patches = { v->patch_weight, QE_TYPE_F32, h, e->x + first * h, h };

  own_rows (worker, n, &from, &to);
  for (size_t i = from; i < to; i++) { /* a patch has the order channel, y, x */
    size_t p = v->info.patch_size, row, column;
    float *out = e->wide + i * width;

    patch_place (e, first + i, &row, &column);
    const uint8_t *pixels = e->pixels + (row * p * e->plan.width + column * p) * 3;
    for (size_t c = 0; c < 3; c++)
      for (size_t y = 0; y < p; y++)
        for (size_t x = 0; x < p; x++)
          *out++ = e->level[c][pixels[(y * e->plan.width + x) * 3 + c]];
  }
  qe_matmul (e->matmul, worker, &patches, 1, e->wide, width, width, n);
  for (size_t i = from; i < to; i++) {
    float *x = e->x + (first + i) * h;
    for (size_t j = 0; j < h; j++)
      x[j] += v->patch_bias[j];
    add_position (e, first + i, x);
  }
}

/* Rotates each pair (j, j + half) of one head: by the row for pairs below a quarter, by the column for the others. */
static void
rotate (float *head, size_t quarter, const float *cosines[2], const float *sines[2])
{
  for (size_t axis = 0; axis < 2; axis++)
    for (size_t j = 0; j < quarter; j++) {
      float *a = head + axis * quarter + j, *b = a + 2 * quarter, x = *a, y = *b;
      *a = x * cosines[axis][j] - y * sines[axis][j];
      *b = y * cosines[axis][j] + x * sines[axis][j];
    }
}

static void
merge_slice (Encoder *e, QeWorker *worker, size_t first, size_t n)
{
  const QeVision *v = e->vision;
  size_t h = v->info.n_embd, square = (size_t) v->info.merge_size * v->info.merge_size, k = h * square;
  size_t width = v->info.n_embd_out, n_tokens = n / square, from, to;
  float *out = e->embeddings + first / square * width;

  own_rows (worker, n, &from, &to);
  for (size_t i = first + from; i < first + to; i++)
    layer_norm (e, e->x + i * h, e->y + i * h, v->post_weight, v->post_bias);
  product (e, worker, v->mm0, e->y + first * h, e->wide, n_tokens);
  own_rows (worker, n_tokens, &from, &to);
  for (size_t i = from * k; i < to * k; i++) {
    const float x = e->wide[i] + v->mm0_bias[i % k];
    e->wide[i] = 0.5f * x * (1 + erff (x * 0.70710678f)); /* gelu */
  }
  product (e, worker, v->mm2, e->wide, out, n_tokens);
  for (size_t i = from * width; i < to * width; i++)
    out[i] += v->mm2_bias[i % width];
}

static void
poll_cancelled (void *data)
{
  Encoder *e = data;

  if (e->control && e->control->cancelled && e->control->cancelled (e->control->data))
    atomic_store_explicit (&e->cancelled, true, memory_order_relaxed);
}

/* Waits at a barrier, after which all threads agree on whether to go on. */
static bool
go_on (Encoder *e, QeWorker *worker, size_t n_done)
{
  if (worker->index == 0) {
    poll_cancelled (e);
    e->stop = atomic_load_explicit (&e->cancelled, memory_order_relaxed);
    if (!e->stop && e->control && e->control->progress)
      e->control->progress (e->control->data, n_done, e->vision->info.n_layers);
  }
  qe_worker_barrier (worker);
  return !e->stop;
}

static size_t
slice_at (const Encoder *e, size_t first)
{
  return e->n - first < e->slice ? e->n - first : e->slice;
}

static void
encode_block (Encoder *e, QeWorker *worker, const QeVisionBlock *block)
{
  const QeVisionInfo *info = &e->vision->info;
  const size_t h = info->n_embd, m = info->n_ff, d = h / info->n_heads;
  QeVisionAttention attention = { e->qkv, e->y, e->n, h, info->n_heads, &e->cancelled };
  size_t from, to;

  for (size_t first = 0; first < e->n; first += e->slice) {
    const size_t n = slice_at (e, first);

    own_rows (worker, n, &from, &to);
    for (size_t i = first + from; i < first + to; i++)
      layer_norm (e, e->x + i * h, e->y + i * h, block->ln1_weight, block->ln1_bias);
    product (e, worker, block->qkv, e->y + first * h, e->qkv + first * 3 * h, n);
    for (size_t i = first + from; i < first + to; i++) {
      float *row = e->qkv + i * 3 * h;
      size_t place[2];
      const float *cosines[2], *sines[2];

      for (size_t j = 0; j < 3 * h; j++)
        row[j] += block->qkv_bias[j];
      patch_place (e, i, &place[0], &place[1]);
      for (size_t axis = 0; axis < 2; axis++) {
        cosines[axis] = e->cosines + place[axis] * (d / 4);
        sines[axis] = e->sines + place[axis] * (d / 4);
      }
      for (size_t head = 0; head < 2 * (size_t) info->n_heads; head++)
        rotate (row + head * d, d / 4, cosines, sines);
    }
  }
  qe_worker_barrier (worker);
  qe_vision_attention (&attention, worker, e->scratch + worker->index * e->scratch_size, poll_cancelled, e);
  qe_worker_barrier (worker);
  for (size_t first = 0; first < e->n; first += e->slice) {
    const size_t n = slice_at (e, first);
    float *x = e->x + first * h, *y = e->y + first * h;

    own_rows (worker, n, &from, &to);
    product (e, worker, block->out, y, e->narrow, n);
    for (size_t i = from; i < to; i++) {
      add (x + i * h, e->narrow + i * h, block->out_bias, h);
      layer_norm (e, x + i * h, y + i * h, block->ln2_weight, block->ln2_bias);
    }
    product (e, worker, block->up, y, e->wide, n);
    for (size_t i = from; i < to; i++)
      qe_kernels ()->gelu_bias (e->wide + i * m, block->up_bias, m);
    product (e, worker, block->down, e->wide, e->narrow, n);
    for (size_t i = from; i < to; i++)
      add (x + i * h, e->narrow + i * h, block->down_bias, h);
  }
}

static void
encode_region (QeWorker *worker, void *data)
{
  Encoder *e = data;
  uint32_t n_layers = e->vision->info.n_layers;

  for (size_t i = 0; i < e->n; i += e->slice)
    embed_slice (e, worker, i, slice_at (e, i));
  for (uint32_t i = 0; i < n_layers; i++) {
    if (!go_on (e, worker, i))
      return;
    encode_block (e, worker, &e->vision->blocks[i]);
  }
  if (e->trace) {
    /* Passes x to a test. */
    qe_worker_barrier (worker);
    if (worker->index == 0)
      e->trace->encoded (e->trace->data, e->x, e->n, e->vision->info.n_embd);
    qe_worker_barrier (worker);
  }
  if (!go_on (e, worker, n_layers))
    return;
  for (size_t i = 0; i < e->n; i += e->slice)
    merge_slice (e, worker, i, slice_at (e, i));
}

static QeStatus
encoder_init (Encoder *e, unsigned n_threads, QeError *err)
{
  const QeVisionInfo *info = &e->vision->info;
  size_t h = info->n_embd, d = h / info->n_heads;
  size_t table = max_size (e->plan.rows, e->plan.columns) * info->merge_size * (d / 4);
  QeStatus status;

  e->n = (size_t) e->plan.n_tokens * info->merge_size * info->merge_size;
  e->slice = slice_rows (info);
  e->scratch_size = qe_vision_attention_scratch (d);
  e->x = malloc (e->n * h * sizeof (float));
  e->y = malloc (e->n * h * sizeof (float));
  e->qkv = malloc (e->n * 3 * h * sizeof (float));
  e->wide = malloc (e->slice * wide_columns (info) * sizeof (float));
  e->narrow = malloc (e->slice * h * sizeof (float));
  e->scratch = malloc (n_threads * e->scratch_size * sizeof (float));
  e->cosines = malloc (table * sizeof (float));
  e->sines = malloc (table * sizeof (float));
  e->embeddings = malloc ((size_t) e->plan.n_tokens * info->n_embd_out * sizeof (float));
  if (!e->x || !e->y || !e->qkv || !e->wide || !e->narrow || !e->scratch || !e->cosines || !e->sines || !e->embeddings)
    return qe_fail (err, QE_ERROR_MEMORY, "There is not enough memory to look at a picture of %u × %u pixels.",
                    e->plan.width, e->plan.height);
  status = qe_pool_new (&e->pool, n_threads, err);
  if (status == QE_OK)
    status = qe_matmul_new (&e->matmul, n_threads, product_columns (info), e->slice, err);
  return status;
}

uint64_t
qe_vision_memory (const QeVisionInfo *info, uint64_t pixels, unsigned n_threads)
{
  uint64_t h = info->n_embd, n = pixels / ((uint64_t) info->patch_size * info->patch_size);
  uint64_t square = (uint64_t) info->merge_size * info->merge_size;
  uint64_t rows = slice_rows (info) * (wide_columns (info) + h);
  uint64_t copies = (info->n_positions + patch_numbers (info) * 2) * h;

  if (n_threads == 0)
    n_threads = qe_cpu_default_threads ();
  return info->file_bytes + pixels * 3 + qe_matmul_scratch_bytes (n_threads, product_columns (info), slice_rows (info))
         + sizeof (float)
               * (5 * n * h + n / square * info->n_embd_out + rows + copies
                  + n_threads * qe_vision_attention_scratch (h / info->n_heads));
}

static QeStatus
encoder_run (Encoder *e, uint64_t hash, QeImage **out, QeError *err)
{
  uint32_t width = e->vision->info.n_embd_out;
  float *embeddings = e->embeddings;
  QeStatus status = qe_gguf_check_unchanged (e->vision->gguf, err);

  if (status != QE_OK)
    return status;
  const QeVision *v = e->vision;
  size_t quarter = v->info.n_embd / v->info.n_heads / 4;
  size_t places = max_size (e->plan.rows, e->plan.columns) * v->info.merge_size;

  for (size_t c = 0; c < 3; c++)
    for (size_t i = 0; i < 256; i++)
      e->level[c][i] = ((float) i - v->mean[c] * 255) / (v->deviation[c] * 255);
  for (size_t j = 0; j < quarter; j++) {
    float frequency = powf (10000, -(float) j / (float) quarter);
    for (size_t i = 0; i < places; i++) {
      e->cosines[i * quarter + j] = cosf ((float) i * frequency);
      e->sines[i * quarter + j] = sinf ((float) i * frequency);
    }
  }
  qe_pool_run (e->pool, encode_region, e);
  if (e->stop)
    return qe_fail (err, QE_ERROR_CANCELLED, "Looking at the picture was cancelled.");
  status = qe_gguf_check_unchanged (e->vision->gguf, err);
  if (status != QE_OK)
    return status;
  for (size_t i = 0; i < (size_t) e->plan.n_tokens * width; i++)
    if (!isfinite (embeddings[i]))
      return qe_fail (err, QE_ERROR_NUMERIC,
                      "The vision file gives numbers that are not finite, so it is damaged."
                      " Download it again.");
  e->embeddings = NULL;
  return qe_image_new (out, &e->plan, width, embeddings, hash, err);
}

/* Hashes what the embeddings depend on: the pixels, the size they are resized to, and the weights. */
static uint64_t
content_hash (const QeVision *vision, const QeImagePlan *plan, const uint8_t *rgb, uint32_t width, uint32_t height,
              size_t stride)
{
  uint32_t sizes[4] = { width, height, plan->width, plan->height };
  uint64_t hash = qe_vision_hash (vision->fingerprint, sizes, sizeof sizes);

  for (uint32_t y = 0; y < height; y++)
    hash = qe_vision_hash (hash, rgb + y * stride, (size_t) width * 3);
  return hash;
}

QeStatus
qe_vision_encode_traced (const QeVision *vision, const uint8_t *rgb, uint32_t width, uint32_t height, size_t stride,
                         unsigned n_threads, const QeControl *control, const QeVisionTrace *trace_to, QeImage **out,
                         QeError *err)
{
  Encoder e = { .vision = vision, .control = control, .trace = trace_to };
  QeStatus status = qe_vision_plan (vision, width, height, &e.plan, err);
  uint8_t *pixels;

  if (status != QE_OK)
    return status;
  pixels = malloc ((size_t) e.plan.width * e.plan.height * 3);
  if (!pixels)
    return qe_fail (err, QE_ERROR_MEMORY, "There is not enough memory to resize a picture.");
  e.pixels = pixels;
  atomic_init (&e.cancelled, false);
  status = qe_resize_bicubic (rgb, width, height, stride, pixels, e.plan.width, e.plan.height, err);
  if (status == QE_OK && trace_to)
    trace_to->resized (trace_to->data, pixels, &e.plan);
  if (status == QE_OK)
    status = encoder_init (&e, n_threads ? n_threads : qe_cpu_default_threads (), err);
  if (status == QE_OK)
    status = encoder_run (&e, content_hash (vision, &e.plan, rgb, width, height, stride), out, err);
  free (e.x);
  free (e.y);
  free (e.qkv);
  free (e.wide);
  free (e.narrow);
  free (e.scratch);
  free (e.cosines);
  free (e.sines);
  free (e.embeddings);
  qe_matmul_free (e.matmul);
  qe_pool_free (e.pool);
  free (pixels);
  return status;
}

QeStatus
qe_vision_encode (QeVision *vision, const uint8_t *rgb, uint32_t width, uint32_t height, size_t stride,
                  unsigned n_threads, const QeControl *control, QeImage **out, QeError *err)
{
  return qe_vision_encode_traced (vision, rgb, width, height, stride, n_threads, control, NULL, out, err);
}
