/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-attachment-loader.h"

#include <glib/gi18n.h>

#include "quern-document.h"
#include "widgets/quern-thumbnail.h"

/* Loads a file that is attached. It is read, decoded, hashed and scaled down on a thread. If it cannot be sent, the
 * error says why. */

typedef struct {
  char *name;
  GFile *file;         /* or NULL */
  GBytes *bytes;       /* of the texture; NULL if there is a file */
  GdkTexture *texture; /* the source of the bytes, or NULL */
  QuernThumbnail *thumbnail;
} Job;

static void
job_free (gpointer data)
{
  Job *job = data;

  g_free (job->name);
  g_clear_object (&job->file);
  g_clear_object (&job->texture);
  g_clear_pointer (&job->bytes, g_bytes_unref);
  g_clear_object (&job->thumbnail);
  g_free (job);
}

static void
load_worker (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Job *job = data;
  GError *error = NULL;
  GBytes *bytes = job->bytes = job->texture != NULL ? gdk_texture_save_to_png_bytes (job->texture) : NULL;
  g_autoptr (QuernPicture) picture = job->file != NULL ? quern_picture_new_from_file (job->file, cancellable, &error)
                                                       : quern_picture_new_from_bytes (bytes, cancellable, &error);
  QuernAttachment *attachment = NULL;

  if (picture != NULL) {
    attachment = quern_attachment_new (job->name, quern_picture_get_mime_type (picture),
                                       quern_picture_get_source (picture));
    job->thumbnail = quern_thumbnail_new (picture);
  } else if (job->file != NULL && g_error_matches (error, QUERN_PICTURE_ERROR, QUERN_PICTURE_ERROR_NOT_A_PICTURE)) {
    g_clear_error (&error);
    attachment = quern_document_load (job->file, cancellable, &error);
  }
  if (attachment != NULL) {
    g_task_return_pointer (task, attachment, g_object_unref);
    return;
  }
  /* Translators: name of a file, and a sentence */
  g_task_return_new_error (task, error->domain, error->code, _("“%s” cannot be attached. %s"), job->name,
                           error->message);
  g_error_free (error);
}

static void
start (Job *job, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);

  g_task_set_task_data (task, job, job_free);
  g_task_run_in_thread (task, load_worker);
}

/**
 * quern_attachment_load_file_async:
 * @file: a picture, a text or a document
 */
void
quern_attachment_load_file_async (GFile *file, GCancellable *cancellable, GAsyncReadyCallback callback,
                                  gpointer user_data)
{
  Job *job = g_new0 (Job, 1);
  g_autofree char *name = g_file_get_basename (file);

  job->name = g_filename_display_name (name);
  job->file = g_object_ref (file);
  start (job, cancellable, callback, user_data);
}

/**
 * quern_attachment_load_texture_async:
 * @name: the name to show
 * @texture: a picture, which will be stored as PNG
 */
void
quern_attachment_load_texture_async (const char *name, GdkTexture *texture, GCancellable *cancellable,
                                     GAsyncReadyCallback callback, gpointer user_data)
{
  Job *job = g_new0 (Job, 1);

  job->name = g_strdup (name);
  job->texture = g_object_ref (texture);
  start (job, cancellable, callback, user_data);
}

/**
 * quern_attachment_load_finish:
 *
 * Returns: (transfer full) (nullable): what can be sent, its thumbnail kept; or %NULL with a sentence for people in @error
 */
QuernAttachment *
quern_attachment_load_finish (GAsyncResult *result, GError **error)
{
  QuernAttachment *attachment = g_task_propagate_pointer (G_TASK (result), error);
  Job *job = g_task_get_task_data (G_TASK (result));

  if (attachment != NULL && job->thumbnail != NULL)
    quern_thumbnail_keep (job->thumbnail, attachment);
  return attachment;
}
