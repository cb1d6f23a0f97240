/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "quern-download-private.h"

enum {
  PROP_0,
  PROP_REPO,
  PROP_LABEL,
  PROP_STATE,
  PROP_PHASE,
  PROP_MESSAGE,
  PROP_BYTES,
  PROP_TOTAL,
  PROP_MISSING,
  PROP_SPEED,
  PROP_SECONDS_LEFT,
  PROP_FRACTION,
  PROP_WAIT,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

G_DEFINE_FINAL_TYPE (QuernDownload, quern_download, G_TYPE_OBJECT)

/* ---- files ----------------------------------------------------------------------------------------------------- */

QuernDownloadFile *
_quern_download_file_new (const char *path, const char *name, guint64 size, const char *sha256, gboolean vision)
{
  QuernDownloadFile *file = g_new0 (QuernDownloadFile, 1);

  file->path = g_strdup (path);
  file->name = g_strdup (name);
  file->size = size;
  file->sha256 = g_strdup (sha256);
  file->vision = vision;
  return file;
}

void
_quern_download_file_free (gpointer data)
{
  QuernDownloadFile *file = data;

  g_free (file->path);
  g_free (file->name);
  g_free (file->sha256);
  g_free (file);
}

static gpointer
copy_file (gconstpointer data, gpointer user_data)
{
  const QuernDownloadFile *file = data;

  return _quern_download_file_new (file->path, file->name, file->size, file->sha256, file->vision);
}

GPtrArray *
_quern_download_files_copy (GPtrArray *files)
{
  GPtrArray *copy = g_ptr_array_copy (files, (GCopyFunc) copy_file, NULL);

  g_ptr_array_set_free_func (copy, _quern_download_file_free);
  return copy;
}

GPtrArray *
_quern_download_files_of (QuernHubItem *item, gboolean with_vision)
{
  GPtrArray *files = g_ptr_array_new_with_free_func (_quern_download_file_free);
  const QuernHubFile *vision = with_vision ? quern_hub_item_get_vision (item) : NULL;

  for (guint i = 0; i < quern_hub_item_get_n_files (item); i++) {
    const QuernHubFile *file = quern_hub_item_get_file (item, i);
    g_ptr_array_add (files, _quern_download_file_new (file->path, file->name, file->size, file->sha256, FALSE));
  }
  if (vision != NULL)
    g_ptr_array_add (files, _quern_download_file_new (vision->path, vision->name, vision->size, vision->sha256, TRUE));
  return files;
}

/* ---- object ---------------------------------------------------------------------------------------------------- */

static void
quern_download_finalize (GObject *object)
{
  QuernDownload *self = QUERN_DOWNLOAD (object);

  g_clear_handle_id (&self->retry_source, g_source_remove);
  g_clear_pointer (&self->job, _quern_download_job_unref);
  g_free (self->repo);
  g_free (self->revision);
  g_free (self->label);
  g_free (self->folder);
  g_free (self->path);
  g_clear_pointer (&self->files, g_ptr_array_unref);
  g_clear_error (&self->error);
  G_OBJECT_CLASS (quern_download_parent_class)->finalize (object);
}

static void
quern_download_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  QuernDownload *self = QUERN_DOWNLOAD (object);

