/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Every quantised format brought into the one form that the integer kernels multiply: see qe-kernels.h. The reference
 * for all vector versions, and what they use for the rare formats. */

#include "cpu/qe-kernels.h"
#include "format/quant/qe-quant-internal.h"

/* Scale and minimum of `n` groups of 16 from g on. */
static inline void
set_groups (QeW8 *out, int g, int n, float a, float b)
{
  for (int i = g; i < g + n; i++) {
    out->a[i] = a;
    out->b[i] = b;
  }
}

static inline void
clear_from (QeW8 *out, size_t n)
{
  memset (out->q + n, 0, QE_X8 - n);
  for (size_t g = n / 16; g < 16; g++)
    out->a[g] = out->b[g] = 0;
}

/* 16 bytes of nibbles to 32 values. */
static inline void
nibbles (const uint8_t *qs, int8_t *q)
{
  for (int j = 0; j < 16; j++) {
    q[j] = qs[j] & 15;
    q[j + 16] = (int8_t) (qs[j] >> 4);
  }
}

static inline void
nibbles_by_table (const uint8_t *qs, const int8_t table[16], int8_t plus, int8_t *q)
{
  for (int j = 0; j < 16; j++) {
    q[j] = (int8_t) (table[qs[j] & 15] + plus);
    q[j + 16] = (int8_t) (table[qs[j] >> 4] + plus);
  }
}

static inline void
add_fifth_bits (const uint8_t qh[4], int8_t *q)
{
  for (int j = 0; j < 32; j++)
    q[j] |= (int8_t) ((qh[j / 8] >> (j % 8) & 1) << 4);
}

static void
unpack_q4_0 (const void *src, size_t n, QeW8 *out)
{
  const QeBlockQ4_0 *b = src;
  for (size_t i = 0; i < n / 32; i++) {
    float d = qe_f16_to_f32 (b[i].d);
    nibbles (b[i].qs, out->q + 32 * i);
    set_groups (out, (int) (2 * i), 2, d, 8 * d);
  }
  clear_from (out, n);
}

static void
unpack_q4_1 (const void *src, size_t n, QeW8 *out)
{
  const QeBlockQ4_1 *b = src;
  for (size_t i = 0; i < n / 32; i++) {
    nibbles (b[i].qs, out->q + 32 * i);
    set_groups (out, (int) (2 * i), 2, qe_f16_to_f32 (b[i].d), -qe_f16_to_f32 (b[i].m));
  }
  clear_from (out, n);
}

static void
unpack_q5_0 (const void *src, size_t n, QeW8 *out)
{
  const QeBlockQ5_0 *b = src;
  for (size_t i = 0; i < n / 32; i++) {
    float d = qe_f16_to_f32 (b[i].d);
    nibbles (b[i].qs, out->q + 32 * i);
    add_fifth_bits (b[i].qh, out->q + 32 * i);
    set_groups (out, (int) (2 * i), 2, d, 16 * d);
  }
  clear_from (out, n);
}

static void
unpack_q5_1 (const void *src, size_t n, QeW8 *out)
{
  const QeBlockQ5_1 *b = src;
  for (size_t i = 0; i < n / 32; i++) {
    nibbles (b[i].qs, out->q + 32 * i);
    add_fifth_bits (b[i].qh, out->q + 32 * i);
    set_groups (out, (int) (2 * i), 2, qe_f16_to_f32 (b[i].d), -qe_f16_to_f32 (b[i].m));
  }
  clear_from (out, n);
}

static void
unpack_q8_0 (const void *src, size_t n, QeW8 *out)
{
  const QeBlockQ8_0 *b = src;
  for (size_t i = 0; i < n / 32; i++) {
    memcpy (out->q + 32 * i, b[i].qs, 32);
    set_groups (out, (int) (2 * i), 2, qe_f16_to_f32 (b[i].d), 0);
  }
  clear_from (out, n);
}

static void
unpack_iq4_nl (const void *src, size_t n, QeW8 *out)
{
  const QeBlockIQ4_NL *b = src;
  for (size_t i = 0; i < n / 32; i++) {
    nibbles_by_table (b[i].qs, qe_iq4_values, 0, out->q + 32 * i);
    set_groups (out, (int) (2 * i), 2, qe_f16_to_f32 (b[i].d), 0);
  }
  clear_from (out, n);
}

static void
unpack_mxfp4 (const void *src, size_t n, QeW8 *out)
{
  const QeBlockMXFP4 *b = src;
  for (size_t i = 0; i < n / 32; i++) {
    float d = qe_e8m0_scale (b[i].e);
    nibbles_by_table (b[i].qs, qe_e2m1_values, 12, out->q + 32 * i);
    set_groups (out, (int) (2 * i), 2, d, 12 * d);
  }
  clear_from (out, n);
}

