/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-add-server-dialog.h"

#include "quern-plain-key.h"
#include "quern-server-address.h"
#include "quern-server-model-row.h"

#include <glib/gi18n.h>

#define RETRY_SECONDS 2 /* a server that loads its model is asked again after these */

struct _QuernAddServerDialog {
  AdwDialog parent_instance;

  /* Template widgets */
  GtkButton *proceed;
  GtkEditable *address, *key, *name;
  GtkWidget *local, *status, *spinner, *problem_icon;
  GtkLabel *status_text;
  AdwPreferencesGroup *choice, *result;

  /* Owned references */
  QuernServers *servers;
  AdwToastOverlay *toasts;   /* of the widget that asked for the dialog */
  GCancellable *cancellable; /* of what is under way, NULL: nothing */
  QuernServer *found;        /* what the address leads to, NULL: not known */
  GPtrArray *found_here;     /* of QuernServer */
  GPtrArray *choices;        /* of GtkWidget, borrowed: the rows of found_here */
  GPtrArray *rows;           /* of GtkWidget, borrowed: models of what was found */
  char *plain_address;       /* the address for which an unencrypted key is allowed */

  guint retry;
  gboolean updating; /* the program sets the address */
};

G_DEFINE_FINAL_TYPE (QuernAddServerDialog, quern_add_server_dialog, ADW_TYPE_DIALOG)

static void look (QuernAddServerDialog *self);

static char *
dup_text (GtkEditable *entry)
{
  return g_strstrip (g_strdup (gtk_editable_get_text (entry)));
}

/* ---- what is shown ---------------------------------------------------------------------------------------------- */

/* @text: (nullable): what goes on, or what is wrong; %NULL for nothing */
static void
set_status (QuernAddServerDialog *self, const char *text, gboolean problem)
{
  gtk_widget_set_visible (self->status, text != NULL);
  gtk_widget_set_visible (self->spinner, !problem);
  gtk_widget_set_visible (self->problem_icon, problem);
  gtk_label_set_label (self->status_text, text != NULL ? text : "");
  if (text != NULL)
    gtk_accessible_announce (GTK_ACCESSIBLE (self), text, GTK_ACCESSIBLE_ANNOUNCEMENT_PRIORITY_MEDIUM);
}

static void
mark (GtkEditable *entry, gboolean wrong)
{
  if (wrong)
    gtk_widget_add_css_class (GTK_WIDGET (entry), "error");
  else
    gtk_widget_remove_css_class (GTK_WIDGET (entry), "error");
  gtk_accessible_update_state (GTK_ACCESSIBLE (entry), GTK_ACCESSIBLE_STATE_INVALID,
                               wrong ? GTK_ACCESSIBLE_INVALID_TRUE : GTK_ACCESSIBLE_INVALID_FALSE, -1);
}

/* The button looks for a server, and adds it when there is one. */
static void
quern_add_server_dialog_update (QuernAddServerDialog *self)
{
  g_autofree char *address = dup_text (self->address);
  gboolean busy = self->cancellable != NULL;

  gtk_button_set_label (self->proceed, self->found != NULL ? _("_Add") : _("C_onnect"));
  gtk_widget_set_sensitive (GTK_WIDGET (self->proceed), !busy && (self->found != NULL || *address != '\0'));
  gtk_widget_set_sensitive (self->local, !busy);
}

/* Ends what is under way, and forgets what was found. */
static void
quern_add_server_dialog_reset (QuernAddServerDialog *self)
{
  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  g_clear_handle_id (&self->retry, g_source_remove);
  g_clear_object (&self->found);
  gtk_widget_set_visible (GTK_WIDGET (self->result), FALSE);
  set_status (self, NULL, FALSE);
  mark (self->address, FALSE);
  mark (self->key, FALSE);
}

/* A name that no other server has: on this computer that of the program, elsewhere that of the host. */
static char *
dup_name (QuernAddServerDialog *self, QuernServer *server)
{
  g_autoptr (QuernServer) known = quern_servers_find (self->servers, quern_server_get_address (server));
  const char *title = quern_server_get_traits (server)->title;
  g_autoptr (QuernServer) namesake = quern_servers_find (self->servers, title);
  gboolean here = quern_server_address_is_loopback (quern_server_get_address (server));

  if (known != NULL)
    return g_strdup (quern_server_get_name (known));
  return g_strdup (here && namesake == NULL && quern_server_get_kind (server) != QUERN_SERVER_OTHER
                       ? title
                       : quern_server_get_name (server));
}

