/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-application.h"

#include "help/quern-help.h"
#include "models/quern-models-service.h"
#include "preferences/quern-preferences.h"
#include "quern-background.h"
#include "quern-joint-backend.h"
#include "quern-library.h"
#include "quern-local-backend.h"
#include "quern-search-provider.h"
#include "quern-served-models.h"
#include "quern-service.h"
#include "quern-store.h"
#include "window/quern-window.h"

#include <glib-unix.h>
#include <glib/gi18n.h>

/* Owns what windows share: the store, the library of models and the backend. The window comes up first and gets them when
 * the store is open, so that a slow disk does not delay it; what it is asked to show before waits until then. There is one
 * process for each session: a second start, a file opened elsewhere, a notification and the Shell's search all reach it
 * over the session bus, which also starts it. */
struct _QuernApplication {
  AdwApplication parent_instance;

  /* Owned references */
  QuernStore *store;
  QuernLibrary *library;
  QuernServers *servers;
  QuernService *service;
  QuernLocalBackend *local;
  QuernBackend *backend; /* for all models, those on this computer run in the one above */
  QuernDesk *desk;       /* store, library and backend, for the windows */
  QuernSearchProvider *search_provider;
  GSettings *settings;
  char *problem;  /* why nothing can be kept, or NULL */
  gboolean ready; /* all of the above are there */
  GQueue wishes;  /* Wish *: asked for before the store was open */
  QuernModelsService *models;

  guint terminate_source, interrupt_source;
  guint background_source;  /* looks whether what goes on without a window is done */
  GCancellable *background; /* of the request to go on without one, or NULL */
  guint quit_source;
  gint64 quit_deadline;    /* on the monotonic clock */
  QuernOpenedBy opened_by; /* who asks for what is being done now */
};

#define QUIT_PATIENCE (5 * G_USEC_PER_SEC) /* a model that is being read does not stop at once */
#define QUIT_INTERVAL 10                   /* ms */
#define BACKGROUND_INTERVAL 250            /* ms */

/* An action of the window, to be done when it has its store. */
typedef struct {
  const char *action;
  GVariant *parameter;
} Wish;

G_DEFINE_FINAL_TYPE (QuernApplication, quern_application, ADW_TYPE_APPLICATION)

/* Whether a sweep is still at work; it is told to stop, and keeps what it did. */
static gboolean
stop_sweep (QuernApplication *self)
{
  QuernSweeps *sweeps = self->models != NULL ? quern_models_service_get_sweeps (self->models) : NULL;

  if (sweeps == NULL || !quern_sweeps_get_running (sweeps))
    return FALSE;
  quern_sweeps_close (sweeps);
  return TRUE;
}

static gboolean
quit_cb (gpointer user_data)
{
  QuernApplication *self = QUERN_APPLICATION (user_data);
  GtkApplication *application = GTK_APPLICATION (user_data);
  const gboolean answering = self->desk != NULL && quern_desk_interrupt (self->desk), sweeping = stop_sweep (self);

  if ((answering || sweeping) && g_get_monotonic_time () < self->quit_deadline)
    return G_SOURCE_CONTINUE;
  self->quit_source = 0;
  for (GList *l = gtk_application_get_windows (application); l != NULL; l = gtk_application_get_windows (application))
    gtk_window_destroy (l->data);
  g_application_quit (G_APPLICATION (application));
  return G_SOURCE_REMOVE;
}

/* Ends when the answers that are being made have stopped, which takes a token, and are saved. */
static void
quit_action (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  QuernApplication *self = QUERN_APPLICATION (user_data);

  if (self->quit_source != 0)
    return;
  self->quit_deadline = g_get_monotonic_time () + QUIT_PATIENCE;
  self->quit_source = g_timeout_add (QUIT_INTERVAL, quit_cb, self);
}

/* ---- going on without a window ------------------------------------------------------------------------------------ */

