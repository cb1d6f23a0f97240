/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-chat-title.h"
#include "quern-sidebar-private.h"

#include "quern-conversation-row.h"
#include "quern-dates.h"
#include "quern-folder-row.h"

#include <glib/gi18n.h>

/* Lists folders and conversations in sections: pinned ones, then the folders, each above its conversations, then the
 * rest by date, newest first. Within a folder, pinned conversations come first. */

enum { PINNED, FOLDERS, DATES };

/* Returns the position of a conversation's folder among the folders, from 1, or 0 if it is in none. */
static guint
place_of (QuernSidebar *self, gint64 folder_id)
{
  return GPOINTER_TO_UINT (g_hash_table_lookup (self->places, &folder_id));
}

static guint
folder_place (QuernSidebar *self, gpointer item)
{
  return place_of (self, QUERN_IS_FOLDER (item) ? quern_folder_get_id (item) : quern_conversation_get_folder_id (item));
}

static guint
section_of (QuernSidebar *self, gpointer item)
{
  if (QUERN_IS_FOLDER (item) || folder_place (self, item) > 0)
    return FOLDERS;
  if (quern_conversation_get_pinned (item))
    return PINNED;
  return DATES + quern_dates_section (self->now, quern_conversation_get_updated (item), FALSE);
}

static int
order (gint64 x, gint64 y)
{
  return x < y ? GTK_ORDERING_SMALLER : x > y ? GTK_ORDERING_LARGER : GTK_ORDERING_EQUAL;
}

static int
compare_sections (gconstpointer a, gconstpointer b, gpointer user_data)
{
  return order (section_of (user_data, (gpointer) a), section_of (user_data, (gpointer) b));
}

/* Compares items of the same section. */
static int
compare_items (gconstpointer a, gconstpointer b, gpointer user_data)
{
  gpointer x = (gpointer) a, y = (gpointer) b;
  int result = order (folder_place (user_data, x), folder_place (user_data, y));

  if (result == 0)
    result = order (!QUERN_IS_FOLDER (x), !QUERN_IS_FOLDER (y));
  if (result != 0 || QUERN_IS_FOLDER (x))
    return result;
  result = order (!quern_conversation_get_pinned (x), !quern_conversation_get_pinned (y));
  return result != 0 ? result : order (quern_conversation_get_updated (y), quern_conversation_get_updated (x));
}

static gboolean
is_collapsed (QuernSidebar *self, gint64 folder_id)
{
  return g_hash_table_contains (self->collapsed, &folder_id);
}

static gboolean
is_listed (gpointer item, gpointer user_data)
{
  QuernSidebar *self = user_data;

  return QUERN_IS_FOLDER (item) || folder_place (self, item) == 0
         || !is_collapsed (self, quern_conversation_get_folder_id (item));
}

/* Returns the title of the section that an item is in. */
char *
_quern_sidebar_dup_section (QuernSidebar *self, gpointer item)
{
  switch (section_of (self, item)) {
  case PINNED: return g_strdup (_("Pinned"));
  case FOLDERS: return g_strdup (_("Folders"));
  default: return quern_dates_section_title (self->now, quern_conversation_get_updated (item), FALSE);
  }
}

#define SHOW_FRAMES 12

/* ---- what is in sight -------------------------------------------------------------------------------------------- */

/* Returns the row of the list that is selected, and the heading above it if the list has built that; both may be NULL. */
static GtkWidget *
find_selected (QuernSidebar *self, GtkWidget **heading)
{
  *heading = NULL;
  for (GtkWidget *row = gtk_widget_get_first_child (GTK_WIDGET (self->list)); row;
       row = gtk_widget_get_next_sibling (row)) {
    GtkWidget *child = gtk_widget_get_first_child (row);

    if (gtk_widget_get_css_name (row) != NULL && g_str_equal (gtk_widget_get_css_name (row), "header"))
      *heading = row;
    if (child != NULL && QUERN_IS_CONVERSATION_ROW (child)
        && quern_conversation_row_get_conversation (QUERN_CONVERSATION_ROW (child)) == self->open)
      return row;
  }
  return NULL;
}

