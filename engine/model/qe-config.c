/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/qe-config.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "model/qe-rope.h"
#include "qe-error.h"

/* Reads keys one after the other and remembers the first failure, so that the list of keys reads as a list. */
typedef struct {
  const QeGguf *gguf;
  const QeConfig *config;
  QeError *err;
  QeStatus status;
  char key[96];
} Reader;

static const char *
full_key (Reader *r, const char *suffix)
{
  snprintf (r->key, sizeof r->key, "%s.%s", r->config->architecture, suffix);
  return r->key;
}

/* A number, or an array of one number for each layer in which layers without the thing have 0 (Ollama's dialect). */
static bool
lookup (Reader *r, const char *key, uint64_t *out)
{
  uint64_t length, value;
  if (qe_gguf_get_u64 (r->gguf, key, out))
    return true;
  if (!qe_gguf_array_length (r->gguf, key, &length))
    return false;
  *out = 0;
  for (uint64_t i = 0; i < length; i++) {
    if (!qe_gguf_array_u64 (r->gguf, key, i, &value) || (value && *out && value != *out))
      return false;
    if (value)
      *out = value;
  }
  return true;
}

static void
read_u32 (Reader *r, const char *suffix, uint64_t min, uint64_t max, uint32_t *out)
{
  uint64_t value;
  if (r->status != QE_OK)
    return;
  if (!lookup (r, full_key (r, suffix), &value))
    r->status = qe_fail (r->err, QE_ERROR_FORMAT, "The file lacks a usable value for “%s”.", r->key);
  else if (value < min || value > max)
    r->status = qe_fail (r->err, QE_ERROR_FORMAT, "The file's “%s” is %llu, outside %llu to %llu.", r->key,
                         (unsigned long long) value, (unsigned long long) min, (unsigned long long) max);
  else
    *out = (uint32_t) value;
}

static void
read_optional_u32 (Reader *r, const char *suffix, uint32_t fallback, uint64_t min, uint64_t max, uint32_t *out)
{
  if (qe_gguf_has (r->gguf, full_key (r, suffix)))
    read_u32 (r, suffix, min, max, out);
  else
    *out = fallback;
}

static void
read_real (Reader *r, const char *suffix, double min, double max, double *out)
{
  if (r->status != QE_OK)
    return;
  if (!qe_gguf_get_f64 (r->gguf, full_key (r, suffix), out))
    r->status = qe_fail (r->err, QE_ERROR_FORMAT, "The file lacks a usable value for “%s”.", r->key);
  else if (!(*out >= min && *out <= max)) /* also when it is not a number */
    r->status = qe_fail (r->err, QE_ERROR_FORMAT, "The file's “%s” is %g, outside %g to %g.", r->key, *out, min, max);
}

/* Leaves *out as it is when the key is missing. */
static void
read_optional_real (Reader *r, const char *suffix, double min, double max, double *out)
{
  if (qe_gguf_has (r->gguf, full_key (r, suffix)))
    read_real (r, suffix, min, max, out);
}

static void
require (Reader *r, bool ok, const char *message)
{
  if (r->status == QE_OK && !ok)
    r->status = qe_fail (r->err, QE_ERROR_FORMAT, "%s", message);
}

/* ---- the groups of keys ---------------------------------------------------------------------------------------- */

static QeStatus
read_architecture (QeConfig *c, const QeGguf *gguf, QeError *err)
{
  const char *name;
  size_t length;
  if (!qe_gguf_get_string (gguf, "general.architecture", &name, &length))
    return qe_fail (err, QE_ERROR_FORMAT, "The file does not say its architecture (“general.architecture”).");
  if (length == 4 && !memcmp (name, "clip", 4))
    return qe_fail (err, QE_ERROR_UNSUPPORTED,
                    "This is the vision part of a model. Open the language model and keep this file beside it.");
  c->moe = length == 9 && !memcmp (name, "qwen35moe", 9);
  if (!c->moe && !(length == 6 && !memcmp (name, "qwen35", 6)))
    return qe_fail (err, QE_ERROR_UNSUPPORTED,
                    "The architecture “%.*s” is not supported: Quern runs Qwen 3.5 (“qwen35”, “qwen35moe”).",
                    (int) (length < 64 ? length : 64), name);
  memcpy (c->architecture, name, length);
  if (qe_gguf_has_prefix (gguf, "prism.hadamard."))
    return qe_fail (
        err, QE_ERROR_UNSUPPORTED,
        "The weights of this file are rotated in the way of PrismML (“prism.hadamard”), which Quern cannot run. "
        "Take a Q4_K_M or UD-Q4_K_XL file of the same model instead.");
  return QE_OK;
}

