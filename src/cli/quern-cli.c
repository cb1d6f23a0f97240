/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-cli.h"
#include "quern-joint-backend.h"
#include "quern-local-backend.h"
#include "quern-model-name.h"
#include "quern-i18n.h"
#include "quern-log.h"
#include "quern-printable.h"
#include "quern-process.h"
#include "quern-served-models.h"

#include <errno.h>
#include <inttypes.h>
#include <glib-unix.h>
#include <glib/gi18n.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

typedef struct {
  const char *name;
  int (*run) (int argc, char **argv);
  const char *about;
} Command;

static const Command commands[] = {
  { "chat", quern_cli_chat, N_("ask a model") },
  { "list", quern_cli_list, N_("list the models on this computer and on servers") },
  { "show", quern_cli_show, N_("show the facts of a model") },
  { "import", quern_cli_import, N_("use GGUF files without copying them, take over conversations") },
  { "remove", quern_cli_remove, N_("delete a model, or forget a folder") },
  { "search", quern_cli_search, N_("search models on the hub") },
  { "pull", quern_cli_pull, N_("download a model") },
  { "servers", quern_cli_servers, N_("use models of other machines") },
  { "serve", quern_cli_serve, N_("let other programs use the models") },
  { "bench", quern_cli_bench, N_("measure a model's speed") },
  { "eval", quern_cli_eval, N_("measure how far models are from a reference on a text") },
  { "sweep", quern_cli_sweep, N_("measure all quantisations of a repository") },
  { "compare", quern_cli_compare, N_("ask several models the same question") },
};

/* ---- shared by the commands ------------------------------------------------------------------------------------ */

/* Why the first output that did not arrive failed. */
static int write_error;

static void
quern_cli_put (FILE *file, const char *text)
{
  if (fputs (text, file) < 0 && file == stdout && write_error == 0)
    write_error = errno;
}

void
quern_cli_line (FILE *file, const char *format, ...)
{
  g_autofree char *text = NULL, *line = NULL;
  va_list arguments;

  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  if (g_str_has_suffix (format, "\n"))
    text[strlen (text) - 1] = '\0';
  line = quern_printable (text, QUERN_PRINTABLE_LINE);
  quern_cli_put (file, line);
  quern_cli_put (file, "\n");
}

void
quern_cli_text (FILE *file, const char *text)
{
  g_autofree char *printable = quern_printable (text, QUERN_PRINTABLE_TEXT);

  quern_cli_put (file, printable);
  quern_cli_put (file, "\n");
}

static void
print_line (const char *text)
{
  quern_cli_line (stderr, "quern-cli: %s", text);
}

int
quern_cli_fail (GError *error)
{
  g_strdelimit (error->message, "\n", ' ');
  print_line (error->message);
  g_error_free (error);
  return QUERN_CLI_FAILED;
}

int
quern_cli_fail_to_write (int number)
{
  return quern_cli_fail (g_error_new (G_IO_ERROR, g_io_error_from_errno (number),
                                      _("The output could not be written: %s"), g_strerror (number)));
}

int
quern_cli_wrong_usage (const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list arguments;

  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  quern_cli_line (stderr, "quern-cli: %s %s", text, _("See “quern-cli --help”."));
  return QUERN_CLI_USAGE;
}

int
quern_cli_wrong_address (GError *error)
{
  quern_cli_fail (error);
  return QUERN_CLI_USAGE;
}

/* Help is printed here, not by GLib: that would end the process. */
int
quern_cli_parse (const char *synopsis, const GOptionEntry *entries, int *argc, char ***argv, gboolean *done)
{
  g_autoptr (GOptionContext) context = g_option_context_new (synopsis);
  g_autoptr (GError) error = NULL;
  gboolean wants_help = FALSE;

  for (int i = 1; i < *argc && !g_str_equal ((*argv)[i], "--"); i++)
    wants_help = wants_help || g_str_equal ((*argv)[i], "--help") || g_str_equal ((*argv)[i], "-h");
  g_option_context_add_main_entries (context, entries, GETTEXT_PACKAGE);
  g_option_context_set_help_enabled (context, FALSE);
  *done = TRUE;
  if (wants_help) {
    g_autofree char *help = g_option_context_get_help (context, TRUE, NULL);
    quern_cli_put (stdout, help);
    return QUERN_CLI_OK;
  }
  if (!g_option_context_parse (context, argc, argv, &error))
    return quern_cli_wrong_usage ("%s.", error->message);
  *done = FALSE;
  return QUERN_CLI_OK;
}

