/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-sidebar-private.h"

#include "quern-conversation-row.h"

#include <glib/gi18n.h>

/* The sidebar: the list of conversations (quern-sidebar-list.c) and the search in their messages
 * (quern-sidebar-search.c). It activates actions, which the window handles. */

G_DEFINE_FINAL_TYPE (QuernSidebar, quern_sidebar, ADW_TYPE_BIN)

static void
setup_header_cb (GtkSignalListItemFactory *factory, GObject *object)
{
  GtkWidget *label = gtk_label_new (NULL);
  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_label_set_ellipsize (GTK_LABEL (label), PANGO_ELLIPSIZE_END);
  gtk_widget_add_css_class (label, "caption-heading");
  gtk_widget_add_css_class (label, "dim-label");
  gtk_list_header_set_child (GTK_LIST_HEADER (object), label);
}

static void
bind_header_cb (QuernSidebar *self, GtkListHeader *header)
{
  g_autofree char *title = _quern_sidebar_dup_section (self, gtk_list_header_get_item (header));
  gtk_label_set_label (GTK_LABEL (gtk_list_header_get_child (header)), title);
}

static void
quern_sidebar_activate_cb (QuernSidebar *self, guint position)
{
  g_autoptr (GObject) item = g_list_model_get_item (G_LIST_MODEL (self->selection), position);

  if (QUERN_IS_FOLDER (item))
    _quern_sidebar_toggle_folder (self, QUERN_FOLDER (item));
  else
    gtk_widget_activate_action (GTK_WIDGET (self), "win.open-conversation", "x",
                                quern_conversation_get_id (QUERN_CONVERSATION (item)));
}

static void
search_changed_cb (QuernSidebar *self)
{
  _quern_sidebar_search (self);
}

static void
stop_search_cb (QuernSidebar *self)
{
  gtk_search_bar_set_search_mode (self->search_bar, FALSE);
}

/* Return opens the first result. */
static void
search_activate_cb (QuernSidebar *self)
{
  GtkListBoxRow *row = gtk_list_box_get_row_at_index (self->results, 0);
  if (row != NULL && g_str_equal (gtk_stack_get_visible_child_name (self->stack), "results"))
    gtk_widget_activate (GTK_WIDGET (row));
}

static void
result_activated_cb (QuernSidebar *self, GtkListBoxRow *row)
{
  g_autoptr (QuernSearchHit) hit = g_list_model_get_item (self->hits, (guint) gtk_list_box_row_get_index (row));

  gtk_widget_activate_action (GTK_WIDGET (self), "win.open-message", "(xxs)",
                              quern_search_hit_get_conversation_id (hit), quern_search_hit_get_message_id (hit),
                              gtk_editable_get_text (GTK_EDITABLE (self->search_entry)));
}

/* ---- comparisons ------------------------------------------------------------------------------------------------ */

static void
comparison_activated_cb (QuernSidebar *self, GtkListBoxRow *row)
{
  g_autoptr (QuernComparisonEntry)
      entry = g_list_model_get_item (self->entries, (guint) gtk_list_box_row_get_index (row));

  gtk_widget_activate_action (GTK_WIDGET (self), "win.open-comparison", "x", quern_comparison_entry_get_id (entry));
}

static gboolean
display_title (GBinding *binding, const GValue *from, GValue *to, gpointer user_data)
{
  const char *title = g_value_get_string (from);
  g_value_set_string (to, title != NULL && *title != '\0' ? title : _("Comparison"));
  return TRUE;
}

static void
append_comparison_item (GMenu *menu, const char *label, const char *action, gint64 id)
{
  g_autoptr (GMenuItem) item = g_menu_item_new (label, NULL);

  g_menu_item_set_action_and_target (item, action, "x", id);
  g_menu_append_item (menu, item);
}

static void
append_comparison_export (GMenu *menu, const char *label, gint64 id, const char *format)
{
  g_autoptr (GMenuItem) item = g_menu_item_new (label, NULL);
  g_menu_item_set_action_and_target (item, "win.export-comparison", "(xs)", id, format);
  g_menu_append_item (menu, item);
}

