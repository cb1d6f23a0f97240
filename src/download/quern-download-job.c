/* SPDX-License-Identifier: GPL-3.0-or-later */

/* One download from start to end, in a thread of its own: checksums of all files and space for them first, then file after
 * file, and only when every one is verified do they get their names, the model's first part last. So a model that is there
 * is whole. A receipt of each is written before: a file that could not be verified is never there without that mark. */

#include "config.h"

#include "quern-download-private.h"

#include "quern-downloads-db.h"
#include "quern-sha256.h"

#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <sys/stat.h>

QuernDownloadJob *
_quern_download_job_new (QuernDownload *download, QuernHub *hub, QuernRateLimiter *limiter, QuernDatabase *database)
{
  QuernDownloadJob *job = g_new0 (QuernDownloadJob, 1);

  g_atomic_ref_count_init (&job->refs);
  job->hub = g_object_ref (hub);
  job->limiter = limiter;
  job->database = database != NULL ? g_object_ref (database) : NULL;
  job->repo = g_strdup (download->repo);
  job->revision = g_strdup (download->revision);
  job->label = g_strdup (download->label);
  job->folder = g_strdup (download->folder);
  job->files = _quern_download_files_copy (download->files);
  job->refresh = download->refresh;
  job->vision = quern_download_get_has_vision (download);
  job->cancellable = g_cancellable_new ();
  return job;
}

QuernDownloadJob *
_quern_download_job_ref (QuernDownloadJob *job)
{
  g_atomic_ref_count_inc (&job->refs);
  return job;
}

void
_quern_download_job_unref (QuernDownloadJob *job)
{
  if (!g_atomic_ref_count_dec (&job->refs))
    return;
  g_object_unref (job->hub);
  g_clear_object (&job->database);
  g_object_unref (job->cancellable);
  g_ptr_array_unref (job->files);
  g_free (job->repo);
  g_free (job->revision);
  g_free (job->label);
  g_free (job->folder);
  g_free (job);
}

static char *
dup_target (QuernDownloadJob *job, guint index)
{
  return g_build_filename (job->folder, ((QuernDownloadFile *) job->files->pdata[index])->name, NULL);
}

/* The hub has other files by now: that of the same path, else those under the same label. */
static gboolean
quern_download_job_refresh (QuernDownloadJob *job, GError **error)
{
  g_autoptr (QuernHubRepo) repo = quern_hub_load_repo (job->hub, job->repo, job->cancellable, error);
  g_autoptr (QuernHubItem) item = NULL;

  if (repo == NULL)
    return FALSE;
  item = quern_hub_repo_find_item (repo, ((QuernDownloadFile *) job->files->pdata[0])->path);
  if (item == NULL)
    item = quern_hub_repo_find_item (repo, job->label);
  if (item == NULL) {
    g_set_error (error, QUERN_HUB_ERROR, QUERN_HUB_ERROR_NOT_FOUND,
                 _("“%s” no longer has the quantisation %s. Choose another one."), job->repo, job->label);
    return FALSE;
  }
  g_ptr_array_unref (job->files);
  job->files = _quern_download_files_of (item, job->vision);
  g_set_str (&job->revision, quern_hub_repo_get_revision (repo));
  job->refreshed = TRUE;
  return TRUE;
}

static QuernHubResolved *
quern_download_job_resolve (QuernDownloadJob *job, const QuernDownloadFile *file, GError **error)
{
  for (QuernHubRetry retry = { 0 };;) {
    g_autoptr (GError) cause = NULL;
    gint64 asked = -1, delay;
    QuernHubResolved *resolved = quern_hub_resolve (job->hub, job->repo, job->revision, file->path, &asked,
                                                    job->cancellable, &cause);

    if (resolved != NULL)
      return resolved;
    delay = quern_hub_retry_next (&retry, cause, asked, FALSE);
    if (delay < 0) {
      g_propagate_error (error, g_steal_pointer (&cause));
      return NULL;
    }
    if (!quern_hub_wait (delay, job->cancellable, error))
      return NULL;
  }
}

static gboolean
no_space (QuernDownloadJob *job, guint64 missing, GError **error)
{
  g_autofree char *size = g_format_size (missing);

  job->missing = missing;
  g_set_error (error, QUERN_DOWNLOAD_ERROR, QUERN_DOWNLOAD_ERROR_NO_SPACE,
               _("%s more disk space is needed. Free up some space, then resume the download."), size);
  return FALSE;
}

/* Bytes that all files still need from the disk. */
static guint64
needed_space (QuernDownloadJob *job)
{
  guint64 needed = 0;

  for (guint i = 0; i < job->files->len; i++) {
    g_autofree char *target = dup_target (job, i);
    needed += quern_part_still_needed (target, ((QuernDownloadFile *) job->files->pdata[i])->size);
  }
  return needed;
}

/* Checks the space for all files and has it set aside, before the first byte is fetched. */
static gboolean
quern_download_job_reserve (QuernDownloadJob *job, const gboolean *installed, GError **error)
{
  guint64 missing = quern_part_missing_space (job->folder, needed_space (job));

  if (missing > 0)
    return no_space (job, missing, error);
  for (guint i = 0; i < job->files->len; i++) {
    const QuernDownloadFile *file = job->files->pdata[i];
    g_autofree char *target = dup_target (job, i);
    g_autoptr (QuernPart) part = installed[i] ? NULL : quern_part_open (target, file->size, file->sha256, error);

    if (!installed[i] && (part == NULL || !quern_part_reserve (part, error)))
      return FALSE;
  }
  return TRUE;
}