static void
unpack_q2_k (const void *src, size_t n, QeW8 *out)
{
  const QeBlockQ2_K *b = src;
  float d = qe_f16_to_f32 (b->d), dmin = qe_f16_to_f32 (b->dmin);
  for (int i = 0; i < 16; i++) {
    const uint8_t *qs = b->qs + 32 * (i / 8) + 16 * (i % 2);
    for (int l = 0; l < 16; l++)
      out->q[16 * i + l] = qs[l] >> (i % 8 / 2 * 2) & 3;
    set_groups (out, i, 1, d * (float) (b->scales[i] & 15), dmin * (float) (b->scales[i] >> 4));
  }
}

static void
unpack_q3_k (const void *src, size_t n, QeW8 *out)
{
  const QeBlockQ3_K *b = src;
  float d = qe_f16_to_f32 (b->d);
  for (int i = 0; i < 16; i++) {
    const uint8_t *qs = b->qs + 32 * (i / 8) + 16 * (i % 2), *h = b->hmask + 16 * (i % 2);
    for (int l = 0; l < 16; l++)
      out->q[16 * i + l] = (int8_t) ((qs[l] >> (i % 8 / 2 * 2) & 3) | (h[l] >> (i / 2) & 1) << 2);
    float a = d * (float) qe_q3_k_scale (b->scales, i);
    set_groups (out, i, 1, a, 4 * a);
  }
}

static void
unpack_q4_k (const void *src, size_t n, QeW8 *out)
{
  const QeBlockQ4_K *b = src;
  float d = qe_f16_to_f32 (b->d), dmin = qe_f16_to_f32 (b->dmin);
  for (int s = 0; s < 8; s++) {
    uint8_t sc, mn;
    qe_k4_scale (b->scales, s, &sc, &mn);
    for (int l = 0; l < 32; l++)
      out->q[32 * s + l] = b->qs[32 * (s / 2) + l] >> (4 * (s & 1)) & 15;
    set_groups (out, 2 * s, 2, d * (float) sc, dmin * (float) mn);
  }
}

static void
unpack_q5_k (const void *src, size_t n, QeW8 *out)
{
  const QeBlockQ5_K *b = src;
  float d = qe_f16_to_f32 (b->d), dmin = qe_f16_to_f32 (b->dmin);
  for (int s = 0; s < 8; s++) {
    uint8_t sc, mn;
    qe_k4_scale (b->scales, s, &sc, &mn);
    for (int l = 0; l < 32; l++)
      out->q[32 * s + l] = (int8_t) ((b->qs[32 * (s / 2) + l] >> (4 * (s & 1)) & 15) | (b->qh[l] >> s & 1) << 4);
    set_groups (out, 2 * s, 2, d * (float) sc, dmin * (float) mn);
  }
}

static void
unpack_q6_k (const void *src, size_t n, QeW8 *out)
{
  const QeBlockQ6_K *b = src;
  float d = qe_f16_to_f32 (b->d);
  for (int i = 0; i < 16; i++) {
    int m = i % 8 / 2, l0 = 16 * (i % 2);
    const uint8_t *ql = b->ql + 64 * (i / 8) + 32 * (m & 1) + l0, *qh = b->qh + 32 * (i / 8) + l0;
    for (int l = 0; l < 16; l++)
      out->q[16 * i + l] = (int8_t) ((ql[l] >> (4 * (m / 2)) & 15) | (qh[l] >> (2 * m) & 3) << 4);
    float a = d * (float) b->scales[i];
    set_groups (out, i, 1, a, 32 * a);
  }
}

static void
unpack_iq4_xs (const void *src, size_t n, QeW8 *out)
{
  const QeBlockIQ4_XS *b = src;
  float d = qe_f16_to_f32 (b->d);
  for (int s = 0; s < 8; s++) {
    nibbles_by_table (b->qs + 16 * s, qe_iq4_values, 0, out->q + 32 * s);
    set_groups (out, 2 * s, 2, d * (float) qe_iq4_xs_scale (b, s), 0);
  }
}

#define BYTES(value) ((value) * UINT64_C (0x0101010101010101)) /* the same in each byte of a word */

/* Eight values of a grid entry, sign bit j for value j, lifted by `plus` so that none is negative. All bytes at once: as
 * plus is above every value, no byte borrows from the next. */
static inline void
expand_signed (uint64_t entry, uint8_t signs, uint64_t plus, int8_t *q)
{
  uint64_t bits = BYTES (signs) & UINT64_C (0x8040201008040201);
  uint64_t minus = ((bits + BYTES (0x7f)) >> 7 & BYTES (1)) * 0xff;
  uint64_t lifted = BYTES (plus) + (entry & ~minus) - (entry & minus);
  memcpy (q, &lifted, 8);
}

