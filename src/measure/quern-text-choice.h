/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "quern-hub.h"
#include "quern-measure.h"
#include "quern-store.h"

G_BEGIN_DECLS

#define QUERN_TEXT_WIKITEXT "wikitext" /* stands among categories for the text of quern_wikitext_load_async() */

/* What somebody chose to measure with: one of these, or the built-in sample if none is set. */
typedef struct {
  GStrv categories;    /* of quern_texts_get(), or QUERN_TEXT_WIKITEXT; or NULL */
  char *text;          /* of a file, or pasted; or NULL */
  char *folder;        /* path of a folder with texts, or NULL */
  gint64 conversation; /* its id in the store, or 0 */
  char *name;          /* what reports call the text; NULL: it follows from the others */
} QuernTextChoice;

QuernTextChoice *quern_text_choice_new (void);
QuernTextChoice *quern_text_choice_copy (const QuernTextChoice *self);
void quern_text_choice_free (QuernTextChoice *self);
char *quern_text_choice_dup_name (const QuernTextChoice *self);
void quern_text_choice_write (const QuernTextChoice *self, JsonBuilder *out);
QuernTextChoice *quern_text_choice_read (JsonObject *object);

void quern_text_choice_add_async (const QuernTextChoice *self, QuernMeasure *measure, QuernHub *hub, QuernStore *store,
                                  GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
gboolean quern_text_choice_add_finish (QuernMeasure *measure, GAsyncResult *result, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (QuernTextChoice, quern_text_choice_free)

G_END_DECLS
