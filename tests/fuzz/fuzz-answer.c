/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a server of models answers: in the form that the first byte chooses, cut where the second says, and as a refusal. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "quern-answer-parser.h"
#include "quern-server-private.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
require (gboolean ok, const char *what)
{
  if (!ok) {
    fprintf (stderr, "broken promise: %s\n", what);
    abort ();
  }
}

/* Reads an answer in pieces of so many bytes. Returns reasoning and text with a line between them. */
static char *
read_answer (const QuernAnswerForm *form, const char *data, gsize size, gsize piece)
{
  g_autoptr (QuernAnswerParser) parser = quern_answer_parser_new (form);
  g_autoptr (GString) reasoning = g_string_new (NULL), text = g_string_new (NULL);
  g_autoptr (GError) error = NULL;
  gboolean more = TRUE;

  for (gsize at = 0, last = 0; !last;) {
    g_autoptr (GString) new_reasoning = g_string_new (NULL), new_text = g_string_new (NULL);
    QuernAnswerNews news = { FALSE, new_reasoning, new_text };
    gsize n = MIN (piece, size - at);

    last = !more || at == size;
    if (last)
      require (quern_answer_parser_end (parser, &error) == (error == NULL), "an answer is whole or has an error");
    else
      more = quern_answer_parser_push (parser, data + at, n);
    at += n;
    quern_answer_parser_take (parser, &news);
    require (g_utf8_validate_len (new_text->str, new_text->len, NULL), "text is UTF-8 at any time");
    require (g_utf8_validate_len (new_reasoning->str, new_reasoning->len, NULL), "reasoning is UTF-8 at any time");
    if (news.moved) {
      g_string_append_len (reasoning, text->str, text->len);
      g_string_truncate (text, 0);
    }
    g_string_append_len (reasoning, new_reasoning->str, new_reasoning->len);
    g_string_append_len (text, new_text->str, new_text->len);
  }
  if (error != NULL)
    require (error->domain == QUERN_SERVER_ERROR && g_utf8_validate (error->message, -1, NULL),
             "an error is a sentence");
  require (quern_answer_parser_get_progress (parser) <= 1, "progress is a part");
  require (quern_answer_parser_get_usage (parser)->decode_seconds >= 0, "durations are");
  require (quern_answer_parser_get_reasoned (parser) == (reasoning->len > 0), "what was told came");
  return g_strconcat (reasoning->str, "\n----\n", text->str, NULL);
}

/* Whole answers, refusals and what says of models go through the same reader of JSON. */
static void
read_refusal (const char *data, gsize size, guint8 choice)
{
  static const guint statuses[] = { 200, 301, 400, 401, 404, 429, 500, 503 };
  static const char *const types[] = { "application/json", "text/html", "text/plain", NULL };
  g_autoptr (QuernServerReply) reply = g_new0 (QuernServerReply, 1);
  g_autoptr (GError) error = NULL;

  reply->status = statuses[choice % G_N_ELEMENTS (statuses)];
  reply->type = g_strdup (types[choice / G_N_ELEMENTS (statuses) % G_N_ELEMENTS (types)]);
  reply->location = g_strndup (data, size);
  reply->wait = choice;
  reply->body = g_bytes_new (data, size);
  require (_quern_server_reply_check (reply, "host", &error) == (error == NULL), "a refusal has an error");
  if (error != NULL)
    require (g_utf8_validate (error->message, -1, NULL) && strlen (error->message) < 2000, "an error is a sentence");
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  QuernAnswerForm form = { QUERN_EVENT_STREAM, FALSE, "host" };
  g_autofree char *whole = NULL, *cut = NULL;

  if (size < 2)
    return 0;
  form.format = data[0] == '{' ? QUERN_EVENT_LINES : data[0] == '[' ? QUERN_EVENT_WHOLE : QUERN_EVENT_STREAM;
  form.thinking_off = data[1] & 1;
  whole = read_answer (&form, (const char *) data, size, size);
  cut = read_answer (&form, (const char *) data, size, 1 + data[size / 2] % 7);
  require (g_str_equal (whole, cut), "it makes no difference how an answer is cut");
  read_refusal ((const char *) data, size, data[size - 1]);
  return 0;
}
