/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-host.h"

/* Returns: whether a name or the numbers of an address are of this computer; what ends in ".localhost" GLib never looks up
 * elsewhere */
gboolean
quern_host_is_loopback (const char *host)
{
  g_autoptr (GInetAddress) numbers = g_inet_address_new_from_string (host);

  return numbers != NULL ? g_inet_address_get_is_loopback (numbers)
                         : g_ascii_strcasecmp (host, "localhost") == 0 || g_str_has_suffix (host, ".localhost");
}
