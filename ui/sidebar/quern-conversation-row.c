/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-conversation-row.h"

#include <glib/gi18n.h>

#include "quern-chat-title.h"
#include "quern-export.h"
#include "quern-folder.h"
#include "quern-row-drag.h"

/* Shows one conversation in the sidebar: title, pin, a spinner while it answers, and a menu. */
struct _QuernConversationRow {
  AdwBin parent_instance;

  /* Template widgets */
  GtkMenuButton *more;

  /* Owned references */
  QuernConversation *conversation;
  GListModel *folders; /* of QuernFolder, where it can be moved */
};

enum { PROP_0, PROP_CONVERSATION, N_PROPS };

static GParamSpec *properties[N_PROPS];

G_DEFINE_FINAL_TYPE (QuernConversationRow, quern_conversation_row, ADW_TYPE_BIN)

static char *
display_title (QuernConversationRow *self, const char *title)
{
  return g_strdup (quern_chat_title_shown (title));
}

static void
quern_conversation_row_append_item (GMenu *menu, const char *label, const char *action, gint64 id)
{
  g_autoptr (GMenuItem) item = g_menu_item_new (label, NULL);
  g_menu_item_set_action_and_target (item, action, "x", id);
  g_menu_append_item (menu, item);
}

static void
append_export (GMenu *menu, const char *label, QuernExportFormat format, gint64 id)
{
  g_autoptr (GMenuItem) item = g_menu_item_new (label, NULL);
  g_menu_item_set_action_and_target (item, "win.export", "(xi)", id, (int) format);
  g_menu_append_item (menu, item);
}

static void
append_move (GMenu *menu, const char *label, gint64 id, gint64 folder_id)
{
  g_autoptr (GMenuItem) item = g_menu_item_new (label, NULL);
  g_menu_item_set_action_and_target (item, "win.move-to-folder", "(xx)", id, folder_id);
  g_menu_append_item (menu, item);
}

/* Lists the other folders, an item to leave the present folder, and one for a new folder. */
static GMenuModel *
make_folder_menu (QuernConversationRow *self, gint64 id)
{
  GMenu *menu = g_menu_new ();
  g_autoptr (GMenu) folders = g_menu_new ();
  g_autoptr (GMenu) others = g_menu_new ();
  gint64 own = quern_conversation_get_folder_id (self->conversation);

  for (guint i = 0; self->folders != NULL && i < g_list_model_get_n_items (self->folders); i++) {
    g_autoptr (QuernFolder) folder = g_list_model_get_item (self->folders, i);
    g_auto (GStrv) parts = g_strsplit (quern_folder_get_name (folder), "_", -1);
    g_autofree char *label = g_strjoinv ("__", parts); /* a single underscore would be a mnemonic */
    if (quern_folder_get_id (folder) != own)
      append_move (folders, label, id, quern_folder_get_id (folder));
  }
  if (own != 0)
    append_move (others, _("_Remove from Folder"), id, 0);
  quern_conversation_row_append_item (others, _("_New Folder…"), "win.move-to-new-folder", id);
  g_menu_append_section (menu, NULL, G_MENU_MODEL (folders));
  g_menu_append_section (menu, NULL, G_MENU_MODEL (others));
  return G_MENU_MODEL (menu);
}

/* The menu is made when it opens, so that its items fit the conversation. */
static void
quern_conversation_row_create_menu_cb (GtkMenuButton *button, gpointer user_data)
{
  QuernConversationRow *self = QUERN_CONVERSATION_ROW (user_data);
  g_autoptr (GMenu) menu = g_menu_new ();
  g_autoptr (GMenu) exports = g_menu_new ();
  g_autoptr (GMenu) removal = g_menu_new ();
  g_autoptr (GMenuModel) folders = NULL;
  gint64 id;

  if (self->conversation == NULL)
    return;
  id = quern_conversation_get_id (self->conversation);
  quern_conversation_row_append_item (menu, _("Open in New _Window"), "win.open-in-new-window", id);
  quern_conversation_row_append_item (menu, _("_Rename…"), "win.rename-conversation", id);
  quern_conversation_row_append_item (menu,
                                      quern_conversation_get_pinned (self->conversation) ? _("_Unpin") : _("_Pin"),
                                      "win.pin-conversation", id);
  folders = make_folder_menu (self, id);
  g_menu_append_submenu (menu, _("_Move to Folder"), folders);
  append_export (exports, _("_Markdown…"), QUERN_EXPORT_MARKDOWN, id);
  append_export (exports, _("_Web Page…"), QUERN_EXPORT_HTML, id);
  quern_conversation_row_append_item (exports, _("_PDF…"), "win.save-pdf", id);
  append_export (exports, _("_JSON, to Import Again…"), QUERN_EXPORT_JSON, id);
  g_menu_append_submenu (menu, _("_Export"), G_MENU_MODEL (exports));
  quern_conversation_row_append_item (removal, _("_Delete"), "win.delete-conversation", id);
  g_menu_append_section (menu, NULL, G_MENU_MODEL (removal));
  gtk_menu_button_set_menu_model (button, G_MENU_MODEL (menu));
}

