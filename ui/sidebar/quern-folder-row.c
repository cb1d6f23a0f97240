/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-folder-row.h"

#include <glib/gi18n.h>

#include "quern-row-drag.h"

/* Shows a folder in the sidebar, above its conversations: an arrow, its name and a menu. Conversations can be dropped
 * on it. */
struct _QuernFolderRow {
  AdwBin parent_instance;

  /* Template widgets */
  GtkImage *arrow;
  GtkLabel *name;
  GtkMenuButton *more;

  /* Owned references */
  QuernFolder *folder;

  gboolean expanded;
};

G_DEFINE_FINAL_TYPE (QuernFolderRow, quern_folder_row, ADW_TYPE_BIN)

static void
append_item (GMenu *menu, const char *label, const char *action, gint64 id)
{
  g_autoptr (GMenuItem) item = g_menu_item_new (label, NULL);
  g_menu_item_set_action_and_target (item, action, "x", id);
  g_menu_append_item (menu, item);
}

static void
quern_folder_row_create_menu_cb (GtkMenuButton *button, gpointer user_data)
{
  QuernFolderRow *self = QUERN_FOLDER_ROW (user_data);
  g_autoptr (GMenu) menu = g_menu_new ();
  g_autoptr (GMenu) removal = g_menu_new ();
  gint64 id = self->folder != NULL ? quern_folder_get_id (self->folder) : 0;

  append_item (menu, _("_New Chat Here"), "win.new-chat-in-folder", id);
  append_item (menu, _("_Rename…"), "win.rename-folder", id);
  append_item (removal, _("_Delete Folder"), "win.delete-folder", id);
  g_menu_append_section (menu, NULL, G_MENU_MODEL (removal));
  gtk_menu_button_set_menu_model (button, G_MENU_MODEL (menu));
}

static void
quern_folder_row_secondary_pressed_cb (QuernFolderRow *self, int n_press, double x, double y, GtkGestureClick *gesture)
{
  gtk_gesture_set_state (GTK_GESTURE (gesture), GTK_EVENT_SEQUENCE_CLAIMED);
  quern_folder_row_popup (self);
}

static void
quern_folder_row_long_pressed_cb (QuernFolderRow *self, double x, double y, GtkGestureLongPress *gesture)
{
  gtk_gesture_set_state (GTK_GESTURE (gesture), GTK_EVENT_SEQUENCE_CLAIMED);
  quern_folder_row_popup (self);
}

static gint64
quern_folder_row_dropped_on (GtkWidget *widget)
{
  QuernFolder *folder = QUERN_FOLDER_ROW (widget)->folder;
  return folder != NULL ? quern_folder_get_id (folder) : 0;
}

/* The list's row has the focus, so it must tell screen readers whether the folder is expanded. */
static void
quern_folder_row_update_state (QuernFolderRow *self)
{
  GtkWidget *row = gtk_widget_get_parent (GTK_WIDGET (self));

  gtk_image_set_from_icon_name (self->arrow, self->expanded ? "pan-down-symbolic" : "pan-end-symbolic");
  if (row != NULL)
    gtk_accessible_update_state (GTK_ACCESSIBLE (row), GTK_ACCESSIBLE_STATE_EXPANDED, self->expanded, -1);
}

static void
parent_changed_cb (QuernFolderRow *self)
{
  quern_folder_row_update_state (self);
}

static void
quern_folder_row_dispose (GObject *object)
{
  g_clear_object (&QUERN_FOLDER_ROW (object)->folder);
  gtk_widget_dispose_template (GTK_WIDGET (object), QUERN_TYPE_FOLDER_ROW);
  G_OBJECT_CLASS (quern_folder_row_parent_class)->dispose (object);
}

static void
quern_folder_row_class_init (QuernFolderRowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = quern_folder_row_dispose;
  gtk_widget_class_set_template_from_resource (widget_class, "/io/github/quern/Quern/ui/sidebar/quern-folder-row.ui");
  gtk_widget_class_bind_template_child (widget_class, QuernFolderRow, arrow);
  gtk_widget_class_bind_template_child (widget_class, QuernFolderRow, name);
  gtk_widget_class_bind_template_child (widget_class, QuernFolderRow, more);
  gtk_widget_class_bind_template_callback (widget_class, quern_folder_row_secondary_pressed_cb);
  gtk_widget_class_bind_template_callback (widget_class, quern_folder_row_long_pressed_cb);
}

static void
quern_folder_row_init (QuernFolderRow *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  gtk_menu_button_set_create_popup_func (self->more, quern_folder_row_create_menu_cb, self, NULL);
  g_signal_connect (self, "notify::parent", G_CALLBACK (parent_changed_cb), NULL);
  quern_row_accept_drops (GTK_WIDGET (self), quern_folder_row_dropped_on);
}

/**
 * quern_folder_row_new:
 *
 * Returns: (transfer floating): a row without a folder
 */
GtkWidget *
quern_folder_row_new (void)
{
  return g_object_new (QUERN_TYPE_FOLDER_ROW, NULL);
}

/**
 * quern_folder_row_set_folder:
 * @folder: (nullable): what it shows from now on
 */
void
quern_folder_row_set_folder (QuernFolderRow *self, QuernFolder *folder)
{
  g_return_if_fail (QUERN_IS_FOLDER_ROW (self));

  g_set_object (&self->folder, folder);
  gtk_label_set_label (self->name, folder != NULL ? quern_folder_get_name (folder) : "");
}

/**
 * quern_folder_row_get_folder:
 *
 * Returns: (transfer none) (nullable): what it shows
 */
QuernFolder *
quern_folder_row_get_folder (QuernFolderRow *self)
{
  g_return_val_if_fail (QUERN_IS_FOLDER_ROW (self), NULL);

  return self->folder;
}

/**
 * quern_folder_row_set_expanded:
 * @expanded: whether its conversations are listed below it
 */
void
quern_folder_row_set_expanded (QuernFolderRow *self, gboolean expanded)
{
  g_return_if_fail (QUERN_IS_FOLDER_ROW (self));

  self->expanded = expanded;
  quern_folder_row_update_state (self);
}

void
quern_folder_row_popup (QuernFolderRow *self)
{
  g_return_if_fail (QUERN_IS_FOLDER_ROW (self));
  gtk_menu_button_popup (self->more);
}
