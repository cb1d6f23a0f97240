/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-cli-facts.h"
#include "quern-cli.h"

#include "quern-json-util.h"
#include "quern-printable.h"
#include "quern-server-answer.h"
#include "quern-servers.h"

#include <glib/gi18n.h>

typedef struct {
  char *name, *key_file, *model;
  gboolean plain_key, as_json, think, no_think;
  int max_tokens;
} Options;

static void
print_server (QuernServer *server)
{
  g_autofree char *description = quern_server_describe (server);
  const GPtrArray *models = quern_server_get_models (server);

  quern_cli_line (stdout, "%s: %s, %s", quern_server_get_name (server), quern_server_get_address (server), description);
  for (guint i = 0; i < models->len; i++) {
    const QuernServerModel *model = models->pdata[i];
    g_autofree char *facts = quern_cli_describe_served (model);

    quern_cli_line (stdout, *facts != '\0' ? "  %s: %s" : "  %s", model->id, facts);
  }
}

static void
add_json (JsonBuilder *json, QuernServer *server)
{
  const QuernServerTraits *traits = quern_server_get_traits (server);

  json_builder_begin_object (json);
  quern_cli_add_string (json, "name", quern_server_get_name (server));
  quern_cli_add_string (json, "address", quern_server_get_address (server));
  quern_cli_add_string (json, "kind", traits->name);
  quern_cli_add_string (json, "version", quern_server_get_version (server));
  quern_json_add_bool (json, "has_key", quern_server_get_has_key (server));
  quern_json_add_bool (json, "counts_tokens", traits->counts);
  quern_json_add_bool (json, "scores_text", traits->prompt_scores);
  json_builder_set_member_name (json, "models");
  quern_server_models_write (quern_server_get_models (server), json);
  json_builder_end_object (json);
}

static void
print_servers (QuernServer *const *servers, guint n, gboolean as_json)
{
  g_autoptr (JsonBuilder) json = json_builder_new ();

  json_builder_begin_object (json);
  json_builder_set_member_name (json, "servers");
  json_builder_begin_array (json);
  for (guint i = 0; i < n; i++)
    if (as_json)
      add_json (json, servers[i]);
    else
      print_server (servers[i]);
  json_builder_end_array (json);
  json_builder_end_object (json);
  if (as_json)
    quern_cli_print_json (json);
}

/* Reading does not create the database. */
static QuernServers *
open_servers (gboolean write, QuernStore **store, GError **error)
{
  g_autofree char *path = quern_database_default_path ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (QuernServers) servers = NULL;

  *store = write || g_file_test (path, G_FILE_TEST_EXISTS) ? quern_store_open (path, error)
                                                           : quern_store_open_in_memory ();
  if (*store == NULL)
    return NULL;
  servers = quern_servers_new (*store);
  quern_servers_load_async (servers, NULL, quern_keep_result_cb, &result);
  if (!quern_servers_load_finish (servers, quern_cli_wait (&result), error))
    return NULL;
  return g_steal_pointer (&servers);
}

/* Waits until all that was changed is on disk. */
static gboolean
quern_cli_servers_flush (QuernStore *store, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  quern_store_flush_async (store, NULL, quern_keep_result_cb, &result);
  return quern_store_flush_finish (store, quern_cli_wait (&result), error);
}

static QuernServer *
find_known (QuernServers *servers, const char *text, GError **error)
{
  QuernServer *server = quern_servers_find (servers, text);

  if (server == NULL)
    g_set_error (error, QUERN_SERVER_ERROR, QUERN_SERVER_ERROR_BAD_ADDRESS,
                 _("There is no server “%s”. “quern-cli servers list” lists the servers."), text);
  return server;
}

/* ---- the commands ---------------------------------------------------------------------------------------------- */

static gboolean
quern_cli_servers_add (QuernServers *servers, QuernStore *store, const char *address, const Options *options,
                       GError **error)
{
  g_autofree char *key_file = options->key_file != NULL ? g_canonicalize_filename (options->key_file, NULL) : NULL;
  g_autofree char *key = key_file != NULL ? quern_server_key_read_file (key_file, error) : NULL;
  const QuernServerKey given = { key, key_file, options->plain_key };
  g_autoptr (GAsyncResult) found = NULL, added = NULL;
  g_autoptr (QuernServer) server = NULL, kept = NULL;

  if (key_file != NULL && key == NULL)
    return FALSE;
  quern_server_find_async (address, &given, NULL, quern_keep_result_cb, &found);
  server = quern_server_find_finish (quern_cli_wait (&found), error);
  if (server == NULL)
    return FALSE;
  if (options->name != NULL)
    quern_server_set_name (server, options->name);
  quern_servers_add_async (servers, server, NULL, quern_keep_result_cb, &added);
  kept = quern_servers_add_finish (servers, quern_cli_wait (&added), error);
  if (kept == NULL || !quern_cli_servers_flush (store, error))
    return FALSE;
  if (quern_server_get_key_file (kept) != NULL)
    quern_cli_line (stderr, _("No keyring is available, so the key is read from %s each time."), key_file);
  print_servers (&kept, 1, options->as_json);
  return TRUE;
}

