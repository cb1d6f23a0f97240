/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/qe-model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what the tensors add up to -------------------------------------------------------------------------------- */

typedef enum {
  KIND_OTHER,     /* vision or unknown: not of the language model */
  KIND_EVERY,     /* read for every token */
  KIND_EMBEDDING, /* one row is read for a token; all of it when it is the head too */
  KIND_EXPERTS,   /* some are read for a token */
  KIND_MTP,
} Kind;

static Kind
tensor_kind (const char *name, const QeConfig *c, bool tied)
{
  unsigned block;
  int end = 0;
  if (!strcmp (name, "token_embd.weight"))
    return tied ? KIND_EVERY : KIND_EMBEDDING;
  if (!strncmp (name, "output", 6))
    return KIND_EVERY;
  if (sscanf (name, "blk.%5u.%n", &block, &end) != 1 || !end)
    return KIND_OTHER;
  if (block >= c->n_layers)
    return KIND_MTP;
  return strstr (name, "_exps.") ? KIND_EXPERTS : KIND_EVERY;
}

typedef struct {
  uint64_t parameters, active, bytes, decode, resident, mtp, foreign;
  bool vision;
  uint64_t by_type[64]; /* parameters stored in each type */
} Sums;

static void
add_tensor (Sums *s, const QeTensor *t, const QeConfig *c, bool tied)
{
  const uint64_t n = t->ne[0] * t->ne[1] * t->ne[2] * t->ne[3];
  const Kind kind = tensor_kind (t->name, c, tied);
  if (kind == KIND_OTHER) {
    s->foreign += t->size;
    s->vision = s->vision || !strncmp (t->name, "v.", 2);
    return;
  }
  s->bytes += t->size;
  if (kind == KIND_MTP) {
    s->mtp += t->size;
    return;
  }
  s->parameters += n;
  s->by_type[(unsigned) t->type % 64] += n;
  if (kind == KIND_EMBEDDING) {
    s->decode += t->size / t->ne[1];
    return;
  }
  s->resident += t->size;
  s->active += kind == KIND_EXPERTS ? n / c->n_experts * c->n_experts_used : n;
  s->decode += kind == KIND_EXPERTS ? t->size / c->n_experts * c->n_experts_used : t->size;
}

/* What of a companion is used. */
static uint64_t
block_bytes (const QeGguf *companion, const QeConfig *c)
{
  uint64_t bytes = 0;
  for (size_t i = 0; i < qe_gguf_n_tensors (companion); i++) {
    const QeTensor *t = qe_gguf_tensor (companion, i);
    bytes += tensor_kind (t->name, c, false) == KIND_MTP ? t->size : 0;
  }
  return bytes;
}

/* ---- names ----------------------------------------------------------------------------------------------------- */

static void
name_quantisation (QeModelInfo *out, const QeGguf *gguf, const Sums *sums)
{
  uint64_t number;
  unsigned most = 0;
  const char *name = NULL;
  out->file_type = -1;
  if (qe_gguf_get_u64 (gguf, "general.file_type", &number) && number <= INT32_MAX)
    out->file_type = (int32_t) number;
  if (out->file_type >= 0)
    name = qe_file_type_name ((uint32_t) out->file_type);
  for (unsigned i = 1; i < 64; i++)
    if (sums->by_type[i] > sums->by_type[most])
      most = i;
  snprintf (out->main_type, sizeof out->main_type, "%s", qe_type_traits (most)->name);
  snprintf (out->quantisation, sizeof out->quantisation, "%s", name ? name : out->main_type);
}

/* "3M", "0.8B", "35B": a count of parameters as model names give it. */
static void
format_count (char *out, size_t size, uint64_t n)
{
  if (n < 100000000)
    snprintf (out, size, "%.0fM", fmax (1, (double) n / 1e6));
  else if (n < 950000000)
    snprintf (out, size, "%.1fB", (double) n / 1e9);
  else
    snprintf (out, size, "%.0fB", (double) n / 1e9);
}

static void
label_size (QeModelInfo *out)
{
  char all[15], active[15];
  format_count (all, sizeof all, out->parameters);
  format_count (active, sizeof active, out->active_parameters);
  if (out->n_experts)
    snprintf (out->size_label, sizeof out->size_label, "%s-A%s", all, active);
  else
    snprintf (out->size_label, sizeof out->size_label, "%s", all);
}