/* Runs before the layout of each frame: after some the row has its place, and the scrolling that was asked for before the list
 * had a size is not forgotten. The list scrolls to rows, but not to their headings. */
static gboolean
show_heading_cb (GtkWidget *widget, GdkFrameClock *clock, gpointer user_data)
{
  QuernSidebar *self = QUERN_SIDEBAR (widget);
  GtkAdjustment *adjustment = gtk_scrollable_get_vadjustment (GTK_SCROLLABLE (self->list));
  guint position = gtk_single_selection_get_selected (self->selection);
  GtkWidget *heading, *row;
  graphene_rect_t row_bounds, bounds;

  if (--self->show_frames > 0) {
    if (position != GTK_INVALID_LIST_POSITION && gtk_widget_get_height (GTK_WIDGET (self->list)) > 0)
      gtk_list_view_scroll_to (self->list, position, GTK_LIST_SCROLL_NONE, NULL);
    return G_SOURCE_CONTINUE;
  }
  self->show_tick = 0;
  row = find_selected (self, &heading);
  if (row == NULL || heading == NULL || !gtk_widget_compute_bounds (row, GTK_WIDGET (self->list), &row_bounds)
      || !gtk_widget_compute_bounds (heading, GTK_WIDGET (self->list), &bounds))
    return G_SOURCE_REMOVE;
  if (bounds.origin.y < 0
      && row_bounds.origin.y + row_bounds.size.height - bounds.origin.y <= gtk_adjustment_get_page_size (adjustment))
    gtk_adjustment_set_value (adjustment, gtk_adjustment_get_value (adjustment) + bounds.origin.y);
  return G_SOURCE_REMOVE;
}

/* Scrolls to the conversation that is open, if it is listed, and to the heading above it if both fit. */
void
_quern_sidebar_show_selected (QuernSidebar *self)
{
  if (gtk_single_selection_get_selected (self->selection) == GTK_INVALID_LIST_POSITION)
    return;
  self->show_frames = SHOW_FRAMES;
  if (self->show_tick == 0)
    self->show_tick = gtk_widget_add_tick_callback (GTK_WIDGET (self), show_heading_cb, NULL, NULL);
}

/* The sorted list reports items that move, but not sections that change around items that do not move. */
static void
resort (QuernSidebar *self)
{
  guint position = gtk_single_selection_get_selected (self->selection), n;

  g_clear_pointer (&self->now, g_date_time_unref);
  self->now = g_date_time_new_now_local ();
  gtk_filter_changed (self->filter, GTK_FILTER_CHANGE_DIFFERENT);
  gtk_sorter_changed (self->section_sorter, GTK_SORTER_CHANGE_DIFFERENT);
  gtk_sorter_changed (self->sorter, GTK_SORTER_CHANGE_DIFFERENT);
  n = g_list_model_get_n_items (G_LIST_MODEL (self->sorted));
  if (n > 0)
    gtk_section_model_sections_changed (GTK_SECTION_MODEL (self->sorted), 0, n);
  if (gtk_single_selection_get_selected (self->selection) != position)
    _quern_sidebar_show_selected (self);
}

static void
conversations_changed_cb (QuernSidebar *self, guint position, guint removed, guint added, GListModel *model)
{
  for (guint i = position; i < position + added; i++) {
    g_autoptr (GObject) item = g_list_model_get_item (model, i);
    g_signal_handlers_disconnect_by_func (item, resort, self);
    g_signal_connect_object (item, "notify::updated", G_CALLBACK (resort), self, G_CONNECT_SWAPPED);
    g_signal_connect_object (item, "notify::pinned", G_CALLBACK (resort), self, G_CONNECT_SWAPPED);
    g_signal_connect_object (item, "notify::folder-id", G_CALLBACK (resort), self, G_CONNECT_SWAPPED);
  }
}

