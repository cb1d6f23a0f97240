/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Asking a server: the request goes out once and on a connection of its own, the answer is read as it comes. What may take long
 * (loading the model, reading the prompt) has no limit, as only the person who waits knows what is too long. */

#include "config.h"

#include "quern-server-answer.h"

#include "quern-json-util.h"
#include "quern-server-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define MAX_REFUSAL (256 * 1024) /* bytes of one that are read */

static guint connect_milliseconds = 10 * 1000;
static guint silence_milliseconds = 5 * 60 * 1000; /* once an answer has begun */

void
_quern_server_answer_set_limits (guint connect, guint silence)
{
  connect_milliseconds = connect;
  silence_milliseconds = silence;
}

struct _QuernServerAnswer {
  GObject parent_instance;

  QuernServer *server;
  QuernServerAccess *access;
  QuernServerKind kind;
  gboolean thinking_off;
  char *path, *body;
  GMainContext *context;
  GCancellable *cancellable;
  GSource *limit; /* of connecting, or of silence */
  SoupMessage *message;
  gboolean held_key;         /* there is one, but it may not go there */
  QuernServerReply *refusal; /* while one is read */
  GByteArray *refusal_body;
  QuernAnswerParser *parser;
  QuernAnswerUsage usage;
  gint64 begun, first; /* monotonic time of sending and of the first text; 0: not yet */
  gboolean stopped;

  QuernServerAnswerPhase phase;
  double progress;
  QuernServerStop stop;
  GError *error;
  gint64 retry_after;
  gboolean ignored_switch, only_reasoned;
};

enum { PROP_0, PROP_PHASE, PROP_PROGRESS, N_PROPS };
enum { SIGNAL_TEXT, SIGNAL_MOVED, SIGNAL_DONE, N_SIGNALS };

static GParamSpec *properties[N_PROPS];
static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (QuernServerAnswer, quern_server_answer, G_TYPE_OBJECT)

static void
quern_server_answer_clear_limit (QuernServerAnswer *self)
{
  if (self->limit != NULL)
    g_source_destroy (self->limit);
  g_clear_pointer (&self->limit, g_source_unref);
}

static void
quern_server_answer_finalize (GObject *object)
{
  QuernServerAnswer *self = QUERN_SERVER_ANSWER (object);

  quern_server_answer_clear_limit (self);
  g_clear_object (&self->server);
  g_clear_pointer (&self->access, _quern_server_access_unref);
  g_free (self->path);
  g_free (self->body);
  g_main_context_unref (self->context);
  g_clear_object (&self->cancellable);
  g_clear_object (&self->message);
  g_clear_pointer (&self->refusal, _quern_server_reply_free);
  g_clear_pointer (&self->refusal_body, g_byte_array_unref);
  g_clear_pointer (&self->parser, quern_answer_parser_free);
  g_clear_error (&self->error);
  G_OBJECT_CLASS (quern_server_answer_parent_class)->finalize (object);
}

static void
quern_server_answer_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  QuernServerAnswer *self = QUERN_SERVER_ANSWER (object);

  switch (id) {
  case PROP_PHASE: g_value_set_uint (value, self->phase); break;
  case PROP_PROGRESS: g_value_set_double (value, self->progress); break;
  default: G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
}

static void
quern_server_answer_class_init (QuernServerAnswerClass *class)
{
  GObjectClass *object_class = G_OBJECT_CLASS (class);
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;

  object_class->finalize = quern_server_answer_finalize;
  object_class->get_property = quern_server_answer_get_property;
  properties[PROP_PHASE] = g_param_spec_uint ("phase", NULL, NULL, 0, QUERN_SERVER_ANSWER_DONE, 0, flags);
  properties[PROP_PROGRESS] = g_param_spec_double ("progress", NULL, NULL, 0, 1, 0, flags);
  g_object_class_install_properties (object_class, N_PROPS, properties);
  signals[SIGNAL_TEXT] = g_signal_new ("text", QUERN_TYPE_SERVER_ANSWER, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                       G_TYPE_NONE, 2, G_TYPE_BOOLEAN, G_TYPE_STRING);
  signals[SIGNAL_MOVED] = g_signal_new ("moved", QUERN_TYPE_SERVER_ANSWER, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                        G_TYPE_NONE, 1, G_TYPE_BOOLEAN);
  signals[SIGNAL_DONE] = g_signal_new ("done", QUERN_TYPE_SERVER_ANSWER, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                       G_TYPE_NONE, 0);
}

