/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-service-group.h"

#include "models/quern-facts.h"
#include "quern-service-client.h"

#include <glib/gi18n.h>

struct _QuernServiceGroup {
  AdwPreferencesGroup parent_instance;

  /* Template widgets */
  AdwSwitchRow *enabled, *network;
  AdwActionRow *problem, *address, *key;
  AdwExpanderRow *clients;
  AdwComboRow *port_choice;
  AdwSpinRow *port;
  GtkToggleButton *reveal;
  GtkWidget *copy_key, *new_key, *remove_key;
  GtkEditable *hosts, *origins;

  /* Owned references */
  QuernService *service;
  GSettings *settings;
  GPtrArray *rows; /* of GtkWidget, borrowed: the clients, in the order of the list */

  gboolean updating; /* the program sets values */
};

G_DEFINE_FINAL_TYPE (QuernServiceGroup, quern_service_group, ADW_TYPE_PREFERENCES_GROUP)

static void
say (QuernServiceGroup *self, const char *text)
{
  GtkWidget *overlay = gtk_widget_get_ancestor (GTK_WIDGET (self), ADW_TYPE_TOAST_OVERLAY);
  AdwToast *toast;

  if (overlay == NULL)
    return;
  toast = adw_toast_new (text);
  adw_toast_set_use_markup (toast, FALSE);
  adw_toast_overlay_add_toast (ADW_TOAST_OVERLAY (overlay), toast);
}

/* ---- port ------------------------------------------------------------------------------------------------------- */

static const guint ports[] = { 11535, 11434 }; /* the choices; what follows them is another one */

static void
update_port (QuernServiceGroup *self)
{
  guint port = g_settings_get_uint (self->settings, "server-port"), choice = 0;

  while (choice < G_N_ELEMENTS (ports) && ports[choice] != port)
    choice++;
  if (adw_combo_row_get_selected (self->port_choice) == G_N_ELEMENTS (ports))
    choice = G_N_ELEMENTS (ports); /* one on the way to another number */
  self->updating = TRUE;
  adw_combo_row_set_selected (self->port_choice, choice);
  gtk_widget_set_visible (GTK_WIDGET (self->port), choice == G_N_ELEMENTS (ports));
  self->updating = FALSE;
}

static void
port_chosen_cb (QuernServiceGroup *self)
{
  guint choice = adw_combo_row_get_selected (self->port_choice);

  if (self->updating || self->settings == NULL)
    return;
  if (choice < G_N_ELEMENTS (ports))
    g_settings_set_uint (self->settings, "server-port", ports[choice]);
  gtk_widget_set_visible (GTK_WIDGET (self->port), choice == G_N_ELEMENTS (ports));
}

/* ---- what is shown ---------------------------------------------------------------------------------------------- */

/* Returns: (nullable): what is done for a client, for people; %NULL: nothing */
static const char *
state_text (const char *state)
{
  return g_str_equal (state, "waiting")   ? _("waiting")
         : g_str_equal (state, "loading") ? _("loading the model")
         : g_str_equal (state, "reading") ? _("reading")
         : g_str_equal (state, "writing") ? _("writing")
                                          : NULL;
}

/* Who is answered now, and how many wait. */
static char *
dup_activity (QuernServiceGroup *self)
{
  GListModel *list = quern_service_get_clients (self->service);
  guint n_waiting = quern_service_get_n_waiting (self->service);
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < g_list_model_get_n_items (list); i++) {
    g_autoptr (QuernServiceClient) client = g_list_model_get_item (list, i);
    const char *state = quern_service_client_get_state (client);

    if (g_str_equal (state, "idle") || g_str_equal (state, "waiting"))
      continue;
    quern_facts_append (text, quern_service_client_get_name (client));
    quern_facts_append (text, quern_service_client_get_model (client));
    quern_facts_append (text, state_text (state));
  }
  if (n_waiting > 0) {
    g_autofree char *waiting = g_strdup_printf (ngettext ("%u request waiting", "%u requests waiting", n_waiting),
                                                n_waiting);

    quern_facts_append (text, waiting);
  }
  if (text->len == 0)
    g_string_append (text, self->rows->len == 0 ? _("No program has asked yet") : _("Nothing is being computed"));
  return g_string_free_and_steal (g_steal_pointer (&text));
}

