/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Keys of servers: in the keyring under the server's origin, or in a file of the user's own that is read each time. */

#include "config.h"

#include "quern-server-private.h"

#include <glib/gi18n-lib.h>
#include <libsecret/secret.h>

#define MAX_KEY 8192

static const SecretSchema key_schema = {
  "io.github.quern.Quern.ServerKey",
  SECRET_SCHEMA_NONE,
  { { "origin", SECRET_SCHEMA_ATTRIBUTE_STRING }, { NULL, 0 } },
};

static gboolean
has_keyring (void)
{
  return g_getenv ("DBUS_SESSION_BUS_ADDRESS") != NULL;
}

/**
 * quern_server_key_check:
 *
 * Returns: whether @key can be sent in a header
 */
gboolean
quern_server_key_check (const char *key, GError **error)
{
  gsize length = strlen (key);

  for (gsize i = 0; i < length; i++)
    if (!g_ascii_isgraph (key[i]))
      length = 0;
  if (length > 0 && length <= MAX_KEY)
    return TRUE;
  g_set_error_literal (
      error, QUERN_SERVER_ERROR, QUERN_SERVER_ERROR_UNAUTHORIZED,
      _("This is not a valid key. Keys contain only letters from A to Z, digits and symbols, without spaces. Copy "
        "it again from where the server shows it."));
  return FALSE;
}

/**
 * quern_server_key_read_file:
 *
 * Returns: (transfer full) (nullable): the key that a file holds, without white space around it
 */
char *
quern_server_key_read_file (const char *path, GError **error)
{
  g_autofree char *text = NULL;

  if (!g_file_get_contents (path, &text, NULL, error) || !quern_server_key_check (g_strstrip (text), error))
    return NULL;
  return g_steal_pointer (&text);
}

char *
_quern_server_key_lookup (const char *origin)
{
  g_autofree char *secret = NULL;
  char *key;

  if (!has_keyring ())
    return NULL;
  secret = secret_password_lookup_sync (&key_schema, NULL, NULL, "origin", origin, NULL);
  key = secret != NULL && quern_server_key_check (secret, NULL) ? g_strdup (secret) : NULL;
  return key;
}

gboolean
_quern_server_key_store (const char *origin, const char *key, GCancellable *cancellable, GError **error)
{
  g_autofree char *label = g_strdup_printf (_("Key for the server %s in Quern"), origin);
  g_autoptr (GError) cause = NULL;

  if (has_keyring ()) {
    if (key != NULL)
      secret_password_store_sync (&key_schema, SECRET_COLLECTION_DEFAULT, label, key, cancellable, &cause, "origin",
                                  origin, NULL);
    else
      secret_password_clear_sync (&key_schema, cancellable, &cause, "origin", origin, NULL);
    if (cause == NULL)
      return TRUE;
  }
  g_set_error (error, QUERN_SERVER_ERROR, QUERN_SERVER_ERROR_KEYRING,
               _("The key cannot be kept, because the keyring cannot be used (%s). Unlock it and try again."),
               cause != NULL ? cause->message : _("there is none"));
  return FALSE;
}
