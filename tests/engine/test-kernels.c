/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every instruction set that this processor has, against the generic kernels: every format, odd sizes. */
#include "qe-weights-test.h"

#include "cpu/qe-kernels.h"
#include "format/quant/qe-half.h"

static const struct {
  const char *name;
  unsigned flags;
} sets[] = {
  { "avx2", QE_CPU_AVX2 },
  { "avx-vnni", QE_CPU_AVX2 | QE_CPU_AVX_VNNI },
  { "avx512-vnni", QE_CPU_AVX2 | QE_CPU_AVX512 | QE_CPU_AVX512_VNNI },
  { "avx512-vbmi", QE_CPU_AVX2 | QE_CPU_AVX512 | QE_CPU_AVX512_VNNI | QE_CPU_AVX512_VBMI },
  { "neon", QE_CPU_NEON },
  { "neon-dotprod", QE_CPU_NEON | QE_CPU_DOTPROD },
  { "neon-i8mm", QE_CPU_NEON | QE_CPU_DOTPROD | QE_CPU_I8MM },
};
#define N_SETS (sizeof sets / sizeof *sets)

/* Calls check with every set of kernels that can run here; a set that is all generic still counts. */
static void
for_each_set (void (*check) (const QeKernels *k, const QeKernels *generic))
{
  QeKernels k, generic;
  qe_kernels_init (&generic, 0);
  check (&generic, &generic);
  for (size_t i = 0; i < N_SETS; i++)
    if ((sets[i].flags & ~qe_cpu_flags ()) == 0) {
      qe_kernels_init (&k, sets[i].flags);
      check (&k, &generic);
    }
}

static QeX8 *
quantised (const QeKernels *k, const float *x, size_t n_tokens, size_t columns)
{
  QeX8 *x8 = aligned_alloc (64, n_tokens * qe_x8_blocks (columns) * sizeof *x8);
  memset (x8, 0xff, n_tokens * qe_x8_blocks (columns) * sizeof *x8);
  for (size_t t = 0; t < n_tokens; t++)
    k->quantise_x8 (x + t * columns, columns, x8 + t, n_tokens);
  return x8;
}

static void
check_quantise (const QeKernels *k, const QeKernels *generic)
{
  static const size_t columns[] = { 32, 96, 256, 544, 2560 };
  for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
    float *x = test_activations (3, columns[i], 31 + i);
    QeX8 *a = quantised (k, x, 3, columns[i]), *b = quantised (generic, x, 3, columns[i]);
    size_t wrong = 0;
    for (size_t n = 0; n < 3 * qe_x8_blocks (columns[i]); n++) {
      wrong += memcmp (a[n].d, b[n].d, sizeof a[n].d) != 0;
      for (int c = 0; c < QE_X8; c++)
        wrong += abs (a[n].p[c] - b[n].p[c]) > 0;
      for (int g = 0; g < 16; g++)
        wrong += fabsf (a[n].s16[g] - b[n].s16[g]) > 1e-4f * (1 + fabsf (b[n].s16[g]));
      for (int g = 0; g < 8; g++)
        wrong += fabsf (a[n].s32[g] - b[n].s32[g]) > 1e-4f * (1 + fabsf (b[n].s32[g]));
    }
    qe_test_check (wrong == 0, __FILE__, __LINE__, "%s: %zu columns: %zu differences", k->name, columns[i], wrong);
    free (x);
    free (a);
    free (b);
  }
}

QE_TEST (quantised_activations)
{
  for_each_set (check_quantise);
}