static void
show_found (QuernAddServerDialog *self, QuernServer *server)
{
  g_autofree char *what = quern_server_describe (server), *name = dup_name (self, server), *told = NULL;
  g_autoptr (QuernServer) known = quern_servers_find (self->servers, quern_server_get_address (server));

  g_set_object (&self->found, server);
  /* Not the title, which does not wrap. It is markup, and a server says what it likes. */
  told = g_markup_printf_escaped ("%s%s%s", what, known != NULL ? "\n" : "",
                                  known != NULL ? _("This server was added before. It is replaced.") : "");
  adw_preferences_group_set_description (self->result, told);
  gtk_editable_set_text (self->name, name);
  quern_server_model_rows_show (self->result, self->rows, server);
  gtk_widget_set_visible (GTK_WIDGET (self->result), TRUE);
  set_status (self, NULL, FALSE);
  quern_add_server_dialog_update (self);
  gtk_accessible_announce (GTK_ACCESSIBLE (self), what, GTK_ACCESSIBLE_ANNOUNCEMENT_PRIORITY_MEDIUM);
  gtk_widget_grab_focus (GTK_WIDGET (self->proceed));
}

/* ---- looking at an address -------------------------------------------------------------------------------------- */

static gboolean
retry_cb (gpointer user_data)
{
  QuernAddServerDialog *self = user_data;

  self->retry = 0;
  look (self);
  return G_SOURCE_REMOVE;
}

static void
plain_key_cb (GtkWidget *widget, gboolean allowed)
{
  QuernAddServerDialog *self = QUERN_ADD_SERVER_DIALOG (widget);

  if (!allowed || gtk_widget_get_parent (widget) == NULL)
    return;
  g_free (self->plain_address);
  self->plain_address = dup_text (self->address);
  look (self);
}

static void
show_problem (QuernAddServerDialog *self, const GError *error)
{
  gboolean key = g_error_matches (error, QUERN_SERVER_ERROR, QUERN_SERVER_ERROR_UNAUTHORIZED)
                 || g_error_matches (error, QUERN_SERVER_ERROR, QUERN_SERVER_ERROR_PLAIN_KEY);

  set_status (self, error->message, TRUE);
  mark (key ? self->key : self->address, TRUE);
  gtk_widget_grab_focus (GTK_WIDGET (key ? self->key : self->address));
  quern_add_server_dialog_update (self);
}

static void
found_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernAddServerDialog) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (QuernServer) server = quern_server_find_finish (result, &error);
  gboolean loading = g_error_matches (error, QUERN_SERVER_ERROR, QUERN_SERVER_ERROR_LOADING);

  if (g_task_get_cancellable (G_TASK (result)) != self->cancellable)
    return; /* something else is looked for by now, or nothing */
  if (!loading)
    g_clear_object (&self->cancellable);
  if (server != NULL) {
    show_found (self, server);
  } else if (loading) {
    set_status (self, _("The server is loading its model. Waiting until it is ready…"), FALSE);
    self->retry = g_timeout_add_seconds (RETRY_SECONDS, retry_cb, self);
  } else if (g_error_matches (error, QUERN_SERVER_ERROR, QUERN_SERVER_ERROR_PLAIN_KEY)) {
    g_autofree char *address = dup_text (self->address);

    show_problem (self, error);
    quern_plain_key_ask (GTK_WIDGET (self), address, plain_key_cb);
  } else {
    show_problem (self, error);
  }
}

/* Asks what is at the address, with the key if there is one. */
static void
look (QuernAddServerDialog *self)
{
  gboolean again = self->cancellable != NULL; /* while the server loads its model */
  g_autofree char *address = dup_text (self->address), *key = dup_text (self->key), *text = NULL;
  const QuernServerKey given = { *key != '\0' ? key : NULL, NULL, g_strcmp0 (self->plain_address, address) == 0 };

  if (!again) {
    quern_add_server_dialog_reset (self);
    text = g_strdup_printf (_("Asking “%s”…"), address);
    set_status (self, text, FALSE);
    self->cancellable = g_cancellable_new ();
  }
  quern_add_server_dialog_update (self);
  quern_server_find_async (address, &given, self->cancellable, found_cb, g_object_ref (self));
}

/* ---- this computer ---------------------------------------------------------------------------------------------- */

/* What was found stands for its address from then on. */
static void
choose (QuernAddServerDialog *self, QuernServer *server)
{
  quern_add_server_dialog_reset (self);
  self->updating = TRUE;
  gtk_editable_set_text (self->address, quern_server_get_address (server));
  gtk_editable_set_text (self->key, "");
  self->updating = FALSE;
  show_found (self, server);
}

