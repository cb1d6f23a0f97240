/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "quern-message.h"

G_BEGIN_DECLS

#define QUERN_TYPE_THINKING_VIEW (quern_thinking_view_get_type ())
G_DECLARE_FINAL_TYPE (QuernThinkingView, quern_thinking_view, QUERN, THINKING_VIEW, AdwBin)

void quern_thinking_view_update (QuernThinkingView *self, QuernMessage *message);

G_END_DECLS
