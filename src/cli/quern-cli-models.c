/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <glib/gi18n.h>
#include <stdio.h>

#include "quern-cli-facts.h"
#include "quern-cli.h"
#include "quern-import.h"
#include "quern-served-models.h"
#include "quern-template.h"

/* list, show, import, remove: the models on this computer, and those on servers. */

static void
add_int (JsonBuilder *builder, const char *name, guint64 value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_int_value (builder, (gint64) value);
}

static void
add_model (JsonBuilder *builder, QuernModel *model)
{
  static const char *const states[] = { "ok", "damaged", "unsupported" };
  static const char *const origins[] = { "own",       "demonstration", "file",         "folder", "ollama",
                                         "lm-studio", "llama.cpp",     "hugging-face", "server" };
  const QuernModelInfo *info = quern_model_get_info (model);

  quern_cli_add_string (builder, "id", quern_model_get_id (model));
  quern_cli_add_string (builder, "title", quern_model_get_title (model));
  quern_cli_add_string (builder, "path", quern_model_get_path (model));
  quern_cli_add_string (builder, "vision", quern_model_get_vision_path (model));
  quern_cli_add_string (builder, "server", quern_model_get_place (model));
  json_builder_set_member_name (builder, "sees");
  json_builder_add_boolean_value (builder, quern_model_can_see (model));
  add_int (builder, "bytes", quern_model_get_size (model));
  quern_cli_add_string (builder, "quantisation", quern_model_get_quantisation (model));
  quern_cli_add_string (builder, "size", info->size_label);
  quern_cli_add_string (builder, "state", states[quern_model_get_state (model)]);
  quern_cli_add_string (builder, "problem", quern_model_get_problem (model));
  quern_cli_add_string (builder, "origin", origins[quern_model_get_origin (model)]);
  json_builder_set_member_name (builder, "demonstration");
  json_builder_add_boolean_value (builder, quern_model_is_demo (model));
  json_builder_set_member_name (builder, "unverified");
  json_builder_add_boolean_value (builder, quern_model_get_unverified (model));
}

int
quern_cli_list (int argc, char **argv)
{
  gboolean json = FALSE;
  const GOptionEntry entries[] = { { "json", 0, 0, G_OPTION_ARG_NONE, &json, N_("Print one JSON object"), NULL },
                                   G_OPTION_ENTRY_NULL };
  g_autoptr (QuernStore) store = NULL;
  g_autoptr (QuernLibrary) library = NULL;
  gboolean done;
  int code = quern_cli_parse (NULL, entries, &argc, &argv, &done);

  if (done)
    return code;
  if (argc > 1)
    return quern_cli_wrong_usage (_("“list” takes no argument."));
  library = quern_cli_open_library (FALSE, &store, NULL);
  if (json) {
    g_autoptr (JsonBuilder) builder = json_builder_new ();

    json_builder_begin_object (builder);
    json_builder_set_member_name (builder, "models");
    json_builder_begin_array (builder);
    for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (library)); i++) {
      g_autoptr (QuernModel) model = g_list_model_get_item (G_LIST_MODEL (library), i);
      json_builder_begin_object (builder);
      add_model (builder, model);
      json_builder_end_object (builder);
    }
    json_builder_end_array (builder);
    json_builder_end_object (builder);
    quern_cli_print_json (builder);
    return QUERN_CLI_OK;
  }
  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (library)); i++) {
    g_autoptr (QuernModel) model = g_list_model_get_item (G_LIST_MODEL (library), i);
    g_autofree char *size = g_format_size (quern_model_get_size (model));
    const char *keeper = quern_model_get_keeper (model);

    if (quern_model_is_remote (model)) {
      /* Translators: name of a model, and name of a server */
      g_autofree char *where = g_strdup_printf (_("%s, on “%s”"), quern_model_get_title (model),
                                                quern_model_get_place (model));
      quern_cli_line (stdout, "%-32s %10s  %-8s %s", quern_model_get_id (model), "", "", where);
      if (quern_model_get_problem (model))
        quern_cli_line (stdout, "%-32s %s", "", quern_model_get_problem (model));
      continue;
    }
    quern_cli_line (stdout, "%-32s %10s  %-8s %s%s%s%s%s%s", quern_model_get_id (model), size,
                    quern_model_get_quantisation (model), quern_model_get_title (model),
                    quern_model_get_vision_path (model)     ? _(", sees pictures")
                    : quern_model_needs_vision_file (model) ? _(", pictures need another file")
                                                            : "",
                    quern_model_is_demo (model) ? _(", demonstration") : "", keeper ? ", " : "", keeper ? keeper : "",
                    quern_model_get_unverified (model) ? _(", not verified") : "");
    if (quern_model_get_problem (model))
      quern_cli_line (stdout, "%-32s %s", "", quern_model_get_problem (model));
  }
  return QUERN_CLI_OK;
}

