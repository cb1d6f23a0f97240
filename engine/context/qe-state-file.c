/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A context on disk. A file is, in the byte order of the machine:
 *   Header
 *   u64 ids of rows [length]
 *   keys, then values of the cache: for each layer and head its `length` rows
 *   recurrent state
 *   f32 logits [n_vocab], if the header says so
 *   for each of n_checkpoints: SavedCheckpoint, recurrent state, logits if it says so
 *   u64 checksum of all that
 * Its size follows from the header, which has to agree with the context that reads it: no length in it is trusted. */
#include "context/qe-context-private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "qe-error.h"

#define SAVED_CHECKPOINTS 2 /* the newest: enough to go on and to ask again, and a bound on the file */

static const char magic[8] = "QuernST2";

typedef struct {
  char magic[8];
  uint64_t weights; /* which they are: describe() */
  uint32_t kv_type, n_kv_layers, n_kv_heads, n_state_layers, n_vocab, has_logits, length, next_position, n_checkpoints;
  uint32_t zero;
  uint64_t kv_row_bytes, recurrent_bytes;
} Header;

typedef struct {
  uint32_t kind, length, next_position, has_logits;
} SavedCheckpoint;

/* ---- checksums ------------------------------------------------------------------------------------------------- */

static uint64_t
mix (uint64_t h, uint64_t x)
{
  h = (h ^ x) * UINT64_C (0x9fb21c651e98df25);
  return h ^ h >> 32;
}

static uint64_t
hash_bytes (uint64_t h, const void *data, size_t n)
{
  const uint8_t *p = data;
  uint64_t word;
  for (; n >= sizeof word; p += sizeof word, n -= sizeof word) {
    memcpy (&word, p, sizeof word);
    h = mix (h, word);
  }
  word = n;
  memcpy (&word, p, n);
  return mix (h, word ^ (uint64_t) n << 56);
}

/* ---- one walk for both directions ------------------------------------------------------------------------------ */

typedef struct {
  FILE *file;
  bool writing;
  bool failed; /* errno says why; 0 when the file ended */
  uint64_t hash;
} Stream;

static void
transfer (Stream *s, void *data, size_t n)
{
  const size_t done = s->failed ? 0 : s->writing ? fwrite (data, 1, n, s->file) : fread (data, 1, n, s->file);
  if (s->failed)
    return;
  s->failed = done != n;
  if (!s->failed)
    s->hash = hash_bytes (s->hash, data, n);
}

static void
transfer_rows (Stream *s, const QeCache *c, uint8_t *base, uint32_t length)
{
  for (uint32_t layer = 0; layer < c->n_kv_layers; layer++)
    for (uint32_t head = 0; head < c->n_kv_heads; head++)
      transfer (s, qe_cache_row (c, base, layer, head, 0), length * c->kv_row_bytes);
}

static void
transfer_context (Stream *s, QeContext *c, const Header *h)
{
  transfer (s, c->row_ids, h->length * sizeof *c->row_ids);
  transfer_rows (s, &c->cache, c->cache.keys, h->length);
  transfer_rows (s, &c->cache, c->cache.values, h->length);
  transfer (s, c->cache.state, c->cache.recurrent_bytes);
  if (h->has_logits)
    transfer (s, qe_graph_logits (c->graph, c->ready < 0 ? 0 : (uint32_t) c->ready), h->n_vocab * sizeof (float));
}

static Header
describe (const QeContext *c)
{
  const QeModel *model = c->model;
  /* The hash is of every tensor's name, type, shape and some of its data, and of how positions turn the keys: other models have other
   * hashes. */
  uint64_t hash = qe_vocabulary_hash (model);
  for (size_t i = 0; i < qe_gguf_n_tensors (model->gguf); i++) {
    const QeTensor *t = qe_gguf_tensor (model->gguf, i);
    hash = hash_bytes (hash, t->name, strlen (t->name));
    hash = hash_bytes (mix (hash, t->type), t->ne, sizeof t->ne);
    hash = hash_bytes (hash, t->data, t->size < 64 ? t->size : 64);
  }
  hash = hash_bytes (hash, &model->config.rope_magnitude, sizeof model->config.rope_magnitude);
  hash = hash_bytes (hash, model->config.rope_rates, sizeof model->config.rope_rates);
  Header h = { .weights = hash, .kv_type = c->cache.kv_type, .n_kv_layers = c->cache.n_kv_layers };
  memcpy (h.magic, magic, sizeof magic);
  h.n_kv_heads = c->cache.n_kv_heads;
  h.n_state_layers = c->cache.n_state_layers;
  h.n_vocab = c->model->weights.n_vocab;
  h.has_logits = c->ready >= 0;
  h.length = c->length;
  h.next_position = c->next_position;
  h.n_checkpoints = (uint32_t) (c->checkpoints.n < SAVED_CHECKPOINTS ? c->checkpoints.n : SAVED_CHECKPOINTS);
  h.kv_row_bytes = c->cache.kv_row_bytes;
  h.recurrent_bytes = c->cache.recurrent_bytes;
  return h;
}

/* ---- saving ---------------------------------------------------------------------------------------------------- */

