/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "cache/qe-cache.h"

/* Copies of the recurrent state at some lengths of the cache, because that state cannot be cut shorter: to return to an
 * earlier row is to restore the newest checkpoint at or before it and to evaluate from there. Keys and values need no
 * copy: rows before the checkpoint are still in the cache. */

typedef enum {
  QE_CHECKPOINT_PERIODIC, /* every so many rows of a long prompt */
  QE_CHECKPOINT_END,      /* of a prompt: has its logits */
  QE_CHECKPOINT_MARK,     /* where the caller said that it may return */
} QeCheckpointKind;

typedef struct {
  QeCheckpointKind kind;
  uint32_t length;        /* rows in the cache */
  uint32_t next_position;
  bool has_logits;
  float *state;           /* recurrent_bytes, then n_vocab logits */
} QeCheckpoint;

typedef struct {
  QeCheckpoint *items; /* by length, ascending */
  size_t n, n_max;
  size_t recurrent_bytes, logits_bytes;
} QeCheckpoints;

#define QE_CHECKPOINTS_DEFAULT 4
#define QE_CHECKPOINT_INTERVAL 1024 /* rows of a long prompt between periodic ones */

/* budget in bytes; 0: enough for QE_CHECKPOINTS_DEFAULT; UINT64_MAX: none at all. */
QeStatus qe_checkpoints_init (QeCheckpoints *out, const QeCache *cache, uint32_t n_vocab, uint64_t budget, QeError *err);
void qe_checkpoints_clear (QeCheckpoints *checkpoints);
size_t qe_checkpoints_count (uint64_t recurrent_bytes, uint32_t n_vocab, uint64_t budget); /* that a budget allows */

/* Copies the state, which has to be settled (qe_graph_settle()); logits may be NULL. Where the budget is used up, the
 * checkpoint that costs least to do without goes. Without memory nothing happens: a checkpoint only saves time. */
void qe_checkpoints_take (QeCheckpoints *checkpoints, const QeCache *cache, QeCheckpointKind kind, uint32_t length,
                          uint32_t next_position, const float *logits);
/* The last one of at most that length, of less than it unless it has logits; NULL when there is none. */
const QeCheckpoint *qe_checkpoints_find (const QeCheckpoints *checkpoints, uint32_t length, bool need_logits_at_length);
void qe_checkpoints_restore (const QeCheckpoints *checkpoints, const QeCheckpoint *item, QeCache *cache, float *logits);
void qe_checkpoints_drop_after (QeCheckpoints *checkpoints, uint32_t length);
uint32_t qe_checkpoints_last_length (const QeCheckpoints *checkpoints); /* 0 when there is none */
