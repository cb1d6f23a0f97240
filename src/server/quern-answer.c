/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-dialect.h"
#include "quern-json-util.h"

/* What dialects share when they write. */

/**
 * quern_answer_finish_reason:
 *
 * Returns: why the answer is over, as OpenAI's API calls it
 */
const char *
quern_answer_finish_reason (const QuernAnswer *self)
{
  switch (quern_generation_get_stop (self->generation)) {
  case QUERN_STOP_LENGTH:
  case QUERN_STOP_CONTEXT: return "length";
  default: return quern_generation_get_n_calls (self->generation) > 0 ? "tool_calls" : "stop";
  }
}

/**
 * quern_answer_send:
 * @event: (nullable): the name of the event
 * @json: a whole object
 *
 * Sends an event of a stream.
 */
void
quern_answer_send (QuernAnswer *self, const char *event, JsonBuilder *json)
{
  g_autoptr (JsonNode) root = json_builder_get_root (json);
  g_autofree char *text = json_to_string (root, FALSE);

  quern_exchange_send (self->exchange, event, text);
}

/**
 * quern_answer_begin_event:
 * @type: what the object says it is
 *
 * Returns: (transfer full): an object that is begun, for dialects whose events name themselves
 */
JsonBuilder *
quern_answer_begin_event (const char *type)
{
  JsonBuilder *json = json_builder_new ();

  json_builder_begin_object (json);
  quern_json_add_string (json, "type", type);
  return json;
}

/**
 * quern_answer_send_event:
 * @type: as it was begun with
 * @json: an object that is ended here
 *
 * Sends an event that quern_answer_begin_event() began.
 */
void
quern_answer_send_event (QuernAnswer *self, const char *type, JsonBuilder *json)
{
  json_builder_end_object (json);
  quern_answer_send (self, type, json);
}
