/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "vision/qe-vision-private.h"

/* Shows a test the values between pixels and embeddings. The functions are called on the encoding thread. */
typedef struct {
  void (*resized) (void *data, const uint8_t *pixels, const QeImagePlan *plan);  /* [height][width][3] */
  void (*encoded) (void *data, const float *x, size_t n_patches, size_t n_embd); /* after the last block */
  void *data;
} QeVisionTrace;

/* Calls qe_vision_encode() with a trace, which may be NULL. */
QeStatus qe_vision_encode_traced (const QeVision *vision, const uint8_t *rgb, uint32_t width, uint32_t height,
                                  size_t stride, unsigned n_threads, const QeControl *control,
                                  const QeVisionTrace *trace, QeImage **out, QeError *err);
