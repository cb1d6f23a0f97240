/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/gguf/qe-name-index.h"

#include <stdlib.h>
#include <string.h>

bool
qe_name_index_init (QeNameIndex *index, size_t n)
{
  size_t size = 8;
  while (size < n * 2)
    size *= 2;
  index->slots = calloc (size, sizeof *index->slots);
  index->mask = size - 1;
  index->seed = (uintptr_t) index->slots * 0x9e3779b97f4a7c15u;
  return index->slots != NULL;
}

void
qe_name_index_clear (QeNameIndex *index)
{
  free (index->slots);
  *index = (QeNameIndex) { 0 };
}

/* The slot that holds the name, or the free one where it belongs. */
static QeNameSlot *
find_slot (const QeNameIndex *index, const char *name, size_t length)
{
  /* FNV-1a with a final mix. The seed differs from run to run, so that a file cannot be made to collide. */
  uint64_t h = index->seed ^ 0xcbf29ce484222325u;
  for (size_t i = 0; i < length; i++)
    h = (h ^ (uint8_t) name[i]) * 0x100000001b3u;
  h ^= h >> 32;
  h *= 0x9e3779b97f4a7c15u;
  for (size_t i = (h ^ h >> 29) & index->mask;; i = (i + 1) & index->mask) {
    QeNameSlot *slot = &index->slots[i];
    if (!slot->name || (slot->length == length && memcmp (slot->name, name, length) == 0))
      return slot;
  }
}

bool
qe_name_index_add (QeNameIndex *index, const char *name, size_t length, uint32_t id)
{
  QeNameSlot *slot = find_slot (index, name, length);
  if (slot->name)
    return false;
  *slot = (QeNameSlot) { .name = name, .length = (uint32_t) length, .id = id };
  return true;
}

bool
qe_name_index_find (const QeNameIndex *index, const char *name, size_t length, uint32_t *id)
{
  if (!index->slots)
    return false;
  const QeNameSlot *slot = find_slot (index, name, length);
  if (!slot->name)
    return false;
  *id = slot->id;
  return true;
}