static void
update_key (QuernServiceGroup *self)
{
  const char *key = quern_service_get_key (self->service);
  gboolean shown = gtk_toggle_button_get_active (self->reveal);

  adw_action_row_set_subtitle (self->key, key == NULL ? _("None; programs on this computer need none")
                                          : shown     ? key
                                                      : "••••••••••••");
  gtk_widget_set_visible (GTK_WIDGET (self->reveal), key != NULL);
  gtk_widget_set_visible (self->copy_key, key != NULL);
  gtk_widget_set_visible (self->remove_key, key != NULL);
  gtk_widget_set_sensitive (self->remove_key, !g_settings_get_boolean (self->settings, "server-network"));
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (self->new_key),
                                 key != NULL ? _("Make a New Key") : _("Make a Key"));
}

static void
quern_service_group_update (QuernServiceGroup *self)
{
  const char *address = quern_service_get_address (self->service), *error = quern_service_get_error (self->service);
  gboolean running = quern_service_get_running (self->service);
  g_autofree char *activity = dup_activity (self);

  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (self->problem), error != NULL ? error : "");
  gtk_widget_set_visible (GTK_WIDGET (self->problem), error != NULL);
  adw_action_row_set_subtitle (self->address, address != NULL ? address : "");
  gtk_widget_set_visible (GTK_WIDGET (self->address), address != NULL);
  gtk_widget_set_visible (GTK_WIDGET (self->clients), running);
  adw_expander_row_set_subtitle (self->clients, activity);
  adw_expander_row_set_enable_expansion (self->clients, self->rows->len > 0);
  update_key (self);
}

static void
quern_service_group_update_cb (QuernServiceGroup *self)
{
  if (self->service != NULL)
    quern_service_group_update (self);
}

/* ---- who is connected ------------------------------------------------------------------------------------------- */

static void
update_client (AdwActionRow *row, QuernServiceClient *client)
{
  guint n_requests = quern_service_client_get_n_requests (client);
  g_autofree char *count = g_strdup_printf (ngettext ("%u request", "%u requests", n_requests), n_requests);
  g_autoptr (GString) text = g_string_new (NULL);

  quern_facts_append (text, quern_service_client_get_model (client));
  quern_facts_append (text, state_text (quern_service_client_get_state (client)));
  quern_facts_append (text, count);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), quern_service_client_get_name (client));
  adw_action_row_set_subtitle (row, text->str);
}

static void
client_changed_cb (QuernServiceGroup *self, GParamSpec *pspec, QuernServiceClient *client)
{
  guint position = 0;

  while (position < self->rows->len) {
    g_autoptr (QuernServiceClient) other = g_list_model_get_item (quern_service_get_clients (self->service), position);

    if (other == client)
      update_client (self->rows->pdata[position], client);
    position++;
  }
  quern_service_group_update (self);
}

static void
clients_changed_cb (QuernServiceGroup *self)
{
  GListModel *list = quern_service_get_clients (self->service);

  for (guint i = 0; i < self->rows->len; i++)
    adw_expander_row_remove (self->clients, self->rows->pdata[i]);
  g_ptr_array_set_size (self->rows, 0);
  for (guint i = 0; i < g_list_model_get_n_items (list); i++) {
    g_autoptr (QuernServiceClient) client = g_list_model_get_item (list, i);
    GtkWidget *row = g_object_new (ADW_TYPE_ACTION_ROW, "use-markup", FALSE, NULL);

    update_client (ADW_ACTION_ROW (row), client);
    g_signal_handlers_disconnect_by_func (client, client_changed_cb, self);
    g_signal_connect_object (client, "notify", G_CALLBACK (client_changed_cb), self, G_CONNECT_SWAPPED);
    adw_expander_row_add_row (self->clients, row);
    g_ptr_array_add (self->rows, row);
  }
  quern_service_group_update (self);
}

/* ---- key -------------------------------------------------------------------------------------------------------- */

