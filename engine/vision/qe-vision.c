/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vision/qe-vision-private.h"

#include <stdlib.h>
#include <string.h>

#include "qe-error.h"
#include "vision/qe-resize.h"

/* Opens, shares and plans. qe-vision-load.c checks the contents of a file, and qe-vision-encode.c computes. */

uint64_t
qe_vision_hash (uint64_t seed, const void *data, size_t size)
{
  const unsigned char *p = data;
  uint64_t hash = seed ^ size * 0x9e3779b97f4a7c15u;

  for (; size; p += 8) {
    uint64_t word = 0;
    size_t n = size < 8 ? size : 8;
    memcpy (&word, p, n);
    size -= n;
    hash = (hash ^ word) * 0xff51afd7ed558ccdu;
    hash ^= hash >> 32;
  }
  return hash;
}

static QeStatus
vision_open (QeVision **out, const char *path, bool with_data, QeError *err)
{
  QeVision *vision = calloc (1, sizeof *vision);
  QeStatus status;

  if (!vision)
    return qe_fail (err, QE_ERROR_MEMORY, "There is not enough memory to open a vision file.");
  status = qe_gguf_open (&vision->gguf, path, with_data, err);
  if (status == QE_OK)
    status = qe_vision_read_header (vision, err);
  if (status == QE_OK)
    status = qe_vision_read_tensors (vision, with_data, err);
  if (status != QE_OK) {
    qe_vision_free (vision);
    return status;
  }
  vision->limit = vision->info.max_pixels;
  *out = vision;
  return QE_OK;
}

QeStatus
qe_vision_probe (const char *path, QeVisionInfo *out, QeError *err)
{
  QeVision *vision;
  QeStatus status = vision_open (&vision, path, false, err);

  if (status != QE_OK)
    return status;
  *out = vision->info;
  qe_vision_free (vision);
  return QE_OK;
}

QeStatus
qe_vision_open (QeVision **out, const char *path, const QeModel *model, QeError *err)
{
  QeVision *vision;
  QeStatus status = vision_open (&vision, path, true, err);

  if (status != QE_OK)
    return status;
  if (model && qe_model_info (model)->n_embd != vision->info.n_embd_out) {
    status = qe_fail (err, QE_ERROR_ARGUMENT,
                      "This vision file belongs to another model: its pictures are %u numbers"
                      " wide, the model’s tokens %u. Get the vision file that comes with the model.",
                      vision->info.n_embd_out, qe_model_info (model)->n_embd);
    qe_vision_free (vision);
    return status;
  }
  *out = vision;
  return QE_OK;
}

void
qe_vision_free (QeVision *vision)
{
  if (!vision)
    return;
  free (vision->vectors);
  free (vision->blocks);
  qe_gguf_free (vision->gguf);
  free (vision);
}

const QeVisionInfo *
qe_vision_info (const QeVision *vision)
{
  return &vision->info;
}

void
qe_vision_limit_pixels (QeVision *vision, uint64_t max_pixels)
{
  const QeVisionInfo *info = &vision->info;

  vision->limit = max_pixels && max_pixels < info->max_pixels ? max_pixels : info->max_pixels;
  if (vision->limit < info->min_pixels)
    vision->limit = info->min_pixels;
}

QeStatus
qe_vision_plan (const QeVision *vision, uint32_t width, uint32_t height, QeImagePlan *out, QeError *err)
{
  uint32_t factor = vision->info.patch_size * vision->info.merge_size;
  QeResizeLimits limits = { factor, vision->info.min_pixels, vision->limit };
  QeImagePlan plan;
  QeStatus status = qe_resize_plan (&limits, width, height, &plan.width, &plan.height, err);

  if (status != QE_OK)
    return status;
  plan.columns = plan.width / factor;
  plan.rows = plan.height / factor;
  plan.n_tokens = plan.columns * plan.rows;
  *out = plan;
  return QE_OK;
}
