/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "qe-error.h"
#include "qe.h"

#include <stdlib.h>

typedef struct {
  QePrompt *prompt;
  const int32_t *ids;
  QeError *err;
} Builder;

/* Token i begins something new: tokens [done, i) go in first. */
static QeStatus
qe_chat_prompt_flush (const Builder *b, size_t done, size_t i)
{
  return i > done ? qe_prompt_add_tokens (b->prompt, b->ids + done, i - done, b->err) : QE_OK;
}

QeStatus
qe_chat_prompt (QePrompt **out, const QeModel *model, const QeChatText *text, QeImage *const *images, size_t n_images,
                QeError *err)
{
  int32_t *ids = NULL;
  size_t n = 0;
  *out = NULL;
  if (n_images != text->n_images)
    return qe_fail (err, QE_ERROR_ARGUMENT, "The conversation has %zu pictures, but %zu were given.", text->n_images,
                    n_images);
  QeStatus status = qe_tokenize (model, text->text, text->length, text->plain, text->n_plain, &ids, &n, err);
  if (status != QE_OK)
    return status;
  const int32_t image_pad = qe_token_by_text (model, "<|image_pad|>");
  const int32_t video_pad = qe_token_by_text (model, "<|video_pad|>");
  const int32_t message_start = qe_token_by_text (model, "<|im_start|>");
  Builder b = { .prompt = qe_prompt_new (), .ids = ids, .err = err };
  if (n_images > 0 && image_pad < 0)
    status = qe_fail (err, QE_ERROR_ARGUMENT, "This model's vocabulary has no place for pictures.");
  else
    status = b.prompt ? QE_OK : qe_fail (err, QE_ERROR_MEMORY, "There is not enough memory for this conversation.");
  /* Every beginning of a message is worth a checkpoint: there a later prompt may go on differently, because the user
   * edited a message, or because the answer's reasoning is left out of history. */
  size_t done = 0, image = 0;
  for (size_t i = 0; i < n && status == QE_OK; i++) {
    if (ids[i] == video_pad && video_pad >= 0) {
      status = qe_fail (err, QE_ERROR_ARGUMENT, "Videos cannot be shown to a model. Remove the video.");
    } else if (ids[i] == image_pad && image_pad >= 0) {
      if (image == n_images)
        status = qe_fail (err, QE_ERROR_ARGUMENT, "The text has more places for pictures than pictures were given.");
      else if ((status = qe_chat_prompt_flush (&b, done, i)) == QE_OK)
        status = qe_prompt_add_image (b.prompt, images[image++], err);
      done = i + 1;
    } else if (ids[i] == message_start && i > 0) {
      status = qe_chat_prompt_flush (&b, done, i);
      done = i;
      qe_prompt_mark (b.prompt);
    }
  }
  if (status == QE_OK)
    status = qe_chat_prompt_flush (&b, done, n);
  free (ids);
  if (status == QE_OK)
    *out = b.prompt;
  else
    qe_prompt_free (b.prompt);
  return status;
}