static void
quern_cli_servers_list (QuernServers *servers, gboolean as_json)
{
  g_autoptr (GPtrArray) all = g_ptr_array_new_with_free_func (g_object_unref);
  GListModel *known = quern_servers_get_list (servers);

  for (guint i = 0; i < g_list_model_get_n_items (known); i++)
    g_ptr_array_add (all, g_list_model_get_item (known, i));
  print_servers ((QuernServer *const *) all->pdata, all->len, as_json);
  if (all->len == 0 && !as_json)
    quern_cli_line (stderr, "%s", _("No servers have been added. Add one with “quern-cli servers add ADDRESS”."));
}

static gboolean
quern_cli_servers_remove (QuernServers *servers, QuernStore *store, const char *text, GError **error)
{
  g_autoptr (QuernServer) server = find_known (servers, text, error);
  g_autoptr (GAsyncResult) result = NULL;

  if (server == NULL)
    return FALSE;
  quern_servers_remove (servers, server);
  quern_servers_forget_key_async (servers, server, NULL, quern_keep_result_cb, &result);
  return quern_servers_forget_key_finish (servers, quern_cli_wait (&result), error)
         && quern_cli_servers_flush (store, error);
}

static void
quern_cli_servers_find (gboolean as_json)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GPtrArray) found = NULL;

  quern_server_find_local_async (NULL, quern_keep_result_cb, &result);
  found = quern_server_find_local_finish (quern_cli_wait (&result), NULL);
  print_servers ((QuernServer *const *) found->pdata, found->len, as_json);
  if (found->len == 0 && !as_json)
    quern_cli_line (stderr, "%s", _("No servers were found on the usual ports of this computer."));
}

typedef struct {
  QuernPrintableStream answer, reasoning;
  gboolean done;
} Printing;

static void
text_cb (QuernServerAnswer *answer, gboolean reasoning, const char *text, Printing *printing)
{
  g_autoptr (GString) out = g_string_new (NULL);

  quern_printable_push (reasoning ? &printing->reasoning : &printing->answer, text, strlen (text), out);
  fputs (out->str, reasoning ? stderr : stdout);
  fflush (reasoning ? stderr : stdout);
}

static void
moved_cb (QuernServerAnswer *answer, gboolean to_reasoning, Printing *printing)
{
  quern_cli_line (stderr, "\n%s",
                  to_reasoning ? _("(The text above was reasoning, not the answer.)")
                               : _("(The server sent the answer as reasoning.)"));
}

static void
done_cb (QuernServerAnswer *answer, Printing *printing)
{
  printing->done = TRUE;
}

static gboolean
quern_cli_servers_ask (QuernServer *server, const char *prompt, const Options *options, GError **error)
{
  g_autoptr (QuernServerModel) model = quern_server_find_model (server, options->model);
  g_autoptr (QuernServerCall) call = NULL;
  g_autoptr (QuernServerAnswer) answer = NULL;
  Printing printing = { 0 };
  const QuernAnswerUsage *usage;

  if (model == NULL) {
    g_set_error (error, QUERN_SERVER_ERROR, QUERN_SERVER_ERROR_NO_MODEL,
                 _("“%s” has no model with that name. “quern-cli servers list” lists its models."),
                 quern_server_get_name (server));
    return FALSE;
  }
  call = quern_server_call_new (model);
  quern_server_call_add_message (call, QUERN_SPEAKER_USER, prompt, NULL);
  quern_server_call_set_thinking (call, options->think      ? QUERN_THINKING_ON
                                        : options->no_think ? QUERN_THINKING_OFF
                                                            : QUERN_THINKING_DEFAULT);
  quern_server_call_set_max_tokens (call, options->max_tokens);
  answer = quern_server_ask (server, call);
  g_signal_connect (answer, "text", G_CALLBACK (text_cb), &printing);
  g_signal_connect (answer, "moved", G_CALLBACK (moved_cb), &printing);
  g_signal_connect (answer, "done", G_CALLBACK (done_cb), &printing);
  while (!printing.done)
    g_main_context_iteration (NULL, TRUE);
  fputs ("\n", stdout);
  if (quern_server_answer_get_error (answer) != NULL) {
    g_propagate_error (error, g_error_copy (quern_server_answer_get_error (answer)));
    return FALSE;
  }
  usage = quern_server_answer_get_usage (answer);
  if (quern_server_answer_get_ignored_switch (answer))
    quern_cli_line (stderr, "%s",
                    _("The model was thinking although thinking is turned off. This server ignores "
                      "the setting."));
  quern_cli_line (stderr, _("First text after %.1f seconds; prompt of %u tokens, answer of %u tokens."),
                  quern_server_answer_get_first_seconds (answer), usage->prompt_tokens, usage->answer_tokens);
  return TRUE;
}