static void
quern_server_answer_init (QuernServerAnswer *self)
{
  self->context = g_main_context_ref_thread_default ();
  self->cancellable = g_cancellable_new ();
  self->retry_after = -1;
}

static void
quern_server_answer_set_phase (QuernServerAnswer *self, QuernServerAnswerPhase phase)
{
  if (self->phase == phase)
    return;
  self->phase = phase;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_PHASE]);
}

/* ---- the time that things may take ----------------------------------------------------------------------------- */

static gboolean
connect_limit_cb (gpointer user_data)
{
  QuernServerAnswer *self = user_data;

  if (self->error == NULL)
    g_set_error (&self->error, QUERN_SERVER_ERROR, QUERN_SERVER_ERROR_UNREACHABLE,
                 _("“%s” does not respond. Check that the computer is on and that its firewall allows the "
                   "connection."),
                 self->access->host);
  g_cancellable_cancel (self->cancellable);
  return G_SOURCE_REMOVE;
}

static gboolean
silence_limit_cb (gpointer user_data)
{
  QuernServerAnswer *self = user_data;

  if (self->error == NULL)
    g_set_error (&self->error, QUERN_SERVER_ERROR, QUERN_SERVER_ERROR_INTERRUPTED,
                 _("“%s” stopped in the middle of the answer. The part that arrived was kept. Continue it or try "
                   "again."),
                 self->access->host);
  g_cancellable_cancel (self->cancellable);
  return G_SOURCE_REMOVE;
}

static void
quern_server_answer_set_limit (QuernServerAnswer *self, guint milliseconds, GSourceFunc func)
{
  quern_server_answer_clear_limit (self);
  self->limit = g_timeout_source_new (milliseconds);
  g_source_set_callback (self->limit, func, self, NULL);
  g_source_attach (self->limit, self->context);
}

/* ---- the end --------------------------------------------------------------------------------------------------- */

/* Emits what the parser has. */
static void
quern_server_answer_tell (QuernServerAnswer *self)
{
  g_autoptr (GString) reasoning = g_string_new (NULL), text = g_string_new (NULL);
  QuernAnswerNews news = { FALSE, reasoning, text };
  double progress = quern_answer_parser_get_progress (self->parser);

  quern_answer_parser_take (self->parser, &news);
  if (progress >= 0 && progress != self->progress) {
    self->progress = progress;
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_PROGRESS]);
  }
  if (quern_answer_parser_get_begun (self->parser)) {
    if (self->first == 0)
      self->first = g_get_monotonic_time ();
    quern_server_answer_set_phase (self, QUERN_SERVER_ANSWER_WRITING);
  } else if (progress >= 0)
    quern_server_answer_set_phase (self, QUERN_SERVER_ANSWER_READING);
  if (news.moved)
    g_signal_emit (self, signals[SIGNAL_MOVED], 0, TRUE);
  if (reasoning->len > 0)
    g_signal_emit (self, signals[SIGNAL_TEXT], 0, TRUE, reasoning->str);
  if (text->len > 0)
    g_signal_emit (self, signals[SIGNAL_TEXT], 0, FALSE, text->str);
}

/* Takes over the reference that the calls in progress held. */
static void
quern_server_answer_finish (QuernServerAnswer *answer, const GError *cause)
{
  g_autoptr (QuernServerAnswer) self = answer;
  g_autoptr (GError) problem = NULL;
  gboolean whole = FALSE;

  quern_server_answer_clear_limit (self);
  if (self->parser != NULL) {
    whole = quern_answer_parser_end (self->parser, &problem);
    quern_server_answer_tell (self);
    self->usage = *quern_answer_parser_get_usage (self->parser);
    self->ignored_switch = self->thinking_off && quern_answer_parser_get_reasoned (self->parser);
    self->only_reasoned = whole && quern_answer_parser_get_only_reasoned (self->parser);
  }
  if (self->stopped)
    g_clear_error (&self->error);
  else if (self->error == NULL && problem != NULL)
    self->error = g_steal_pointer (&problem); /* also where the connection broke: what the server said comes first */
  else if (self->error == NULL && !whole && cause != NULL)
    _quern_server_set_transport_error (&self->error, self->access->address, cause);
  self->stop = self->stopped                                                       ? QUERN_SERVER_STOP_USER
               : self->error != NULL                                               ? QUERN_SERVER_STOP_FAILED
               : quern_answer_parser_get_end (self->parser) == QUERN_ANSWER_LENGTH ? QUERN_SERVER_STOP_LENGTH
                                                                                   : QUERN_SERVER_STOP_END;
  if (self->only_reasoned)
    g_signal_emit (self, signals[SIGNAL_MOVED], 0, FALSE);
  quern_server_answer_set_phase (self, QUERN_SERVER_ANSWER_DONE);
  g_signal_emit (self, signals[SIGNAL_DONE], 0);
}

