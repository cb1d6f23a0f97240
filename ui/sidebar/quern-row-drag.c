/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-row-drag.h"

static GdkContentProvider *
prepare_cb (GtkDragSource *source, double x, double y, gpointer get_conversation)
{
  GtkWidget *row = gtk_event_controller_get_widget (GTK_EVENT_CONTROLLER (source));
  gint64 id = ((QuernRowIdFunc) get_conversation) (row);

  return id != 0 ? gdk_content_provider_new_typed (G_TYPE_INT64, id) : NULL;
}

static void
drag_begin_cb (GtkDragSource *source, GdkDrag *drag, gpointer user_data)
{
  g_autoptr (GdkPaintable)
      picture = gtk_widget_paintable_new (gtk_event_controller_get_widget (GTK_EVENT_CONTROLLER (source)));
  gtk_drag_source_set_icon (source, picture, 12, 12);
}

static gboolean
quern_row_drag_drop_cb (GtkDropTarget *target, const GValue *value, double x, double y, gpointer get_folder)
{
  GtkWidget *row = gtk_event_controller_get_widget (GTK_EVENT_CONTROLLER (target));

  gtk_widget_activate_action (row, "win.move-to-folder", "(xx)", g_value_get_int64 (value),
                              ((QuernRowIdFunc) get_folder) (row));
  return TRUE;
}

/**
 * quern_row_allow_drags:
 * @get_conversation: the id of the row's conversation, or 0
 */
void
quern_row_allow_drags (GtkWidget *row, QuernRowIdFunc get_conversation)
{
  GtkDragSource *source = gtk_drag_source_new ();

  gtk_drag_source_set_actions (source, GDK_ACTION_MOVE);
  g_signal_connect (source, "prepare", G_CALLBACK (prepare_cb), get_conversation);
  g_signal_connect (source, "drag-begin", G_CALLBACK (drag_begin_cb), NULL);
  gtk_widget_add_controller (row, GTK_EVENT_CONTROLLER (source));
}

/**
 * quern_row_accept_drops:
 * @get_folder: the id of the folder that a conversation goes to when it is dropped there, or 0 for none
 */
void
quern_row_accept_drops (GtkWidget *row, QuernRowIdFunc get_folder)
{
  GtkDropTarget *target = gtk_drop_target_new (G_TYPE_INT64, GDK_ACTION_MOVE);

  g_signal_connect (target, "drop", G_CALLBACK (quern_row_drag_drop_cb), get_folder);
  gtk_widget_add_controller (row, GTK_EVENT_CONTROLLER (target));
}
