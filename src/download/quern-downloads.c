/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "quern-downloads.h"

#include "quern-download-private.h"
#include "quern-downloads-db.h"

#include "quern-sha256.h"

#include <glib/gi18n-lib.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define TICK_MS 200
#define BUSY_PAUSE (5 * (gint64) G_USEC_PER_SEC) /* until it is tried again whether another program is done */

struct _QuernDownloads {
  GObject parent_instance;

  QuernHub *hub;
  QuernDatabase *database; /* NULL before loading and after closing */
  QuernRateLimiter *limiter;
  GPtrArray *items;
  QuernDownload *running; /* its job's thread has not ended yet */
  QuernDownload *only;    /* run nothing else while held */
  guint n_discarding;     /* cancelled downloads whose files are being deleted */
  gboolean held, suspended, loaded, closed;
  guint tick;
};

enum { SIGNAL_INSTALLED, N_SIGNALS };
enum { PROP_0, PROP_ACTIVE, PROP_PROGRESS, N_PROPS };

static guint signals[N_SIGNALS];
static GParamSpec *properties[N_PROPS];

static void quern_downloads_pump (QuernDownloads *self);

/* ---- list model ------------------------------------------------------------------------------------------------ */

static GType
downloads_get_item_type (GListModel *model)
{
  return QUERN_TYPE_DOWNLOAD;
}

static guint
downloads_get_n_items (GListModel *model)
{
  return QUERN_DOWNLOADS (model)->items->len;
}

static gpointer
downloads_get_item (GListModel *model, guint position)
{
  GPtrArray *items = QUERN_DOWNLOADS (model)->items;

  return position < items->len ? g_object_ref (items->pdata[position]) : NULL;
}

static void
list_model_init (GListModelInterface *iface)
{
  iface->get_item_type = downloads_get_item_type;
  iface->get_n_items = downloads_get_n_items;
  iface->get_item = downloads_get_item;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (QuernDownloads, quern_downloads, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, list_model_init))

/* ---- object ---------------------------------------------------------------------------------------------------- */

static void
network_changed_cb (QuernDownloads *self, gboolean available)
{
  for (guint i = 0; available && i < self->items->len; i++) {
    QuernDownload *download = self->items->pdata[i];

    if (download->state == QUERN_DOWNLOAD_WAITING)
      quern_downloads_resume (self, download);
  }
}

static void
quern_downloads_dispose (GObject *object)
{
  QuernDownloads *self = QUERN_DOWNLOADS (object);

  quern_downloads_close (self);
  g_clear_object (&self->hub);
  g_clear_object (&self->only);
  G_OBJECT_CLASS (quern_downloads_parent_class)->dispose (object);
}

static void
quern_downloads_finalize (GObject *object)
{
  QuernDownloads *self = QUERN_DOWNLOADS (object);

  g_ptr_array_unref (self->items);
  quern_rate_limiter_free (self->limiter);
  G_OBJECT_CLASS (quern_downloads_parent_class)->finalize (object);
}

static void
quern_downloads_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  if (id == PROP_ACTIVE)
    g_value_set_boolean (value, quern_downloads_is_active (QUERN_DOWNLOADS (object)));
  else if (id == PROP_PROGRESS)
    g_value_set_double (value, quern_downloads_get_progress (QUERN_DOWNLOADS (object)));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
