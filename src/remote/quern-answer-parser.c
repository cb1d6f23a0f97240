/* SPDX-License-Identifier: GPL-3.0-or-later */

/* The answers of servers: chunks of OpenAI's form in all their variants, and Ollama's lines. Nothing is required of a chunk but
 * that it is an object; values of wrong types are as good as missing. */

#include "config.h"

#include "quern-answer-parser.h"

#include "quern-json-util.h"
#include "quern-server-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define MAX_TEXT (64 * 1024 * 1024) /* bytes: an answer that is longer never ends */
#define OPENING "<think>"
#define CLOSING "</think>"

/* Where text that comes as "content" belongs. */
typedef enum {
  CONTENT_UNDECIDED, /* nothing but white space yet */
  CONTENT_REASONING, /* after <think> */
  CONTENT_TEXT,      /* a </think> would say that it was reasoning, whose <think> stands in the prompt */
  CONTENT_ANSWER,    /* after </think>, or after reasoning that came by itself */
} Content;

struct _QuernAnswerParser {
  QuernAnswerForm form;
  char *host;
  QuernEventReader *reader;
  Content content_state;
  GString *held; /* the end of the content, which may be the beginning of a tag */
  char last;     /* byte of the content before `held` */
  QuernAnswerNews news;
  gsize n_text, n_reasoning; /* bytes, in all */
  gboolean strip;            /* white space before the text that follows */
  gboolean done;             /* [DONE], or what stands for it */
  QuernAnswerEnd end;
  gboolean aborted;
  gboolean damaged;
  double progress; /* of reading the prompt; -1: not told */
  char *id;
  QuernAnswerUsage usage;
  GError *error;
};

static void
emit (QuernAnswerParser *self, gboolean reasoning, const char *text, gsize length)
{
  if (length == 0)
    return;
  if (self->n_text + self->n_reasoning + length > MAX_TEXT) {
    self->damaged = TRUE;
    return;
  }
  g_string_append_len (reasoning ? self->news.reasoning : self->news.text, text, (gssize) length);
  *(reasoning ? &self->n_reasoning : &self->n_text) += length;
}

/* ---- thinking within the content ------------------------------------------------------------------------------- */

/* How many bytes at the end of a text may be the beginning of a tag. */
static gsize
begun_tag (const char *text, gsize length, const char *tag)
{
  for (gsize n = MIN (length, strlen (tag) - 1); n > 0; n--)
    if (strncmp (text + length - n, tag, n) == 0)
      return n;
  return 0;
}

static void
emit_content (QuernAnswerParser *self, const char *text, gsize length)
{
  while (self->strip && length > 0 && g_ascii_isspace (*text))
    text++, length--;
  if (length == 0)
    return;
  self->strip = FALSE;
  self->last = text[length - 1];
  emit (self, self->content_state == CONTENT_REASONING, text, length);
}

/* Takes what is held as far as that is decided; @whole: nothing follows. */
static void
take_content (QuernAnswerParser *self, gboolean whole)
{
  GString *held = self->held;
  const char *tag;

  if (self->content_state == CONTENT_UNDECIDED) {
    gsize space = strspn (held->str, " \t\r\n");

    if (g_str_has_prefix (held->str + space, OPENING)) {
      g_string_erase (held, 0, (gssize) (space + strlen (OPENING)));
      self->content_state = CONTENT_REASONING;
      self->strip = TRUE;
    } else if (!whole && g_str_has_prefix (OPENING, held->str + space))
      return;
    else
      self->content_state = CONTENT_TEXT;
  }
  tag = self->content_state != CONTENT_ANSWER ? strstr (held->str, CLOSING) : NULL;
  /* Where no reasoning was asked for, a text may speak of the tag: there it has to stand at the beginning of a line. */
  if (tag != NULL && self->content_state == CONTENT_TEXT && self->form.thinking_off
      && (tag > held->str ? tag[-1] : self->last) != '\n')
    tag = NULL;
  if (tag != NULL) {
    gsize before = (gsize) (tag - held->str);

    emit_content (self, held->str, before);
    if (self->content_state == CONTENT_TEXT) { /* what was shown as text until now was the reasoning */
      g_string_append_len (self->news.reasoning, self->news.text->str, self->news.text->len);
      g_string_truncate (self->news.text, 0);
      self->n_reasoning += self->n_text;
      self->n_text = 0;
      self->news.moved = TRUE;
    }
    g_string_erase (held, 0, (gssize) (before + strlen (CLOSING)));
    self->content_state = CONTENT_ANSWER;
    self->strip = TRUE;
  }
  if (held->len > 0) {
    gsize keep = whole || self->content_state == CONTENT_ANSWER ? 0 : begun_tag (held->str, held->len, CLOSING);

    emit_content (self, held->str, held->len - keep);
    g_string_erase (held, 0, (gssize) (held->len - keep));
  }
}

