/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What Quern itself reads of a picture file. The decoders are not ours to fuzz. */
#include <stdint.h>

#include "quern-picture-header.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  gsize cursor = 0, n = 0;
  guint32 width, height;

  while (quern_picture_header_next_box (data, size, &cursor, &width, &height))
    if (++n > size)
      return -1; /* more boxes than bytes: it does not move on */
  quern_picture_header_is_whole (data, size);
  return quern_picture_header_orientation (data, size) <= 8 ? 0 : -1;
}
