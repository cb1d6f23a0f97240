/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-model.h"
#include "quern-store.h"

G_BEGIN_DECLS

typedef enum {
  QUERN_QUESTION_NEW,      /* asked at the end of the branch that is shown */
  QUERN_QUESTION_EDIT,     /* asked instead of a question of the conversation */
  QUERN_QUESTION_AGAIN,    /* a question of the conversation, to be answered once more */
  QUERN_QUESTION_CONTINUE, /* a question of the conversation whose answer is to go on */
} QuernQuestionKind;

typedef enum {
  QUERN_QUESTION_WRITING,   /* it may be changed */
  QUERN_QUESTION_ASKED,     /* it is being checked, or it does not fit and somebody is to decide what to do */
  QUERN_QUESTION_COMMITTED, /* it is in the conversation, with an answer that is being made */
} QuernQuestionState;

#define QUERN_TYPE_QUESTION_STATE (quern_question_state_get_type ())
GType quern_question_state_get_type (void);

/* What a person is asking, from the first key until it is committed, that is, part of the conversation. Properties: "text",
 * "state". The session keeps what is not committed on the disk, see quern-chat-unsent.c. */
#define QUERN_TYPE_QUESTION (quern_question_get_type ())
G_DECLARE_FINAL_TYPE (QuernQuestion, quern_question, QUERN, QUESTION, GObject)

QuernQuestion *quern_question_new_again (QuernMessage *message, QuernModel *model);
QuernQuestion *quern_question_new_continue (QuernMessage *answer);
QuernQuestionKind quern_question_get_kind (QuernQuestion *self);
QuernQuestionState quern_question_get_state (QuernQuestion *self);
const char *quern_question_get_text (QuernQuestion *self);
void quern_question_set_text (QuernQuestion *self, const char *text);
GListStore *quern_question_get_attachments (QuernQuestion *self);
QuernModel *quern_question_get_model (QuernQuestion *self);

G_END_DECLS