/* ---- show ------------------------------------------------------------------------------------------------------ */

static void
print_show_json (QuernModel *model, guint n_ctx, const QuernMemoryPlan *plan, const char *template)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  const QuernModelInfo *info = quern_model_get_info (model);

  json_builder_begin_object (builder);
  add_model (builder, model);
  quern_cli_add_string (builder, "architecture", info->architecture);
  add_int (builder, "parameters", info->parameters);
  add_int (builder, "active_parameters", info->active_parameters);
  json_builder_set_member_name (builder, "bits_per_weight");
  json_builder_add_double_value (builder, info->bits_per_weight);
  add_int (builder, "layers", info->n_layers);
  add_int (builder, "attention_layers", info->n_full_layers);
  add_int (builder, "vocabulary", info->n_vocab);
  add_int (builder, "trained_context", info->n_ctx_train);
  add_int (builder, "files", info->n_parts);
  json_builder_set_member_name (builder, "memory");
  json_builder_begin_object (builder);
  add_int (builder, "context", n_ctx);
  add_int (builder, "weights", plan->weights);
  add_int (builder, "kv_cache", plan->kv_cache);
  add_int (builder, "recurrent_state", plan->recurrent_state);
  add_int (builder, "compute", plan->compute);
  add_int (builder, "checkpoints", plan->checkpoints);
  add_int (builder, "vision", plan->vision);
  add_int (builder, "tokenizer", plan->tokenizer);
  add_int (builder, "total", plan->total);
  json_builder_set_member_name (builder, "available");
  if (quern_memory_available () == QUERN_MEMORY_UNKNOWN)
    json_builder_add_null_value (builder);
  else
    json_builder_add_int_value (builder, (gint64) quern_memory_available ());
  json_builder_end_object (builder);
  quern_cli_add_facts (builder, model, template);
  json_builder_end_object (builder);
  quern_cli_print_json (builder);
}

static void print_row (const char *name, const char *format, ...) G_GNUC_PRINTF (2, 3);

static void
print_row (const char *name, const char *format, ...)
{
  g_autofree char *value = NULL;
  va_list arguments;

  va_start (arguments, format);
  value = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  quern_cli_line (stdout, "%-18s %s", name, value);
}

static void
print_show (QuernModel *model, guint n_ctx, const QuernMemoryPlan *plan, const char *template)
{
  const QuernModelInfo *info = quern_model_get_info (model);
  g_autofree char *title = quern_model_dup_full_title (model);
  g_autofree char *size = g_format_size (quern_model_get_size (model));
  g_autofree char *total = g_format_size (plan->total);
  g_autofree char *free = g_format_size (quern_memory_available ());

  print_row (_("Model"), "%s%s", title, quern_model_is_demo (model) ? _(" (demonstration)") : "");
  print_row (_("File"), "%s", quern_model_get_path (model));
  if (quern_model_get_vision_path (model))
    print_row (_("Vision file"), "%s", quern_model_get_vision_path (model));
  if (quern_model_get_unverified (model))
    print_row (_("Content"), "%s", _("not verified: the hub had no checksum for it"));
  print_row (_("Size"), ngettext ("%s in %u file", "%s in %u files", info->n_parts), size, info->n_parts);
  print_row (_("Architecture"), _("%s, %u layers, %u of them with attention"), info->architecture, info->n_layers,
             info->n_full_layers);
  print_row (_("Parameters"), _("%.3g billion, %.2f bits each"), (double) info->parameters / 1e9,
             info->bits_per_weight);
  print_row (_("Trained context"), _("%u tokens"), info->n_ctx_train);
  if (quern_memory_available () == QUERN_MEMORY_UNKNOWN)
    print_row (_("Memory"), _("%s with a context length of %u tokens; free memory is unknown"), total, n_ctx);
  else
    print_row (_("Memory"), _("%s with a context length of %u tokens; %s are free"), total, n_ctx, free);
  quern_cli_print_facts (model, template);
}

