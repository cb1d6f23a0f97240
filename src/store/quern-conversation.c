/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-conversation.h"

struct _QuernConversation {
  GObject parent_instance;

  gint64 id; /* 0 until it is in a store */
  gint64 created, updated;
  char *title;
  gboolean title_given; /* by the user; never replaced by the program */
  gboolean pinned;
  gint64 folder_id; /* 0: in none */
  char *model_id;
  QuernThinking thinking;
  char *effort;         /* of thinking, as a template spells it; NULL: the template's default */
  char *sampling;       /* JSON object with what differs from the family's defaults, or NULL */
  guint context_size;   /* tokens; 0: the default */
  gint64 context_start; /* id of the first message that is sent; 0: all are */
  char *system_prompt;
  char *unsent;  /* what was written and is not part of the conversation yet */
  gboolean busy; /* an answer is being made; not stored */
};

enum {
  PROP_0,
  PROP_ID,
  PROP_UPDATED,
  PROP_TITLE,
  PROP_PINNED,
  PROP_FOLDER_ID,
  PROP_MODEL_ID,
  PROP_THINKING,
  PROP_EFFORT,
  PROP_SAMPLING,
  PROP_CONTEXT_SIZE,
  PROP_CONTEXT_START,
  PROP_SYSTEM_PROMPT,
  PROP_UNSENT,
  PROP_BUSY,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

G_DEFINE_FINAL_TYPE (QuernConversation, quern_conversation, G_TYPE_OBJECT)

QuernConversation *
quern_conversation_new (void)
{
  return g_object_new (QUERN_TYPE_CONVERSATION, NULL);
}

gint64
quern_conversation_get_id (QuernConversation *self)
{
  return self->id;
}

gint64
quern_conversation_get_created (QuernConversation *self)
{
  return self->created;
}

/**
 * quern_conversation_get_updated:
 *
 * Returns: when its last message was added, in microseconds since 1970, UTC
 */
gint64
quern_conversation_get_updated (QuernConversation *self)
{
  return self->updated;
}

const char *
quern_conversation_get_title (QuernConversation *self)
{
  return self->title;
}

gboolean
quern_conversation_get_title_given (QuernConversation *self)
{
  return self->title_given;
}

/**
 * quern_conversation_set_title:
 * @given: whether a person chose it; the program then leaves it alone
 */
void
quern_conversation_set_title (QuernConversation *self, const char *title, gboolean given)
{
  gboolean changed = g_set_str (&self->title, title) || self->title_given != given;

  self->title_given = given;
  if (changed)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_TITLE]);
}

void
quern_conversation_set_ids (QuernConversation *self, gint64 id, gint64 created)
{
  self->id = id;
  self->created = created;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_ID]);
}

void
quern_conversation_touch (QuernConversation *self, gint64 updated)
{
  if (self->updated == updated)
    return;
  self->updated = updated;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_UPDATED]);
}

const char *
quern_conversation_get_model_id (QuernConversation *self)
{
  return self->model_id;
}

void
quern_conversation_set_model_id (QuernConversation *self, const char *model_id)
{
  if (g_set_str (&self->model_id, model_id))
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_MODEL_ID]);
}

const char *
quern_conversation_get_system_prompt (QuernConversation *self)
{
  return self->system_prompt;
}

void
quern_conversation_set_system_prompt (QuernConversation *self, const char *system_prompt)
{
  if (g_set_str (&self->system_prompt, system_prompt))
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_SYSTEM_PROMPT]);
}

const char *
quern_conversation_get_unsent (QuernConversation *self)
{
  return self->unsent;
}

void
quern_conversation_set_unsent (QuernConversation *self, const char *unsent)
{
  if (g_set_str (&self->unsent, unsent))
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_UNSENT]);
}

const char *
quern_conversation_get_sampling (QuernConversation *self)
{
  return self->sampling;
}