/* ---- reading --------------------------------------------------------------------------------------------------- */

static void quern_server_answer_read_cb (GObject *source, GAsyncResult *result, gpointer user_data);

static void
quern_server_answer_read (QuernServerAnswer *self, GInputStream *in)
{
  g_input_stream_read_bytes_async (in, 65536, G_PRIORITY_DEFAULT, self->cancellable, quern_server_answer_read_cb, self);
}

static void
quern_server_answer_refuse (QuernServerAnswer *self)
{
  self->refusal->body = g_byte_array_free_to_bytes (g_steal_pointer (&self->refusal_body));
  self->retry_after = self->refusal->wait >= 0 ? (self->refusal->wait + G_USEC_PER_SEC - 1) / G_USEC_PER_SEC : -1;
  if (self->held_key && self->refusal->status == SOUP_STATUS_UNAUTHORIZED)
    g_set_error (&self->error, QUERN_SERVER_ERROR, QUERN_SERVER_ERROR_PLAIN_KEY,
                 _("“%s” requires a key, but the connection is not encrypted, so others on the network could read "
                   "it. Use https://, or allow sending the key if you trust the network."),
                 self->access->host);
  else if (_quern_server_reply_check (self->refusal, self->access->host, &self->error))
    g_set_error (&self->error, QUERN_SERVER_ERROR, QUERN_SERVER_ERROR_NO_SERVER,
                 _("“%s” returned a web page instead of an answer. Check the address."), self->access->host);
  quern_server_answer_finish (self, NULL);
}

static void
quern_server_answer_read_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  QuernServerAnswer *self = user_data;
  GInputStream *in = G_INPUT_STREAM (source);
  g_autoptr (GError) cause = NULL;
  g_autoptr (GBytes) bytes = g_input_stream_read_bytes_finish (in, result, &cause);
  gsize size = 0;
  const char *data = bytes != NULL ? g_bytes_get_data (bytes, &size) : NULL;
  gboolean more;

  if (self->refusal != NULL) {
    if (size > 0)
      g_byte_array_append (self->refusal_body, (const guint8 *) data, size);
    if (size > 0 && self->refusal_body->len < MAX_REFUSAL)
      quern_server_answer_read (self, in);
    else
      quern_server_answer_refuse (self);
    return;
  }
  if (size == 0) {
    quern_server_answer_finish (self, cause);
    return;
  }
  more = quern_answer_parser_push (self->parser, data, size);
  quern_server_answer_tell (self);
  if (!more)
    quern_server_answer_finish (self, NULL);
  else {
    if (quern_answer_parser_get_begun (self->parser))
      quern_server_answer_set_limit (self, silence_milliseconds, silence_limit_cb);
    quern_server_answer_read (self, in);
  }
}

static void
quern_server_answer_sent_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  QuernServerAnswer *self = user_data;
  g_autoptr (GError) cause = NULL;
  g_autoptr (GInputStream) in = soup_session_send_finish (SOUP_SESSION (source), result, &cause);
  g_autoptr (QuernServerReply) reply = NULL;

  if (in == NULL) {
    quern_server_answer_finish (self, cause);
    return;
  }
  quern_server_answer_clear_limit (self);
  reply = g_new0 (QuernServerReply, 1);
  _quern_server_reply_take_headers (reply, self->message);
  if (!SOUP_STATUS_IS_SUCCESSFUL (reply->status) || g_strcmp0 (reply->type, "text/html") == 0) {
    self->refusal = g_steal_pointer (&reply);
    self->refusal_body = g_byte_array_new ();
    quern_server_answer_set_limit (self, connect_milliseconds, connect_limit_cb); /* refusals are short */
  } else {
    QuernEventFormat format = self->kind == QUERN_SERVER_OLLAMA || g_strcmp0 (reply->type, "application/x-ndjson") == 0
                                  ? QUERN_EVENT_LINES
                              : g_strcmp0 (reply->type, "application/json") == 0 ? QUERN_EVENT_WHOLE
                                                                                 : QUERN_EVENT_STREAM;

    self->parser = quern_answer_parser_new (
        &(const QuernAnswerForm) { format, self->thinking_off, self->access->host });
  }
  quern_server_answer_read (self, in);
}

