/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qe-error.h"
#include "vision/qe-vision-private.h"

/* Checks that a vision file holds the keys and tensors of engine/doc/qwen35.md §9.1. It trusts nothing: each number has
 * a plausible range, and each tensor must have the shape that the numbers ask for. */

#define DEFAULT_MIN_PIXELS 65536 /* the family's image processor, if the file does not say */
#define DEFAULT_MAX_PIXELS 16777216
#define LARGEST_MAX_PIXELS (1u << 28)

/* The first failure sticks and later steps do nothing, so a list of steps needs no checks in between. */
typedef struct {
  QeVision *vision;
  QeError *err;
  QeStatus status;
  float *next; /* free room in vision->vectors; NULL: only check */
} Reader;

static bool
string_is (const QeGguf *gguf, const char *key, const char *value)
{
  const char *s;
  size_t length;

  return qe_gguf_get_string (gguf, key, &s, &length) && length == strlen (value) && !memcmp (s, value, length);
}

/* An integer key that must be in [low, high]. */
static void
read_u32 (Reader *r, const char *key, uint32_t low, uint32_t high, uint32_t *out)
{
  uint64_t value;

  if (r->status != QE_OK)
    return;
  if (!qe_gguf_get_u64 (r->vision->gguf, key, &value))
    r->status = qe_fail (r->err, QE_ERROR_FORMAT, "The vision file does not say its “%s”.", key);
  else if (value < low || value > high)
    r->status = qe_fail (r->err, QE_ERROR_FORMAT, "The vision file’s “%s” is %llu, which cannot be.", key,
                         (unsigned long long) value);
  else
    *out = (uint32_t) value;
}

/* Reads three numbers, one for each colour. If the key is missing, each is `absent`. */
static void
read_colours (Reader *r, const char *key, float absent, float out[3])
{
  uint64_t length;

  for (size_t i = 0; i < 3; i++)
    out[i] = absent;
  if (r->status != QE_OK || !qe_gguf_array_length (r->vision->gguf, key, &length))
    return;
  for (size_t i = 0; i < 3; i++) {
    double value;
    if (length != 3 || !qe_gguf_array_f64 (r->vision->gguf, key, i, &value) || !(fabs (value) < 1e3)) {
      r->status = qe_fail (r->err, QE_ERROR_FORMAT, "The vision file’s “%s” is not three ordinary numbers.", key);
      return;
    }
    out[i] = (float) value;
  }
}

static void
check_kind (Reader *r)
{
  const QeGguf *gguf = r->vision->gguf;
  char architecture[64], projector[64];
  bool encoder, silu;

  qe_gguf_copy_string (gguf, "general.architecture", architecture, sizeof architecture);
  qe_gguf_copy_string (gguf,
                       qe_gguf_has (gguf, "clip.vision.projector_type") ? "clip.vision.projector_type"
                                                                        : "clip.projector_type",
                       projector, sizeof projector);
  if (!string_is (gguf, "general.architecture", "clip") && qe_gguf_find (gguf, "v.patch_embed.weight"))
    r->status =
        qe_fail (r->err, QE_ERROR_UNSUPPORTED,
                 "The vision encoder inside this file is stored in Ollama's way, which Quern cannot read. For pictures,"
                 " put the model's vision file (mmproj) into the same folder.");
  else if (!string_is (gguf, "general.architecture", "clip"))
    r->status = qe_fail (r->err, QE_ERROR_UNSUPPORTED, "This is not a vision file: its architecture is “%s”.",
                         architecture);
  else if (!qe_gguf_get_bool (gguf, "clip.has_vision_encoder", &encoder) || !encoder)
    r->status = qe_fail (r->err, QE_ERROR_UNSUPPORTED, "This file has no vision encoder.");
  else if (strcmp (projector, "qwen3vl_merger"))
    r->status = qe_fail (r->err, QE_ERROR_UNSUPPORTED,
                         "This vision file is for another family of models (“%s”);"
                         " Quern runs those of Qwen 3.5 (“qwen3vl_merger”).",
                         projector);
  else if (qe_gguf_get_bool (gguf, "clip.use_silu", &silu) && silu)
    r->status = qe_fail (r->err, QE_ERROR_UNSUPPORTED, "This vision file uses SiLU, which Qwen 3.5 does not.");
}

