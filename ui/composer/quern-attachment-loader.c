/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-attachment-loader.h"

#include <glib/gi18n.h>
#include <string.h>

#include "widgets/quern-thumbnail.h"

/* Loads a file that is attached. It is read, decoded, hashed and scaled down on a thread. If it cannot be sent, the
 * error says why. */

#define MAX_TEXT (1024 * 1024) /* bytes; far more than any context holds */

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

/* Returns whether there are few control characters; a file with many is not text. */
static gboolean
looks_like_text (const char *data, gsize size)
{
  gsize odd = 0;

  for (gsize i = 0; i < size; i++)
    odd += (guint8) data[i] < ' ' && strchr ("\t\n\r\f\x1b", data[i]) == NULL;
  return memchr (data, '\0', size) == NULL && odd * 100 <= size;
}

/* Converts to UTF-8 from UTF-8, from UTF-16 with a byte order mark, or from the Windows code page of old Western
 * files. */
static char *
to_utf8 (const char *data, gsize size)
{
  if (size >= 3 && memcmp (data, "\xef\xbb\xbf", 3) == 0)
    return to_utf8 (data + 3, size - 3);
  if (size >= 2 && (memcmp (data, "\xff\xfe", 2) == 0 || memcmp (data, "\xfe\xff", 2) == 0))
    return g_convert (data, (gssize) size, "UTF-8", "UTF-16", NULL, NULL, NULL);
  if (!looks_like_text (data, size))
    return NULL;
  return g_utf8_validate_len (data, size, NULL)
             ? g_strndup (data, size)
             : g_convert (data, (gssize) size, "UTF-8", "WINDOWS-1252", NULL, NULL, NULL);
}

/* Reads the file, but at most one byte more than a text may have. */
static GBytes *
read_text (GFile *file, GCancellable *cancellable, GError **error)
{
  g_autoptr (GFileInputStream) stream = g_file_read (file, cancellable, error);
  g_autofree char *data = g_malloc (MAX_TEXT + 1);
  gsize size = 0;

  if (stream == NULL
      || !g_input_stream_read_all (G_INPUT_STREAM (stream), data, MAX_TEXT + 1, &size, cancellable, error))
    return NULL;
  return g_bytes_new_take (g_steal_pointer (&data), size);
}

static QuernAttachment *
load_text (Job *job, GCancellable *cancellable, GError **error)
{
  g_autoptr (GBytes) bytes = read_text (job->file, cancellable, error);
  g_autoptr (GBytes) utf8 = NULL;
  gsize size = 0;
  const char *data = bytes != NULL ? g_bytes_get_data (bytes, &size) : NULL;
  char *text;

  if (bytes == NULL)
    return NULL;
  if (size == 0) {
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, _("The file is empty."));
    return NULL;
  }
  text = to_utf8 (data, size);
  if (text == NULL)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, _("The file is neither a picture nor a text."));
  else if (size > MAX_TEXT)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                         _("The file is too long for a conversation. Attach a part of it."));
  if (text == NULL || size > MAX_TEXT) {
    g_free (text);
    return NULL;
  }
  utf8 = g_bytes_new_take (text, strlen (text));
  return quern_attachment_new (job->name, "text/plain", utf8);
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
    attachment = load_text (job, cancellable, &error);
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
 * @file: a picture or a text file
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