/* Whether something is being made that was asked for, and that takes a while. */
static gboolean
is_busy (QuernApplication *self)
{
  return (self->desk != NULL && quern_desk_is_busy (self->desk))
         || (self->models != NULL
             && (quern_downloads_is_active (quern_models_service_get_downloads (self->models))
                 || quern_sweeps_get_running (quern_models_service_get_sweeps (self->models))));
}

static void
leave_background (QuernApplication *self)
{
  g_clear_handle_id (&self->background_source, g_source_remove);
  g_cancellable_cancel (self->background);
  g_clear_object (&self->background);
  g_application_withdraw_notification (G_APPLICATION (self), "background");
}

/* What was made has told so itself. */
static gboolean
background_cb (gpointer user_data)
{
  QuernApplication *self = QUERN_APPLICATION (user_data);

  if (is_busy (self))
    return G_SOURCE_CONTINUE;
  self->background_source = 0;
  leave_background (self);
  quit_action (NULL, NULL, self);
  return G_SOURCE_REMOVE;
}

static void
background_requested_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernApplication) self = user_data;

  if (!quern_background_request_finish (result) && self->background_source != 0)
    quit_action (NULL, NULL, self);
}

/* Hides the windows and goes on until everything is made, unless the desktop forbids it. */
static void
go_to_background (QuernApplication *self)
{
  g_autoptr (GNotification) notification = g_notification_new (_("Quern Is Still at Work"));
  const char *reason = _("Answers and downloads continue until they are complete.");

  g_notification_set_body (notification, reason);
  g_notification_set_default_action (notification, "app.show");
  g_notification_add_button (notification, _("Stop and Quit"), "app.quit");
  g_application_send_notification (G_APPLICATION (self), "background", notification);
  self->background = g_cancellable_new ();
  self->background_source = g_timeout_add (BACKGROUND_INTERVAL, background_cb, self);
  quern_background_request_async (reason, self->background, background_requested_cb, g_object_ref (self));
}

static gboolean
has_other_window (QuernApplication *self, GtkWindow *window)
{
  for (GList *l = gtk_application_get_windows (GTK_APPLICATION (self)); l != NULL; l = l->next)
    if (QUERN_IS_WINDOW (l->data) && l->data != window)
      return TRUE;
  return FALSE;
}

/* What is being made goes on where there is another window; the last one is only hidden until it is done. */
static gboolean
close_request_cb (GtkWindow *window, QuernApplication *self)
{
  if (!is_busy (self) || has_other_window (self, window))
    return GDK_EVENT_PROPAGATE;
  gtk_widget_set_visible (GTK_WIDGET (window), FALSE);
  if (self->background_source == 0)
    go_to_background (self);
  return GDK_EVENT_STOP;
}

static void
quern_application_show_action (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  g_application_activate (G_APPLICATION (user_data));
}

static void
quern_application_wish_free (gpointer data)
{
  Wish *wish = data;

  g_clear_pointer (&wish->parameter, g_variant_unref);
  g_free (wish);
}

static void
fulfil_wishes (QuernApplication *self)
{
  GtkWindow *window = gtk_application_get_active_window (GTK_APPLICATION (self));

  for (Wish *wish; window != NULL && self->ready && (wish = g_queue_pop_head (&self->wishes)) != NULL;) {
    gtk_widget_activate_action_variant (GTK_WIDGET (window), wish->action, wish->parameter);
    quern_application_wish_free (wish);
  }
}

/* Shows the window and does one of its actions there. @parameter may be floating. */
static void
do_in_window (QuernApplication *self, const char *action, GVariant *parameter)
{
  Wish *wish = g_new (Wish, 1);

  *wish = (Wish) { action, parameter != NULL ? g_variant_ref_sink (parameter) : NULL };
  g_queue_push_tail (&self->wishes, wish);
  g_application_activate (G_APPLICATION (self));
  fulfil_wishes (self);
}

static void
quern_application_new_chat_action (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  do_in_window (user_data, "win.new-chat", NULL);
}

static void
quern_application_open_conversation_action (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  do_in_window (user_data, "win.open-conversation", parameter);
}