static void
quern_service_group_copy_address_cb (QuernServiceGroup *self)
{
  gdk_clipboard_set_text (gtk_widget_get_clipboard (GTK_WIDGET (self)), adw_action_row_get_subtitle (self->address));
  say (self, _("Address copied"));
}

static void
copy_key_cb (QuernServiceGroup *self)
{
  const char *key = quern_service_get_key (self->service);

  if (key == NULL)
    return;
  gdk_clipboard_set_text (gtk_widget_get_clipboard (GTK_WIDGET (self)), key);
  say (self, _("Key copied"));
}

static void
key_set_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernServiceGroup) self = user_data;
  g_autoptr (GError) error = NULL;

  if (!quern_service_set_key_finish (QUERN_SERVICE (source), result, &error))
    say (self, error->message);
}

static void
new_key_cb (QuernServiceGroup *self)
{
  g_autofree char *key = quern_service_make_key ();

  if (quern_service_get_key (self->service) != NULL)
    say (self, _("Programs that have the old key are refused now"));
  quern_service_set_key_async (self->service, key, NULL, key_set_cb, g_object_ref (self));
}

static void
remove_key_cb (QuernServiceGroup *self)
{
  quern_service_set_key_async (self->service, NULL, NULL, key_set_cb, g_object_ref (self));
}

/* ---- other computers -------------------------------------------------------------------------------------------- */

static void
network_key_set_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernServiceGroup) self = user_data;
  g_autoptr (GError) error = NULL;
  gboolean kept = quern_service_set_key_finish (QUERN_SERVICE (source), result, &error);

  if (self->network == NULL) /* the dialog was closed in the meantime */
    return;
  if (kept)
    g_settings_set_boolean (self->settings, "server-network", TRUE);
  else {
    say (self, error->message);
    adw_switch_row_set_active (self->network, FALSE);
  }
}

/* The network gets in with a key alone: where there is none, one is made first. */
static void
network_toggled_cb (QuernServiceGroup *self)
{
  gboolean active = adw_switch_row_get_active (self->network);
  g_autofree char *made = NULL;

  if (self->updating || self->settings == NULL)
    return;
  if (!active || quern_service_get_key (self->service) != NULL) {
    g_settings_set_boolean (self->settings, "server-network", active);
    return;
  }
  made = quern_service_make_key ();
  quern_service_set_key_async (self->service, made, NULL, network_key_set_cb, g_object_ref (self));
}

static void
network_changed_cb (QuernServiceGroup *self)
{
  self->updating = TRUE;
  adw_switch_row_set_active (self->network, g_settings_get_boolean (self->settings, "server-network"));
  self->updating = FALSE;
  quern_service_group_update (self);
}

/* ---- names and origins ------------------------------------------------------------------------------------------ */

static void
show_list (GtkEditable *entry, GSettings *settings, const char *key)
{
  g_auto (GStrv) values = g_settings_get_strv (settings, key);
  g_autofree char *text = g_strjoinv (", ", values);

  gtk_editable_set_text (entry, text);
}

/* Takes what stands between commas and spaces. */
static void
keep_list (GtkEditable *entry, GSettings *settings, const char *key)
{
  g_auto (GStrv) parts = g_strsplit_set (gtk_editable_get_text (entry), ", ", -1);
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_auto (GStrv) values = NULL;

  for (char **part = parts; *part != NULL; part++)
    if (**part != '\0')
      g_strv_builder_add (builder, *part);
  values = g_strv_builder_end (builder);
  g_settings_set_strv (settings, key, (const char *const *) values);
}

static void
hosts_applied_cb (QuernServiceGroup *self)
{
  keep_list (self->hosts, self->settings, "server-hosts");
}

static void
origins_applied_cb (QuernServiceGroup *self)
{
  keep_list (self->origins, self->settings, "server-origins");
}

/* ---- object ----------------------------------------------------------------------------------------------------- */

static void
quern_service_group_dispose (GObject *object)
{
  QuernServiceGroup *self = QUERN_SERVICE_GROUP (object);

  gtk_widget_dispose_template (GTK_WIDGET (self), QUERN_TYPE_SERVICE_GROUP);
  g_clear_object (&self->service);
  g_clear_object (&self->settings);
  g_clear_pointer (&self->rows, g_ptr_array_unref);
  G_OBJECT_CLASS (quern_service_group_parent_class)->dispose (object);
}

