/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/quern-vision.h"

QeStatus
_quern_vision_open (QeVision **out, const char *path, const QeModel *weights, QeError *error)
{
  QeStatus status = qe_vision_open (out, path, weights, error);

  if (status == QE_OK)
    qe_vision_limit_pixels (*out, QUERN_VISION_MAX_PIXELS);
  return status;
}