static void
add_content (QuernAnswerParser *self, const char *text)
{
  if (text == NULL || *text == '\0')
    return;
  if (self->n_reasoning > 0 && self->content_state == CONTENT_UNDECIDED)
    self->content_state = CONTENT_ANSWER; /* the server parses by itself */
  g_string_append (self->held, text);
  take_content (self, FALSE);
}

static void
add_reasoning (QuernAnswerParser *self, const char *text)
{
  if (text != NULL)
    emit (self, TRUE, text, strlen (text));
}

/* ---- OpenAI's form --------------------------------------------------------------------------------------------- */

/* A message or a part of one. Of two names for the reasoning, both with the same text, one counts. */
static void
take_message (QuernAnswerParser *self, JsonObject *message)
{
  static const char *const names[] = { "reasoning_content", "reasoning", "thinking" };
  JsonArray *parts = quern_json_array (message, "content");
  const char *reasoning = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (names) && (reasoning == NULL || *reasoning == '\0'); i++)
    reasoning = quern_json_string (message, names[i], NULL);
  add_reasoning (self, reasoning);
  add_content (self, quern_json_string (message, "content", NULL));
  for (guint i = 0; i < quern_json_length (parts); i++) {
    JsonObject *part = quern_json_object_at (parts, i);

    add_reasoning (self, quern_json_string (part, "thinking", NULL));
    add_content (self, quern_json_string (part, "text", NULL));
  }
}

static void
take_finish (QuernAnswerParser *self, const char *reason)
{
  if (reason == NULL || *reason == '\0')
    return;
  self->aborted = g_str_equal (reason, "abort") || g_str_equal (reason, "error");
  self->end = g_str_equal (reason, "length") ? QUERN_ANSWER_LENGTH : QUERN_ANSWER_END;
}

static double
seconds (JsonObject *object, const char *name, double unit)
{
  double value = quern_json_double (object, name, 0) * unit;

  return value > 0 && value < 1e9 ? value : 0;
}

static void
take_usage (QuernAnswerParser *self, JsonObject *usage, JsonObject *timings)
{
  QuernAnswerUsage *out = &self->usage;

  if (usage != NULL) {
    JsonObject *prompt = quern_json_object (usage, "prompt_tokens_details");
    JsonObject *answer = quern_json_object (usage, "completion_tokens_details");

    out->prompt_tokens = quern_json_count (usage, "prompt_tokens");
    out->answer_tokens = quern_json_count (usage, "completion_tokens");
    out->reused_tokens = MIN (quern_json_count (prompt, "cached_tokens"), out->prompt_tokens);
    out->reasoning_tokens = MAX (quern_json_count (answer, "reasoning_tokens"),
                                 quern_json_count (usage, "reasoning_tokens"));
  }
  if (timings != NULL) {
    out->prefill_seconds = seconds (timings, "prompt_ms", 1e-3);
    out->decode_seconds = seconds (timings, "predicted_ms", 1e-3);
    if (usage == NULL && out->answer_tokens == 0) {
      out->reused_tokens = quern_json_count (timings, "cache_n");
      out->prompt_tokens = out->reused_tokens + quern_json_count (timings, "prompt_n");
      out->answer_tokens = quern_json_count (timings, "predicted_n");
    }
  }
}

