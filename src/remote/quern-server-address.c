/* SPDX-License-Identifier: GPL-3.0-or-later */

/* What people paste as the address of a server becomes the addresses at which it may be: scheme, host, port and path, without
 * the tail of an interface ("/v1/chat/completions") and without a slash at the end. */

#include "config.h"

#include "quern-server-address.h"

#include "quern-host.h"
#include "quern-server-kind.h"

#include <glib/gi18n-lib.h>
#include <libsoup/soup.h>
#include <string.h>

/* Ends of paths that belong to an interface and not to a server's address; the longest first. "/api" is no such end: for
 * some it is part of the address, for others not, so that both are tried. */
static const char *const tails[] = {
  "/chat/completions/input_tokens",
  "/chat/completions",
  "/completions",
  "/completion",
  "/embeddings",
  "/responses",
  "/messages",
  "/api/generate",
  "/api/version",
  "/api/chat",
  "/api/show",
  "/api/tags",
  "/api/v0",
  "/index.html",
  "/models",
  "/health",
  "/props",
  "/v1",
};

/* Whether a host is of a home or an office, where servers speak without encryption. */
static gboolean
is_local (const char *host)
{
  static const char *const endings[] = { ".local", ".lan", ".home", ".internal", ".home.arpa", ".localhost" };
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (host);

  if (address != NULL) {
    const guint8 *bytes = g_inet_address_to_bytes (address);

    return g_inet_address_get_is_loopback (address) || g_inet_address_get_is_site_local (address)
           || g_inet_address_get_is_link_local (address)
           || (g_inet_address_get_family (address) == G_SOCKET_FAMILY_IPV6 && (bytes[0] & 0xfe) == 0xfc)
           || (g_inet_address_get_family (address) == G_SOCKET_FAMILY_IPV4 && bytes[0] == 100
               && (bytes[1] & 0xc0) == 64); /* where private networks over the internet have their addresses */
  }
  for (guint i = 0; i < G_N_ELEMENTS (endings); i++)
    if (g_str_has_suffix (host, endings[i]))
      return TRUE;
  return strchr (host, '.') == NULL;
}

static GUri *
parse (const char *address)
{
  return g_uri_parse (address, SOUP_HTTP_URI_FLAGS, NULL);
}

/**
 * quern_server_address_dup_origin:
 * @address: as quern_server_address_candidates() makes it
 *
 * Returns: (transfer full): scheme, host and port, which is what a key belongs to
 */
char *
quern_server_address_dup_origin (const char *address)
{
  g_autoptr (GUri) uri = parse (address);

  g_return_val_if_fail (uri != NULL, NULL);
  return g_uri_join (G_URI_FLAGS_NONE, g_uri_get_scheme (uri), NULL, g_uri_get_host (uri), g_uri_get_port (uri), "",
                     NULL, NULL);
}

/**
 * quern_server_address_dup_host:
 *
 * Returns: (transfer full): host and, where it is not the usual one, port, for people
 */
char *
quern_server_address_dup_host (const char *address)
{
  g_autoptr (GUri) uri = parse (address);
  const char *host;

  g_return_val_if_fail (uri != NULL, NULL);
  host = g_uri_get_host (uri);
  if (g_uri_get_port (uri) == (g_str_equal (g_uri_get_scheme (uri), "https") ? 443 : 80))
    return g_strdup (host);
  return g_strdup_printf (strchr (host, ':') != NULL ? "[%s]:%d" : "%s:%d", host, g_uri_get_port (uri));
}

/* Returns: whether it is on this computer */
gboolean
quern_server_address_is_loopback (const char *address)
{
  g_autoptr (GUri) uri = parse (address);

  return uri != NULL && quern_host_is_loopback (g_uri_get_host (uri));
}

/* Returns: whether what is sent there can be read on the way: no TLS, and another computer */
gboolean
quern_server_address_is_plain (const char *address)
{
  g_autoptr (GUri) uri = parse (address);

  return (uri == NULL || !g_str_equal (g_uri_get_scheme (uri), "https")) && !quern_server_address_is_loopback (address);
}

/* ---- what was pasted ------------------------------------------------------------------------------------------- */

