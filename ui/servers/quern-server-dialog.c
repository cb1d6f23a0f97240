/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-server-dialog.h"

#include "quern-plain-key.h"
#include "quern-server-address.h"
#include "quern-server-model-row.h"

#include <glib/gi18n.h>

struct _QuernServerDialog {
  AdwDialog parent_instance;

  /* Template widgets */
  AdwBanner *banner;
  AdwToastOverlay *toasts;
  GtkEditable *name, *key;
  AdwActionRow *address, *program;
  GtkWidget *test, *forget;
  AdwPreferencesGroup *key_group, *models;

  /* Owned references */
  QuernServers *servers;
  QuernServer *server;
  GSignalGroup *signals;
  GCancellable *cancellable; /* of what is asked, as long as the dialog is open */
  GPtrArray *rows;           /* of GtkWidget, borrowed: the models */
};

enum { SIGNAL_REMOVED, N_SIGNALS };

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (QuernServerDialog, quern_server_dialog, ADW_TYPE_DIALOG)

static void
say (QuernServerDialog *self, const char *text)
{
  AdwToast *toast = adw_toast_new (text);

  adw_toast_set_use_markup (toast, FALSE);
  adw_toast_overlay_add_toast (self->toasts, toast);
}

static void
quern_server_dialog_show_problem (QuernServerDialog *self, const GError *error)
{
  adw_banner_set_title (self->banner, error->message);
  adw_banner_set_revealed (self->banner, TRUE);
}

static void
quern_server_dialog_banner_clicked_cb (QuernServerDialog *self)
{
  adw_banner_set_revealed (self->banner, FALSE);
}

/* ---- what is shown ---------------------------------------------------------------------------------------------- */

static const char *
describe_key (QuernServer *server)
{
  if (quern_server_get_key_file (server) != NULL)
    return _("The key is read from a file each time.");
  if (quern_server_get_has_key (server))
    return _("The key is stored in the keyring and is only sent to this server.");
  return _("This server is asked without a key.");
}

static void
quern_server_dialog_update (QuernServerDialog *self)
{
  gboolean has_key = quern_server_get_has_key (self->server);
  g_autofree char *what = quern_server_describe (self->server);

  adw_dialog_set_title (ADW_DIALOG (self), quern_server_get_name (self->server));
  adw_action_row_set_subtitle (self->address, quern_server_get_address (self->server));
  adw_action_row_set_subtitle (self->program, what);
  adw_preferences_group_set_description (self->key_group, describe_key (self->server));
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (self->key), has_key ? _("Another Key") : _("Key"));
  gtk_widget_set_visible (self->forget, has_key);
  adw_preferences_group_set_description (
      self->models, quern_server_get_kind (self->server) == QUERN_SERVER_OTHER
                        ? _("Whether a model thinks is decided on this server; the switch beside the "
                            "message has no effect there.")
                        : NULL);
  quern_server_model_rows_show (self->models, self->rows, self->server);
}

/* Without a change, or the row would offer to apply it. */
static void
show_name (QuernServerDialog *self)
{
  const char *name = quern_server_get_name (self->server);

  if (!g_str_equal (gtk_editable_get_text (self->name), name))
    gtk_editable_set_text (self->name, name);
}

static void
set_server (QuernServerDialog *self, QuernServer *server)
{
  g_set_object (&self->server, server);
  g_signal_group_set_target (self->signals, server);
  show_name (self);
  quern_server_dialog_update (self);
}

/* Nothing is asked twice at once. */
static void
set_busy (QuernServerDialog *self, gboolean busy)
{
  gtk_widget_set_sensitive (self->test, !busy);
  gtk_widget_set_sensitive (GTK_WIDGET (self->key), !busy);
  gtk_widget_set_sensitive (self->forget, !busy);
  if (busy)
    adw_banner_set_revealed (self->banner, FALSE);
}

/* ---- name and address ------------------------------------------------------------------------------------------- */

