/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-cli.h"

#include "quern-downloads.h"

#include <glib-unix.h>
#include <glib/gi18n.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_INTERVAL (5 * G_USEC_PER_SEC) /* between two lines of progress where there is no terminal */

typedef struct {
  QuernDownloads *downloads;
  QuernDownload *download;
  GMainLoop *loop;
  gboolean quiet, terminal, stopped;
  gint64 printed;
} Pull;

/* ---- progress -------------------------------------------------------------------------------------------------- */

static char *
progress_line (QuernDownload *download)
{
  g_autofree char *bytes = g_format_size (quern_download_get_bytes (download));
  g_autofree char *total = g_format_size (quern_download_get_total (download));
  g_autofree char *speed = g_format_size ((guint64) quern_download_get_speed (download)), *left = NULL;
  gint64 seconds = quern_download_get_seconds_left (download);
  int percent = (int) (quern_download_get_fraction (download) * 100);
  gint64 wait = quern_download_get_wait (download);

  if (seconds >= 3600)
    left = g_strdup_printf (_("  %d:%02d:%02d left"), (int) (seconds / 3600), (int) (seconds / 60 % 60),
                            (int) (seconds % 60));
  else if (seconds >= 0)
    left = g_strdup_printf (_("  %d:%02d left"), (int) (seconds / 60), (int) (seconds % 60));
  if (wait > 0)
    return g_strdup_printf (_("%3d %%  %s of %s  the server is busy, trying again in %d:%02d; Ctrl+C "
                              "stops"),
                            percent, bytes, total, (int) (wait / 60), (int) (wait % 60));
  switch (quern_download_get_phase (download)) {
  case QUERN_DOWNLOAD_VERIFYING: return g_strdup_printf (_("%3d %%  %s of %s  verifying"), percent, bytes, total);
  case QUERN_DOWNLOAD_REPAIRING:
    return g_strdup_printf (_("%3d %%  %s of %s  a part was damaged, downloading it again"), percent, bytes, total);
  case QUERN_DOWNLOAD_CONNECTING: return g_strdup_printf (_("%3d %%  %s of %s  connecting"), percent, bytes, total);
  case QUERN_DOWNLOAD_RECEIVING:
  default: return g_strdup_printf (_("%3d %%  %s of %s  %s/s%s"), percent, bytes, total, speed, left ? left : "");
  }
}

static void
pull_progress_cb (QuernDownload *download, GParamSpec *pspec, Pull *pull)
{
  gint64 now = g_get_monotonic_time ();
  g_autofree char *line = NULL;

  if (pull->quiet || quern_download_get_state (download) != QUERN_DOWNLOAD_RUNNING
      || (!pull->terminal
          && ((quern_download_get_phase (download) == QUERN_DOWNLOAD_CONNECTING
               && quern_download_get_wait (download) == 0)
              || (pull->printed != 0 && now - pull->printed < LINE_INTERVAL))))
    return;
  pull->printed = now;
  line = progress_line (download);
  fprintf (stderr, pull->terminal ? "\r\033[K%s" : "%s\n", line);
  fflush (stderr);
}

static void
pull_state_cb (QuernDownload *download, GParamSpec *pspec, Pull *pull)
{
  QuernDownloadState state = quern_download_get_state (download);

  if (state != QUERN_DOWNLOAD_RUNNING && state != QUERN_DOWNLOAD_QUEUED)
    g_main_loop_quit (pull->loop);
}

static gboolean
pull_stop_cb (gpointer data)
{
  Pull *pull = data;

  pull->stopped = TRUE;
  quern_downloads_pause (pull->downloads, pull->download);
  return G_SOURCE_CONTINUE;
}

/* ---- which item ------------------------------------------------------------------------------------------------ */

/* Without a wish: Q4_K_M or its like, else the smallest of at least 4 bits a weight, else the largest. */
static QuernHubItem *
default_item (QuernHubRepo *repo)
{
  const char *const usual[] = { "Q4_K_M", "UD-Q4_K_XL", "Q4_K_S", "IQ4_XS", "Q4_0" };
  GListModel *items = quern_hub_repo_get_items (repo);
  guint n = g_list_model_get_n_items (items);

  for (guint i = 0; i < G_N_ELEMENTS (usual); i++) {
    QuernHubItem *item = quern_hub_repo_find_item (repo, usual[i]);

    if (item != NULL)
      return item;
  }
  for (guint i = 0; i < n; i++) {
    g_autoptr (QuernHubItem) item = g_list_model_get_item (items, i);

    if (quern_hub_item_get_bits_per_weight (item) >= 4 && quern_hub_item_get_program (item) == NULL)
      return g_steal_pointer (&item);
  }
  return n > 0 ? g_list_model_get_item (items, n - 1) : NULL;
}