void
quern_conversation_set_sampling (QuernConversation *self, const char *json)
{
  if (g_set_str (&self->sampling, json))
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_SAMPLING]);
}

gboolean
quern_conversation_get_pinned (QuernConversation *self)
{
  return self->pinned;
}

void
quern_conversation_set_pinned (QuernConversation *self, gboolean pinned)
{
  if (self->pinned == pinned)
    return;
  self->pinned = pinned;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_PINNED]);
}

QuernThinking
quern_conversation_get_thinking (QuernConversation *self)
{
  return self->thinking;
}

void
quern_conversation_set_thinking (QuernConversation *self, QuernThinking thinking)
{
  if (self->thinking == thinking)
    return;
  self->thinking = thinking;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_THINKING]);
}

/**
 * quern_conversation_get_effort:
 *
 * Returns: (nullable): the effort that was chosen, which the present model may not know; %NULL for the model's default
 */
const char *
quern_conversation_get_effort (QuernConversation *self)
{
  return self->effort;
}

void
quern_conversation_set_effort (QuernConversation *self, const char *effort)
{
  if (g_set_str (&self->effort, effort))
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_EFFORT]);
}

guint
quern_conversation_get_context_size (QuernConversation *self)
{
  return self->context_size;
}

void
quern_conversation_set_context_size (QuernConversation *self, guint n_tokens)
{
  if (self->context_size == n_tokens)
    return;
  self->context_size = n_tokens;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_CONTEXT_SIZE]);
}

/**
 * quern_conversation_get_context_start:
 *
 * Returns: the id of the first message that is sent to the model; 0, or an id that is not on the branch that is shown:
 *   all of them are
 */
gint64
quern_conversation_get_context_start (QuernConversation *self)
{
  return self->context_start;
}

void
quern_conversation_set_context_start (QuernConversation *self, gint64 message_id)
{
  if (self->context_start == message_id)
    return;
  self->context_start = message_id;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_CONTEXT_START]);
}

gint64
quern_conversation_get_folder_id (QuernConversation *self)
{
  return self->folder_id;
}

void
quern_conversation_set_folder_id (QuernConversation *self, gint64 folder_id)
{
  if (self->folder_id == folder_id)
    return;
  self->folder_id = folder_id;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_FOLDER_ID]);
}

void
quern_conversation_set_busy (QuernConversation *self, gboolean busy)
{
  if (self->busy == busy)
    return;
  self->busy = busy;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_BUSY]);
}

static void
quern_conversation_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  QuernConversation *self = QUERN_CONVERSATION (object);

  switch (prop_id) {
  case PROP_ID: g_value_set_int64 (value, self->id); break;
  case PROP_UPDATED: g_value_set_int64 (value, self->updated); break;
  case PROP_TITLE: g_value_set_string (value, self->title); break;
  case PROP_PINNED: g_value_set_boolean (value, self->pinned); break;
  case PROP_FOLDER_ID: g_value_set_int64 (value, self->folder_id); break;
  case PROP_MODEL_ID: g_value_set_string (value, self->model_id); break;
  case PROP_THINKING: g_value_set_int (value, self->thinking); break;
  case PROP_EFFORT: g_value_set_string (value, self->effort); break;
  case PROP_SAMPLING: g_value_set_string (value, self->sampling); break;
  case PROP_CONTEXT_SIZE: g_value_set_uint (value, self->context_size); break;
  case PROP_CONTEXT_START: g_value_set_int64 (value, self->context_start); break;
  case PROP_SYSTEM_PROMPT: g_value_set_string (value, self->system_prompt); break;
  case PROP_UNSENT: g_value_set_string (value, self->unsent); break;
  case PROP_BUSY: g_value_set_boolean (value, self->busy); break;
  default: G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
  }
}

