/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "quern-test-resolver.h"

#define QUERN_TYPE_TEST_RESOLVER (quern_test_resolver_get_type ())
G_DECLARE_FINAL_TYPE (QuernTestResolver, quern_test_resolver, QUERN, TEST_RESOLVER, GResolver)

struct _QuernTestResolver {
  GResolver parent_instance;
};

G_DEFINE_FINAL_TYPE (QuernTestResolver, quern_test_resolver, G_TYPE_RESOLVER)

static GList *
lookup (const char *name, GResolverNameLookupFlags flags, GError **error)
{
  if (g_str_has_suffix (name, ".test") && !(flags & G_RESOLVER_NAME_LOOKUP_FLAGS_IPV6_ONLY))
    return g_list_append (NULL, g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4));
  g_set_error (error, G_RESOLVER_ERROR, G_RESOLVER_ERROR_NOT_FOUND, "no such host: %s", name);
  return NULL;
}

static GList *
lookup_by_name (GResolver *resolver, const char *name, GCancellable *cancellable, GError **error)
{
  return lookup (name, 0, error);
}

static GList *
lookup_by_name_with_flags (GResolver *resolver, const char *name, GResolverNameLookupFlags flags,
                           GCancellable *cancellable, GError **error)
{
  return lookup (name, flags, error);
}

static void
free_addresses (gpointer data)
{
  g_list_free_full (data, g_object_unref);
}

static void
lookup_by_name_with_flags_async (GResolver *resolver, const char *name, GResolverNameLookupFlags flags,
                                 GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (resolver, cancellable, callback, user_data);
  GError *error = NULL;
  GList *addresses = lookup (name, flags, &error);

  if (addresses != NULL)
    g_task_return_pointer (task, addresses, free_addresses);
  else
    g_task_return_error (task, error);
}

static void
lookup_by_name_async (GResolver *resolver, const char *name, GCancellable *cancellable, GAsyncReadyCallback callback,
                      gpointer user_data)
{
  lookup_by_name_with_flags_async (resolver, name, 0, cancellable, callback, user_data);
}

static GList *
lookup_finish (GResolver *resolver, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
quern_test_resolver_class_init (QuernTestResolverClass *klass)
{
  GResolverClass *class = G_RESOLVER_CLASS (klass);

  class->lookup_by_name = lookup_by_name;
  class->lookup_by_name_async = lookup_by_name_async;
  class->lookup_by_name_finish = lookup_finish;
  class->lookup_by_name_with_flags = lookup_by_name_with_flags;
  class->lookup_by_name_with_flags_async = lookup_by_name_with_flags_async;
  class->lookup_by_name_with_flags_finish = lookup_finish;
}

static void
quern_test_resolver_init (QuernTestResolver *self)
{
}

void
quern_test_resolver_install (void)
{
  g_autoptr (GResolver) resolver = g_object_new (QUERN_TYPE_TEST_RESOLVER, NULL);

  g_resolver_set_default (resolver);
}
