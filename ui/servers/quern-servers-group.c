/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-servers-group.h"

#include "quern-add-server-dialog.h"
#include "quern-server-dialog.h"

#include <glib/gi18n.h>

struct _QuernServersGroup {
  AdwPreferencesGroup parent_instance;

  /* Template widgets */
  GtkListBox *list;

  /* Owned references */
  QuernServers *servers;
  GPtrArray *rows; /* of GtkWidget, borrowed, in the order of the list */
};

G_DEFINE_FINAL_TYPE (QuernServersGroup, quern_servers_group, ADW_TYPE_PREFERENCES_GROUP)

/* ---- removing, with undo ---------------------------------------------------------------------------------------- */

typedef struct {
  QuernServers *servers;
  QuernServer *server;
  gboolean undone;
} Removal;

static void
removal_free (gpointer data, GClosure *closure)
{
  Removal *removal = data;

  g_object_unref (removal->servers);
  g_object_unref (removal->server);
  g_free (removal);
}

static void
undo_removal_cb (AdwToast *toast, Removal *removal)
{
  removal->undone = TRUE;
  quern_servers_restore (removal->servers, removal->server);
}

/* Nobody can bring it back any more, so that its key goes, too. */
static void
removal_dismissed_cb (AdwToast *toast, Removal *removal)
{
  if (!removal->undone)
    quern_servers_forget_key_async (removal->servers, removal->server, NULL, NULL, NULL);
}

static void
removed_cb (QuernServersGroup *self, QuernServer *server)
{
  Removal *removal = g_new (Removal, 1);
  g_autofree char *text = g_strdup_printf (_("“%s” removed"), quern_server_get_name (server));
  GtkWidget *overlay = gtk_widget_get_ancestor (GTK_WIDGET (self), ADW_TYPE_TOAST_OVERLAY);
  AdwToast *toast = adw_toast_new (text);

  *removal = (Removal) { g_object_ref (self->servers), g_object_ref (server), FALSE };
  adw_toast_set_use_markup (toast, FALSE);
  adw_toast_set_button_label (toast, _("_Undo"));
  g_signal_connect (toast, "button-clicked", G_CALLBACK (undo_removal_cb), removal);
  g_signal_connect_data (toast, "dismissed", G_CALLBACK (removal_dismissed_cb), removal, removal_free, 0);
  adw_toast_overlay_add_toast (ADW_TOAST_OVERLAY (overlay), toast);
}

/* ---- the focus --------------------------------------------------------------------------------------------------- */

/* A dialog over another one does not always give the focus back to it, and without the focus that does not hear of Escape. */
static void
closed_cb (QuernServersGroup *self)
{
  GtkWidget *below = gtk_widget_get_ancestor (GTK_WIDGET (self), ADW_TYPE_DIALOG);
  GtkRoot *root = gtk_widget_get_root (GTK_WIDGET (self));
  GtkWidget *focus = root != NULL ? gtk_root_get_focus (root) : NULL;

  if (below == NULL || (focus != NULL && gtk_widget_get_mapped (focus) && gtk_widget_is_ancestor (focus, below)))
    return;
  gtk_widget_grab_focus (gtk_widget_get_last_child (GTK_WIDGET (self->list)));
}

/* ---- rows ------------------------------------------------------------------------------------------------------- */

