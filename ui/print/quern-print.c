/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-print.h"

#include <glib/gi18n.h>

#include "quern-chat-title.h"
#include "quern-picture.h"
#include "quern-print-layout.h"
#include "widgets/quern-thumbnail.h"

/* Prints what is shown of a conversation, or writes it to a PDF. Messages and pictures are read first, one after the other,
 * because GTK asks for pages on the spot. */

#define PICTURE_SIDE 1600 /* pixels: on paper there is no more to be seen */
#define MARGIN 50         /* points */

typedef struct {
  GtkWindow *parent;
  QuernStore *store;
  QuernConversation *conversation;
  char *pdf; /* where to, or NULL: the user chooses a printer */
  GPtrArray *messages;
  GPtrArray *wanted;    /* of QuernAttachment: pictures that are still to be read */
  GHashTable *pictures; /* hash -> GdkTexture */
  QuernPrintLayout *layout;
} Job;

static void
job_free (gpointer data)
{
  Job *job = data;

  g_clear_object (&job->parent);
  g_object_unref (job->store);
  g_object_unref (job->conversation);
  g_clear_pointer (&job->messages, g_ptr_array_unref);
  g_clear_pointer (&job->layout, quern_print_layout_free);
  g_ptr_array_unref (job->wanted);
  g_hash_table_unref (job->pictures);
  g_free (job->pdf);
  g_free (job);
}

/* ---- pages ------------------------------------------------------------------------------------------------------ */

/* The family of the desktop's font, in the size of the layout's. */
static PangoContext *
new_context (GtkPrintContext *print)
{
  PangoContext *context = gtk_print_context_create_pango_context (print);
  g_autofree char *name = NULL;
  g_autoptr (PangoFontDescription) font = NULL;

  g_object_get (gtk_settings_get_default (), "gtk-font-name", &name, NULL);
  font = pango_font_description_from_string (name != NULL ? name : "sans");
  pango_context_set_font_description (context, font);
  pango_context_set_round_glyph_positions (context, FALSE);
  return context;
}

static void
begin_print_cb (GtkPrintOperation *operation, GtkPrintContext *print, gpointer user_data)
{
  Job *job = user_data;
  PangoContext *context = new_context (print);

  g_clear_pointer (&job->layout, quern_print_layout_free);
  job->layout = quern_print_layout_new (context, gtk_print_context_get_width (print),
                                        gtk_print_context_get_height (print),
                                        quern_chat_title_shown (quern_conversation_get_title (job->conversation)),
                                        job->messages, job->pictures);
  g_object_unref (context);
  gtk_print_operation_set_n_pages (operation, (int) quern_print_layout_get_n_pages (job->layout));
}

static void
draw_page_cb (GtkPrintOperation *operation, GtkPrintContext *print, int page, gpointer user_data)
{
  Job *job = user_data;

  quern_print_layout_draw (job->layout, gtk_print_context_get_cairo_context (print), (guint) page);
}

static void
print_done_cb (GtkPrintOperation *operation, GtkPrintOperationResult result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  if (result == GTK_PRINT_OPERATION_RESULT_ERROR)
    gtk_print_operation_get_error (operation, &error); /* complains where there is none */
  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_boolean (task, result == GTK_PRINT_OPERATION_RESULT_APPLY);
}

static void
print_pages (GTask *task)
{
  Job *job = g_task_get_task_data (task);
  g_autoptr (GtkPrintOperation) operation = gtk_print_operation_new ();
  g_autoptr (GtkPageSetup) setup = gtk_page_setup_new ();
  const char *title = quern_chat_title_shown (quern_conversation_get_title (job->conversation));
  GtkPrintOperationResult result;
  GError *error = NULL;

  gtk_page_setup_set_top_margin (setup, MARGIN, GTK_UNIT_POINTS);
  gtk_page_setup_set_bottom_margin (setup, MARGIN, GTK_UNIT_POINTS);
  gtk_page_setup_set_left_margin (setup, MARGIN, GTK_UNIT_POINTS);
  gtk_page_setup_set_right_margin (setup, MARGIN, GTK_UNIT_POINTS);
  gtk_print_operation_set_default_page_setup (operation, setup);
  gtk_print_operation_set_unit (operation, GTK_UNIT_POINTS);
  gtk_print_operation_set_job_name (operation, title);
  gtk_print_operation_set_allow_async (operation, TRUE);
  if (job->pdf != NULL)
    gtk_print_operation_set_export_filename (operation, job->pdf);
  g_signal_connect (operation, "begin-print", G_CALLBACK (begin_print_cb), job);
  g_signal_connect (operation, "draw-page", G_CALLBACK (draw_page_cb), job);
  g_signal_connect (operation, "done", G_CALLBACK (print_done_cb), g_object_ref (task));
  result = gtk_print_operation_run (operation,
                                    job->pdf != NULL ? GTK_PRINT_OPERATION_ACTION_EXPORT
                                                     : GTK_PRINT_OPERATION_ACTION_PRINT_DIALOG,
                                    job->parent, &error);
  if (result == GTK_PRINT_OPERATION_RESULT_ERROR && !g_task_get_completed (task) && error != NULL) {
    g_signal_handlers_disconnect_by_func (operation, print_done_cb, task);
    g_task_return_error (task, g_steal_pointer (&error));
    g_object_unref (task);
  }
  g_clear_error (&error);
}

