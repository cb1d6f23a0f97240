/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A vision file: opened, and when it opens, used. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "qe.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
use (QeVision *vision)
{
  static uint8_t rgb[24 * 16 * 3];
  QeImagePlan plan;
  QeImage *image = NULL;
  QeError err;

  for (size_t i = 0; i < sizeof rgb; i++)
    rgb[i] = (uint8_t) (i * 37);
  qe_vision_limit_pixels (vision, 1024);
  /* a sound file may ask for more than a fuzzer has time for */
  if (qe_vision_plan (vision, 24, 16, &plan, &err) == QE_OK && plan.width * plan.height <= 8192
      && qe_vision_info (vision)->parameters < 1 << 20)
    qe_vision_encode (vision, rgb, 24, 16, 72, 1, NULL, &image, &err);
  qe_image_free (image);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  int fd = memfd_create ("fuzz-vision", MFD_CLOEXEC);
  char path[64];
  QeVision *vision = NULL;
  QeError err;

  if (fd < 0 || write (fd, data, size) != (ssize_t) size)
    return -1;
  snprintf (path, sizeof path, "/proc/self/fd/%d", fd);
  if (qe_vision_open (&vision, path, NULL, &err) == QE_OK)
    use (vision);
  qe_vision_free (vision);
  close (fd);
  return 0;
}