static void
unpack_iq2_xxs (const void *src, size_t n, QeW8 *out)
{
  const QeBlockIQ2_XXS *b = src;
  for (int s = 0; s < 8; s++) {
    uint32_t index, word;
    memcpy (&index, b->qs + 4 * s, 4);
    memcpy (&word, b->qs + 4 * s + 2, 4);
    float a = qe_f16_to_f32 (b->d) * (0.5f + (float) (word >> 28)) * 0.25f;
    for (int l = 0; l < 4; l++)
      expand_signed (qe_iq2xxs_grid[index >> (8 * l) & 255], qe_iq_signs (word >> (7 * l) & 127), 64,
                     out->q + 32 * s + 8 * l);
    set_groups (out, 2 * s, 2, a, 64 * a);
  }
}

/* The 16 scales of IQ2_XS and IQ2_S. */
static void
iq2_scales (float d, const uint8_t scales[8], QeW8 *out)
{
  for (int i = 0; i < 16; i++) {
    float a = d * (0.5f + (float) (scales[i / 2] >> (4 * (i & 1)) & 15)) * 0.25f;
    set_groups (out, i, 1, a, 64 * a);
  }
}

static void
unpack_iq2_xs (const void *src, size_t n, QeW8 *out)
{
  const QeBlockIQ2_XS *b = src;
  for (int i = 0; i < 32; i++)
    expand_signed (qe_iq2xs_grid[b->qs[i] & 511], qe_iq_signs (b->qs[i] >> 9), 64, out->q + 8 * i);
  iq2_scales (qe_f16_to_f32 (b->d), b->scales, out);
}

static void
unpack_iq2_s (const void *src, size_t n, QeW8 *out)
{
  const QeBlockIQ2_S *b = src;
  for (int i = 0; i < 32; i++) {
    unsigned index = b->qs[i] | (unsigned) (b->qh[i / 4] >> (2 * (i % 4)) & 3) << 8;
    expand_signed (qe_iq2s_grid[index], b->signs[i], 64, out->q + 8 * i);
  }
  iq2_scales (qe_f16_to_f32 (b->d), b->scales, out);
}

static void
unpack_iq3_xxs (const void *src, size_t n, QeW8 *out)
{
  const QeBlockIQ3_XXS *b = src;
  for (int s = 0; s < 8; s++) {
    uint32_t word;
    memcpy (&word, b->words + 4 * s, 4);
    float a = qe_f16_to_f32 (b->d) * (0.5f + (float) (word >> 28)) * 0.5f;
    for (int l = 0; l < 4; l++) {
      uint64_t entry = qe_iq3xxs_grid[b->qs[8 * s + 2 * l]] | (uint64_t) qe_iq3xxs_grid[b->qs[8 * s + 2 * l + 1]] << 32;
      expand_signed (entry, qe_iq_signs (word >> (7 * l) & 127), 64, out->q + 32 * s + 8 * l);
    }
    set_groups (out, 2 * s, 2, a, 64 * a);
  }
}

static void
unpack_iq3_s (const void *src, size_t n, QeW8 *out)
{
  const QeBlockIQ3_S *b = src;
  for (int i = 0; i < 32; i++) { /* two entries of four; bits 2i%8 and 2i%8+1 of qh are their ninth index bits */
    unsigned ninth = b->qh[i / 4] >> (2 * i % 8);
    uint64_t low = qe_iq3s_grid[b->qs[2 * i] | (ninth & 1) << 8];
    uint64_t high = qe_iq3s_grid[b->qs[2 * i + 1] | (ninth & 2) << 7];
    expand_signed (low | high << 32, b->signs[i], 16, out->q + 8 * i);
  }
  for (int s = 0; s < 8; s++) {
    float a = qe_f16_to_f32 (b->d) * (float) (1 + 2 * (b->scales[s / 2] >> (4 * (s & 1)) & 15));
    set_groups (out, 2 * s, 2, a, 16 * a);
  }
}

/* Eight values -1, 0, 1 moved by ±1/8: in eighths, lifted by 9, they are integers 0 … 18. All bytes at once: the lowest
 * two bits of a value plus 1 are 0, 1, 2. */
static inline void
expand_ternary (uint64_t entry, bool minus, int8_t *q)
{
  uint64_t from_zero = ((entry & BYTES (3)) + BYTES (1)) & BYTES (3);
  uint64_t lifted = (from_zero << 3) + BYTES (minus ? 0 : 2);
  memcpy (q, &lifted, 8);
}