/* What a server told of a model; it has no file whose numbers could be told. */
static void
print_show_served (QuernModel *model, gboolean json)
{
  QuernServer *server = quern_served_model_get_server (model);
  g_autoptr (QuernServerModel) facts = quern_served_model_dup_facts (model);
  g_autofree char *description = quern_server_describe (server), *text = quern_cli_describe_served (facts);

  if (json) {
    g_autoptr (JsonBuilder) builder = json_builder_new ();

    json_builder_begin_object (builder);
    add_model (builder, model);
    quern_cli_add_string (builder, "address", quern_server_get_address (server));
    quern_cli_add_string (builder, "kind", quern_server_get_traits (server)->name);
    add_int (builder, "context", quern_model_choose_context (model, 0));
    json_builder_end_object (builder);
    quern_cli_print_json (builder);
    return;
  }
  print_row (_("Model"), "%s", quern_model_get_title (model));
  print_row (_("Server"), "%s, %s, %s", quern_model_get_place (model), quern_server_get_address (server), description);
  print_row (_("Known of it"), "%s", text);
}

int
quern_cli_show (int argc, char **argv)
{
  gboolean json = FALSE, with_template = FALSE;
  int n_ctx = 0;
  const GOptionEntry entries[] = {
    { "ctx", 'c', 0, G_OPTION_ARG_INT, &n_ctx, N_("Plan memory for a context of N tokens"), "N" },
    { "template", 0, 0, G_OPTION_ARG_NONE, &with_template, N_("Print the chat template, too"), NULL },
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, N_("Print one JSON object"), NULL },
    G_OPTION_ENTRY_NULL
  };
  g_autoptr (QuernStore) store = NULL;
  g_autoptr (QuernLibrary) library = NULL;
  g_autoptr (QuernModel) model = NULL;
  g_autofree char *template = NULL;
  GError *error = NULL;
  QuernMemoryPlan plan;
  gboolean done;
  int code = quern_cli_parse ("MODEL", entries, &argc, &argv, &done);

  if (done)
    return code;
  if (argc != 2)
    return quern_cli_wrong_usage (_("“show” takes one model."));
  if (!quern_cli_check_range ("--ctx", n_ctx, 0, QUERN_CLI_MOST_TOKENS))
    return QUERN_CLI_USAGE;
  library = quern_cli_open_library (FALSE, &store, NULL);
  model = quern_cli_find_model (library, argv[1], &error);
  if (!model)
    return quern_cli_fail (error);
  if (quern_model_is_remote (model)) {
    if (with_template)
      return quern_cli_wrong_usage (_("--template: only files on this computer have a template that can be printed."));
    print_show_served (model, json);
    return QUERN_CLI_OK;
  }
  if (n_ctx == 0)
    n_ctx = (int) MIN (4096u, quern_model_get_info (model)->n_ctx_train);
  quern_model_plan (model, (guint) n_ctx, QUERN_KV_F16, &plan);
  if (with_template && !(template = quern_template_read (model, &error)))
    return quern_cli_fail (error);
  (json ? print_show_json : print_show) (model, (guint) n_ctx, &plan, template);
  return QUERN_CLI_OK;
}

/* ---- import and remove ----------------------------------------------------------------------------------------- */

static gboolean
is_conversations (const char *path)
{
  return g_str_has_suffix (path, ".json") || g_str_has_suffix (path, ".jsonl");
}

/* Conversations that other programs exported go to the database; their titles are printed. */
static int
import_conversations (char **paths)
{
  g_autofree char *database = quern_database_default_path ();
  g_autoptr (GListStore) files = g_list_store_new (G_TYPE_FILE);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GPtrArray) added = NULL;
  g_autoptr (QuernStore) store = NULL;
  GError *error = NULL;

  for (; *paths; paths++) {
    g_autoptr (GFile) file = g_file_new_for_commandline_arg (*paths);
    g_list_store_append (files, file);
  }
  store = quern_store_open (database, &error);
  if (!store)
    return quern_cli_fail (error);
  quern_import_files_async (store, G_LIST_MODEL (files), NULL, NULL, NULL, quern_keep_result_cb, &result);
  added = quern_import_files_finish (quern_cli_wait (&result), &error);
  for (guint i = 0; added && i < added->len; i++)
    quern_cli_line (stdout, "%s", quern_conversation_get_title (added->pdata[i]));
  if (added && quern_import_files_get_report (result))
    quern_cli_text (stderr, quern_import_files_get_report (result));
  quern_store_close (store);
  return added ? QUERN_CLI_OK : quern_cli_fail (error);
}