/* The item that a wish names, or the usual one; NULL with an error, after a list of what there is. */
QuernHubItem *
quern_cli_choose_item (QuernHubRepo *repo, const char *what, GError **error)
{
  g_autoptr (QuernHubItem) item = what != NULL ? quern_hub_repo_find_item (repo, what) : default_item (repo);
  GListModel *items = quern_hub_repo_get_items (repo);

  if (item != NULL) {
    g_autofree char *advice = quern_hub_repo_dup_advice (repo, item);

    if (advice == NULL)
      return g_steal_pointer (&item);
    /* Who names a file by its path knows what it is. Else no gigabytes are fetched for nothing. */
    if (g_strcmp0 (quern_hub_item_get_file (item, 0)->path, what) == 0) {
      quern_cli_line (stderr, "%s", advice);
      return g_steal_pointer (&item);
    }
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED, "%s: %s", quern_hub_item_get_label (item), advice);
  } else if (what == NULL)
    g_set_error (error, QUERN_HUB_ERROR, QUERN_HUB_ERROR_NOT_FOUND,
                 _("“%s” has no complete GGUF model. Choose another repository with “quern-cli search”."),
                 quern_hub_repo_get_id (repo));
  else {
    for (guint i = 0; i < g_list_model_get_n_items (items); i++) {
      g_autoptr (QuernHubItem) offered = g_list_model_get_item (items, i);
      g_autofree char *size = g_format_size (quern_hub_item_get_bytes (offered));
      g_autofree char *advice = quern_hub_repo_dup_advice (repo, offered);

      quern_cli_line (stderr, "  %-16s %-10s %s", quern_hub_item_get_label (offered), size,
                      quern_hub_item_get_file (offered, 0)->path);
      if (advice != NULL)
        quern_cli_line (stderr, "  %-16s %s", "", advice);
    }
    g_set_error (error, QUERN_HUB_ERROR, QUERN_HUB_ERROR_NOT_FOUND,
                 _("“%s” has no “%s”, or more than one. Choose one of those above."), quern_hub_repo_get_id (repo),
                 what);
  }
  return NULL;
}

/* ---- pull ------------------------------------------------------------------------------------------------------ */

/* Sits out what the hub asked for, where that can be seen. FALSE: it did not ask, or for more than is left. */
static gboolean
sit_out (QuernHub *hub, gint64 *left, gboolean quiet)
{
  gint64 asked = quern_hub_get_asked_wait (hub), end = g_get_monotonic_time () + asked;
  gboolean terminal = isatty (STDERR_FILENO);

  if (asked == 0 || asked > *left)
    return FALSE;
  *left -= asked;
  for (gint64 rest, said = 0; (rest = (end - g_get_monotonic_time ()) / G_USEC_PER_SEC) > 0;
       g_usleep (G_USEC_PER_SEC / 4))
    if (!quiet && (terminal || said == 0 || said - rest >= LINE_INTERVAL / G_USEC_PER_SEC)) {
      said = rest;
      fputs (terminal ? "\r\033[K" : "", stderr);
      fprintf (stderr, _("The hub is busy, trying again in %d:%02d; Ctrl+C stops"), (int) (rest / 60),
               (int) (rest % 60));
      fputs (terminal ? "" : "\n", stderr);
    }
  if (!quiet && terminal)
    fputs ("\r\033[K", stderr);
  return TRUE;
}

/* Waits while the hub asks to. */
QuernHubRepo *
quern_cli_load_repo (QuernHub *hub, const char *name, gboolean quiet, GError **error)
{
  QuernHubRepo *repo = NULL;

  for (gint64 left = QUERN_HUB_MAX_WAIT; repo == NULL;) {
    g_autoptr (GAsyncResult) result = NULL;
    g_autoptr (GError) cause = NULL;

    quern_hub_load_repo_async (hub, name, NULL, quern_keep_result_cb, &result);
    repo = quern_hub_load_repo_finish (hub, quern_cli_wait (&result), &cause);
    if (repo == NULL && !sit_out (hub, &left, quiet)) {
      g_propagate_error (error, g_steal_pointer (&cause));
      return NULL;
    }
  }
  if (quern_hub_repo_get_support (repo) == QUERN_HUB_SUPPORT_NO) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                 _("“%s” has the architecture “%s”, which Quern cannot run. It runs Qwen 3.5 models."), name,
                 quern_hub_repo_get_architecture (repo));
    g_clear_object (&repo);
  }
  return repo;
}

