/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-attachment.h"

G_BEGIN_DECLS

/* A document is an attachment whose bytes are the text of all its pages, with form feeds between them, and whose type says
 * which of them are sent: "text/plain; unit=page; of=20; pages=3-7". Whoever does not know that sees a text. */
typedef struct {
  guint n_pages;      /* that were read */
  guint n_chosen;     /* that are sent */
  guint n_left_out;   /* behind those that were read */
  guint n_pictures;   /* in it, which are not part of the text */
  gboolean is_paged;  /* they are pages of its own; otherwise Quern cut it into parts */
  gboolean is_blank;  /* there is no text in it: it may be scanned */
  gboolean is_picked; /* Quern picked the pages for a question */
  guint n_tokens;     /* of what is sent, when it was counted last; 0: not yet */
  gboolean is_table;  /* every part begins with the names of the columns */
} QuernDocumentFacts;

/* Sent for a document; see quern_document_load(). */
#define QUERN_DOCUMENT_ERROR (quern_document_error_quark ())
GQuark quern_document_error_quark (void);

typedef enum {
  QUERN_DOCUMENT_ERROR_NOT_A_TEXT, /* neither a text nor a document of a kind that is read */
  QUERN_DOCUMENT_ERROR_DAMAGED,
  QUERN_DOCUMENT_ERROR_ENCRYPTED,
  QUERN_DOCUMENT_ERROR_TOO_LARGE,
  QUERN_DOCUMENT_ERROR_FAILED, /* it could not be read for a reason that is not its own */
} QuernDocumentError;

QuernAttachment *quern_document_load (GFile *file, GCancellable *cancellable, GError **error);
GBytes *quern_document_draw_page (GBytes *source, guint page, GCancellable *cancellable, GError **error);
gboolean quern_document_can_draw (GBytes *source);
void quern_document_draw_async (QuernAttachment *document, GCancellable *cancellable, GAsyncReadyCallback callback,
                                gpointer user_data);
GListModel *quern_document_draw_finish (GAsyncResult *result, GError **error);

QuernAttachment *quern_document_new (const char *name, GBytes *text, const QuernDocumentFacts *facts);
gboolean quern_document_get_facts (const char *mime, QuernDocumentFacts *facts);
GArray *quern_document_dup_pages (const char *mime);
QuernAttachment *quern_document_choose (QuernAttachment *attachment, GArray *pages, gboolean picked);
void quern_document_note_tokens (QuernAttachment *attachment, guint n_tokens);
GPtrArray *quern_document_split (GBytes *text);
char *quern_document_dup_text (const char *mime, GBytes *text);
char *quern_document_dup_title (const char *name, const char *mime);
char *quern_document_dup_label (QuernAttachment *attachment);

G_END_DECLS