/* ---- reading ---------------------------------------------------------------------------------------------------- */

static void read_next (GTask *task);

/* A picture that cannot be read is named. */
static void
next_picture (GTask *task)
{
  Job *job = g_task_get_task_data (task);

  g_ptr_array_remove_index (job->wanted, 0);
  read_next (task);
}

static void
picture_decoded_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Job *job = g_task_get_task_data (task);
  g_autoptr (QuernPicture) picture = quern_picture_load_finish (result, NULL);
  g_autoptr (QuernPicture) small = picture != NULL ? quern_picture_dup_thumbnail (picture, PICTURE_SIDE) : NULL;

  if (small != NULL)
    g_hash_table_insert (job->pictures, g_strdup (quern_attachment_get_hash (job->wanted->pdata[0])),
                         quern_thumbnail_make_texture (small));
  next_picture (task);
}

static void
picture_read_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GBytes) bytes = quern_store_load_attachment_finish (QUERN_STORE (source), result, NULL);

  if (bytes != NULL)
    quern_picture_load_bytes_async (bytes, NULL, picture_decoded_cb, g_object_ref (task));
  else
    next_picture (task);
}

static void
read_next (GTask *task)
{
  Job *job = g_task_get_task_data (task);

  if (job->wanted->len > 0)
    quern_store_load_attachment_async (job->store, job->wanted->pdata[0], NULL, picture_read_cb, g_object_ref (task));
  else
    print_pages (task);
}

static void
path_read_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Job *job = g_task_get_task_data (task);
  GError *error = NULL;

  job->messages = quern_store_load_path_finish (QUERN_STORE (source), result, &error);
  if (job->messages == NULL) {
    g_task_return_error (task, error);
    return;
  }
  for (guint i = 0; i < job->messages->len; i++) {
    GListModel *attachments = quern_message_get_attachments (job->messages->pdata[i]);
    for (guint j = 0; attachments != NULL && j < g_list_model_get_n_items (attachments); j++) {
      g_autoptr (QuernAttachment) attachment = g_list_model_get_item (attachments, j);
      if (quern_attachment_is_picture (attachment))
        g_ptr_array_add (job->wanted, g_steal_pointer (&attachment));
    }
  }
  read_next (task);
}

/**
 * quern_print_async:
 * @pdf: (nullable): the file to write; %NULL shows the dialog of printers
 *
 * Prints what is shown of @conversation, as far as it is in the store.
 */
void
quern_print_async (GtkWindow *parent, QuernStore *store, QuernConversation *conversation, const char *pdf,
                   GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (NULL, NULL, callback, user_data);
  Job *job = g_new0 (Job, 1);

  *job = (Job) { .parent = g_object_ref (parent),
                 .store = g_object_ref (store),
                 .conversation = g_object_ref (conversation),
                 .pdf = g_strdup (pdf),
                 .wanted = g_ptr_array_new_with_free_func (g_object_unref),
                 .pictures = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_object_unref) };
  g_task_set_source_tag (task, quern_print_async);
  g_task_set_task_data (task, job, job_free);
  quern_store_load_path_async (store, conversation, NULL, path_read_cb, task);
}

/**
 * quern_print_finish:
 *
 * Returns: whether it was printed or written; %FALSE without an error if the user decided otherwise
 */
gboolean
quern_print_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}