quern_downloads_class_init (QuernDownloadsClass *class)
{
  GObjectClass *object_class = G_OBJECT_CLASS (class);

  object_class->dispose = quern_downloads_dispose;
  object_class->finalize = quern_downloads_finalize;
  object_class->get_property = quern_downloads_get_property;
  /* Whether one is running: do not suspend meanwhile. */
  properties[PROP_ACTIVE] = g_param_spec_boolean ("active", NULL, NULL, FALSE,
                                                  G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  properties[PROP_PROGRESS] = g_param_spec_double ("progress", NULL, NULL, -1, 1, -1,
                                                   G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, properties);
  signals[SIGNAL_INSTALLED] = g_signal_new ("installed", QUERN_TYPE_DOWNLOADS, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                            G_TYPE_NONE, 1, QUERN_TYPE_DOWNLOAD);
}

static void
quern_downloads_init (QuernDownloads *self)
{
  self->items = g_ptr_array_new_with_free_func (g_object_unref);
  self->limiter = quern_rate_limiter_new ();
  g_signal_connect_object (g_network_monitor_get_default (), "network-changed", G_CALLBACK (network_changed_cb), self,
                           G_CONNECT_SWAPPED);
}

/* Empty, and idle until quern_downloads_load_async() has finished. */
QuernDownloads *
quern_downloads_new (QuernHub *hub)
{
  QuernDownloads *self;

  g_return_val_if_fail (QUERN_IS_HUB (hub), NULL);
  self = g_object_new (QUERN_TYPE_DOWNLOADS, NULL);
  self->hub = g_object_ref (hub);
  return self;
}

/* ---- loading and closing --------------------------------------------------------------------------------------- */

typedef struct {
  QuernDatabase *database;
  GPtrArray *downloads;
} Loaded;

static void
loaded_free (gpointer data)
{
  Loaded *loaded = data;

  g_clear_object (&loaded->database);
  g_clear_pointer (&loaded->downloads, g_ptr_array_unref);
  g_free (loaded);
}

static void
quern_downloads_load_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Loaded *loaded = g_new0 (Loaded, 1);
  GError *error = NULL;

  loaded->database = _quern_downloads_db_open (&loaded->downloads, &error);
  if (loaded->database != NULL) {
    g_task_return_pointer (task, loaded, loaded_free);
  } else {
    loaded_free (loaded);
    g_task_return_error (task, error);
  }
}

/**
 * quern_downloads_load_async:
 *
 * Reads the queue and goes on with what was under way.
 */
void
quern_downloads_load_async (QuernDownloads *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                            gpointer user_data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (QUERN_IS_DOWNLOADS (self));
  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, quern_downloads_load_async);
  g_task_run_in_thread (task, quern_downloads_load_thread);
}

/* On failure the queue works all the same, but is not kept. */
gboolean
quern_downloads_load_finish (QuernDownloads *self, GAsyncResult *result, GError **error)
{
  Loaded *loaded;

  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  loaded = g_task_propagate_pointer (G_TASK (result), error);
  self->loaded = TRUE;
  if (loaded != NULL) {
    guint before = self->items->len;

    self->database = g_steal_pointer (&loaded->database);
    for (guint i = 0; i < loaded->downloads->len; i++)
      g_ptr_array_add (self->items, g_object_ref (loaded->downloads->pdata[i]));
    g_list_model_items_changed (G_LIST_MODEL (self), before, 0, self->items->len - before);
    loaded_free (loaded);
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_PROGRESS]);
  }
  quern_downloads_pump (self);
  return self->database != NULL;
}

/* Stops what runs and writes everything down. To be called before the program ends. */
void
quern_downloads_close (QuernDownloads *self)
{
  g_return_if_fail (QUERN_IS_DOWNLOADS (self));
  if (self->closed)
    return;
  self->closed = TRUE;
  g_clear_handle_id (&self->tick, g_source_remove);
  for (guint i = 0; i < self->items->len; i++)
    g_clear_handle_id (&((QuernDownload *) self->items->pdata[i])->retry_source, g_source_remove);
  if (self->running != NULL)
    g_cancellable_cancel (self->running->job->cancellable);
  if (self->database != NULL)
    quern_database_close (self->database);
  g_clear_object (&self->database);
}

/* ---- states ---------------------------------------------------------------------------------------------------- */

static gboolean
quern_downloads_find (QuernDownloads *self, QuernDownload *download, guint *position)
{
  return g_ptr_array_find (self->items, download, position);
}

