/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-edit-answer.h"

#include "widgets/quern-hyphens.h"

#include <glib/gi18n.h>

/* A dialog in which an answer is written anew. */

typedef struct {
  QuernChatSession *session;
  QuernMessage *answer;
  GtkTextView *view; /* borrowed from the dialog */
} Edit;

static void
edit_free (gpointer data, GClosure *closure)
{
  Edit *edit = data;

  g_object_unref (edit->session);
  g_object_unref (edit->answer);
  g_free (edit);
}

static void
quern_edit_answer_response_cb (AdwAlertDialog *dialog, const char *response, Edit *edit)
{
  g_autofree char *text = NULL;

  g_object_get (gtk_text_view_get_buffer (edit->view), "text", &text, NULL);
  if (g_str_equal (response, "save") && !g_str_equal (text, quern_message_get_content (edit->answer)))
    quern_chat_session_revise (edit->session, edit->answer, text);
}

static GtkWidget *
quern_edit_answer_make_view (const char *text)
{
  GtkWidget *view = gtk_text_view_new ();

  g_object_set (view, "wrap-mode", GTK_WRAP_WORD_CHAR, "accepts-tab", FALSE, "left-margin", 9, "right-margin", 9,
                "top-margin", 9, "bottom-margin", 9, NULL);
  gtk_text_buffer_set_text (gtk_text_view_get_buffer (GTK_TEXT_VIEW (view)), text, -1);
  quern_hyphens_leave_out_of_view (GTK_TEXT_VIEW (view));
  gtk_accessible_update_property (GTK_ACCESSIBLE (view), GTK_ACCESSIBLE_PROPERTY_LABEL, _("Answer"), -1);
  return view;
}

/**
 * quern_edit_answer_present:
 * @answer: an answer of the conversation that is complete
 *
 * Lets @answer be edited; the old version is kept.
 */
void
quern_edit_answer_present (GtkWidget *parent, QuernChatSession *session, QuernMessage *answer)
{
  AdwAlertDialog *dialog = ADW_ALERT_DIALOG (
      adw_alert_dialog_new (_("Edit Answer"),
                            _("The model continues from what you write. The old version is kept.")));
  GtkWidget *view = quern_edit_answer_make_view (quern_message_get_content (answer));
  GtkWidget *scrolled = gtk_scrolled_window_new ();
  Edit *edit = g_new (Edit, 1);

  *edit = (Edit) { g_object_ref (session), g_object_ref (answer), GTK_TEXT_VIEW (view) };
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (scrolled), view);
  gtk_widget_set_size_request (scrolled, -1, 240);
  gtk_widget_set_overflow (scrolled, GTK_OVERFLOW_HIDDEN);
  gtk_widget_add_css_class (scrolled, "card");
  adw_alert_dialog_set_extra_child (dialog, scrolled);
  adw_alert_dialog_set_prefer_wide_layout (dialog, TRUE);
  adw_alert_dialog_add_responses (dialog, "cancel", _("_Cancel"), "save", _("_Save"), NULL);
  adw_alert_dialog_set_response_appearance (dialog, "save", ADW_RESPONSE_SUGGESTED);
  g_signal_connect_data (dialog, "response", G_CALLBACK (quern_edit_answer_response_cb), edit, edit_free, 0);
  adw_dialog_set_content_width (ADW_DIALOG (dialog), 640);
  adw_dialog_present (ADW_DIALOG (dialog), parent);
  gtk_widget_grab_focus (view);
}
