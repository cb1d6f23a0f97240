/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdint.h>

/* One row of a model's input: a token, or a piece of a picture. */
typedef struct {
  uint64_t id;            /* equal for rows of equal content: a token's id, or a hash of the picture and the place */
  const float *embedding; /* [n_embd] of a picture; NULL for a token */
  int32_t token;          /* -1 for a picture */
  uint32_t position[3];   /* time, height, width (engine/doc/qwen35.md §9.4) */
} QeRow;
