/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-block-file.h"
#include "quern-divergence.h"

G_BEGIN_DECLS

/* The logits of a reference on disk, row by row, so that it is read once for any number of models. There are two forms:
 *
 *   F16: every logit as the distance from the largest of its row, in 16 bits. What rounding does to a divergence is
 *   bounded for each position.
 *   TOP: the likeliest tokens with their probabilities, and all others as one event with the rest of the mass. It is some
 *   hundred times smaller; a divergence is a lower bound then, because what happens within the rest is not seen.
 *
 * The likelihood of the text's own tokens, and which token is first, are exact in both. */
typedef enum {
  QUERN_KEPT_NONE, /* too little space even for the small form */
  QUERN_KEPT_F16,
  QUERN_KEPT_TOP,
} QuernKeptForm;

#define QUERN_KEPT_TOP_TOKENS 256

QuernKeptForm quern_kept_form_choose (guint n_vocab, guint n_rows, guint64 budget);
guint64 quern_kept_form_get_bytes (QuernKeptForm form, guint n_vocab, guint n_rows);
const char *quern_kept_form_to_word (QuernKeptForm form);

typedef struct _QuernKeptLogits QuernKeptLogits;

QuernKeptLogits *quern_kept_logits_open (const char *path, const char *key, QuernKeptForm form, guint n_vocab,
                                         GCancellable *cancellable, GError **error);
void quern_kept_logits_free (QuernKeptLogits *self);
guint quern_kept_logits_get_n_rows (QuernKeptLogits *self);
gboolean quern_kept_logits_truncate (QuernKeptLogits *self, guint n_rows, GError **error);
/* Both return FALSE with an error: of the file, or QUERN_COMPARE_ERROR_NUMBER if a logit is not finite. */
gboolean quern_kept_logits_add (QuernKeptLogits *self, const float *logits, gint32 token, QuernDivergence *out,
                                GError **error);
gboolean quern_kept_logits_compare (QuernKeptLogits *self, guint row, const float *logits, gint32 token,
                                    QuernDivergence *out, double *lost, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (QuernKeptLogits, quern_kept_logits_free)

G_END_DECLS