/* Runs before the list hears of the change, because the list asks for positions while it handles it. */
static void
folders_changed_cb (QuernSidebar *self, guint position, guint removed, guint added, GListModel *folders)
{
  g_hash_table_remove_all (self->places);
  for (guint i = 0; i < g_list_model_get_n_items (folders); i++) {
    g_autoptr (QuernFolder) folder = g_list_model_get_item (folders, i);
    gint64 id = quern_folder_get_id (folder);
    g_hash_table_insert (self->places, g_memdup2 (&id, sizeof id), GUINT_TO_POINTER (i + 1));
  }
}

/* ---- collapsed folders ------------------------------------------------------------------------------------------ */

static void
load_collapsed (QuernSidebar *self)
{
  g_autoptr (GVariant) ids = g_settings_get_value (self->settings, "collapsed-folders");

  for (gsize i = 0; i < g_variant_n_children (ids); i++) {
    gint64 id;
    g_variant_get_child (ids, i, "x", &id);
    g_hash_table_add (self->collapsed, g_memdup2 (&id, sizeof id));
  }
}

/* Ids of deleted folders are dropped on the way. */
static void
save_collapsed (QuernSidebar *self)
{
  GVariantBuilder ids;
  GHashTableIter iter;
  gpointer id;

  g_variant_builder_init (&ids, G_VARIANT_TYPE ("ax"));
  g_hash_table_iter_init (&iter, self->collapsed);
  while (g_hash_table_iter_next (&iter, &id, NULL))
    if (place_of (self, *(gint64 *) id) > 0)
      g_variant_builder_add (&ids, "x", *(gint64 *) id);
  g_settings_set_value (self->settings, "collapsed-folders", g_variant_builder_end (&ids));
}

/* Returns the row that shows this folder, or NULL if it is not built. */
static QuernFolderRow *
find_row (QuernSidebar *self, QuernFolder *folder)
{
  for (GtkWidget *row = gtk_widget_get_first_child (GTK_WIDGET (self->list)); row;
       row = gtk_widget_get_next_sibling (row)) {
    GtkWidget *child = gtk_widget_get_first_child (row);
    if (child != NULL && QUERN_IS_FOLDER_ROW (child)
        && quern_folder_row_get_folder (QUERN_FOLDER_ROW (child)) == folder)
      return QUERN_FOLDER_ROW (child);
  }
  return NULL;
}

/* Shows or hides the conversations of a folder. */
void
_quern_sidebar_toggle_folder (QuernSidebar *self, QuernFolder *folder)
{
  gint64 id = quern_folder_get_id (folder);
  QuernFolderRow *row = find_row (self, folder);

  if (!g_hash_table_remove (self->collapsed, &id))
    g_hash_table_add (self->collapsed, g_memdup2 (&id, sizeof id));
  if (row != NULL)
    quern_folder_row_set_expanded (row, !is_collapsed (self, id));
  gtk_filter_changed (self->filter, GTK_FILTER_CHANGE_DIFFERENT);
  save_collapsed (self);
}

/* ---- rows ------------------------------------------------------------------------------------------------------- */

static void
bind_folder (QuernSidebar *self, GtkListItem *item, QuernFolder *folder)
{
  GtkWidget *row = gtk_list_item_get_child (item);

  if (row == NULL || !QUERN_IS_FOLDER_ROW (row)) {
    row = quern_folder_row_new ();
    gtk_list_item_set_child (item, row);
  }
  quern_folder_row_set_folder (QUERN_FOLDER_ROW (row), folder);
  quern_folder_row_set_expanded (QUERN_FOLDER_ROW (row), !is_collapsed (self, quern_folder_get_id (folder)));
  gtk_list_item_set_selectable (item, FALSE);
  gtk_list_item_set_accessible_label (item, quern_folder_get_name (folder));
  gtk_list_item_set_accessible_description (item, _("Folder"));
}

static void
update_name (GtkListItem *item, GParamSpec *pspec, QuernConversation *conversation)
{
  gtk_list_item_set_accessible_label (item, quern_chat_title_shown (quern_conversation_get_title (conversation)));
}

