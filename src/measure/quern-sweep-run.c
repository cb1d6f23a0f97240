/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-sweep-private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <sys/file.h>
#include <unistd.h>

#include "quern-file-name.h"
#include "quern-json-util.h"
#include "quern-part.h"

/* Runs a sweep: looks at what there is, downloads what is missing next, has it scored on a thread, and so on until
 * nothing is left. Every step begins by looking at what is done, so that going on after a failure is no special case. */

#define MOST_DAMAGES 3 /* in a run, after which the disk is not to be trusted */

static void quern_sweep_next (QuernSweep *self);

/* ---- the folder ------------------------------------------------------------------------------------------------ */

void
_quern_sweep_unlock (QuernSweep *self)
{
  if (self->lock >= 0)
    close (self->lock);
  self->lock = -1;
}

static gboolean
quern_sweep_lock (QuernSweep *self, GError **error)
{
  g_autofree char *path = g_build_filename (self->work.folder, "lock", NULL);

  if (self->lock >= 0)
    return TRUE;
  if (g_mkdir_with_parents (self->work.folder, 0700) == 0)
    self->lock = g_open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (self->lock >= 0 && flock (self->lock, LOCK_EX | LOCK_NB) == 0)
    return TRUE;
  if (errno == EWOULDBLOCK)
    g_set_error_literal (
        error, G_IO_ERROR, G_IO_ERROR_BUSY,
        _("This sweep is already running in another program. Stop it there, or wait until it is done."));
  else
    g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), _("“%s” could not be used: %s."), self->work.folder,
                 g_strerror (errno));
  _quern_sweep_unlock (self);
  return FALSE;
}

static char *
quern_sweep_dup_own_path (QuernSweep *self)
{
  return g_build_filename (self->work.folder, "downloaded.json", NULL);
}

/* Which models this sweep downloaded. A list that cannot be read is empty: then nothing is deleted. */
static void
quern_sweep_read_own (QuernSweep *self)
{
  g_autofree char *path = quern_sweep_dup_own_path (self);
  g_autoptr (JsonParser) parser = json_parser_new ();

  g_hash_table_remove_all (self->own);
  if (!json_parser_load_from_file (parser, path, NULL) || !JSON_NODE_HOLDS_OBJECT (json_parser_get_root (parser)))
    return;
  JsonObject *object = json_node_get_object (json_parser_get_root (parser));
  g_autoptr (GList) labels = json_object_get_members (object);
  for (GList *l = labels; l; l = l->next)
    if (quern_json_string (object, l->data, NULL))
      g_hash_table_insert (self->own, g_strdup (l->data), g_strdup (quern_json_string (object, l->data, NULL)));
}

static gboolean
quern_sweep_write_own (QuernSweep *self, GError **error)
{
  g_autofree char *path = quern_sweep_dup_own_path (self);
  g_autoptr (JsonBuilder) out = json_builder_new ();
  GHashTableIter iter;
  gpointer label, where;

  json_builder_begin_object (out);
  g_hash_table_iter_init (&iter, self->own);
  while (g_hash_table_iter_next (&iter, &label, &where))
    quern_json_add_string (out, label, where);
  json_builder_end_object (out);
  g_autoptr (JsonNode) root = json_builder_get_root (out);
  g_autofree char *json = json_to_string (root, TRUE);
  return g_file_set_contents_full (path, json, -1, G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0600,
                                   error);
}

/* ---- results --------------------------------------------------------------------------------------------------- */

/* Of a model that fails before its first window nothing is known: it is none of the results. The reference comes first, and
 * the others wait for it. */
static void
quern_sweep_show_results (QuernSweep *self)
{
  if (_quern_sweep_get_item (self, 0)->n_windows == 0)
    return;
  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (self->items)); i++) {
    QuernSweepItem *item = _quern_sweep_get_item (self, i);
    if (item->n_windows == 0 || item->shown)
      continue;
    item->shown = TRUE;
    _quern_measure_restore_result (self->measure, item->measured);
  }
}