typedef struct {
  char *scheme; /* NULL: none was given */
  char *host;
  int port; /* -1: none was given */
  char *path;
} Parts;

static void
parts_clear (Parts *parts)
{
  g_free (parts->scheme);
  g_free (parts->host);
  g_free (parts->path);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Parts, parts_clear)

static char *
dup_path (const char *given)
{
  g_autofree char *path = g_strdup (given);

  for (guint i = 0; i < G_N_ELEMENTS (tails);) {
    gsize length = strlen (path);

    while (length > 0 && path[length - 1] == '/')
      path[--length] = '\0';
    if (g_str_has_suffix (path, tails[i])) {
      path[length - strlen (tails[i])] = '\0';
      i = 0;
    } else
      i++;
  }
  return g_steal_pointer (&path);
}

/* "8080" and ":8080" are ports of this computer, "::1" an address without the brackets that it needs. */
static char *
dup_completed (const char *text)
{
  const char *port = text + (*text == ':');
  g_autoptr (GInetAddress) address = strchr (text, ':') != strrchr (text, ':') ? g_inet_address_new_from_string (text)
                                                                               : NULL;

  if (address != NULL)
    return g_strdup_printf ("[%s]", text);
  if (g_ascii_isdigit (*port) && strspn (port, "0123456789") == strcspn (port, "/"))
    return g_strconcat ("localhost:", port, NULL);
  return g_strdup (text);
}

static gboolean
is_host (const char *host)
{
  for (const char *p = host; *p != '\0'; p++)
    if (!g_ascii_isalnum (*p) && strchr ("-._:", *p) == NULL && (guchar) *p < 0x80)
      return FALSE;
  return *host != '\0';
}

static gboolean
parse_pasted (const char *text, Parts *parts, GError **error)
{
  g_autofree char *stripped = g_strdelimit (g_strdup (text), "\"'<>`\r\n\t", ' '), *completed = NULL, *url = NULL;
  g_autoptr (GUri) uri = NULL;
  const char *scheme;

  g_strstrip (stripped);
  scheme = strstr (stripped, "://");
  completed = scheme != NULL ? g_strdup (stripped) : dup_completed (stripped);
  url = scheme != NULL ? g_strdup (completed) : g_strconcat ("http://", completed, NULL);
  uri = g_utf8_validate (url, -1, NULL) && strpbrk (url, " \\") == NULL
            ? g_uri_parse (url, G_URI_FLAGS_ENCODED_PATH | G_URI_FLAGS_ENCODED_QUERY | G_URI_FLAGS_HAS_PASSWORD, NULL)
            : NULL;
  if (uri != NULL && !g_str_equal (g_uri_get_scheme (uri), "http") && !g_str_equal (g_uri_get_scheme (uri), "https")) {
    g_set_error (error, QUERN_SERVER_ERROR, QUERN_SERVER_ERROR_BAD_ADDRESS,
                 _("The address of a server begins with http:// or https://, not with %s://. Enter another address."),
                 g_uri_get_scheme (uri));
    return FALSE;
  }
  if (uri != NULL && g_uri_get_userinfo (uri) != NULL) {
    g_set_error_literal (error, QUERN_SERVER_ERROR, QUERN_SERVER_ERROR_BAD_ADDRESS,
                         _("The address contains a user name or a password, which Quern does not send. Remove them. "
                           "If the server needs a key, enter the key separately."));
    return FALSE;
  }
  if (uri == NULL || g_uri_get_host (uri) == NULL || !is_host (g_uri_get_host (uri)) || g_uri_get_port (uri) == 0
      || (scheme == NULL && strstr (stripped, ":/") != NULL)) {
    g_autofree char *shown = g_utf8_make_valid (stripped, MIN (strlen (stripped), 200));

    g_set_error (error, QUERN_SERVER_ERROR, QUERN_SERVER_ERROR_BAD_ADDRESS,
                 _("“%s” is not the address of a server. Enter one such as “192.168.1.5:8080” or "
                   "“https://example.org/v1”."),
                 shown);
    return FALSE;
  }
  parts->scheme = scheme != NULL ? g_strdup (g_uri_get_scheme (uri)) : NULL;
  parts->host = g_ascii_strdown (g_uri_get_host (uri), -1);
  parts->port = g_uri_get_port (uri);
  parts->path = dup_path (g_uri_get_path (uri));
  /* Servers say that they listen on these, which means on all; here it means on this computer. */
  if (g_str_equal (parts->host, "0.0.0.0") || g_str_equal (parts->host, "::"))
    g_set_str (&parts->host, g_str_equal (parts->host, "::") ? "::1" : "127.0.0.1");
  return TRUE;
}

