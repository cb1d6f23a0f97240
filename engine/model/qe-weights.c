/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/qe-weights.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qe-error.h"

/* Finds tensors one after the other and remembers the first failure. */
typedef struct {
  const QeGguf *gguf;
  const QeConfig *config;
  QeWeights *weights;
  QeError *err;
  QeStatus status;
  uint32_t block;
  bool collects; /* missing tensors: all of them, in `missing`, instead of failing at the first */
  char missing[280];
} Finder;

static const QeTensor *
lookup (Finder *f, const char *name)
{
  char full[96];
  snprintf (full, sizeof full, name, f->block); /* names of blocks have one %u */
  return qe_gguf_find (f->gguf, full);
}

static void
fail (Finder *f, const char *name, const char *what)
{
  if (f->status == QE_OK)
    f->status = qe_fail (f->err, QE_ERROR_FORMAT, "The tensor “%s” %s.", name, what);
}

static void
fail_missing (Finder *f, const char *name)
{
  char full[96];
  snprintf (full, sizeof full, name, f->block);
  if (!f->collects) {
    fail (f, full, "is missing");
    return;
  }
  const size_t used = strlen (f->missing);
  if (used + strlen (full) + strlen (", “”, …") < sizeof f->missing)
    snprintf (f->missing + used, sizeof f->missing - used, "%s“%s”", used ? ", " : "", full);
  else if (used + strlen (", …") < sizeof f->missing && strcmp (f->missing + used - strlen ("…"), "…"))
    strcat (f->missing, ", …");
}

static void
fail_shape (Finder *f, const QeTensor *t, uint64_t a, uint64_t b, uint64_t c)
{
  if (f->status == QE_OK)
    f->status = qe_fail (f->err, QE_ERROR_FORMAT,
                         "The tensor “%s” is %" PRIu64 " × %" PRIu64 " × %" PRIu64 ", but %" PRIu64 " × %" PRIu64
                         " × %" PRIu64 " was expected.",
                         t->name, t->ne[0], t->ne[1], t->ne[2], a, b, c);
}

static bool
has_shape (const QeTensor *t, uint64_t a, uint64_t b, uint64_t c)
{
  return t->ne[0] == a && t->ne[1] == b && t->ne[2] == c && t->ne[3] == 1;
}

/* ---- vectors --------------------------------------------------------------------------------------------------- */

static float *
new_copy (Finder *f, size_t n)
{
  void **owned = realloc (f->weights->owned, (f->weights->n_owned + 1) * sizeof *owned);
  float *copy = owned ? malloc (n * sizeof *copy) : NULL;
  if (owned)
    f->weights->owned = owned;
  if (!copy) {
    if (f->status == QE_OK)
      f->status = qe_fail (f->err, QE_ERROR_MEMORY, "There is not enough memory for the model's tables.");
    return NULL;
  }
  f->weights->owned[f->weights->n_owned++] = copy;
  return copy;
}

static bool
check_vector (Finder *f, const QeTensor *t, uint64_t a, uint64_t b)
{
  if (!has_shape (t, a, b, 1))
    fail_shape (f, t, a, b, 1);
  else if (t->type != QE_TYPE_F32 && t->type != QE_TYPE_F16 && t->type != QE_TYPE_BF16)
    fail (f, t->name, "should hold plain numbers (F32, F16 or BF16)");
  else
    return true;
  return false;
}

static const float *
find_vector (Finder *f, const char *name, const char *other_name, uint64_t n)
{
  const QeTensor *t = lookup (f, name);
  float *copy;
  if (!t && other_name)
    t = lookup (f, other_name);
  if (!t)
    fail_missing (f, name);
  if (!t || !check_vector (f, t, n, 1) || !t->data)
    return NULL;
  if (t->type == QE_TYPE_F32 && (uintptr_t) t->data % sizeof (float) == 0)
    return t->data;
  copy = new_copy (f, n);
  if (copy)
    qe_dequantise (t->type, t->data, copy, n);
  return copy;
}

/* ---- matrices -------------------------------------------------------------------------------------------------- */

static void
set_matrix (Finder *f, const QeTensor *t, uint64_t columns, uint64_t rows, uint64_t experts, QeWeight *out)
{
  const QeTypeTraits *traits = qe_type_traits (t->type);
  if (!has_shape (t, columns, rows, experts)) {
    fail_shape (f, t, columns, rows, experts);
    return;
  }
  if (!traits->block_bytes) {
    fail (f, t->name, "has a type that cannot hold weights");
    return;
  }
  if (columns % traits->block_elements) {
    fail (f, t->name, "has rows that are no whole number of blocks");
    return;
  }
  *out = (QeWeight) { t->data, t->type, (uint32_t) columns, (uint32_t) rows, qe_row_bytes (traits, columns) * rows };

  /* Formats with small scales in their blocks, such as NVFP4, have a scale of the whole matrix in a tensor of its own:
   * “NAME.scale”, or “NAME.weight.scale”. “NAME.input_scale” is for programs that round activations to the same format. */
  const size_t length = strlen (t->name), suffix = strlen (".weight");
  char full[96];
  snprintf (full, sizeof full, "%s.scale", t->name);
  if (!qe_gguf_find (f->gguf, full) && length > suffix && !strcmp (t->name + length - suffix, ".weight"))
    snprintf (full, sizeof full, "%.*s.scale", (int) (length - suffix), t->name);
  out->is_scaled = qe_gguf_find (f->gguf, full) != NULL;
  if (out->is_scaled)
    out->scale = find_vector (f, full, NULL, experts);
}