static void
quern_sweep_show_plan (QuernSweep *self)
{
  const QuernSweepPlan *plan = self->work.plan;

  if (self->plan)
    return;
  self->plan = plan; /* it stays from now on; what else workers do with theirs is their own */
  quern_measure_set_context_size (self->measure, plan->n_ctx);
  _quern_measure_restore_pieces (self->measure, plan->pieces);
  _quern_measure_restore (self->measure, plan->text->str, plan->ends, plan->position_tokens, plan->windows->len,
                          plan->windows->len, -1);
}

static void
quern_sweep_add_facts (QuernSweepItem *item, const QuernModelFacts *facts)
{
  if (!item->measured)
    item->measured = quern_measured_new_stored (facts, QUERN_KV_F16);
}

static void
quern_sweep_add_window (QuernSweep *self, QuernSweepItem *item, const QuernSweepWindow *window)
{
  item->lost += window->lost;
  item->n_windows++;
  quern_measured_add_work (item->measured, window->seconds, window->n_evaluated);
  quern_measured_add (item->measured, (const QuernDivergence *) (gconstpointer) window->positions->data,
                      window->positions->len);
  quern_sweep_show_results (self);
}

/* ---- opening --------------------------------------------------------------------------------------------------- */

/* What is found of one model. */
typedef struct {
  QuernModelFacts facts;
  gboolean known;
  GPtrArray *windows; /* of QuernSweepWindow */
} Found;

static void
found_free (gpointer data)
{
  Found *found = data;

  quern_model_facts_clear (&found->facts);
  g_ptr_array_unref (found->windows);
  g_free (found);
}

typedef struct {
  QuernSweep *sweep; /* whose work this thread has meanwhile */
  GPtrArray *labels, *hashes;
  GPtrArray *found; /* of Found */
} Opening;

static void
opening_free (gpointer data)
{
  Opening *opening = data;

  g_object_unref (opening->sweep);
  g_ptr_array_unref (opening->labels);
  g_ptr_array_unref (opening->hashes);
  g_ptr_array_unref (opening->found);
  g_free (opening);
}

static gboolean
quern_sweep_find_rows (Opening *opening, guint i, GCancellable *cancellable, GError **error)
{
  Found *found = opening->found->pdata[i];
  g_autoptr (QuernBlockFile) rows = _quern_sweep_open_rows (&opening->sweep->work, opening->labels->pdata[i],
                                                            opening->hashes->pdata[i], cancellable, error);

  if (!rows)
    return FALSE;
  found->known = _quern_sweep_rows_read_facts (rows, &found->facts);
  for (guint j = 0; found->known && j < _quern_sweep_rows_get_n_windows (rows); j++) {
    QuernSweepWindow *window = _quern_sweep_rows_read (rows, j, error);
    if (!window)
      return FALSE;
    g_ptr_array_add (found->windows, window);
  }
  return TRUE;
}

static void
quern_sweep_open_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Opening *opening = data;
  GError *error = NULL;

  if (_quern_sweep_load_plan (&opening->sweep->work, cancellable, &error))
    for (guint i = 0; !error && opening->sweep->work.plan && i < opening->labels->len; i++)
      quern_sweep_find_rows (opening, i, cancellable, &error);
  if (error)
    g_task_return_error (task, error);
  else
    g_task_return_boolean (task, TRUE);
}

/**
 * quern_sweep_open_async:
 *
 * Finds out what was done before, and keeps other programs from doing the same sweep. The text and what is to be swept
 * must be set.
 */