static void
quern_application_chat_with_action (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  do_in_window (user_data, "win.chat-with", parameter);
}

static void
quern_application_search_action (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  do_in_window (user_data, "win.search-for", parameter);
}

static void
about_action (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  GtkWindow *window = gtk_application_get_active_window (GTK_APPLICATION (user_data));
  const char *developers[] = { "The Quern contributors https://github.com/quern/quern/graphs/contributors", NULL };
  const char *models[] = { "Qwen https://qwen.ai", "GGUF https://github.com/ggml-org/ggml", NULL };
  AdwDialog *dialog = adw_about_dialog_new ();

  g_object_set (dialog, "application-name", "Quern", "application-icon", QUERN_APP_ID, "version", QUERN_VERSION,
                "developer-name", _("The Quern contributors"), "license-type", GTK_LICENSE_GPL_3_0, "comments",
                _("Runs language models of the Qwen 3.5 family on your own computer. Nothing you write leaves it."),
                "translator-credits", _("translator-credits"), "website", "https://github.com/quern/quern",
                "issue-url", "https://github.com/quern/quern/issues", "developers", developers, NULL);
  adw_about_dialog_add_credit_section (ADW_ABOUT_DIALOG (dialog), _("Models and formats"), models);
  adw_dialog_present (dialog, GTK_WIDGET (window));
}

/* The parameter is a topic, or empty. */
static void
help_action (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  GtkWindow *window = gtk_application_get_active_window (GTK_APPLICATION (user_data));
  AdwDialog *dialog = ADW_IS_APPLICATION_WINDOW (window)
                          ? adw_application_window_get_visible_dialog (ADW_APPLICATION_WINDOW (window))
                          : NULL;

  if (!QUERN_IS_HELP (dialog)) {
    dialog = ADW_DIALOG (quern_help_new ());
    adw_dialog_present (dialog, GTK_WIDGET (window));
  }
  quern_help_show_topic (QUERN_HELP (dialog), g_variant_get_string (parameter, NULL));
}

static gboolean
terminate_cb (gpointer user_data)
{
  quit_action (NULL, NULL, user_data);
  return G_SOURCE_CONTINUE;
}

static void
set_accelerators (GtkApplication *application)
{
  static const struct {
    const char *action;
    const char *keys[4];
  } accelerators[] = {
    { "app.quit", { "<Control>q" } },
    { "window.close", { "<Control>w" } },
    { "win.new-chat", { "<Control>n" } },
    { "win.preferences", { "<Control>comma" } },
    { "app.new-window", { "<Control><Shift>n" } },
    { "win.new-comparison", { "<Control><Alt>n" } },
    { "win.print", { "<Control>p" } },
    { "win.zoom-in", { "<Control>plus", "<Control>equal", "<Control>KP_Add" } },
    { "win.zoom-out", { "<Control>minus", "<Control>KP_Subtract" } },
    { "win.zoom-reset", { "<Control>0", "<Control>KP_0" } },
    { "win.find", { "<Control>f" } },
    { "win.search", { "<Control><Shift>f" } },
    { "win.focus-composer", { "<Control>l" } },
    { "win.toggle-thinking", { "<Control><Shift>t" } },
    { "win.copy-answer", { "<Control><Shift>c" } },
    { "win.choose-model", { "<Control>m" } },
    { "win.show-models::computer", { "<Control><Shift>m" } },
    { "win.previous-chat", { "<Control>Page_Up" } },
    { "win.next-chat", { "<Control>Page_Down" } },
    { "win.show-sidebar", { "F9" } },
    { "win.rename-current", { "F2" } },
    { "win.show-help-overlay", { "<Control>question" } },
    { "app.help::", { "F1" } },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (accelerators); i++)
    gtk_application_set_accels_for_action (application, accelerators[i].action, accelerators[i].keys);
}

static void
show_core (QuernApplication *self, QuernWindow *window, QuernConversation *conversation)
{
  quern_window_set_desk (window, self->desk, conversation, self->problem);
  quern_window_set_models (window, self->models);
}

