/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-cli.h"
#include "quern-model-name.h"
#include "quern-i18n.h"

#include <errno.h>
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
  { "chat", quern_cli_chat, N_ ("ask a model") },
  { "list", quern_cli_list, N_ ("the models on this computer") },
  { "show", quern_cli_show, N_ ("what a model's file says") },
  { "import", quern_cli_import, N_ ("use GGUF files where they lie") },
  { "remove", quern_cli_remove, N_ ("delete a model, or forget a folder") },
  { "search", quern_cli_search, N_ ("look for models on the hub") },
  { "pull", quern_cli_pull, N_ ("download a model") },
  { "bench", quern_cli_bench, N_ ("measure a model's speed") },
  { "eval", quern_cli_eval, N_ ("measure how far models are from another on a text") },
  { "compare", quern_cli_compare, N_ ("ask several models the same") },
};

/* ---- shared by the commands ------------------------------------------------------------------------------------ */

static void
print_line (const char *text)
{
  fprintf (stderr, "quern-cli: %s\n", text);
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
quern_cli_wrong_usage (const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list arguments;

  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  fprintf (stderr, "quern-cli: %s %s\n", text, _ ("See “quern-cli --help”."));
  return QUERN_CLI_USAGE;
}

int
quern_cli_wrong_address (GError *error)
{
  quern_cli_fail (error);
  return QUERN_CLI_USAGE;
}

static gboolean
asked_for_help (int argc, char **argv)
{
  for (int i = 1; i < argc && !g_str_equal (argv[i], "--"); i++)
    if (g_str_equal (argv[i], "--help") || g_str_equal (argv[i], "-h"))
      return TRUE;
  return FALSE;
}

/* Help is printed here, not by GLib: that would end the process. */
int
quern_cli_parse (const char *synopsis, const GOptionEntry *entries, int *argc, char ***argv, gboolean *done)
{
  g_autoptr (GOptionContext) context = g_option_context_new (synopsis);
  g_autoptr (GError) error = NULL;

  g_option_context_add_main_entries (context, entries, GETTEXT_PACKAGE);
  g_option_context_set_help_enabled (context, FALSE);
  *done = TRUE;
  if (asked_for_help (*argc, *argv)) {
    g_autofree char *help = g_option_context_get_help (context, TRUE, NULL);
    fputs (help, stdout);
    return QUERN_CLI_OK;
  }
  if (!g_option_context_parse (context, argc, argv, &error))
    return quern_cli_wrong_usage ("%s.", error->message);
  *done = FALSE;
  return QUERN_CLI_OK;
}

void
quern_cli_result_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(GAsyncResult **) user_data = g_object_ref (result);
}

GAsyncResult *
quern_cli_wait (GAsyncResult **result)
{
  while (!*result)
    g_main_context_iteration (NULL, TRUE);
  return *result;
}

/* The database only says which files were imported: reading goes on without it, and does not create it. */
QuernLibrary *
quern_cli_open_library (gboolean write, QuernStore **store, GError **error)
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
  quern_library_scan_async (library, NULL, quern_cli_result_cb, &result);
  quern_library_scan_finish (library, quern_cli_wait (&result), NULL);
  return library;
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
                 _ ("There is no model “%s”. “quern-cli list” prints those that are on this computer."), id);
  else if (quern_model_get_state (model) != QUERN_MODEL_OK)
    g_set_error (error, QUERN_LIBRARY_ERROR, QUERN_LIBRARY_ERROR_DAMAGED, _ ("“%s” cannot be used: %s"), id,
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

void
quern_cli_print_json (JsonBuilder *builder)
{
  g_autoptr (JsonNode) root = json_builder_get_root (builder);
  g_autofree char *text = json_to_string (root, TRUE);

  puts (text);
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
  fprintf (file, "%s\n\n", _ ("Usage: quern-cli COMMAND [OPTION…] [ARGUMENT…]"));
  for (guint i = 0; i < G_N_ELEMENTS (commands); i++)
    fprintf (file, "  %-8s %s\n", commands[i].name, _ (commands[i].about));
  fprintf (file, "\n%s\n", _ ("“quern-cli COMMAND --help” tells more. MODEL is an id that “list” prints, or a file."));
  return QUERN_CLI_OK;
}

int
main (int argc, char **argv)
{
  quern_i18n_init ();
  g_set_prgname ("quern-cli");
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
  return quern_cli_wrong_usage (_ ("There is no command “%s”."), argv[1]);
}