static void
quern_service_group_class_init (QuernServiceGroupClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = quern_service_group_dispose;
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/io/github/quern/Quern/ui/servers/quern-service-group.ui");
  gtk_widget_class_bind_template_child (widget_class, QuernServiceGroup, enabled);
  gtk_widget_class_bind_template_child (widget_class, QuernServiceGroup, network);
  gtk_widget_class_bind_template_child (widget_class, QuernServiceGroup, problem);
  gtk_widget_class_bind_template_child (widget_class, QuernServiceGroup, address);
  gtk_widget_class_bind_template_child (widget_class, QuernServiceGroup, key);
  gtk_widget_class_bind_template_child (widget_class, QuernServiceGroup, clients);
  gtk_widget_class_bind_template_child (widget_class, QuernServiceGroup, port_choice);
  gtk_widget_class_bind_template_child (widget_class, QuernServiceGroup, port);
  gtk_widget_class_bind_template_child (widget_class, QuernServiceGroup, reveal);
  gtk_widget_class_bind_template_child (widget_class, QuernServiceGroup, copy_key);
  gtk_widget_class_bind_template_child (widget_class, QuernServiceGroup, new_key);
  gtk_widget_class_bind_template_child (widget_class, QuernServiceGroup, remove_key);
  gtk_widget_class_bind_template_child (widget_class, QuernServiceGroup, hosts);
  gtk_widget_class_bind_template_child (widget_class, QuernServiceGroup, origins);
  gtk_widget_class_bind_template_callback (widget_class, quern_service_group_copy_address_cb);
  gtk_widget_class_bind_template_callback (widget_class, quern_service_group_update_cb);
  gtk_widget_class_bind_template_callback (widget_class, copy_key_cb);
  gtk_widget_class_bind_template_callback (widget_class, new_key_cb);
  gtk_widget_class_bind_template_callback (widget_class, remove_key_cb);
  gtk_widget_class_bind_template_callback (widget_class, port_chosen_cb);
  gtk_widget_class_bind_template_callback (widget_class, network_toggled_cb);
  gtk_widget_class_bind_template_callback (widget_class, hosts_applied_cb);
  gtk_widget_class_bind_template_callback (widget_class, origins_applied_cb);
}

static void
quern_service_group_init (QuernServiceGroup *self)
{
  self->rows = g_ptr_array_new ();
  gtk_widget_init_template (GTK_WIDGET (self));
  self->settings = g_settings_new (QUERN_APP_ID);
  g_settings_bind (self->settings, "server-enabled", self->enabled, "active", G_SETTINGS_BIND_DEFAULT);
  g_settings_bind (self->settings, "server-port", self->port, "value", G_SETTINGS_BIND_DEFAULT);
  show_list (self->hosts, self->settings, "server-hosts");
  show_list (self->origins, self->settings, "server-origins");
  /* Text that is set before there is the button counts as applied. */
  adw_entry_row_set_show_apply_button (ADW_ENTRY_ROW (self->hosts), TRUE);
  adw_entry_row_set_show_apply_button (ADW_ENTRY_ROW (self->origins), TRUE);
}

/**
 * quern_service_group_new:
 *
 * Returns: (transfer floating): a group for a page of an #AdwPreferencesDialog
 */
GtkWidget *
quern_service_group_new (QuernService *service)
{
  QuernServiceGroup *self = g_object_new (QUERN_TYPE_SERVICE_GROUP, NULL);

  self->service = g_object_ref (service);
  g_signal_connect_object (self->settings, "changed::server-port", G_CALLBACK (update_port), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->settings, "changed::server-network", G_CALLBACK (network_changed_cb), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (service, "notify", G_CALLBACK (quern_service_group_update), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (quern_service_get_clients (service), "items-changed", G_CALLBACK (clients_changed_cb), self,
                           G_CONNECT_SWAPPED);
  update_port (self);
  network_changed_cb (self);
  clients_changed_cb (self);
  return GTK_WIDGET (self);
}