/* Returns: (transfer none) (nullable): the conversation that was open last */
static QuernConversation *
get_last (QuernApplication *self)
{
  return quern_store_get_conversation (self->store, g_settings_get_int64 (self->settings, "last-conversation"));
}

static GtkWindow *
new_window (QuernApplication *self)
{
  GtkWindow *window = GTK_WINDOW (quern_window_new (GTK_APPLICATION (self)));

  g_signal_connect_object (window, "close-request", G_CALLBACK (close_request_cb), self, 0);
  return window;
}

/* A window beside those that are open. Without a store there is nothing to show in it. */
static void
open_beside (QuernApplication *self, QuernConversation *conversation)
{
  GtkWindow *window;

  if (!self->ready)
    return;
  window = new_window (self);
  show_core (self, QUERN_WINDOW (window), conversation);
  leave_background (self);
  gtk_window_present (window);
}

static void
new_window_action (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  open_beside (user_data, NULL);
}

static void
open_in_new_window_action (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  QuernApplication *self = user_data;
  QuernConversation *conversation = self->store != NULL
                                        ? quern_store_get_conversation (self->store, g_variant_get_int64 (parameter))
                                        : NULL;

  if (conversation != NULL)
    open_beside (self, conversation);
}

/* A list that cannot be read is missing models of servers; all others are there. Windows wait for it, so that none takes a
 * model on a server for one that is gone. */
static void
servers_loaded_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernApplication) self = user_data;
  g_autoptr (GError) error = NULL;

  if (!quern_servers_load_finish (self->servers, result, &error))
    g_message ("the list of servers could not be read: %s", error->message);
  self->ready = TRUE;
  self->desk = quern_desk_new (self->store, self->library, self->backend);
  for (GList *l = gtk_application_get_windows (GTK_APPLICATION (self)); l != NULL; l = l->next)
    if (QUERN_IS_WINDOW (l->data))
      show_core (self, l->data, get_last (self)); /* there is one at most so far */
  quern_search_provider_set_store (self->search_provider, self->store);
  fulfil_wishes (self);
}

static void
store_opened_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernApplication) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (QuernServedModels) served = NULL;

  self->store = quern_store_open_finish (result, &error);
  if (self->store == NULL) {
    self->store = quern_store_open_in_memory ();
    self->problem = g_strdup_printf (_("Conversations cannot be saved: %s"), error->message);
  }
  self->library = quern_library_new (self->store);
  quern_library_scan_async (self->library, NULL, NULL, NULL);
  self->servers = quern_servers_new (self->store);
  served = quern_served_models_new (self->servers);
  quern_library_set_elsewhere (self->library, G_LIST_MODEL (served));
  self->local = quern_local_backend_new ();
  self->backend = quern_joint_backend_new (QUERN_BACKEND (self->local));
  g_signal_connect_object (self->backend, "used", G_CALLBACK (quern_library_mark_used), self->library,
                           G_CONNECT_SWAPPED);
  self->service = quern_service_new (QUERN_BACKEND (self->local), self->library);
  quern_service_follow_settings (self->service, self->settings);
  self->models = quern_models_service_new (G_APPLICATION (self), self->library, self->servers, self->service,
                                           QUERN_BACKEND (self->local), self->store);
  quern_preferences_apply (self->settings, self->local);
  g_signal_connect_object (self->store, "erased", G_CALLBACK (quern_local_backend_forget_states), self->local,
                           G_CONNECT_SWAPPED);
  quern_servers_load_async (self->servers, NULL, servers_loaded_cb, g_object_ref (self));
}

