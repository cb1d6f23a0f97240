/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Vectors of floats: norms, gates, rotations and sums. */

static void
add (float *restrict y, const float *restrict x, size_t n)
{
  for (size_t i = 0; i < n; i++)
    y[i] += x[i];
}

static inline float
square_sum (const float *x, size_t n)
{
  float s = 0;
  for (size_t i = 0; i < n; i++)
    s += x[i] * x[i];
  return s;
}

static void
rms_norm (float *y, const float *x, const float *w, size_t n, float eps)
{
  const float factor = 1.0f / sqrtf (square_sum (x, n) / (float) n + eps);
#pragma GCC ivdep
  for (size_t i = 0; i < n; i++)
    y[i] = x[i] * factor * w[i];
}

static void
l2_norm (float *x, size_t n, float eps, float factor)
{
  scale (x, factor / sqrtf (square_sum (x, n) + eps), n);
}

static void
silu_mul (float *y, const float *gate, const float *up, size_t n)
{
#pragma GCC ivdep
  for (size_t i = 0; i < n; i++)
    y[i] = gate[i] * sigmoid (gate[i]) * up[i];
}

/* An infinite gate must not look sound, as it would by a sigmoid of 0 or 1. */
static void
sigmoid_mul (float *restrict y, const float *restrict gate, size_t n)
{
  for (size_t i = 0; i < n; i++)
    y[i] *= fabsf (gate[i]) <= FLT_MAX ? sigmoid (gate[i]) : NAN;
}

/* gelu (x) = x (1 + tanh u) / 2 = x sigmoid (2u), u = sqrt (2 / pi) (x + 0.044715 x³) */
static void
gelu_bias (float *restrict y, const float *restrict bias, size_t n)
{
  for (size_t i = 0; i < n; i++) {
    const float x = y[i] + bias[i];
    y[i] = x * sigmoid (1.5957691216f * (x + 0.044715f * x * x * x));
  }
}

static void
gated_norm (float *restrict y, const float *restrict x, const float *restrict w, const float *restrict z, size_t n,
            float eps)
{
  const float factor = 1.0f / sqrtf (square_sum (x, n) / (float) n + eps);
  for (size_t i = 0; i < n; i++)
    y[i] = x[i] * factor * w[i] * z[i] * sigmoid (z[i]);
}

static float
max_of (const float *x, size_t n)
{
  float m = n ? x[0] : 0;
  for (size_t i = 1; i < n; i++)
    m = x[i] > m ? x[i] : m;
  return m;
}

static int
is_finite (const float *x, size_t n)
{
  uint32_t found = 0;
  for (size_t i = 0; i < n; i++) {
    uint32_t bits;
    memcpy (&bits, x + i, sizeof bits);
    found |= (bits & 0x7f800000) == 0x7f800000;
  }
  return !found;
}

static float
exp_sum (float *x, size_t n, float max)
{
  float s = 0;
  for (size_t i = 0; i < n; i++) {
    x[i] = exp_approx (x[i] - max);
    s += x[i];
  }
  return s;
}

static void
compare_rows (const float *p, const float *q, size_t n, float max_p, float max_q, double sums[3])
{
  double sum_p = 0, sum_q = 0, weighted = 0;
  for (size_t i = 0; i < n; i++) {
    const double a = (double) p[i] - max_p, b = (double) q[i] - max_q, e = exp_double (a);
    sum_p += e;
    sum_q += exp_double (b);
    weighted += e * (a - b);
  }
  sums[0] = sum_p;
  sums[1] = sum_q;
  sums[2] = weighted;
}

static void
rope (float *restrict x, const float *restrict cosine, const float *restrict sine, size_t n_pairs)
{
  float *restrict y = x + n_pairs;
  for (size_t i = 0; i < n_pairs; i++) {
    const float a = x[i], b = y[i];
    x[i] = a * cosine[i] - b * sine[i];
    y[i] = b * cosine[i] + a * sine[i];
  }
}

void
VECTOR_INIT (QeKernels *k)
{
  k->add = add;
  k->scale = scale;
  k->add_scaled = add_scaled;
  k->rms_norm = rms_norm;
  k->l2_norm = l2_norm;
  k->silu_mul = silu_mul;
  k->sigmoid_mul = sigmoid_mul;
  k->gelu_bias = gelu_bias;
  k->gated_norm = gated_norm;
  k->max = max_of;
  k->is_finite = is_finite;
  k->exp_sum = exp_sum;
  k->compare_rows = compare_rows;
  k->rope = rope;
}
