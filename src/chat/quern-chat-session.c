/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <glib/gi18n-lib.h>

#include "quern-chat-session-private.h"
#include "quern-served-models.h"

enum {
  PROP_0,
  PROP_CONVERSATION,
  PROP_MESSAGES,
  PROP_STATE,
  PROP_PROGRESS,
  PROP_MODEL,
  PROP_THINKING,
  PROP_EFFORT,
  PROP_CONTEXT_USED,
  PROP_CONTEXT_SIZE,
  PROP_REPEATING,
  PROP_NOTE,
  PROP_QUESTION,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

G_DEFINE_ENUM_TYPE (QuernSessionState, quern_session_state, G_DEFINE_ENUM_VALUE (QUERN_SESSION_IDLE, "idle"),
                    G_DEFINE_ENUM_VALUE (QUERN_SESSION_LOADING, "loading"),
                    G_DEFINE_ENUM_VALUE (QUERN_SESSION_PREFILL, "prefill"),
                    G_DEFINE_ENUM_VALUE (QUERN_SESSION_THINKING, "thinking"),
                    G_DEFINE_ENUM_VALUE (QUERN_SESSION_ANSWERING, "answering"),
                    G_DEFINE_ENUM_VALUE (QUERN_SESSION_WAITING, "waiting"))
G_DEFINE_FINAL_TYPE (QuernChatSession, quern_chat_session, G_TYPE_OBJECT)
G_DEFINE_QUARK (quern-chat-error-quark, quern_chat_error)

/* ---- properties ------------------------------------------------------------------------------------------------ */

/**
 * quern_chat_session_get_conversation:
 *
 * Returns: (transfer none): the conversation of the session
 */
QuernConversation *
quern_chat_session_get_conversation (QuernChatSession *self)
{
  return self->conversation;
}

/**
 * quern_chat_session_get_messages:
 *
 * Returns: (transfer none): a live list of #QuernMessage, first to last
 */
GListModel *
quern_chat_session_get_messages (QuernChatSession *self)
{
  return G_LIST_MODEL (self->messages);
}

QuernSessionState
quern_chat_session_get_state (QuernChatSession *self)
{
  return self->state;
}

double
quern_chat_session_get_progress (QuernChatSession *self)
{
  return self->progress;
}

/**
 * quern_chat_session_get_waiting_seconds:
 *
 * Returns: for how long nothing has come from the server, in the state %QUERN_SESSION_WAITING; else 0
 */
double
quern_chat_session_get_waiting_seconds (QuernChatSession *self)
{
  g_return_val_if_fail (QUERN_IS_CHAT_SESSION (self), 0);

  return self->state == QUERN_SESSION_WAITING
             ? (double) (g_get_monotonic_time () - self->waiting_since) / G_USEC_PER_SEC
             : 0;
}

/**
 * quern_chat_session_get_note:
 *
 * Returns: (transfer none) (nullable): a sentence about how the last answer of this session went, which is no error
 */
const char *
quern_chat_session_get_note (QuernChatSession *self)
{
  g_return_val_if_fail (QUERN_IS_CHAT_SESSION (self), NULL);

  return self->note;
}

void
_quern_chat_session_set_note (QuernChatSession *self, const char *note)
{
  if (g_set_str (&self->note, note))
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_NOTE]);
}

void
_quern_chat_session_set_state (QuernChatSession *self, QuernSessionState state, double progress)
{
  gboolean state_changed = self->state != state;
  gboolean progress_changed = self->progress != progress;

  if (state_changed && state == QUERN_SESSION_WAITING)
    self->waiting_since = g_get_monotonic_time ();
  self->state = state;
  self->progress = progress;
  quern_conversation_set_busy (self->conversation, state != QUERN_SESSION_IDLE);
  if (state_changed)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_STATE]);
  if (progress_changed)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_PROGRESS]);
}

void
_quern_chat_session_set_context_used (QuernChatSession *self, guint n_tokens)
{
  if (self->context_used == n_tokens)
    return;
  self->context_used = n_tokens;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_CONTEXT_USED]);
}

void
_quern_chat_session_set_repeating (QuernChatSession *self, gboolean repeating)
{
  if (self->repeating == repeating)
    return;
  self->repeating = repeating;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_REPEATING]);
}

void
_quern_chat_session_notify_question (QuernChatSession *self)
{
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_QUESTION]);
}

