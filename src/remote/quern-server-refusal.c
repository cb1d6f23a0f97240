/* SPDX-License-Identifier: GPL-3.0-or-later */

/* What servers write when they refuse, in six forms: {"error": {"message", …}}, {"message", …}, {"error": "…"}, {"detail": …},
 * plain text, and the web page of a proxy in between. All become one sentence with what to do. */

#include "config.h"

#include "quern-server-private.h"

#include "quern-hub.h"
#include "quern-json-util.h"
#include "quern-printable.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define MAX_VALUES 200000 /* a router's list of a thousand models */
#define MAX_SHOWN 200     /* characters of what a server wrote */

static JsonNode *
parse_up_to (const char *text, gsize size, gsize most)
{
  g_autoptr (JsonParser) parser = json_parser_new ();

  if (quern_json_check (text, size, most) != QUERN_JSON_SOUND
      || !json_parser_load_from_data (parser, text, (gssize) size, NULL) || json_parser_get_root (parser) == NULL)
    return NULL;
  return json_parser_steal_root (parser);
}

JsonNode *
_quern_server_parse_json (const char *text, gsize size)
{
  return parse_up_to (text, size, MAX_VALUES);
}

JsonNode *
_quern_server_reply_parse_up_to (const QuernServerReply *reply, gsize most)
{
  gsize size;
  const char *text = g_bytes_get_data (reply->body, &size);

  return parse_up_to (text, size, most);
}

JsonNode *
_quern_server_reply_parse (const QuernServerReply *reply)
{
  return _quern_server_reply_parse_up_to (reply, MAX_VALUES);
}

/* The beginning of a text in one line that can be shown anywhere. */
static char *
dup_shown (const char *text, gsize size)
{
  g_autofree char *valid = g_utf8_make_valid (text != NULL ? text : "", text != NULL ? (gssize) MIN (size, 4096) : 0);
  g_autoptr (GString) out = g_string_new (NULL);
  gboolean space = FALSE;
  guint n = 0;

  for (const char *p = valid; *p != '\0'; p = g_utf8_next_char (p)) {
    gunichar c = g_utf8_get_char (p);

    if (g_unichar_isspace (c) || !quern_unichar_is_printable (c)) {
      space = out->len > 0;
      continue;
    }
    if (n++ == MAX_SHOWN) {
      g_string_append (out, "…");
      break;
    }
    if (space)
      g_string_append_c (out, ' ');
    g_string_append_unichar (out, c);
    space = FALSE;
  }
  return g_string_free_and_steal (g_steal_pointer (&out));
}

/* The text of a web page, roughly: what stands between tags, without scripts and styles. */
static char *
dup_page_text (const char *text, gsize size)
{
  g_autofree char *page = g_strndup (text, MIN (size, 65536));
  g_autoptr (GString) out = g_string_new (NULL);

  for (const char *p = page; *p != '\0';) {
    const char *end;

    if (*p != '<') {
      g_string_append_c (out, *p++);
      continue;
    }
    end = g_ascii_strncasecmp (p, "<script", 7) == 0  ? strstr (p, "</script")
          : g_ascii_strncasecmp (p, "<style", 6) == 0 ? strstr (p, "</style")
                                                      : p;
    end = end != NULL ? strchr (end, '>') : NULL;
    g_string_append_c (out, ' ');
    p = end != NULL ? end + 1 : p + strlen (p);
  }
  return dup_shown (out->str, out->len);
}

/* ---- what a refusal says --------------------------------------------------------------------------------------- */

typedef struct {
  guint status;        /* of HTTP, or as the text says; 0: neither */
  const char *message; /* "": none */
  const char *type, *code;
  guint n_prompt, n_context; /* tokens; 0: not told */
} Refusal;

static const char *
detail_message (JsonObject *object)
{
  const char *text = quern_json_string (object, "detail", NULL);
  JsonArray *list = quern_json_array (object, "detail");

  return text != NULL ? text : quern_json_string (quern_json_object_at (list, 0), "msg", NULL);
}