static GtkWidget *
create_comparison_row (gpointer item, gpointer user_data)
{
  gint64 id = quern_comparison_entry_get_id (item);
  g_autoptr (GMenu) menu = g_menu_new (), exports = g_menu_new (), removal = g_menu_new ();
  GtkWidget *row = gtk_list_box_row_new (), *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);
  GtkWidget *label = gtk_label_new (NULL), *button = gtk_menu_button_new ();

  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_label_set_ellipsize (GTK_LABEL (label), PANGO_ELLIPSIZE_END);
  gtk_widget_set_hexpand (label, TRUE);
  g_object_bind_property_full (item, "title", label, "label", G_BINDING_SYNC_CREATE, display_title, NULL, NULL, NULL);
  append_comparison_item (menu, _("_Rename…"), "win.rename-comparison", id);
  append_comparison_export (exports, _("_Markdown…"), id, "md");
  append_comparison_export (exports, _("_Web Page…"), id, "html");
  append_comparison_export (exports, _("_JSON, to Import Again…"), id, "json");
  g_menu_append_submenu (menu, _("_Export"), G_MENU_MODEL (exports));
  append_comparison_item (removal, _("_Delete"), "win.delete-comparison", id);
  g_menu_append_section (menu, NULL, G_MENU_MODEL (removal));
  gtk_menu_button_set_icon_name (GTK_MENU_BUTTON (button), "view-more-symbolic");
  gtk_menu_button_set_menu_model (GTK_MENU_BUTTON (button), G_MENU_MODEL (menu));
  gtk_widget_set_tooltip_text (button, _("Comparison Actions"));
  gtk_widget_set_valign (button, GTK_ALIGN_CENTER);
  gtk_widget_add_css_class (button, "flat");
  gtk_widget_add_css_class (button, "row-more");
  gtk_box_append (GTK_BOX (box), label);
  gtk_box_append (GTK_BOX (box), button);
  gtk_widget_add_css_class (box, "conversation-row");
  gtk_list_box_row_set_child (GTK_LIST_BOX_ROW (row), box);
  gtk_accessible_update_relation (GTK_ACCESSIBLE (row), GTK_ACCESSIBLE_RELATION_LABELLED_BY, label, NULL, -1);
  return row;
}

static void
comparisons_changed_cb (QuernSidebar *self, guint position, guint removed, guint added, GListModel *entries)
{
  gtk_widget_set_visible (self->comparisons_box, g_list_model_get_n_items (entries) > 0);
}

/**
 * quern_sidebar_set_comparisons:
 * @comparisons: what it lists below the conversations
 */
void
quern_sidebar_set_comparisons (QuernSidebar *self, QuernComparisons *comparisons)
{
  GListModel *entries = quern_comparisons_get_entries (comparisons);

  g_set_object (&self->entries, entries);
  gtk_list_box_bind_model (self->comparisons, entries, create_comparison_row, self, NULL);
  g_signal_connect_object (entries, "items-changed", G_CALLBACK (comparisons_changed_cb), self, G_CONNECT_SWAPPED);
  comparisons_changed_cb (self, 0, 0, 0, entries);
}

/* Shows the results while there is something to search for, and the list otherwise. */
void
_quern_sidebar_update_page (QuernSidebar *self)
{
  gboolean searching = *gtk_editable_get_text (GTK_EDITABLE (self->search_entry)) != '\0';
  const char *page;

  if (searching)
    page = gtk_list_box_get_row_at_index (self->results, 0) != NULL ? "results" : "nothing";
  else
    page = g_list_model_get_n_items (G_LIST_MODEL (self->selection)) > 0 ? "list" : "empty";
  gtk_stack_set_visible_child_name (self->stack, page);
}

static void
quern_sidebar_dispose (GObject *object)
{
  QuernSidebar *self = QUERN_SIDEBAR (object);

  g_cancellable_cancel (self->search);
  g_clear_object (&self->search);
  _quern_sidebar_clear_list (self);
  g_clear_object (&self->open);
  g_clear_object (&self->store);
  g_clear_object (&self->hits);
  g_clear_object (&self->entries);
  gtk_widget_dispose_template (GTK_WIDGET (self), QUERN_TYPE_SIDEBAR);
  G_OBJECT_CLASS (quern_sidebar_parent_class)->dispose (object);
}