/* The integer form of a format means the same weights as dequantising it. */
QE_TEST (unpacked_equals_dequantised)
{
  for (size_t i = 0; i < N_TEST_TYPES; i++) {
    const QeW8Format *format = qe_w8_format (test_types[i]);
    TestWeights w;
    QeW8 block;
    size_t n = qe_type_traits (test_types[i])->block_elements == 32 ? 96 : QE_X8;
    if (!format->unpack)
      continue;
    QE_REQUIRE (test_weights_make (&w, test_types[i], 1, n, 9));
    memset (&block, 0xff, sizeof block);
    format->unpack (w.raw, n, &block);
    size_t wrong = 0;
    for (size_t c = 0; c < QE_X8; c++) {
      int q = block.q[c];
      float value = block.a[c / 16] * (float) q - block.b[c / 16], want = c < n ? w.f32[c] : 0;
      float scale = fabsf (block.a[c / 16] * (float) q) + fabsf (block.b[c / 16]);
      wrong += fabsf (value - want) > 1e-6f * scale;
      wrong += format->is_signed ? 0 : q < 0 || q > format->max_q;
      wrong += format->group == 32 && block.a[c / 32 * 2] != block.a[c / 16];
    }
    qe_test_check (wrong == 0, __FILE__, __LINE__, "%s: %zu of %zu wrong", qe_type_traits (test_types[i])->name, wrong,
                   n);
    test_weights_clear (&w);
  }
}

typedef struct {
  TestWeights w;
  size_t n_tokens;
  float *x, *want, *got;
  QeX8 *x8;
} Case;

static bool
case_make (Case *c, QeType type, size_t rows, size_t columns, size_t n_tokens, const QeKernels *generic)
{
  *c = (Case) { .n_tokens = n_tokens, .x = test_activations (n_tokens, columns, 41) };
  c->want = calloc (n_tokens * rows, sizeof (float));
  c->got = calloc (n_tokens * rows, sizeof (float));
  c->x8 = quantised (generic, c->x, n_tokens, columns / 32 * 32);
  return QE_CHECK (test_weights_make (&c->w, type, rows, columns, 43));
}

static void
case_clear (Case *c)
{
  test_weights_clear (&c->w);
  free (c->x);
  free (c->want);
  free (c->got);
  free (c->x8);
}

static void
case_dot (const Case *c, const QeKernels *k, float *y)
{
  const size_t n_pairs = c->w.columns / (2 * QE_X8);
  QeX8Pair *pairs = aligned_alloc (64, (n_pairs * c->n_tokens + 1) * sizeof *pairs);
  for (size_t t = 0; k->pair_x8 && t < c->n_tokens; t++)
    k->pair_x8 (c->x8 + t, n_pairs, pairs + t, c->n_tokens);
  QeDotArgs args = { c->w.raw, c->w.row_bytes, c->w.rows, c->w.columns, c->n_tokens, c->x8,
                     pairs,    c->n_tokens,    c->x,      c->w.columns, y,           c->w.rows };
  k->dot[c->w.type](&args);
  free (pairs);
}

/* Through panels, 256 or 512 columns at a time, as the product does it. */
static void
case_tile (const Case *c, const QeKernels *k, float *y)
{
  const QeTiling *tiling = &k->tiling[c->w.type];
  size_t step = qe_row_bytes (qe_type_traits (c->w.type), QE_X8);
  uint8_t *panel = aligned_alloc (64, (2 * tiling->block_bytes + 63) / 64 * 64);
  for (size_t r = 0; r < c->w.rows; r += k->tile_rows)
    for (size_t b = 0; b < qe_x8_blocks (c->w.columns); b += 2) {
      size_t n_rows = c->w.rows - r < k->tile_rows ? c->w.rows - r : k->tile_rows;
      size_t columns = c->w.columns - b * QE_X8 < 2 * QE_X8 ? c->w.columns - b * QE_X8 : 2 * QE_X8;
      tiling->pack (c->w.raw + r * c->w.row_bytes + b * step, c->w.row_bytes, n_rows, columns, panel);
      QeTileArgs args = {
        panel, qe_x8_blocks (columns), n_rows, c->n_tokens, c->x8 + b * c->n_tokens, c->n_tokens, y + r, c->w.rows,
        b > 0
      };
      tiling->tile (&args);
    }
  free (panel);
}