static void
quern_conversation_row_secondary_pressed_cb (QuernConversationRow *self, int n_press, double x, double y,
                                             GtkGestureClick *gesture)
{
  gtk_gesture_set_state (GTK_GESTURE (gesture), GTK_EVENT_SEQUENCE_CLAIMED);
  quern_conversation_row_popup (self);
}

static void
quern_conversation_row_long_pressed_cb (QuernConversationRow *self, double x, double y, GtkGestureLongPress *gesture)
{
  gtk_gesture_set_state (GTK_GESTURE (gesture), GTK_EVENT_SEQUENCE_CLAIMED);
  quern_conversation_row_popup (self);
}

static gint64
dragged (GtkWidget *widget)
{
  QuernConversation *conversation = QUERN_CONVERSATION_ROW (widget)->conversation;
  return conversation != NULL ? quern_conversation_get_id (conversation) : 0;
}

/* A conversation that is dropped on another one moves to its folder. */
static gint64
quern_conversation_row_dropped_on (GtkWidget *widget)
{
  QuernConversation *conversation = QUERN_CONVERSATION_ROW (widget)->conversation;
  return conversation != NULL ? quern_conversation_get_folder_id (conversation) : 0;
}

static void
quern_conversation_row_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  if (id == PROP_CONVERSATION)
    g_value_set_object (value, QUERN_CONVERSATION_ROW (object)->conversation);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
quern_conversation_row_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  if (id == PROP_CONVERSATION)
    quern_conversation_row_set_conversation (QUERN_CONVERSATION_ROW (object), g_value_get_object (value));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
quern_conversation_row_dispose (GObject *object)
{
  QuernConversationRow *self = QUERN_CONVERSATION_ROW (object);

  g_clear_object (&self->conversation);
  g_clear_object (&self->folders);
  gtk_widget_dispose_template (GTK_WIDGET (self), QUERN_TYPE_CONVERSATION_ROW);
  G_OBJECT_CLASS (quern_conversation_row_parent_class)->dispose (object);
}

static void
quern_conversation_row_class_init (QuernConversationRowClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->get_property = quern_conversation_row_get_property;
  object_class->set_property = quern_conversation_row_set_property;
  object_class->dispose = quern_conversation_row_dispose;
  properties[PROP_CONVERSATION] = g_param_spec_object ("conversation", NULL, NULL, QUERN_TYPE_CONVERSATION,
                                                       G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS
                                                           | G_PARAM_EXPLICIT_NOTIFY);
  g_object_class_install_properties (object_class, N_PROPS, properties);

  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/io/github/quern/Quern/ui/sidebar/quern-conversation-row.ui");
  gtk_widget_class_bind_template_child (widget_class, QuernConversationRow, more);
  gtk_widget_class_bind_template_callback (widget_class, display_title);
  gtk_widget_class_bind_template_callback (widget_class, quern_conversation_row_secondary_pressed_cb);
  gtk_widget_class_bind_template_callback (widget_class, quern_conversation_row_long_pressed_cb);
}

static void
quern_conversation_row_init (QuernConversationRow *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  gtk_menu_button_set_create_popup_func (self->more, quern_conversation_row_create_menu_cb, self, NULL);
  quern_row_allow_drags (GTK_WIDGET (self), dragged);
  quern_row_accept_drops (GTK_WIDGET (self), quern_conversation_row_dropped_on);
}

/**
 * quern_conversation_row_new:
 *
 * Returns: (transfer floating): a row without a conversation
 */
GtkWidget *
quern_conversation_row_new (void)
{
  return g_object_new (QUERN_TYPE_CONVERSATION_ROW, NULL);
}

/**
 * quern_conversation_row_set_conversation:
 * @conversation: (nullable): what it shows from now on
 */
void
quern_conversation_row_set_conversation (QuernConversationRow *self, QuernConversation *conversation)
{
  g_return_if_fail (QUERN_IS_CONVERSATION_ROW (self));

  if (g_set_object (&self->conversation, conversation))
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_CONVERSATION]);
}

/**
 * quern_conversation_row_get_conversation:
 *
 * Returns: (transfer none) (nullable): what it shows
 */
QuernConversation *
quern_conversation_row_get_conversation (QuernConversationRow *self)
{
  g_return_val_if_fail (QUERN_IS_CONVERSATION_ROW (self), NULL);
  return self->conversation;
}

/**
 * quern_conversation_row_set_folders:
 * @folders: (element-type QuernFolder): where its menu offers to move it
 */
void
quern_conversation_row_set_folders (QuernConversationRow *self, GListModel *folders)
{
  g_return_if_fail (QUERN_IS_CONVERSATION_ROW (self));
  g_set_object (&self->folders, folders);
}

void
quern_conversation_row_popup (QuernConversationRow *self)
{
  g_return_if_fail (QUERN_IS_CONVERSATION_ROW (self));
  gtk_menu_button_popup (self->more);
}
