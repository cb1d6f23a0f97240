/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-name-dialog.h"

#include <glib/gi18n.h>

typedef struct {
  GtkEditable *entry;
  QuernNameFunc func;
  gpointer data;
  GDestroyNotify destroy;
} Question;

static void
question_free (gpointer data, GClosure *closure)
{
  Question *question = data;

  if (question->destroy != NULL)
    question->destroy (question->data);
  g_free (question);
}

static void
quern_name_dialog_response_cb (AdwAlertDialog *dialog, const char *response, Question *question)
{
  g_autofree char *name = g_strstrip (g_strdup (gtk_editable_get_text (question->entry)));

  if (g_str_equal (response, "accept") && *name != '\0')
    question->func (name, question->data);
}

static void
quern_name_dialog_changed_cb (GtkEditable *entry, AdwAlertDialog *dialog)
{
  g_autofree char *name = g_strstrip (g_strdup (gtk_editable_get_text (entry)));
  adw_alert_dialog_set_response_enabled (dialog, "accept", *name != '\0');
}

/**
 * quern_name_dialog_ask:
 * @parent: a widget of the window
 * @heading: what is asked
 * @accept: the label of the button that accepts
 * @name: what is written there at first
 * @func: gets what was written, without spaces around it, when it was accepted and is not empty
 * @data: for @func
 * @destroy: (nullable): frees @data
 *
 * Asks for the name of something.
 */
void
quern_name_dialog_ask (GtkWidget *parent, const char *heading, const char *accept, const char *name, QuernNameFunc func,
                       gpointer data, GDestroyNotify destroy)
{
  AdwAlertDialog *dialog = ADW_ALERT_DIALOG (adw_alert_dialog_new (heading, NULL));
  GtkWidget *entry = gtk_entry_new ();
  Question *question = g_new (Question, 1);

  *question = (Question) { GTK_EDITABLE (entry), func, data, destroy };
  adw_alert_dialog_add_responses (dialog, "cancel", _("_Cancel"), "accept", accept, NULL);
  adw_alert_dialog_set_response_appearance (dialog, "accept", ADW_RESPONSE_SUGGESTED);
  adw_alert_dialog_set_default_response (dialog, "accept");
  g_signal_connect (entry, "changed", G_CALLBACK (quern_name_dialog_changed_cb), dialog);
  gtk_editable_set_text (GTK_EDITABLE (entry), name);
  quern_name_dialog_changed_cb (GTK_EDITABLE (entry), dialog);
  gtk_entry_set_activates_default (GTK_ENTRY (entry), TRUE);
  gtk_accessible_update_property (GTK_ACCESSIBLE (entry), GTK_ACCESSIBLE_PROPERTY_LABEL, _("Name"), -1);
  adw_alert_dialog_set_extra_child (dialog, entry);
  g_signal_connect_data (dialog, "response", G_CALLBACK (quern_name_dialog_response_cb), question, question_free, 0);
  adw_dialog_present (ADW_DIALOG (dialog), parent);
  gtk_widget_grab_focus (entry);
}
