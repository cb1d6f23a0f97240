/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-chat-session-private.h"

enum { PROP_0, PROP_TEXT, PROP_STATE, N_PROPS };

static GParamSpec *properties[N_PROPS];

G_DEFINE_ENUM_TYPE (QuernQuestionState, quern_question_state, G_DEFINE_ENUM_VALUE (QUERN_QUESTION_WRITING, "writing"),
                    G_DEFINE_ENUM_VALUE (QUERN_QUESTION_ASKED, "asked"),
                    G_DEFINE_ENUM_VALUE (QUERN_QUESTION_COMMITTED, "committed"))
G_DEFINE_FINAL_TYPE (QuernQuestion, quern_question, G_TYPE_OBJECT)

static void
quern_question_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  QuernQuestion *self = QUERN_QUESTION (object);

  switch (prop_id) {
  case PROP_TEXT: g_value_set_string (value, self->text); break;
  case PROP_STATE: g_value_set_enum (value, self->state); break;
  default: G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
  }
}

static void
quern_question_finalize (GObject *object)
{
  QuernQuestion *self = QUERN_QUESTION (object);

  g_clear_pointer (&self->request, quern_request_unref);
  g_clear_object (&self->message);
  g_clear_object (&self->model);
  g_object_unref (self->attachments);
  g_free (self->text);
  G_OBJECT_CLASS (quern_question_parent_class)->finalize (object);
}

static void
quern_question_class_init (QuernQuestionClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags read = G_PARAM_READABLE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;

  object_class->get_property = quern_question_get_property;
  object_class->finalize = quern_question_finalize;
  properties[PROP_TEXT] = g_param_spec_string ("text", NULL, NULL, "", read);
  properties[PROP_STATE] = g_param_spec_enum ("state", NULL, NULL, QUERN_TYPE_QUESTION_STATE, QUERN_QUESTION_WRITING,
                                              read);
  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
quern_question_init (QuernQuestion *self)
{
  self->text = g_strdup ("");
  self->attachments = g_list_store_new (QUERN_TYPE_ATTACHMENT);
}

/* Returns: (transfer full): a question of a kind; @message is the one that is edited, answered again or continued */
QuernQuestion *
_quern_question_new (QuernQuestionKind kind, QuernMessage *message, QuernModel *model)
{
  QuernQuestion *self = g_object_new (QUERN_TYPE_QUESTION, NULL);

  self->kind = kind;
  self->message = message ? g_object_ref (message) : NULL;
  self->model = model ? g_object_ref (model) : NULL;
  return self;
}

/**
 * quern_question_new_again:
 * @message: an answer, or a question that has none
 * @model: (nullable): who answers this once; %NULL for the conversation's model
 *
 * Returns: (transfer full): what is to be answered once more, with the thinking that is chosen when it is asked
 */
QuernQuestion *
quern_question_new_again (QuernMessage *message, QuernModel *model)
{
  g_return_val_if_fail (QUERN_IS_MESSAGE (message), NULL);
  return _quern_question_new (QUERN_QUESTION_AGAIN, message, model);
}

/**
 * quern_question_new_continue:
 * @answer: the last message of a conversation, an answer that was stopped, interrupted or cut
 *
 * Returns: (transfer full): what lets the answer go on where it ended
 */
QuernQuestion *
quern_question_new_continue (QuernMessage *answer)
{
  g_return_val_if_fail (QUERN_IS_MESSAGE (answer), NULL);
  return _quern_question_new (QUERN_QUESTION_CONTINUE, answer, NULL);
}

QuernQuestionKind
quern_question_get_kind (QuernQuestion *self)
{
  g_return_val_if_fail (QUERN_IS_QUESTION (self), QUERN_QUESTION_NEW);
  return self->kind;
}

QuernQuestionState
quern_question_get_state (QuernQuestion *self)
{
  g_return_val_if_fail (QUERN_IS_QUESTION (self), QUERN_QUESTION_WRITING);
  return self->state;
}

/* Says what has become of the question. */
void
_quern_question_set_state (QuernQuestion *self, QuernQuestionState state)
{
  if (self->state == state)
    return;
  self->state = state;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_STATE]);
}

/* Whether its text is the person's own and not in the conversation yet: whether it could be lost. */
gboolean
_quern_question_is_written (QuernQuestion *self)
{
  return self->kind == QUERN_QUESTION_NEW || self->kind == QUERN_QUESTION_EDIT;
}

/**
 * quern_question_get_text:
 *
 * Returns: what is written; of a question that is answered again or continued, once it is asked, that of its message
 */
const char *
quern_question_get_text (QuernQuestion *self)
{
  g_return_val_if_fail (QUERN_IS_QUESTION (self), NULL);
  return self->text;
}

/**
 * quern_question_set_text:
 * @text: (nullable): what is written now
 */
void
quern_question_set_text (QuernQuestion *self, const char *text)
{
  g_return_if_fail (QUERN_IS_QUESTION (self));

  if (g_set_str (&self->text, text ? text : ""))
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_TEXT]);
}

/**
 * quern_question_get_attachments:
 *
 * Returns: (transfer none) (element-type QuernAttachment): what goes with the text; change it while the question is
 *   written
 */
GListStore *
quern_question_get_attachments (QuernQuestion *self)
{
  g_return_val_if_fail (QUERN_IS_QUESTION (self), NULL);
  return self->attachments;
}

/**
 * quern_question_get_model:
 *
 * Returns: (transfer none) (nullable): who answers it, known once it is asked
 */
QuernModel *
quern_question_get_model (QuernQuestion *self)
{
  g_return_val_if_fail (QUERN_IS_QUESTION (self), NULL);
  return self->model;
}

/* Puts the attachments of a list before those of the question. */
void
_quern_question_prepend_attachments (QuernQuestion *self, GListModel *attachments)
{
  for (guint i = 0; i < g_list_model_get_n_items (attachments); i++) {
    g_autoptr (QuernAttachment) attachment = g_list_model_get_item (attachments, i);
    g_list_store_insert (self->attachments, i, attachment);
  }
}