/* ---- asking ---------------------------------------------------------------------------------------------------- */

static void
key_worker (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  g_autofree char *key = _quern_server_access_dup_key (data);

  g_task_return_boolean (task, TRUE);
}

/* The key is known: the rest needs no thread. */
static void
quern_server_answer_key_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  QuernServerAnswer *self = QUERN_SERVER_ANSWER (source);

  if (self->stopped) {
    quern_server_answer_finish (g_object_ref (self), NULL);
    return;
  }
  self->message = _quern_server_make_message (self->access, self->path, self->body, &self->held_key);
  g_clear_pointer (&self->body, g_free);
  /* A connection that was kept may be closed by the server in the moment of asking, and nothing is asked twice. */
  soup_message_add_flags (self->message, SOUP_MESSAGE_NEW_CONNECTION);
  g_signal_connect_swapped (self->message, "starting", G_CALLBACK (quern_server_answer_clear_limit), self);
  quern_server_answer_set_limit (self, connect_milliseconds, connect_limit_cb);
  soup_session_send_async (_quern_server_get_session (self->server), self->message, G_PRIORITY_DEFAULT,
                           self->cancellable, quern_server_answer_sent_cb, g_object_ref (self));
}

/**
 * quern_server_ask:
 * @call: whose model is one of the server's
 *
 * Returns: (transfer full): the answer, which has not begun; "done" comes in any case
 */
QuernServerAnswer *
quern_server_ask (QuernServer *server, const QuernServerCall *call)
{
  QuernServerAnswer *self;
  g_autoptr (GTask) task = NULL;

  g_return_val_if_fail (QUERN_IS_SERVER (server) && call != NULL, NULL);
  self = g_object_new (QUERN_TYPE_SERVER_ANSWER, NULL);
  self->server = g_object_ref (server);
  self->access = _quern_server_access_ref (_quern_server_get_access (server));
  self->kind = quern_server_get_kind (server);
  self->thinking_off = quern_server_call_get_thinking (call) == QUERN_THINKING_OFF;
  self->path = self->kind == QUERN_SERVER_OLLAMA
                   ? g_strdup ("/api/chat")
                   : g_strconcat (_quern_server_get_api (server), "/chat/completions", NULL);
  self->body = quern_server_call_to_json (call, self->kind);
  self->begun = g_get_monotonic_time ();
  task = g_task_new (self, NULL, quern_server_answer_key_cb, NULL);
  g_task_set_source_tag (task, quern_server_ask);
  g_task_set_task_data (task, _quern_server_access_ref (self->access), (GDestroyNotify) _quern_server_access_unref);
  g_task_run_in_thread (task, key_worker);
  return self;
}

/**
 * quern_server_answer_stop:
 *
 * Closes the connection, by which the server knows that nobody wants the rest. "done" follows.
 */
void
quern_server_answer_stop (QuernServerAnswer *self)
{
  g_return_if_fail (QUERN_IS_SERVER_ANSWER (self));
  if (self->phase == QUERN_SERVER_ANSWER_DONE)
    return;
  self->stopped = TRUE;
  g_cancellable_cancel (self->cancellable);
}

typedef struct {
  QuernServerAccess *access;
  char *path, *body;
} Control;

static void
control_free (gpointer data)
{
  Control *control = data;

  _quern_server_access_unref (control->access);
  g_free (control->path);
  g_free (control->body);
  g_free (control);
}

/* What comes of it shows in the answer. */
static void
control_worker (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  const Control *control = data;
  g_autoptr (QuernServerReply)
      reply = _quern_server_fetch (control->access, control->path, control->body, 10, cancellable, NULL);

  g_task_return_boolean (task, reply != NULL);
}