static int
pull_run (QuernDownloads *downloads, QuernHubRepo *repo, QuernHubItem *item, gboolean with_vision, gboolean quiet)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  Pull pull = { .downloads = downloads, .loop = loop, .quiet = quiet, .terminal = isatty (STDERR_FILENO) };
  g_autoptr (QuernDownload) download = NULL;

  pull.download = download = g_object_ref (quern_downloads_add (downloads, repo, item, with_vision));
  g_signal_connect (download, "notify::bytes", G_CALLBACK (pull_progress_cb), &pull);
  g_signal_connect (download, "notify::state", G_CALLBACK (pull_state_cb), &pull);
  g_unix_signal_add (SIGINT, pull_stop_cb, &pull);
  g_unix_signal_add (SIGTERM, pull_stop_cb, &pull);
  quern_downloads_hold (downloads, download);
  g_main_loop_run (loop);
  while (quern_downloads_is_active (downloads)) /* the thread of a stopped download saves what it has */
    g_main_context_iteration (NULL, TRUE);
  g_signal_handlers_disconnect_by_data (download, &pull);
  if (pull.terminal && !quiet)
    fputs ("\r\033[K", stderr);
  if (quern_download_get_state (download) != QUERN_DOWNLOAD_COMPLETE) {
    const GError *error = quern_download_get_error (download);
    return quern_cli_fail (pull.stopped || error == NULL
                               ? g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED,
                                                      _("The download was stopped. Run the same command again to "
                                                        "continue."))
                               : g_error_copy (error));
  }
  /* The library lets “remove” know later that these files are Quern's own. */
  g_autoptr (QuernStore) store = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (QuernLibrary) library = quern_cli_open_library (TRUE, &store, &error);
  g_auto (GStrv) paths = quern_download_dup_paths (download);
  if (library != NULL) {
    quern_library_add_installed (library, (const char *const *) paths);
    quern_store_close (store); /* waits until it is written */
  } else
    quern_cli_line (stderr, "quern-cli: %s", error->message);
  if (!quern_download_get_verifiable (download))
    fprintf (stderr, "%s\n", _("Not verified: the hub has no checksum for it, so only its size was compared."));
  quern_cli_line (stdout, "%s", quern_download_get_path (download));
  return QUERN_CLI_OK;
}

/* quern-cli pull REPO[:FILE|:QUANT] */
int
quern_cli_pull (int argc, char **argv)
{
  gboolean no_vision = FALSE, quiet = FALSE, done;
  gint64 rate = 0;
  int code;
  const GOptionEntry entries[] = {
    { "no-vision", 0, 0, G_OPTION_ARG_NONE, &no_vision, N_("Skip the vision file"), NULL },
    { "limit-rate", 0, 0, G_OPTION_ARG_INT64, &rate, N_("Speed limit in bytes per second"), "BYTES" },
    { "quiet", 'q', 0, G_OPTION_ARG_NONE, &quiet, N_("Hide progress"), NULL },
    G_OPTION_ENTRY_NULL,
  };
  g_autofree char *name = NULL;
  g_autoptr (QuernHub) hub = NULL;
  g_autoptr (QuernHubRepo) repo = NULL;
  g_autoptr (QuernHubItem) item = NULL;
  g_autoptr (QuernDownloads) downloads = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  GError *error = NULL;
  char *what;

  code = quern_cli_parse (_("REPO[:FILE|:QUANT] — download a model; run again to resume"), entries, &argc, &argv,
                          &done);
  if (done)
    return code;
  if (argc != 2 || rate < 0)
    return quern_cli_wrong_usage (_("Specify one repository, e.g. “unsloth/Qwen3.5-4B-GGUF:Q4_K_M”."));
  name = g_strdup (argv[1]);
  what = strchr (name, ':');
  if (what != NULL)
    *what++ = '\0';
  hub = quern_hub_new ();
  if (!quern_hub_check_endpoint (hub, &error))
    return quern_cli_wrong_address (error);
  repo = quern_cli_load_repo (hub, name, quiet, &error);
  item = repo != NULL ? quern_cli_choose_item (repo, what, &error) : NULL;
  if (item == NULL)
    return quern_cli_fail (error);
  if (what == NULL && !quiet)
    quern_cli_line (stderr, _("Downloading %s.\n"), quern_hub_item_get_label (item));
  downloads = quern_downloads_new (hub);
  quern_downloads_hold (downloads, NULL);
  quern_downloads_set_rate (downloads, (guint64) rate);
  quern_downloads_load_async (downloads, NULL, quern_keep_result_cb, &result);
  if (!quern_downloads_load_finish (downloads, quern_cli_wait (&result), &error)) {
    quern_cli_line (stderr, "quern-cli: %s\n", error->message);
    g_clear_error (&error);
  }
  code = pull_run (downloads, repo, item, !no_vision, quiet);
  quern_downloads_close (downloads);
  return code;
}