static void
find_matrix (Finder *f, const char *name, uint64_t columns, uint64_t rows, QeWeight *out)
{
  const QeTensor *t = lookup (f, name);
  if (t)
    set_matrix (f, t, columns, rows, 1, out);
  else
    fail_missing (f, name);
}

static void
find_experts (Finder *f, const char *name, uint64_t columns, uint64_t rows, QeWeight *out)
{
  const QeTensor *t = lookup (f, name);
  if (t)
    set_matrix (f, t, columns, rows, f->config->n_experts, out);
  else
    fail_missing (f, name);
}

/* ---- convolutions ---------------------------------------------------------------------------------------------- */

/* The file has the taps of a channel together; the engine wants all channels of a tap together. */
static const float *
find_convolution (Finder *f, const char *name)
{
  const uint32_t kernel = f->config->conv_kernel, channels = qe_config_channels (f->config);
  const QeTensor *t = lookup (f, name);
  float *taps, row[16];
  if (!t)
    fail_missing (f, name);
  if (!t || !check_vector (f, t, kernel, channels) || !t->data)
    return NULL;
  taps = new_copy (f, (size_t) kernel * channels);
  for (uint32_t c = 0; taps && c < channels; c++) {
    const size_t stride = t->size / channels;
    qe_dequantise (t->type, (const char *) t->data + c * stride, row, kernel);
    for (uint32_t j = 0; j < kernel; j++)
      taps[(size_t) j * channels + c] = row[j];
  }
  return taps;
}

/* ---- blocks ---------------------------------------------------------------------------------------------------- */

/* Gate and up of the experts are two tensors, or one that has the gate's rows first. */
static void
find_expert_inputs (Finder *f, QeLayer *l)
{
  const QeConfig *c = f->config;
  const uint64_t rows = c->n_ff_expert;
  if (!lookup (f, "blk.%u.ffn_gate_up_exps.weight")) {
    find_experts (f, "blk.%u.ffn_gate_exps.weight", c->n_embd, rows, &l->expert_gate);
    find_experts (f, "blk.%u.ffn_up_exps.weight", c->n_embd, rows, &l->expert_up);
    return;
  }
  find_experts (f, "blk.%u.ffn_gate_up_exps.weight", c->n_embd, 2 * rows, &l->expert_gate);
  if (f->status != QE_OK)
    return;
  l->expert_gate.rows = (uint32_t) rows;
  l->expert_up = l->expert_gate;
  if (l->expert_up.data)
    l->expert_up.data = (const char *) l->expert_up.data + l->expert_gate.expert_bytes / 2;
}

static void
find_layer (Finder *f, bool recurrent, QeLayer *l)
{
  const QeConfig *c = f->config;
  const uint64_t h = c->n_embd, d = c->head_size, inner = (uint64_t) c->n_value_heads * c->state_size;
  l->recurrent = recurrent;
  l->mixer_norm = find_vector (f, "blk.%u.attn_norm.weight", NULL, h);
  l->ffn_norm = find_vector (f, "blk.%u.post_attention_norm.weight", NULL, h);
  if (recurrent) {
    find_matrix (f, "blk.%u.attn_qkv.weight", h, qe_config_channels (c), &l->qkv);
    find_matrix (f, "blk.%u.attn_gate.weight", h, inner, &l->z);
    find_matrix (f, "blk.%u.ssm_beta.weight", h, c->n_value_heads, &l->beta);
    find_matrix (f, "blk.%u.ssm_alpha.weight", h, c->n_value_heads, &l->alpha);
    find_matrix (f, "blk.%u.ssm_out.weight", inner, h, &l->ssm_out);
    l->a = find_vector (f, "blk.%u.ssm_a", NULL, c->n_value_heads);
    l->dt = find_vector (f, "blk.%u.ssm_dt.bias", "blk.%u.ssm_dt", c->n_value_heads);
    l->conv = find_convolution (f, "blk.%u.ssm_conv1d.weight");
    l->ssm_norm = find_vector (f, "blk.%u.ssm_norm.weight", NULL, c->state_size);
  } else {
    find_matrix (f, "blk.%u.attn_q.weight", h, 2 * d * c->n_heads, &l->q);
    find_matrix (f, "blk.%u.attn_k.weight", h, d * c->n_kv_heads, &l->k);
    find_matrix (f, "blk.%u.attn_v.weight", h, d * c->n_kv_heads, &l->v);
    find_matrix (f, "blk.%u.attn_output.weight", d * c->n_heads, h, &l->attn_out);
    l->q_norm = find_vector (f, "blk.%u.attn_q_norm.weight", NULL, d);
    l->k_norm = find_vector (f, "blk.%u.attn_k_norm.weight", NULL, d);
  }
  if (c->moe) {
    const uint64_t shared = c->n_ff_shared;
    find_matrix (f, "blk.%u.ffn_gate_inp.weight", h, c->n_experts, &l->router);
    find_expert_inputs (f, l);
    find_experts (f, "blk.%u.ffn_down_exps.weight", c->n_ff_expert, h, &l->expert_down);
    find_matrix (f, "blk.%u.ffn_gate_inp_shexp.weight", h, 1, &l->shared_gate);
    find_matrix (f, "blk.%u.ffn_gate_shexp.weight", h, shared, &l->gate);
    find_matrix (f, "blk.%u.ffn_up_shexp.weight", h, shared, &l->up);
    find_matrix (f, "blk.%u.ffn_down_shexp.weight", shared, h, &l->down);
  } else {
    find_matrix (f, "blk.%u.ffn_gate.weight", h, c->n_ff, &l->gate);
    find_matrix (f, "blk.%u.ffn_up.weight", h, c->n_ff, &l->up);
    find_matrix (f, "blk.%u.ffn_down.weight", c->n_ff, h, &l->down);
  }
}

