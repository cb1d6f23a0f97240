/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "context/qe-checkpoints.h"

#include <stdlib.h>
#include <string.h>

#include "qe-error.h"

#define COUNT_MAX 4096

size_t
qe_checkpoints_count (uint64_t recurrent_bytes, uint32_t n_vocab, uint64_t budget)
{
  const uint64_t each = recurrent_bytes + n_vocab * sizeof (float);
  if (budget == UINT64_MAX)
    return 0;
  if (!budget)
    return QE_CHECKPOINTS_DEFAULT;
  return budget / each < COUNT_MAX ? budget / each : COUNT_MAX;
}

QeStatus
qe_checkpoints_init (QeCheckpoints *out, const QeCache *cache, uint32_t n_vocab, uint64_t budget, QeError *err)
{
  QeCheckpoints c = { .recurrent_bytes = cache->recurrent_bytes, .logits_bytes = n_vocab * sizeof (float) };
  c.n_max = qe_checkpoints_count (cache->recurrent_bytes, n_vocab, budget);
  c.items = calloc (c.n_max + 1, sizeof *c.items);
  if (!c.items)
    return qe_fail (err, QE_ERROR_MEMORY, "There is not enough memory for the context's checkpoints.");
  *out = c;
  return QE_OK;
}

void
qe_checkpoints_clear (QeCheckpoints *checkpoints)
{
  for (size_t i = 0; i < checkpoints->n; i++)
    free (checkpoints->items[i].state);
  free (checkpoints->items);
  *checkpoints = (QeCheckpoints) { 0 };
}

/* Returns the cost of not having checkpoint i: the rows to evaluate again from the one before, weighted by how probable
 * a return is. Newer checkpoints and those that the caller asked for are more probable. The first mark, the end of the
 * system prompt, does not age. */
static double
cost_without (const QeCheckpoints *c, size_t i)
{
  const QeCheckpoint *item = &c->items[i];
  const double rows = item->length - (i ? c->items[i - 1].length : 0);
  const double age = i ? (double) (c->n - 1 - i) : 0;
  return rows * (item->kind == QE_CHECKPOINT_PERIODIC ? 1 : 4) / (1 + age / 2);
}

void
qe_checkpoints_take (QeCheckpoints *checkpoints, const QeCache *cache, QeCheckpointKind kind, uint32_t length,
                     uint32_t next_position, const float *logits)
{
  QeCheckpoint item = { kind, length, next_position, logits != NULL, NULL };
  if (!checkpoints->n_max || (checkpoints->n && checkpoints->items[checkpoints->n - 1].length >= length))
    return;
  if (checkpoints->n < checkpoints->n_max) {
    item.state = malloc (checkpoints->recurrent_bytes + checkpoints->logits_bytes);
  } else { /* the least useful one, but never the newest, gives its memory */
    size_t worst = 0;
    for (size_t i = 1; i + 1 < checkpoints->n; i++)
      if (cost_without (checkpoints, i) < cost_without (checkpoints, worst))
        worst = i;
    item.state = checkpoints->items[worst].state;
    memmove (checkpoints->items + worst, checkpoints->items + worst + 1,
             (checkpoints->n - worst - 1) * sizeof *checkpoints->items);
    checkpoints->n--;
  }
  if (!item.state)
    return;
  memcpy (item.state, cache->state, checkpoints->recurrent_bytes);
  if (logits)
    memcpy ((char *) item.state + checkpoints->recurrent_bytes, logits, checkpoints->logits_bytes);
  checkpoints->items[checkpoints->n++] = item;
}

const QeCheckpoint *
qe_checkpoints_find (const QeCheckpoints *checkpoints, uint32_t length, bool need_logits_at_length)
{
  for (size_t i = checkpoints->n; i-- > 0;) {
    const QeCheckpoint *item = &checkpoints->items[i];
    if (item->length < length || (item->length == length && (item->has_logits || !need_logits_at_length)))
      return item;
  }
  return NULL;
}

void
qe_checkpoints_restore (const QeCheckpoints *checkpoints, const QeCheckpoint *item, QeCache *cache, float *logits)
{
  memcpy (cache->state, item->state, checkpoints->recurrent_bytes);
  cache->n_writes = cache->first_history = 0;
  if (item->has_logits)
    memcpy (logits, (const char *) item->state + checkpoints->recurrent_bytes, checkpoints->logits_bytes);
}

void
qe_checkpoints_drop_after (QeCheckpoints *checkpoints, uint32_t length)
{
  while (checkpoints->n && checkpoints->items[checkpoints->n - 1].length > length)
    free (checkpoints->items[--checkpoints->n].state);
}

uint32_t
qe_checkpoints_last_length (const QeCheckpoints *checkpoints)
{
  return checkpoints->n ? checkpoints->items[checkpoints->n - 1].length : 0;
}