static void
take_chunk (QuernAnswerParser *self, JsonObject *root)
{
  JsonArray *choices = quern_json_array (root, "choices");
  JsonObject *progress = quern_json_object (root, "prompt_progress");
  const char *id = quern_json_string (root, "id", NULL);

  if (self->id == NULL && id != NULL && strlen (id) < 256)
    self->id = g_strdup (id);
  for (guint i = 0; i < quern_json_length (choices); i++) {
    JsonObject *choice = quern_json_object_at (choices, i);

    if (quern_json_int (choice, "index", 0) != 0)
      continue; /* another version of the answer, which nobody asked for */
    take_message (self, quern_json_object (choice, "delta"));
    take_message (self, quern_json_object (choice, "message"));
    take_finish (self, quern_json_string (choice, "finish_reason", NULL));
  }
  if (progress != NULL) {
    double total = quern_json_double (progress, "total", 0), cached = quern_json_double (progress, "cache", 0);
    double processed = quern_json_double (progress, "processed", 0);

    /* What was in the cache needs no time. */
    if (total > cached)
      self->progress = CLAMP ((processed - cached) / (total - cached), 0, 1);
  }
  take_usage (self, quern_json_object (root, "usage"), quern_json_object (root, "timings"));
}

/* ---- Ollama's form --------------------------------------------------------------------------------------------- */

static void
take_line (QuernAnswerParser *self, JsonObject *root)
{
  QuernAnswerUsage *out = &self->usage;

  take_message (self, quern_json_object (root, "message"));
  if (quern_json_int (root, "done", FALSE) == 0)
    return;
  take_finish (self, quern_json_string (root, "done_reason", "stop"));
  out->prompt_tokens = quern_json_count (root, "prompt_eval_count");
  out->answer_tokens = quern_json_count (root, "eval_count");
  out->load_seconds = seconds (root, "load_duration", 1e-9);
  out->prefill_seconds = seconds (root, "prompt_eval_duration", 1e-9);
  out->decode_seconds = seconds (root, "eval_duration", 1e-9);
  self->done = TRUE;
}

/* ---- events ---------------------------------------------------------------------------------------------------- */

static gboolean
take_object (QuernAnswerParser *self, JsonNode *node)
{
  JsonObject *root = node != NULL && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;

  if (root == NULL)
    return FALSE;
  if (self->error == NULL && _quern_server_set_told_error (&self->error, self->host, 0, node))
    return TRUE;
  if (quern_json_object (root, "message") != NULL || json_object_has_member (root, "done"))
    take_line (self, root);
  else
    take_chunk (self, root);
  return TRUE;
}

static gboolean
event_cb (const char *data, gsize length, gpointer user_data)
{
  QuernAnswerParser *self = user_data;
  g_autoptr (JsonNode) node = NULL;
  g_autofree char *text = g_strstrip (g_strndup (data, length));

  if (g_str_equal (text, "[DONE]")) {
    self->done = TRUE;
    return FALSE;
  }
  if (*text == '\0')
    return TRUE;
  node = _quern_server_parse_json (text, strlen (text));
  if (!take_object (self, node)) {
    /* Servers that forget the empty line between events send several of them as one. */
    g_auto (GStrv) lines = strchr (text, '\n') != NULL ? g_strsplit (text, "\n", -1) : NULL;

    self->damaged = lines == NULL;
    for (char **line = lines; line != NULL && *line != NULL && !self->damaged && !self->done; line++)
      event_cb (*line, strlen (*line), self);
  }
  return self->error == NULL && !self->damaged && !self->done;
}

/**
 * quern_answer_parser_new:
 *
 * Returns: (transfer full): a parser before the first byte
 */
QuernAnswerParser *
quern_answer_parser_new (const QuernAnswerForm *form)
{
  QuernAnswerParser *self = g_new0 (QuernAnswerParser, 1);

  self->form = *form;
  self->host = g_strdup (form->host);
  self->reader = quern_event_reader_new (form->format, event_cb, self);
  self->held = g_string_new (NULL);
  self->news.reasoning = g_string_new (NULL);
  self->news.text = g_string_new (NULL);
  self->progress = -1;
  return self;
}

void
quern_answer_parser_free (QuernAnswerParser *self)
{
  quern_event_reader_free (self->reader);
  g_string_free (self->held, TRUE);
  g_string_free (self->news.reasoning, TRUE);
  g_string_free (self->news.text, TRUE);
  g_clear_error (&self->error);
  g_free (self->id);
  g_free (self->host);
  g_free (self);
}

