/* SPDX-License-Identifier: GPL-3.0-or-later */

/* What a server's model thinks of a given text: for each token the likeliest ones that could have stood there, and itself, with
 * their probabilities. vLLM tells them of a prompt ("prompt_logprobs"):
 *
 *   {"choices": [{"prompt_logprobs": [null, {"<id>": {"logprob": -0.1, "rank": 1, "decoded_token": "a"}, …}, …]}]}
 *
 * an entry for each token of the prompt; nothing is told of the first. The text's own token is among the others whatever its
 * rank. The prompt goes there in tokens, so the ids must mean the same there and here: the server is asked for the text that
 * they make. */

#include "config.h"

#include "quern-remote-private.h"

#include "quern-json-util.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

#define SECONDS 600          /* a big model may be loaded for the first window */
#define VALUES_OF_A_TOKEN 8  /* of JSON, for each probability that is told */
#define VALUES_OF_A_REPLY 64 /* for all else */
#define SLACK 1e-3           /* what rounding adds to probabilities */

typedef struct {
  QuernServerAccess *access;
  const char *model;
  const QuernScoring *scoring;
} Asking;

static gboolean
fail_reply (const Asking *asking, GError **error, const char *what)
{
  g_set_error (
      error, QUERN_SERVER_ERROR, QUERN_SERVER_ERROR_BAD_ANSWER,
      /* Translators: the host; what is wrong */
      _("“%s” did not send the probabilities that it was asked for: %s. Look into the server’s log, or update it."),
      asking->access->host, what);
  return FALSE;
}

static void
add_tokens (JsonBuilder *body, const QuernScoring *scoring, gboolean with_next)
{
  json_builder_begin_array (body);
  for (guint i = 0; i < scoring->n; i++)
    json_builder_add_int_value (body, scoring->tokens[i]);
  if (with_next)
    json_builder_add_int_value (body, scoring->next);
  json_builder_end_array (body);
}

/* Returns a good reply's JSON object, or NULL with an error. Takes the body. */
static JsonNode *
ask (const Asking *asking, const char *path, JsonBuilder *body, GError **error)
{
  const QuernScoring *scoring = asking->scoring;
  g_autoptr (JsonNode) root = NULL, node = NULL;
  g_autofree char *text = NULL;
  g_autoptr (QuernServerReply) reply = NULL;
  gsize most = ((gsize) scoring->n + 1) * (scoring->top + 1) * VALUES_OF_A_TOKEN + VALUES_OF_A_REPLY;

  json_builder_end_object (body);
  root = json_builder_get_root (body);
  text = json_to_string (root, FALSE);
  reply = _quern_server_fetch (asking->access, path, text, SECONDS, scoring->cancellable, error);
  if (reply == NULL || !_quern_server_reply_check (reply, asking->access->host, error))
    return NULL;
  node = _quern_server_reply_parse_up_to (reply, most);
  if (node != NULL && JSON_NODE_HOLDS_OBJECT (node))
    return g_steal_pointer (&node);
  fail_reply (asking, error, _("the reply is not JSON"));
  return NULL;
}

static JsonBuilder *
begin_body (const Asking *asking)
{
  JsonBuilder *body = json_builder_new ();

  json_builder_begin_object (body);
  quern_json_add_string (body, "model", asking->model);
  return body;
}

/* ---- whether tokens mean the same ------------------------------------------------------------------------------- */

/* A text without the pieces of characters at its ends, which stand there where a window cuts one. */
static char *
dup_whole (const char *text)
{
  static const char piece[] = "\xef\xbf\xbd"; /* U+FFFD */
  gsize length;

  while (g_str_has_prefix (text, piece))
    text += strlen (piece);
  length = strlen (text);
  while (length >= strlen (piece) && memcmp (text + length - strlen (piece), piece, strlen (piece)) == 0)
    length -= strlen (piece);
  return g_strndup (text, length);
}

static gboolean
check_tokens (const Asking *asking, GError **error)
{
  g_autoptr (JsonBuilder) body = begin_body (asking);
  g_autoptr (JsonNode) node = NULL;
  g_autofree char *here = dup_whole (asking->scoring->text), *there = NULL;
  const char *text;

  json_builder_set_member_name (body, "tokens");
  add_tokens (body, asking->scoring, FALSE);
  node = ask (asking, "/detokenize", body, error);
  if (node == NULL)
    return FALSE;
  text = quern_json_string (json_node_get_object (node), "prompt", NULL);
  if (text == NULL)
    return fail_reply (asking, error, _("it does not say what text the tokens are"));
  there = dup_whole (text);
  if (g_str_equal (here, there))
    return TRUE;
  g_set_error (
      error, QUERN_SERVER_ERROR, QUERN_SERVER_ERROR_UNSUPPORTED,
      _("“%s” on “%s” has other tokens than the models on this computer, so their numbers cannot be compared. "
        "Compare what they write instead."),
      asking->model, asking->access->host);
  return FALSE;
}

