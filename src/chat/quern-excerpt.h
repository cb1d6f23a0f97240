/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-generation.h"
#include "quern-store.h"

G_BEGIN_DECLS

/* The messages of a conversation that become a request. Their attachments are read and decoded on a thread. */
typedef struct _QuernPrompt QuernPrompt;

QuernPrompt *quern_prompt_new (QuernStore *store, const char *system_prompt);
void quern_prompt_free (QuernPrompt *self);
void quern_prompt_add_message (QuernPrompt *self, QuernMessage *message);
void quern_prompt_add_text (QuernPrompt *self, QuernRole role, const char *text, GListModel *attachments);
gboolean quern_prompt_has_pictures (QuernPrompt *self);
void quern_prompt_build_async (QuernPrompt *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                               gpointer user_data);
QuernRequest *quern_prompt_build_finish (GAsyncResult *result, GError **error);
QuernRequest *quern_prompt_build (QuernPrompt *self, GCancellable *cancellable, GError **error);
char *quern_prompt_quote_file (const char *name, GBytes *bytes);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (QuernPrompt, quern_prompt_free)

G_END_DECLS
