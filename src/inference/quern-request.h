/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-generation.h"

G_BEGIN_DECLS

/* The fields of a QuernRequest, for the thread that carries it out. */

typedef struct {
  QeRole role;
  char *text;
  char *reasoning;     /* NULL when there is none */
  GPtrArray *pictures; /* array of QuernPixels; they come before the text */
} QuernRequestMessage;

struct _QuernRequest {
  gatomicrefcount references;
  GPtrArray *messages; /* of QuernRequestMessage */
  gboolean thinking;
  char *begun_reasoning; /* beginning of an answer to continue, or NULL */
  char *begun_answer;
  QeSamplerParams sampler;
  gboolean has_sampler;  /* if FALSE, the family's values are used */
  guint max_tokens;      /* 0: as many as fit */
  char *effort;          /* of thinking; NULL: the template's default */
  guint thinking_budget; /* tokens; 0: no limit */
};

gboolean _quern_request_render (const QuernRequest *self, const QeModel *model, QeChatText *text,
                                gboolean *in_reasoning, QeError *error);
GPtrArray *_quern_request_list_pictures (const QuernRequest *self);

G_END_DECLS
