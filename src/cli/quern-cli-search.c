/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-cli.h"

#include "quern-hub-search.h"

#include <glib/gi18n.h>
#include <stdio.h>

static void
search_notify_cb (QuernHubSearch *search, GParamSpec *pspec, GMainLoop *loop)
{
  QuernHubSearchState state = quern_hub_search_get_state (search);

  if (state != QUERN_HUB_SEARCH_LOADING && state != QUERN_HUB_SEARCH_IDLE)
    g_main_loop_quit (loop);
}

/* quern-cli search [TEXT…] */
int
quern_cli_search (int argc, char **argv)
{
  gboolean as_json = FALSE, done;
  int limit = 30, code;
  const GOptionEntry entries[] = {
    { "limit", 'n', 0, G_OPTION_ARG_INT, &limit, N_("Number of results to show (30)"), "N" },
    { "json", 0, 0, G_OPTION_ARG_NONE, &as_json, N_("Print one JSON object"), NULL },
    G_OPTION_ENTRY_NULL,
  };
  g_autofree char *text = NULL;
  g_autoptr (QuernHub) hub = NULL;
  g_autoptr (QuernHubSearch) search = NULL;
  GError *error = NULL;

  code = quern_cli_parse (_("[TEXT…] — search models on the hub"), entries, &argc, &argv, &done);
  if (done)
    return code;
  if (!quern_cli_check_range ("--limit", limit, 1, 1000))
    return QUERN_CLI_USAGE;
  text = g_strjoinv (" ", argv + 1);
  hub = quern_hub_new ();
  if (!quern_hub_check_endpoint (hub, &error))
    return quern_cli_wrong_address (error);
  search = quern_hub_search_new (hub);
  /* Page after page until there are `limit` repositories. */
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);

  g_signal_connect (search, "notify::state", G_CALLBACK (search_notify_cb), loop);
  quern_hub_search_set_text (search, text);
  g_main_loop_run (loop);
  while (quern_hub_search_get_has_more (search) && g_list_model_get_n_items (G_LIST_MODEL (search)) < (guint) limit
         && quern_hub_search_get_state (search) != QUERN_HUB_SEARCH_FAILED) {
    quern_hub_search_load_more (search);
    g_main_loop_run (loop);
  }
  g_signal_handlers_disconnect_by_func (search, search_notify_cb, loop);
  if (quern_hub_search_get_state (search) == QUERN_HUB_SEARCH_FAILED)
    return quern_cli_fail (
        g_error_new_literal (QUERN_HUB_ERROR, QUERN_HUB_ERROR_FAILED, quern_hub_search_get_message (search)));
  if (quern_hub_search_get_state (search) == QUERN_HUB_SEARCH_STALE)
    fprintf (stderr, "%s\n", _("The hub does not respond; these are its last results."));
  g_autoptr (JsonBuilder) json = json_builder_new ();
  guint n = MIN ((guint) limit, g_list_model_get_n_items (G_LIST_MODEL (search)));

  json_builder_begin_object (json);
  json_builder_set_member_name (json, "models");
  json_builder_begin_array (json);
  for (guint i = 0; i < n; i++) {
    g_autoptr (QuernHubRepo) repo = g_list_model_get_item (G_LIST_MODEL (search), i);

    if (as_json) {
      json_builder_begin_object (json);
      json_builder_set_member_name (json, "id");
      json_builder_add_string_value (json, quern_hub_repo_get_id (repo));
      json_builder_set_member_name (json, "downloads");
      json_builder_add_int_value (json, quern_hub_repo_get_downloads (repo));
      json_builder_set_member_name (json, "architecture");
      if (quern_hub_repo_get_architecture (repo) != NULL)
        json_builder_add_string_value (json, quern_hub_repo_get_architecture (repo));
      else
        json_builder_add_null_value (json);
      json_builder_set_member_name (json, "supported");
      if (quern_hub_repo_get_support (repo) == QUERN_HUB_SUPPORT_UNKNOWN)
        json_builder_add_null_value (json);
      else
        json_builder_add_boolean_value (json, quern_hub_repo_get_support (repo) == QUERN_HUB_SUPPORT_YES);
      json_builder_end_object (json);
    } else {
      QuernHubSupport support = quern_hub_repo_get_support (repo);
      quern_cli_line (stdout, "%-56s %10" G_GINT64_FORMAT "  %s\n", quern_hub_repo_get_id (repo),
                      quern_hub_repo_get_downloads (repo),
                      support == QUERN_HUB_SUPPORT_YES  ? _("runs")
                      : support == QUERN_HUB_SUPPORT_NO ? _("not supported")
                                                        : _("unknown"));
    }
  }
  json_builder_end_array (json);
  json_builder_end_object (json);
  if (as_json)
    quern_cli_print_json (json);
  else if (n == 0)
    fprintf (stderr, "%s\n", _("No results found. Try a different search."));
  return QUERN_CLI_OK;
}