static void
update_indent (GtkListItem *item, GParamSpec *pspec, QuernConversation *conversation)
{
  GtkWidget *row = gtk_list_item_get_child (item);

  if (row == NULL)
    return;
  if (quern_conversation_get_folder_id (conversation) != 0)
    gtk_widget_add_css_class (row, "in-folder");
  else
    gtk_widget_remove_css_class (row, "in-folder");
}

static void
bind_conversation (QuernSidebar *self, GtkListItem *item, QuernConversation *conversation)
{
  GtkWidget *row = gtk_list_item_get_child (item);

  if (row == NULL || !QUERN_IS_CONVERSATION_ROW (row)) {
    row = quern_conversation_row_new ();
    gtk_list_item_set_child (item, row);
  }
  quern_conversation_row_set_conversation (QUERN_CONVERSATION_ROW (row), conversation);
  quern_conversation_row_set_folders (QUERN_CONVERSATION_ROW (row), quern_store_get_folders (self->store));
  gtk_list_item_set_selectable (item, TRUE);
  gtk_list_item_set_accessible_description (item, "");
  g_signal_connect_object (conversation, "notify::title", G_CALLBACK (update_name), item, G_CONNECT_SWAPPED);
  update_name (item, NULL, conversation);
  g_signal_connect_object (conversation, "notify::folder-id", G_CALLBACK (update_indent), item, G_CONNECT_SWAPPED);
  update_indent (item, NULL, conversation);
}

void
_quern_sidebar_bind (QuernSidebar *self, GtkListItem *item)
{
  GObject *object = gtk_list_item_get_item (item);

  if (QUERN_IS_FOLDER (object))
    bind_folder (self, item, QUERN_FOLDER (object));
  else
    bind_conversation (self, item, QUERN_CONVERSATION (object));
}

void
_quern_sidebar_unbind (QuernSidebar *self, GtkListItem *item)
{
  GObject *object = gtk_list_item_get_item (item);
  GtkWidget *row = gtk_list_item_get_child (item);

  if (QUERN_IS_CONVERSATION (object)) {
    g_signal_handlers_disconnect_by_func (object, update_name, item);
    g_signal_handlers_disconnect_by_func (object, update_indent, item);
  }
  if (row != NULL && QUERN_IS_CONVERSATION_ROW (row))
    quern_conversation_row_set_conversation (QUERN_CONVERSATION_ROW (row), NULL);
  if (row != NULL && QUERN_IS_FOLDER_ROW (row))
    quern_folder_row_set_folder (QUERN_FOLDER_ROW (row), NULL);
}

/* ---- keys ------------------------------------------------------------------------------------------------------- */

/* Returns the widget in the list's focused row. Returns NULL if the focus is elsewhere, for example in a menu
 * button. */
static GtkWidget *
focused_row (QuernSidebar *self)
{
  GtkWidget *focus = gtk_root_get_focus (gtk_widget_get_root (GTK_WIDGET (self->list)));

  return focus != NULL && gtk_widget_get_parent (focus) == GTK_WIDGET (self->list) ? gtk_widget_get_first_child (focus)
                                                                                   : NULL;
}

static gboolean
menu_key_cb (GtkWidget *list, GVariant *arguments, gpointer user_data)
{
  GtkWidget *row = focused_row (user_data);

  if (row != NULL && QUERN_IS_CONVERSATION_ROW (row))
    quern_conversation_row_popup (QUERN_CONVERSATION_ROW (row));
  else if (row != NULL && QUERN_IS_FOLDER_ROW (row))
    quern_folder_row_popup (QUERN_FOLDER_ROW (row));
  else
    return GDK_EVENT_PROPAGATE;
  return GDK_EVENT_STOP;
}

static gboolean
delete_key_cb (GtkWidget *list, GVariant *arguments, gpointer user_data)
{
  GtkWidget *row = focused_row (user_data);
  QuernConversation *conversation;
  QuernFolder *folder;

  if (row != NULL && QUERN_IS_CONVERSATION_ROW (row)) {
    conversation = quern_conversation_row_get_conversation (QUERN_CONVERSATION_ROW (row));
    return gtk_widget_activate_action (list, "win.delete-conversation", "x", quern_conversation_get_id (conversation));
  }
  folder = row != NULL && QUERN_IS_FOLDER_ROW (row) ? quern_folder_row_get_folder (QUERN_FOLDER_ROW (row)) : NULL;
  return folder != NULL && gtk_widget_activate_action (list, "win.delete-folder", "x", quern_folder_get_id (folder));
}