/* A verified file is sound without its receipt. One that is not must not be installed without it. */
static gboolean
write_receipts (QuernDownloadJob *job, GError **error)
{
  gboolean needed = FALSE;
  g_autoptr (GError) cause = NULL;

  for (guint i = 0; i < job->files->len; i++)
    needed |= ((QuernDownloadFile *) job->files->pdata[i])->sha256 == NULL;
  if (_quern_downloads_db_write_receipts (job->database, job, &cause) || !needed)
    return TRUE;
  g_set_error (error, QUERN_DOWNLOAD_ERROR, QUERN_DOWNLOAD_ERROR_DISK,
               _("The hub has no checksum for “%s”, and Quern could not record that it is not verified (%s). Check "
                 "the disk, then resume the download."),
               job->repo, cause->message);
  return FALSE;
}

static gboolean
quern_download_job_run_all (QuernDownloadJob *job, GError **error)
{
  g_autofree gboolean *installed = NULL;

  if (job->refresh && !quern_download_job_refresh (job, error))
    return FALSE;
  /* A file without a checksum in the list of files may have one where it is fetched from. */
  for (guint i = 0; i < job->files->len; i++) {
    QuernDownloadFile *file = job->files->pdata[i];
    g_autoptr (QuernHubResolved) resolved = NULL;

    if (file->sha256 != NULL)
      continue;
    resolved = quern_download_job_resolve (job, file, error);
    if (resolved == NULL)
      return FALSE;
    file->sha256 = g_steal_pointer (&resolved->sha256);
    job->refreshed |= file->sha256 != NULL;
  }
  installed = g_new0 (gboolean, job->files->len);
  /* A file that is in its place already, from an earlier run or another program, is taken when its content is right. */
  for (guint i = 0; i < job->files->len; i++) {
    const QuernDownloadFile *file = job->files->pdata[i];
    g_autofree char *target = dup_target (job, i), *hash = NULL;
    struct stat st;

    installed[i] = stat (target, &st) == 0 && (guint64) st.st_size == file->size;
    if (installed[i] && file->sha256 != NULL) {
      hash = quern_sha256_of_file (target, NULL, job->cancellable, NULL);
      installed[i] = g_strcmp0 (hash, file->sha256) == 0;
    }
  }
  if (g_cancellable_set_error_if_cancelled (job->cancellable, error)
      || !quern_download_job_reserve (job, installed, error))
    return FALSE;
  for (guint i = 0; i < job->files->len; i++) {
    const QuernDownloadFile *file = job->files->pdata[i];
    g_autofree char *target = dup_target (job, i);
    const QuernFetchSpec spec = {
      .hub = job->hub,
      .repo = job->repo,
      .revision = job->revision,
      .path = file->path,
      .size = file->size,
      .sha256 = file->sha256,
      .target = target,
      .limiter = job->limiter,
    };

    if (!installed[i] && !quern_fetch_run (&spec, &job->progress, job->cancellable, error))
      return FALSE;
    __atomic_add_fetch (&job->received, __atomic_load_n (&job->progress.received, __ATOMIC_RELAXED), __ATOMIC_RELAXED);
    __atomic_store_n (&job->progress.received, 0, __ATOMIC_RELAXED);
    __atomic_store_n (&job->progress.bytes, 0, __ATOMIC_RELAXED);
    __atomic_add_fetch (&job->finished, file->size, __ATOMIC_RELAXED);
  }
  if (!write_receipts (job, error))
    return FALSE;
  for (guint i = job->files->len; i-- > 0;) {
    g_autofree char *target = dup_target (job, i);

    if (!installed[i] && !quern_part_install (target, error))
      return FALSE;
  }
  return TRUE;
}

/* Deletes what unfinished files have left. */
void
_quern_download_discard (const char *folder, GPtrArray *files)
{
  for (guint i = 0; i < files->len; i++) {
    g_autofree char *target = g_build_filename (folder, ((QuernDownloadFile *) files->pdata[i])->name, NULL);
    quern_part_discard (target);
  }
}

/**
 * _quern_download_job_run:
 *
 * Blocks. A disk that filled up is reported with how much is missing.
 */
gboolean
_quern_download_job_run (QuernDownloadJob *job, GError **error)
{
  g_autoptr (GError) cause = NULL;
  gboolean ok = quern_download_job_run_all (job, &cause);

  if (__atomic_load_n (&job->discard, __ATOMIC_ACQUIRE))
    _quern_download_discard (job->folder, job->files);
  if (ok)
    return TRUE;
  if (g_error_matches (cause, QUERN_DOWNLOAD_ERROR, QUERN_DOWNLOAD_ERROR_NO_SPACE) && job->missing == 0) {
    guint64 missing = quern_part_missing_space (job->folder, needed_space (job));

    return no_space (job, MAX (missing, 1024 * 1024), error);
  }
  g_propagate_error (error, g_steal_pointer (&cause));
  return FALSE;
}
