/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "quern-hub-fixture.h"

#include <glib/gstdio.h>
#include <string.h>

void
quern_remove_tree (const char *path)
{
  g_autoptr (GDir) dir = g_file_test (path, G_FILE_TEST_IS_SYMLINK) ? NULL : g_dir_open (path, 0, NULL);

  for (const char *name; dir != NULL && (name = g_dir_read_name (dir)) != NULL;) {
    g_autofree char *child = g_build_filename (path, name, NULL);
    quern_remove_tree (child);
  }
  g_remove (path);
}

/* GLib remembers the XDG folders: one tree for the whole test program, emptied for every test. */
static char *
test_folder (void)
{
  static char *folder;

  if (folder == NULL)
    folder = g_dir_make_tmp ("quern-test-XXXXXX", NULL);
  return folder;
}

void
quern_hub_fixture_init (void)
{
  g_autofree char *data = g_build_filename (test_folder (), "data", NULL);
  g_autofree char *cache = g_build_filename (test_folder (), "cache", NULL);
  g_autofree char *config = g_build_filename (test_folder (), "config", NULL);

  g_setenv ("XDG_DATA_HOME", data, TRUE);
  g_setenv ("XDG_CACHE_HOME", cache, TRUE);
  g_setenv ("XDG_CONFIG_HOME", config, TRUE);
  g_setenv ("HF_HOME", test_folder (), TRUE);
  g_unsetenv ("HF_TOKEN");
  g_unsetenv ("HF_ENDPOINT");
  g_setenv ("GIO_USE_PROXY_RESOLVER", "dummy", TRUE);
  g_unsetenv ("DBUS_SESSION_BUS_ADDRESS"); /* no keyring */
}

void
quern_hub_fixture_setup (QuernHubFixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fixture->folder = g_strdup (test_folder ());
  g_mkdir_with_parents (fixture->folder, 0755);
  fixture->files = g_build_filename (fixture->folder, "files", NULL);
  fixture->models = g_build_filename (fixture->folder, "data", "quern", "models", NULL);
  g_mkdir_with_parents (fixture->files, 0755);
  fixture->hub = quern_test_hub_new (fixture->files, 0, &error);
  g_assert_no_error (error);
}

void
quern_hub_fixture_clear (QuernHubFixture *fixture, gconstpointer data)
{
  g_clear_pointer (&fixture->hub, quern_test_hub_free);
  quern_remove_tree (fixture->folder);
  g_free (fixture->folder);
  g_free (fixture->files);
  g_free (fixture->models);
}

/* A port that is taken, so that nobody else can, by a socket that does not listen. */
const char *
quern_hub_fixture_dead_endpoint (void)
{
  static char *endpoint;

  if (endpoint == NULL) {
    g_autoptr (GInetAddress) loopback = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
    g_autoptr (GSocketAddress) any = g_inet_socket_address_new (loopback, 0), bound = NULL;
    g_autoptr (GError) error = NULL;
    static GSocket *socket; /* until the program ends */

    socket = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, &error);
    g_assert_no_error (error);
    g_socket_bind (socket, any, FALSE, &error);
    g_assert_no_error (error);
    bound = g_socket_get_local_address (socket, &error);
    g_assert_no_error (error);
    endpoint = g_strdup_printf ("http://127.0.0.1:%u", g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (bound)));
  }
  return endpoint;
}

static char *
make_path (QuernHubFixture *fixture, const char *repo, const char *path)
{
  char *full = g_build_filename (fixture->files, repo, path, NULL);
  g_autofree char *folder = g_path_get_dirname (full);

  g_mkdir_with_parents (folder, 0755);
  return full;
}

/* A file of bytes that do not repeat. quern_test_hub_rescan() makes it known. */
void
quern_hub_fixture_add (QuernHubFixture *fixture, const char *repo, const char *path, gsize size, guint32 seed)
{
  g_autofree char *full = make_path (fixture, repo, path);
  g_autofree char *content = g_malloc (MAX (size, 1));
  guint64 state = seed * G_GUINT64_CONSTANT (0x9e3779b97f4a7c15) + 1;
  g_autoptr (GError) error = NULL;

  for (gsize i = 0; i < size; i += 8) {
    state = state * G_GUINT64_CONSTANT (6364136223846793005) + 1442695040888963407;
    memcpy (content + i, &state, MIN (8, size - i));
  }
  g_file_set_contents (full, content, size, &error);
  g_assert_no_error (error);
}

void
quern_hub_fixture_text (QuernHubFixture *fixture, const char *repo, const char *path, const char *text)
{
  g_autofree char *full = make_path (fixture, repo, path);
  g_autoptr (GError) error = NULL;

  g_file_set_contents (full, text, -1, &error);
  g_assert_no_error (error);
}

/* Whether a downloaded file is what the hub has. */
gboolean
quern_hub_fixture_same (QuernHubFixture *fixture, const char *repo, const char *path, const char *copy)
{
  g_autofree char *full = make_path (fixture, repo, path);
  g_autoptr (GMappedFile) a = g_mapped_file_new (full, FALSE, NULL), b = g_mapped_file_new (copy, FALSE, NULL);

  return a != NULL && b != NULL && g_mapped_file_get_length (a) == g_mapped_file_get_length (b)
         && memcmp (g_mapped_file_get_contents (a), g_mapped_file_get_contents (b), g_mapped_file_get_length (a)) == 0;
}
