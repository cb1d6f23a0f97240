/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-choose-models.h"

#include <glib/gi18n.h>

/* Lets people choose model files, or a folder of them, that are to be used where they lie. In a sandbox the portal's
 * dialog is what gives access, and for a folder keeps it. */

typedef struct {
  GtkWidget *widget;
  QuernChosenFunc chosen;
} Choice;

static Choice *
choice_new (GtkWidget *widget, QuernChosenFunc chosen)
{
  Choice *choice = g_new (Choice, 1);

  *choice = (Choice) { g_object_ref (widget), chosen };
  return choice;
}

static void
choice_free (Choice *choice)
{
  g_object_unref (choice->widget);
  g_free (choice);
}

/* Takes both. */
static void
finish (Choice *choice, GFile *file)
{
  if (file != NULL && g_file_peek_path (file) != NULL && gtk_widget_get_root (choice->widget) != NULL)
    choice->chosen (choice->widget, g_file_peek_path (file));
  g_clear_object (&file);
  choice_free (choice);
}

static void
quern_choose_models_file_chosen_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  finish (user_data, gtk_file_dialog_open_finish (GTK_FILE_DIALOG (source), result, NULL));
}

/* Calls @chosen with a GGUF file's path, unless the user thinks better of it or @widget leaves its window. */
void
quern_choose_model_file (GtkWidget *widget, QuernChosenFunc chosen)
{
  g_autoptr (GtkFileDialog) dialog = gtk_file_dialog_new ();
  g_autoptr (GListStore) filters = g_list_store_new (GTK_TYPE_FILE_FILTER);
  g_autoptr (GtkFileFilter) filter = gtk_file_filter_new ();

  gtk_file_filter_set_name (filter, _("GGUF models"));
  gtk_file_filter_add_suffix (filter, "gguf");
  g_list_store_append (filters, filter);
  gtk_file_dialog_set_filters (dialog, G_LIST_MODEL (filters));
  gtk_file_dialog_set_title (dialog, _("Add a Model File"));
  gtk_file_dialog_open (dialog, GTK_WINDOW (gtk_widget_get_root (widget)), NULL, quern_choose_models_file_chosen_cb,
                        choice_new (widget, chosen));
}

static void
folder_chosen_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  finish (user_data, gtk_file_dialog_select_folder_finish (GTK_FILE_DIALOG (source), result, NULL));
}

static void
explained_cb (AdwAlertDialog *dialog, const char *response, Choice *choice)
{
  g_autoptr (GtkFileDialog) chooser = NULL;
  g_autoptr (GFile) home = NULL;
  GtkRoot *root = gtk_widget_get_root (choice->widget);

  if (!g_str_equal (response, "choose") || root == NULL) {
    choice_free (choice);
    return;
  }
  chooser = gtk_file_dialog_new ();
  home = g_file_new_for_path (g_get_home_dir ());
  gtk_file_dialog_set_initial_folder (chooser, home);
  gtk_file_dialog_set_title (chooser, _("Add a Folder of Models"));
  gtk_file_dialog_set_accept_label (chooser, _("_Add"));
  gtk_file_dialog_select_folder (chooser, GTK_WINDOW (root), NULL, folder_chosen_cb, choice);
}

/* The same for a folder, after a word about what that means. */
void
quern_choose_model_folder (GtkWidget *widget, QuernChosenFunc chosen)
{
  AdwAlertDialog *dialog = ADW_ALERT_DIALOG (adw_alert_dialog_new (
      _("Add a Folder of Models?"),
      _("Models stay where they are: nothing is copied, moved or deleted. Quern only looks into folders that you "
        "choose. It keeps access to them, so that it finds new files every time it starts. You can also choose the "
        "models folder of Ollama or LM Studio.")));

  adw_alert_dialog_add_responses (dialog, "cancel", _("_Cancel"), "choose", _("_Choose a Folder…"), NULL);
  adw_alert_dialog_set_response_appearance (dialog, "choose", ADW_RESPONSE_SUGGESTED);
  adw_alert_dialog_set_default_response (dialog, "choose");
  adw_alert_dialog_set_close_response (dialog, "cancel");
  g_signal_connect (dialog, "response", G_CALLBACK (explained_cb), choice_new (widget, chosen));
  adw_dialog_present (ADW_DIALOG (dialog), widget);
}
