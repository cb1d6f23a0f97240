/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vision/qe-resize.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "qe-error.h"

/* Resizes in two passes, columns and then rows. Each output pixel is a weighted sum under a cubic kernel, which is
 * stretched when shrinking (for antialiasing). The weights are rounded to fixed point and the result of either pass to
 * 8 bits, because the reference does so: floating point would differ by a step here and there. */

/* The first input position of each output position, and its `n` weights from there. */
typedef struct {
  uint32_t *first, *n;
  int16_t *weights; /* [out][width] */
  size_t width;
  unsigned shift; /* fraction bits of the weights */
} Taps;

static double
cubic (double x)
{
  const double a = -0.5;

  x = fabs (x);
  if (x < 1)
    return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2)
    return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

static void
taps_clear (Taps *taps)
{
  free (taps->first);
  free (taps->n);
  free (taps->weights);
}

/* Computes the input positions under output position i and their weights w, whose sum is 1. Returns the largest
 * weight. */
static double
taps_at (Taps *taps, uint32_t i, uint32_t in, uint32_t out, double *w)
{
  double scale = (double) in / out, stretch = scale > 1 ? scale : 1;
  double support = 2 * stretch, centre = (i + 0.5) * scale, sum = 0, largest = 0;
  double low = trunc (centre - support + 0.5), high = trunc (centre + support + 0.5);
  uint32_t first = low > 0 ? (uint32_t) low : 0, end = high < in ? (uint32_t) high : in;

  taps->first[i] = first;
  taps->n[i] = end - first;
  for (uint32_t j = 0; j < end - first; j++)
    sum += w[j] = cubic ((j + first - centre + 0.5) / stretch);
  for (uint32_t j = 0; j < end - first; j++) {
    w[j] /= sum;
    largest = fmax (largest, w[j]);
  }
  return largest;
}

static bool
taps_init (Taps *taps, uint32_t in, uint32_t out)
{
  double stretch = in > out ? (double) in / out : 1, largest = 0;
  size_t width = (size_t) ceil (2 * stretch) * 2 + 1;
  double *w = calloc ((size_t) out * width, sizeof *w);

  *taps = (Taps) { .first = malloc (out * sizeof (uint32_t)),
                   .n = malloc (out * sizeof (uint32_t)),
                   .weights = calloc ((size_t) out * width, sizeof (int16_t)),
                   .width = width };
  if (!w || !taps->first || !taps->n || !taps->weights) {
    free (w);
    return false;
  }
  for (uint32_t i = 0; i < out; i++)
    largest = fmax (largest, taps_at (taps, i, in, out, w + i * width));
  taps->shift = 0; /* becomes the most fraction bits with which the largest weight fits into 16 bits */
  while (taps->shift < 22 && (int) (0.5 + largest * (1 << (taps->shift + 1))) < 1 << 15)
    taps->shift++;
  for (size_t k = 0; k < (size_t) out * width; k++)
    taps->weights[k] = (int16_t) (w[k] * (1 << taps->shift) + (w[k] < 0 ? -0.5 : 0.5));
  free (w);
  return true;
}

static inline uint8_t
to_byte (int32_t sum, unsigned shift)
{
  int32_t v = sum >> shift;
  return v < 0 ? 0 : v > 255 ? 255 : (uint8_t) v;
}

QeStatus
qe_resize_bicubic (const uint8_t *rgb, uint32_t width, uint32_t height, size_t stride, uint8_t *out, uint32_t out_width,
                   uint32_t out_height, QeError *err)
{
  size_t n = (size_t) out_width * 3;
  Taps across = { 0 }, down = { 0 };
  uint8_t *middle = malloc (n * height); /* [height][out_width][3] */
  int32_t *sums = malloc (n * sizeof *sums);
  bool ok = middle && sums && taps_init (&across, width, out_width) && taps_init (&down, height, out_height);

  if (ok) {
    for (uint32_t y = 0; y < height; y++) {
      const uint8_t *from = rgb + y * stride;
      uint8_t *to = middle + y * n;
      for (uint32_t x = 0; x < out_width; x++) {
        const int16_t *w = across.weights + x * across.width;
        const uint8_t *p = from + (size_t) across.first[x] * 3;
        int32_t half = 1 << across.shift >> 1, r = half, g = half, b = half;

        for (uint32_t j = 0; j < across.n[x]; j++, p += 3) {
          r += w[j] * p[0];
          g += w[j] * p[1];
          b += w[j] * p[2];
        }
        to[x * 3] = to_byte (r, across.shift);
        to[x * 3 + 1] = to_byte (g, across.shift);
        to[x * 3 + 2] = to_byte (b, across.shift);
      }
    }
    for (uint32_t y = 0; y < out_height; y++) {
      const int16_t *w = down.weights + y * down.width;

      for (size_t x = 0; x < n; x++)
        sums[x] = 1 << down.shift >> 1;
      for (uint32_t j = 0; j < down.n[y]; j++) {
        const uint8_t *row = middle + (down.first[y] + j) * n;
        for (size_t x = 0; x < n; x++)
          sums[x] += w[j] * row[x];
      }
      for (size_t x = 0; x < n; x++)
        out[y * n + x] = to_byte (sums[x], down.shift);
    }
  }
  taps_clear (&down);
  taps_clear (&across);
  free (sums);
  free (middle);
  return ok ? QE_OK : qe_fail (err, QE_ERROR_MEMORY, "There is not enough memory to resize a picture.");
}

/* Rounds to the nearest multiple; halves go to the even one, as in Python's round(). */
static double
nearest_multiple (uint32_t side, uint32_t factor)
{
  return nearbyint ((double) side / factor) * factor;
}

QeStatus
qe_resize_plan (const QeResizeLimits *limits, uint32_t width, uint32_t height, uint32_t *out_width,
                uint32_t *out_height, QeError *err)
{
  double factor = limits->factor, area = (double) width * height, w, h;

  if (!width || !height)
    return qe_fail (err, QE_ERROR_ARGUMENT, "The picture has no pixels.");
  if (width > QE_RESIZE_MAX_SIDE || height > QE_RESIZE_MAX_SIDE)
    return qe_fail (err, QE_ERROR_ARGUMENT, "The picture is too large: %u × %u pixels, where %d a side is the most.",
                    width, height, QE_RESIZE_MAX_SIDE);
  if (fmax (width, height) / fmin (width, height) > 200)
    return qe_fail (err, QE_ERROR_ARGUMENT,
                    "The picture is too elongated: %u × %u pixels. Crop it so that one side is"
                    " at most 200 times the other.",
                    width, height);

  w = nearest_multiple (width, limits->factor);
  h = nearest_multiple (height, limits->factor);
  if (w * h > (double) limits->max_pixels) {
    double shrink = sqrt (area / (double) limits->max_pixels);
    w = floor (width / shrink / factor) * factor;
    h = floor (height / shrink / factor) * factor;
  } else if (w * h < (double) limits->min_pixels) {
    double grow = sqrt ((double) limits->min_pixels / area);
    w = ceil (width * grow / factor) * factor;
    h = ceil (height * grow / factor) * factor;
  }
  *out_width = (uint32_t) fmax (w, factor);
  *out_height = (uint32_t) fmax (h, factor);
  return QE_OK;
}