  switch (id) {
  case PROP_REPO: g_value_set_string (value, self->repo); break;
  case PROP_LABEL: g_value_set_string (value, self->label); break;
  case PROP_STATE: g_value_set_uint (value, self->state); break;
  case PROP_PHASE: g_value_set_uint (value, self->phase); break;
  case PROP_MESSAGE: g_value_set_string (value, quern_download_get_message (self)); break;
  case PROP_BYTES: g_value_set_uint64 (value, self->bytes); break;
  case PROP_TOTAL: g_value_set_uint64 (value, self->total); break;
  case PROP_MISSING: g_value_set_uint64 (value, self->missing); break;
  case PROP_SPEED: g_value_set_double (value, self->speed); break;
  case PROP_SECONDS_LEFT: g_value_set_int64 (value, quern_download_get_seconds_left (self)); break;
  case PROP_FRACTION: g_value_set_double (value, quern_download_get_fraction (self)); break;
  case PROP_WAIT: g_value_set_int64 (value, quern_download_get_wait (self)); break;
  default: G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
}

static void
quern_download_class_init (QuernDownloadClass *class)
{
  GObjectClass *object_class = G_OBJECT_CLASS (class);
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;

  object_class->finalize = quern_download_finalize;
  object_class->get_property = quern_download_get_property;
  properties[PROP_REPO] = g_param_spec_string ("repo", NULL, NULL, NULL, flags);
  properties[PROP_LABEL] = g_param_spec_string ("label", NULL, NULL, NULL, flags);
  properties[PROP_STATE] = g_param_spec_uint ("state", NULL, NULL, 0, QUERN_DOWNLOAD_COMPLETE, 0, flags);
  properties[PROP_PHASE] = g_param_spec_uint ("phase", NULL, NULL, 0, QUERN_DOWNLOAD_REPAIRING, 0, flags);
  properties[PROP_MESSAGE] = g_param_spec_string ("message", NULL, NULL, NULL, flags);
  properties[PROP_BYTES] = g_param_spec_uint64 ("bytes", NULL, NULL, 0, G_MAXUINT64, 0, flags);
  properties[PROP_TOTAL] = g_param_spec_uint64 ("total", NULL, NULL, 0, G_MAXUINT64, 0, flags);
  properties[PROP_MISSING] = g_param_spec_uint64 ("missing", NULL, NULL, 0, G_MAXUINT64, 0, flags);
  properties[PROP_SPEED] = g_param_spec_double ("speed", NULL, NULL, 0, G_MAXDOUBLE, 0, flags);
  properties[PROP_SECONDS_LEFT] = g_param_spec_int64 ("seconds-left", NULL, NULL, -1, G_MAXINT64, -1, flags);
  properties[PROP_FRACTION] = g_param_spec_double ("fraction", NULL, NULL, 0, 1, 0, flags);
  properties[PROP_WAIT] = g_param_spec_int64 ("wait", NULL, NULL, 0, G_MAXINT64, 0, flags);
  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
quern_download_init (QuernDownload *self)
{
}

static char *
dup_folder_of (const char *repo)
{
  return g_build_filename (g_get_user_data_dir (), "quern", "models", repo, NULL);
}

/**
 * quern_download_dup_path_of:
 * @repo: id of a repository
 *
 * Returns: (transfer full): where the first file of @item is when it is downloaded
 */
char *
quern_download_dup_path_of (const char *repo, QuernHubItem *item)
{
  g_autofree char *folder = dup_folder_of (repo);

  return g_build_filename (folder, quern_hub_item_get_file (item, 0)->name, NULL);
}

/* Takes the files. */
QuernDownload *
_quern_download_new (const char *repo, const char *revision, const char *label, GPtrArray *files)
{
  QuernDownload *self = g_object_new (QUERN_TYPE_DOWNLOAD, NULL);

  self->repo = g_strdup (repo);
  self->label = g_strdup (label);
  self->folder = dup_folder_of (repo);
  _quern_download_set_files (self, revision, files);
  self->bytes = _quern_download_peek_bytes (self);
  return self;
}

void
_quern_download_set_files (QuernDownload *self, const char *revision, GPtrArray *files)
{
  g_clear_pointer (&self->files, g_ptr_array_unref);
  self->files = files;
  g_free (self->path);
  self->path = _quern_download_dup_target (self, 0);
  g_set_str (&self->revision, revision);
  self->total = 0;
  for (guint i = 0; i < files->len; i++)
    self->total += ((QuernDownloadFile *) files->pdata[i])->size;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_TOTAL]);
}

/* Takes the error, which may be NULL. */
void
_quern_download_set_state (QuernDownload *self, QuernDownloadState state, GError *error)
{
  g_object_freeze_notify (G_OBJECT (self));
  g_clear_error (&self->error);
  self->error = error;
  self->state = state;
  self->speed = 0;
  self->sampled = 0;
  self->wait_until = 0;
  if (state != QUERN_DOWNLOAD_NO_SPACE)
    self->missing = 0;
  if (state == QUERN_DOWNLOAD_COMPLETE)
    self->bytes = self->total;
  for (guint i = PROP_STATE; i < N_PROPS; i++)
    g_object_notify_by_pspec (G_OBJECT (self), properties[i]);
  g_object_thaw_notify (G_OBJECT (self));
}

void
_quern_download_set_progress (QuernDownload *self, guint64 bytes, guint64 received, QuernDownloadPhase phase)
{
  gint64 now = g_get_monotonic_time ();
  double seconds = (double) (now - self->sampled) / G_USEC_PER_SEC;
  gboolean first = self->sampled == 0 || received < self->received;

  g_object_freeze_notify (G_OBJECT (self));
  /* The speed is a mean that forgets with a time constant of about two seconds. */
  if (!first && seconds >= 0.1) {
    double current = (double) (received - self->received) / seconds;

    self->speed += (current - self->speed) * (self->speed > 0 ? MIN (1, seconds / 2) : 1);
  }
  if (first || seconds >= 0.1) {
    self->sampled = now;
    self->received = received;
  }
  if (self->phase != phase) {
    self->phase = phase;
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_PHASE]);
  }
  self->bytes = MIN (bytes, self->total);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_BYTES]);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_SPEED]);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_SECONDS_LEFT]);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_FRACTION]);
  g_object_thaw_notify (G_OBJECT (self));
}