/* Whether an object is a refusal, in whichever form. */
static gboolean
read_refusal (JsonNode *node, Refusal *out)
{
  JsonObject *root = node != NULL && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
  JsonObject *nested = quern_json_object (root, "error");
  const char *plain = quern_json_string (root, "error", NULL);
  gboolean flat = root != NULL
                  && (g_strcmp0 (quern_json_string (root, "object", NULL), "error") == 0
                      || g_strcmp0 (quern_json_string (root, "type", NULL), "error") == 0
                      || (json_object_has_member (root, "message") && json_object_has_member (root, "code")));
  JsonObject *object = nested != NULL ? nested : root;
  gint64 code = quern_json_int (object, "code", 0);

  if (nested == NULL && plain == NULL && !flat && detail_message (root) == NULL)
    return FALSE;
  out->message = plain != NULL ? plain : quern_json_string (object, "message", NULL);
  if (out->message == NULL)
    out->message = nested == NULL && !flat ? detail_message (root) : "";
  out->type = quern_json_string (object, "type", "");
  out->code = quern_json_string (object, "code", "");
  out->n_prompt = quern_json_count (object, "n_prompt_tokens");
  out->n_context = quern_json_count (object, "n_ctx");
  if (out->status < 400 && code >= 400 && code < 600)
    out->status = (guint) code;
  return TRUE;
}

/* Whether a refusal is about the length of the prompt. Servers that give it no type are known by their words. */
static gboolean
is_too_long (const Refusal *r)
{
  static const char *const words[] = { "maximum context length", "context length", "context size", "context window",
                                       "longer than the model" };

  if (g_str_equal (r->type, "exceed_context_size_error") || g_str_equal (r->code, "context_length_exceeded"))
    return TRUE;
  for (guint i = 0; i < G_N_ELEMENTS (words) && r->status < 500; i++)
    if (strstr (r->message, words[i]) != NULL)
      return TRUE;
  return FALSE;
}

static void
set_refusal (GError **error, const char *host, const Refusal *r, gboolean sent_key, gint64 wait)
{
  g_autofree char *message = dup_shown (r->message, strlen (r->message)), *lower = g_utf8_strdown (message, -1);
  int seconds = (int) ((wait + G_USEC_PER_SEC - 1) / G_USEC_PER_SEC);

  if (is_too_long (r) && r->n_prompt > 0 && r->n_context > 0)
    g_set_error (
        error, QUERN_SERVER_ERROR, QUERN_SERVER_ERROR_CONTEXT_FULL,
        _("The conversation has %u tokens, and the server’s context holds %u. Leave out earlier messages, or start "
          "the server with a longer context."),
        r->n_prompt, r->n_context);
  else if (is_too_long (r))
    g_set_error (error, QUERN_SERVER_ERROR, QUERN_SERVER_ERROR_CONTEXT_FULL,
                 _("The conversation does not fit into the server’s context. Leave out earlier messages, or start the "
                   "server with a longer context. (%s)"),
                 message);
  else if ((r->status == SOUP_STATUS_UNAUTHORIZED || r->status == SOUP_STATUS_FORBIDDEN) && sent_key)
    g_set_error (error, QUERN_SERVER_ERROR, QUERN_SERVER_ERROR_UNAUTHORIZED,
                 _("“%s” does not accept the key. Enter the key that the server was started with."), host);
  else if (r->status == SOUP_STATUS_UNAUTHORIZED || r->status == SOUP_STATUS_FORBIDDEN)
    g_set_error (error, QUERN_SERVER_ERROR, QUERN_SERVER_ERROR_UNAUTHORIZED,
                 _("“%s” requires a key. Enter the key that the server was started with."), host);
  else if (strstr (lower, "loading model") != NULL || strstr (lower, "model is loading") != NULL)
    g_set_error (error, QUERN_SERVER_ERROR, QUERN_SERVER_ERROR_LOADING,
                 _("“%s” is loading its model. Wait a moment and try again."), host);
  else if (r->status == QUERN_HTTP_TOO_MANY_REQUESTS || r->status == SOUP_STATUS_SERVICE_UNAVAILABLE) {
    if (wait > 0)
      g_set_error (error, QUERN_SERVER_ERROR, QUERN_SERVER_ERROR_BUSY,
                   ngettext ("“%s” is busy. Try again in %d second.", "“%s” is busy. Try again in %d seconds.",
                             seconds),
                   host, seconds);
    else
      g_set_error (error, QUERN_SERVER_ERROR, QUERN_SERVER_ERROR_BUSY,
                   _("“%s” is starting or busy. Try again in a moment."), host);
  } else if (strstr (lower, "model") != NULL
             && (r->status == SOUP_STATUS_NOT_FOUND || g_str_equal (r->code, "model_not_found")
                 || strstr (lower, "not found") != NULL || strstr (lower, "does not exist") != NULL))
    g_set_error (error, QUERN_SERVER_ERROR, QUERN_SERVER_ERROR_NO_MODEL,
                 _("“%s” no longer has this model. Choose another one. (%s)"), host, message);
  else if (strstr (lower, "image") != NULL || strstr (lower, "mmproj") != NULL || strstr (lower, "multimodal") != NULL)
    g_set_error (error, QUERN_SERVER_ERROR, QUERN_SERVER_ERROR_UNSUPPORTED,
                 _("The model on “%s” cannot see pictures. Leave them out or choose another model. (%s)"), host,
                 message);
  else if (r->status == SOUP_STATUS_NOT_FOUND || r->status == SOUP_STATUS_METHOD_NOT_ALLOWED
           || r->status == SOUP_STATUS_NOT_IMPLEMENTED)
    g_set_error (error, QUERN_SERVER_ERROR, QUERN_SERVER_ERROR_UNSUPPORTED,
                 _("“%s” does not support this request (status %u). Check the address, or update the server. (%s)"),
                 host, r->status, message);
  else if (*message == '\0')
    g_set_error (error, QUERN_SERVER_ERROR, QUERN_SERVER_ERROR_FAILED,
                 _("“%s” failed without saying why (status %u). The server’s log may tell more."), host, r->status);
  else
    g_set_error (error, QUERN_SERVER_ERROR, QUERN_SERVER_ERROR_FAILED, _("“%s” refused the request: %s"), host,
                 message);
}

