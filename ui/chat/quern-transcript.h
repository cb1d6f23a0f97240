/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "quern-store.h"

G_BEGIN_DECLS

#define QUERN_TYPE_TRANSCRIPT (quern_transcript_get_type ())
G_DECLARE_FINAL_TYPE (QuernTranscript, quern_transcript, QUERN, TRANSCRIPT, AdwBin)

void quern_transcript_set_store (QuernTranscript *self, QuernStore *store);
void quern_transcript_set_messages (QuernTranscript *self, GListModel *messages);
void quern_transcript_set_status (QuernTranscript *self, const char *status);
void quern_transcript_set_context_start (QuernTranscript *self, gint64 id);
void quern_transcript_scroll_to_end (QuernTranscript *self);
void quern_transcript_show_match (QuernTranscript *self, gint64 id, const char *const *words);

G_END_DECLS