static void
quern_downloads_save (QuernDownloads *self, QuernDownload *download)
{
  guint position;

  if (quern_downloads_find (self, download, &position))
    _quern_downloads_db_save (self->database, download, position);
}

static void
quern_downloads_set_state (QuernDownloads *self, QuernDownload *download, QuernDownloadState state, GError *error)
{
  g_clear_handle_id (&download->retry_source, g_source_remove);
  _quern_download_set_state (download, state, error);
  quern_downloads_save (self, download);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_PROGRESS]);
}

typedef struct {
  QuernDownloads *self; /* not owned: the source goes when it closes */
  QuernDownload *download;
} Retry;

/* Each second, for those who look at the time that is left. */
static gboolean
quern_downloads_retry_cb (gpointer data)
{
  Retry *retry = data;

  if (g_get_monotonic_time () < retry->download->wait_until) {
    _quern_download_set_wait (retry->download, retry->download->wait_until);
    return G_SOURCE_CONTINUE;
  }
  retry->download->retry_source = 0;
  quern_downloads_resume (retry->self, retry->download);
  return G_SOURCE_REMOVE;
}

/* ---- running --------------------------------------------------------------------------------------------------- */

static gboolean
quern_downloads_tick_cb (gpointer data)
{
  QuernDownload *download = QUERN_DOWNLOADS (data)->running;
  QuernDownloadJob *job = download->job;
  QuernFetchProgress progress = quern_fetch_progress_get (&job->progress);
  guint64 finished = __atomic_load_n (&job->finished, __ATOMIC_RELAXED);
  guint64 received = __atomic_load_n (&job->received, __ATOMIC_RELAXED);

  if (download->state == QUERN_DOWNLOAD_RUNNING) {
    _quern_download_set_progress (download, finished + progress.bytes, received + progress.received,
                                  (QuernDownloadPhase) progress.phase);
    _quern_download_set_wait (download, progress.wait_until);
  }
  g_object_notify_by_pspec (G_OBJECT (data), properties[PROP_PROGRESS]);
  return G_SOURCE_CONTINUE;
}

static void
quern_downloads_job_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  GError *error = NULL;

  if (_quern_download_job_run (data, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
quern_downloads_job_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  QuernDownloads *self = QUERN_DOWNLOADS (source);
  g_autoptr (QuernDownload) download = g_steal_pointer (&self->running);
  QuernDownloadJob *job = g_task_get_task_data (G_TASK (result));
  GError *error = NULL;
  gboolean ok = g_task_propagate_boolean (G_TASK (result), &error);

  g_clear_pointer (&download->job, _quern_download_job_unref);
  g_clear_handle_id (&self->tick, g_source_remove);
  g_object_notify_by_pspec (source, properties[PROP_ACTIVE]);
  if (!self->closed && quern_downloads_find (self, download, NULL)) {
    if (job->refreshed) {
      _quern_download_set_files (download, job->revision, _quern_download_files_copy (job->files));
      download->refresh = FALSE;
    }
    if (ok) {
      download->retries = 0;
      quern_downloads_set_state (self, download, QUERN_DOWNLOAD_COMPLETE, NULL);
      g_signal_emit (self, signals[SIGNAL_INSTALLED], 0, download);
    } else if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED)) {
      g_error_free (error); /* pausing has set the state already */
    } else if (g_error_matches (error, QUERN_DOWNLOAD_ERROR, QUERN_DOWNLOAD_ERROR_NO_SPACE)) {
      quern_downloads_set_state (self, download, QUERN_DOWNLOAD_NO_SPACE, error);
      download->missing = job->missing;
      g_object_notify (G_OBJECT (download), "missing");
      g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_PROGRESS]);
    } else if (quern_hub_error_is_temporary (error)
               || g_error_matches (error, QUERN_DOWNLOAD_ERROR, QUERN_DOWNLOAD_ERROR_BUSY)) {
      gboolean busy = g_error_matches (error, QUERN_DOWNLOAD_ERROR, QUERN_DOWNLOAD_ERROR_BUSY);
      gint64 pause = busy ? BUSY_PAUSE : quern_hub_retry_pause (download->retries);
      Retry *retry;

      download->retries += !busy;
      quern_downloads_set_state (self, download, QUERN_DOWNLOAD_WAITING, error);
      retry = g_new (Retry, 1);
      *retry = (Retry) { self, download };
      _quern_download_set_wait (download, g_get_monotonic_time () + pause);
      download->retry_source = g_timeout_add_full (G_PRIORITY_DEFAULT, 1000, quern_downloads_retry_cb, retry, g_free);
    } else {
      download->refresh = g_error_matches (error, QUERN_DOWNLOAD_ERROR, QUERN_DOWNLOAD_ERROR_CHANGED)
                          || g_error_matches (error, QUERN_HUB_ERROR, QUERN_HUB_ERROR_NOT_FOUND);
      quern_downloads_set_state (self, download, QUERN_DOWNLOAD_FAILED, error);
    }
  } else {
    g_clear_error (&error);
  }
  quern_downloads_pump (self);
}

