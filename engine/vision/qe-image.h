/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "qe.h"

/* A picture as the language model sees it: n_embd floats for each of plan->n_tokens tokens, in rows of the token grid.
 * It never changes, so any number of threads may read it. */

/* Takes ownership of `embeddings` [plan->n_tokens * n_embd] (from malloc()), also on failure. `hash` identifies the
 * content: the same picture, resized to the same size, through the same vision file. */
QeStatus qe_image_new (QeImage **out, const QeImagePlan *plan, uint32_t n_embd, float *embeddings, uint64_t hash,
                       QeError *err);
const float *qe_image_embeddings (const QeImage *image); /* [n_tokens][n_embd] */
uint32_t qe_image_n_embd (const QeImage *image);
uint64_t qe_image_hash (const QeImage *image); /* an equal hash means equal rows */