/**
 * quern_chat_session_get_repeating:
 *
 * Returns: whether the current answer repeats itself, so that the user may want to stop it
 */
gboolean
quern_chat_session_get_repeating (QuernChatSession *self)
{
  return self->repeating;
}

/**
 * quern_chat_session_get_model:
 *
 * Returns: (transfer none) (nullable): the model that answers next; %NULL when the chosen one is not on this computer
 */
QuernModel *
quern_chat_session_get_model (QuernChatSession *self)
{
  return self->model;
}

/**
 * quern_chat_session_dup_missing:
 * @was_remote: (out) (optional): whether the model was on a server
 *
 * Returns: (transfer full) (nullable): what became of the model that the conversation has chosen, as a sentence with what to do;
 *   %NULL: it is there, or none is chosen
 */
char *
quern_chat_session_dup_missing (QuernChatSession *self, gboolean *was_remote)
{
  const char *id = quern_conversation_get_model_id (self->conversation);
  g_autofree char *host = id ? quern_served_model_dup_host_of_id (id) : NULL;

  if (was_remote)
    *was_remote = host != NULL;
  if (!id || quern_library_find (self->library, id))
    return NULL;
  if (host)
    return g_strdup_printf (
        _("The model of this conversation was on the server “%s”, which was removed or no longer has "
          "it. Choose another model, or add the server again."),
        host);
  return g_strdup_printf (
      _("The model of this conversation (%s) is no longer on this computer. Choose another one, or "
        "download it."),
      id);
}

/* Notifies of everything that depends on the model. */
static void
quern_chat_session_show_model (QuernChatSession *self, QuernModel *model)
{
  if (!g_set_object (&self->model, model))
    return;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_MODEL]);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_THINKING]);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_EFFORT]);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_CONTEXT_SIZE]);
}

/**
 * quern_chat_session_set_model:
 * @model: (nullable): answers from now on; the conversation remembers it
 */
void
quern_chat_session_set_model (QuernChatSession *self, QuernModel *model)
{
  quern_conversation_set_model_id (self->conversation, model ? quern_model_get_id (model) : NULL);
  quern_chat_session_show_model (self, model);
}

/* Looks the model up again, because the library or the conversation's model has changed. */
static void
quern_chat_session_find_model (QuernChatSession *self)
{
  const char *id = quern_conversation_get_model_id (self->conversation);
  QuernModel *model = id ? quern_library_find (self->library, id) : quern_library_get_default (self->library);

  quern_chat_session_show_model (self, model && quern_model_get_state (model) == QUERN_MODEL_OK ? model : NULL);
}

/* Returns the conversation's setting for thinking, if the model's template lets it be chosen and there is one; otherwise what
 * is usual with the model here, or what the template does by default. */
gboolean
_quern_chat_session_thinks (QuernChatSession *self, QuernModel *model)
{
  QuernThinking thinking = quern_conversation_get_thinking (self->conversation);

  if (thinking == QUERN_THINKING_DEFAULT && model == self->model)
    thinking = self->usual;
  if (thinking == QUERN_THINKING_DEFAULT || (model && !quern_model_get_info (model)->chat.thinking_switchable))
    return model && quern_model_get_info (model)->thinking_default;
  return thinking == QUERN_THINKING_ON;
}

/**
 * quern_chat_session_get_thinking:
 *
 * Returns: whether the next answer thinks first
 */
gboolean
quern_chat_session_get_thinking (QuernChatSession *self)
{
  return _quern_chat_session_thinks (self, self->model);
}

void
quern_chat_session_set_thinking (QuernChatSession *self, gboolean thinking)
{
  quern_conversation_set_thinking (self->conversation, thinking ? QUERN_THINKING_ON : QUERN_THINKING_OFF);
}

/**
 * quern_chat_session_set_usual_thinking:
 * @thinking: what applies to the present model as long as the conversation has no setting of its own
 */
void
quern_chat_session_set_usual_thinking (QuernChatSession *self, QuernThinking thinking)
{
  g_return_if_fail (QUERN_IS_CHAT_SESSION (self));

  if (self->usual == thinking)
    return;
  self->usual = thinking;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_THINKING]);
}

/**
 * quern_chat_session_get_effort:
 *
 * Returns: (nullable): how much the next answer thinks, a level of the model's template; %NULL where it knows none
 */
const char *
quern_chat_session_get_effort (QuernChatSession *self)
{
  return quern_effort_for_model (self->model, quern_conversation_get_effort (self->conversation));
}

