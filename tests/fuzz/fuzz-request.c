/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What programs ask the service: from the bytes of a body to what the model is asked. A body goes through every dialect. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "quern-fields.h"
#include "quern-guard.h"
#include "quern-ollama.h"
#include "quern-read.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
require (gboolean ok, const char *what)
{
  if (!ok) {
    fprintf (stderr, "broken promise: %s\n", what);
    abort ();
  }
}

/* Quern Tiny, where the tests say where it is. */
static QuernModel *
get_model (void)
{
  static QuernModel *model;
  const char *folder = g_getenv ("QUERN_TINY_DIR");

  if (!model && folder) {
    g_autofree char *path = g_build_filename (folder, "quern-tiny-Q8_0.gguf", NULL);
    model = quern_model_new (path, NULL, NULL);
  }
  return model;
}

static void
check_refusal (const QuernRefusal *refusal)
{
  g_autofree char *json = quern_refusal_to_json (refusal);
  g_autoptr (JsonNode) node = json_from_string (json, NULL);

  require (refusal->status >= 400 && refusal->status < 600, "a refusal has a status");
  require (refusal->message && *refusal->message && g_utf8_validate (refusal->message, -1, NULL), "it is a sentence");
  require (node != NULL, "an error object is JSON");
}

static void
check_number (double value, double low, double high)
{
  require (isnan (value) || (value >= low && value <= high), "a number is in its range");
}

static void
check_call (const QuernServiceCall *call)
{
  check_number (call->temperature, 0, 10);
  check_number (call->top_p, 0, 1);
  check_number (call->min_p, 0, 1);
  check_number (call->repetition_penalty, 0.1, 10);
  require (call->max_tokens >= -1 && call->max_tokens <= G_MAXINT, "a limit is one");
  require (call->n_logprobs >= -1 && call->n_logprobs <= QUERN_SERVICE_MAX_LOGPROBS, "probabilities are limited");
  require (!call->stops || g_strv_length (call->stops) <= QUERN_SERVICE_MAX_STOPS, "so are stop texts");
  for (guint i = 0; i < call->messages->len; i++) {
    const QuernServiceMessage *message = call->messages->pdata[i];
    require (message->text != NULL, "a message has a text");
  }
}

static void
read_body (gboolean (*read) (QuernServiceCall *call, JsonObject *body, QuernRefusal **refusal), JsonObject *body)
{
  g_autoptr (QuernServiceCall) call = quern_service_call_new ();
  g_autoptr (QuernRefusal) refusal = NULL, second = NULL;
  QuernModel *model = get_model ();
  gboolean ok = read (call, body, &refusal);

  require (ok == (refusal == NULL), "a body is read, or there is a refusal");
  if (refusal) {
    check_refusal (refusal);
    return;
  }
  check_call (call);
  g_autoptr (GArray) fingerprint = quern_service_call_fingerprint (call);
  g_autoptr (QuernRequest) request = model ? quern_service_call_make_request (call, model, &second) : NULL;
  require (fingerprint->len > 0, "a call has a fingerprint");
  require (!model || (request != NULL) == (second == NULL), "there is a request, or a refusal");
  if (second)
    check_refusal (second);
}

/* The bytes as headers, too: each line one. */
static void
read_head (const char *data, gsize size)
{
  g_autofree char *text = g_strndup (data, size);
  g_auto (GStrv) lines = g_strsplit (text, "\n", 8);
  const QuernGuard guard = { .network = size % 2 == 0, .key = (char *) "key" };
  guint n = g_strv_length (lines);
  const QuernGuardHead head = { "POST", n > 0 ? lines[0] : NULL, n > 1 ? lines[1] : NULL, n > 2 ? lines[2] : NULL,
                                n > 3 ? lines[3] : NULL };
  g_autoptr (QuernRefusal) refusal = quern_guard_check (&guard, &head, FALSE);

  if (refusal)
    check_refusal (refusal);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (GBytes) bytes = g_bytes_new (data, size);
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  g_autoptr (QuernRefusal) refusal = NULL;
  JsonObject *body = quern_fields_parse (bytes, parser, &refusal);

  require ((body == NULL) == (refusal != NULL), "bytes are an object, or there is a refusal");
  read_head ((const char *) data, size);
  if (refusal) {
    check_refusal (refusal);
    return 0;
  }
  read_body (quern_read_chat, body);
  read_body (quern_read_completion, body);
  read_body (quern_read_responses, body);
  read_body (quern_read_messages, body);
  read_body (quern_ollama_read_chat, body);
  read_body (quern_ollama_read_generate, body);
  return 0;
}