static void
choice_cb (QuernAddServerDialog *self, GtkWidget *row)
{
  guint index;

  if (g_ptr_array_find (self->choices, row, &index))
    choose (self, self->found_here->pdata[index]);
}

static void
show_choices (QuernAddServerDialog *self)
{
  for (guint i = 0; i < self->choices->len; i++)
    adw_preferences_group_remove (self->choice, self->choices->pdata[i]);
  g_ptr_array_set_size (self->choices, 0);
  for (guint i = 0; self->found_here != NULL && i < self->found_here->len; i++) {
    g_autofree char *what = quern_server_describe (self->found_here->pdata[i]);
    GtkWidget *row = g_object_new (ADW_TYPE_ACTION_ROW, "use-markup", FALSE, "title", what, "subtitle",
                                   quern_server_get_address (self->found_here->pdata[i]), "activatable", TRUE, NULL);

    g_signal_connect_swapped (row, "activated", G_CALLBACK (choice_cb), self);
    adw_preferences_group_add (self->choice, row);
    g_ptr_array_add (self->choices, row);
  }
  gtk_widget_set_visible (GTK_WIDGET (self->choice), self->choices->len > 1);
}

static void
found_local_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernAddServerDialog) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) found = quern_server_find_local_finish (result, &error);

  if (g_task_get_cancellable (G_TASK (result)) != self->cancellable)
    return;
  g_clear_object (&self->cancellable);
  if (found == NULL) {
    show_problem (self, error);
    return;
  }
  g_clear_pointer (&self->found_here, g_ptr_array_unref);
  self->found_here = g_ptr_array_ref (found);
  show_choices (self);
  set_status (self, NULL, FALSE);
  if (found->len == 1)
    choose (self, found->pdata[0]);
  else if (found->len == 0)
    set_status (self,
                _("No server was found on the usual ports of this computer. If one is running on another port, enter "
                  "its address."),
                TRUE);
  quern_add_server_dialog_update (self);
}

static void
find_local_cb (QuernAddServerDialog *self)
{
  quern_add_server_dialog_reset (self);
  set_status (self, _("Looking for servers on this computer…"), FALSE);
  self->cancellable = g_cancellable_new ();
  quern_add_server_dialog_update (self);
  quern_server_find_local_async (self->cancellable, found_local_cb, g_object_ref (self));
}

/* ---- adding ----------------------------------------------------------------------------------------------------- */

static void
tell_added (QuernAddServerDialog *self, QuernServer *server)
{
  g_autofree char *text = g_strdup_printf (_("“%s” added. Its models are in the list of models."),
                                           quern_server_get_name (server));
  AdwToast *toast = adw_toast_new (text);

  adw_toast_set_use_markup (toast, FALSE);
  adw_toast_overlay_add_toast (self->toasts, toast);
}

static void
added_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernAddServerDialog) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (QuernServer) server = quern_servers_add_finish (QUERN_SERVERS (source), result, &error);

  g_clear_object (&self->cancellable);
  if (server == NULL) {
    set_status (self, error->message, TRUE);
    quern_add_server_dialog_update (self);
    return;
  }
  if (self->toasts != NULL)
    tell_added (self, server);
  if (gtk_widget_get_parent (GTK_WIDGET (self)) != NULL) /* the keyring may have asked for its password for long */
    adw_dialog_close (ADW_DIALOG (self));
}

static void
add (QuernAddServerDialog *self)
{
  g_autofree char *name = dup_text (self->name);

  quern_server_set_name (self->found, name);
  self->cancellable = g_cancellable_new ();
  quern_add_server_dialog_update (self);
  quern_servers_add_async (self->servers, self->found, NULL, added_cb, g_object_ref (self));
}

static void
proceed_cb (QuernAddServerDialog *self)
{
  if (self->cancellable != NULL)
    return;
  if (self->found != NULL)
    add (self);
  else
    look (self);
}

static void
entry_activated_cb (QuernAddServerDialog *self)
{
  if (gtk_widget_get_sensitive (GTK_WIDGET (self->proceed)))
    proceed_cb (self);
}

static void
address_changed_cb (QuernAddServerDialog *self)
{
  if (self->updating)
    return;
  quern_add_server_dialog_reset (self);
  quern_add_server_dialog_update (self);
}

static void
key_changed_cb (QuernAddServerDialog *self)
{
  address_changed_cb (self);
}

