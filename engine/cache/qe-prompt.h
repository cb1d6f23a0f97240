/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "model/qe-row.h"
#include "qe.h"

struct QePrompt {
  QeRow *rows;
  size_t n, n_allocated;
  uint32_t next_position; /* of the row that would come next */
  uint32_t n_embd;        /* of the pictures' rows, 0 without */
  QeImage **images;
  size_t n_images;
  size_t *marks; /* ascending numbers of rows */
  size_t n_marks;
};

/* The row of a token at a position. */
static inline QeRow
qe_row_of_token (int32_t token, uint32_t position)
{
  return (QeRow) { .key = (uint32_t) token, .token = token, .position = { position, position, position } };
}

#define QE_ROW_IMAGE (UINT64_C (1) << 63) /* in the key of a picture's row */