/**
 * quern_answer_parser_push:
 *
 * Returns: whether more bytes are wanted; quern_answer_parser_end() says why not
 */
gboolean
quern_answer_parser_push (QuernAnswerParser *self, const char *bytes, gsize size)
{
  return quern_event_reader_push (self->reader, bytes, size);
}

/**
 * quern_answer_parser_end:
 *
 * No more bytes come, or are wanted. What was held back is decided, so that the last news can be taken.
 *
 * Returns: whether the answer is whole; else a %QUERN_SERVER_ERROR says what happened to it, and what came is good all the same
 */
gboolean
quern_answer_parser_end (QuernAnswerParser *self, GError **error)
{
  gboolean between = quern_event_reader_end (self->reader);

  take_content (self, TRUE);
  if (self->error != NULL)
    g_propagate_error (error, g_steal_pointer (&self->error));
  else if (quern_event_reader_get_too_long (self->reader) || (self->damaged && between))
    g_set_error (error, QUERN_SERVER_ERROR, QUERN_SERVER_ERROR_BAD_ANSWER,
                 _("The response of “%s” is not from a language model. Check the address, or update the server."),
                 self->host);
  else if (self->aborted)
    g_set_error (error, QUERN_SERVER_ERROR, QUERN_SERVER_ERROR_INTERRUPTED,
                 _("“%s” stopped generating the answer. The part that arrived was kept. Try again."), self->host);
  else if (self->end == QUERN_ANSWER_NOT_ENDED && !self->done)
    g_set_error (error, QUERN_SERVER_ERROR, QUERN_SERVER_ERROR_INTERRUPTED,
                 _("The connection to “%s” was interrupted. The part that arrived was kept. Continue it or try "
                   "again."),
                 self->host);
  else {
    if (self->end == QUERN_ANSWER_NOT_ENDED)
      self->end = QUERN_ANSWER_END;
    return TRUE;
  }
  return FALSE;
}

/**
 * quern_answer_parser_take:
 * @news: strings to append to; "moved" means that all text taken before was reasoning, and comes first
 */
void
quern_answer_parser_take (QuernAnswerParser *self, QuernAnswerNews *news)
{
  news->moved = self->news.moved;
  g_string_append_len (news->reasoning, self->news.reasoning->str, (gssize) self->news.reasoning->len);
  g_string_append_len (news->text, self->news.text->str, (gssize) self->news.text->len);
  g_string_truncate (self->news.reasoning, 0);
  g_string_truncate (self->news.text, 0);
  self->news.moved = FALSE;
}

QuernAnswerEnd
quern_answer_parser_get_end (QuernAnswerParser *self)
{
  return self->end;
}

/* Returns: whether anything of the answer came, after which nothing is asked again by itself */
gboolean
quern_answer_parser_get_begun (QuernAnswerParser *self)
{
  return self->n_text + self->n_reasoning + self->held->len > 0;
}

/* Returns: whether reasoning came, which marks a switch that did nothing where it was turned off */
gboolean
quern_answer_parser_get_reasoned (QuernAnswerParser *self)
{
  return self->n_reasoning > 0;
}

/* Returns: whether an answer that ended is nothing but reasoning: some servers put all there, and it is to be shown as the answer */
gboolean
quern_answer_parser_get_only_reasoned (QuernAnswerParser *self)
{
  return self->n_reasoning > 0 && self->n_text == 0
         && (self->end == QUERN_ANSWER_END || (self->end == QUERN_ANSWER_LENGTH && self->form.thinking_off));
}

/* Returns: how much of the prompt is read, 0 to 1; -1: the server does not tell */
double
quern_answer_parser_get_progress (QuernAnswerParser *self)
{
  return self->progress;
}

/* Returns: (transfer none) (nullable): by which the server knows this answer */
const char *
quern_answer_parser_get_id (QuernAnswerParser *self)
{
  return self->id;
}

const QuernAnswerUsage *
quern_answer_parser_get_usage (QuernAnswerParser *self)
{
  return &self->usage;
}
