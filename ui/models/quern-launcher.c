/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-launcher.h"

/* Progress on the application's icon in docks and task bars: a signal of com.canonical.Unity.LauncherEntry, which the
 * docks of Ubuntu, KDE and others listen to. */

/**
 * quern_launcher_show_progress:
 * @progress: from 0 to 1; negative: none
 */
void
quern_launcher_show_progress (GApplication *application, double progress)
{
  GDBusConnection *bus = g_application_get_dbus_connection (application);
  g_autofree char *path = NULL;
  GVariantBuilder properties;

  if (bus == NULL)
    return;
  g_variant_builder_init (&properties, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&properties, "{sv}", "progress", g_variant_new_double (CLAMP (progress, 0, 1)));
  g_variant_builder_add (&properties, "{sv}", "progress-visible", g_variant_new_boolean (progress >= 0));
  path = g_strdup_printf ("/com/canonical/unity/launcherentry/%u", g_str_hash (QUERN_APP_ID));
  g_dbus_connection_emit_signal (bus, NULL, path, "com.canonical.Unity.LauncherEntry", "Update",
                                 g_variant_new ("(sa{sv})", "application://" QUERN_APP_ID ".desktop", &properties),
                                 NULL);
}
