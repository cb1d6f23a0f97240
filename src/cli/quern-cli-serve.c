/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-cli.h"

#include <glib-unix.h>
#include <glib/gi18n.h>

#include "quern-host.h"
#include "quern-local-backend.h"
#include "quern-server.h"
#include "quern-service.h"

typedef struct {
  char *host, *key_file, *model;
  char **hosts, **origins;
  int port, n_ctx, contexts, queue;
  gboolean quiet;
} Options;

static gboolean
stop_cb (gpointer stopped)
{
  *(gboolean *) stopped = TRUE;
  return G_SOURCE_CONTINUE;
}

static void
logged_cb (QuernService *service, const char *line, gpointer data)
{
  quern_cli_line (stderr, "%s", line);
}

/* Runs until a signal comes. */
static int
serve (QuernService *service, const QuernServiceSetup *setup, gboolean quiet)
{
  gboolean stopped = FALSE;
  guint sources[] = { g_unix_signal_add (SIGINT, stop_cb, &stopped), g_unix_signal_add (SIGTERM, stop_cb, &stopped),
                      g_unix_signal_add (SIGHUP, stop_cb, &stopped) };
  GError *error = NULL;
  gboolean ok = quern_service_start (service, setup, &error);

  if (ok) {
    quern_cli_line (stdout, "%s", quern_service_get_address (service));
    fflush (stdout);
  }
  if (!quiet)
    g_signal_connect (service, "logged", G_CALLBACK (logged_cb), NULL);
  while (ok && !stopped)
    g_main_context_iteration (NULL, TRUE);
  quern_service_stop_and_wait (service);
  for (guint i = 0; i < G_N_ELEMENTS (sources); i++)
    g_source_remove (sources[i]);
  return ok ? QUERN_CLI_OK : quern_cli_fail (error);
}

static int
run (const Options *o)
{
  g_autoptr (QuernStore) store = NULL;
  g_autoptr (QuernLibrary) library = quern_cli_open_own_library (&store);
  g_autoptr (QuernBackend) backend = QUERN_BACKEND (quern_local_backend_new ());
  g_autoptr (QuernService) service = quern_service_new (backend, library);
  g_autofree char *key = NULL;
  GError *error = NULL;
  QuernServiceSetup setup = {
    .port = (guint16) o->port,
    .address = quern_host_is_loopback (o->host) ? NULL : o->host,
    .hosts = (const char *const *) o->hosts,
    .origins = (const char *const *) o->origins,
    .context_size = (guint) o->n_ctx,
    .most_contexts = (guint) o->contexts,
    .most_waiting = (guint) o->queue,
  };

  if (o->key_file) {
    key = quern_server_key_read_file (o->key_file, &error);
    if (!key)
      return quern_cli_fail (error);
    setup.key = key;
  }
  if (setup.address && !key)
    return quern_cli_wrong_usage (_("Other computers may only use the models with a key: specify --key-file."));
  if (o->model) {
    g_autoptr (QuernModel) model = quern_cli_find_model (library, o->model, &error);
    if (g_error_matches (error, QUERN_LIBRARY_ERROR, QUERN_LIBRARY_ERROR_NOT_FOUND)) {
      g_clear_error (&error);
      g_set_error (&error, QUERN_LIBRARY_ERROR, QUERN_LIBRARY_ERROR_NOT_FOUND,
                   _("There is no model “%s” on this computer. Models of servers cannot be served on."), o->model);
    }
    if (!model)
      return quern_cli_fail (error);
    quern_service_set_usual (service, model);
  }
  return serve (service, &setup, o->quiet);
}

int
quern_cli_serve (int argc, char **argv)
{
  Options o = { .port = QUERN_SERVICE_PORT };
  const GOptionEntry entries[] = {
    { "port", 'p', 0, G_OPTION_ARG_INT, &o.port, N_("Port to listen on (11535; 0 for any)"), N_("N") },
    { "host", 0, 0, G_OPTION_ARG_STRING, &o.host,
      N_("Address to listen on besides 127.0.0.1 and ::1; 0.0.0.0 for all, which needs a key"), N_("ADDRESS") },
    { "key-file", 0, 0, G_OPTION_ARG_FILENAME, &o.key_file, N_("File with the key that requests must have"),
      N_("FILE") },
    { "model", 'm', 0, G_OPTION_ARG_FILENAME, &o.model, N_("The model of requests that name none"), N_("MODEL") },
    { "ctx", 'c', 0, G_OPTION_ARG_INT, &o.n_ctx, N_("Context length, in tokens"), N_("N") },
    { "contexts", 0, 0, G_OPTION_ARG_INT, &o.contexts,
      N_("How many contexts of a model to keep where memory allows it (4)"), N_("N") },
    { "queue", 0, 0, G_OPTION_ARG_INT, &o.queue, N_("How many requests may wait (32)"), N_("N") },
    { "allow-host", 0, 0, G_OPTION_ARG_STRING_ARRAY, &o.hosts, N_("A further name of this computer"), N_("NAME") },
    { "allow-origin", 0, 0, G_OPTION_ARG_STRING_ARRAY, &o.origins, N_("Web pages that may ask; * for all"),
      N_("ORIGIN") },
    { "quiet", 'q', 0, G_OPTION_ARG_NONE, &o.quiet, N_("Do not print who asks for what"), NULL },
    { NULL }
  };
  gboolean done;
  int code = quern_cli_parse (_("serve - let other programs use the models"), entries, &argc, &argv, &done);

  if (!done && argc > 1)
    code = quern_cli_wrong_usage (_("“serve” takes no arguments."));
  else if (!done
           && (!quern_cli_check_range ("--port", o.port, 0, G_MAXUINT16)
               || !quern_cli_check_range ("--ctx", o.n_ctx, 0, G_MAXINT)
               || !quern_cli_check_range ("--contexts", o.contexts, 0, 16)
               || !quern_cli_check_range ("--queue", o.queue, 0, 10000)))
    code = QUERN_CLI_USAGE;
  else if (!done) {
    if (!o.host)
      o.host = g_strdup ("127.0.0.1");
    code = run (&o);
  }
  g_free (o.host);
  g_free (o.key_file);
  g_free (o.model);
  g_strfreev (o.hosts);
  g_strfreev (o.origins);
  return code;
}