/* ---- probabilities ---------------------------------------------------------------------------------------------- */

typedef struct {
  gint64 rank; /* from 1 */
  QuernLikelihood likelihood;
} Ranked;

static int
compare_ranks (gconstpointer a, gconstpointer b)
{
  const Ranked *x = a, *y = b;

  return (x->rank > y->rank) - (x->rank < y->rank);
}

/* Reads a member of an entry. */
static gboolean
read_token (const char *name, JsonNode *node, Ranked *out)
{
  JsonObject *object = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
  guint64 id;

  if (!g_ascii_string_to_unsigned (name, 10, 0, G_MAXINT32, &id, NULL))
    return FALSE;
  *out = (Ranked) { quern_json_int (object, "rank", 0), { (gint32) id, quern_json_double (object, "logprob", NAN) } };
  return out->rank >= 1 && isfinite (out->likelihood.ln_p) && out->likelihood.ln_p <= SLACK;
}

/* Reads what is told of one token of the text: the ranks 1 to `top`, and the token itself. Returns what is wrong, or NULL. */
static const char *
read_entry (const QuernScoring *scoring, JsonObject *entry, gint32 token, QuernLikelihood *top, double *ln_p)
{
  g_autoptr (GArray) told = g_array_new (FALSE, FALSE, sizeof (Ranked));
  gboolean has_token = FALSE;
  JsonObjectIter iter;
  const char *name;
  JsonNode *node;
  double sum = 0;

  json_object_iter_init (&iter, entry);
  while (json_object_iter_next (&iter, &name, &node)) {
    Ranked ranked;

    if (!read_token (name, node, &ranked))
      return _("what it tells of a token makes no sense");
    g_array_append_val (told, ranked);
    sum += exp (ranked.likelihood.ln_p);
    if (ranked.likelihood.id == token) {
      has_token = TRUE;
      *ln_p = MIN (ranked.likelihood.ln_p, 0);
    }
  }
  if (!has_token || told->len < scoring->top)
    return _("some tokens are missing");
  g_array_sort (told, compare_ranks);
  for (guint i = 0; i < scoring->top; i++) {
    const Ranked *ranked = &g_array_index (told, Ranked, i);

    /* Tokens that are equally likely may share a rank. */
    if (ranked->rank > i + 1 || (i > 0 && ranked->likelihood.ln_p > top[i - 1].ln_p + SLACK))
      return _("the likeliest tokens are not those that it calls so");
    top[i] = ranked->likelihood;
  }
  return sum <= 1 + SLACK ? NULL : _("the probabilities add up to more than 1");
}

static gboolean
hand_over (const Asking *asking, JsonObject *root, GError **error)
{
  const QuernScoring *scoring = asking->scoring;
  JsonObject *choice = quern_json_object_at (quern_json_array (root, "choices"), 0);
  JsonArray *entries = quern_json_array (choice, "prompt_logprobs");
  g_autofree QuernLikelihood *top = g_new (QuernLikelihood, scoring->top);

  if (entries == NULL)
    return fail_reply (asking, error, _("there are none in the reply"));
  if (quern_json_length (entries) != scoring->n + 1)
    return fail_reply (asking, error, _("their number is not that of the tokens"));
  for (guint row = scoring->first; row < scoring->n; row++) {
    gint32 token = row + 1 < scoring->n ? scoring->tokens[row + 1] : scoring->next;
    JsonObject *entry = quern_json_object_at (entries, row + 1);
    QuernToldRow told = { top, scoring->top, 0 };
    const char *wrong = entry != NULL ? read_entry (scoring, entry, token, top, &told.ln_p)
                                      : _("some tokens are missing");

    if (wrong != NULL)
      return fail_reply (asking, error, wrong);
    if (!scoring->told (scoring->data, row, &told))
      return TRUE;
  }
  return TRUE;
}

/* Two calls: for the text that the tokens are, and for their probabilities. Returns TRUE when all rows were told, or when the
 * function that is told ended the scoring. */
gboolean
_quern_server_score (QuernServerAccess *access, const char *api, const char *model, const QuernScoring *scoring,
                     GError **error)
{
  const Asking asking = { access, model, scoring };
  g_autofree char *path = g_strconcat (api, "/completions", NULL);
  g_autoptr (JsonBuilder) body = begin_body (&asking);
  g_autoptr (JsonNode) node = NULL;

  if (!check_tokens (&asking, error))
    return FALSE;
  json_builder_set_member_name (body, "prompt");
  add_tokens (body, scoring, TRUE);
  quern_json_add_int (body, "prompt_logprobs", scoring->top);
  quern_json_add_int (body, "max_tokens", 1); /* none is refused by some versions */
  quern_json_add_double (body, "temperature", 0);
  quern_json_add_bool (body, "stream", FALSE);
  node = ask (&asking, path, body, error);
  return node != NULL && hand_over (&asking, json_node_get_object (node), error);
}