void
quern_sweep_open_async (QuernSweep *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  Opening *opening = g_new0 (Opening, 1);
  GError *error = NULL;

  g_return_if_fail (!self->task);
  _quern_sweep_make_key (self);
  g_autofree char *suffix = g_strdup_printf ("-%.12s", self->work.key);
  g_autofree char *name = quern_file_name (quern_hub_repo_get_id (self->repo), suffix, "sweep");
  g_free (self->work.folder);
  self->work.folder = g_build_filename (g_get_user_data_dir (), "quern", "sweeps", name, NULL);
  self->work.n_ctx = quern_measure_get_context_size (self->measure);
  self->work.windows = quern_measure_get_windows (self->measure);
  g_clear_pointer (&self->work.sources, g_ptr_array_unref);
  self->work.sources = g_ptr_array_ref (_quern_measure_get_sources (self->measure));
  *opening = (Opening) { g_object_ref (self), g_ptr_array_new_with_free_func (g_free),
                         g_ptr_array_new_with_free_func (g_free), g_ptr_array_new_with_free_func (found_free) };
  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (self->items)); i++) {
    Found *found = g_new0 (Found, 1);
    found->windows = g_ptr_array_new_with_free_func ((GDestroyNotify) _quern_sweep_window_free);
    g_ptr_array_add (opening->found, found);
    g_ptr_array_add (opening->labels, g_strdup (_quern_sweep_get_item (self, i)->label));
    g_ptr_array_add (opening->hashes, g_strdup (_quern_sweep_get_item (self, i)->hash));
  }
  g_task_set_task_data (task, opening, opening_free);
  if (!quern_sweep_lock (self, &error)) {
    g_task_return_error (task, error);
    return;
  }
  quern_sweep_read_own (self);
  g_task_run_in_thread (task, quern_sweep_open_thread);
}

gboolean
quern_sweep_open_finish (QuernSweep *self, GAsyncResult *result, GError **error)
{
  Opening *opening = g_task_get_task_data (G_TASK (result));

  if (!g_task_propagate_boolean (G_TASK (result), error)) {
    _quern_sweep_unlock (self);
    return FALSE;
  }
  if (self->work.plan)
    quern_sweep_show_plan (self);
  for (guint i = 0; i < opening->found->len; i++) {
    const Found *found = opening->found->pdata[i];
    QuernSweepItem *item = _quern_sweep_get_item (self, i);
    if (!found->known)
      continue;
    quern_sweep_add_facts (item, &found->facts);
    for (guint j = 0; j < found->windows->len; j++)
      quern_sweep_add_window (self, item, found->windows->pdata[j]);
    if (_quern_sweep_item_is_complete (self, item))
      _quern_sweep_item_set_state (item, QUERN_SWEEP_DONE, NULL);
  }
  /* Whether the logits are complete is looked at when they are needed: that takes reading them. */
  self->logits_wanted = TRUE;
  _quern_sweep_notify (self);
  return TRUE;
}

/* ---- the end --------------------------------------------------------------------------------------------------- */

/* Takes the error, which is NULL if all went well. */
static void
quern_sweep_end (QuernSweep *self, GError *error)
{
  g_autoptr (GTask) task = g_steal_pointer (&self->task);

  self->current = NULL;
  g_clear_object (&self->cancellable);
  _quern_sweep_notify (self);
  if (error)
    g_task_return_error (task, error);
  else
    g_task_return_boolean (task, TRUE);
}

static void
quern_sweep_finish (QuernSweep *self)
{
  guint n_failed = 0;

  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (self->items)); i++)
    n_failed += _quern_sweep_get_item (self, i)->state == QUERN_SWEEP_FAILED;
  if (n_failed > 0) {
    quern_sweep_end (self, g_error_new (QUERN_COMPARE_ERROR, QUERN_COMPARE_ERROR_FAILED,
                                        ngettext ("%u quantisation could not be measured. Run the sweep again to try "
                                                  "again.",
                                                  "%u quantisations could not be measured. Run the sweep again to try "
                                                  "again.",
                                                  n_failed),
                                        n_failed));
    return;
  }
  if (self->delete_models) {
    g_autofree char *path = g_build_filename (self->work.folder, "reference.logits", NULL);
    _quern_sweep_forget_logits (&self->work);
    g_unlink (path);
    self->logits_wanted = TRUE;
  }
  quern_sweep_end (self, NULL);
}