/* Until when it waits, in monotonic time, and says so again while it does; 0: it does not. */
void
_quern_download_set_wait (QuernDownload *self, gint64 until)
{
  if (until == 0 && self->wait_until == 0)
    return;
  self->wait_until = until;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_WAIT]);
}

char *
_quern_download_dup_target (QuernDownload *self, guint index)
{
  const QuernDownloadFile *file = self->files->pdata[index];

  return g_build_filename (self->folder, file->name, NULL);
}

/* Returns: (transfer full) (array zero-terminated=1): where all its files are when it is complete */
char **
quern_download_dup_paths (QuernDownload *self)
{
  g_autoptr (GStrvBuilder) paths = g_strv_builder_new ();

  g_return_val_if_fail (QUERN_IS_DOWNLOAD (self), NULL);
  for (guint i = 0; i < self->files->len; i++)
    g_strv_builder_take (paths, _quern_download_dup_target (self, i));
  return g_strv_builder_end (paths);
}

/* What is on disk already, as far as the facts claim. */
guint64
_quern_download_peek_bytes (QuernDownload *self)
{
  guint64 sum = 0;

  for (guint i = 0; i < self->files->len; i++) {
    const QuernDownloadFile *file = self->files->pdata[i];
    g_autofree char *target = _quern_download_dup_target (self, i);

    sum += g_file_test (target, G_FILE_TEST_EXISTS) ? file->size
                                                    : quern_part_peek_bytes (target, file->size, file->sha256);
  }
  return sum;
}

/* ---- getters --------------------------------------------------------------------------------------------------- */

#define GETTER(type, name, fallback)                                                                                   \
  type quern_download_get_##name (QuernDownload *self)                                                                 \
  {                                                                                                                    \
    g_return_val_if_fail (QUERN_IS_DOWNLOAD (self), fallback);                                                         \
    return self->name;                                                                                                 \
  }

GETTER (const char *, repo, NULL)
GETTER (const char *, label, NULL)
GETTER (const char *, path, NULL) /* where the (first) model file is when complete; until the files change */
GETTER (QuernDownloadState, state, QUERN_DOWNLOAD_FAILED)
GETTER (QuernDownloadPhase, phase, QUERN_DOWNLOAD_CONNECTING)
GETTER (const GError *, error, NULL) /* for its code; NULL when all is well */
GETTER (guint64, bytes, 0)
GETTER (guint64, total, 0)
GETTER (guint64, missing, 0) /* bytes that the disk has too few, in state NO_SPACE */
GETTER (double, speed, 0)    /* bytes per second, 0 while unknown */

gboolean
quern_download_get_has_vision (QuernDownload *self)
{
  g_return_val_if_fail (QUERN_IS_DOWNLOAD (self), FALSE);
  for (guint i = 0; i < self->files->len; i++)
    if (((QuernDownloadFile *) self->files->pdata[i])->vision)
      return TRUE;
  return FALSE;
}

/* Returns: (nullable): what is the matter and what to do, in a sentence */
const char *
quern_download_get_message (QuernDownload *self)
{
  g_return_val_if_fail (QUERN_IS_DOWNLOAD (self), NULL);
  return self->error != NULL ? self->error->message : NULL;
}

/* Returns: seconds, or -1 while nobody can know */
gint64
quern_download_get_seconds_left (QuernDownload *self)
{
  g_return_val_if_fail (QUERN_IS_DOWNLOAD (self), -1);
  return self->speed > 0 ? (gint64) ((double) (self->total - self->bytes) / self->speed) : -1;
}

/* Returns: seconds until it goes on: because the server asked to wait, or until the next attempt; 0: it does not wait */
gint64
quern_download_get_wait (QuernDownload *self)
{
  gint64 left;

  g_return_val_if_fail (QUERN_IS_DOWNLOAD (self), 0);
  left = self->wait_until - g_get_monotonic_time ();
  return self->wait_until == 0 ? 0 : MAX (1, (left + G_USEC_PER_SEC - 1) / G_USEC_PER_SEC);
}

/* Whether the hub tells a checksum of every file. Before the download has begun it may not have been asked for all. */
gboolean
quern_download_get_verifiable (QuernDownload *self)
{
  g_return_val_if_fail (QUERN_IS_DOWNLOAD (self), FALSE);
  for (guint i = 0; i < self->files->len; i++)
    if (((QuernDownloadFile *) self->files->pdata[i])->sha256 == NULL)
      return FALSE;
  return TRUE;
}

double
quern_download_get_fraction (QuernDownload *self)
{
  g_return_val_if_fail (QUERN_IS_DOWNLOAD (self), 0);
  return self->total > 0 ? (double) self->bytes / (double) self->total : 0;
}