static void
row_activated_cb (QuernServersGroup *self, GtkWidget *row)
{
  g_autoptr (QuernServer) server = NULL;
  AdwDialog *dialog;
  guint index;

  if (!g_ptr_array_find (self->rows, row, &index))
    return;
  server = g_list_model_get_item (quern_servers_get_list (self->servers), index);
  dialog = quern_server_dialog_new (self->servers, server);
  g_signal_connect_object (dialog, "removed", G_CALLBACK (removed_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (dialog, "closed", G_CALLBACK (closed_cb), self, G_CONNECT_SWAPPED | G_CONNECT_AFTER);
  adw_dialog_present (dialog, GTK_WIDGET (self));
}

static void
update_row (AdwActionRow *row, QuernServer *server)
{
  g_autofree char *what = quern_server_describe (server), *text = NULL;

  text = g_strdup_printf ("%s\n%s", what, quern_server_get_address (server));
  adw_action_row_set_subtitle (row, text);
}

static void
server_changed_cb (QuernServer *server, AdwActionRow *row)
{
  update_row (row, server);
}

static GtkWidget *
make_row (QuernServersGroup *self, QuernServer *server)
{
  GtkWidget *row = g_object_new (ADW_TYPE_ACTION_ROW, "use-markup", FALSE, "activatable", TRUE, NULL);

  g_object_bind_property (server, "name", row, "title", G_BINDING_SYNC_CREATE);
  update_row (ADW_ACTION_ROW (row), server);
  g_signal_connect_object (server, "changed", G_CALLBACK (server_changed_cb), row, 0);
  adw_action_row_add_suffix (ADW_ACTION_ROW (row), gtk_image_new_from_icon_name ("go-next-symbolic"));
  g_signal_connect_swapped (row, "activated", G_CALLBACK (row_activated_cb), self);
  return row;
}

/* The row to add another one stays the last, and keeps the focus that it may have. */
static void
quern_servers_group_changed_cb (QuernServersGroup *self)
{
  GListModel *list = quern_servers_get_list (self->servers);

  for (guint i = 0; i < self->rows->len; i++)
    gtk_list_box_remove (self->list, self->rows->pdata[i]);
  g_ptr_array_set_size (self->rows, 0);
  for (guint i = 0; i < g_list_model_get_n_items (list); i++) {
    g_autoptr (QuernServer) server = g_list_model_get_item (list, i);
    GtkWidget *row = make_row (self, server);

    gtk_list_box_insert (self->list, row, (int) i);
    g_ptr_array_add (self->rows, row);
  }
}

static void
add_cb (QuernServersGroup *self)
{
  AdwDialog *dialog = quern_add_server_dialog_present (self->servers, GTK_WIDGET (self));

  g_signal_connect_object (dialog, "closed", G_CALLBACK (closed_cb), self, G_CONNECT_SWAPPED | G_CONNECT_AFTER);
}

/* ---- object ----------------------------------------------------------------------------------------------------- */

static void
quern_servers_group_dispose (GObject *object)
{
  QuernServersGroup *self = QUERN_SERVERS_GROUP (object);

  gtk_widget_dispose_template (GTK_WIDGET (self), QUERN_TYPE_SERVERS_GROUP);
  g_clear_object (&self->servers);
  g_clear_pointer (&self->rows, g_ptr_array_unref);
  G_OBJECT_CLASS (quern_servers_group_parent_class)->dispose (object);
}

static void
quern_servers_group_class_init (QuernServersGroupClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = quern_servers_group_dispose;
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/io/github/quern/Quern/ui/servers/quern-servers-group.ui");
  gtk_widget_class_bind_template_child (widget_class, QuernServersGroup, list);
  gtk_widget_class_bind_template_callback (widget_class, add_cb);
}

static void
quern_servers_group_init (QuernServersGroup *self)
{
  self->rows = g_ptr_array_new ();
  gtk_widget_init_template (GTK_WIDGET (self));
}

/**
 * quern_servers_group_new:
 *
 * Returns: (transfer floating): a group for a page below an #AdwToastOverlay
 */
GtkWidget *
quern_servers_group_new (QuernServers *servers)
{
  QuernServersGroup *self = g_object_new (QUERN_TYPE_SERVERS_GROUP, NULL);

  self->servers = g_object_ref (servers);
  g_signal_connect_object (quern_servers_get_list (servers), "items-changed",
                           G_CALLBACK (quern_servers_group_changed_cb), self, G_CONNECT_SWAPPED);
  quern_servers_group_changed_cb (self);
  return GTK_WIDGET (self);
}
