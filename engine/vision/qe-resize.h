/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "qe.h"

/* The limits of a resize that keeps the aspect ratio. Both sides become multiples of `factor`. */
typedef struct {
  uint32_t factor;
  uint64_t min_pixels, max_pixels;
} QeResizeLimits;

/* Computes the size that the family's image processor gives to a picture. Fails with QE_ERROR_ARGUMENT for pictures
 * without pixels, with sides over QE_RESIZE_MAX_SIDE, or more than 200 times longer than wide. */
#define QE_RESIZE_MAX_SIDE 65536
QeStatus qe_resize_plan (const QeResizeLimits *limits, uint32_t width, uint32_t height, uint32_t *out_width,
                         uint32_t *out_height, QeError *err);

/* Resizes 8-bit RGB (rows of `stride` bytes) to out [out_height][out_width][3] with the antialiased bicubic filter (a =
 * -0.5) in fixed point. The result equals the family's reference byte for byte. Fails only with QE_ERROR_MEMORY. */
QeStatus qe_resize_bicubic (const uint8_t *rgb, uint32_t width, uint32_t height, size_t stride, uint8_t *out,
                            uint32_t out_width, uint32_t out_height, QeError *err);