static void
name_applied_cb (QuernServerDialog *self)
{
  g_autofree char *name = g_strstrip (g_strdup (gtk_editable_get_text (self->name)));

  quern_server_set_name (self->server, name);
  quern_servers_save (self->servers, self->server);
  show_name (self);
}

static void
copy_address_cb (QuernServerDialog *self)
{
  gdk_clipboard_set_text (gtk_widget_get_clipboard (GTK_WIDGET (self)), quern_server_get_address (self->server));
  say (self, _("Address copied"));
}

/* ---- asking it again -------------------------------------------------------------------------------------------- */

static void
tested_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernServerDialog) self = user_data;
  g_autoptr (GError) error = NULL;
  gboolean answered = quern_server_probe_finish (QUERN_SERVER (source), result, &error);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  if (answered)
    quern_servers_save (self->servers, QUERN_SERVER (source));
  set_busy (self, FALSE);
  if (answered)
    say (self, _("The server answered"));
  else
    quern_server_dialog_show_problem (self, error);
}

static void
test_cb (QuernServerDialog *self)
{
  set_busy (self, TRUE);
  quern_server_probe_async (self->server, self->cancellable, tested_cb, g_object_ref (self));
}

/* ---- the key ---------------------------------------------------------------------------------------------------- */

static void
key_kept_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernServerDialog) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (QuernServer) server = quern_servers_add_finish (QUERN_SERVERS (source), result, &error);

  set_busy (self, FALSE);
  if (server == NULL) {
    quern_server_dialog_show_problem (self, error);
    return;
  }
  set_server (self, server);
  gtk_editable_set_text (self->key, "");
  say (self, _("Key saved in the keyring"));
}

static void try_key (QuernServerDialog *self, gboolean plain);

static void
quern_server_dialog_plain_cb (GtkWidget *widget, gboolean allowed)
{
  if (allowed && gtk_widget_get_parent (widget) != NULL)
    try_key (QUERN_SERVER_DIALOG (widget), TRUE);
}

static void
tried_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernServerDialog) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (QuernServer) server = quern_server_find_finish (result, &error);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  if (server != NULL) {
    quern_server_set_name (server, quern_server_get_name (self->server));
    quern_servers_add_async (self->servers, server, NULL, key_kept_cb, g_object_ref (self));
    return;
  }
  set_busy (self, FALSE);
  quern_server_dialog_show_problem (self, error);
  if (g_error_matches (error, QUERN_SERVER_ERROR, QUERN_SERVER_ERROR_PLAIN_KEY))
    quern_plain_key_ask (GTK_WIDGET (self), quern_server_get_address (self->server), quern_server_dialog_plain_cb);
}

/* A key is kept when the server has accepted it. */
static void
try_key (QuernServerDialog *self, gboolean plain)
{
  g_autofree char *key = g_strstrip (g_strdup (gtk_editable_get_text (self->key)));
  const QuernServerKey given = { key, NULL, plain };

  if (*key == '\0')
    return;
  set_busy (self, TRUE);
  quern_server_find_async (quern_server_get_address (self->server), &given, self->cancellable, tried_cb,
                           g_object_ref (self));
}

static void
key_applied_cb (QuernServerDialog *self)
{
  try_key (self, quern_server_get_plain_key (self->server));
}

static void
dropped_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernServerDialog) self = user_data;
  g_autoptr (GError) error = NULL;
  gboolean dropped = quern_servers_drop_key_finish (QUERN_SERVERS (source), result, &error);

  set_busy (self, FALSE);
  if (dropped)
    say (self, _("Key erased from the keyring"));
  else
    quern_server_dialog_show_problem (self, error);
}

static void
forget_cb (QuernServerDialog *self)
{
  set_busy (self, TRUE);
  quern_servers_drop_key_async (self->servers, self->server, NULL, dropped_cb, g_object_ref (self));
}

/* ---- removing --------------------------------------------------------------------------------------------------- */

static void
remove_cb (QuernServerDialog *self)
{
  quern_servers_remove (self->servers, self->server);
  g_signal_emit (self, signals[SIGNAL_REMOVED], 0, self->server);
  adw_dialog_close (ADW_DIALOG (self));
}