static void
check_case (const QeKernels *k, const QeKernels *generic, QeType type, size_t rows, size_t columns, size_t n_tokens)
{
  Case c;
  if (case_make (&c, type, rows, columns, n_tokens, generic)) {
    case_dot (&c, generic, c.want);
    case_dot (&c, k, c.got);
    double error = test_relative_error (c.got, c.want, rows * n_tokens), tile_error = 0;
    if (k->tiling[type].pack) {
      memset (c.got, 0xff, rows * n_tokens * sizeof *c.got);
      case_tile (&c, k, c.got);
      tile_error = test_relative_error (c.got, c.want, rows * n_tokens);
    }
    qe_test_check (error < 2e-5 && tile_error < 2e-5, __FILE__, __LINE__,
                   "%s, %s, %zu rows, %zu columns, %zu tokens: error %g, tiles %g", k->name,
                   qe_type_traits (type)->name, rows, columns, n_tokens, error, tile_error);
  }
  case_clear (&c);
}

static void
check_products (const QeKernels *k, const QeKernels *generic)
{
  for (size_t i = 0; i < N_TEST_TYPES; i++) {
    QeType type = test_types[i];
    size_t block = qe_type_traits (type)->block_elements;
    check_case (k, generic, type, 1, block == 1 ? 32 : block, 1);
    check_case (k, generic, type, 3, 768, 1);
    check_case (k, generic, type, 16, 512, 12);
    check_case (k, generic, type, 7, block == 1 ? 37 : block * 9, 2);
    check_case (k, generic, type, 2, block == 1 ? 515 : block * 3, 3);
    check_case (k, generic, type, 21, block == 1 ? 96 : block * 17, 31);
    check_case (k, generic, type, 5, 256, 7);
  }
}

/* What a token gives does not depend on those beside it. */
static void
check_apart (const QeKernels *k, const QeKernels *generic)
{
  for (size_t i = 0; i < N_TEST_TYPES; i++)
    for (size_t n = 2; n <= QE_TOKENS_APART; n++) {
      const QeType type = test_types[i];
      const size_t rows = 11, columns = n % 2 ? 4352 : 768;
      Case c;
      if (case_make (&c, type, rows, columns, n, generic)) {
        case_dot (&c, k, c.want);
        for (size_t t = 0; t < n; t++) {
          Case one = c;
          one.n_tokens = 1;
          one.x = c.x + t * columns;
          one.x8 = quantised (generic, one.x, 1, columns);
          case_dot (&one, k, c.got + t * rows);
          free (one.x8);
        }
        qe_test_check (memcmp (c.got, c.want, n * rows * sizeof *c.got) == 0, __FILE__, __LINE__,
                       "%s, %s: %zu tokens together are not what each is alone", k->name, qe_type_traits (type)->name,
                       n);
      }
      case_clear (&c);
    }
}

QE_TEST (tokens_stay_apart)
{
  for_each_set (check_apart);
}

QE_TEST (products)
{
  for_each_set (check_products);
}

/* Random bytes for blocks whose scales are set to something finite: extremes of every field. */
static void
check_extremes (const QeKernels *k, const QeKernels *generic)
{
  static const QeType types[] = { QE_TYPE_Q8_0, QE_TYPE_Q6_K, QE_TYPE_Q5_K, QE_TYPE_Q4_K, QE_TYPE_IQ3_XXS };
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    for (int fill = 0; fill < 3; fill++) {
      Case c;
      if (case_make (&c, types[i], 16, 512, 12, generic)) {
        size_t bytes = qe_type_traits (types[i])->block_bytes;
        for (size_t n = 0; n < c.w.rows * c.w.row_bytes; n++)
          c.w.raw[n] = (uint8_t[]) { 0x80, 0xff, 0x7f }[fill];
        for (size_t n = 0; n < c.w.rows * c.w.row_bytes; n += bytes) {
          uint16_t d = 0x2c00, *at = (uint16_t *) (void *) (c.w.raw + n);
          memcpy (types[i] == QE_TYPE_Q6_K ? c.w.raw + n + 208 : (uint8_t *) at, &d, 2);
          if (types[i] == QE_TYPE_Q4_K || types[i] == QE_TYPE_Q5_K)
            memcpy (c.w.raw + n + 2, &d, 2);
        }
        for (size_t n = 0; n < c.n_tokens * 512; n++)
          c.x[n] = n / 512 % 2 ? 1 : -1; /* all activations 127 or -127 */
        free (c.x8);
        c.x8 = quantised (generic, c.x, c.n_tokens, 512);
        case_dot (&c, generic, c.want);
        case_dot (&c, k, c.got);
        double error = test_relative_error (c.got, c.want, 16 * c.n_tokens), tile_error = 0;
        if (k->tiling[types[i]].pack) {
          case_tile (&c, k, c.got);
          tile_error = test_relative_error (c.got, c.want, 16 * c.n_tokens);
        }
        qe_test_check (error < 1e-5 && tile_error < 1e-5, __FILE__, __LINE__, "%s, %s, fill %d: error %g, tiles %g",
                       k->name, qe_type_traits (types[i])->name, fill, error, tile_error);
      }
      case_clear (&c);
    }
}

