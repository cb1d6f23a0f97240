/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "qe-test-picture.h"

#include <png.h>

bool
qe_test_picture_load (QeTestPicture *out, const char *path)
{
  png_image image = { .version = PNG_IMAGE_VERSION };
  uint8_t *rgb = NULL;
  bool ok = png_image_begin_read_from_file (&image, path);

  if (ok) {
    image.format = PNG_FORMAT_RGB;
    rgb = malloc (PNG_IMAGE_SIZE (image));
    ok = rgb && png_image_finish_read (&image, NULL, rgb, 0, NULL);
  }
  if (!qe_test_check (ok, __FILE__, __LINE__, "reading %s: %s", path, image.message)) {
    free (rgb);
    return false;
  }
  *out = (QeTestPicture) { image.width, image.height, rgb };
  return true;
}

void
qe_test_picture_clear (QeTestPicture *picture)
{
  free (picture->rgb);
  *picture = (QeTestPicture) { 0 };
}