static void
cancel_cb (QuernAddServerDialog *self)
{
  adw_dialog_close (ADW_DIALOG (self));
}

/* ---- object ----------------------------------------------------------------------------------------------------- */

static void
quern_add_server_dialog_dispose (GObject *object)
{
  QuernAddServerDialog *self = QUERN_ADD_SERVER_DIALOG (object);

  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  g_clear_handle_id (&self->retry, g_source_remove);
  gtk_widget_dispose_template (GTK_WIDGET (self), QUERN_TYPE_ADD_SERVER_DIALOG);
  g_clear_object (&self->servers);
  g_clear_object (&self->toasts);
  g_clear_object (&self->found);
  g_clear_pointer (&self->found_here, g_ptr_array_unref);
  g_clear_pointer (&self->choices, g_ptr_array_unref);
  g_clear_pointer (&self->rows, g_ptr_array_unref);
  g_clear_pointer (&self->plain_address, g_free);
  G_OBJECT_CLASS (quern_add_server_dialog_parent_class)->dispose (object);
}

/* What is under way ends with the dialog, which callbacks may keep alive for longer. */
static void
quern_add_server_dialog_closed (AdwDialog *dialog)
{
  QuernAddServerDialog *self = QUERN_ADD_SERVER_DIALOG (dialog);

  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  g_clear_handle_id (&self->retry, g_source_remove);
}

static void
quern_add_server_dialog_class_init (QuernAddServerDialogClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = quern_add_server_dialog_dispose;
  ADW_DIALOG_CLASS (klass)->closed = quern_add_server_dialog_closed;
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/io/github/quern/Quern/ui/servers/quern-add-server-dialog.ui");
  gtk_widget_class_bind_template_child (widget_class, QuernAddServerDialog, proceed);
  gtk_widget_class_bind_template_child (widget_class, QuernAddServerDialog, address);
  gtk_widget_class_bind_template_child (widget_class, QuernAddServerDialog, key);
  gtk_widget_class_bind_template_child (widget_class, QuernAddServerDialog, name);
  gtk_widget_class_bind_template_child (widget_class, QuernAddServerDialog, local);
  gtk_widget_class_bind_template_child (widget_class, QuernAddServerDialog, status);
  gtk_widget_class_bind_template_child (widget_class, QuernAddServerDialog, spinner);
  gtk_widget_class_bind_template_child (widget_class, QuernAddServerDialog, problem_icon);
  gtk_widget_class_bind_template_child (widget_class, QuernAddServerDialog, status_text);
  gtk_widget_class_bind_template_child (widget_class, QuernAddServerDialog, choice);
  gtk_widget_class_bind_template_child (widget_class, QuernAddServerDialog, result);
  gtk_widget_class_bind_template_callback (widget_class, cancel_cb);
  gtk_widget_class_bind_template_callback (widget_class, proceed_cb);
  gtk_widget_class_bind_template_callback (widget_class, address_changed_cb);
  gtk_widget_class_bind_template_callback (widget_class, key_changed_cb);
  gtk_widget_class_bind_template_callback (widget_class, entry_activated_cb);
  gtk_widget_class_bind_template_callback (widget_class, find_local_cb);
}

static void
quern_add_server_dialog_init (QuernAddServerDialog *self)
{
  self->choices = g_ptr_array_new ();
  self->rows = g_ptr_array_new ();
  gtk_widget_init_template (GTK_WIDGET (self));
  quern_add_server_dialog_update (self);
}

/**
 * quern_add_server_dialog_present:
 * @servers: where the server is added
 * @parent: a widget below an #AdwToastOverlay, where it is told that the server was added unless that is a dialog's
 *
 * Shows the dialog.
 *
 * Returns: (transfer none): the dialog
 */
AdwDialog *
quern_add_server_dialog_present (QuernServers *servers, GtkWidget *parent)
{
  QuernAddServerDialog *self = g_object_new (QUERN_TYPE_ADD_SERVER_DIALOG, NULL);

  self->servers = g_object_ref (servers);
  /* Over the preferences, where the new server is in sight, nothing is told: while there is a toast, Escape is for that. */
  if (gtk_widget_get_ancestor (parent, ADW_TYPE_DIALOG) == NULL)
    self->toasts = g_object_ref (ADW_TOAST_OVERLAY (gtk_widget_get_ancestor (parent, ADW_TYPE_TOAST_OVERLAY)));
  adw_dialog_present (ADW_DIALOG (self), parent);
  return ADW_DIALOG (self);
}