/* A failure of one model is no reason not to measure the others, except if it is the reference's, or concerns all. */
static void
quern_sweep_fail_item (QuernSweep *self, QuernSweepItem *item, GError *error)
{
  gboolean for_all = item == _quern_sweep_get_item (self, 0)
                     || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED)
                     || g_error_matches (error, QUERN_DOWNLOAD_ERROR, QUERN_DOWNLOAD_ERROR_NO_SPACE);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    _quern_sweep_item_set_state (item, QUERN_SWEEP_WAITING, NULL);
  else
    _quern_sweep_item_set_state (item, QUERN_SWEEP_FAILED, error->message);
  if (for_all) {
    quern_sweep_end (self, error);
    return;
  }
  g_error_free (error);
  quern_sweep_next (self);
}

/* ---- deleting -------------------------------------------------------------------------------------------------- */

static void
quern_sweep_removed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernSweep) self = user_data;
  GError *error = NULL;

  if (!quern_library_remove_finish (QUERN_LIBRARY (source), result, &error) || !quern_sweep_write_own (self, &error)) {
    quern_sweep_end (self, error);
    return;
  }
  quern_downloads_make_use_of_space (self->downloads);
  quern_sweep_next (self);
}

/* The library says which files are Quern's own and may be deleted. */
static void
quern_sweep_scanned_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernSweep) self = user_data;
  QuernLibrary *library = QUERN_LIBRARY (source);
  QuernSweepItem *item = self->current;
  g_autofree char *path = g_strdup (g_hash_table_lookup (self->own, item->label));
  GError *error = NULL;

  quern_library_scan_finish (library, result, NULL);
  g_hash_table_remove (self->own, item->label);
  QuernModel *model = quern_library_find (library, path);
  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (self->downloads)); i++) {
    g_autoptr (QuernDownload) download = g_list_model_get_item (G_LIST_MODEL (self->downloads), i);
    if (g_strcmp0 (quern_download_get_path (download), path) == 0) {
      quern_downloads_cancel (self->downloads, download);
      break;
    }
  }
  if (model && quern_model_get_origin (model) == QUERN_ORIGIN_OWN)
    quern_library_remove_async (library, model, NULL, quern_sweep_removed_cb, g_object_ref (self));
  else if (!quern_sweep_write_own (self, &error))
    quern_sweep_end (self, error);
  else
    quern_sweep_next (self);
}

/* Returns whether there was something to delete. The list of own models is written when the file is gone: if the program
 * ends in between, it looks for it once more and finds nothing. */
static gboolean
quern_sweep_delete_one (QuernSweep *self)
{
  for (guint i = g_list_model_get_n_items (G_LIST_MODEL (self->items)); self->delete_models && i-- > 0;) {
    QuernSweepItem *item = _quern_sweep_get_item (self, i);
    if (!g_hash_table_contains (self->own, item->label) || !_quern_sweep_item_is_complete (self, item)
        || (i == 0 && !quern_sweep_get_complete (self)))
      continue;
    self->current = item;
    quern_library_scan_async (self->library, NULL, quern_sweep_scanned_cb, g_object_ref (self));
    return TRUE;
  }
  return FALSE;
}

/* ---- scoring --------------------------------------------------------------------------------------------------- */

/* Handed from the worker's thread to the main context. */
typedef struct {
  QuernSweep *sweep;
  QuernSweepItem *item;
  QuernModelFacts facts;
  QuernSweepWindow *window; /* or NULL */
  gboolean began, planned;
} News;

typedef struct {
  QuernSweep *sweep;
  QuernSweepItem *item;
  QuernSweepJob job;
  char *path, *sha256;
  GMainContext *context;
} Scoring;