gboolean
_quern_server_set_told_error (GError **error, const char *host, guint status, JsonNode *node)
{
  Refusal refusal = { .status = status };

  if (!read_refusal (node, &refusal))
    return FALSE;
  set_refusal (error, host, &refusal, FALSE, -1);
  return TRUE;
}

gboolean
_quern_server_reply_check (const QuernServerReply *reply, const char *host, GError **error)
{
  gsize size;
  const char *text = g_bytes_get_data (reply->body, &size);
  Refusal refusal = { reply->status, "", "", "", 0, 0 };
  g_autoptr (JsonNode) node = NULL;
  g_autofree char *shown = NULL;
  gboolean page = g_strcmp0 (reply->type, "text/html") == 0;

  if (SOUP_STATUS_IS_SUCCESSFUL (reply->status))
    return TRUE;
  if (SOUP_STATUS_IS_REDIRECTION (reply->status)) {
    g_autofree char *location = dup_shown (reply->location, reply->location != NULL ? strlen (reply->location) : 0);

    g_set_error (error, QUERN_SERVER_ERROR, QUERN_SERVER_ERROR_REDIRECT,
                 _("“%s” redirects to “%s”. Nothing was sent there. Enter that address if you trust it."), host,
                 location);
    return FALSE;
  }
  node = page ? NULL : _quern_server_reply_parse (reply);
  if (page) {
    shown = dup_page_text (text, size);
    if (reply->status != SOUP_STATUS_UNAUTHORIZED) {
      g_set_error (error, QUERN_SERVER_ERROR, QUERN_SERVER_ERROR_NO_SERVER,
                   _("“%s” returned a web page (status %u: %s). It may come from a proxy. Check the address and "
                     "make sure that the server is running."),
                   host, reply->status, shown);
      return FALSE;
    }
  } else if (!read_refusal (node, &refusal)) {
    shown = dup_shown (text, size);
    refusal.message = shown;
  }
  set_refusal (error, host, &refusal, reply->sent_key, reply->wait);
  return FALSE;
}