/* Asks a known server anew what it has, and a question where there is one. */
static gboolean
quern_cli_servers_test (QuernServers *servers, QuernStore *store, const char *text, const char *prompt,
                        const Options *options, GError **error)
{
  g_autoptr (QuernServer) server = find_known (servers, text, error);
  g_autoptr (GAsyncResult) result = NULL;

  if (server == NULL)
    return FALSE;
  quern_server_probe_async (server, NULL, quern_keep_result_cb, &result);
  if (!quern_server_probe_finish (server, quern_cli_wait (&result), error))
    return FALSE;
  quern_servers_save (servers, server);
  if (!quern_cli_servers_flush (store, error))
    return FALSE;
  if (prompt != NULL)
    return quern_cli_servers_ask (server, prompt, options, error);
  print_servers (&server, 1, options->as_json);
  return TRUE;
}

/* quern-cli servers add ADDRESS | list | find | test SERVER [PROMPT…] | remove SERVER */
int
quern_cli_servers (int argc, char **argv)
{
  Options options = { 0 };
  gboolean done, ok;
  int code;
  const GOptionEntry entries[] = {
    { "name", 0, 0, G_OPTION_ARG_STRING, &options.name, N_("add: Name of the server (default: its host name)"),
      "NAME" },
    { "key-file", 0, 0, G_OPTION_ARG_FILENAME, &options.key_file, N_("add: File with the server’s key"), "FILE" },
    { "allow-plain-key", 0, 0, G_OPTION_ARG_NONE, &options.plain_key,
      N_("add: Send the key even where the connection is not encrypted"), NULL },
    { "model", 'm', 0, G_OPTION_ARG_STRING, &options.model, N_("test: Model to ask"), "MODEL" },
    { "think", 0, 0, G_OPTION_ARG_NONE, &options.think, N_("test: Think before answering"), NULL },
    { "no-think", 0, 0, G_OPTION_ARG_NONE, &options.no_think, N_("test: Answer without thinking"), NULL },
    { "max", 0, 0, G_OPTION_ARG_INT, &options.max_tokens, N_("test: End the answer after N tokens"), "N" },
    { "json", 0, 0, G_OPTION_ARG_NONE, &options.as_json, N_("Print one JSON object"), NULL },
    G_OPTION_ENTRY_NULL,
  };
  g_autoptr (QuernStore) store = NULL;
  g_autoptr (QuernServers) servers = NULL;
  g_autofree char *name = NULL, *key_file = NULL, *model = NULL, *prompt = NULL;
  GError *error = NULL;
  const char *verb;

  code = quern_cli_parse (_("add ADDRESS | list | find | test SERVER [PROMPT…] | remove SERVER — use models of other "
                            "machines"),
                          entries, &argc, &argv, &done);
  name = options.name;
  key_file = options.key_file;
  model = options.model;
  if (done)
    return code;
  if (!quern_cli_check_range ("--max", options.max_tokens, 0, QUERN_CLI_MOST_TOKENS))
    return QUERN_CLI_USAGE;
  verb = argc > 1 ? argv[1] : "";
  if (g_str_equal (verb, "find") && argc == 2) {
    quern_cli_servers_find (options.as_json);
    return QUERN_CLI_OK;
  }
  if (!((g_str_equal (verb, "list") && argc == 2) || (g_str_equal (verb, "test") && argc >= 3)
        || ((g_str_equal (verb, "add") || g_str_equal (verb, "remove")) && argc == 3)))
    return quern_cli_wrong_usage ("%s", _("Specify “add ADDRESS”, “list”, “find”, “test SERVER” or “remove SERVER”."));
  servers = open_servers (!g_str_equal (verb, "list"), &store, &error);
  if (servers == NULL)
    return quern_cli_fail (error);
  if (argc > 3)
    prompt = g_strjoinv (" ", argv + 3);
  if (g_str_equal (verb, "list")) {
    quern_cli_servers_list (servers, options.as_json);
    return QUERN_CLI_OK;
  }
  ok = g_str_equal (verb, "add")    ? quern_cli_servers_add (servers, store, argv[2], &options, &error)
       : g_str_equal (verb, "test") ? quern_cli_servers_test (servers, store, argv[2], prompt, &options, &error)
                                    : quern_cli_servers_remove (servers, store, argv[2], &error);
  return ok ? QUERN_CLI_OK : quern_cli_fail (error);
}
