/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "model/qe-graph-private.h"

/* What the two files of a DeltaNet layer share. */

typedef struct {
  QeGraph *g;
  const QeLayer *l;
  QeCache *cache;          /* of the context whose rows these are */
  float *wide, *narrow;    /* its first row's */
  uint32_t layer;          /* of those with a state */
  float *state;            /* [n_value_heads][s][s] */
  float *deferred;         /* [n][channels]: the convolution's inputs; NULL: write history and state */
  uint32_t n, s, channels; /* rows, size of a head */
  size_t z, beta, alpha;   /* columns of wide */
} QeDeltaNet;

/* Few rows take the recurrence step by step; many go in chunks of matrix products, which are equal but for rounding. */
static inline bool
qe_delta_net_steps (const QeDeltaNet *net)
{
  return net->n < QE_DELTA_CHUNK_MIN;
}

/* What all heads make of the convolved rows, from wide to narrow; keys of steps are kept already. nets are of one layer, of
 * several contexts if there are more than one. Not whole before the next barrier. */
void qe_delta_rule (const QeDeltaNet *nets, uint32_t n_nets, QeWorker *w);
/* Brings the first n writes that are kept into the state of a head. */
void qe_delta_rule_write (const QeDeltaNet *net, uint32_t head, uint32_t n);
