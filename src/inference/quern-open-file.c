/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-open-file.h"

#include "quern-local-private.h"
#include "quern-model-private.h"

/* The table of open files, one for the process: whoever opens a file that is open gets the same weights. */

typedef struct {
  char *path;
  GWeakRef file;
} Entry;

static GMutex table_lock;
static GQueue table; /* of Entry */

struct _QuernOpenFile {
  GObject parent_instance;

  QeModel *weights;
};

G_DEFINE_FINAL_TYPE (QuernOpenFile, quern_open_file, G_TYPE_OBJECT)

/* The caller holds the lock. Entries of files that nobody uses any more are removed on the way. */
static QuernOpenFile *
find_open (const char *path)
{
  QuernOpenFile *found = NULL;

  for (GList *l = table.head, *next; l; l = next) {
    Entry *entry = l->data;
    g_autoptr (QuernOpenFile) file = g_weak_ref_get (&entry->file);
    next = l->next;
    if (file && g_str_equal (entry->path, path) && !found) {
      found = g_steal_pointer (&file);
    } else if (!file) {
      g_free (entry->path);
      g_weak_ref_clear (&entry->file);
      g_free (entry);
      g_queue_delete_link (&table, l);
    }
  }
  return found;
}

/* Any thread may call this; it blocks. If the file was replaced since the library looked at it, it is opened again.
 * prefetch: the system reads it ahead, because all of it will be used. */
QuernOpenFile *
_quern_open_file_get (QuernModel *model, gboolean prefetch, const QeControl *control, GError **error)
{
  const char *path = quern_model_get_path (model);
  const QeModelParams params = { .no_prefetch = !prefetch, .control = control };
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&table_lock);
  QuernOpenFile *self = _quern_model_is_current (model) ? find_open (path) : NULL;
  QeError engine_error = { 0 };
  QeModel *weights;
  Entry *entry;

  if (self)
    return self;
  if (qe_model_open (&weights, path, &params, &engine_error) != QE_OK) {
    _quern_inference_set_error (error, &engine_error);
    return NULL;
  }
  self = g_object_new (QUERN_TYPE_OPEN_FILE, NULL);
  self->weights = weights;
  entry = g_new0 (Entry, 1);
  entry->path = g_strdup (path);
  g_weak_ref_init (&entry->file, self);
  g_queue_push_head (&table, entry); /* where a file that was replaced is found first */
  return self;
}

QeModel *
_quern_open_file_get_weights (QuernOpenFile *self)
{
  return self->weights;
}

/**
 * quern_open_file_dup_token_text:
 *
 * Returns: (transfer full): the bytes of one token as valid UTF-8; "" for an id that the vocabulary does not have
 */
char *
quern_open_file_dup_token_text (QuernOpenFile *self, gint32 id)
{
  size_t length = 0;
  bool control;
  const char *bytes = qe_token_bytes (self->weights, id, &length, &control);

  return g_utf8_make_valid (bytes ? bytes : "", (gssize) length);
}

static void
quern_open_file_finalize (GObject *object)
{
  qe_model_free (QUERN_OPEN_FILE (object)->weights);
  G_OBJECT_CLASS (quern_open_file_parent_class)->finalize (object);
}

static void
quern_open_file_class_init (QuernOpenFileClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = quern_open_file_finalize;
}

static void
quern_open_file_init (QuernOpenFile *self)
{
}