QE_TEST (extremes_do_not_saturate)
{
  for_each_set (check_extremes);
}

/* What is not finite, in an activation or in a scale of a weight, must not come out as a number. */
static const uint16_t wild_halves[] = { 0x7e00, 0xfe01, 0x7c00, 0xfc00 };
static const float wild_floats[] = { NAN, -NAN, INFINITY, -INFINITY };

/* Puts a scale (a number, of formats without one) of row `row` out of order; false for a format that has none as a half. */
static bool
put_wild_scale (TestWeights *w, size_t row, size_t block, size_t kind)
{
  uint8_t *at = w->raw + row * w->row_bytes + block * qe_type_traits (w->type)->block_bytes;
  switch ((int) w->type) {
  case QE_TYPE_MXFP4: /* an exponent of 8 bits: all are numbers */
  case QE_TYPE_NVFP4: /* four scales of 8 bits: what could be NaN is taken for 0 */ return false;
  case QE_TYPE_IQ1_M: /* four bits of it in each of four words */
    for (int i = 0; i < 4; i++)
      at[49 + 2 * i] = (uint8_t) ((at[49 + 2 * i] & 15) | (wild_halves[kind] >> 4 * i & 15) << 4);
    return true;
  case QE_TYPE_F32: memcpy (at, &wild_floats[kind], 4); return true;
  case QE_TYPE_BF16: memcpy (at, (const uint8_t *) &wild_floats[kind] + 2, 2); return true;
  case QE_TYPE_Q2_K: at += 80; break;
  case QE_TYPE_Q3_K: at += 108; break;
  case QE_TYPE_Q6_K: at += 208; break;
  case QE_TYPE_TQ1_0: at += 52; break;
  case QE_TYPE_TQ2_0: at += 64; break;
  }
  memcpy (at, &wild_halves[kind], 2);
  return true;
}

/* y [n_tokens][rows]: rows and tokens that are to be finite or not. SIZE_MAX: of all. */
static void
check_wild (const QeKernels *k, const Case *c, const char *what, size_t kind, size_t row, size_t token)
{
  size_t hidden = 0, spoiled = 0;
  for (size_t t = 0; t < c->n_tokens; t++)
    for (size_t r = 0; r < c->w.rows; r++) {
      const bool wild = (row == SIZE_MAX || r == row) && (token == SIZE_MAX || t == token);
      hidden += wild && isfinite (c->got[t * c->w.rows + r]);
      spoiled += !wild && !isfinite (c->got[t * c->w.rows + r]);
    }
  qe_test_check (hidden == 0 && spoiled == 0, __FILE__, __LINE__,
                 "%s, %s, %g in %s: %zu results hide it, %zu others are no numbers", k->name,
                 qe_type_traits (c->w.type)->name, wild_floats[kind], what, hidden, spoiled);
}