QeStatus
qe_vision_read_header (QeVision *vision, QeError *err)
{
  Reader r = { vision, err, QE_OK, NULL };
  QeVisionInfo *info = &vision->info;
  const char *deepstack = "clip.vision.is_deepstack_layers";
  uint64_t length = 0, value;
  double eps = 1e-6;

  check_kind (&r);
  qe_gguf_copy_string (vision->gguf, "general.name", info->name, sizeof info->name);
  qe_gguf_read_names (vision->gguf, &info->names);
  info->file_bytes = qe_gguf_file_bytes (vision->gguf);
  read_u32 (&r, "clip.vision.projection_dim", 1, 1 << 17, &info->n_embd_out);
  read_u32 (&r, "clip.vision.block_count", 1, 512, &info->n_layers);
  read_u32 (&r, "clip.vision.embedding_length", 4, 1 << 15, &info->n_embd);
  read_u32 (&r, "clip.vision.feed_forward_length", 1, 1 << 17, &info->n_ff);
  read_u32 (&r, "clip.vision.attention.head_count", 1, 1024, &info->n_heads);
  read_u32 (&r, "clip.vision.patch_size", 1, 64, &info->patch_size);
  read_u32 (&r, "clip.vision.spatial_merge_size", 1, 8, &info->merge_size);
  if (r.status == QE_OK && (info->n_embd % info->n_heads || info->n_embd / info->n_heads % 4))
    r.status = qe_fail (r.err, QE_ERROR_FORMAT, "The vision file’s %u numbers cannot be shared by %u heads.",
                        info->n_embd, info->n_heads);
  if (r.status == QE_OK) {
    const uint64_t factor = (uint64_t) info->patch_size * info->merge_size;

    info->min_pixels = DEFAULT_MIN_PIXELS;
    info->max_pixels = DEFAULT_MAX_PIXELS;
    qe_gguf_get_u64 (vision->gguf, "clip.vision.image_min_pixels", &info->min_pixels);
    qe_gguf_get_u64 (vision->gguf, "clip.vision.image_max_pixels", &info->max_pixels);
    if (info->max_pixels > LARGEST_MAX_PIXELS || info->min_pixels > info->max_pixels
        || info->max_pixels < factor * factor)
      r.status = qe_fail (err, QE_ERROR_FORMAT,
                          "The vision file asks for pictures of %llu to %llu pixels, which"
                          " cannot be.",
                          (unsigned long long) info->min_pixels, (unsigned long long) info->max_pixels);
  }
  if (!qe_gguf_array_length (vision->gguf, deepstack, &length))
    length = 0;
  for (uint64_t i = 0; r.status == QE_OK && i < length && i < info->n_layers; i++)
    if (qe_gguf_array_u64 (vision->gguf, deepstack, i, &value) && value)
      r.status = qe_fail (err, QE_ERROR_UNSUPPORTED,
                          "This vision file feeds several layers of its model"
                          " (deepstack), which is Qwen 3 VL, not Qwen 3.5.");
  read_colours (&r, "clip.vision.image_mean", 0.5f, vision->mean);
  read_colours (&r, "clip.vision.image_std", 0.5f, vision->deviation);
  qe_gguf_get_f64 (vision->gguf, "clip.vision.attention.layer_norm_epsilon", &eps);
  vision->eps = (float) eps;
  if (r.status == QE_OK && !(eps >= 0 && eps < 1))
    return qe_fail (err, QE_ERROR_FORMAT, "The vision file’s layer norm epsilon is not a small number.");
  for (size_t i = 0; r.status == QE_OK && i < 3; i++)
    if (!(vision->deviation[i] > 1e-6f))
      return qe_fail (err, QE_ERROR_FORMAT, "The vision file’s “clip.vision.image_std” is not positive.");
  return r.status;
}

/* Finds the tensor of that name, which must have the shape ne (0 ends it). Returns NULL after a failure. */
static const QeTensor *
find (Reader *r, const uint64_t ne[4], const char *name)
{
  const QeTensor *tensor;

  if (r->status != QE_OK)
    return NULL;
  tensor = qe_gguf_find (r->vision->gguf, name);
  if (!tensor) {
    r->status = qe_fail (r->err, QE_ERROR_FORMAT, "The vision file lacks the tensor “%s”.", name);
    return NULL;
  }
  for (size_t i = 0; i < 4; i++)
    if (tensor->ne[i] != (ne[i] ? ne[i] : 1)) {
      r->status = qe_fail (r->err, QE_ERROR_FORMAT,
                           "The vision file’s tensor “%s” has the shape %llu × %llu × %llu ×"
                           " %llu, not the one that its header asks for.",
                           name, (unsigned long long) tensor->ne[0], (unsigned long long) tensor->ne[1],
                           (unsigned long long) tensor->ne[2], (unsigned long long) tensor->ne[3]);
      return NULL;
    }
  return tensor;
}

static const QeTensor *
matrix (Reader *r, uint64_t columns, uint64_t rows, const char *name)
{
  return find (r, (const uint64_t[4]) { columns, rows }, name);
}

/* Makes an f32 copy of a tensor of n elements and adds it to the fingerprint. Returns NULL after a failure, or without
 * data. */
static float *
copy (Reader *r, const QeTensor *tensor, size_t n)
{
  float *out = r->next;

  if (r->status != QE_OK || !out)
    return NULL;
  qe_dequantise (tensor->type, tensor->data, out, n);
  for (size_t i = 0; i < n; i++)
    if (!isfinite (out[i])) {
      r->status = qe_fail (r->err, QE_ERROR_FORMAT,
                           "The vision file’s tensor “%s” holds a number that is not finite:"
                           " the file is damaged. Download it again.",
                           tensor->name);
      return NULL;
    }
  r->vision->fingerprint = qe_vision_hash (r->vision->fingerprint, out, n * sizeof *out);
  r->next += n;
  return out;
}

