/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-model-folder-row.h"

#include <glib/gi18n.h>

/* A folder elsewhere whose models are on the list. The action that takes it off the list belongs to QuernInstalledView. */
struct _QuernModelFolderRow {
  AdwActionRow parent_instance;

  GtkWidget *button; /* of the template */
};

G_DEFINE_FINAL_TYPE (QuernModelFolderRow, quern_model_folder_row, ADW_TYPE_ACTION_ROW)

static void
quern_model_folder_row_dispose (GObject *object)
{
  gtk_widget_dispose_template (GTK_WIDGET (object), QUERN_TYPE_MODEL_FOLDER_ROW);
  G_OBJECT_CLASS (quern_model_folder_row_parent_class)->dispose (object);
}

static void
quern_model_folder_row_class_init (QuernModelFolderRowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = quern_model_folder_row_dispose;
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/io/github/quern/Quern/ui/models/quern-model-folder-row.ui");
  gtk_widget_class_bind_template_child (widget_class, QuernModelFolderRow, button);
}

static void
quern_model_folder_row_init (QuernModelFolderRow *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}

/**
 * quern_model_folder_row_new:
 * @folder: a local folder
 *
 * Returns: (transfer floating): a row for a #GtkListBox
 */
GtkWidget *
quern_model_folder_row_new (GFile *folder)
{
  QuernModelFolderRow *self = g_object_new (QUERN_TYPE_MODEL_FOLDER_ROW, NULL);
  const char *path = g_file_peek_path (folder);
  g_autofree char *name = g_path_get_basename (path), *title = g_filename_display_name (name);
  g_autofree char *label = g_strdup_printf (_("Remove Folder %s"), title), *place = g_filename_display_name (path);

  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (self), title);
  adw_action_row_set_subtitle (ADW_ACTION_ROW (self),
                               g_file_test (path, G_FILE_TEST_IS_DIR) ? place : _("Not available at the moment"));
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->button), GTK_ACCESSIBLE_PROPERTY_LABEL, label, -1);
  gtk_actionable_set_action_target (GTK_ACTIONABLE (self->button), "s", path);
  return GTK_WIDGET (self);
}
