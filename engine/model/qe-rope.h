/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdint.h>

/* How fast positions turn the pairs of a head, and what scaling for long contexts changes about it: the keys
 * rope.scaling.* as llama.cpp writes them. */

typedef enum { QE_ROPE_PLAIN, QE_ROPE_LINEAR, QE_ROPE_YARN } QeRopeKind;

typedef struct {
  QeRopeKind kind;
  double factor; /* by which the context became longer */
  double original_context;
  double beta_fast, beta_slow; /* turns within the original context: a pair with more than the first keeps its rate */
  double ramp;                 /* share of that exemption (yarn_ext_factor); negative: 1 with YaRN, otherwise 0 */
  double attention;            /* multiplies the magnitude (attn_factor) */
  double magnitude;            /* instead of the computed one (yarn_attn_factor); 0: none given */
  double log_multiplier;       /* mscale_all_dim; 0: none given */
} QeRopeScaling;

/* Fills rates [dims / 2] with the radians that one position turns each pair by, and returns the factor on cosine and
 * sine. */
double qe_rope_rates (const QeRopeScaling *scaling, double base, uint32_t dims, double *rates);
