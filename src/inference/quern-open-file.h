/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "qe.h"
#include "quern-generation.h"
#include "quern-stepper.h"

G_BEGIN_DECLS

/* A model's file while it is open: its weights, mapped, and its vocabulary. All that use the file share it, and the last
 * one closes it. It does not change, so any thread may use it. */
#define QUERN_TYPE_OPEN_FILE (quern_open_file_get_type ())
G_DECLARE_FINAL_TYPE (QuernOpenFile, quern_open_file, QUERN, OPEN_FILE, GObject)

QuernOpenFile *quern_open_file_new (QuernModel *model, GError **error);
guint64 quern_open_file_get_vocabulary (QuernOpenFile *self, guint *size);
gboolean quern_open_file_tokenise (QuernOpenFile *self, const char *text, GArray *tokens, GError **error);
gboolean quern_open_file_tokenise_raw (QuernOpenFile *self, const char *text, GArray *tokens, GError **error);
gboolean quern_open_file_tokenise_infill (QuernOpenFile *self, const char *prefix, const char *suffix, GArray *tokens,
                                          GError **error);
gboolean quern_open_file_tokenise_request (QuernOpenFile *self, QuernRequest *request, GArray *tokens, GError **error);
void quern_open_file_decode (QuernOpenFile *self, const GArray *tokens, GString *text, GArray *ends);
gboolean quern_open_file_ends_generation (QuernOpenFile *self, gint32 id);
gboolean quern_open_file_has_text_token (QuernOpenFile *self, gint32 id);
char *quern_open_file_dup_token_text (QuernOpenFile *self, gint32 id);

QuernOpenFile *_quern_open_file_get (QuernModel *model, gboolean prefetch, const QeControl *control, GError **error);
gboolean _quern_open_file_tokenise_text (QuernOpenFile *self, const QeChatText *text, GArray *tokens, GError **error);
gboolean _quern_open_file_is_of (QuernOpenFile *self, QuernModel *model);
QeModel *_quern_open_file_get_model (QuernOpenFile *self);
QuernStepper *_quern_open_file_get_stepper (QuernOpenFile *self);

G_END_DECLS
