/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-generation.h"
#include "quern-store.h"

G_BEGIN_DECLS

/* The instructions and messages that go to a model: copies, so that another thread can read and decode the attachments
 * and make a request of them. */
typedef struct _QuernExcerpt QuernExcerpt;

QuernExcerpt *quern_excerpt_new (QuernStore *store, const char *system_prompt);
void quern_excerpt_free (QuernExcerpt *self);
gboolean quern_excerpt_includes (QuernMessage *message);
void quern_excerpt_add_message (QuernExcerpt *self, QuernMessage *message);
void quern_excerpt_add_question (QuernExcerpt *self, const char *text, GListModel *attachments);
gboolean quern_excerpt_has_pictures (QuernExcerpt *self);
void quern_excerpt_build_async (QuernExcerpt *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                                gpointer user_data);
QuernRequest *quern_excerpt_build_finish (GAsyncResult *result, GError **error);
QuernRequest *quern_excerpt_build (QuernExcerpt *self, GCancellable *cancellable, GError **error);
char *quern_excerpt_quote_file (const char *name, const char *mime, GBytes *bytes);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (QuernExcerpt, quern_excerpt_free)

G_END_DECLS