static void
quern_application_startup (GApplication *application)
{
  static const GActionEntry actions[] = {
    { .name = "quit", .activate = quit_action },
    { .name = "show", .activate = quern_application_show_action },
    { .name = "about", .activate = about_action },
    { .name = "help", .activate = help_action, .parameter_type = "s" },
    { .name = "new-window", .activate = new_window_action },
    { .name = "open-in-new-window", .activate = open_in_new_window_action, .parameter_type = "x" },
    { .name = "new-chat", .activate = quern_application_new_chat_action },
    { .name = "open-conversation", .activate = quern_application_open_conversation_action, .parameter_type = "x" },
    { .name = "chat-with", .activate = quern_application_chat_with_action, .parameter_type = "s" },
    { .name = "search", .activate = quern_application_search_action, .parameter_type = "s" },
  };
  QuernApplication *self = QUERN_APPLICATION (application);
  g_autofree char *path = quern_database_default_path ();

  G_APPLICATION_CLASS (quern_application_parent_class)->startup (application);
  gtk_window_set_default_icon_name (QUERN_APP_ID);
  g_action_map_add_action_entries (G_ACTION_MAP (self), actions, G_N_ELEMENTS (actions), self);
  set_accelerators (GTK_APPLICATION (self));
  self->terminate_source = g_unix_signal_add (SIGTERM, terminate_cb, self);
  self->interrupt_source = g_unix_signal_add (SIGINT, terminate_cb, self);
  quern_store_open_async (path, NULL, store_opened_cb, g_object_ref (self));
}

static void
quern_application_activate (GApplication *application)
{
  QuernApplication *self = QUERN_APPLICATION (application);
  GtkWindow *window = gtk_application_get_active_window (GTK_APPLICATION (self));

  if (window == NULL) {
    window = new_window (self);
    if (self->ready)
      show_core (self, QUERN_WINDOW (window), get_last (self));
  }
  leave_background (self);
  gtk_window_present (window);
}

static gboolean
has_text (GVariant *platform_data, const char *key)
{
  const char *text;

  return g_variant_lookup (platform_data, key, "&s", &text) && *text != '\0';
}

/* What follows was asked for over the session bus, by anybody. Desktops give what people launch a token, by which the window
 * gets the focus. Anybody can make one up, but then a compositor gives no focus for it. */
static void
quern_application_before_emit (GApplication *application, GVariant *platform_data)
{
  gboolean launched = has_text (platform_data, "activation-token") || has_text (platform_data, "desktop-startup-id");

  QUERN_APPLICATION (application)->opened_by = launched ? QUERN_OPENED_BY_LAUNCH : QUERN_OPENED_BY_STRANGER;
  G_APPLICATION_CLASS (quern_application_parent_class)->before_emit (application, platform_data);
}

static void
quern_application_after_emit (GApplication *application, GVariant *platform_data)
{
  G_APPLICATION_CLASS (quern_application_parent_class)->after_emit (application, platform_data);
  QUERN_APPLICATION (application)->opened_by = QUERN_OPENED_BY_COMMAND;
}

static void
quern_application_open (GApplication *application, GFile **files, int n_files, const char *hint)
{
  QuernApplication *self = QUERN_APPLICATION (application);
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_auto (GStrv) paths = NULL;

  for (int i = 0; i < n_files; i++)
    if (g_file_peek_path (files[i]) != NULL)
      g_strv_builder_add (builder, g_file_peek_path (files[i]));
  paths = g_strv_builder_end (builder);
  if (paths[0] != NULL)
    do_in_window (self, "win.open-files", g_variant_new ("(^aayu)", paths, (guint32) self->opened_by));
  g_application_activate (application);
}

/* Options that need no window, or that the running application is asked for; -1 goes on with starting. */
static int
quern_application_handle_local_options (GApplication *application, GVariantDict *options)
{
  g_autoptr (GError) error = NULL;

  if (g_variant_dict_contains (options, "version")) {
    g_print ("quern %s\n", QUERN_VERSION);
    return 0;
  }
  if (!g_variant_dict_contains (options, "new-chat"))
    return -1;
  if (!g_application_register (application, NULL, &error)) {
    g_printerr ("quern: %s\n", error->message);
    return 1;
  }
  g_action_group_activate_action (G_ACTION_GROUP (application), "new-chat", NULL);
  return g_application_get_is_remote (application) ? 0 : -1;
}