/**
 * quern_chat_session_set_effort:
 * @effort: (nullable): a level of the model's template; the conversation remembers it
 */
void
quern_chat_session_set_effort (QuernChatSession *self, const char *effort)
{
  quern_conversation_set_effort (self->conversation, effort);
}

static void
quern_chat_session_effort_changed_cb (QuernChatSession *self)
{
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_EFFORT]);
}

static void
quern_chat_session_thinking_changed_cb (QuernChatSession *self)
{
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_THINKING]);
}

static void
quern_chat_session_context_size_changed_cb (QuernChatSession *self)
{
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_CONTEXT_SIZE]);
}

void
_quern_chat_session_load_params (QuernChatSession *self, QuernModel *model, QuernLoadParams *params)
{
  QuernSampling sampling;

  quern_sampling_init (&sampling, NULL, FALSE, FALSE, quern_conversation_get_sampling (self->conversation));
  *params = (QuernLoadParams) {
    .context_size = _quern_chat_session_context_size (self, model),
    .n_threads = sampling.n_threads,
    .kv_type = sampling.kv_type,
  };
}

/* Returns the tokens that the next context with this model holds; 0 without a model, or where a server does not tell. The
 * setting may have been chosen for a model that can use more, so it is limited to what this one was trained for. */
guint
_quern_chat_session_context_size (QuernChatSession *self, QuernModel *model)
{
  guint wanted = quern_conversation_get_context_size (self->conversation);

  if (!model)
    return 0;
  return quern_model_choose_context (model, wanted);
}

/* ---- messages -------------------------------------------------------------------------------------------------- */

/* Returns the position of the message, or the length of the list if it is not there. */
guint
_quern_chat_session_find (QuernChatSession *self, QuernMessage *message)
{
  guint position;

  if (!g_list_store_find (self->messages, message, &position))
    position = g_list_model_get_n_items (G_LIST_MODEL (self->messages));
  return position;
}

/* Returns: (transfer full): the system prompt and the messages [first, end) */
QuernExcerpt *
_quern_chat_session_excerpt (QuernChatSession *self, const char *system_prompt, guint first, guint end)
{
  QuernExcerpt *excerpt = quern_excerpt_new (self->store, system_prompt);

  for (guint i = first; i < end; i++) {
    g_autoptr (QuernMessage) message = g_list_model_get_item (G_LIST_MODEL (self->messages), i);
    quern_excerpt_add_message (excerpt, message);
  }
  return excerpt;
}

/* Returns the position of the first message that is sent. Older ones may have been left out. */
guint
_quern_chat_session_start (QuernChatSession *self, guint n_messages)
{
  gint64 id = quern_conversation_get_context_start (self->conversation);

  for (guint i = 0; id != 0 && i < n_messages; i++) {
    g_autoptr (QuernMessage) message = g_list_model_get_item (G_LIST_MODEL (self->messages), i);
    if (quern_message_get_id (message) == id)
      return i;
  }
  return 0;
}

/* Shows the path that was read. The objects of the messages that both paths begin with are kept. */
static void
quern_chat_session_path_loaded_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  QuernChatSession *self = g_task_get_source_object (task);
  GListModel *list = G_LIST_MODEL (self->messages);
  guint n = g_list_model_get_n_items (list);
  guint same = 0;
  GError *error = NULL;
  g_autoptr (GPtrArray) path = quern_store_load_path_finish (QUERN_STORE (source), result, &error);
  g_autoptr (QuernMessage) last = NULL;
  const QuernStatistics *statistics;

  if (!path) {
    g_task_return_error (task, error);
    return;
  }
  for (; same < MIN (n, path->len); same++) {
    g_autoptr (QuernMessage) message = g_list_model_get_item (list, same);
    QuernMessage *other = path->pdata[same];
    if (quern_message_get_id (message) != quern_message_get_id (other))
      break;
    quern_message_set_siblings (message, quern_message_get_sibling_index (other),
                                quern_message_get_sibling_count (other));
  }
  if (same < n || same < path->len)
    g_list_store_splice (self->messages, same, n - same, path->pdata + same, path->len - same);
  self->is_blank = path->len == 0 && n == 0 && !self->asking;
  last = path->len > 0 ? g_list_model_get_item (list, path->len - 1) : NULL;
  statistics = last ? quern_message_get_statistics (last) : NULL;
  _quern_chat_session_set_context_used (self, statistics ? statistics->prompt_tokens + statistics->answer_tokens : 0);
  g_task_return_boolean (task, TRUE);
}

