/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "model/qe-row.h"
#include "qe.h"

struct QePrompt {
  QeRow *rows;
  size_t n, n_allocated;
  uint32_t next_position; /* position of the next row */
  uint32_t n_embd;        /* width of the pictures' rows, 0 without pictures */
  QeImage **images;
  size_t n_images;
  size_t *marks; /* ascending row numbers */
  size_t n_marks;
};

/* Makes the row of a token at a position. */
static inline QeRow
qe_row_of_token (int32_t token, uint32_t position)
{
  return (QeRow) { .id = (uint32_t) token, .token = token, .position = { position, position, position } };
}

#define QE_ROW_IMAGE (UINT64_C (1) << 63) /* set in the ids of pictures' rows */
