/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-guard.h"

#include <gio/gio.h>
#include <string.h>
#include <unistd.h>

/* Returns: (transfer full) (nullable): the name in "name:port" or "[address]:port", in lower case, without a dot at the end */
static char *
host_without_port (const char *text)
{
  const char *end = *text == '[' ? strchr (text, ']') : strchr (text, ':');
  g_autofree char *name = NULL;
  const char *port = end ? end + (*text == '[') : NULL;

  if (*text == '[' && !end)
    return NULL;
  if (port && *port && (*port != ':' || strspn (port + 1, "0123456789") != strlen (port + 1)))
    return NULL;
  name = *text == '[' ? g_strndup (text + 1, (gsize) (end - text - 1))
         : end        ? g_strndup (text, (gsize) (end - text))
                      : g_strdup (text);
  if (g_str_has_suffix (name, "."))
    name[strlen (name) - 1] = '\0';
  return *name ? g_ascii_strdown (name, -1) : NULL;
}

/* An address in the Host header cannot be a name that somebody made point here, so on a network every address is right. */
static gboolean
is_own_name (const char *name)
{
  char own[256] = "";
  g_autofree char *lower = NULL, *local = NULL;

  if (gethostname (own, sizeof own - 1) != 0 || !*own)
    return FALSE;
  lower = g_ascii_strdown (own, -1);
  local = g_strconcat (lower, ".local", NULL);
  return g_str_equal (name, lower) || g_str_equal (name, local);
}

/**
 * quern_guard_allows_host:
 * @host: what the Host header says
 *
 * Returns: whether it is a name of this computer. A page of a site that makes its own name point to this computer sends that
 *   name (DNS rebinding).
 */
gboolean
quern_guard_allows_host (const QuernGuard *self, const char *host)
{
  static const char *const local[] = {
    "localhost", "127.0.0.1", "::1", "host.docker.internal", "host.containers.internal", NULL
  };
  g_autofree char *name = host_without_port (host);

  if (!name)
    return FALSE;
  if (g_strv_contains (local, name) || g_str_has_suffix (name, ".localhost"))
    return TRUE;
  for (char **allowed = self->hosts; allowed && *allowed; allowed++) {
    g_autofree char *other = host_without_port (*allowed);
    if (other && g_str_equal (other, name))
      return TRUE;
  }
  return self->network && (g_hostname_is_ip_address (name) || is_own_name (name));
}

/**
 * quern_guard_allows_origin:
 * @origin: what the Origin header says
 *
 * Returns: whether pages and programs of this origin may ask: local ones, and those that the user allowed
 */
gboolean
quern_guard_allows_origin (const QuernGuard *self, const char *origin)
{
  static const char *const schemes[] = { "app://", "file://", "tauri://", "vscode-webview://", "vscode-file://" };
  static const char *const local[] = { "localhost", "127.0.0.1", "0.0.0.0", "::1", NULL };
  const char *rest;

  for (char **allowed = self->origins; allowed && *allowed; allowed++)
    if (g_str_equal (*allowed, "*") || g_ascii_strcasecmp (*allowed, origin) == 0)
      return TRUE;
  for (guint i = 0; i < G_N_ELEMENTS (schemes); i++)
    if (g_str_has_prefix (origin, schemes[i]))
      return TRUE;
  rest = g_str_has_prefix (origin, "http://") ? origin + 7 : g_str_has_prefix (origin, "https://") ? origin + 8 : NULL;
  if (rest) {
    g_autofree char *name = host_without_port (rest);
    return name && g_strv_contains (local, name);
  }
  return FALSE;
}

/* Compares in a time that does not tell how much is right. */
static gboolean
is_key (const char *key, const char *given)
{
  gsize n = strlen (key), m = strlen (given);
  guint difference = n != m;

  for (gsize i = 0; i < m; i++)
    difference |= (guint) (guchar) given[i] ^ (guint) (guchar) key[n > 0 ? i % n : 0];
  return difference == 0;
}

/**
 * quern_guard_allows_key:
 *
 * Returns: whether the request has the key, in any of the headers that clients use. Where there is no key, any will do: many
 *   clients cannot be told to send none.
 */
gboolean
quern_guard_allows_key (const QuernGuard *self, const QuernGuardHead *head)
{
  const char *bearer = head->authorization && g_ascii_strncasecmp (head->authorization, "Bearer ", 7) == 0
                           ? head->authorization + 7
                           : NULL;
  const char *given[] = { bearer, head->x_api_key, head->api_key };

  if (!self->key)
    return TRUE;
  for (guint i = 0; i < G_N_ELEMENTS (given); i++)
    if (given[i] && is_key (self->key, given[i] + strspn (given[i], " ")))
      return TRUE;
  return FALSE;
}

static gboolean
is_json (const char *content_type)
{
  gsize n = content_type ? strcspn (content_type, "; \t") : 0;

  return n == 16 && g_ascii_strncasecmp (content_type, "application/json", n) == 0;
}

/**
 * quern_guard_check:
 * @is_public: whether it needs no key to know what the request asks for
 *
 * Returns: (transfer full) (nullable): why the request is refused, or %NULL
 */
QuernRefusal *
quern_guard_check (const QuernGuard *self, const QuernGuardHead *head, gboolean is_public)
{
  gboolean has_body = g_str_equal (head->method, "POST") || g_str_equal (head->method, "PUT");

  if (!head->host || !quern_guard_allows_host (self, head->host))
    return quern_refusal_new (
        403, "host_not_allowed", NULL,
        "The host “%s” is not allowed. If it is a name of this computer, add it to the allowed hosts in "
        "Quern’s preferences (Other Programs), or start quern-cli serve with --allow-host.",
        head->host ? head->host : "");
  if (head->origin && !quern_guard_allows_origin (self, head->origin))
    return quern_refusal_new (
        403, "origin_not_allowed", NULL,
        "Pages of “%s” are not allowed to ask. To allow them, add the address to the allowed origins "
        "in Quern’s preferences (Other Programs), or start quern-cli serve with --allow-origin.",
        head->origin);
  if (g_str_equal (head->method, "OPTIONS"))
    return NULL;
  if (!is_public && !quern_guard_allows_key (self, head))
    return quern_refusal_new (
        401, "invalid_api_key", NULL,
        "The key is missing or wrong. Send it as “Authorization: Bearer KEY”; Quern’s preferences "
        "(Other Programs) show it.");
  if (has_body && !is_json (head->content_type))
    return quern_refusal_new (415, NULL, NULL, "Send the request as “Content-Type: application/json”.");
  return NULL;
}

void
quern_guard_clear (QuernGuard *self)
{
  g_free (self->key);
  g_strfreev (self->hosts);
  g_strfreev (self->origins);
  *self = (QuernGuard) { 0 };
}