static void
scoring_free (gpointer data)
{
  Scoring *scoring = data;

  g_object_unref (scoring->sweep);
  g_object_unref (scoring->item);
  g_object_unref (scoring->job.cancellable);
  g_main_context_unref (scoring->context);
  g_free (scoring->path);
  g_free (scoring->sha256);
  g_free (scoring);
}

static void
news_free (gpointer data)
{
  News *news = data;

  g_object_unref (news->sweep);
  g_object_unref (news->item);
  quern_model_facts_clear (&news->facts);
  g_clear_pointer (&news->window, _quern_sweep_window_free);
  g_free (news);
}

static gboolean
quern_sweep_news_cb (gpointer data)
{
  News *news = data;
  QuernSweep *self = news->sweep;

  if (news->planned)
    quern_sweep_show_plan (self);
  if (news->began)
    quern_sweep_add_facts (news->item, &news->facts);
  if (news->window)
    quern_sweep_add_window (self, news->item, news->window);
  _quern_sweep_notify (self);
  return G_SOURCE_REMOVE;
}

static void
quern_sweep_tell (Scoring *scoring, News *news)
{
  GSource *source = g_idle_source_new ();

  news->sweep = g_object_ref (scoring->sweep);
  news->item = g_object_ref (scoring->item);
  /* As the end of the task, so that it comes after all news. */
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, quern_sweep_news_cb, news, news_free);
  g_source_attach (source, scoring->context);
  g_source_unref (source);
}

static void
quern_sweep_planned_cb (gpointer data)
{
  News *news = g_new0 (News, 1);

  news->planned = TRUE;
  quern_sweep_tell (data, news);
}

static void
quern_sweep_began_cb (gpointer data, const QuernModelFacts *facts)
{
  News *news = g_new0 (News, 1);

  news->began = TRUE;
  quern_model_facts_copy (&news->facts, facts);
  quern_sweep_tell (data, news);
}

static void
quern_sweep_scored_cb (gpointer data, QuernSweepWindow *window)
{
  News *news = g_new0 (News, 1);

  news->window = window;
  quern_sweep_tell (data, news);
}

static void
quern_sweep_work_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Scoring *scoring = data;
  GError *error = NULL;

  if (_quern_sweep_work (&scoring->job, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
quern_sweep_worked_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  QuernSweep *self = QUERN_SWEEP (source);
  const Scoring *scoring = g_task_get_task_data (G_TASK (result));
  QuernSweepItem *item = scoring->item;
  GError *error = NULL;

  self->current = NULL;
  if (g_task_propagate_boolean (G_TASK (result), &error)) {
    if (scoring->job.is_reference)
      self->logits_wanted = FALSE;
    _quern_sweep_item_set_state (item, QUERN_SWEEP_DONE, NULL);
    quern_sweep_next (self);
  } else if (g_error_matches (error, QUERN_COMPARE_ERROR, QUERN_COMPARE_ERROR_DAMAGED)
             && ++self->n_damaged <= MOST_DAMAGES) {
    /* What is kept of the reference is checked again when it is opened, and what is damaged is made again. */
    g_error_free (error);
    _quern_sweep_forget_logits (&self->work);
    self->logits_wanted = TRUE;
    _quern_sweep_item_set_state (item, QUERN_SWEEP_WAITING, NULL);
    quern_sweep_next (self);
  } else
    quern_sweep_fail_item (self, item, error);
}

static void
quern_sweep_score (QuernSweep *self, QuernSweepItem *item, const char *path)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, quern_sweep_worked_cb, NULL);
  Scoring *scoring = g_new0 (Scoring, 1);
  const QuernHubFile *file = quern_hub_item_get_file (item->offer, 0);

  scoring->sweep = g_object_ref (self);
  scoring->item = g_object_ref (item);
  scoring->path = g_strdup (path);
  scoring->sha256 = quern_hub_item_get_n_files (item->offer) == 1 ? g_strdup (file->sha256) : NULL;
  scoring->context = g_main_context_ref_thread_default ();
  scoring->job = (QuernSweepJob) { .work = &self->work,
                                   .label = item->label,
                                   .hash = item->hash,
                                   .sha256 = scoring->sha256,
                                   .path = scoring->path,
                                   .is_reference = item == _quern_sweep_get_item (self, 0),
                                   .is_known = item->measured != NULL,
                                   .n_known = item->n_windows,
                                   .cancellable = g_object_ref (self->cancellable),
                                   .planned = quern_sweep_planned_cb,
                                   .began = quern_sweep_began_cb,
                                   .scored = quern_sweep_scored_cb,
                                   .data = scoring };
  g_task_set_task_data (task, scoring, scoring_free);
  _quern_sweep_item_set_state (item, QUERN_SWEEP_MEASURING, NULL);
  g_task_run_in_thread (task, quern_sweep_work_thread);
}

