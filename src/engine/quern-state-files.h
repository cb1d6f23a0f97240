/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-engine.h"

G_BEGIN_DECLS

/* Saved states of contexts, one file for each model and settings, in the user's cache folder: what a model had read when it
 * was let go, so that a conversation goes on without reading it all again. They hold conversations: only the user may
 * read them, and they go when conversations are erased. */

char *_quern_state_path   (QuernModel *model, guint context_size, QeKvType kv_type);
void  _quern_states_trim  (guint64 most_bytes);
void  _quern_states_erase (void);

G_END_DECLS