static void
quern_downloads_start (QuernDownloads *self, QuernDownload *download)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, quern_downloads_job_cb, NULL);

  self->running = g_object_ref (download);
  download->job = _quern_download_job_new (download, self->hub, self->limiter, self->database);
  g_task_set_source_tag (task, quern_downloads_start);
  g_task_set_task_data (task, _quern_download_job_ref (download->job), (GDestroyNotify) _quern_download_job_unref);
  quern_downloads_set_state (self, download, QUERN_DOWNLOAD_RUNNING, NULL);
  self->tick = g_timeout_add (TICK_MS, quern_downloads_tick_cb, self);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_ACTIVE]);
  g_task_run_in_thread (task, quern_downloads_job_thread);
}

/* Starts the first one that is queued, if nothing runs. While files are being deleted nothing starts: the next one may want
 * the same files, and the folder that is to go when it is empty. */
static void
quern_downloads_pump (QuernDownloads *self)
{
  gboolean may = self->loaded && !self->closed && !self->suspended && self->n_discarding == 0;

  for (guint i = 0; may && self->running == NULL && i < self->items->len; i++) {
    QuernDownload *download = self->items->pdata[i];

    if (download->state == QUERN_DOWNLOAD_QUEUED && (!self->held || self->only == download))
      quern_downloads_start (self, download);
  }
}

/* ---- what people do -------------------------------------------------------------------------------------------- */

static gboolean
has_name (gconstpointer file, gconstpointer name)
{
  return g_str_equal (((const QuernDownloadFile *) file)->name, name);
}

/**
 * quern_downloads_add:
 * @with_vision: take the vision file along
 *
 * Adds an item to the end of the queue. If it is there already, that entry gets the files as they are now and goes on
 * from where it is.
 *
 * Returns: (transfer none): the entry
 */
