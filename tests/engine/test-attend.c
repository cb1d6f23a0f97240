/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Attention of many queries with every instruction set that this processor has, against double precision. */
#include "qe-test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/qe-kernels.h"

#define GUARD 3 /* floats behind each row of results, which nobody is to write */

static const struct {
  const char *name;
  unsigned flags;
  bool rounded;
  double allowed; /* root mean square of errors over that of results */
} sets[] = {
  { "generic", 0, false, 1e-5 },
  { "avx2", QE_CPU_AVX2, false, 1e-5 },
  { "avx512", QE_CPU_AVX2 | QE_CPU_AVX512, false, 1e-5 },
  { "avx512-bf16", QE_CPU_AVX2 | QE_CPU_AVX512 | QE_CPU_AVX512_BF16, true, 0.01 },
  { "avx512-bf16 exact", QE_CPU_AVX2 | QE_CPU_AVX512 | QE_CPU_AVX512_BF16, false, 1e-5 },
};
#define N_SETS (sizeof sets / sizeof *sets)

typedef struct {
  size_t n_rows, n_heads, d, n_keys;
  QeKvType kv_type;
  bool causal;
} Shape;

static const Shape shapes[] = {
  { 24, 4, 256, 300, QE_KV_F16, true }, { 1, 1, 16, 1, QE_KV_F16, true },     { 7, 2, 48, 145, QE_KV_F32, true },
  { 5, 8, 64, 433, QE_KV_Q8_0, true },  { 96, 1, 64, 200, QE_KV_F32, false }, { 13, 1, 72, 149, QE_KV_F32, false },
  { 3, 40, 32, 3, QE_KV_F16, true },    { 11, 3, 80, 11, QE_KV_F16, true },   { 2, 1, 7, 9, QE_KV_F32, false },
};

typedef struct {
  Shape s;
  float *q, *k, *v, *o, *scratch; /* k, v: what is stored, as floats */
  uint8_t *stored_k, *stored_v;
  size_t stride;
} Case;

static QeType
stored_type (QeKvType kv_type)
{
  return kv_type == QE_KV_Q8_0 ? QE_TYPE_Q8_0 : kv_type == QE_KV_F32 ? QE_TYPE_F32 : QE_TYPE_F16;
}

static float *
random_floats (size_t n, float size, uint64_t *seed)
{
  float *x = malloc (n * sizeof *x);
  for (size_t i = 0; x && i < n; i++)
    x[i] = size * qe_test_random_float (seed);
  return x;
}

/* Stores rows [n][d]; x becomes what was stored. */
static uint8_t *
store_rows (const Shape *s, size_t stride, float *x)
{
  const QeType type = stored_type (s->kv_type);
  uint8_t *rows = malloc (s->n_keys * stride);
  for (size_t i = 0; rows && i < s->n_keys; i++) {
    if (type == QE_TYPE_F32)
      memcpy (rows + i * stride, x + i * s->d, s->d * sizeof *x);
    else {
      qe_quantise (type, x + i * s->d, rows + i * stride, s->d);
      qe_dequantise (type, rows + i * stride, x + i * s->d, s->d);
    }
  }
  return rows;
}

static size_t
result_size (const Shape *s)
{
  return s->n_heads * s->d + GUARD;
}

static bool
case_make (Case *c, const Shape *s)
{
  uint64_t seed = 3;
  *c = (Case) { .s = *s, .stride = qe_row_bytes (qe_type_traits (stored_type (s->kv_type)), s->d) };
  c->q = random_floats (s->n_rows * s->n_heads * s->d, 3, &seed);
  c->k = random_floats (s->n_keys * s->d, 2, &seed);
  c->v = random_floats (s->n_keys * s->d, 1, &seed);
  c->o = calloc (s->n_rows * result_size (s), sizeof *c->o);
  c->scratch = malloc (qe_attend_scratch (s->n_rows * s->n_heads, s->d) * sizeof *c->scratch);
  if (c->k && c->v) {
    c->stored_k = store_rows (s, c->stride, c->k);
    c->stored_v = store_rows (s, c->stride, c->v);
  }
  return QE_CHECK (c->q && c->o && c->scratch && c->stored_k && c->stored_v);
}

static void
case_clear (Case *c)
{
  free (c->q);
  free (c->k);
  free (c->v);
  free (c->o);
  free (c->scratch);
  free (c->stored_k);
  free (c->stored_v);
}