static void
quern_conversation_set_property (GObject *object, guint prop_id, const GValue *value, GParamSpec *pspec)
{
  QuernConversation *self = QUERN_CONVERSATION (object);

  switch (prop_id) {
  case PROP_TITLE: quern_conversation_set_title (self, g_value_get_string (value), TRUE); break;
  case PROP_PINNED: quern_conversation_set_pinned (self, g_value_get_boolean (value)); break;
  case PROP_FOLDER_ID: quern_conversation_set_folder_id (self, g_value_get_int64 (value)); break;
  case PROP_MODEL_ID: quern_conversation_set_model_id (self, g_value_get_string (value)); break;
  case PROP_THINKING: quern_conversation_set_thinking (self, g_value_get_int (value)); break;
  case PROP_EFFORT: quern_conversation_set_effort (self, g_value_get_string (value)); break;
  case PROP_SAMPLING: quern_conversation_set_sampling (self, g_value_get_string (value)); break;
  case PROP_CONTEXT_SIZE: quern_conversation_set_context_size (self, g_value_get_uint (value)); break;
  case PROP_CONTEXT_START: quern_conversation_set_context_start (self, g_value_get_int64 (value)); break;
  case PROP_SYSTEM_PROMPT: quern_conversation_set_system_prompt (self, g_value_get_string (value)); break;
  case PROP_UNSENT: quern_conversation_set_unsent (self, g_value_get_string (value)); break;
  default: G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
  }
}

static void
quern_conversation_finalize (GObject *object)
{
  QuernConversation *self = QUERN_CONVERSATION (object);

  g_free (self->title);
  g_free (self->model_id);
  g_free (self->effort);
  g_free (self->sampling);
  g_free (self->system_prompt);
  g_free (self->unsent);
  G_OBJECT_CLASS (quern_conversation_parent_class)->finalize (object);
}

static void
quern_conversation_class_init (QuernConversationClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags read = G_PARAM_READABLE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;
  const GParamFlags both = read | G_PARAM_WRITABLE;

  object_class->get_property = quern_conversation_get_property;
  object_class->set_property = quern_conversation_set_property;
  object_class->finalize = quern_conversation_finalize;
  properties[PROP_ID] = g_param_spec_int64 ("id", NULL, NULL, 0, G_MAXINT64, 0, read);
  properties[PROP_UPDATED] = g_param_spec_int64 ("updated", NULL, NULL, 0, G_MAXINT64, 0, read);
  properties[PROP_TITLE] = g_param_spec_string ("title", NULL, NULL, "", both);
  properties[PROP_PINNED] = g_param_spec_boolean ("pinned", NULL, NULL, FALSE, both);
  properties[PROP_FOLDER_ID] = g_param_spec_int64 ("folder-id", NULL, NULL, 0, G_MAXINT64, 0, both);
  properties[PROP_MODEL_ID] = g_param_spec_string ("model-id", NULL, NULL, NULL, both);
  properties[PROP_THINKING] = g_param_spec_int ("thinking", NULL, NULL, -1, 1, -1, both);
  properties[PROP_EFFORT] = g_param_spec_string ("effort", NULL, NULL, NULL, both);
  properties[PROP_SAMPLING] = g_param_spec_string ("sampling", NULL, NULL, NULL, both);
  properties[PROP_CONTEXT_SIZE] = g_param_spec_uint ("context-size", NULL, NULL, 0, G_MAXUINT, 0, both);
  properties[PROP_CONTEXT_START] = g_param_spec_int64 ("context-start", NULL, NULL, 0, G_MAXINT64, 0, both);
  properties[PROP_SYSTEM_PROMPT] = g_param_spec_string ("system-prompt", NULL, NULL, NULL, both);
  properties[PROP_UNSENT] = g_param_spec_string ("unsent", NULL, NULL, NULL, both);
  properties[PROP_BUSY] = g_param_spec_boolean ("busy", NULL, NULL, FALSE, read);
  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
quern_conversation_init (QuernConversation *self)
{
  self->title = g_strdup ("");
  self->thinking = QUERN_THINKING_DEFAULT;
}
