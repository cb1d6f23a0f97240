/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-loaded-model.h"
#include "quern-server-call.h"
#include "quern-server-private.h"

G_BEGIN_DECLS

/* A model on a server that can be asked. */
#define QUERN_TYPE_REMOTE_MODEL (quern_remote_model_get_type ())
G_DECLARE_FINAL_TYPE (QuernRemoteModel, quern_remote_model, QUERN, REMOTE_MODEL, QuernLoadedModel)

QuernRemoteModel *_quern_remote_model_new (QuernModel *model, guint context_size);

/* ---- what goes to the server (quern-remote-call.c) ------------------------------------------------------------- */

/* The request as a call; the pictures are left out where they only shall be counted. Blocks while pictures are encoded.
 * @context_size: tokens, where the server takes a length */
QuernServerCall *_quern_remote_call_new (const QuernRequest *request, QuernModel *model, QuernServerModel *facts,
                                         guint context_size, gboolean with_pictures, GError **error);
guint _quern_remote_estimate_pictures (const QuernRequest *request, QuernModel *model);

/* ---- scores of a given text (quern-server-score.c) ------------------------------------------------------------- */

/* Blocks; for worker threads. @api: what stands in front of "/completions"; @model: as the server calls it */
gboolean _quern_server_score (QuernServerAccess *access, const char *api, const char *model,
                              const QuernScoring *scoring, GError **error);

G_END_DECLS