int
quern_cli_import (int argc, char **argv)
{
  const GOptionEntry entries[] = { G_OPTION_ENTRY_NULL };
  g_autoptr (QuernStore) store = NULL;
  g_autoptr (QuernLibrary) library = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (QuernModel) model = NULL;
  g_autofree char *absolute = NULL, *prefix = NULL;
  GError *error = NULL;
  gboolean done;
  int n_conversations = 0;
  int code =
      quern_cli_parse (_("FILE|FOLDER|CONVERSATIONS… — use models without copying them, take over conversations"),
                       entries, &argc, &argv, &done);

  if (done)
    return code;
  for (int i = 1; i < argc; i++)
    n_conversations += is_conversations (argv[i]);
  if (n_conversations > 0 && n_conversations == argc - 1)
    return import_conversations (argv + 1);
  if (argc != 2)
    return quern_cli_wrong_usage (
        _("“import” takes one model file or folder, or files of conversations (.json, .jsonl)."));
  library = quern_cli_open_library (TRUE, &store, &error);
  if (!library)
    return quern_cli_fail (error);
  quern_library_import_async (library, argv[1], NULL, quern_keep_result_cb, &result);
  model = quern_library_import_finish (library, quern_cli_wait (&result), &error);
  if (!model)
    return quern_cli_fail (error);
  /* Prints the ids of what is at the path or below it. */
  absolute = g_canonicalize_filename (argv[1], NULL);
  prefix = g_strconcat (absolute, G_DIR_SEPARATOR_S, NULL);
  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (library)); i++) {
    g_autoptr (QuernModel) found = g_list_model_get_item (G_LIST_MODEL (library), i);
    if (g_str_equal (quern_model_get_key (found), absolute) || g_str_has_prefix (quern_model_get_key (found), prefix))
      quern_cli_line (stdout, "%s", quern_model_get_id (found));
  }
  return QUERN_CLI_OK;
}

int
quern_cli_remove (int argc, char **argv)
{
  const GOptionEntry entries[] = { G_OPTION_ENTRY_NULL };
  g_autoptr (QuernStore) store = NULL;
  g_autoptr (QuernLibrary) library = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GFile) wanted = NULL;
  g_autofree char *folder = NULL;
  GError *error = NULL;
  QuernModel *model;
  gboolean done;
  int code = quern_cli_parse ("MODEL|FOLDER", entries, &argc, &argv, &done);

  if (done)
    return code;
  if (argc != 2)
    return quern_cli_wrong_usage (_("“remove” takes one model or folder."));
  library = quern_cli_open_library (TRUE, &store, &error);
  if (!library)
    return quern_cli_fail (error);
  model = quern_library_find (library, argv[1]);
  wanted = g_file_new_for_commandline_arg (argv[1]);
  for (guint i = 0; !model && !folder && i < g_list_model_get_n_items (quern_library_get_folders (library)); i++) {
    g_autoptr (GFile) added = g_list_model_get_item (quern_library_get_folders (library), i);
    if (g_file_equal (added, wanted))
      folder = g_file_get_path (added);
  }
  if (!model && !folder)
    return quern_cli_fail (g_error_new (
        QUERN_LIBRARY_ERROR, QUERN_LIBRARY_ERROR_NOT_FOUND,
        _("There is no model “%s”. “quern-cli list” prints those that are on this computer and on servers."),
        argv[1]));
  if (model)
    quern_library_remove_async (library, model, NULL, quern_keep_result_cb, &result);
  else
    quern_library_remove_folder_async (library, folder, NULL, quern_keep_result_cb, &result);
  if (!quern_library_remove_finish (library, quern_cli_wait (&result), &error))
    return quern_cli_fail (error);
  return QUERN_CLI_OK;
}
