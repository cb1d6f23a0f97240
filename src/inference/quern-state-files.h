/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-model.h"

G_BEGIN_DECLS

/* Saved states of contexts, in the user's cache folder: one file for each model and settings. With a saved state a
 * conversation continues without evaluating its prompt again. The states hold conversations, so only the user may read
 * them, and they are deleted when conversations are erased. */

char *_quern_state_path (QuernModel *model, guint context_size, QuernKvType kv_type);
void _quern_states_trim (guint64 most_bytes);
void _quern_states_erase (void);

G_END_DECLS
