/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-document.h"

#include <glib/gi18n-lib.h>

#define MOST_PICTURES 24 /* a page takes about a thousand tokens */

/* Draws the pages that are sent, each as an attachment of its own. */
static void
draw_worker (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  QuernAttachment *document = source;
  GArray *pages = data;
  g_autoptr (GListStore) pictures = g_list_store_new (QUERN_TYPE_ATTACHMENT);
  GError *error = NULL;

  if (pages->len > MOST_PICTURES)
    g_set_error (&error, QUERN_DOCUMENT_ERROR, QUERN_DOCUMENT_ERROR_TOO_LARGE,
                 _("At most %u pages can be sent as pictures. Choose them first."), MOST_PICTURES);
  for (guint i = 0; !error && i < pages->len; i++) {
    guint page = g_array_index (pages, guint, i);
    g_autoptr (GBytes)
        png = quern_document_draw_page (quern_attachment_get_source (document), page, cancellable, &error);
    /* Translators: the name of a document, and the number of a page */
    g_autofree char *name = g_strdup_printf (_("%s, page %u"), quern_attachment_get_name (document), page);
    g_autoptr (QuernAttachment) picture = png ? quern_attachment_new (name, "image/png", png) : NULL;
    if (picture)
      g_list_store_append (pictures, picture);
  }
  if (error)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, g_steal_pointer (&pictures), g_object_unref);
}

/**
 * quern_document_draw_async:
 * @document: a document whose source is at hand, see quern_document_can_draw()
 *
 * Makes pictures of the pages that are sent of it.
 */
void
quern_document_draw_async (QuernAttachment *document, GCancellable *cancellable, GAsyncReadyCallback callback,
                           gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (document, cancellable, callback, user_data);

  g_task_set_task_data (task, quern_document_dup_pages (quern_attachment_get_mime (document)),
                        (GDestroyNotify) g_array_unref);
  g_task_run_in_thread (task, draw_worker);
}

/**
 * quern_document_draw_finish:
 *
 * Returns: (transfer full) (nullable) (element-type QuernAttachment): the pictures; %NULL with a sentence for people
 */
GListModel *
quern_document_draw_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
