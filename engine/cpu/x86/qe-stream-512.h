/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Decoding with AVX-512 and VNNI: rows of the formats that most files are made of, times a few tokens. A file for each
 * instruction set includes this once, with STREAM_INIT to name the function that fills in the table. */

#include "cpu/x86/qe-stream.h"

#include "cpu/x86/qe-stream-blocks-512.h"

typedef __m512 Lanes;

QE_INLINE __m256
lanes_of (const Sums *s, int t, float lift)
{
  const __m512 sum = _mm512_fnmadd_ps (_mm512_set1_ps (lift), s->less[t], s->sum[t]);
  return _mm256_add_ps (_mm512_castps512_ps256 (sum), _mm512_extractf32x8_ps (sum, 1));
}

/* At most 256 weights; a whole block is the last of an odd number of them. */
QE_INLINE W512
unpack_rest (QeType type, const uint8_t *src, size_t n)
{
  if (n < QE_X8)
    return unpack_any (type, src, n);
  W512 w = type == QE_TYPE_Q4_K ? unpack_q4_k (src) : unpack_q5_k (src);
  w.a = twice (_mm512_castps512_ps256 (w.a));
  w.b = twice (_mm512_castps512_ps256 (w.b));
  return w;
}

/* What is left of a row after its last whole pair of blocks or whole block: less than 512 weights. Seldom needed, hence a
 * pass of its own: a call would keep constants of the loops below out of registers. */
static __attribute__ ((noinline)) void
add_rests (const QeDotArgs *a, QeType type, size_t bytes, size_t rest)
{
  const size_t first = (a->columns - rest) / QE_X8;
  for (size_t r = 0; r < a->n_rows; r++) {
    const uint8_t *row = (const uint8_t *) a->w + r * a->row_bytes;
    for (size_t k = first; k * QE_X8 < a->columns; k++) {
      const size_t left = a->columns - k * QE_X8;
      const W512 w = unpack_rest (type, row + k * bytes, left < QE_X8 ? left : QE_X8);
      const QeX8 *x = a->x8 + k * a->ldx8;
      for (size_t t = 0; t < a->n_tokens; t++) {
        const __m512 sum = add_scaled_16 (_mm512_setzero_ps (), w.q, w.a, x + t);
        a->y[t * a->ldy + r] += _mm512_reduce_add_ps (_mm512_fnmadd_ps (w.b, _mm512_load_ps (x[t].s16), sum));
      }
    }
  }
}

#include "cpu/x86/qe-stream-rows.h"

#define STREAM(name, NAME, blocks, lift)                                                                               \
  static void stream_##name (const QeDotArgs *a)                                                                       \
  {                                                                                                                    \
    dot_rows (a, (Stream) { add_##name, QE_TYPE_##NAME, blocks, QE_BYTES_##NAME, lift });                              \
  }
STREAM (q8_0, Q8_0, 1, 128)
STREAM (q4_k, Q4_K, 2, 1)
STREAM (q5_k, Q5_K, 2, 1)
STREAM (q6_k, Q6_K, 1, 32)

void
STREAM_INIT (QeKernels *k)
{
  k->pair_x8 = qe_pair_x8;
  k->dot[QE_TYPE_Q8_0] = stream_q8_0;
  k->dot[QE_TYPE_Q4_K] = stream_q4_k;
  k->dot[QE_TYPE_Q5_K] = stream_q5_k;
  k->dot[QE_TYPE_Q6_K] = stream_q6_k;
  static const QeType types[] = { QE_TYPE_Q8_0, QE_TYPE_Q4_K, QE_TYPE_Q5_K, QE_TYPE_Q6_K };
  for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
    k->tiling[types[i]].min_tokens = 16;
    k->ahead[types[i]] = QE_AHEAD_BYTES;
  }
}