/* ---- object ----------------------------------------------------------------------------------------------------- */

static void
quern_server_dialog_dispose (GObject *object)
{
  QuernServerDialog *self = QUERN_SERVER_DIALOG (object);

  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  g_clear_object (&self->signals);
  gtk_widget_dispose_template (GTK_WIDGET (self), QUERN_TYPE_SERVER_DIALOG);
  g_clear_object (&self->servers);
  g_clear_object (&self->server);
  g_clear_pointer (&self->rows, g_ptr_array_unref);
  G_OBJECT_CLASS (quern_server_dialog_parent_class)->dispose (object);
}

static void
quern_server_dialog_closed (AdwDialog *dialog)
{
  g_cancellable_cancel (QUERN_SERVER_DIALOG (dialog)->cancellable);
}

static void
quern_server_dialog_class_init (QuernServerDialogClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = quern_server_dialog_dispose;
  ADW_DIALOG_CLASS (klass)->closed = quern_server_dialog_closed;
  signals[SIGNAL_REMOVED] = g_signal_new ("removed", QUERN_TYPE_SERVER_DIALOG, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                          G_TYPE_NONE, 1, QUERN_TYPE_SERVER);
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/io/github/quern/Quern/ui/servers/quern-server-dialog.ui");
  gtk_widget_class_bind_template_child (widget_class, QuernServerDialog, banner);
  gtk_widget_class_bind_template_child (widget_class, QuernServerDialog, toasts);
  gtk_widget_class_bind_template_child (widget_class, QuernServerDialog, name);
  gtk_widget_class_bind_template_child (widget_class, QuernServerDialog, key);
  gtk_widget_class_bind_template_child (widget_class, QuernServerDialog, address);
  gtk_widget_class_bind_template_child (widget_class, QuernServerDialog, program);
  gtk_widget_class_bind_template_child (widget_class, QuernServerDialog, test);
  gtk_widget_class_bind_template_child (widget_class, QuernServerDialog, forget);
  gtk_widget_class_bind_template_child (widget_class, QuernServerDialog, key_group);
  gtk_widget_class_bind_template_child (widget_class, QuernServerDialog, models);
  gtk_widget_class_bind_template_callback (widget_class, quern_server_dialog_banner_clicked_cb);
  gtk_widget_class_bind_template_callback (widget_class, name_applied_cb);
  gtk_widget_class_bind_template_callback (widget_class, copy_address_cb);
  gtk_widget_class_bind_template_callback (widget_class, test_cb);
  gtk_widget_class_bind_template_callback (widget_class, key_applied_cb);
  gtk_widget_class_bind_template_callback (widget_class, forget_cb);
  gtk_widget_class_bind_template_callback (widget_class, remove_cb);
}

static void
quern_server_dialog_init (QuernServerDialog *self)
{
  self->cancellable = g_cancellable_new ();
  self->rows = g_ptr_array_new ();
  self->signals = g_signal_group_new (QUERN_TYPE_SERVER);
  gtk_widget_init_template (GTK_WIDGET (self));
  g_signal_group_connect_swapped (self->signals, "changed", G_CALLBACK (quern_server_dialog_update), self);
  g_signal_group_connect_swapped (self->signals, "notify::name", G_CALLBACK (quern_server_dialog_update), self);
  g_signal_group_connect_swapped (self->signals, "notify::has-key", G_CALLBACK (quern_server_dialog_update), self);
}

/**
 * quern_server_dialog_new:
 * @server: one of @servers
 *
 * Returns: (transfer floating): the dialog, to be presented
 */
AdwDialog *
quern_server_dialog_new (QuernServers *servers, QuernServer *server)
{
  QuernServerDialog *self = g_object_new (QUERN_TYPE_SERVER_DIALOG, NULL);

  self->servers = g_object_ref (servers);
  set_server (self, server);
  /* Text that is set before there is the button counts as applied. */
  adw_entry_row_set_show_apply_button (ADW_ENTRY_ROW (self->name), TRUE);
  return ADW_DIALOG (self);
}
