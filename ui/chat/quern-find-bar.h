/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "quern-transcript.h"

G_BEGIN_DECLS

#define QUERN_TYPE_FIND_BAR (quern_find_bar_get_type ())
G_DECLARE_FINAL_TYPE (QuernFindBar, quern_find_bar, QUERN, FIND_BAR, AdwBin)

void quern_find_bar_set_transcript (QuernFindBar *self, QuernTranscript *transcript);
void quern_find_bar_set_messages (QuernFindBar *self, GListModel *messages);
void quern_find_bar_open (QuernFindBar *self);

G_END_DECLS