static void
check_wild_ways (const QeKernels *k, Case *c, size_t kind, size_t row, size_t token)
{
  case_dot (c, k, c->got);
  check_wild (k, c, row == SIZE_MAX ? "an activation" : "a scale", kind, row, token);
  if (k->tiling[c->w.type].pack) {
    case_tile (c, k, c->got);
    check_wild (k, c, row == SIZE_MAX ? "an activation, tiles" : "a scale, tiles", kind, row, token);
  }
}

static void
check_wild_numbers (const QeKernels *k, const QeKernels *generic)
{
  for (size_t i = 0; i < N_TEST_TYPES; i++)
    for (size_t kind = 0; kind < 4; kind++)
      for (size_t n = 1; n <= 12; n += 11) {
        const size_t columns = 1024, token = n / 2, at = kind * 256 + 77;
        Case c;
        if (case_make (&c, test_types[i], 16, columns, n, generic)) {
          const float kept = c.x[token * columns + at];
          c.x[token * columns + at] = wild_floats[kind];
          free (c.x8);
          c.x8 = quantised (k, c.x, n, columns);
          check_wild_ways (k, &c, kind, SIZE_MAX, token);
          c.x[token * columns + at] = kept;
          free (c.x8);
          c.x8 = quantised (k, c.x, n, columns);
          if (put_wild_scale (&c.w, 5, kind, kind))
            check_wild_ways (k, &c, kind, 5, SIZE_MAX);
        }
        case_clear (&c);
      }
}

QE_TEST (what_is_not_finite_is_not_hidden)
{
  for_each_set (check_wild_numbers);
}

static void
check_halves (const QeKernels *k, const QeKernels *generic)
{
  uint16_t h[67];
  float got[67], want[67];
  uint64_t seed = 5;
  for (int i = 0; i < 67; i++)
    h[i] = qe_f32_to_f16 (qe_test_random_float (&seed));
  for (size_t n = 0; n <= 67; n++) {
    memset (got, 0, sizeof got);
    memset (want, 0, sizeof want);
    k->dequantise_f16 (h, got, n);
    generic->dequantise_f16 (h, want, n);
    QE_CHECK (memcmp (got, want, sizeof got) == 0);
    QE_CHECK_FLOAT (k->dot_f32 (want, want, n), generic->dot_f32 (want, want, n), 1e-5);
  }
}

QE_TEST (halves)
{
  for_each_set (check_halves);
}

/* ---- sketches ---- */

static int
sketch_code (const QeSketchBlock *b, size_t c)
{
  const uint8_t *at = b->parts[0] + c % 64;
  switch (c / 64) {
  case 0: return at[0] & 7;
  case 1: return at[0] >> 3 & 7;
  case 2: return at[0] >> 6 | (at[128] >> 6 & 1) << 2;
  case 3: return at[64] & 7;
  case 4: return at[64] >> 3 & 7;
  case 5: return at[64] >> 6 | at[128] >> 7 << 2;
  case 6: return at[128] & 7;
  default: return at[128] >> 3 & 7;
  }
}

