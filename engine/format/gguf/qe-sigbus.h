/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/* Read-only mappings of files that may be truncated while they are read.
 *
 * Touching a page past the new end of a truncated file raises SIGBUS, which would end the application. A process-wide
 * handler catches it for the mappings made here: it puts zero pages over the rest of the mapping, marks it as lost and
 * lets the reader go on. The reader computes nonsense until the next qe_mapping_lost() check, but nothing breaks.
 * A SIGBUS from anywhere else goes to the handler that was installed before. */
typedef struct QeMappingNode QeMappingNode;

/* Mappings start at a multiple of this many bytes: what the page cache holds in huge pages can then be mapped as such. */
#define QE_HUGE_PAGE ((size_t) 2 << 20)

typedef struct {
  void *data; /* NULL: nothing mapped */
  size_t size;
  QeMappingNode *node;
} QeMapping;

bool qe_mapping_open (QeMapping *mapping, int fd, size_t size); /* false: errno says why */
void qe_mapping_close (QeMapping *mapping);
bool qe_mapping_lost (const QeMapping *mapping);
