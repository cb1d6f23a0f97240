/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "quern-hub-error.h"

G_DEFINE_QUARK (quern - hub - error - quark, quern_hub_error)

/* Whether the same request may succeed later without anybody doing anything. */
gboolean
quern_hub_error_is_temporary (const GError *error)
{
  return g_error_matches (error, QUERN_HUB_ERROR, QUERN_HUB_ERROR_OFFLINE)
         || g_error_matches (error, QUERN_HUB_ERROR, QUERN_HUB_ERROR_RATE_LIMITED)
         || g_error_matches (error, QUERN_HUB_ERROR, QUERN_HUB_ERROR_SERVER)
         || g_error_matches (error, QUERN_HUB_ERROR, QUERN_HUB_ERROR_BAD_ANSWER);
}
