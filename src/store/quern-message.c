/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-message.h"

/* One message of a conversation, as it is shown. Text grows at the end while an answer streams: `notify::content` and
 * `notify::reasoning` come at most once for each batch of tokens, and what was there before never changes. */

struct _QuernMessage {
  GObject parent_instance;

  gint64 id, parent_id; /* parent_id: 0 for a first message */
  gint64 created;       /* microseconds since 1970, UTC */
  QuernRole role;
  QuernMessageState state;
  GString *content;
  GString *reasoning;
  char *failure;
  char *model_id, *model_title;
  gboolean thinking;     /* the answer was asked to think first */
  char *effort;          /* with this effort, where the model's template knows any */
  gboolean in_reasoning; /* it is thinking now */
  QuernStatistics statistics;
  guint sibling_index, sibling_count; /* index from 0 */
  GListStore *attachments;
};

enum {
  PROP_0,
  PROP_ID,
  PROP_ROLE,
  PROP_CONTENT,
  PROP_REASONING,
  PROP_STATE,
  PROP_FAILURE,
  PROP_THINKING,
  PROP_IN_REASONING,
  PROP_MODEL_TITLE,
  PROP_HAS_STATISTICS,
  PROP_SIBLING_INDEX,
  PROP_SIBLING_COUNT,
  PROP_ATTACHMENTS,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

G_DEFINE_ENUM_TYPE (QuernRole, quern_role, G_DEFINE_ENUM_VALUE (QUERN_ROLE_USER, "user"),
                    G_DEFINE_ENUM_VALUE (QUERN_ROLE_ASSISTANT, "assistant"),
                    G_DEFINE_ENUM_VALUE (QUERN_ROLE_SYSTEM, "system"))
G_DEFINE_ENUM_TYPE (QuernMessageState, quern_message_state, G_DEFINE_ENUM_VALUE (QUERN_MESSAGE_STREAMING, "streaming"),
                    G_DEFINE_ENUM_VALUE (QUERN_MESSAGE_COMPLETE, "complete"),
                    G_DEFINE_ENUM_VALUE (QUERN_MESSAGE_STOPPED, "stopped"),
                    G_DEFINE_ENUM_VALUE (QUERN_MESSAGE_INTERRUPTED, "interrupted"),
                    G_DEFINE_ENUM_VALUE (QUERN_MESSAGE_LENGTH, "length"),
                    G_DEFINE_ENUM_VALUE (QUERN_MESSAGE_FAILED, "failed"))
G_DEFINE_FINAL_TYPE (QuernMessage, quern_message, G_TYPE_OBJECT)

/**
 * quern_statistics_prefill_rate:
 *
 * Returns: prompt tokens evaluated in a second, 0 when there is nothing to measure
 */
double
quern_statistics_prefill_rate (const QuernStatistics *statistics)
{
  return statistics->prefill_seconds > 0 ? statistics->evaluated_tokens / statistics->prefill_seconds : 0;
}

/**
 * quern_statistics_decode_rate:
 *
 * Returns: tokens generated in a second, 0 when there is nothing to measure
 */
double
quern_statistics_decode_rate (const QuernStatistics *statistics)
{
  return statistics->decode_seconds > 0 ? statistics->answer_tokens / statistics->decode_seconds : 0;
}

/**
 * quern_message_new:
 * @content: its text so far, "" for an answer to come
 *
 * Returns: (transfer full): a complete message that is not in any conversation yet
 */
QuernMessage *
quern_message_new (QuernRole role, const char *content)
{
  QuernMessage *self = g_object_new (QUERN_TYPE_MESSAGE, NULL);

  self->role = role;
  g_string_assign (self->content, content);
  return self;
}

gint64
quern_message_get_id (QuernMessage *self)
{
  return self->id;
}

gint64
quern_message_get_parent_id (QuernMessage *self)
{
  return self->parent_id;
}

gint64
quern_message_get_created (QuernMessage *self)
{
  return self->created;
}

QuernRole
quern_message_get_role (QuernMessage *self)
{
  return self->role;
}

const char *
quern_message_get_content (QuernMessage *self)
{
  return self->content->str;
}

gsize
quern_message_get_content_length (QuernMessage *self)
{
  return self->content->len;
}

const char *
quern_message_get_reasoning (QuernMessage *self)
{
  return self->reasoning->str;
}

QuernMessageState
quern_message_get_state (QuernMessage *self)
{
  return self->state;
}

/**
 * quern_message_get_failure:
 *
 * Returns: (transfer none) (nullable): why the answer failed, one sentence for people
 */
const char *
quern_message_get_failure (QuernMessage *self)
{
  return self->failure;
}

gboolean
quern_message_get_thinking (QuernMessage *self)
{
  return self->thinking;
}

/**
 * quern_message_get_effort:
 *
 * Returns: (nullable): the level of effort that the answer was asked for, %NULL where the model knows none
 */
const char *
quern_message_get_effort (QuernMessage *self)
{
  return self->effort;
}

gboolean
quern_message_get_in_reasoning (QuernMessage *self)
{
  return self->in_reasoning;
}

const char *
quern_message_get_model_id (QuernMessage *self)
{
  return self->model_id;
}

const char *
quern_message_get_model_title (QuernMessage *self)
{
  return self->model_title;
}

const QuernStatistics *
quern_message_get_statistics (QuernMessage *self)
{
  return &self->statistics;
}

guint
quern_message_get_sibling_index (QuernMessage *self)
{
  return self->sibling_index;
}

guint
quern_message_get_sibling_count (QuernMessage *self)
{
  return self->sibling_count;
}

/**
 * quern_message_get_attachments:
 *
 * Returns: (transfer none): a list of #QuernAttachment
 */
GListModel *
quern_message_get_attachments (QuernMessage *self)
{
  return G_LIST_MODEL (self->attachments);
}

void
quern_message_set_ids (QuernMessage *self, gint64 id, gint64 parent_id, gint64 created)
{
  self->id = id;
  self->parent_id = parent_id;
  self->created = created;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_ID]);
}

