/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Memory that is given back all at once. */
typedef struct QeArenaBlock QeArenaBlock;
typedef struct {
  QeArenaBlock *block; /* the newest; older ones hang on it */
  size_t total;        /* bytes of all blocks */
  size_t limit;        /* what `total` may not exceed */
} QeArena;

/* 16-byte aligned, not cleared. NULL when there is no memory, or when the limit forbids more. */
void *qe_arena_alloc (QeArena *arena, size_t size);
/* Makes the piece that was allocated last longer where it is; false when it is another one, or when the block is full. */
bool qe_arena_extend (QeArena *arena, void *piece, size_t old_size, size_t new_size);
void qe_arena_clear (QeArena *arena);