static void
find_mtp (Finder *f)
{
  QeWeights *w = f->weights;
  const uint64_t h = f->config->n_embd;
  QeMtp *m = w->mtp = calloc (1, sizeof *m);
  if (!m) {
    f->status = qe_fail (f->err, QE_ERROR_MEMORY, "There is not enough memory for the model's tables.");
    return;
  }
  f->block = f->config->n_layers;
  f->collects = true;
  find_layer (f, false, &m->layer);
  find_matrix (f, "blk.%u.nextn.eh_proj.weight", 2 * h, h, &m->join);
  m->embd_norm = find_vector (f, "blk.%u.nextn.enorm.weight", NULL, h);
  m->hidden_norm = find_vector (f, "blk.%u.nextn.hnorm.weight", NULL, h);
  m->out_norm = w->out_norm;
  m->embd = w->embd;
  m->head = w->head;
  if (lookup (f, "blk.%u.nextn.shared_head_norm.weight"))
    m->out_norm = find_vector (f, "blk.%u.nextn.shared_head_norm.weight", NULL, h);
  if (lookup (f, "blk.%u.nextn.embed_tokens.weight"))
    find_matrix (f, "blk.%u.nextn.embed_tokens.weight", h, w->n_vocab, &m->embd);
  if (lookup (f, "blk.%u.nextn.shared_head_head.weight"))
    find_matrix (f, "blk.%u.nextn.shared_head_head.weight", h, w->n_vocab, &m->head);
  if (f->status == QE_OK && f->missing[0])
    f->status = qe_fail (f->err, QE_ERROR_FORMAT, "The file's prediction block is incomplete: it lacks %s.",
                         f->missing);
}

QeStatus
qe_weights_find (QeWeights *out, const QeGguf *gguf, const QeGguf *companion, const QeConfig *config, QeError *err)
{
  QeWeights w = { .n_layers = config->n_layers };
  Finder f = { .gguf = gguf, .config = config, .weights = &w, .err = err };
  w.layers = calloc (config->n_layers, sizeof *w.layers);
  if (!w.layers)
    return qe_fail (err, QE_ERROR_MEMORY, "There is not enough memory for the model's tables.");
  const QeTensor *embd = qe_gguf_find (gguf, "token_embd.weight");
  if (!embd || embd->ne[1] < 2 || embd->ne[1] > 1 << 24) {
    fail (&f, "token_embd.weight", embd ? "does not have one row for each token" : "is missing");
  } else {
    w.n_vocab = (uint32_t) embd->ne[1];
    find_matrix (&f, "token_embd.weight", config->n_embd, w.n_vocab, &w.embd);
    w.out_norm = find_vector (&f, "output_norm.weight", NULL, config->n_embd);
    w.tied = !qe_gguf_find (gguf, "output.weight");
    w.head = w.embd;
    if (!w.tied)
      find_matrix (&f, "output.weight", config->n_embd, w.n_vocab, &w.head);
  }
  for (uint32_t i = 0; f.status == QE_OK && i < config->n_layers; i++) {
    f.block = i;
    find_layer (&f, config->recurrent[i], &w.layers[i]);
  }
  if (companion)
    f.gguf = companion;
  if (f.status == QE_OK && config->n_mtp)
    find_mtp (&f);
  if (f.status == QE_OK)
    *out = w;
  else
    qe_weights_clear (&w);
  return f.status;
}

void
qe_weights_clear (QeWeights *weights)
{
  for (size_t i = 0; i < weights->n_owned; i++)
    free (weights->owned[i]);
  free (weights->owned);
  free (weights->layers);
  free (weights->mtp);
  *weights = (QeWeights) { 0 };
}