static void
add_keys (QuernSidebar *self)
{
  GtkEventController *controller = gtk_shortcut_controller_new ();
  const struct {
    const char *trigger;
    GtkShortcutFunc func;
  } keys[] = { { "Menu|<Shift>F10", menu_key_cb }, { "Delete|KP_Delete", delete_key_cb } };

  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    gtk_shortcut_controller_add_shortcut (GTK_SHORTCUT_CONTROLLER (controller),
                                          gtk_shortcut_new (gtk_shortcut_trigger_parse_string (keys[i].trigger),
                                                            gtk_callback_action_new (keys[i].func, self, NULL)));
  gtk_widget_add_controller (GTK_WIDGET (self->list), controller);
}

/* ---- set up ----------------------------------------------------------------------------------------------------- */

void
_quern_sidebar_init_list (QuernSidebar *self)
{
  self->settings = g_settings_new (QUERN_APP_ID);
  self->now = g_date_time_new_now_local ();
  self->places = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  self->collapsed = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  load_collapsed (self);
  self->filter = GTK_FILTER (gtk_custom_filter_new (is_listed, self, NULL));
  self->sorter = GTK_SORTER (gtk_custom_sorter_new (compare_items, self, NULL));
  self->section_sorter = GTK_SORTER (gtk_custom_sorter_new (compare_sections, self, NULL));
  gtk_filter_list_model_set_filter (self->filtered, self->filter);
  gtk_sort_list_model_set_sorter (self->sorted, self->sorter);
  gtk_sort_list_model_set_section_sorter (self->sorted, self->section_sorter);
  g_signal_connect_object (self->selection, "items-changed", G_CALLBACK (_quern_sidebar_update_page), self,
                           G_CONNECT_SWAPPED);
  add_keys (self);
}

/* Call it in dispose; the list shows nothing afterwards. */
void
_quern_sidebar_clear_list (QuernSidebar *self)
{
  if (self->show_tick != 0)
    gtk_widget_remove_tick_callback (GTK_WIDGET (self), self->show_tick);
  self->show_tick = 0;
  if (self->filtered != NULL)
    gtk_filter_list_model_set_model (self->filtered, NULL);
  g_clear_object (&self->filter);
  g_clear_object (&self->sorter);
  g_clear_object (&self->section_sorter);
  g_clear_object (&self->settings);
  g_clear_pointer (&self->places, g_hash_table_unref);
  g_clear_pointer (&self->collapsed, g_hash_table_unref);
  g_clear_pointer (&self->now, g_date_time_unref);
}

/* Shows the conversations and folders of the store. */
void
_quern_sidebar_set_list (QuernSidebar *self)
{
  GListModel *conversations = quern_store_get_conversations (self->store);
  GListModel *folders = quern_store_get_folders (self->store);
  GListStore *both = g_list_store_new (G_TYPE_LIST_MODEL);
  g_autoptr (GtkFlattenListModel) flat = NULL;

  g_signal_connect_object (conversations, "items-changed", G_CALLBACK (conversations_changed_cb), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (folders, "items-changed", G_CALLBACK (folders_changed_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (folders, "items-changed", G_CALLBACK (resort), self, G_CONNECT_SWAPPED | G_CONNECT_AFTER);
  conversations_changed_cb (self, 0, 0, g_list_model_get_n_items (conversations), conversations);
  folders_changed_cb (self, 0, 0, g_list_model_get_n_items (folders), folders);
  g_list_store_append (both, folders);
  g_list_store_append (both, conversations);
  flat = gtk_flatten_list_model_new (G_LIST_MODEL (both));
  gtk_filter_list_model_set_model (self->filtered, G_LIST_MODEL (flat));
  _quern_sidebar_update_page (self);
}