void
quern_chat_session_load_async (QuernChatSession *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                               gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);

  quern_store_load_path_async (self->store, self->conversation, cancellable, quern_chat_session_path_loaded_cb, task);
}

gboolean
quern_chat_session_load_finish (QuernChatSession *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * quern_chat_session_choose_sibling:
 * @step: 1 for the next one, -1 for the one before
 *
 * Shows another version of a message and what followed it. Does nothing while an answer is made.
 */
void
quern_chat_session_choose_sibling (QuernChatSession *self, QuernMessage *message, int step)
{
  if (self->asking)
    return;
  quern_store_choose_sibling (self->store, self->conversation, message, step);
  quern_chat_session_load_async (self, NULL, NULL, NULL);
}

/**
 * quern_chat_session_delete_message:
 *
 * Deletes a message and everything after it; quern_chat_session_restore_message() undoes it. It does nothing while an
 * answer is generated.
 */
void
quern_chat_session_delete_message (QuernChatSession *self, QuernMessage *message)
{
  if (self->asking)
    return;
  quern_store_delete_message (self->store, self->conversation, message);
  quern_chat_session_load_async (self, NULL, NULL, NULL);
}

void
quern_chat_session_restore_message (QuernChatSession *self, QuernMessage *message)
{
  quern_store_restore_message (self->store, self->conversation, message);
  quern_chat_session_load_async (self, NULL, NULL, NULL);
}

/* ---- stopping -------------------------------------------------------------------------------------------------- */

/**
 * quern_chat_session_stop:
 *
 * Ends the answer that is being made, within a token; what was written stays.
 */
void
quern_chat_session_stop (QuernChatSession *self)
{
  if (self->asking)
    _quern_asking_stop (self->asking);
}

/**
 * quern_chat_session_interrupt:
 *
 * Ends the answer that is being made like quern_chat_session_stop(), because the program ends and not because somebody wanted
 * it to stop: its state is %QUERN_MESSAGE_INTERRUPTED.
 */
void
quern_chat_session_interrupt (QuernChatSession *self)
{
  if (self->asking)
    _quern_asking_interrupt (self->asking);
}

/**
 * quern_chat_session_answer_now:
 *
 * Ends the thinking and goes on with the answer.
 */
void
quern_chat_session_answer_now (QuernChatSession *self)
{
  if (self->asking)
    _quern_asking_answer_now (self->asking);
}

/**
 * quern_chat_session_let_go_on:
 *
 * Lets the answer repeat itself: it is not checked for repetition any more.
 */
void
quern_chat_session_let_go_on (QuernChatSession *self)
{
  if (self->asking)
    _quern_asking_let_go_on (self->asking);
}

/* ---- life ------------------------------------------------------------------------------------------------------ */

/**
 * quern_chat_session_new:
 * @conversation: one of the store's, or a new one, which is added to the store with its first message
 *
 * Call quern_chat_session_load_async() next. While an answer is made the session keeps itself alive.
 *
 * Returns: (transfer full): a session that is idle
 */
QuernChatSession *
quern_chat_session_new (QuernStore *store, QuernBackend *backend, QuernLibrary *library,
                        QuernConversation *conversation)
{
  QuernChatSession *self = g_object_new (QUERN_TYPE_CHAT_SESSION, NULL);

  self->store = g_object_ref (store);
  self->backend = g_object_ref (backend);
  self->library = g_object_ref (library);
  self->conversation = g_object_ref (conversation);
  g_signal_connect_object (library, "items-changed", G_CALLBACK (quern_chat_session_find_model), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (conversation, "notify::model-id", G_CALLBACK (quern_chat_session_find_model), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (conversation, "notify::thinking", G_CALLBACK (quern_chat_session_thinking_changed_cb), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (conversation, "notify::effort", G_CALLBACK (quern_chat_session_effort_changed_cb), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (conversation, "notify::context-size",
                           G_CALLBACK (quern_chat_session_context_size_changed_cb), self, G_CONNECT_SWAPPED);
  _quern_chat_session_open_unsent (self);
  quern_chat_session_find_model (self);
  return self;
}

static void
quern_chat_session_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  QuernChatSession *self = QUERN_CHAT_SESSION (object);

  switch (prop_id) {
  case PROP_CONVERSATION: g_value_set_object (value, self->conversation); break;
  case PROP_MESSAGES: g_value_set_object (value, self->messages); break;
  case PROP_STATE: g_value_set_enum (value, self->state); break;
  case PROP_PROGRESS: g_value_set_double (value, self->progress); break;
  case PROP_MODEL: g_value_set_object (value, self->model); break;
  case PROP_THINKING: g_value_set_boolean (value, quern_chat_session_get_thinking (self)); break;
  case PROP_EFFORT: g_value_set_string (value, quern_chat_session_get_effort (self)); break;
  case PROP_CONTEXT_USED: g_value_set_uint (value, self->context_used); break;
  case PROP_REPEATING: g_value_set_boolean (value, self->repeating); break;
  case PROP_NOTE: g_value_set_string (value, self->note); break;
  case PROP_QUESTION: g_value_set_object (value, quern_chat_session_get_question (self)); break;
  case PROP_CONTEXT_SIZE: g_value_set_uint (value, _quern_chat_session_context_size (self, self->model)); break;
  default: G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
  }
}

static void
quern_chat_session_set_property (GObject *object, guint prop_id, const GValue *value, GParamSpec *pspec)
{
  QuernChatSession *self = QUERN_CHAT_SESSION (object);

  switch (prop_id) {
  case PROP_MODEL: quern_chat_session_set_model (self, g_value_get_object (value)); break;
  case PROP_THINKING: quern_chat_session_set_thinking (self, g_value_get_boolean (value)); break;
  case PROP_EFFORT: quern_chat_session_set_effort (self, g_value_get_string (value)); break;
  default: G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
  }
}

static void
quern_chat_session_dispose (GObject *object)
{
  QuernChatSession *self = QUERN_CHAT_SESSION (object);

  _quern_chat_session_close_unsent (self);
  _quern_chat_session_stop_title (self);
  g_clear_pointer (&self->counted, _quern_count_cache_free);
  g_clear_pointer (&self->note, g_free);
  g_clear_object (&self->model);
  g_clear_object (&self->messages);
  g_clear_object (&self->conversation);
  g_clear_object (&self->library);
  g_clear_object (&self->backend);
  g_clear_object (&self->store);
  G_OBJECT_CLASS (quern_chat_session_parent_class)->dispose (object);
}

static void
quern_chat_session_class_init (QuernChatSessionClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags read = G_PARAM_READABLE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;
  const GParamFlags both = read | G_PARAM_WRITABLE;

  object_class->get_property = quern_chat_session_get_property;
  object_class->set_property = quern_chat_session_set_property;
  object_class->dispose = quern_chat_session_dispose;
  properties[PROP_CONVERSATION] = g_param_spec_object ("conversation", NULL, NULL, QUERN_TYPE_CONVERSATION, read);
  properties[PROP_MESSAGES] = g_param_spec_object ("messages", NULL, NULL, G_TYPE_LIST_MODEL, read);
  properties[PROP_STATE] = g_param_spec_enum ("state", NULL, NULL, QUERN_TYPE_SESSION_STATE, QUERN_SESSION_IDLE, read);
  properties[PROP_PROGRESS] = g_param_spec_double ("progress", NULL, NULL, 0, 1, 0, read);
  properties[PROP_MODEL] = g_param_spec_object ("model", NULL, NULL, QUERN_TYPE_MODEL, both);
  properties[PROP_THINKING] = g_param_spec_boolean ("thinking", NULL, NULL, FALSE, both);
  properties[PROP_EFFORT] = g_param_spec_string ("effort", NULL, NULL, NULL, both);
  properties[PROP_CONTEXT_USED] = g_param_spec_uint ("context-used", NULL, NULL, 0, G_MAXUINT, 0, read);
  properties[PROP_CONTEXT_SIZE] = g_param_spec_uint ("context-size", NULL, NULL, 0, G_MAXUINT, 0, read);
  properties[PROP_REPEATING] = g_param_spec_boolean ("repeating", NULL, NULL, FALSE, read);
  properties[PROP_NOTE] = g_param_spec_string ("note", NULL, NULL, NULL, read);
  properties[PROP_QUESTION] = g_param_spec_object ("question", NULL, NULL, QUERN_TYPE_QUESTION, read);
  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
quern_chat_session_init (QuernChatSession *self)
{
  self->usual = QUERN_THINKING_DEFAULT;
  self->messages = g_list_store_new (QUERN_TYPE_MESSAGE);
}