/**
 * quern_server_answer_end_thinking:
 *
 * Asks the server to end the reasoning and to answer now.
 *
 * Returns: whether it could be asked: not all can, and only while the reasoning is being written
 */
gboolean
quern_server_answer_end_thinking (QuernServerAnswer *self)
{
  const char *id;
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (JsonNode) root = NULL;
  g_autoptr (GTask) task = NULL;
  Control *control;

  g_return_val_if_fail (QUERN_IS_SERVER_ANSWER (self), FALSE);
  id = self->parser != NULL ? quern_answer_parser_get_id (self->parser) : NULL;
  if (!quern_server_kind_get_traits (self->kind)->ends_thinking || id == NULL
      || self->phase != QUERN_SERVER_ANSWER_WRITING)
    return FALSE;
  json_builder_begin_object (builder);
  quern_json_add_string (builder, "id", id);
  quern_json_add_string (builder, "action", "reasoning_end");
  json_builder_end_object (builder);
  root = json_builder_get_root (builder);
  control = g_new (Control, 1);
  *control = (Control) { _quern_server_access_ref (self->access), g_strconcat (self->path, "/control", NULL),
                         json_to_string (root, FALSE) };
  task = g_task_new (self, self->cancellable, NULL, NULL);
  g_task_set_task_data (task, control, control_free);
  g_task_run_in_thread (task, control_worker);
  return TRUE;
}

QuernServerAnswerPhase
quern_server_answer_get_phase (QuernServerAnswer *self)
{
  g_return_val_if_fail (QUERN_IS_SERVER_ANSWER (self), QUERN_SERVER_ANSWER_DONE);
  return self->phase;
}

/* Returns: how much of the prompt is read, 0 to 1; 0 also where the server does not tell */
double
quern_server_answer_get_progress (QuernServerAnswer *self)
{
  g_return_val_if_fail (QUERN_IS_SERVER_ANSWER (self), 0);
  return self->progress;
}

/* Returns: seconds since it was asked for, to be shown while nothing comes */
double
quern_server_answer_get_seconds (QuernServerAnswer *self)
{
  g_return_val_if_fail (QUERN_IS_SERVER_ANSWER (self), 0);
  return (double) (g_get_monotonic_time () - self->begun) / G_USEC_PER_SEC;
}

/* Returns: seconds from asking to the first text, as seen from here; 0: none came */
double
quern_server_answer_get_first_seconds (QuernServerAnswer *self)
{
  g_return_val_if_fail (QUERN_IS_SERVER_ANSWER (self), 0);
  return self->first > 0 ? (double) (self->first - self->begun) / G_USEC_PER_SEC : 0;
}

QuernServerStop
quern_server_answer_get_stop (QuernServerAnswer *self)
{
  g_return_val_if_fail (QUERN_IS_SERVER_ANSWER (self), QUERN_SERVER_STOP_FAILED);
  return self->stop;
}

/* Returns: (transfer none) (nullable): why it failed, a %QUERN_SERVER_ERROR */
const GError *
quern_server_answer_get_error (QuernServerAnswer *self)
{
  g_return_val_if_fail (QUERN_IS_SERVER_ANSWER (self), NULL);
  return self->error;
}

/* Returns: seconds after which a server that has too much to do wants to be asked again; -1: it did not say */
gint64
quern_server_answer_get_retry_after (QuernServerAnswer *self)
{
  g_return_val_if_fail (QUERN_IS_SERVER_ANSWER (self), -1);
  return self->retry_after;
}

/* Returns: whether the model thought though it was asked not to: the switch does nothing on this server */
gboolean
quern_server_answer_get_ignored_switch (QuernServerAnswer *self)
{
  g_return_val_if_fail (QUERN_IS_SERVER_ANSWER (self), FALSE);
  return self->ignored_switch;
}

/* Returns: whether the server sent nothing but reasoning, which is shown as the answer */
gboolean
quern_server_answer_get_only_reasoned (QuernServerAnswer *self)
{
  g_return_val_if_fail (QUERN_IS_SERVER_ANSWER (self), FALSE);
  return self->only_reasoned;
}

/* Returns: (transfer none): the server's own statistics, complete when "done" is emitted */
const QuernAnswerUsage *
quern_server_answer_get_usage (QuernServerAnswer *self)
{
  g_return_val_if_fail (QUERN_IS_SERVER_ANSWER (self), NULL);
  return &self->usage;
}