static void
check_sketch (const QeKernels *k, const QeKernels *generic)
{
  enum { ROWS = 5, TOKENS = 3, BLOCKS = 7 };
  static QeSketchBlock blocks[ROWS * BLOCKS];
  static _Alignas (64) int8_t p[TOKENS * BLOCKS * QE_SKETCH_COLUMNS];
  const float scales[ROWS] = { 0.5f, 1, 2, 0, 3 };
  uint64_t seed = 77;
  (void) generic;
  for (size_t n_blocks = 1; n_blocks <= BLOCKS; n_blocks++) {
    const size_t columns = n_blocks * QE_SKETCH_COLUMNS;
    QeSketchInput input[TOKENS] = { { .d = 1 }, { .d = 0.25f, .base = 10 }, { .d = 2, .base = -3 } };
    float y[TOKENS * (ROWS + 1)];
    for (size_t i = 0; i < sizeof blocks; i++)
      ((uint8_t *) blocks)[i] = n_blocks == BLOCKS ? 0xff : (uint8_t) (qe_test_random (&seed) >> 20);
    for (size_t i = 0; i < TOKENS * columns; i++) {
      p[i] = n_blocks == BLOCKS ? 127 : (int8_t) ((int) (qe_test_random (&seed) >> 20 & 255) - 128);
      p[i] = p[i] == -128 ? -127 : p[i];
      input[i / columns].sum += p[i];
    }
    k->sketch (&(QeSketchArgs) { blocks, scales, ROWS, n_blocks, TOKENS, p, input, y, ROWS + 1 });
    for (size_t t = 0; t < TOKENS; t++)
      for (size_t r = 0; r < ROWS; r++) {
        int want = 0;
        for (size_t c = 0; c < columns; c++)
          want += (2 * sketch_code (blocks + r * n_blocks + c / QE_SKETCH_COLUMNS, c % QE_SKETCH_COLUMNS) - 7)
                  * p[t * columns + c];
        const double exact = input[t].base + (double) scales[r] * input[t].d * want;
        qe_test_check (fabs (y[t * (ROWS + 1) + r] - exact) <= 1e-6 * (1 + fabs (exact)), __FILE__, __LINE__,
                       "%s: %zu blocks, row %zu, token %zu: %g, not %g", k->name, n_blocks, r, t,
                       (double) y[t * (ROWS + 1) + r], exact);
      }
  }
}

QE_TEST (sketches)
{
  for_each_set (check_sketch);
}

/* Against long double: of a vocabulary, of lengths that no vector divides, of logits far below the largest. */
static void
check_compare_rows (const QeKernels *k, const QeKernels *generic)
{
  static const size_t lengths[] = { 1, 2, 7, 15, 33, 4099 };
  (void) generic;
  for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
    const size_t n = lengths[l];
    float *p = test_activations (1, n, 5 + l), *q = test_activations (1, n, 50 + l);
    long double exact[3] = { 0 };
    double sums[3];
    for (size_t i = 0; i < n; i++) {
      p[i] = i % 13 == 5 ? -1e30f : 10 * p[i];
      q[i] = i % 17 == 3 ? -800 : 10 * q[i];
    }
    const float max_p = k->max (p, n), max_q = k->max (q, n);
    for (size_t i = 0; i < n; i++) {
      const long double a = (long double) p[i] - max_p, b = (long double) q[i] - max_q;
      exact[0] += expl (a);
      exact[1] += expl (b);
      exact[2] += expl (a) * (a - b);
    }
    k->compare_rows (p, q, n, max_p, max_q, sums);
    for (int j = 0; j < 3; j++)
      qe_test_check (fabsl (sums[j] - exact[j]) <= 1e-11L * (1 + fabsl (exact[j])), __FILE__, __LINE__,
                     "%s: sum %d of %zu is %.15g, not %.15Lg", k->name, j, n, sums[j], exact[j]);
    k->compare_rows (p, p, n, max_p, max_p, sums);
    qe_test_check (sums[0] == sums[1] && fabs (sums[2]) < 1e-290, __FILE__, __LINE__,
                   "%s: equal rows of %zu differ: %.17g, %.17g, %g", k->name, n, sums[0], sums[1], sums[2]);
    free (p);
    free (q);
  }
}

QE_TEST (compared_rows)
{
  for_each_set (check_compare_rows);
}

QE_TEST (names)
{
  QeKernels k;
  qe_kernels_init (&k, 0);
  QE_CHECK_STR (k.name, "generic");
  qe_kernels_init (&k, qe_cpu_flags ());
  qe_test_note ("this processor: %s", k.name);
  const char *wish = getenv ("QE_KERNELS");
  bool lowered = wish && !strcmp (wish, "generic");
  for (size_t i = 0; wish && i < N_SETS; i++)
    lowered |= !strcmp (wish, sets[i].name);
  if (!lowered) /* also when QE_KERNELS names a set that nobody knows */
    QE_CHECK_STR (qe_cpu_kernels (), k.name);
}
