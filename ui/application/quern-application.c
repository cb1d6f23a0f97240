/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-application.h"

#include "quern-engine.h"
#include "quern-library.h"
#include "quern-store.h"
#include "window/quern-window.h"

#include <glib-unix.h>
#include <glib/gi18n.h>

/* Owns what windows share: the store, the library of models and the engine. The window comes up first and gets them when
 * the store is open, so that a slow disk does not delay it. */
struct _QuernApplication {
  AdwApplication parent_instance;

  /* Owned references */
  QuernStore *store;
  QuernLibrary *library;
  QuernEngine *engine;

  guint terminate_source;
};

G_DEFINE_FINAL_TYPE (QuernApplication, quern_application, ADW_TYPE_APPLICATION)

static void
quit_action (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  GtkApplication *application = GTK_APPLICATION (user_data);

  for (GList *l = gtk_application_get_windows (application); l != NULL; l = gtk_application_get_windows (application))
    gtk_window_destroy (l->data);
  g_application_quit (G_APPLICATION (application));
}

static void
about_action (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  GtkWindow *window = gtk_application_get_active_window (GTK_APPLICATION (user_data));
  AdwDialog *dialog = adw_about_dialog_new ();

  g_object_set (dialog, "application-name", "Quern", "application-icon", QUERN_APP_ID, "version", QUERN_VERSION,
                "developer-name", _ ("The Quern contributors"), "license-type", GTK_LICENSE_GPL_3_0, "comments",
                _ ("Runs language models of the Qwen 3.5 family on your own computer. Nothing you write leaves it."),
                "translator-credits", _ ("translator-credits"), NULL);
  adw_dialog_present (dialog, GTK_WIDGET (window));
}

static gboolean
terminate_cb (gpointer user_data)
{
  QuernApplication *self = QUERN_APPLICATION (user_data);
  self->terminate_source = 0;
  quit_action (NULL, NULL, self);
  return G_SOURCE_REMOVE;
}

static void
set_accelerators (GtkApplication *application)
{
  static const struct {
    const char *action;
    const char *keys[3];
  } accelerators[] = {
    { "app.quit", { "<Control>q" } },
    { "window.close", { "<Control>w" } },
    { "win.new-chat", { "<Control>n" } },
    { "win.new-comparison", { "<Control><Shift>n" } },
    { "win.search", { "<Control>f", "<Control><Shift>f" } },
    { "win.focus-composer", { "<Control>l" } },
    { "win.toggle-thinking", { "<Control><Shift>t" } },
    { "win.copy-answer", { "<Control><Shift>c" } },
    { "win.choose-model", { "<Control>m" } },
    { "win.previous-chat", { "<Control>Page_Up" } },
    { "win.next-chat", { "<Control>Page_Down" } },
    { "win.show-sidebar", { "F9" } },
    { "win.rename-current", { "F2" } },
    { "win.show-help-overlay", { "<Control>question", "F1" } },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (accelerators); i++)
    gtk_application_set_accels_for_action (application, accelerators[i].action, accelerators[i].keys);
}

static void
hand_over (QuernApplication *self, const char *problem)
{
  for (GList *l = gtk_application_get_windows (GTK_APPLICATION (self)); l != NULL; l = l->next) {
    if (QUERN_IS_WINDOW (l->data))
      quern_window_set_core (l->data, self->store, self->library, self->engine, problem);
  }
}

static void
store_opened_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernApplication) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autofree char *problem = NULL;

  self->store = quern_store_open_finish (result, &error);
  if (self->store == NULL) {
    self->store = quern_store_open_in_memory ();
    problem = g_strdup_printf (_ ("Conversations cannot be kept: %s"), error->message);
  }
  self->library = quern_library_new (self->store);
  quern_library_scan_async (self->library, NULL, NULL, NULL);
  self->engine = quern_engine_new ();
  hand_over (self, problem);
}

static void
quern_application_startup (GApplication *application)
{
  static const GActionEntry actions[] = {
    { .name = "quit", .activate = quit_action },
    { .name = "about", .activate = about_action },
  };
  QuernApplication *self = QUERN_APPLICATION (application);
  g_autofree char *path = quern_database_default_path ();

  G_APPLICATION_CLASS (quern_application_parent_class)->startup (application);
  gtk_window_set_default_icon_name (QUERN_APP_ID);
  g_action_map_add_action_entries (G_ACTION_MAP (self), actions, G_N_ELEMENTS (actions), self);
  set_accelerators (GTK_APPLICATION (self));
  self->terminate_source = g_unix_signal_add (SIGTERM, terminate_cb, self);
  quern_store_open_async (path, NULL, store_opened_cb, g_object_ref (self));
}

static void
quern_application_activate (GApplication *application)
{
  QuernApplication *self = QUERN_APPLICATION (application);
  GtkWindow *window = gtk_application_get_active_window (GTK_APPLICATION (self));

  if (window == NULL) {
    window = GTK_WINDOW (quern_window_new (GTK_APPLICATION (self)));
    if (self->store != NULL)
      quern_window_set_core (QUERN_WINDOW (window), self->store, self->library, self->engine, NULL);
  }
  gtk_window_present (window);
}

static void
quern_application_shutdown (GApplication *application)
{
  QuernApplication *self = QUERN_APPLICATION (application);

  g_clear_handle_id (&self->terminate_source, g_source_remove);
  if (self->engine != NULL)
    quern_engine_unload_all (self->engine);
  if (self->store != NULL)
    quern_store_close (self->store); /* waits until everything is written */
  G_APPLICATION_CLASS (quern_application_parent_class)->shutdown (application);
}

static void
quern_application_dispose (GObject *object)
{
  QuernApplication *self = QUERN_APPLICATION (object);

  g_clear_object (&self->engine);
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
  application_class->shutdown = quern_application_shutdown;
}

static void
quern_application_init (QuernApplication *self)
{
}

/**
 * quern_application_new:
 *
 * Returns: (transfer full): the application, to be run
 */
QuernApplication *
quern_application_new (void)
{
  return g_object_new (QUERN_TYPE_APPLICATION, "application-id", QUERN_APP_ID, "resource-base-path",
                       "/io/github/quern/Quern", NULL);
}
