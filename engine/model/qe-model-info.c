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
  uint64_t parameters, active, bytes, decode, resident, mtp, companion, foreign;
  bool vision;
  uint64_t by_type[64]; /* parameters stored in each type */
} Sums;

static void
count_tensors (Sums *s, const QeGguf *gguf, const QeGguf *companion, const QeConfig *config, bool tied)
{
  for (size_t i = 0; i < qe_gguf_n_tensors (gguf); i++) {
    const QeTensor *t = qe_gguf_tensor (gguf, i);
    const Kind kind = tensor_kind (t->name, config, tied);
    const uint64_t n = t->ne[0] * t->ne[1] * t->ne[2] * t->ne[3];
    if (kind == KIND_OTHER) {
      s->foreign += t->size;
      s->vision = s->vision || !strncmp (t->name, "v.", 2);
      continue;
    }
    s->bytes += t->size;
    if (kind == KIND_MTP) {
      s->mtp += t->size;
      continue;
    }
    s->parameters += n;
    s->by_type[(unsigned) t->type % 64] += n;
    if (kind == KIND_EMBEDDING) {
      s->decode += t->size / t->ne[1];
      continue;
    }
    s->resident += t->size;
    s->active += kind == KIND_EXPERTS ? n / config->n_experts * config->n_experts_used : n;
    s->decode += kind == KIND_EXPERTS ? t->size / config->n_experts * config->n_experts_used : t->size;
  }
  for (size_t i = 0; companion && i < qe_gguf_n_tensors (companion); i++) { /* of which the block is used */
    const QeTensor *t = qe_gguf_tensor (companion, i);
    s->companion += tensor_kind (t->name, config, false) == KIND_MTP ? t->size : 0;
  }
}

/* ---- names ----------------------------------------------------------------------------------------------------- */

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

void
qe_model_info_fill (QeModelInfo *out, const QeGguf *gguf, const QeGguf *companion, const QeConfig *config,
                    const QeWeights *weights)
{
  const uint64_t head_bytes = weights->head.rows
                              * (uint64_t) qe_row_bytes (qe_type_traits (weights->head.type), weights->head.columns);
  Sums s = { 0 };
  memcpy (out->architecture, config->architecture, sizeof out->architecture);
  out->n_layers = config->n_layers;
  for (uint32_t i = 0; i < config->n_layers; i++)
    out->n_full_layers += !config->recurrent[i];
  out->n_mtp_layers = config->n_mtp;
  out->n_embd = config->n_embd;
  out->n_ff = config->n_ff;
  out->n_ctx_train = config->n_ctx_train;
  out->n_heads = config->n_heads;
  out->n_kv_heads = config->n_kv_heads;
  out->head_size = config->head_size;
  out->n_key_heads = config->n_key_heads;
  out->n_value_heads = config->n_value_heads;
  out->state_size = config->state_size;
  out->conv_kernel = config->conv_kernel;
  out->n_experts = config->n_experts;
  out->n_experts_used = config->n_experts_used;
  out->n_ff_expert = config->n_ff_expert;
  out->n_ff_shared = config->n_ff_shared;
  count_tensors (&s, gguf, companion, config, weights->tied);
  out->n_vocab = weights->n_vocab;
  out->parameters = s.parameters;
  out->active_parameters = s.active;
  out->file_bytes = qe_gguf_file_bytes (gguf);
  out->tensor_bytes = s.bytes;
  out->resident_bytes = s.resident;
  out->mtp_bytes = s.mtp + s.companion;
  out->decode_bytes = s.decode;
  if (!weights->head.is_scaled) /* the sketch is of the head's own numbers */
    out->sketch_bytes = qe_head_sketch_bytes (weights->head.rows, weights->head.columns, head_bytes, s.decode);
  out->sketched_bytes = out->sketch_bytes ? s.decode - head_bytes + out->sketch_bytes : s.decode;
  out->bits_per_weight = s.parameters ? 8.0 * (double) (s.bytes - s.mtp) / (double) s.parameters : 0;
  out->foreign_bytes = s.foreign;
  out->has_vision_inside = s.vision;
  out->n_parts = qe_gguf_n_parts (gguf);
  qe_gguf_copy_string (gguf, "general.name", out->name, sizeof out->name);
  qe_gguf_read_names (gguf, &out->names);

  QeFileSampling *sampling = &out->sampling;
  float top_k;
  sampling->has_temperature = read_number (gguf, "general.sampling.temp", 0, 100, &sampling->temperature);
  sampling->has_top_k = read_number (gguf, "general.sampling.top_k", -1, 1e6, &top_k);
  sampling->top_k = sampling->has_top_k && top_k > 0 ? (uint32_t) top_k : 0;
  sampling->has_top_p = read_number (gguf, "general.sampling.top_p", 1e-6, 1, &sampling->top_p);
  sampling->has_min_p = read_number (gguf, "general.sampling.min_p", 0, 1, &sampling->min_p);
  sampling->has_presence_penalty = read_number (gguf, "general.sampling.penalty_present", -100, 100,
                                                &sampling->presence_penalty);
  sampling->has_repetition_penalty = read_number (gguf, "general.sampling.penalty_repeat", 0.01, 100,
                                                  &sampling->repetition_penalty);

  uint64_t number;
  unsigned most = 0;
  const char *name = NULL;
  out->file_type = -1;
  if (qe_gguf_get_u64 (gguf, "general.file_type", &number) && number <= INT32_MAX)
    out->file_type = (int32_t) number;
  if (out->file_type >= 0)
    name = qe_file_type_name ((uint32_t) out->file_type);
  for (unsigned i = 1; i < 64; i++)
    if (s.by_type[i] > s.by_type[most])
      most = i;
  snprintf (out->main_type, sizeof out->main_type, "%s", qe_type_traits (most)->name);
  snprintf (out->quantisation, sizeof out->quantisation, "%s", name ? name : out->main_type);

  char all[15], active[15];
  format_count (all, sizeof all, out->parameters);
  format_count (active, sizeof active, out->active_parameters);
  if (out->n_experts)
    snprintf (out->size_label, sizeof out->size_label, "%s-A%s", all, active);
  else
    snprintf (out->size_label, sizeof out->size_label, "%s", all);
}
