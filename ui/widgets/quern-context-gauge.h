/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "quern-chat-session.h"

G_BEGIN_DECLS

#define QUERN_TYPE_CONTEXT_GAUGE (quern_context_gauge_get_type ())
G_DECLARE_FINAL_TYPE (QuernContextGauge, quern_context_gauge, QUERN, CONTEXT_GAUGE, AdwBin)

void quern_context_gauge_set_count (QuernContextGauge *self, const QuernTokenCount *count);
void quern_context_gauge_set_used (QuernContextGauge *self, guint used, guint size);

G_END_DECLS
