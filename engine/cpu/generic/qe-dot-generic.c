/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Rows of weights times a few tokens in plain C: what the kernels of all instruction sets are tested against. */

#include "cpu/qe-kernels.h"

static float
dot_w8_x8 (const QeW8 *w, const QeX8 *x)
{
  float sum = 0;
  for (int g = 0; g < 16; g++) {
    int dot = 0;
    for (int i = 0; i < 16; i++)
      dot += w->q[16 * g + i] * x->p[16 * g + i];
    sum += w->a[g] * x->d[g / 2] * (float) dot - w->b[g] * x->s16[g];
  }
  return sum;
}

static void
dot_by_unpacking (const QeDotArgs *a, QeType type)
{
  QeUnpackFunc unpack = qe_w8_format (type)->unpack;
  size_t step = qe_row_bytes (qe_type_traits (type), QE_X8);
  for (size_t r = 0; r < a->n_rows; r++) {
    const uint8_t *w = (const uint8_t *) a->w + r * a->row_bytes;
    for (size_t t = 0; t < a->n_tokens; t++)
      a->y[t * a->ldy + r] = 0;
    for (size_t c = 0, k = 0; c < a->columns; c += QE_X8, k++, w += step) {
      QeW8 block;
      unpack (w, a->columns - c < QE_X8 ? a->columns - c : QE_X8, &block);
      for (size_t t = 0; t < a->n_tokens; t++)
        a->y[t * a->ldy + r] += dot_w8_x8 (&block, &a->x8[k * a->ldx8 + t]);
    }
  }
}

#define DOT(name, NAME, ...)                                                                                           \
  static void dot_##name (const QeDotArgs *a)                                                                          \
  {                                                                                                                    \
    dot_by_unpacking (a, QE_TYPE_##NAME);                                                                              \
  }
QE_FORMATS (DOT)

#define DOT_SLOT(name, NAME, ...) k->dot[QE_TYPE_##NAME] = dot_##name;

void
qe_dot_init_generic (QeKernels *k)
{
  QE_FORMATS (DOT_SLOT)
}
