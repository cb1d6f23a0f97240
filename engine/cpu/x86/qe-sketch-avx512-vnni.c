/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Products with a sketch, with AVX-512 and its vpdpbusd. */

#include <immintrin.h>

#include "cpu/qe-kernels.h"
#include "cpu/x86/qe-ahead.h"

static inline int32_t
dot_sketch (const QeSketchBlock *b, const int8_t *p, size_t n_blocks)
{
  const __m512i seven = _mm512_set1_epi8 (7), three = _mm512_set1_epi8 (3), four = _mm512_set1_epi8 (4);
  __m512i acc[2] = { _mm512_setzero_si512 (), _mm512_setzero_si512 () };
  for (size_t k = 0; k < n_blocks; k++, p += QE_SKETCH_COLUMNS) {
    const __m512i v0 = _mm512_load_si512 (b[k].parts[0]), v1 = _mm512_load_si512 (b[k].parts[1]);
    const __m512i v2 = _mm512_load_si512 (b[k].parts[2]);
    qe_ask_ahead (b + k, sizeof *b);
    const __m512i q[8] = {
      _mm512_and_si512 (v0, seven),
      _mm512_and_si512 (_mm512_srli_epi16 (v0, 3), seven),
      _mm512_or_si512 (_mm512_and_si512 (_mm512_srli_epi16 (v0, 6), three),
                       _mm512_and_si512 (_mm512_srli_epi16 (v2, 4), four)),
      _mm512_and_si512 (v1, seven),
      _mm512_and_si512 (_mm512_srli_epi16 (v1, 3), seven),
      _mm512_or_si512 (_mm512_and_si512 (_mm512_srli_epi16 (v1, 6), three),
                       _mm512_and_si512 (_mm512_srli_epi16 (v2, 5), four)),
      _mm512_and_si512 (v2, seven),
      _mm512_and_si512 (_mm512_srli_epi16 (v2, 3), seven),
    };
#pragma GCC unroll 8
    for (int i = 0; i < 8; i++)
      acc[i % 2] = _mm512_dpbusd_epi32 (acc[i % 2], q[i], _mm512_load_si512 (p + 64 * i));
  }
  return _mm512_reduce_add_epi32 (_mm512_add_epi32 (acc[0], acc[1]));
}

static void
sketch_products (const QeSketchArgs *args)
{
  qe_sketch_products (args, dot_sketch);
}

void
qe_sketch_init_avx512_vnni (QeKernels *k)
{
  k->sketch = sketch_products;
}
