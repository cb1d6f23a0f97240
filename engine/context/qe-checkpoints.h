/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "model/qe-cache.h"

/* Copies of the recurrent state at some lengths of the cache. That state cannot be cut shorter, so a context returns to
 * an earlier row by restoring the newest checkpoint at or before it and evaluating from there. Keys and values need no
 * copy, because the rows before the checkpoint are still in the cache. */

typedef enum {
  QE_CHECKPOINT_PERIODIC, /* every QE_CHECKPOINT_INTERVAL rows of a long prompt */
  QE_CHECKPOINT_END,      /* at the end of a prompt; it has the logits */
  QE_CHECKPOINT_MARK,     /* where the caller said that it may return to */
} QeCheckpointKind;

typedef struct {
  QeCheckpointKind kind;
  uint32_t length; /* rows in the cache */
  uint32_t next_position;
  bool has_logits;
  float *state; /* recurrent_bytes, then n_vocab logits (float) */
} QeCheckpoint;

typedef struct {
  QeCheckpoint *items; /* in ascending order of length */
  size_t n, n_max;
  size_t recurrent_bytes, logits_bytes;
} QeCheckpoints;

#define QE_CHECKPOINTS_DEFAULT 4
#define QE_CHECKPOINT_INTERVAL 1024 /* rows between periodic checkpoints */

/* budget is in bytes. 0 means enough for QE_CHECKPOINTS_DEFAULT, UINT64_MAX means no checkpoints. */
QeStatus qe_checkpoints_init (QeCheckpoints *out, const QeCache *cache, uint32_t n_vocab, uint64_t budget,
                              QeError *err);
void qe_checkpoints_clear (QeCheckpoints *checkpoints);
size_t qe_checkpoints_count (uint64_t recurrent_bytes, uint32_t n_vocab, uint64_t budget); /* that a budget allows */

/* Copies the state, which must be settled (qe_graph_settle()); logits may be NULL. If the budget is used up, the least
 * useful checkpoint is dropped. Without memory it does nothing, because a checkpoint only saves time. */
void qe_checkpoints_take (QeCheckpoints *checkpoints, const QeCache *cache, QeCheckpointKind kind, uint32_t length,
                          uint32_t next_position, const float *logits);
/* Returns the last checkpoint of at most this length, or NULL. With need_logits_at_length, one of exactly this length
 * must have logits. */
const QeCheckpoint *qe_checkpoints_find (const QeCheckpoints *checkpoints, uint32_t length, bool need_logits_at_length);
void qe_checkpoints_restore (const QeCheckpoints *checkpoints, const QeCheckpoint *item, QeCache *cache, float *logits);
void qe_checkpoints_drop_after (QeCheckpoints *checkpoints, uint32_t length);
uint32_t qe_checkpoints_last_length (const QeCheckpoints *checkpoints); /* returns 0 if there is none */
