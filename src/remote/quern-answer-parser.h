/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-event-reader.h"
#include "quern-server-error.h"

G_BEGIN_DECLS

typedef enum {
  QUERN_ANSWER_NOT_ENDED,
  QUERN_ANSWER_END,    /* the model ended it */
  QUERN_ANSWER_LENGTH, /* the limit of tokens, or the end of the context */
} QuernAnswerEnd;

/* What a server says of its work; 0: not told. Times in seconds. */
typedef struct {
  guint prompt_tokens; /* of the whole prompt */
  guint reused_tokens; /* of these, found in its cache */
  guint answer_tokens; /* reasoning included */
  guint reasoning_tokens;
  double load_seconds;
  double prefill_seconds;
  double decode_seconds;
} QuernAnswerUsage;

/* Makes reasoning and text of the bytes of an answer, in whichever form a server sends them. */
typedef struct {
  QuernEventFormat format;
  gboolean thinking_off; /* reasoning was not asked for */
  const char *host;      /* for sentences */
} QuernAnswerForm;

typedef struct _QuernAnswerParser QuernAnswerParser;

QuernAnswerParser *quern_answer_parser_new (const QuernAnswerForm *form);
void quern_answer_parser_free (QuernAnswerParser *self);
gboolean quern_answer_parser_push (QuernAnswerParser *self, const char *bytes, gsize size);
gboolean quern_answer_parser_end (QuernAnswerParser *self, GError **error);

/* What came since the last call, to be taken in this order. */
typedef struct {
  gboolean moved;     /* all text so far was reasoning */
  GString *reasoning; /* appended to */
  GString *text;
} QuernAnswerNews;

void quern_answer_parser_take (QuernAnswerParser *self, QuernAnswerNews *news);
QuernAnswerEnd quern_answer_parser_get_end (QuernAnswerParser *self);
gboolean quern_answer_parser_get_begun (QuernAnswerParser *self);
gboolean quern_answer_parser_get_reasoned (QuernAnswerParser *self);
gboolean quern_answer_parser_get_only_reasoned (QuernAnswerParser *self);
double quern_answer_parser_get_progress (QuernAnswerParser *self);
const char *quern_answer_parser_get_id (QuernAnswerParser *self);
const QuernAnswerUsage *quern_answer_parser_get_usage (QuernAnswerParser *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (QuernAnswerParser, quern_answer_parser_free)

G_END_DECLS
