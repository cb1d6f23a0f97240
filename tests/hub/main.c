/* SPDX-License-Identifier: GPL-3.0-or-later */

/* quern-test-hub [--port N] [--rate BYTES] FOLDER: the test hub by hand. Prints its address, runs until interrupted. */

#include "quern-test-hub.h"

#include <glib-unix.h>

static gboolean
stop_cb (gpointer data)
{
  g_main_loop_quit (data);
  return G_SOURCE_REMOVE;
}

int
main (int argc, char *argv[])
{
  int port = 0;
  gint64 rate = 0;
  const GOptionEntry entries[] = {
    { "port", 'p', 0, G_OPTION_ARG_INT, &port, "Port of the hub (default: any free one)", "N" },
    { "rate", 'r', 0, G_OPTION_ARG_INT64, &rate, "Bytes per second of a connection (default: no limit)", "BYTES" },
    G_OPTION_ENTRY_NULL
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("FOLDER");
  g_autoptr (GError) error = NULL;
  g_autoptr (QuernTestHub) hub = NULL;
  g_autoptr (GMainLoop) loop = NULL;

  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error) || argc != 2 || port < 0 || port > 65535) {
    g_printerr ("quern-test-hub: %s\n", error != NULL ? error->message : "name the folder with OWNER/REPO/files");
    return 2;
  }
  hub = quern_test_hub_new (argv[1], port, &error);
  if (hub == NULL) {
    g_printerr ("quern-test-hub: %s\n", error->message);
    return 1;
  }
  quern_test_hub_set_rate (hub, MAX (0, rate));
  g_print ("%s\n", quern_test_hub_get_endpoint (hub));
  loop = g_main_loop_new (NULL, FALSE);
  g_unix_signal_add (SIGINT, stop_cb, loop);
  g_unix_signal_add (SIGTERM, stop_cb, loop);
  g_main_loop_run (loop);
  return 0;
}