QuernDownload *
quern_downloads_add (QuernDownloads *self, QuernHubRepo *repo, QuernHubItem *item, gboolean with_vision)
{
  const char *id, *revision, *label;
  QuernDownload *download = NULL;
  g_autoptr (GPtrArray) files = NULL;

  g_return_val_if_fail (QUERN_IS_DOWNLOADS (self) && QUERN_IS_HUB_REPO (repo) && QUERN_IS_HUB_ITEM (item), NULL);
  id = quern_hub_repo_get_id (repo);
  revision = quern_hub_repo_get_revision (repo) != NULL ? quern_hub_repo_get_revision (repo) : "main";
  label = quern_hub_item_get_label (item);
  files = _quern_download_files_of (item, with_vision);
  for (guint i = 0; download == NULL && i < self->items->len; i++) {
    QuernDownload *other = self->items->pdata[i];

    if (g_str_equal (other->repo, id) && g_str_equal (other->label, label))
      download = other;
  }
  if (download != NULL) {
    if (download != self->running) {
      /* A file that no longer belongs to it, such as a vision file that is not wanted, does not stay behind half-finished. */
      for (guint i = 0; i < download->files->len; i++) {
        const QuernDownloadFile *file = download->files->pdata[i];
        g_autofree char *target = _quern_download_dup_target (download, i);

        if (!g_ptr_array_find_with_equal_func (files, file->name, has_name, NULL))
          quern_part_discard (target);
      }
      _quern_download_set_files (download, revision, g_steal_pointer (&files));
      download->refresh = FALSE;
    }
    quern_downloads_resume (self, download);
    return download;
  }
  download = _quern_download_new (id, revision, label, g_steal_pointer (&files));
  download->id = g_get_real_time () + self->items->len; /* unique here and in time */
  g_ptr_array_add (self->items, download);
  g_list_model_items_changed (G_LIST_MODEL (self), self->items->len - 1, 0, 1);
  quern_downloads_save (self, download);
  quern_downloads_pump (self);
  return download;
}

/* Stops it where it is; also takes one that is queued or waiting out of turn. */
void
quern_downloads_pause (QuernDownloads *self, QuernDownload *download)
{
  g_return_if_fail (QUERN_IS_DOWNLOADS (self) && QUERN_IS_DOWNLOAD (download));
  if (download->state == QUERN_DOWNLOAD_COMPLETE)
    return;
  if (download->job != NULL)
    g_cancellable_cancel (download->job->cancellable);
  quern_downloads_set_state (self, download, QUERN_DOWNLOAD_PAUSED, NULL);
}

/* Queues it, whatever it was stopped by; one that is complete is looked at again and mended. */
void
quern_downloads_resume (QuernDownloads *self, QuernDownload *download)
{
  g_return_if_fail (QUERN_IS_DOWNLOADS (self) && QUERN_IS_DOWNLOAD (download));
  if (download->state == QUERN_DOWNLOAD_RUNNING || self->closed)
    return;
  quern_downloads_set_state (self, download, QUERN_DOWNLOAD_QUEUED, NULL);
  quern_downloads_pump (self);
}

static void
quern_downloads_discard_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  QuernDownloadJob *job = data;

  _quern_download_discard (job->folder, job->files);
  g_task_return_boolean (task, TRUE);
}

static void
quern_downloads_discarded_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  QuernDownloads *self = QUERN_DOWNLOADS (source);

  self->n_discarding--;
  quern_downloads_pump (self);
}

/* Forgets it and deletes what there is of it, but no file that is complete and installed. */
void
quern_downloads_cancel (QuernDownloads *self, QuernDownload *download)
{
  guint position;

  g_return_if_fail (QUERN_IS_DOWNLOADS (self) && QUERN_IS_DOWNLOAD (download));
  if (!quern_downloads_find (self, download, &position))
    return;
  g_clear_handle_id (&download->retry_source, g_source_remove);
  _quern_downloads_db_remove (self->database, download);
  if (download->job != NULL) {
    __atomic_store_n (&download->job->discard, TRUE, __ATOMIC_RELEASE);
    g_cancellable_cancel (download->job->cancellable);
  } else if (download->state != QUERN_DOWNLOAD_COMPLETE) {
    g_autoptr (GTask) task = g_task_new (self, NULL, quern_downloads_discarded_cb, NULL);

    self->n_discarding++;
    g_task_set_task_data (task, _quern_download_job_new (download, self->hub, self->limiter, NULL),
                          (GDestroyNotify) _quern_download_job_unref);
    g_task_run_in_thread (task, quern_downloads_discard_thread);
  }
  g_ptr_array_remove_index (self->items, position);
  g_list_model_items_changed (G_LIST_MODEL (self), position, 1, 0);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_PROGRESS]);
  quern_downloads_pump (self);
}

/**
 * quern_downloads_move:
 * @position: where in the list it should be
 *
 * What is running goes on; the order is for what comes next.
 */