static const float *
vector (Reader *r, uint64_t n, const char *name)
{
  return copy (r, matrix (r, n, 1, name), n);
}

static const char *
block_name (char name[64], uint32_t i, const char *part)
{
  snprintf (name, 64, "v.blk.%u.%s", i, part);
  return name;
}

static void
read_all (Reader *r)
{
  QeVision *vision = r->vision;
  const QeVisionInfo *info = &vision->info;
  uint64_t h = info->n_embd, m = info->n_ff, k = h * info->merge_size * info->merge_size;

  for (uint32_t i = 0; i < info->n_layers; i++) {
    QeVisionBlock *block = &vision->blocks[i];
    char name[64];

    block->ln1_weight = vector (r, h, block_name (name, i, "ln1.weight"));
    block->ln1_bias = vector (r, h, block_name (name, i, "ln1.bias"));
    block->ln2_weight = vector (r, h, block_name (name, i, "ln2.weight"));
    block->ln2_bias = vector (r, h, block_name (name, i, "ln2.bias"));
    block->qkv = matrix (r, h, 3 * h, block_name (name, i, "attn_qkv.weight"));
    block->qkv_bias = vector (r, 3 * h, block_name (name, i, "attn_qkv.bias"));
    block->out = matrix (r, h, h, block_name (name, i, "attn_out.weight"));
    block->out_bias = vector (r, h, block_name (name, i, "attn_out.bias"));
    block->up = matrix (r, h, m, block_name (name, i, "ffn_up.weight"));
    block->up_bias = vector (r, m, block_name (name, i, "ffn_up.bias"));
    block->down = matrix (r, m, h, block_name (name, i, "ffn_down.weight"));
    block->down_bias = vector (r, h, block_name (name, i, "ffn_down.bias"));
  }
  vision->patch_bias = vector (r, h, "v.patch_embd.bias");
  /* The table of positions may have any square size. */
  const QeTensor *positions = qe_gguf_find (vision->gguf, "v.position_embd.weight");
  const uint64_t n = positions ? positions->ne[1] : 1, side = (uint64_t) llround (sqrt ((double) n));
  matrix (r, h, n, "v.position_embd.weight");
  if (r->status == QE_OK && (n > 1 << 20 || side * side != n))
    r->status = qe_fail (r->err, QE_ERROR_FORMAT, "The vision file’s table of %llu positions is not a square.",
                         (unsigned long long) n);
  vision->positions = copy (r, positions, h * n);
  vision->position_side = (uint32_t) side;
  vision->info.n_positions = (uint32_t) n;
  vision->post_weight = vector (r, h, "v.post_ln.weight");
  vision->post_bias = vector (r, h, "v.post_ln.bias");
  vision->mm0 = matrix (r, k, k, "mm.0.weight");
  vision->mm0_bias = vector (r, k, "mm.0.bias");
  vision->mm2 = matrix (r, k, info->n_embd_out, "mm.2.weight");
  vision->mm2_bias = vector (r, info->n_embd_out, "mm.2.bias");
  /* The kernels of both frames are added: [h][3][patch][patch]. */
  const uint64_t ne[4] = { info->patch_size, info->patch_size, 3, h };
  const size_t n_weights = 3 * ne[0] * ne[1] * h;
  float *weights = copy (r, find (r, ne, "v.patch_embd.weight"), n_weights);
  float *second = copy (r, find (r, ne, "v.patch_embd.weight.1"), n_weights);
  for (size_t i = 0; second && i < n_weights; i++)
    weights[i] += second[i];
  if (second) {
    r->next = second; /* the second kernel's room is free again */
    vision->patch_weight = weights;
  }
}

QeStatus
qe_vision_read_tensors (QeVision *vision, bool with_data, QeError *err)
{
  Reader r = { vision, err, QE_OK, NULL };

  for (size_t i = 0; i < qe_gguf_n_tensors (vision->gguf); i++) {
    const QeTensor *t = qe_gguf_tensor (vision->gguf, i);
    vision->info.parameters += t->ne[0] * t->ne[1] * t->ne[2] * t->ne[3];
  }
  vision->blocks = calloc (vision->info.n_layers, sizeof *vision->blocks);
  if (!vision->blocks)
    return qe_fail (err, QE_ERROR_MEMORY, "There is not enough memory to open a vision file.");
  read_all (&r); /* checks every shape before anything of that size is allocated */
  if (r.status != QE_OK || !with_data)
    return r.status;
  /* The floats of all f32 copies. The file holds tensors of that size, so a false header cannot ask for much. */
  const QeVisionInfo *info = &vision->info;
  const size_t h = info->n_embd, m = info->n_ff, patch = 3 * (size_t) info->patch_size * info->patch_size;
  const size_t n_vectors = (9 * h + m) * info->n_layers + 2 * patch * h + h + info->n_positions * h + 2 * h
                           + h * info->merge_size * info->merge_size + info->n_embd_out;
  vision->vectors = malloc (n_vectors * sizeof (float));
  if (!vision->vectors)
    return qe_fail (err, QE_ERROR_MEMORY, "There is not enough memory to open a vision file.");
  r.next = vision->vectors;
  read_all (&r);
  return r.status;
}
