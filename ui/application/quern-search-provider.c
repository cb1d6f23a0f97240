/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-search-provider.h"

#include "quern-shell-search.h"

/* The Shell may start the application only to search: what it asks before the store is open waits for that. Results are
 * conversations, named by their ids; each question is answered once, whatever happens. */

#define MOST_RESULTS 20
#define LINGER 10 /* seconds without a window: what was found is asked about next */

struct _QuernSearchProvider {
  GObject parent_instance;

  GApplication *application; /* borrowed: it owns this object */

  /* Owned references */
  QuernShellSearchProvider2 *skeleton;
  GSettings *settings;
  QuernStore *store;
  GPtrArray *waiting; /* Search *, until there is a store */

  guint linger_source;
};

G_DEFINE_FINAL_TYPE (QuernSearchProvider, quern_search_provider, G_TYPE_OBJECT)

typedef struct {
  QuernSearchProvider *provider;
  GDBusMethodInvocation *invocation; /* until it is answered */
  char *text;
} Search;

static void
quern_search_provider_search_free (gpointer data)
{
  Search *search = data;

  g_object_unref (search->provider);
  g_free (search->text);
  g_free (search);
}

/* Several messages of one conversation are one result. */
static void
found_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Search *search = user_data;
  g_autoptr (GListModel) hits = quern_store_search_finish (QUERN_STORE (source), result, NULL);
  g_autoptr (GPtrArray) ids = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; hits != NULL && i < g_list_model_get_n_items (hits) && ids->len < MOST_RESULTS; i++) {
    g_autoptr (QuernSearchHit) hit = g_list_model_get_item (hits, i);
    g_autofree char *id = g_strdup_printf ("%" G_GINT64_FORMAT, quern_search_hit_get_conversation_id (hit));
    if (!g_ptr_array_find_with_equal_func (ids, id, g_str_equal, NULL))
      g_ptr_array_add (ids, g_steal_pointer (&id));
  }
  g_ptr_array_add (ids, NULL);
  g_dbus_method_invocation_return_value (search->invocation, g_variant_new ("(^as)", (const char *const *) ids->pdata));
  quern_search_provider_search_free (search);
}

static void
search_start (Search *search)
{
  quern_store_search_async (search->provider->store, search->text, 5 * MOST_RESULTS, NULL, found_cb, search);
}

static void
let_go_cb (gpointer user_data)
{
  QuernSearchProvider *self = user_data;

  self->linger_source = 0;
  g_application_release (self->application);
}

/* Keeps the application alive for a while. */
static void
linger (QuernSearchProvider *self)
{
  g_application_hold (self->application);
  if (self->linger_source != 0) {
    g_clear_handle_id (&self->linger_source, g_source_remove);
    g_application_release (self->application);
  }
  self->linger_source = g_timeout_add_seconds_once (LINGER, let_go_cb, self);
}

/* Whether the user wants other programs to learn anything of the conversations. Each question has to look. */
static gboolean
is_allowed (QuernSearchProvider *self)
{
  return g_settings_get_boolean (self->settings, "search-provider");
}

static void
answer_search (QuernSearchProvider *self, GDBusMethodInvocation *invocation, const char *const *terms)
{
  const char *const none[] = { NULL };
  Search *search;

  if (!is_allowed (self)) {
    g_dbus_method_invocation_return_value (invocation, g_variant_new ("(^as)", none));
    return;
  }
  search = g_new0 (Search, 1);
  search->provider = g_object_ref (self);
  search->invocation = invocation;
  search->text = g_strjoinv (" ", (char **) terms);
  linger (self);
  if (self->store != NULL)
    search_start (search);
  else
    g_ptr_array_add (self->waiting, search);
}

static gboolean
initial_cb (QuernSearchProvider *self, GDBusMethodInvocation *invocation, const char *const *terms)
{
  answer_search (self, invocation, terms);
  return G_DBUS_METHOD_INVOCATION_HANDLED;
}

static gboolean
subsearch_cb (QuernSearchProvider *self, GDBusMethodInvocation *invocation, const char *const *previous,
              const char *const *terms)
{
  answer_search (self, invocation, terms);
  return G_DBUS_METHOD_INVOCATION_HANDLED;
}

static gboolean
metas_cb (QuernSearchProvider *self, GDBusMethodInvocation *invocation, const char *const *ids)
{
  GVariantBuilder metas;

  g_variant_builder_init (&metas, G_VARIANT_TYPE ("aa{sv}"));
  for (; *ids != NULL && self->store != NULL && is_allowed (self); ids++) {
    QuernConversation *conversation = quern_store_get_conversation (self->store, g_ascii_strtoll (*ids, NULL, 10));
    if (conversation == NULL)
      continue;
    g_variant_builder_open (&metas, G_VARIANT_TYPE ("a{sv}"));
    g_variant_builder_add (&metas, "{sv}", "id", g_variant_new_string (*ids));
    g_variant_builder_add (&metas, "{sv}", "name", g_variant_new_string (quern_conversation_get_title (conversation)));
    g_variant_builder_add (&metas, "{sv}", "gicon", g_variant_new_string (QUERN_APP_ID));
    g_variant_builder_close (&metas);
  }
  g_dbus_method_invocation_return_value (invocation, g_variant_new ("(aa{sv})", &metas));
  return G_DBUS_METHOD_INVOCATION_HANDLED;
}