/* The kind of scaling, as llama.cpp reads it: factors without a kind are linear. */
static QeRopeKind
read_rope_kind (Reader *r)
{
  const char *name;
  size_t length;
  if (r->status != QE_OK || !qe_gguf_get_string (r->gguf, full_key (r, "rope.scaling.type"), &name, &length))
    return QE_ROPE_LINEAR;
  if (length == 4 && !memcmp (name, "none", 4))
    return QE_ROPE_PLAIN;
  if (length == 6 && !memcmp (name, "linear", 6))
    return QE_ROPE_LINEAR;
  if (length == 4 && !memcmp (name, "yarn", 4))
    return QE_ROPE_YARN;
  r->status =
      qe_fail (r->err, QE_ERROR_UNSUPPORTED,
               "This file extends its context with “%.*s”, which Quern cannot do: it can do YaRN and linear scaling.",
               length < 40 ? (int) length : 40, name);
  return QE_ROPE_PLAIN;
}

static void
read_rope (Reader *r, QeConfig *c)
{
  uint64_t length = 0, value, sum = 0;
  double base = 0;
  read_u32 (r, "rope.dimension_count", 2, c->head_size, &c->rope_dims);
  require (r, c->rope_dims % 2 == 0, "The number of rotated dimensions is odd.");
  read_real (r, "rope.freq_base", 1, 1e12, &base);
  /* The keys rope.scaling.*. The context may be what the file says outright or what the scaling makes of the original one,
   * whichever is more: converters often leave the first as it was. */
  uint32_t original = c->n_ctx_train;
  QeRopeScaling s = {
    .kind = read_rope_kind (r), .factor = 1, .beta_fast = 32, .beta_slow = 1, .ramp = -1, .attention = 1
  };
  read_optional_real (r,
                      qe_gguf_has (r->gguf, full_key (r, "rope.scaling.factor")) ? "rope.scaling.factor"
                                                                                 : "rope.scale_linear",
                      0, 4096, &s.factor);
  s.factor = s.factor > 0 ? s.factor : 1; /* llama.cpp takes 0 for none */
  read_optional_u32 (r, "rope.scaling.original_context_length", c->n_ctx_train, 1, 1 << 28, &original);
  read_optional_real (r, "rope.scaling.attn_factor", 1e-3, 1e3, &s.attention);
  read_optional_real (r, "rope.scaling.yarn_ext_factor", -1e3, 1e3, &s.ramp);
  read_optional_real (r, "rope.scaling.yarn_attn_factor", 1e-3, 1e3, &s.magnitude);
  read_optional_real (r, "rope.scaling.yarn_beta_fast", 1e-3, 1e6, &s.beta_fast);
  read_optional_real (r, "rope.scaling.yarn_beta_slow", 1e-3, 1e6, &s.beta_slow);
  read_optional_real (r, "rope.scaling.yarn_log_multiplier", 0, 1e3, &s.log_multiplier);
  s.original_context = original;
  const bool is_said = qe_gguf_has (r->gguf, full_key (r, "rope.scaling.original_context_length"));
  if (s.kind == QE_ROPE_YARN || (s.kind == QE_ROPE_LINEAR && is_said)) {
    const double scaled = fmin (original * s.factor, 1 << 28);
    c->n_ctx_train = scaled > c->n_ctx_train ? (uint32_t) scaled : c->n_ctx_train;
  }
  if (r->status == QE_OK)
    c->rope_magnitude = qe_rope_rates (&s, base, c->rope_dims, c->rope_rates);
  if (r->status != QE_OK)
    return;
  full_key (r, "rope.dimension_sections");
  require (r, qe_gguf_array_length (r->gguf, r->key, &length) && (length == 3 || length == 4),
           "“rope.dimension_sections” is not a list of three or four numbers.");
  for (uint64_t i = 0; r->status == QE_OK && i < length; i++) {
    require (r, qe_gguf_array_u64 (r->gguf, r->key, i, &value) && value <= c->rope_dims / 2,
             "“rope.dimension_sections” holds a number that is no count of dimensions.");
    if (r->status == QE_OK)
      c->rope_sections[i] = (uint32_t) value;
    sum += r->status == QE_OK ? value : 0;
  }
  require (r, sum > 0 && sum <= c->rope_dims / 2, "“rope.dimension_sections” does not fit the rotated dimensions.");
}