/* ---- downloading ----------------------------------------------------------------------------------------------- */

static void
quern_sweep_download_ended (QuernSweep *self, QuernSweepItem *item)
{
  g_autoptr (QuernDownload) download = g_object_ref (item->download);
  const GError *error = quern_download_get_error (download);

  g_clear_signal_handler (&self->download_id, download);
  _quern_sweep_item_set_download (item, NULL);
  if (quern_download_get_state (download) == QUERN_DOWNLOAD_COMPLETE) {
    g_auto (GStrv) paths = quern_download_dup_paths (download);
    quern_library_add_installed (self->library, (const char *const *) paths);
    quern_sweep_score (self, item, quern_download_get_path (download));
    return;
  }
  if (g_cancellable_is_cancelled (self->cancellable) || !error)
    quern_sweep_fail_item (self, item,
                           g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, _("The sweep was stopped.")));
  else
    quern_sweep_fail_item (self, item, g_error_copy (error));
}

static void
quern_sweep_download_state_cb (QuernSweep *self, GParamSpec *pspec, QuernDownload *download)
{
  QuernDownloadState state = quern_download_get_state (download);

  if (self->current && state != QUERN_DOWNLOAD_QUEUED && state != QUERN_DOWNLOAD_RUNNING
      && state != QUERN_DOWNLOAD_WAITING)
    quern_sweep_download_ended (self, self->current);
}

static gboolean
quern_sweep_is_in_queue (QuernSweep *self, QuernSweepItem *item)
{
  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (self->downloads)); i++) {
    g_autoptr (QuernDownload) download = g_list_model_get_item (G_LIST_MODEL (self->downloads), i);
    if (g_str_equal (quern_download_get_repo (download), quern_hub_repo_get_id (self->repo))
        && g_str_equal (quern_download_get_label (download), item->label))
      return TRUE;
  }
  return FALSE;
}

/* What somebody else put into the queue, or on the disk, is not the sweep's to delete. What is its own is written down
 * before it is in the queue: a program that is killed in between still knows it. */
static gboolean
quern_sweep_claim (QuernSweep *self, QuernSweepItem *item, GError **error)
{
  g_autofree char *path = quern_download_dup_path_of (quern_hub_repo_get_id (self->repo), item->offer);

  if (g_hash_table_contains (self->own, item->label) || quern_sweep_is_in_queue (self, item)
      || g_file_test (path, G_FILE_TEST_EXISTS))
    return TRUE;
  g_hash_table_insert (self->own, g_strdup (item->label), g_steal_pointer (&path));
  return quern_sweep_write_own (self, error);
}

