/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A hash table from names (borrowed, not NUL-terminated) to numbers. */
typedef struct {
  const char *name; /* NULL: free */
  uint32_t length;
  uint32_t id;
} QeNameSlot;

typedef struct {
  QeNameSlot *slots;
  size_t mask;
  uint64_t seed;
} QeNameIndex;

/* Room for n names; false when out of memory. */
bool qe_name_index_init (QeNameIndex *index, size_t n);
void qe_name_index_clear (QeNameIndex *index);
/* False when the name is there already. Never more than n insertions. */
bool qe_name_index_add (QeNameIndex *index, const char *name, size_t length, uint32_t id);
bool qe_name_index_find (const QeNameIndex *index, const char *name, size_t length, uint32_t *id);
