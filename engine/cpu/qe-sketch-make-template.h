/* SPDX-License-Identifier: GPL-3.0-or-later */

/* What goes into products with a sketch (qe-sketch.h): rows of weights to codes, activations to 8 bits. */

/* The step that makes the error of eight levels least for weights with a normal distribution (J. Max, "Quantizing for
 * minimum distortion", 1960). */
#define SKETCH_STEP 0.586f

static void
sketch_codes (const float *restrict u, size_t n, float inverse_step, uint8_t *restrict codes)
{
  for (size_t i = 0; i < n; i++) {
    const float level = u[i] * inverse_step + 4;
    codes[i] = (uint8_t) (int) (level < 0 ? 0 : level > 7 ? 7 : level);
  }
}

static void
sketch_pack (const uint8_t codes[8][64], QeSketchBlock *restrict out)
{
  for (int i = 0; i < 64; i++) {
    out->parts[0][i] = (uint8_t) (codes[0][i] | codes[1][i] << 3 | (codes[2][i] & 3) << 6);
    out->parts[1][i] = (uint8_t) (codes[3][i] | codes[4][i] << 3 | (codes[5][i] & 3) << 6);
    out->parts[2][i] = (uint8_t) (codes[6][i] | codes[7][i] << 3 | (codes[2][i] & 4) << 4 | (codes[5][i] & 4) << 5);
  }
}

static float
sketch_normalise (float *restrict u, const float *restrict w, const float *restrict mean, const float *restrict inverse,
                  size_t n)
{
  float sum = 0;
  for (size_t c = 0; c < n; c++) {
    u[c] = (w[c] - mean[c]) * inverse[c];
    sum += u[c] * u[c];
  }
  return sum;
}

static void
sketch_compare (const float *restrict u, const uint8_t *restrict codes, size_t n, float *uq, float *qq)
{
  float products = 0, squares = 0;
  for (size_t c = 0; c < n; c++) {
    const float q = (float) (2 * (int) codes[c] - 7);
    products += u[c] * q;
    squares += q * q;
  }
  *uq += products;
  *qq += squares;
}

static int
sketch_row (QeSketchBlock *out, QeSketchRow *row, float *u, const float *w, const QeSketchColumns *columns, size_t n)
{
  const float uu = sketch_normalise (u, w, columns->mean, columns->inverse, n),
              step = SKETCH_STEP * sqrtf (uu / (float) n);
  float uq = 0, qq = 0;
  *row = (QeSketchRow) { 0 };
  if (!isfinite (uu))
    return 0;
  for (size_t c = 0; c < n; c += QE_SKETCH_COLUMNS, out++) {
    const size_t here = n - c < QE_SKETCH_COLUMNS ? n - c : QE_SKETCH_COLUMNS;
    uint8_t codes[8][64];
    if (here < QE_SKETCH_COLUMNS)
      memset (codes, 0, sizeof codes);
    sketch_codes (u + c, here, step > 0 ? 1 / step : 0, codes[0]);
    sketch_compare (u + c, codes[0], here, &uq, &qq);
    sketch_pack ((const uint8_t (*)[64]) codes, out);
  }
  row->scale = uq > 0 ? uu / uq : 0;
  row->magnitude = row->scale * sqrtf (qq / (float) n);
  row->error = sqrtf (fmaxf (0, row->scale * row->scale * qq - uu) / (float) n);
  return isfinite (row->magnitude);
}

static void
sketch_input (int8_t *restrict p, QeSketchInput *out, const float *restrict x, const QeSketchColumns *columns, size_t n)
{
  const float *restrict magnitude = columns->magnitude, *restrict mean = columns->mean;
  float most = 0, norm = 0, loss = 0, base = 0;
  int32_t sum = 0;
  for (size_t c = 0; c < n; c++) {
    const float value = x[c] * magnitude[c], size = fabsf (value);
    most = size > most ? size : most;
    norm += value * value;
    base += x[c] * mean[c];
  }
  if (!isfinite (norm)) {
    memset (p, 0, n);
    *out = (QeSketchInput) { .d = NAN };
    return;
  }
  const float d = most / 127, inverse = d > 0 ? 1 / d : 0;
  for (size_t c = 0; c < n; c++) {
    const float value = x[c] * magnitude[c];
    const int level = (int) (value * inverse + (value < 0 ? -0.5f : 0.5f));
    p[c] = (int8_t) level;
    sum += level;
    loss += (value - d * (float) level) * (value - d * (float) level);
  }
  *out = (QeSketchInput) { d, base, sum, sqrtf (norm), sqrtf (loss) };
}

void
SKETCH_MAKE_INIT (QeKernels *k)
{
  k->sketch_row = sketch_row;
  k->sketch_input = sketch_input;
}
