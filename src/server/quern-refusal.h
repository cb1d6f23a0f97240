/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* Why a request is refused, with all that an error object of any dialect says. */
typedef struct {
  guint status;        /* of HTTP: 400 to 599 */
  const char *type;    /* as OpenAI's API calls it, static: "invalid_request_error"; follows from the status */
  const char *code;    /* what programs look at, static; may be NULL */
  char *message;       /* a sentence that says what is wrong and what to do */
  char *param;         /* the member of the request that is wrong, or NULL */
  guint prompt_tokens; /* of a prompt that is longer than the context; else 0 */
  guint context_size;  /* likewise */
  guint retry_after;   /* seconds after which another try makes sense; 0: unknown */
} QuernRefusal;

QuernRefusal *quern_refusal_new (guint status, const char *code, const char *param, const char *format, ...)
    G_GNUC_PRINTF (4, 5);
QuernRefusal *quern_refusal_new_from_error (const GError *error);
void quern_refusal_free (QuernRefusal *self);
gboolean quern_refuse (QuernRefusal **refusal, guint status, const char *code, const char *param, const char *format,
                       ...) G_GNUC_PRINTF (5, 6);
char *quern_refusal_to_json (const QuernRefusal *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (QuernRefusal, quern_refusal_free)

G_END_DECLS
