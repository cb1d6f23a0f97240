/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Formats whose values come from codebooks: a non-linear 4-bit table (IQ4) or grids of 4 or 8 values (IQ1 … IQ3).
 * Formulas: engine/doc/qwen35.md §3.4; grids: iq_grids/README.md. */

#include "qe-quant-internal.h"

const int8_t qe_iq4_values[16] = { -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113 };

static void
iq4_expand (const uint8_t qs[16], float d, float *dst)
{
  for (int j = 0; j < 16; j++) {
    dst[j] = d * (float) qe_iq4_values[qs[j] & 15];
    dst[j + 16] = d * (float) qe_iq4_values[qs[j] >> 4];
  }
}

void
qe_dequantise_iq4_nl (const void *src, float *dst, size_t n)
{
  const QeBlockIQ4_NL *b = src;
  for (; n >= 32; n -= 32, b++, dst += 32)
    iq4_expand (b->qs, qe_f16_to_f32 (b->d), dst);
}

void
qe_dequantise_iq4_xs (const void *src, float *dst, size_t n)
{
  const QeBlockIQ4_XS *b = src;
  for (; n >= QE_K; n -= QE_K, b++)
    for (int s = 0; s < 8; s++, dst += 32)
      iq4_expand (b->qs + 16 * s, qe_f16_to_f32 (b->d) * (float) qe_iq4_xs_scale (b, s), dst);
}

/* n values of a grid entry; sign bit j makes value j negative. */
static inline void
expand_signed (uint64_t entry, unsigned signs, int n, float db, float *dst)
{
  for (int j = 0; j < n; j++)
    dst[j] = db * (float) (entry >> (8 * j) & 0xff) * (signs >> j & 1 ? -1.0f : 1.0f);
}

void
qe_dequantise_iq2_xxs (const void *src, float *dst, size_t n)
{
  const QeBlockIQ2_XXS *b = src;
  for (; n >= QE_K; n -= QE_K, b++)
    for (int s = 0; s < 8; s++) { /* two words: four grid indices; four sign indices and the scale */
      uint32_t index, word;
      memcpy (&index, b->qs + 4 * s, 4);
      memcpy (&word, b->qs + 4 * s + 2, 4);
      float db = qe_f16_to_f32 (b->d) * (0.5f + (float) (word >> 28)) * 0.25f;
      for (int l = 0; l < 4; l++, dst += 8)
        expand_signed (qe_iq2xxs_grid[index >> (8 * l) & 255], qe_iq_signs (word >> (7 * l) & 127), 8, db, dst);
    }
}

/* The scale of group l (of 4) from the nibbles of IQ2_XS and IQ2_S. */
static inline float
iq2_scale (float d, uint8_t scales, int l)
{
  return d * (0.5f + (float) (scales >> (l / 2 * 4) & 15)) * 0.25f;
}

void
qe_dequantise_iq2_xs (const void *src, float *dst, size_t n)
{
  const QeBlockIQ2_XS *b = src;
  for (; n >= QE_K; n -= QE_K, b++)
    for (int i = 0; i < 32; i++, dst += 8)
      expand_signed (qe_iq2xs_grid[b->qs[i] & 511], qe_iq_signs (b->qs[i] >> 9), 8,
                     iq2_scale (qe_f16_to_f32 (b->d), b->scales[i / 4], i % 4), dst);
}

void
qe_dequantise_iq2_s (const void *src, float *dst, size_t n)
{
  const QeBlockIQ2_S *b = src;
  for (; n >= QE_K; n -= QE_K, b++)
    for (int i = 0; i < 32; i++, dst += 8) {
      unsigned index = b->qs[i] | (unsigned) (b->qh[i / 4] >> (2 * (i % 4)) & 3) << 8;
      expand_signed (qe_iq2s_grid[index], b->signs[i], 8, iq2_scale (qe_f16_to_f32 (b->d), b->scales[i / 4], i % 4),
                     dst);
    }
}

void
qe_dequantise_iq3_xxs (const void *src, float *dst, size_t n)
{
  const QeBlockIQ3_XXS *b = src;
  for (; n >= QE_K; n -= QE_K, b++)
    for (int s = 0; s < 8; s++) {
      uint32_t word;
      memcpy (&word, b->words + 4 * s, 4);
      float db = qe_f16_to_f32 (b->d) * (0.5f + (float) (word >> 28)) * 0.5f;
      for (int l = 0; l < 4; l++, dst += 8) {
        uint8_t signs = qe_iq_signs (word >> (7 * l) & 127);
        expand_signed (qe_iq3xxs_grid[b->qs[8 * s + 2 * l]], signs, 4, db, dst);
        expand_signed (qe_iq3xxs_grid[b->qs[8 * s + 2 * l + 1]], signs >> 4, 4, db, dst + 4);
      }
    }
}

void
qe_dequantise_iq3_s (const void *src, float *dst, size_t n)
{
  const QeBlockIQ3_S *b = src;
  for (; n >= QE_K; n -= QE_K, b++)
    for (int i = 0; i < 64; i++, dst += 4) { /* i: group of 4; bit i%8 of qh[i/8] is the ninth index bit */
      int s = i / 8;
      float db = qe_f16_to_f32 (b->d) * (float) (1 + 2 * (b->scales[s / 2] >> (4 * (s & 1)) & 15));
      unsigned index = b->qs[i] | (unsigned) (b->qh[s] >> (i % 8) & 1) << 8;
      expand_signed (qe_iq3s_grid[index], b->signs[i / 2] >> (4 * (i & 1)), 4, db, dst);
    }
}

/* Eight values -1, 0, 1 shifted by delta (±1/8). */
static inline void
expand_ternary (uint64_t entry, float delta, float dl, float *dst)
{
  for (int j = 0; j < 8; j++)
    dst[j] = dl * ((float) (int8_t) (entry >> (8 * j)) + delta);
}

void
qe_dequantise_iq1_s (const void *src, float *dst, size_t n)
{
  const QeBlockIQ1_S *b = src;
  for (; n >= QE_K; n -= QE_K, b++)
    for (int i = 0; i < 32; i++, dst += 8) {
      uint16_t h = b->qh[i / 4];
      unsigned index = b->qs[i] | (unsigned) (h >> (3 * (i % 4)) & 7) << 8;
      float dl = qe_f16_to_f32 (b->d) * (float) (2 * (h >> 12 & 7) + 1);
      expand_ternary (qe_iq1s_grid[index], h & 0x8000 ? -0.125f : 0.125f, dl, dst);
    }
}

void
qe_dequantise_iq1_m (const void *src, float *dst, size_t n)
{
  const QeBlockIQ1_M *b = src;
  for (; n >= QE_K; n -= QE_K, b++)
    for (int i = 0; i < 32; i++, dst += 8) { /* nibble i of qh: three index bits, then the sign of delta */
      int s = i / 4, nibble = b->qh[i / 2] >> (4 * (i & 1)) & 15;
      unsigned index = b->qs[i] | (unsigned) (nibble & 7) << 8;
      int scale = b->scales[s / 2] >> (6 * (s & 1) + 3 * (i % 4 / 2)) & 7;
      float dl = qe_f16_to_f32 (qe_iq1_m_d (b->scales)) * (float) (2 * scale + 1);
      expand_ternary (qe_iq1s_grid[index], nibble & 8 ? -0.125f : 0.125f, dl, dst);
    }
}