static void
quern_sidebar_class_init (QuernSidebarClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = quern_sidebar_dispose;
  gtk_widget_class_set_template_from_resource (widget_class, "/io/github/quern/Quern/ui/sidebar/quern-sidebar.ui");
  gtk_widget_class_bind_template_child (widget_class, QuernSidebar, search_bar);
  gtk_widget_class_bind_template_child (widget_class, QuernSidebar, search_entry);
  gtk_widget_class_bind_template_child (widget_class, QuernSidebar, search_button);
  gtk_widget_class_bind_template_child (widget_class, QuernSidebar, header);
  gtk_widget_class_bind_template_child (widget_class, QuernSidebar, stack);
  gtk_widget_class_bind_template_child (widget_class, QuernSidebar, list);
  gtk_widget_class_bind_template_child (widget_class, QuernSidebar, results);
  gtk_widget_class_bind_template_child (widget_class, QuernSidebar, comparisons);
  gtk_widget_class_bind_template_child (widget_class, QuernSidebar, comparisons_box);
  gtk_widget_class_bind_template_child (widget_class, QuernSidebar, comparison_button);
  gtk_widget_class_bind_template_child (widget_class, QuernSidebar, models_button);
  gtk_widget_class_bind_template_child (widget_class, QuernSidebar, sorted);
  gtk_widget_class_bind_template_child (widget_class, QuernSidebar, filtered);
  gtk_widget_class_bind_template_child (widget_class, QuernSidebar, selection);
  gtk_widget_class_bind_template_callback (widget_class, quern_sidebar_activate_cb);
  gtk_widget_class_bind_template_callback (widget_class, comparison_activated_cb);
  gtk_widget_class_bind_template_callback (widget_class, setup_header_cb);
  gtk_widget_class_bind_template_callback (widget_class, bind_header_cb);
  gtk_widget_class_bind_template_callback (widget_class, _quern_sidebar_bind);
  gtk_widget_class_bind_template_callback (widget_class, _quern_sidebar_unbind);
  gtk_widget_class_bind_template_callback (widget_class, search_changed_cb);
  gtk_widget_class_bind_template_callback (widget_class, stop_search_cb);
  gtk_widget_class_bind_template_callback (widget_class, search_activate_cb);
  gtk_widget_class_bind_template_callback (widget_class, result_activated_cb);
}

/* Files that are dropped here are conversations of other programs. (On a chat they go with the question.) */
static gboolean
dropped_cb (QuernSidebar *self, const GValue *value)
{
  g_autoptr (GSList) files = gdk_file_list_get_files (g_value_get_boxed (value));
  g_autoptr (GStrvBuilder) uris = g_strv_builder_new ();
  g_auto (GStrv) list = NULL;

  for (GSList *l = files; l != NULL; l = l->next)
    g_strv_builder_take (uris, g_file_get_uri (l->data));
  list = g_strv_builder_end (uris);
  return gtk_widget_activate_action (GTK_WIDGET (self), "win.import-files", "^as", list);
}

static void
quern_sidebar_init (QuernSidebar *self)
{
  GtkDropTarget *target = gtk_drop_target_new (GDK_TYPE_FILE_LIST, GDK_ACTION_COPY);

  gtk_widget_init_template (GTK_WIDGET (self));
  g_signal_connect_swapped (target, "drop", G_CALLBACK (dropped_cb), self);
  gtk_widget_add_controller (GTK_WIDGET (self), GTK_EVENT_CONTROLLER (target));
  _quern_sidebar_init_list (self);
  gtk_search_bar_connect_entry (self->search_bar, GTK_EDITABLE (self->search_entry));
  _quern_sidebar_update_page (self);
}

/**
 * quern_sidebar_set_store:
 * @store: whose conversations it lists
 */
void
quern_sidebar_set_store (QuernSidebar *self, QuernStore *store)
{
  g_return_if_fail (QUERN_IS_SIDEBAR (self));

  if (g_set_object (&self->store, store))
    _quern_sidebar_set_list (self);
}

/* Returns the position in the list, or GTK_INVALID_LIST_POSITION if the conversation is not in it. */
static guint
find_position (QuernSidebar *self, QuernConversation *conversation)
{
  GListModel *model = G_LIST_MODEL (self->selection);

  for (guint i = 0; conversation != NULL && i < g_list_model_get_n_items (model); i++) {
    g_autoptr (GObject) item = g_list_model_get_item (model, i);
    if (item == (GObject *) conversation)
      return i;
  }
  return GTK_INVALID_LIST_POSITION;
}