static void
unpack_iq1_s (const void *src, size_t n, QeW8 *out)
{
  const QeBlockIQ1_S *b = src;
  for (int s = 0; s < 8; s++) {
    uint16_t h = b->qh[s];
    for (int l = 0; l < 4; l++)
      expand_ternary (qe_iq1s_grid[b->qs[4 * s + l] | (h >> (3 * l) & 7) << 8], h & 0x8000, out->q + 32 * s + 8 * l);
    float a = qe_f16_to_f32 (b->d) * (float) (2 * (h >> 12 & 7) + 1) * 0.125f;
    set_groups (out, 2 * s, 2, a, 9 * a);
  }
}

static void
unpack_iq1_m (const void *src, size_t n, QeW8 *out)
{
  const QeBlockIQ1_M *b = src;
  float d = qe_f16_to_f32 (qe_iq1_m_d (b->scales));
  for (int i = 0; i < 32; i++) {
    int nibble = b->qh[i / 2] >> (4 * (i & 1)) & 15;
    expand_ternary (qe_iq1s_grid[b->qs[i] | (nibble & 7) << 8], nibble & 8, out->q + 8 * i);
  }
  for (int i = 0; i < 16; i++) {
    int scale = b->scales[i / 4] >> (6 * (i / 2 & 1) + 3 * (i & 1)) & 7;
    float a = d * (float) (2 * scale + 1) * 0.125f;
    set_groups (out, i, 1, a, 9 * a);
  }
}

static void
unpack_nvfp4 (const void *src, size_t n, QeW8 *out)
{
  const QeBlockNVFP4 *b = src;
  for (size_t g = 0; g < n / 16; g++) {
    const float a = qe_nvfp4_scale (b[g / 4].d[g % 4]);
    for (size_t j = 0; j < 8; j++) {
      const uint8_t both = b[g / 4].qs[8 * (g % 4) + j];
      out->q[16 * g + j] = (int8_t) (qe_e2m1_values[both & 15] + 12);
      out->q[16 * g + 8 + j] = (int8_t) (qe_e2m1_values[both >> 4] + 12);
    }
    set_groups (out, (int) g, 1, a, 12 * a);
  }
  clear_from (out, n);
}

static void
unpack_q1_0 (const void *src, size_t n, QeW8 *out)
{
  const QeBlockQ1_0 *b = src;
  for (size_t i = 0; i < n / 128; i++) {
    const float d = qe_f16_to_f32 (b[i].d);
    for (size_t j = 0; j < 128; j++)
      out->q[128 * i + j] = b[i].qs[j / 8] >> (j % 8) & 1;
    set_groups (out, (int) (8 * i), 8, 2 * d, d);
  }
  clear_from (out, n);
}

static void
unpack_q2_0 (const void *src, size_t n, QeW8 *out)
{
  const QeBlockQ2_0 *b = src;
  for (size_t i = 0; i < n / 64; i++) {
    const float d = qe_f16_to_f32 (b[i].d);
    for (size_t j = 0; j < 64; j++)
      out->q[64 * i + j] = b[i].qs[j / 4] >> (2 * (j % 4)) & 3;
    set_groups (out, (int) (4 * i), 4, d, d);
  }
  clear_from (out, n);
}

static void
unpack_tq1_0 (const void *src, size_t n, QeW8 *out)
{
  const QeBlockTQ1_0 *b = src;
  const float d = qe_f16_to_f32 (b->d);
  for (int digit = 0; digit < 5; digit++) {
    for (int j = 0; j < 32; j++)
      out->q[32 * digit + j] = (int8_t) qe_tq1_0_trit (b->qs[j], digit);
    for (int j = 0; j < 16; j++)
      out->q[160 + 16 * digit + j] = (int8_t) qe_tq1_0_trit (b->qs[32 + j], digit);
    for (int j = 0; digit < 4 && j < 4; j++)
      out->q[240 + 4 * digit + j] = (int8_t) qe_tq1_0_trit (b->qh[j], digit);
  }
  set_groups (out, 0, 16, d, d);
}

static void
unpack_tq2_0 (const void *src, size_t n, QeW8 *out)
{
  const QeBlockTQ2_0 *b = src;
  const float d = qe_f16_to_f32 (b->d);
  for (int i = 0; i < 8; i++)
    for (int j = 0; j < 32; j++)
      out->q[32 * i + j] = b->qs[32 * (i / 4) + j] >> (2 * (i % 4)) & 3;
  set_groups (out, 0, 16, d, d);
}

#define ENTRY(name, NAME, number, elements, bytes, is_signed, max_q, group, source)                                    \
  [number] = { unpack_##name, is_signed, max_q, group },
static const QeW8Format formats[QE_N_TYPES] = { QE_FORMATS (ENTRY) };

const QeW8Format *
qe_w8_format (QeType type)
{
  static const QeW8Format none = { 0 };
  return (unsigned) type < QE_N_TYPES ? &formats[type] : &none;
}