/* Which layers are recurrent: said outright, or every layer but each interval-th. */
static void
read_layer_kinds (Reader *r, QeConfig *c)
{
  uint64_t length, value;
  uint32_t interval = 4;
  if (r->status != QE_OK)
    return;
  full_key (r, "attention.recurrent_layers");
  if (qe_gguf_array_length (r->gguf, r->key, &length)) {
    require (r, length >= c->n_layers, "“attention.recurrent_layers” is shorter than the number of layers.");
    for (uint32_t i = 0; r->status == QE_OK && i < c->n_layers; i++) {
      require (r, qe_gguf_array_u64 (r->gguf, r->key, i, &value), "“attention.recurrent_layers” is not a list.");
      c->recurrent[i] = r->status == QE_OK && value != 0;
    }
    return;
  }
  read_optional_u32 (r, "full_attention_interval", 4, 1, QE_MAX_LAYERS, &interval);
  for (uint32_t i = 0; i < c->n_layers; i++)
    c->recurrent[i] = (i + 1) % interval != 0;
}

QeStatus
qe_config_read (QeConfig *out, const QeGguf *gguf, QeError *err)
{
  QeConfig c = { 0 };
  Reader r = { .gguf = gguf, .config = &c, .err = err, .status = QE_OK };
  QeStatus status = read_architecture (&c, gguf, err);
  if (status != QE_OK)
    return status;
  uint32_t n_blocks = 0, value_length = 0, inner = 0;
  double eps = 0;
  bool tiled;
  read_u32 (&r, "block_count", 1, QE_MAX_LAYERS, &n_blocks);
  read_optional_u32 (&r, "nextn_predict_layers", 0, 0, 8, &c.n_mtp);
  require (&r, c.n_mtp < n_blocks, "The file counts more prediction blocks than blocks.");
  c.n_layers = n_blocks - c.n_mtp;
  read_u32 (&r, "embedding_length", 32, 1 << 16, &c.n_embd);
  read_u32 (&r, "context_length", 1, 1 << 28, &c.n_ctx_train);
  read_real (&r, "attention.layer_norm_rms_epsilon", 1e-12, 1e-2, &eps);
  c.eps = (float) eps;

  read_u32 (&r, "attention.head_count", 1, 1024, &c.n_heads);
  read_u32 (&r, "attention.head_count_kv", 1, 1024, &c.n_kv_heads);
  read_u32 (&r, "attention.key_length", 16, QE_MAX_HEAD_SIZE, &c.head_size);
  read_optional_u32 (&r, "attention.value_length", c.head_size, 16, QE_MAX_HEAD_SIZE, &value_length);
  require (&r, r.status != QE_OK || c.n_heads % c.n_kv_heads == 0,
           "The number of attention heads is not a multiple of the key/value heads.");
  require (&r, value_length == c.head_size, "Attention keys and values of different sizes are not supported.");
  require (&r, c.head_size % 16 == 0, "The size of an attention head is not a multiple of 16.");
  read_rope (&r, &c);

  read_u32 (&r, "ssm.conv_kernel", 2, 16, &c.conv_kernel);
  read_u32 (&r, "ssm.state_size", 16, 512, &c.state_size);
  read_u32 (&r, "ssm.group_count", 1, 1024, &c.n_key_heads);
  read_u32 (&r, "ssm.time_step_rank", 1, 1024, &c.n_value_heads);
  read_u32 (&r, "ssm.inner_size", 1, 1 << 20, &inner);
  require (&r, c.state_size % 16 == 0, "The size of a DeltaNet head is not a multiple of 16.");
  require (&r, r.status != QE_OK || c.n_value_heads % c.n_key_heads == 0,
           "The number of DeltaNet value heads is not a multiple of the key heads.");
  require (&r, inner == c.n_value_heads * c.state_size, "“ssm.inner_size” is not value heads times head size.");
  if (qe_gguf_get_bool (r.gguf, full_key (&r, "ssm.v_head_reordered"), &tiled))
    c.grouped_value_heads = !tiled;

  if (c.moe) {
    read_optional_u32 (&r, "feed_forward_length", 0, 0, 1 << 20, &c.n_ff);
    read_u32 (&r, "expert_count", 1, 4096, &c.n_experts);
    read_u32 (&r, "expert_used_count", 1, QE_MAX_EXPERTS_USED, &c.n_experts_used);
    read_u32 (&r, "expert_feed_forward_length", 1, 1 << 18, &c.n_ff_expert);
    read_u32 (&r, "expert_shared_feed_forward_length", 1, 1 << 18, &c.n_ff_shared);
    require (&r, c.n_experts_used <= c.n_experts, "The file uses more experts for a token than it has.");
  } else {
    read_u32 (&r, "feed_forward_length", 1, 1 << 20, &c.n_ff);
  }
  read_layer_kinds (&r, &c);
  if (r.status == QE_OK)
    *out = c;
  return r.status;
}