/**
 * quern_sidebar_select:
 * @conversation: (nullable): the one that is open; one that is not in the list unselects
 *
 * Scrolls to it when it is another one than before, or has come into the list.
 */
void
quern_sidebar_select (QuernSidebar *self, QuernConversation *conversation)
{
  gboolean was_listed, changed;

  g_return_if_fail (QUERN_IS_SIDEBAR (self));

  was_listed = gtk_single_selection_get_selected (self->selection) != GTK_INVALID_LIST_POSITION;
  changed = g_set_object (&self->open, conversation);
  gtk_single_selection_set_selected (self->selection, find_position (self, conversation));
  if (changed || !was_listed)
    _quern_sidebar_show_selected (self);
}

static void
mark_button (GtkWidget *button, gboolean open)
{
  if (!open) {
    gtk_widget_remove_css_class (button, "open");
    gtk_accessible_reset_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_DESCRIPTION);
    return;
  }
  gtk_widget_add_css_class (button, "open");
  /* Translators: what screen readers say of a button whose page is shown */
  gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, _("Open"), -1);
}

/**
 * quern_sidebar_mark:
 * @models: whether the page about models is shown
 * @new_comparison: whether a comparison is that is not in the list yet
 *
 * Marks the button that leads to what is shown.
 */
void
quern_sidebar_mark (QuernSidebar *self, gboolean models, gboolean new_comparison)
{
  g_return_if_fail (QUERN_IS_SIDEBAR (self));

  mark_button (self->models_button, models);
  mark_button (self->comparison_button, new_comparison);
}

/**
 * quern_sidebar_activate_neighbour:
 * @step: -1 for the conversation above the one that is open, 1 for the one below
 */
void
quern_sidebar_activate_neighbour (QuernSidebar *self, int step)
{
  guint position, n;

  g_return_if_fail (QUERN_IS_SIDEBAR (self));

  n = g_list_model_get_n_items (G_LIST_MODEL (self->selection));
  position = find_position (self, self->open);
  if (position == GTK_INVALID_LIST_POSITION)
    position = step > 0 ? 0 : n - 1;
  else
    position += step;
  for (; position < n; position += step) { /* stepping below 0 wraps around to a large number */
    g_autoptr (GObject) item = g_list_model_get_item (G_LIST_MODEL (self->selection), position);
    if (QUERN_IS_CONVERSATION (item)) {
      quern_sidebar_activate_cb (self, position);
      return;
    }
  }
}

/**
 * quern_sidebar_focus:
 *
 * Moves the keyboard focus to the list.
 */
void
quern_sidebar_focus (QuernSidebar *self)
{
  g_return_if_fail (QUERN_IS_SIDEBAR (self));

  if (!gtk_widget_get_mapped (GTK_WIDGET (self->list)) || !gtk_widget_grab_focus (GTK_WIDGET (self->list)))
    gtk_widget_child_focus (GTK_WIDGET (self), GTK_DIR_TAB_FORWARD);
}

/**
 * quern_sidebar_start_search:
 *
 * Opens the search entry and puts the cursor there.
 */
void
quern_sidebar_start_search (QuernSidebar *self)
{
  g_return_if_fail (QUERN_IS_SIDEBAR (self));

  gtk_search_bar_set_search_mode (self->search_bar, TRUE);
  gtk_widget_grab_focus (GTK_WIDGET (self->search_entry));
}

/**
 * quern_sidebar_search_for:
 * @text: the text to search for
 *
 * Opens the search entry with @text in it and finds that.
 */
void
quern_sidebar_search_for (QuernSidebar *self, const char *text)
{
  quern_sidebar_start_search (self);
  gtk_editable_set_text (GTK_EDITABLE (self->search_entry), text);
  gtk_editable_set_position (GTK_EDITABLE (self->search_entry), -1);
}

/* Adds a button that belongs to another part of the window to the header bar. */
void
quern_sidebar_add_to_header (QuernSidebar *self, GtkWidget *widget)
{
  g_return_if_fail (QUERN_IS_SIDEBAR (self));
  adw_header_bar_pack_start (self->header, widget);
}
