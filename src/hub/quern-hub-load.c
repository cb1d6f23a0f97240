/* SPDX-License-Identifier: GPL-3.0-or-later */

/* One repository: its files, its card, and the header of one of its models before anything is downloaded. */

#include "config.h"

#include "quern-hub-private.h"
#include "quern-hub-repo-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define MAX_CARD (512 * 1024)
#define FIRST_PEEK (1024 * 1024)
#define MAX_HEADER (64 * 1024 * 1024) /* a tokenizer of 250,000 words makes 10 to 15 MB */

/* ---- details --------------------------------------------------------------------------------------------------- */

/**
 * quern_hub_load_repo:
 * @id: OWNER/NAME
 *
 * Blocks. Offline, what the hub said last comes back, marked as stale.
 *
 * Returns: (transfer full) (nullable): the repository with its items
 */
QuernHubRepo *
quern_hub_load_repo (QuernHub *hub, const char *id, GCancellable *cancellable, GError **error)
{
  g_autofree char *endpoint = quern_hub_dup_endpoint (hub), *url = NULL;
  g_autoptr (QuernHubAnswer) answer = NULL;
  QuernHubRepo *repo;

  if (!quern_hub_repo_id_is_valid (id)) {
    g_set_error (error, QUERN_HUB_ERROR, QUERN_HUB_ERROR_NOT_FOUND,
                 _("“%s” is not the name of a repository. A name looks like “owner/name”."), id);
    return NULL;
  }
  url = g_strdup_printf ("%s/api/models/%s?blobs=true", endpoint, id);
  answer = quern_hub_fetch (hub, url, cancellable, error);
  repo = answer != NULL ? quern_hub_parse_repo (answer->body, id, error) : NULL;
  if (repo != NULL)
    repo->stale = answer->from_cache;
  return repo;
}

static void
load_repo_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  GError *error = NULL;
  QuernHubRepo *repo = quern_hub_load_repo (source, data, cancellable, &error);

  if (repo != NULL)
    g_task_return_pointer (task, repo, g_object_unref);
  else
    g_task_return_error (task, error);
}

void
quern_hub_load_repo_async (QuernHub *hub, const char *id, GCancellable *cancellable, GAsyncReadyCallback callback,
                           gpointer user_data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (QUERN_IS_HUB (hub) && id != NULL);
  task = g_task_new (hub, cancellable, callback, user_data);
  g_task_set_source_tag (task, quern_hub_load_repo_async);
  g_task_set_task_data (task, g_strdup (id), g_free);
  g_task_run_in_thread (task, load_repo_thread);
}

/* Returns: (transfer full) (nullable): the repository, as from quern_hub_load_repo() */
QuernHubRepo *
quern_hub_load_repo_finish (QuernHub *hub, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, hub), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* ---- card ------------------------------------------------------------------------------------------------------ */

static void
load_card_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  QuernHubRepo *repo = data;
  g_autofree char *url = quern_hub_file_url (source, repo->id, repo->revision != NULL ? repo->revision : "main",
                                             "README.md");
  GError *error = NULL;
  g_autoptr (QuernHubAnswer) answer = quern_hub_fetch (source, url, cancellable, &error);

  if (answer != NULL) {
    /* The text without its YAML head. */
    gsize size;
    const char *bytes = g_bytes_get_data (answer->body, &size);
    g_autofree char *text = bytes != NULL ? g_utf8_make_valid (bytes, MIN (size, MAX_CARD)) : g_strdup ("");
    const char *end = g_str_has_prefix (text, "---\n") ? strstr (text + 4, "\n---") : NULL;
    const char *rest = end != NULL ? strchr (end + 1, '\n') : NULL;

    g_task_return_pointer (task, g_strdup (end == NULL ? text : rest != NULL ? rest + 1 : ""), g_free);
  } else {
    g_task_return_error (task, error);
  }
}

void
quern_hub_load_card_async (QuernHub *hub, QuernHubRepo *repo, GCancellable *cancellable, GAsyncReadyCallback callback,
                           gpointer user_data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (QUERN_IS_HUB (hub) && QUERN_IS_HUB_REPO (repo));
  task = g_task_new (hub, cancellable, callback, user_data);
  g_task_set_source_tag (task, quern_hub_load_card_async);
  g_task_set_task_data (task, g_object_ref (repo), g_object_unref);
  g_task_run_in_thread (task, load_card_thread);
}

/* Returns: (transfer full) (nullable): the card's Markdown */
char *
quern_hub_load_card_finish (QuernHub *hub, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, hub), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* ---- header ---------------------------------------------------------------------------------------------------- */

typedef struct {
  char *repo, *revision, *path, *sha256;
  guint64 size;
  QuernHubItem *item;
  QeModelInfo info;
} Probe;

static void
probe_free (gpointer data)
{
  Probe *probe = data;

  g_free (probe->repo);
  g_free (probe->revision);
  g_free (probe->path);
  g_free (probe->sha256);
  g_object_unref (probe->item);
  g_free (probe);
}

