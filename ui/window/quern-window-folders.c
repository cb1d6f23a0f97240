/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-window-private.h"

#include <glib/gi18n.h>

#include "widgets/quern-name-dialog.h"
#include "quern-folder.h"
#include "widgets/quern-undo.h"

/* Actions of the window about folders. They take the ids of a folder or a conversation, or first the one and then the
 * other. */

static QuernFolder *
get_folder (QuernWindow *self, GVariant *id)
{
  return self->store != NULL ? quern_store_find_folder (self->store, g_variant_get_int64 (id)) : NULL;
}

/* ---- new -------------------------------------------------------------------------------------------------------- */

typedef struct {
  QuernStore *store;
  gint64 conversation_id; /* goes into the new folder; 0 for none */
} New;

static void
new_free (gpointer data)
{
  g_object_unref (((New *) data)->store);
  g_free (data);
}

static void
make_folder (const char *name, gpointer data)
{
  New *new = data;
  QuernConversation *conversation = quern_store_get_conversation (new->store, new->conversation_id);
  QuernFolder *folder = quern_store_add_folder (new->store, name);

  if (conversation != NULL)
    quern_conversation_set_folder_id (conversation, quern_folder_get_id (folder));
}

static void
ask_for_folder (QuernWindow *self, gint64 conversation_id)
{
  New *new;

  if (self->store == NULL)
    return;
  new = g_new (New, 1);
  *new = (New) { g_object_ref (self->store), conversation_id };
  quern_name_dialog_ask (GTK_WIDGET (self), _("New Folder"), _("_Create"), "", make_folder, new, new_free);
}

static void
new_folder_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  ask_for_folder (QUERN_WINDOW (widget), 0);
}

static void
move_to_new_folder_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  ask_for_folder (QUERN_WINDOW (widget), g_variant_get_int64 (parameter));
}

static void
new_chat_in_folder_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  QuernWindow *self = QUERN_WINDOW (widget);

  if (get_folder (self, parameter) == NULL)
    return;
  _quern_window_new_chat (self);
  quern_conversation_set_folder_id (quern_chat_session_get_conversation (self->session),
                                    g_variant_get_int64 (parameter));
}

/* ---- rename ----------------------------------------------------------------------------------------------------- */

typedef struct {
  QuernStore *store;
  gint64 id; /* the object of a folder changes with its name */
} Renamed;

static void
renamed_free (gpointer data)
{
  g_object_unref (((Renamed *) data)->store);
  g_free (data);
}

static void
rename_folder (const char *name, gpointer data)
{
  Renamed *renamed = data;
  QuernFolder *folder = quern_store_find_folder (renamed->store, renamed->id);

  if (folder != NULL)
    quern_store_rename_folder (renamed->store, folder, name);
}

static void
rename_folder_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  QuernWindow *self = QUERN_WINDOW (widget);
  QuernFolder *folder = get_folder (self, parameter);
  Renamed *renamed;

  if (folder == NULL)
    return;
  renamed = g_new (Renamed, 1);
  *renamed = (Renamed) { g_object_ref (self->store), quern_folder_get_id (folder) };
  quern_name_dialog_ask (widget, _("Rename Folder"), _("_Rename"), quern_folder_get_name (folder), rename_folder,
                         renamed, renamed_free);
}

/* ---- move ------------------------------------------------------------------------------------------------------- */

static void
move_to_folder_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  QuernWindow *self = QUERN_WINDOW (widget);
  QuernConversation *conversation;
  gint64 id, folder_id;

  g_variant_get (parameter, "(xx)", &id, &folder_id);
  conversation = self->store != NULL ? quern_store_get_conversation (self->store, id) : NULL;
  if (conversation != NULL && (folder_id == 0 || quern_store_find_folder (self->store, folder_id) != NULL))
    quern_conversation_set_folder_id (conversation, folder_id);
}

/* ---- delete, with undo ------------------------------------------------------------------------------------------ */

typedef struct {
  QuernStore *store;
  QuernFolder *folder;
  GPtrArray *conversations; /* that were in it */
} Deleted;

static void
quern_window_folders_deleted_free (gpointer data)
{
  Deleted *deleted = data;

  g_object_unref (deleted->store);
  g_object_unref (deleted->folder);
  g_ptr_array_unref (deleted->conversations);
  g_free (deleted);
}

static void
restore_folder (gpointer data)
{
  Deleted *deleted = data;

  quern_store_restore_folder (deleted->store, deleted->folder);
  for (guint i = 0; i < deleted->conversations->len; i++)
    if (quern_conversation_get_folder_id (deleted->conversations->pdata[i]) == 0)
      quern_conversation_set_folder_id (deleted->conversations->pdata[i], quern_folder_get_id (deleted->folder));
}

static void
delete_folder_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  QuernWindow *self = QUERN_WINDOW (widget);
  QuernFolder *folder = get_folder (self, parameter);
  GListModel *conversations;
  Deleted *deleted;

  if (folder == NULL)
    return;
  deleted = g_new (Deleted, 1);
  *deleted = (Deleted) { g_object_ref (self->store), g_object_ref (folder),
                         g_ptr_array_new_with_free_func (g_object_unref) };
  conversations = quern_store_get_conversations (self->store);
  for (guint i = 0; i < g_list_model_get_n_items (conversations); i++) {
    g_autoptr (QuernConversation) conversation = g_list_model_get_item (conversations, i);
    if (quern_conversation_get_folder_id (conversation) == quern_folder_get_id (folder))
      g_ptr_array_add (deleted->conversations, g_steal_pointer (&conversation));
  }
  quern_store_delete_folder (self->store, folder);
  quern_undo_offer (GTK_WIDGET (self->split_view), self->store, _("Folder deleted; its conversations were kept"),
                    restore_folder, deleted, quern_window_folders_deleted_free);
}

void
_quern_window_install_folder_actions (GtkWidgetClass *widget_class)
{
  gtk_widget_class_install_action (widget_class, "win.new-folder", NULL, new_folder_action);
  gtk_widget_class_install_action (widget_class, "win.new-chat-in-folder", "x", new_chat_in_folder_action);
  gtk_widget_class_install_action (widget_class, "win.rename-folder", "x", rename_folder_action);
  gtk_widget_class_install_action (widget_class, "win.delete-folder", "x", delete_folder_action);
  gtk_widget_class_install_action (widget_class, "win.move-to-folder", "(xx)", move_to_folder_action);
  gtk_widget_class_install_action (widget_class, "win.move-to-new-folder", "x", move_to_new_folder_action);
}