/* ---- where it may be ------------------------------------------------------------------------------------------- */

/* Adds an address unless it is there; a port of -1 is the scheme's. Where the path ends in "/api", also without that. */
static void
add_candidate (GStrvBuilder *builder, GHashTable *known, const Parts *parts, const char *scheme, int port)
{
  g_autofree char *shorter = g_str_has_suffix (parts->path, "/api") ? g_strndup (parts->path, strlen (parts->path) - 4)
                                                                    : NULL;
  const char *paths[] = { parts->path, shorter };
  int usual = g_str_equal (scheme, "https") ? 443 : 80;

  for (guint i = 0; i < G_N_ELEMENTS (paths) && paths[i] != NULL; i++) {
    g_autofree char *address = g_uri_join (G_URI_FLAGS_ENCODED_PATH, scheme, NULL, parts->host,
                                           port == usual ? -1 : port, paths[i], NULL, NULL);

    if (g_hash_table_add (known, g_strdup (address)))
      g_strv_builder_take (builder, g_steal_pointer (&address));
  }
}

static void
add_known_ports (GStrvBuilder *builder, GHashTable *known, const Parts *parts)
{
  for (guint kind = 0; kind < QUERN_N_SERVER_KINDS; kind++) {
    const QuernServerTraits *traits = quern_server_kind_get_traits (kind);

    for (guint i = 0; i < G_N_ELEMENTS (traits->ports) && traits->ports[i] != 0; i++)
      add_candidate (builder, known, parts, "http", traits->ports[i]);
  }
}

/**
 * quern_server_address_candidates:
 * @text: what somebody typed or pasted
 *
 * The first address at which a server answers is its address. What was left out is completed: a scheme by the kind of
 * network, a port by those at which servers listen unless told otherwise (on hosts of a local network only).
 *
 * Returns: (transfer full) (nullable): addresses to try in this order, at least one; %NULL with @error set where @text is none
 */
char **
quern_server_address_candidates (const char *text, GError **error)
{
  g_auto (Parts) parts = { 0 };
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_autoptr (GHashTable) known = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  gboolean local;

  g_return_val_if_fail (text != NULL, NULL);
  if (!parse_pasted (text, &parts, error))
    return NULL;
  local = is_local (parts.host);
  if (parts.scheme != NULL) {
    add_candidate (builder, known, &parts, parts.scheme, parts.port);
    if (parts.port < 0 && local && g_str_equal (parts.scheme, "http"))
      add_known_ports (builder, known, &parts);
  } else if (parts.port >= 0) {
    gboolean plain_first = local && parts.port != 443 && parts.port != 8443;

    add_candidate (builder, known, &parts, plain_first ? "http" : "https", parts.port);
    add_candidate (builder, known, &parts, plain_first ? "https" : "http", parts.port);
  } else if (local) {
    add_known_ports (builder, known, &parts);
    add_candidate (builder, known, &parts, "http", -1);
    add_candidate (builder, known, &parts, "https", -1);
  } else {
    add_candidate (builder, known, &parts, "https", -1);
    add_candidate (builder, known, &parts, "http", -1);
  }
  return g_strv_builder_end (builder);
}

/**
 * quern_server_address_local_candidates:
 *
 * Returns: (transfer full): the addresses on this computer at which servers listen unless told otherwise
 */
char **
quern_server_address_local_candidates (void)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_autoptr (GHashTable) known = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  add_known_ports (builder, known, &(const Parts) { .host = (char *) "127.0.0.1", .path = (char *) "" });
  return g_strv_builder_end (builder);
}