static QeStatus
write_file (QeContext *context, const char *path, QeError *err)
{
  Header h = describe (context);
  Stream s = { .file = fopen (path, "wb"), .writing = true };
  uint64_t sum;
  int error;
  if (!s.file)
    return qe_fail (err, QE_ERROR_IO, "The conversation's state cannot be saved: %s.", strerror (errno));
  transfer (&s, &h, sizeof h);
  transfer_context (&s, context, &h);
  for (size_t i = context->checkpoints.n - h.n_checkpoints; i < context->checkpoints.n; i++) {
    const QeCheckpoint *item = &context->checkpoints.items[i];
    SavedCheckpoint saved = { item->kind, item->length, item->next_position, item->has_logits };
    transfer (&s, &saved, sizeof saved);
    transfer (&s, item->state,
              context->checkpoints.recurrent_bytes + (saved.has_logits ? context->checkpoints.logits_bytes : 0));
  }
  sum = s.hash;
  transfer (&s, &sum, sizeof sum);
  s.failed = s.failed || fflush (s.file) || fsync (fileno (s.file));
  error = s.failed ? errno : 0;
  if (fclose (s.file) && !error)
    error = errno;
  return error ? qe_fail (err, QE_ERROR_IO, "The conversation's state cannot be saved: %s.", strerror (error)) : QE_OK;
}

QeStatus
qe_context_save (QeContext *context, const char *path, QeError *err)
{
  QeStatus status = qe_context_complete (context, err);
  char *part;
  if (status != QE_OK)
    return status;
  part = malloc (strlen (path) + sizeof ".part");
  if (!part)
    return qe_fail (err, QE_ERROR_MEMORY, "There is not enough memory to save the conversation's state.");
  sprintf (part, "%s.part", path);
  qe_graph_settle (context->graph);
  status = write_file (context, part, err);
  if (status == QE_OK && rename (part, path))
    status = qe_fail (err, QE_ERROR_IO, "The conversation's state cannot be saved: %s.", strerror (errno));
  if (status != QE_OK)
    unlink (part);
  free (part);
  return status;
}

/* ---- restoring ------------------------------------------------------------------------------------------------- */

static QeStatus
damaged (QeError *err)
{
  return qe_fail (err, QE_ERROR_FORMAT, "The saved state of the conversation is damaged; it will be worked out again.");
}

static QeStatus
check_header (const QeContext *c, const Header *h, QeError *err)
{
  Header want = describe (c);
  if (memcmp (h->magic, magic, sizeof magic))
    return qe_fail (err, QE_ERROR_FORMAT, "The file is no saved state of a conversation.");
  if (h->weights != want.weights || h->n_vocab != want.n_vocab)
    return qe_fail (err, QE_ERROR_ARGUMENT, "The saved state belongs to another model.");
  if (h->kv_type != want.kv_type || h->n_kv_layers != want.n_kv_layers || h->n_kv_heads != want.n_kv_heads
      || h->n_state_layers != want.n_state_layers || h->kv_row_bytes != want.kv_row_bytes
      || h->recurrent_bytes != want.recurrent_bytes)
    return qe_fail (err, QE_ERROR_ARGUMENT, "The saved state was made with other settings of the context.");
  if (h->length > c->cache.n_ctx)
    return qe_fail (err, QE_ERROR_CONTEXT_FULL, "The saved state has %u tokens, more than the context of %u holds.",
                    h->length, c->cache.n_ctx);
  if (h->next_position > h->length || h->has_logits > 1 || h->n_checkpoints > SAVED_CHECKPOINTS
      || (!h->length && h->has_logits))
    return damaged (err);
  return QE_OK;
}

/* Reads one checkpoint behind those there are; one more than fit is read over. */
static bool
read_checkpoint (Stream *s, QeContext *c, uint32_t length)
{
  QeCheckpoints *list = &c->checkpoints;
  const uint32_t last = qe_checkpoints_last_length (list);
  SavedCheckpoint saved = { 0 };
  float *state;
  transfer (s, &saved, sizeof saved);
  if (s->failed || saved.kind > QE_CHECKPOINT_MARK || saved.has_logits > 1 || saved.length > length
      || saved.length <= last || saved.next_position > saved.length)
    return false;
  state = malloc (list->recurrent_bytes + list->logits_bytes);
  if (!state)
    return false;
  transfer (s, state, list->recurrent_bytes + (saved.has_logits ? list->logits_bytes : 0));
  if (s->failed || list->n == list->n_max) {
    free (state);
    return !s->failed;
  }
  list->items[list->n++] = (QeCheckpoint) { saved.kind, saved.length, saved.next_position, saved.has_logits, state };
  return true;
}

/* The context is empty before and, on failure, what it holds means nothing. */
static QeStatus
read_file (QeContext *c, FILE *file, QeError *err)
{
  Stream s = { .file = file };
  Header h = { 0 };
  uint64_t sum, want;
  QeStatus status;
  transfer (&s, &h, sizeof h);
  if (s.failed)
    return damaged (err);
  status = check_header (c, &h, err);
  if (status != QE_OK)
    return status;
  transfer_context (&s, c, &h);
  for (uint32_t i = 0; i < h.n_checkpoints; i++)
    if (!read_checkpoint (&s, c, h.length))
      return damaged (err);
  want = s.hash;
  transfer (&s, &sum, sizeof sum);
  if (s.failed || sum != want || fgetc (file) != EOF)
    return damaged (err);
  c->length = h.length;
  c->next_position = h.next_position;
  c->ready = h.has_logits ? 0 : -1;
  c->is_rough = false;
  return QE_OK;
}

QeStatus
qe_context_restore (QeContext *context, const char *path, QeError *err)
{
  QeStatus status;
  FILE *file = fopen (path, "rb");
  qe_context_empty (context);
  if (!file)
    return qe_fail (err, QE_ERROR_IO, "The saved state cannot be read: %s.", strerror (errno));
  status = read_file (context, file, err);
  fclose (file);
  if (status != QE_OK)
    qe_context_empty (context);
  return status;
}