static gboolean
quern_application_dbus_register (GApplication *application, GDBusConnection *connection, const char *path,
                                 GError **error)
{
  QuernApplication *self = QUERN_APPLICATION (application);
  g_autofree char *search_path = g_strconcat (path, "/SearchProvider", NULL);

  return G_APPLICATION_CLASS (quern_application_parent_class)->dbus_register (application, connection, path, error)
         && quern_search_provider_export (self->search_provider, connection, search_path, error);
}

static void
quern_application_dbus_unregister (GApplication *application, GDBusConnection *connection, const char *path)
{
  quern_search_provider_unexport (QUERN_APPLICATION (application)->search_provider);
  G_APPLICATION_CLASS (quern_application_parent_class)->dbus_unregister (application, connection, path);
}

static void
quern_application_shutdown (GApplication *application)
{
  QuernApplication *self = QUERN_APPLICATION (application);

  leave_background (self);
  g_clear_object (&self->desk);
  g_clear_handle_id (&self->quit_source, g_source_remove);
  g_clear_handle_id (&self->terminate_source, g_source_remove);
  g_clear_handle_id (&self->interrupt_source, g_source_remove);
  if (self->models != NULL)
    quern_models_service_close (self->models);
  if (self->service != NULL)
    quern_service_stop_and_wait (self->service);
  if (self->local != NULL)
    quern_local_backend_unload_all (self->local);
  if (self->store != NULL)
    quern_store_close (self->store); /* waits until everything is written */
  G_APPLICATION_CLASS (quern_application_parent_class)->shutdown (application);
}

static void
quern_application_dispose (GObject *object)
{
  QuernApplication *self = QUERN_APPLICATION (object);

  g_queue_clear_full (&self->wishes, quern_application_wish_free);
  g_clear_object (&self->search_provider);
  g_clear_object (&self->models);
  g_clear_object (&self->settings);
  g_clear_object (&self->backend);
  g_clear_object (&self->local);
  g_clear_object (&self->service);
  g_clear_object (&self->servers);
  g_clear_pointer (&self->problem, g_free);
  g_clear_object (&self->library);
  g_clear_object (&self->store);
  G_OBJECT_CLASS (quern_application_parent_class)->dispose (object);
}

static void
quern_application_class_init (QuernApplicationClass *klass)
{
  GApplicationClass *application_class = G_APPLICATION_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = quern_application_dispose;
  application_class->startup = quern_application_startup;
  application_class->activate = quern_application_activate;
  application_class->open = quern_application_open;
  application_class->before_emit = quern_application_before_emit;
  application_class->after_emit = quern_application_after_emit;
  application_class->handle_local_options = quern_application_handle_local_options;
  application_class->dbus_register = quern_application_dbus_register;
  application_class->dbus_unregister = quern_application_dbus_unregister;
  application_class->shutdown = quern_application_shutdown;
}

static void
quern_application_init (QuernApplication *self)
{
  static const GOptionEntry options[] = {
    { "new-chat", 'n', 0, G_OPTION_ARG_NONE, NULL, N_("Start a new conversation"), NULL },
    { "version", 0, 0, G_OPTION_ARG_NONE, NULL, N_("Print the version and exit"), NULL },
    { NULL },
  };

  g_queue_init (&self->wishes);
  self->settings = g_settings_new (QUERN_APP_ID);
  self->search_provider = quern_search_provider_new (G_APPLICATION (self));
  g_application_add_main_option_entries (G_APPLICATION (self), options);
  g_application_set_option_context_parameter_string (G_APPLICATION (self), _("[MODEL FILE…]"));
}

/**
 * quern_application_new:
 *
 * Returns: (transfer full): the application, to be run
 */
QuernApplication *
quern_application_new (void)
{
  return g_object_new (QUERN_TYPE_APPLICATION, "application-id", QUERN_APP_ID, "flags", G_APPLICATION_HANDLES_OPEN,
                       "resource-base-path", "/io/github/quern/Quern", NULL);
}