static void
quern_sweep_download (QuernSweep *self, QuernSweepItem *item)
{
  QuernDownload *download;
  GError *error = NULL;

  if (!quern_sweep_claim (self, item, &error)) {
    quern_sweep_end (self, error);
    return;
  }
  self->current = item;
  download = quern_downloads_add (self->downloads, self->repo, item->offer, FALSE);
  _quern_sweep_item_set_download (item, download);
  _quern_sweep_item_set_state (item, QUERN_SWEEP_DOWNLOADING, NULL);
  self->download_id = g_signal_connect_object (download, "notify::state", G_CALLBACK (quern_sweep_download_state_cb),
                                               self, G_CONNECT_SWAPPED);
  if (self->exclusive)
    quern_downloads_hold (self->downloads, download);
}

/* ---- what is next ---------------------------------------------------------------------------------------------- */

static void
quern_sweep_look_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  QuernSweep *self = QUERN_SWEEP (source);
  gboolean complete = FALSE;
  GError *error = NULL;

  if (_quern_sweep_logits_are_complete (&self->work, cancellable, &complete, &error))
    g_task_return_boolean (task, complete);
  else
    g_task_return_error (task, error);
}

static void
quern_sweep_looked_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  QuernSweep *self = QUERN_SWEEP (source);
  GError *error = NULL;
  gboolean complete = g_task_propagate_boolean (G_TASK (result), &error);

  if (error) {
    quern_sweep_end (self, error);
    return;
  }
  self->logits_wanted = !complete;
  if (complete)
    quern_sweep_next (self);
  else
    quern_sweep_download (self, _quern_sweep_get_item (self, 0));
}

static void
quern_sweep_next (QuernSweep *self)
{
  QuernSweepItem *reference = _quern_sweep_get_item (self, 0), *next = NULL;

  self->current = NULL;
  if (g_cancellable_is_cancelled (self->cancellable)) {
    quern_sweep_end (self, g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, _("The sweep was stopped.")));
    return;
  }
  if (quern_sweep_delete_one (self))
    return;
  for (guint i = 0; !next && i < g_list_model_get_n_items (G_LIST_MODEL (self->items)); i++) {
    QuernSweepItem *item = _quern_sweep_get_item (self, i);
    if (item->state != QUERN_SWEEP_FAILED && item->state != QUERN_SWEEP_SKIPPED
        && !_quern_sweep_item_is_complete (self, item))
      next = item;
  }
  if (!next)
    quern_sweep_finish (self);
  else if (next == reference)
    quern_sweep_download (self, reference);
  else if (self->logits_wanted) {
    g_autoptr (GTask) task = g_task_new (self, self->cancellable, quern_sweep_looked_cb, NULL);
    g_task_run_in_thread (task, quern_sweep_look_thread);
  } else
    quern_sweep_download (self, next);
}

/**
 * quern_sweep_run_async:
 *
 * Does what is left to do. A sweep that was stopped, or failed, keeps what it has.
 */
void
quern_sweep_run_async (QuernSweep *self, GAsyncReadyCallback callback, gpointer user_data)
{
  g_return_if_fail (!self->task && self->lock >= 0);
  self->task = g_task_new (self, NULL, callback, user_data);
  self->cancellable = g_cancellable_new ();
  self->n_damaged = 0;
  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (self->items)); i++) {
    QuernSweepItem *item = _quern_sweep_get_item (self, i);
    if (item->state == QUERN_SWEEP_FAILED)
      _quern_sweep_item_set_state (item, QUERN_SWEEP_WAITING, NULL);
  }
  _quern_sweep_notify (self);
  quern_sweep_next (self);
}

gboolean
quern_sweep_run_finish (QuernSweep *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * quern_sweep_stop:
 *
 * Ends a run, whoever began it. What is done is kept.
 */
void
quern_sweep_stop (QuernSweep *self)
{
  if (!self->cancellable)
    return;
  g_cancellable_cancel (self->cancellable);
  /* The worker looks at the cancellable by itself. */
  if (self->current && self->current->download)
    quern_downloads_pause (self->downloads, self->current->download);
}