static void
set_string (QuernMessage *self, GString *string, const char *text, int property)
{
  if (g_str_equal (string->str, text))
    return;
  g_string_assign (string, text);
  g_object_notify_by_pspec (G_OBJECT (self), properties[property]);
}

void
quern_message_set_text (QuernMessage *self, const char *content, const char *reasoning)
{
  set_string (self, self->content, content, PROP_CONTENT);
  set_string (self, self->reasoning, reasoning, PROP_REASONING);
}

/**
 * quern_message_append:
 * @reasoning: whether @text belongs to the reasoning
 * @text: valid UTF-8
 */
void
quern_message_append (QuernMessage *self, gboolean reasoning, const char *text, gssize length)
{
  g_string_append_len (reasoning ? self->reasoning : self->content, text, length);
  g_object_notify_by_pspec (G_OBJECT (self), properties[reasoning ? PROP_REASONING : PROP_CONTENT]);
}

void
quern_message_set_state (QuernMessage *self, QuernMessageState state, const char *failure)
{
  if (g_set_str (&self->failure, failure))
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_FAILURE]);
  if (self->state == state)
    return;
  self->state = state;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_STATE]);
}

void
quern_message_set_model (QuernMessage *self, const char *id, const char *title)
{
  g_set_str (&self->model_id, id);
  if (g_set_str (&self->model_title, title))
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_MODEL_TITLE]);
}

void
quern_message_set_thinking (QuernMessage *self, gboolean thinking)
{
  if (self->thinking == thinking)
    return;
  self->thinking = thinking;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_THINKING]);
}

/**
 * quern_message_set_effort:
 * @effort: (nullable): a level of the model's template (QuernTemplateInfo.efforts)
 */
void
quern_message_set_effort (QuernMessage *self, const char *effort)
{
  g_set_str (&self->effort, effort);
}

void
quern_message_set_in_reasoning (QuernMessage *self, gboolean in_reasoning)
{
  if (self->in_reasoning == in_reasoning)
    return;
  self->in_reasoning = in_reasoning;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_IN_REASONING]);
}

void
quern_message_set_statistics (QuernMessage *self, const QuernStatistics *statistics)
{
  self->statistics = *statistics;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_HAS_STATISTICS]);
}

void
quern_message_set_siblings (QuernMessage *self, guint index, guint count)
{
  gboolean changed_index = self->sibling_index != index;
  gboolean changed_count = self->sibling_count != count;

  self->sibling_index = index;
  self->sibling_count = count;
  if (changed_index)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_SIBLING_INDEX]);
  if (changed_count)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_SIBLING_COUNT]);
}

