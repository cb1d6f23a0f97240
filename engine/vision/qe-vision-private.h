/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "format/gguf/qe-gguf.h"
#include "qe.h"

/* The weights of the tower. Vectors are f32 copies; matrices stay in the file's mapping and in the file's types. h =
 * info.n_embd, m = info.n_ff, k = h * merge_size² */

typedef struct {
  const float *ln1_weight, *ln1_bias, *ln2_weight, *ln2_bias; /* [h] */
  const float *qkv_bias, *out_bias, *up_bias, *down_bias;     /* [3h] [h] [m] [h] */
  const QeTensor *qkv, *out, *up, *down;                      /* [3h][h] [h][h] [m][h] [h][m] */
} QeVisionBlock;

struct QeVision {
  QeGguf *gguf;
  QeVisionInfo info;
  uint64_t limit;       /* in pixels; at most info.max_pixels */
  uint64_t fingerprint; /* hash of the weights, part of an image's hash */
  float eps;
  float mean[3], deviation[3];
  const float *patch_weight; /* [h][3][patch][patch]: the kernels of both frames added, as a still picture fills both */
  const float *patch_bias;   /* [h] */
  const float *positions;    /* [side][side][h] */
  uint32_t position_side;
  QeVisionBlock *blocks;                /* [n_layers], owned */
  const float *post_weight, *post_bias; /* [h] */
  const float *mm0_bias, *mm2_bias;     /* [k] [n_embd_out] */
  const QeTensor *mm0, *mm2;            /* [k][k] [n_embd_out][k] */
  float *vectors;                       /* storage of all f32 copies, owned */
};

/* Returns a 64-bit hash of `size` bytes, continuing from `seed`. */
uint64_t qe_vision_hash (uint64_t seed, const void *data, size_t size);

/* The first function reads the header: info, eps, mean, deviation, limits. The second checks every tensor, whose shape
 * must agree with the header. With with_data (mapped data) it also makes the f32 copies, which must be finite. */
QeStatus qe_vision_read_header (QeVision *vision, QeError *err);
QeStatus qe_vision_read_tensors (QeVision *vision, bool with_data, QeError *err);