static void
case_run (const Case *c, const QeKernels *kernels, bool rounded)
{
  const Shape *s = &c->s;
  for (size_t i = 0; i < s->n_rows * result_size (s); i++)
    c->o[i] = 1234;
  memset (c->scratch, 0xff, qe_attend_scratch (s->n_rows * s->n_heads, s->d) * sizeof *c->scratch); /* NaN */
  (rounded ? kernels->attend_rounded : kernels->attend) (&(QeAttend) { .n_rows = s->n_rows,
                                                                       .n_heads = s->n_heads,
                                                                       .d = s->d,
                                                                       .q = c->q,
                                                                       .ld_q = s->n_heads * s->d,
                                                                       .ld_q_head = s->d,
                                                                       .o = c->o,
                                                                       .ld_o = result_size (s),
                                                                       .ld_o_head = s->d,
                                                                       .kv_type = s->kv_type,
                                                                       .k = c->stored_k,
                                                                       .v = c->stored_v,
                                                                       .kv_stride = c->stride,
                                                                       .n_keys = s->n_keys,
                                                                       .causal = s->causal,
                                                                       .factor = 0.125f,
                                                                       .scratch = c->scratch });
}

/* What a query makes of the keys it sees. */
static void
reference (const Case *c, size_t row, size_t head, double *out)
{
  const Shape *s = &c->s;
  const size_t seen = s->causal ? s->n_keys - s->n_rows + 1 + row : s->n_keys;
  const float *q = c->q + (row * s->n_heads + head) * s->d;
  double *weights = malloc (seen * sizeof *weights), largest = -INFINITY, sum = 0;
  for (size_t k = 0; k < seen; k++) {
    weights[k] = 0;
    for (size_t i = 0; i < s->d; i++)
      weights[k] += 0.125 * (double) q[i] * (double) c->k[k * s->d + i];
    largest = fmax (largest, weights[k]);
  }
  memset (out, 0, s->d * sizeof *out);
  for (size_t k = 0; k < seen; k++) {
    const double weight = exp (weights[k] - largest);
    sum += weight;
    for (size_t i = 0; i < s->d; i++)
      out[i] += weight * (double) c->v[k * s->d + i];
  }
  for (size_t i = 0; i < s->d; i++)
    out[i] /= sum;
  free (weights);
}

static void
check_case (const Case *c, const char *name, double allowed)
{
  const Shape *s = &c->s;
  double *want = malloc (s->d * sizeof *want), error = 0, size = 0;
  size_t touched = 0;
  for (size_t row = 0; row < s->n_rows; row++) {
    const float *got = c->o + row * result_size (s);
    for (size_t head = 0; head < s->n_heads; head++) {
      reference (c, row, head, want);
      for (size_t i = 0; i < s->d; i++) {
        const double difference = (double) got[head * s->d + i] - want[i];
        error += difference * difference;
        size += want[i] * want[i];
      }
    }
    for (size_t i = 0; i < GUARD; i++)
      touched += got[s->n_heads * s->d + i] != 1234;
  }
  qe_test_check (
      sqrt (error / size) <= allowed && touched == 0, __FILE__, __LINE__,
      "%s: %zu rows, %zu heads of %zu, %zu keys of format %d: error %g, %zu cells beyond the results written", name,
      s->n_rows, s->n_heads, s->d, s->n_keys, (int) s->kv_type, sqrt (error / size), touched);
  free (want);
}

QE_TEST (every_set_and_shape)
{
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
    Case c;
    if (case_make (&c, &shapes[i]))
      for (size_t n = 0; n < N_SETS; n++)
        if ((sets[n].flags & ~qe_cpu_flags ()) == 0) {
          QeKernels kernels;
          qe_kernels_init (&kernels, sets[n].flags);
          case_run (&c, &kernels, sets[n].rounded);
          check_case (&c, sets[n].name, sets[n].allowed);
        }
    case_clear (&c);
  }
}

/* A key or a value that is no number shows in every row that sees it, and in no result of a tile that does not reach it. */
QE_TEST (what_is_not_finite_is_not_hidden)
{
  const Shape shape = { 4, 2, 32, 150, QE_KV_F32, true };
  Case c;
  if (case_make (&c, &shape))
    for (size_t n = 0; n < N_SETS; n++)
      for (size_t part = 0; part < 2; part++)
        if ((sets[n].flags & ~qe_cpu_flags ()) == 0) {
          QeKernels kernels;
          float *at = (float *) (void *) (part ? c.stored_v : c.stored_k) + 140 * shape.d + 5, kept = *at;
          size_t hidden = 0;
          qe_kernels_init (&kernels, sets[n].flags);
          *at = NAN;
          case_run (&c, &kernels, sets[n].rounded);
          for (size_t i = 0; i < shape.n_rows * shape.n_heads; i++)
            hidden += isfinite (c.o[i / shape.n_heads * result_size (&shape) + i % shape.n_heads * shape.d + 5]) != 0;
          QE_CHECK (hidden == 0);
          *at = kept;
          c.s.n_keys = 140;
          case_run (&c, &kernels, sets[n].rounded);
          check_case (&c, sets[n].name, sets[n].allowed);
          c.s.n_keys = shape.n_keys;
        }
  case_clear (&c);
}