/* ---- sampling -------------------------------------------------------------------------------------------------- */

/* A number within the limits of qe_sampler_new(). */
static bool
read_number (const QeGguf *gguf, const char *key, double low, double high, float *out)
{
  double value;
  if (!qe_gguf_get_f64 (gguf, key, &value) || !(value >= low && value <= high))
    return false;
  *out = (float) value;
  return true;
}

static void
read_sampling (QeFileSampling *s, const QeGguf *gguf)
{
  float top_k;
  s->has_temperature = read_number (gguf, "general.sampling.temp", 0, 100, &s->temperature);
  s->has_top_k = read_number (gguf, "general.sampling.top_k", -1, 1e6, &top_k);
  s->top_k = s->has_top_k && top_k > 0 ? (uint32_t) top_k : 0;
  s->has_top_p = read_number (gguf, "general.sampling.top_p", 1e-6, 1, &s->top_p);
  s->has_min_p = read_number (gguf, "general.sampling.min_p", 0, 1, &s->min_p);
  s->has_presence_penalty = read_number (gguf, "general.sampling.penalty_present", -100, 100, &s->presence_penalty);
  s->has_repetition_penalty = read_number (gguf, "general.sampling.penalty_repeat", 0.01, 100, &s->repetition_penalty);
}

/* ---- all of it ------------------------------------------------------------------------------------------------- */

static void
copy_config (QeModelInfo *out, const QeConfig *c)
{
  memcpy (out->architecture, c->architecture, sizeof out->architecture);
  out->n_layers = c->n_layers;
  for (uint32_t i = 0; i < c->n_layers; i++)
    out->n_full_layers += !c->recurrent[i];
  out->n_mtp_layers = c->n_mtp;
  out->n_embd = c->n_embd;
  out->n_ff = c->n_ff;
  out->n_ctx_train = c->n_ctx_train;
  out->n_heads = c->n_heads;
  out->n_kv_heads = c->n_kv_heads;
  out->head_size = c->head_size;
  out->n_key_heads = c->n_key_heads;
  out->n_value_heads = c->n_value_heads;
  out->state_size = c->state_size;
  out->conv_kernel = c->conv_kernel;
  out->n_experts = c->n_experts;
  out->n_experts_used = c->n_experts_used;
  out->n_ff_expert = c->n_ff_expert;
  out->n_ff_shared = c->n_ff_shared;
}

static uint64_t
head_bytes (const QeWeight *head)
{
  return head->rows * (uint64_t) qe_row_bytes (qe_type_traits (head->type), head->columns);
}

void
qe_model_info_fill (QeModelInfo *out, const QeGguf *gguf, const QeGguf *companion, const QeConfig *config,
                    const QeWeights *weights)
{
  Sums s = { 0 };
  copy_config (out, config);
  for (size_t i = 0; i < qe_gguf_n_tensors (gguf); i++)
    add_tensor (&s, qe_gguf_tensor (gguf, i), config, weights->tied);
  out->n_vocab = weights->n_vocab;
  out->parameters = s.parameters;
  out->active_parameters = s.active;
  out->file_bytes = qe_gguf_file_bytes (gguf);
  out->tensor_bytes = s.bytes;
  out->resident_bytes = s.resident;
  out->mtp_bytes = s.mtp + (companion ? block_bytes (companion, config) : 0);
  out->decode_bytes = s.decode;
  if (!weights->head.is_scaled) /* the sketch is of the head's own numbers */
    out->sketch_bytes = qe_head_sketch_bytes (weights->head.rows, weights->head.columns, head_bytes (&weights->head),
                                              s.decode);
  out->sketched_bytes = out->sketch_bytes ? s.decode - head_bytes (&weights->head) + out->sketch_bytes : s.decode;
  out->bits_per_weight = s.parameters ? 8.0 * (double) (s.bytes - s.mtp) / (double) s.parameters : 0;
  out->foreign_bytes = s.foreign;
  out->has_vision_inside = s.vision;
  out->n_parts = qe_gguf_n_parts (gguf);
  qe_gguf_copy_string (gguf, "general.name", out->name, sizeof out->name);
  qe_gguf_read_names (gguf, &out->names);
  read_sampling (&out->sampling, gguf);
  name_quantisation (out, gguf, &s);
  label_size (out);
}