void
quern_message_add_attachment (QuernMessage *self, QuernAttachment *attachment)
{
  g_list_store_append (self->attachments, attachment);
}

static void
quern_message_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  QuernMessage *self = QUERN_MESSAGE (object);

  switch (prop_id) {
  case PROP_ID: g_value_set_int64 (value, self->id); break;
  case PROP_ROLE: g_value_set_enum (value, self->role); break;
  case PROP_CONTENT: g_value_set_string (value, self->content->str); break;
  case PROP_REASONING: g_value_set_string (value, self->reasoning->str); break;
  case PROP_STATE: g_value_set_enum (value, self->state); break;
  case PROP_FAILURE: g_value_set_string (value, self->failure); break;
  case PROP_THINKING: g_value_set_boolean (value, self->thinking); break;
  case PROP_IN_REASONING: g_value_set_boolean (value, self->in_reasoning); break;
  case PROP_MODEL_TITLE: g_value_set_string (value, self->model_title); break;
  case PROP_HAS_STATISTICS: g_value_set_boolean (value, self->statistics.prompt_tokens > 0); break;
  case PROP_SIBLING_INDEX: g_value_set_uint (value, self->sibling_index); break;
  case PROP_SIBLING_COUNT: g_value_set_uint (value, self->sibling_count); break;
  case PROP_ATTACHMENTS: g_value_set_object (value, self->attachments); break;
  default: G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
  }
}

static void
quern_message_finalize (GObject *object)
{
  QuernMessage *self = QUERN_MESSAGE (object);

  g_string_free (self->content, TRUE);
  g_string_free (self->reasoning, TRUE);
  g_free (self->failure);
  g_free (self->model_id);
  g_free (self->model_title);
  g_free (self->effort);
  g_object_unref (self->attachments);
  G_OBJECT_CLASS (quern_message_parent_class)->finalize (object);
}

static void
quern_message_class_init (QuernMessageClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;

  object_class->get_property = quern_message_get_property;
  object_class->finalize = quern_message_finalize;
  properties[PROP_ID] = g_param_spec_int64 ("id", NULL, NULL, 0, G_MAXINT64, 0, flags);
  properties[PROP_ROLE] = g_param_spec_enum ("role", NULL, NULL, QUERN_TYPE_ROLE, QUERN_ROLE_USER, flags);
  properties[PROP_CONTENT] = g_param_spec_string ("content", NULL, NULL, "", flags);
  properties[PROP_REASONING] = g_param_spec_string ("reasoning", NULL, NULL, "", flags);
  properties[PROP_STATE] = g_param_spec_enum ("state", NULL, NULL, QUERN_TYPE_MESSAGE_STATE, QUERN_MESSAGE_COMPLETE,
                                              flags);
  properties[PROP_FAILURE] = g_param_spec_string ("failure", NULL, NULL, NULL, flags);
  properties[PROP_THINKING] = g_param_spec_boolean ("thinking", NULL, NULL, FALSE, flags);
  properties[PROP_IN_REASONING] = g_param_spec_boolean ("in-reasoning", NULL, NULL, FALSE, flags);
  properties[PROP_MODEL_TITLE] = g_param_spec_string ("model-title", NULL, NULL, NULL, flags);
  properties[PROP_HAS_STATISTICS] = g_param_spec_boolean ("has-statistics", NULL, NULL, FALSE, flags);
  properties[PROP_SIBLING_INDEX] = g_param_spec_uint ("sibling-index", NULL, NULL, 0, G_MAXUINT, 0, flags);
  properties[PROP_SIBLING_COUNT] = g_param_spec_uint ("sibling-count", NULL, NULL, 0, G_MAXUINT, 1, flags);
  properties[PROP_ATTACHMENTS] = g_param_spec_object ("attachments", NULL, NULL, G_TYPE_LIST_MODEL, flags);
  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
quern_message_init (QuernMessage *self)
{
  self->content = g_string_new (NULL);
  self->reasoning = g_string_new (NULL);
  self->state = QUERN_MESSAGE_COMPLETE;
  self->sibling_count = 1;
  self->attachments = g_list_store_new (QUERN_TYPE_ATTACHMENT);
}