gboolean
quern_cli_check_range (const char *option, gint64 value, gint64 low, gint64 high)
{
  if (value >= low && value <= high)
    return TRUE;
  quern_cli_wrong_usage (_("%s must be a number from %" PRId64 " to %" PRId64 "."), option, low, high);
  return FALSE;
}

gboolean
quern_cli_parse_number (const char *option, const char *text, double low, double high, double *out)
{
  char *end;
  double value;

  if (!text)
    return TRUE;
  value = g_ascii_strtod (text, &end);
  if (*text && !*end && value >= low && value <= high) { /* which NaN is not */
    *out = value;
    return TRUE;
  }
  quern_cli_wrong_usage (_("%s must be a number from %g to %g."), option, low, high);
  return FALSE;
}

/* ---- interruption ---------------------------------------------------------------------------------------------- */

typedef struct {
  void (*stop) (gpointer data);
  gpointer data;
} Interruptible;

static gboolean was_interrupted;

static gboolean
quern_cli_interrupt_cb (gpointer data)
{
  const Interruptible *work = data;

  was_interrupted = TRUE;
  work->stop (work->data);
  return G_SOURCE_CONTINUE;
}

guint
quern_cli_stop_on_interrupt (void (*stop) (gpointer data), gpointer data)
{
  Interruptible *work = g_new (Interruptible, 1);

  *work = (Interruptible) { stop, data };
  return g_unix_signal_add_full (G_PRIORITY_DEFAULT, SIGINT, quern_cli_interrupt_cb, work, g_free);
}

gboolean
quern_cli_was_interrupted (void)
{
  return was_interrupted;
}

int
quern_cli_interrupted (void)
{
  print_line (_("Stopped. The results so far are printed."));
  return QUERN_CLI_INTERRUPTED;
}

/* ---- waiting --------------------------------------------------------------------------------------------------- */

GAsyncResult *
quern_cli_wait (GAsyncResult **result)
{
  while (!*result)
    g_main_context_iteration (NULL, TRUE);
  return *result;
}

/* Models of servers that cannot be read are missing, with a line that says so. */
static void
add_servers (QuernLibrary *library, QuernStore *store)
{
  g_autoptr (QuernServers) servers = quern_servers_new (store);
  g_autoptr (QuernServedModels) served = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  quern_servers_load_async (servers, NULL, quern_keep_result_cb, &result);
  if (!quern_servers_load_finish (servers, quern_cli_wait (&result), &error))
    print_line (error->message);
  served = quern_served_models_new (servers);
  quern_library_set_elsewhere (library, G_LIST_MODEL (served));
}

static QuernLibrary *
open_library (gboolean write, QuernStore **store, GError **error)
{
  g_autofree char *path = quern_database_default_path ();
  g_autoptr (GError) failure = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  QuernLibrary *library;

  *store = NULL;
  if (write || g_file_test (path, G_FILE_TEST_EXISTS))
    *store = quern_store_open (path, &failure);
  if (failure && write) {
    g_propagate_error (error, g_steal_pointer (&failure));
    return NULL;
  }
  if (failure)
    print_line (failure->message);
  library = quern_library_new (*store);
  quern_library_scan_async (library, NULL, quern_keep_result_cb, &result);
  quern_library_scan_finish (library, quern_cli_wait (&result), NULL);
  return library;
}

/* The database says which files were imported and which servers there are: reading goes on without it, and does not create it. */
QuernLibrary *
quern_cli_open_library (gboolean write, QuernStore **store, GError **error)
{
  QuernLibrary *library = open_library (write, store, error);

  if (library && *store)
    add_servers (library, *store);
  return library;
}

/* For reading, and only what is on this computer: servers' models are not in it, and no server's key is looked up. */
QuernLibrary *
quern_cli_open_own_library (QuernStore **store)
{
  return open_library (FALSE, store, NULL);
}

QuernBackend *
quern_cli_new_backend (void)
{
  g_autoptr (QuernLocalBackend) local = quern_local_backend_new ();

  return quern_joint_backend_new (QUERN_BACKEND (local));
}

void
quern_cli_tell_place (QuernModel *model)
{
  if (quern_model_is_remote (model))
    quern_cli_line (stderr, _("What is asked goes to “%s” (%s)."), quern_model_get_place (model),
                    quern_server_get_address (quern_served_model_get_server (model)));
}

