/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-hub-private.h"
#include "quern-json-util.h"

#include <glib/gi18n-lib.h>

#define MAX_VALUES 100000 /* a repository of 10,000 files */

/* Whether it is worth being parsed: whole, UTF-8, not too deep and not too much. */
gboolean
_quern_hub_check_json (GBytes *body, GError **error)
{
  gsize size;
  const char *data = g_bytes_get_data (body, &size);
  QuernJsonSoundness soundness = quern_json_check (data, size, MAX_VALUES);

  if (soundness == QUERN_JSON_TOO_MANY)
    g_set_error_literal (error, QUERN_HUB_ERROR, QUERN_HUB_ERROR_TOO_LARGE,
                         _("The hub’s response is too long. Choose another repository or mirror."));
  else if (soundness == QUERN_JSON_DAMAGED)
    g_set_error_literal (error, QUERN_HUB_ERROR, QUERN_HUB_ERROR_BAD_ANSWER,
                         _("The hub’s response is damaged. Try again later."));
  return soundness == QUERN_JSON_SOUND;
}