void
quern_downloads_move (QuernDownloads *self, QuernDownload *download, guint position)
{
  guint old, first, n;

  g_return_if_fail (QUERN_IS_DOWNLOADS (self) && QUERN_IS_DOWNLOAD (download));
  position = MIN (position, MAX (self->items->len, 1) - 1);
  if (!quern_downloads_find (self, download, &old) || old == position)
    return;
  g_ptr_array_insert (self->items, position, g_ptr_array_steal_index (self->items, old));
  first = MIN (old, position);
  n = MAX (old, position) - first + 1;
  g_list_model_items_changed (G_LIST_MODEL (self), first, n, n);
  for (guint i = first; i < first + n; i++)
    _quern_downloads_db_save (self->database, self->items->pdata[i], i);
}

/* Takes those that are done off the list; their files stay. */
void
quern_downloads_clear_complete (QuernDownloads *self)
{
  g_return_if_fail (QUERN_IS_DOWNLOADS (self));
  for (guint i = self->items->len; i-- > 0;)
    if (((QuernDownload *) self->items->pdata[i])->state == QUERN_DOWNLOAD_COMPLETE)
      quern_downloads_cancel (self, self->items->pdata[i]);
}

/* ---- verifying again ------------------------------------------------------------------------------------------- */

typedef struct {
  QuernDatabase *database;
  char *path;
} Verify;

static void
verify_free (gpointer data)
{
  Verify *verify = data;

  g_clear_object (&verify->database);
  g_free (verify->path);
  g_free (verify);
}

static void
quern_downloads_verify_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  const Verify *verify = data;
  g_autofree char *sha256 = NULL, *hash = NULL, *name = g_path_get_basename (verify->path);
  guint64 size = 0, done = 0;
  gboolean known = TRUE;
  GError *error = NULL;

  if (!_quern_downloads_db_receipt (verify->database, verify->path, &size, &sha256)) {
    /* Ollama and the tools of Hugging Face name a file by its hash: "sha256-ab…", or a link to "ab…". */
    g_autofree char *real = realpath (verify->path, NULL), *base = real != NULL ? g_path_get_basename (real) : NULL;
    const char *named = base != NULL && g_str_has_prefix (base, "sha256-") ? base + strlen ("sha256-") : base;
    struct stat st;

    known = quern_sha256_is_valid (named) && stat (verify->path, &st) == 0;
    if (known) {
      size = (guint64) st.st_size;
      sha256 = g_strdup (named);
    }
  }
  if (!known) {
    g_task_return_new_error (task, QUERN_DOWNLOAD_ERROR, QUERN_DOWNLOAD_ERROR_FAILED,
                             _("“%s” was not downloaded by Quern, so there is nothing to compare it with."), name);
    return;
  }
  if (sha256 == NULL) {
    g_task_return_new_error (task, QUERN_DOWNLOAD_ERROR, QUERN_DOWNLOAD_ERROR_FAILED,
                             _("The hub had no checksum for “%s”, so it cannot be verified."), name);
    return;
  }
  hash = quern_sha256_of_file (verify->path, &done, cancellable, &error);
  if (hash == NULL)
    g_task_return_error (task, error);
  else if (done == size && g_str_equal (hash, sha256))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_new_error (task, QUERN_DOWNLOAD_ERROR, QUERN_DOWNLOAD_ERROR_DAMAGED,
                             _("“%s” has changed since it was downloaded. Delete it and download it again."), name);
}

/**
 * quern_downloads_verify_async:
 * @path: an installed file
 *
 * Reads the file and compares it with what the hub promised when it was downloaded: %QUERN_DOWNLOAD_ERROR_DAMAGED if it
 * differs.
 */