QuernModel *
quern_cli_find_model (QuernLibrary *library, const char *id, GError **error)
{
  QuernModel *model = quern_library_find (library, id);
  g_autofree char *path = g_canonicalize_filename (id, NULL);

  if (!model)
    model = quern_library_find (library, path);
  if (!model && (strchr (id, '/') || g_file_test (id, G_FILE_TEST_EXISTS)))
    return quern_model_new (id, NULL, error);
  if (!model)
    g_set_error (error, QUERN_LIBRARY_ERROR, QUERN_LIBRARY_ERROR_NOT_FOUND,
                 _("There is no model “%s”. “quern-cli list” prints those that are on this computer and on servers."),
                 id);
  else if (quern_model_get_state (model) != QUERN_MODEL_OK)
    g_set_error (error, QUERN_LIBRARY_ERROR, QUERN_LIBRARY_ERROR_DAMAGED, _("“%s” cannot be used: %s"), id,
                 quern_model_get_problem (model));
  else
    return g_object_ref (model);
  return NULL;
}

/* Returns models to be shown together, or NULL when one of the ids names none. */
GPtrArray *
quern_cli_find_models (QuernLibrary *library, char **ids, GError **error)
{
  g_autoptr (GPtrArray) models = g_ptr_array_new_with_free_func (g_object_unref);

  for (char **id = ids; *id; id++) {
    QuernModel *model = quern_cli_find_model (library, *id, error);
    if (!model)
      return NULL;
    g_ptr_array_add (models, model);
  }
  quern_models_tell_apart (models);
  return g_steal_pointer (&models);
}

QuernPicture *
quern_cli_load_picture (const char *path, GError **error)
{
  g_autoptr (GFile) file = g_file_new_for_commandline_arg (path);
  QuernPicture *picture = quern_picture_new_from_file (file, NULL, error);

  if (!picture)
    g_prefix_error (error, "%s: ", path);
  return picture;
}

void
quern_cli_add_string (JsonBuilder *builder, const char *name, const char *value)
{
  json_builder_set_member_name (builder, name);
  if (value)
    json_builder_add_string_value (builder, value);
  else
    json_builder_add_null_value (builder);
}

void
quern_cli_print_json (JsonBuilder *builder)
{
  g_autoptr (JsonNode) root = json_builder_get_root (builder);
  g_autofree char *text = json_to_string (root, TRUE);

  quern_cli_put_json (text);
}

void
quern_cli_put_json (const char *json)
{
  g_autofree char *printable = quern_printable (json, QUERN_PRINTABLE_JSON);

  quern_cli_put (stdout, printable);
  quern_cli_put (stdout, "\n");
}

guint64
quern_cli_peak_rss (void)
{
  struct rusage usage;

  getrusage (RUSAGE_SELF, &usage);
  return (guint64) usage.ru_maxrss * 1024;
}

/* ---- main ------------------------------------------------------------------------------------------------------ */

static int
print_help (FILE *file)
{
  fprintf (file, "%s\n\n", _("Usage: quern-cli COMMAND [OPTION…] [ARGUMENT…]"));
  for (guint i = 0; i < G_N_ELEMENTS (commands); i++)
    fprintf (file, "  %-8s %s\n", commands[i].name, _ (commands[i].about));
  fprintf (file, "\n%s\n",
           _("See “quern-cli COMMAND --help” for details. MODEL is an ID that “list” prints, or a "
             "file."));
  return QUERN_CLI_OK;
}

static int
quern_cli_run (int argc, char **argv)
{
  if (argc < 2) {
    print_help (stderr);
    return QUERN_CLI_USAGE;
  }
  if (g_str_equal (argv[1], "--help") || g_str_equal (argv[1], "-h") || g_str_equal (argv[1], "help"))
    return print_help (stdout);
  if (g_str_equal (argv[1], "--version")) {
    puts ("quern-cli " QUERN_VERSION);
    return QUERN_CLI_OK;
  }
  for (guint i = 0; i < G_N_ELEMENTS (commands); i++)
    if (g_str_equal (argv[1], commands[i].name))
      return commands[i].run (argc - 1, argv + 1);
  return quern_cli_wrong_usage (_("There is no command “%s”."), argv[1]);
}

int
main (int argc, char **argv)
{
  quern_log_init ();
  quern_process_init ();
  quern_i18n_init ();
  g_set_prgname ("quern-cli");
  /* What was printed may still be on its way: only now is it known whether it arrived. */
  int code = quern_cli_run (argc, argv);
  if (!ferror (stdout) && fclose (stdout) == 0)
    return code;
  if (code != QUERN_CLI_OK)
    return code;
  return quern_cli_fail_to_write (write_error ? write_error : errno);
}
