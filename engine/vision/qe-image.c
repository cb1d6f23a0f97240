/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vision/qe-image.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "qe-error.h"

struct QeImage {
  atomic_uint refs;
  QeImagePlan plan;
  uint32_t n_embd;
  uint64_t hash;
  float *embeddings; /* [plan.n_tokens][n_embd], owned */
};

QeStatus
qe_image_new (QeImage **out, const QeImagePlan *plan, uint32_t n_embd, float *embeddings, uint64_t hash, QeError *err)
{
  QeImage *image = malloc (sizeof *image);
  if (!image) {
    free (embeddings);
    return qe_fail (err, QE_ERROR_MEMORY, "There is not enough memory for a picture.");
  }
  atomic_init (&image->refs, 1);
  image->plan = *plan;
  image->n_embd = n_embd;
  image->hash = hash;
  image->embeddings = embeddings;
  *out = image;
  return QE_OK;
}

QeImage *
qe_image_ref (QeImage *image)
{
  atomic_fetch_add_explicit (&image->refs, 1, memory_order_relaxed);
  return image;
}

void
qe_image_free (QeImage *image)
{
  if (!image || atomic_fetch_sub_explicit (&image->refs, 1, memory_order_acq_rel) != 1)
    return;
  free (image->embeddings);
  free (image);
}

const QeImagePlan *
qe_image_plan (const QeImage *image)
{
  return &image->plan;
}

const float *
qe_image_embeddings (const QeImage *image)
{
  return image->embeddings;
}

uint32_t
qe_image_n_embd (const QeImage *image)
{
  return image->n_embd;
}

uint64_t
qe_image_hash (const QeImage *image)
{
  return image->hash;
}
