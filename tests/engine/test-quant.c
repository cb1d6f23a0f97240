/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Block formats: every dequantiser against ggml's own results, bit for bit. */
#include "qe-test.h"

#include "format/quant/qe-half.h"
#include "format/quant/qe-quant.h"

#define N 4096 /* elements of each golden */

#define ITS_TYPE(name, NAME, ...) QE_TYPE_##NAME,
static const QeType all_types[] = { QE_TYPE_F16, QE_TYPE_BF16, QE_FORMATS (ITS_TYPE) };
#define N_TYPES (sizeof all_types / sizeof *all_types)

/* Values that differ in any bit, 0 and -0 apart from each other. */
static size_t
count_different (const float *a, const float *b, size_t n)
{
  size_t different = 0;
  for (size_t i = 0; i < n; i++)
    different += memcmp (a + i, b + i, sizeof *a) != 0 && !(a[i] == 0 && b[i] == 0);
  return different;
}

static void
check_golden (QeType type)
{
  const QeTypeTraits *traits = qe_type_traits (type);
  char name[64];
  size_t n_raw = 0, n_want = 0;
  float *got = malloc (N * sizeof *got);

  snprintf (name, sizeof name, "goldens/quant/%s.bin", traits->name);
  uint8_t *raw = qe_test_read (qe_test_data (name), &n_raw);
  snprintf (name, sizeof name, "goldens/quant/%s.f32", traits->name);
  float *want = qe_test_read (qe_test_data (name), &n_want);
  if (raw && want && got && QE_CHECK (n_want == N * sizeof *want) && QE_CHECK (n_raw == qe_row_bytes (traits, N))) {
    qe_dequantise (type, raw, got, N);
    size_t different = count_different (got, want, N);
    qe_test_check (different == 0, __FILE__, __LINE__, "%s: %zu values differ", traits->name, different);
    qe_test_note ("%s: %zu of %d equal", traits->name, N - different, N);
  }
  free (raw);
  free (want);
  free (got);
}

QE_TEST (dequantise_equals_goldens)
{
  for (size_t i = 0; i < N_TYPES; i++)
    check_golden (all_types[i]);
}

/* A part of a row gives the same as the row. */
QE_TEST (blocks_are_independent)
{
  for (size_t i = 0; i < N_TYPES; i++) {
    const QeTypeTraits *t = qe_type_traits (all_types[i]);
    uint8_t raw[3 * 1024];
    float all[3 * 256], one[256];
    uint64_t seed = 7 + i;
    for (size_t k = 0; k < sizeof raw; k++)
      raw[k] = (uint8_t) qe_test_random (&seed);
    qe_dequantise (all_types[i], raw, all, 3 * (size_t) t->block_elements);
    qe_dequantise (all_types[i], raw + t->block_bytes, one, t->block_elements);
    QE_CHECK (memcmp (one, all + t->block_elements, t->block_elements * sizeof *one) == 0);
  }
}

QE_TEST (halves_round_trip)
{
  unsigned wrong = 0;
  for (uint32_t h = 0; h < 0x10000; h++) {
    bool nan16 = (h & 0x7fff) > 0x7c00, nanb16 = (h & 0x7fff) > 0x7f80;
    wrong += !nan16 && qe_f32_to_f16 (qe_f16_to_f32 ((uint16_t) h)) != h;
    wrong += nan16 && !isnan (qe_f16_to_f32 ((uint16_t) h));
    wrong += !nanb16 && qe_f32_to_bf16 (qe_bf16_to_f32 ((uint16_t) h)) != h;
    wrong += nanb16 && !isnan (qe_bf16_to_f32 ((uint16_t) h));
  }
  QE_CHECK_INT (wrong, ==, 0);
}

QE_TEST (halves_round_to_nearest_even)
{
  QE_CHECK_INT (qe_f32_to_f16 (1 + 0x1p-11f), ==, 0x3c00);
  QE_CHECK_INT (qe_f32_to_f16 (1 + 0x3p-11f), ==, 0x3c02);
  QE_CHECK_INT (qe_f32_to_f16 (1 + 0x1p-11f + 0x1p-20f), ==, 0x3c01);
  QE_CHECK_INT (qe_f32_to_f16 (65519.996f), ==, 0x7bff);
  QE_CHECK_INT (qe_f32_to_f16 (65520), ==, 0x7c00);
  QE_CHECK_INT (qe_f32_to_f16 (0x1p-25f), ==, 0);
  QE_CHECK_INT (qe_f32_to_f16 (-0x3p-25f), ==, 0x8002);
  QE_CHECK_INT (qe_f32_to_f16 (0x1.ffbp-15f), ==, 0x03ff);
  QE_CHECK_INT (qe_f32_to_f16 (0x1.ffcp-15f), ==, 0x0400);
  QE_CHECK_INT (qe_f32_to_bf16 (1 + 0x1p-8f), ==, 0x3f80);
  QE_CHECK_INT (qe_f32_to_bf16 (1 + 0x3p-8f), ==, 0x3f82);
}

QE_TEST (quantise_and_back)
{
  float x[256], back[256];
  uint8_t raw[1024];
  uint64_t seed = 3;
  static const struct {
    QeType type;
    float tolerance;
  } cases[] = {
    { QE_TYPE_F16, 0x1p-12f },
    { QE_TYPE_BF16, 0x1p-9f },
    { QE_TYPE_Q8_0, 0.0041f },
  };
  for (int i = 0; i < 256; i++)
    x[i] = i / 32 == 3 ? 0 : qe_test_random_float (&seed);
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    qe_quantise (cases[k].type, x, raw, 256);
    qe_dequantise (cases[k].type, raw, back, 256);
    QE_CHECK_CLOSE (back, x, 256, cases[k].tolerance);
  }
}

/* What a file may name and we do not run has a name and no size; what nobody knows has neither. */
QE_TEST (types_without_kernels)
{
  static const struct {
    uint32_t type;
    const char *name;
  } known[] = {
    { 4, "Q4_2" }, { 9, "Q8_1" }, { 15, "Q8_K" }, { 24, "I8" }, { 28, "F64" },
  };
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    QE_CHECK_STR (qe_type_traits (known[i].type)->name, known[i].name);
    QE_CHECK_INT (qe_type_traits (known[i].type)->block_bytes, ==, 0);
  }
  QE_CHECK (qe_type_traits (43)->name == NULL);
  QE_CHECK (qe_type_traits (UINT32_MAX)->name == NULL);
  QE_CHECK_INT (qe_type_traits (43)->block_bytes, ==, 0);
  QE_CHECK_INT (qe_type_traits (QE_TYPE_Q4_K)->block_bytes, ==, 144);
  QE_CHECK_INT (qe_row_bytes (qe_type_traits (QE_TYPE_Q6_K), 512), ==, 420);
}
