/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/template/qe-arena.h"

#include <stdlib.h>

#define FIRST_BLOCK ((size_t) 16 << 10)
#define LARGEST_BLOCK ((size_t) 1 << 20)

struct QeArenaBlock {
  QeArenaBlock *older;
  size_t used, size;
  _Alignas (16) char data[];
};

static size_t
round_up (size_t size)
{
  return (size + 15) & ~(size_t) 15;
}

void *
qe_arena_alloc (QeArena *arena, size_t size)
{
  if (size > arena->limit)
    return NULL;
  size = round_up (size ? size : 1);
  QeArenaBlock *block = arena->block;
  if (!block || block->size - block->used < size) {
    size_t capacity = arena->block ? arena->block->size * 2 : FIRST_BLOCK;
    capacity = capacity > LARGEST_BLOCK ? LARGEST_BLOCK : capacity;
    capacity = capacity < size ? size : capacity;
    if (capacity > arena->limit - arena->total)
      capacity = size;
    if (capacity > arena->limit - arena->total)
      return NULL;
    block = malloc (sizeof *block + capacity);
    if (!block)
      return NULL;
    block->older = arena->block;
    block->used = 0;
    block->size = capacity;
    arena->block = block;
    arena->total += capacity;
  }
  void *piece = block->data + block->used;
  block->used += size;
  return piece;
}

bool
qe_arena_extend (QeArena *arena, void *piece, size_t old_size, size_t new_size)
{
  QeArenaBlock *block = arena->block;
  size_t old = round_up (old_size ? old_size : 1), more = round_up (new_size) - old;
  if (!piece || (char *) piece + old != block->data + block->used || more > block->size - block->used)
    return false;
  block->used += more;
  return true;
}

void
qe_arena_clear (QeArena *arena)
{
  while (arena->block) {
    QeArenaBlock *older = arena->block->older;
    free (arena->block);
    arena->block = older;
  }
  arena->total = 0;
}