/* Appends up to `want` bytes that follow those at hand. */
static gboolean
read_more (QuernHub *hub, const Probe *probe, const char *location, GByteArray *data, guint64 want,
           GCancellable *cancellable, GError **error)
{
  g_autofree char *range = g_strdup_printf ("bytes=%u-%" G_GUINT64_FORMAT, data->len,
                                            MIN (data->len + want, probe->size) - 1);
  const QuernHubCallOptions options = { .range = range, .identity = TRUE };
  g_autoptr (SoupMessage) message = NULL;
  g_autoptr (GInputStream) in = quern_hub_open (hub, location, &options, &message, cancellable, error);
  QuernHubPace pace = { 0 };
  guint8 buffer[65536];
  guint before = data->len;
  gssize n = 0;

  if (in == NULL || !quern_hub_check_status (message, error))
    return FALSE;
  if (soup_message_get_status (message) != SOUP_STATUS_PARTIAL_CONTENT)
    g_byte_array_set_size (data, 0); /* no ranges: from the start again, as far as is needed */
  while (data->len < before + want
         && (n = quern_hub_read (hub, in, buffer, MIN (sizeof buffer, before + want - data->len), &pace, cancellable,
                                 error))
                > 0)
    g_byte_array_append (data, buffer, n);
  if (n >= 0 && data->len > before)
    return TRUE;
  if (n >= 0)
    g_set_error (error, QUERN_HUB_ERROR, QUERN_HUB_ERROR_OFFLINE,
                 _("The connection to the hub was lost. Check the network connection and try again."));
  return FALSE;
}

static gboolean
probe_run (QuernHub *hub, Probe *probe, GCancellable *cancellable, GError **error)
{
  /* The facts of a content never change, but the struct may with the program. */
  g_autofree char *key = probe->sha256 == NULL
                             ? NULL
                             : g_strdup_printf ("header:%s:%zu:%s", QUERN_VERSION, sizeof (QeModelInfo), probe->sha256);
  g_autoptr (GBytes) bytes = key != NULL ? quern_hub_cache_find (hub->cache, key, NULL, NULL, NULL) : NULL;
  g_autoptr (QuernHubResolved) resolved = NULL;
  g_autoptr (GByteArray) data = NULL;
  QeError qe_error = { .status = QE_ERROR_MORE, .message = "the header is too long" };
  QeStatus status = QE_ERROR_MORE;

  if (bytes != NULL && g_bytes_get_size (bytes) == sizeof probe->info) {
    memcpy (&probe->info, g_bytes_get_data (bytes, NULL), sizeof probe->info);
    return TRUE;
  }
  g_clear_pointer (&bytes, g_bytes_unref);
  resolved = quern_hub_resolve (hub, probe->repo, probe->revision, probe->path, NULL, cancellable, error);
  if (resolved == NULL)
    return FALSE;
  data = g_byte_array_new ();
  for (guint64 want = FIRST_PEEK; status == QE_ERROR_MORE && data->len < MIN (probe->size, MAX_HEADER);
       want = data->len) {
    if (!read_more (hub, probe, resolved->location, data, want, cancellable, error))
      return FALSE;
    status = qe_model_probe_bytes (data->data, data->len, probe->size, &probe->info, &qe_error);
  }
  if (status != QE_OK) {
    g_autofree char *name = g_path_get_basename (probe->path);

    if (qe_error.status == QE_ERROR_UNSUPPORTED)
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED, _("Quern cannot run “%s”: %s"), name,
                   qe_error.message);
    else
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, _("“%s” is not a valid model file: %s"), name,
                   qe_error.message);
    return FALSE;
  }
  bytes = g_bytes_new (&probe->info, sizeof probe->info);
  if (key != NULL)
    quern_hub_cache_store (hub->cache, key, bytes, NULL, NULL);
  return TRUE;
}

static Probe *
probe_new (QuernHubRepo *repo, QuernHubItem *item)
{
  const QuernHubFile *file = quern_hub_item_get_file (item, 0);
  Probe *probe = g_new0 (Probe, 1);

  probe->repo = g_strdup (repo->id);
  probe->revision = g_strdup (repo->revision != NULL ? repo->revision : "main");
  probe->path = g_strdup (file->path);
  probe->sha256 = g_strdup (file->sha256);
  probe->size = file->size;
  probe->item = g_object_ref (item);
  return probe;
}

static void
probe_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  GError *error = NULL;

  if (probe_run (source, data, cancellable, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

/* Blocks; for an item that nobody else has yet. */
gboolean
_quern_hub_probe (QuernHub *hub, QuernHubRepo *repo, QuernHubItem *item, GCancellable *cancellable, GError **error)
{
  Probe *probe = probe_new (repo, item);
  gboolean ok = probe_run (hub, probe, cancellable, error);

  if (ok)
    quern_hub_item_set_info (item, &probe->info);
  probe_free (probe);
  return ok;
}

/**
 * quern_hub_probe_async:
 * @item: one of @repo's items
 *
 * Reads the beginning of the item's (first) file, so that quern_hub_item_get_info() and with it the memory plan are
 * known before anything is downloaded.
 */
void
quern_hub_probe_async (QuernHub *hub, QuernHubRepo *repo, QuernHubItem *item, GCancellable *cancellable,
                       GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (QUERN_IS_HUB (hub) && QUERN_IS_HUB_REPO (repo) && QUERN_IS_HUB_ITEM (item));
  task = g_task_new (hub, cancellable, callback, user_data);
  g_task_set_source_tag (task, quern_hub_probe_async);
  g_task_set_task_data (task, probe_new (repo, item), probe_free);
  g_task_run_in_thread (task, probe_thread);
}

gboolean
quern_hub_probe_finish (QuernHub *hub, GAsyncResult *result, GError **error)
{
  Probe *probe;

  g_return_val_if_fail (g_task_is_valid (result, hub), FALSE);
  if (!g_task_propagate_boolean (G_TASK (result), error))
    return FALSE;
  probe = g_task_get_task_data (G_TASK (result));
  quern_hub_item_set_info (probe->item, &probe->info);
  return TRUE;
}
