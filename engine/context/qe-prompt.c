/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "context/qe-prompt.h"

#include <stdlib.h>

#include "qe-error.h"
#include "vision/qe-image.h"

QePrompt *
qe_prompt_new (void)
{
  return calloc (1, sizeof (QePrompt));
}

void
qe_prompt_free (QePrompt *prompt)
{
  if (!prompt)
    return;
  for (size_t i = 0; i < prompt->n_images; i++)
    qe_image_free (prompt->images[i]);
  free (prompt->images);
  free (prompt->marks);
  free (prompt->rows);
  free (prompt);
}

static QeStatus
make_room (QePrompt *p, size_t n, QeError *err)
{
  size_t size = p->n_allocated ? p->n_allocated : 256;
  QeRow *rows;
  if (n > INT32_MAX - p->n)
    return qe_fail (err, QE_ERROR_ARGUMENT, "The prompt is too long.");
  while (size < p->n + n)
    size *= 2;
  if (size == p->n_allocated)
    return QE_OK;
  rows = realloc (p->rows, size * sizeof *rows);
  if (!rows)
    return qe_fail (err, QE_ERROR_MEMORY, "There is not enough memory for the prompt.");
  p->rows = rows;
  p->n_allocated = size;
  return QE_OK;
}

QeStatus
qe_prompt_add_tokens (QePrompt *prompt, const int32_t *ids, size_t n, QeError *err)
{
  QeStatus status = make_room (prompt, n, err);
  for (size_t i = 0; status == QE_OK && i < n; i++)
    prompt->rows[prompt->n++] = qe_row_of_token (ids[i], prompt->next_position++);
  return status;
}

QeStatus
qe_prompt_add_image (QePrompt *prompt, QeImage *image, QeError *err)
{
  const QeImagePlan *plan = qe_image_plan (image);
  const uint32_t start = prompt->next_position, n_embd = qe_image_n_embd (image);
  QeImage **images;
  QeStatus status = make_room (prompt, plan->n_tokens, err);
  if (status != QE_OK)
    return status;
  if (prompt->n_embd && prompt->n_embd != n_embd)
    return qe_fail (err, QE_ERROR_ARGUMENT, "The pictures were prepared for different models.");
  images = realloc (prompt->images, (prompt->n_images + 1) * sizeof *images);
  if (!images)
    return qe_fail (err, QE_ERROR_MEMORY, "There is not enough memory for the prompt.");
  prompt->images = images;
  images[prompt->n_images++] = qe_image_ref (image);
  prompt->n_embd = n_embd;
  for (uint32_t i = 0; i < plan->n_tokens; i++) {
    /* The id depends only on the picture and the place in it, so that it is the same in every process. */
    uint64_t z = qe_image_hash (image) + (i + 1) * UINT64_C (0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C (0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C (0x94d049bb133111eb);
    prompt->rows[prompt->n++] = (QeRow) {
      .id = (z ^ z >> 31) | QE_ROW_IMAGE,
      .embedding = qe_image_embeddings (image) + (size_t) i * n_embd,
      .token = -1,
      .position = { start, start + i / plan->columns, start + i % plan->columns },
    };
  }
  prompt->next_position += plan->columns > plan->rows ? plan->columns : plan->rows;
  return QE_OK;
}

/* A mark is only a hint, so it is dropped if there is no memory for it. */
void
qe_prompt_mark (QePrompt *prompt)
{
  size_t *marks;
  if (!prompt->n || (prompt->n_marks && prompt->marks[prompt->n_marks - 1] == prompt->n))
    return;
  marks = realloc (prompt->marks, (prompt->n_marks + 1) * sizeof *marks);
  if (!marks)
    return;
  prompt->marks = marks;
  marks[prompt->n_marks++] = prompt->n;
}

size_t
qe_prompt_length (const QePrompt *prompt)
{
  return prompt->n;
}