void
quern_downloads_verify_async (QuernDownloads *self, const char *path, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  Verify *verify;

  g_return_if_fail (QUERN_IS_DOWNLOADS (self) && path != NULL);
  verify = g_new0 (Verify, 1);
  verify->database = self->database != NULL ? g_object_ref (self->database) : NULL;
  verify->path = g_strdup (path);
  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, quern_downloads_verify_async);
  g_task_set_task_data (task, verify, verify_free);
  g_task_run_in_thread (task, quern_downloads_verify_thread);
}

gboolean
quern_downloads_verify_finish (QuernDownloads *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* ---- settings -------------------------------------------------------------------------------------------------- */

/* 0: no limit. Takes effect at once. */
void
quern_downloads_set_rate (QuernDownloads *self, guint64 bytes_per_second)
{
  g_return_if_fail (QUERN_IS_DOWNLOADS (self));
  quern_rate_limiter_set_rate (self->limiter, bytes_per_second);
}

/**
 * quern_downloads_hold:
 * @only: (nullable): the one entry to work on, or %NULL for none
 *
 * For a program that was started for one download and should leave the others alone: to be called before
 * quern_downloads_load_async(), and again when the entry is known.
 */
void
quern_downloads_hold (QuernDownloads *self, QuernDownload *only)
{
  g_return_if_fail (QUERN_IS_DOWNLOADS (self));
  self->held = TRUE;
  g_set_object (&self->only, only);
  quern_downloads_pump (self);
}

gboolean
quern_downloads_is_active (QuernDownloads *self)
{
  g_return_val_if_fail (QUERN_IS_DOWNLOADS (self), FALSE);
  return self->running != NULL;
}

/* Returns: (transfer none) (nullable): what is being downloaded now */
QuernDownload *
quern_downloads_get_running (QuernDownloads *self)
{
  g_return_val_if_fail (QUERN_IS_DOWNLOADS (self), NULL);
  return self->running != NULL && self->running->state == QUERN_DOWNLOAD_RUNNING ? self->running : NULL;
}

/* Returns: how much of all that is under way or waits for its turn is here, from 0 to 1; -1 when nothing is */
double
quern_downloads_get_progress (QuernDownloads *self)
{
  guint64 bytes = 0, total = 0;

  g_return_val_if_fail (QUERN_IS_DOWNLOADS (self), -1);
  for (guint i = 0; i < self->items->len; i++) {
    const QuernDownload *download = self->items->pdata[i];

    if (download->state == QUERN_DOWNLOAD_RUNNING || download->state == QUERN_DOWNLOAD_QUEUED
        || download->state == QUERN_DOWNLOAD_WAITING) {
      bytes += download->bytes;
      total += download->total;
    }
  }
  return total > 0 ? MIN (1, (double) bytes / (double) total) : -1;
}

/**
 * quern_downloads_set_suspended:
 * @suspended: whether all are to wait
 *
 * For a network that costs money: what runs is stopped where it is and goes on, as what is queued, when this ends. To be
 * called before quern_downloads_load_async() if nothing shall begin.
 */
void
quern_downloads_set_suspended (QuernDownloads *self, gboolean suspended)
{
  g_return_if_fail (QUERN_IS_DOWNLOADS (self));
  if (self->suspended == suspended)
    return;
  self->suspended = suspended;
  if (suspended && self->running != NULL && self->running->state == QUERN_DOWNLOAD_RUNNING) {
    g_cancellable_cancel (self->running->job->cancellable);
    quern_downloads_set_state (self, self->running, QUERN_DOWNLOAD_QUEUED, NULL);
  }
  quern_downloads_pump (self);
}

/* Something was deleted: those that the disk was too small for try again. */
void
quern_downloads_make_use_of_space (QuernDownloads *self)
{
  g_return_if_fail (QUERN_IS_DOWNLOADS (self));
  for (guint i = 0; i < self->items->len; i++)
    if (((QuernDownload *) self->items->pdata[i])->state == QUERN_DOWNLOAD_NO_SPACE)
      quern_downloads_resume (self, self->items->pdata[i]);
}