static gboolean
quern_search_provider_activate_cb (QuernSearchProvider *self, GDBusMethodInvocation *invocation, const char *id,
                                   const char *const *terms, guint timestamp)
{
  g_action_group_activate_action (G_ACTION_GROUP (self->application), "open-conversation",
                                  g_variant_new_int64 (g_ascii_strtoll (id, NULL, 10)));
  quern_shell_search_provider2_complete_activate_result (self->skeleton, invocation);
  return G_DBUS_METHOD_INVOCATION_HANDLED;
}

static gboolean
launch_cb (QuernSearchProvider *self, GDBusMethodInvocation *invocation, const char *const *terms, guint timestamp)
{
  g_autofree char *text = g_strjoinv (" ", (char **) terms);

  g_action_group_activate_action (G_ACTION_GROUP (self->application), "search", g_variant_new_string (text));
  quern_shell_search_provider2_complete_launch_search (self->skeleton, invocation);
  return G_DBUS_METHOD_INVOCATION_HANDLED;
}

static void
quern_search_provider_dispose (GObject *object)
{
  QuernSearchProvider *self = QUERN_SEARCH_PROVIDER (object);

  g_clear_handle_id (&self->linger_source, g_source_remove);
  g_ptr_array_set_size (self->waiting, 0);
  g_clear_object (&self->store);
  G_OBJECT_CLASS (quern_search_provider_parent_class)->dispose (object);
}

static void
quern_search_provider_finalize (GObject *object)
{
  QuernSearchProvider *self = QUERN_SEARCH_PROVIDER (object);

  g_ptr_array_unref (self->waiting);
  g_object_unref (self->settings);
  g_object_unref (self->skeleton);
  G_OBJECT_CLASS (quern_search_provider_parent_class)->finalize (object);
}

static void
quern_search_provider_class_init (QuernSearchProviderClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = quern_search_provider_dispose;
  G_OBJECT_CLASS (klass)->finalize = quern_search_provider_finalize;
}

static void
quern_search_provider_init (QuernSearchProvider *self)
{
  self->settings = g_settings_new (QUERN_APP_ID);
  self->waiting = g_ptr_array_new ();
  self->skeleton = quern_shell_search_provider2_skeleton_new ();
  g_signal_connect_swapped (self->skeleton, "handle-get-initial-result-set", G_CALLBACK (initial_cb), self);
  g_signal_connect_swapped (self->skeleton, "handle-get-subsearch-result-set", G_CALLBACK (subsearch_cb), self);
  g_signal_connect_swapped (self->skeleton, "handle-get-result-metas", G_CALLBACK (metas_cb), self);
  g_signal_connect_swapped (self->skeleton, "handle-activate-result", G_CALLBACK (quern_search_provider_activate_cb),
                            self);
  g_signal_connect_swapped (self->skeleton, "handle-launch-search", G_CALLBACK (launch_cb), self);
}

/**
 * quern_search_provider_new:
 * @application: has the actions "open-conversation" (x) and "search" (s); must outlive the provider
 */
QuernSearchProvider *
quern_search_provider_new (GApplication *application)
{
  QuernSearchProvider *self = g_object_new (QUERN_TYPE_SEARCH_PROVIDER, NULL);
  self->application = application;
  return self;
}

gboolean
quern_search_provider_export (QuernSearchProvider *self, GDBusConnection *connection, const char *path, GError **error)
{
  return g_dbus_interface_skeleton_export (G_DBUS_INTERFACE_SKELETON (self->skeleton), connection, path, error);
}

void
quern_search_provider_unexport (QuernSearchProvider *self)
{
  if (g_dbus_interface_skeleton_get_connection (G_DBUS_INTERFACE_SKELETON (self->skeleton)) != NULL)
    g_dbus_interface_skeleton_unexport (G_DBUS_INTERFACE_SKELETON (self->skeleton));
}

/**
 * quern_search_provider_set_store:
 *
 * Gives the provider what it searches, once, and answers what was asked until now.
 */
void
quern_search_provider_set_store (QuernSearchProvider *self, QuernStore *store)
{
  g_return_if_fail (QUERN_IS_SEARCH_PROVIDER (self));

  g_set_object (&self->store, store);
  for (guint i = 0; i < self->waiting->len; i++)
    search_start (g_ptr_array_index (self->waiting, i));
  g_ptr_array_set_size (self->waiting, 0);
}
