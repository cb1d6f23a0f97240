/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-fields.h"
#include "quern-service-call.h"

G_BEGIN_DECLS

/* What several dialects have in common. Any thread may call these. They return FALSE, or stop at the member that is wrong,
 * with the fields' refusal set. */

gboolean quern_read_model (const QuernFields *fields, QuernServiceCall *call);
gboolean quern_read_sampling (const QuernFields *fields, QuernServiceCall *call);
gboolean quern_read_stops (const QuernFields *fields, const char *name, QuernServiceCall *call);
gboolean quern_read_picture (const QuernFields *fields, const char *url, QuernServiceMessage *message);
void quern_read_effort (QuernServiceCall *call, const char *effort);
gboolean quern_read_chat (QuernServiceCall *call, JsonObject *body, QuernRefusal **refusal);
char *quern_read_flat_tool (JsonObject *tool, const char *schema);
gboolean quern_read_responses (QuernServiceCall *call, JsonObject *body, QuernRefusal **refusal);
gboolean quern_read_messages (QuernServiceCall *call, JsonObject *body, QuernRefusal **refusal);
gboolean quern_read_completion (QuernServiceCall *call, JsonObject *body, QuernRefusal **refusal);

G_END_DECLS
