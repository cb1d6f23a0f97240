/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-vision.h"

#include <glib/gi18n-lib.h>

#include "quern-backend.h"

QeStatus
_quern_vision_open (QeVision **out, const char *path, const QeModel *weights, QeError *error)
{
  QeStatus status = qe_vision_open (out, path, weights, error);

  if (status == QE_OK)
    qe_vision_limit_pixels (*out, QUERN_VISION_MAX_PIXELS);
  return status;
}

/**
 * quern_vision_plan:
 * @model: the model that the picture is for
 * @width: of the picture
 * @height: of the picture
 * @plan: (out): the size it is resized to, and the tokens it takes
 *
 * Reads the header of the vision file, which blocks.
 *
 * Returns: %FALSE with %QUERN_ENGINE_ERROR_NO_VISION when the model cannot see, or another @error when the picture is
 *   too small or too elongated, or the file cannot be read
 */
gboolean
quern_vision_plan (QuernModel *model, guint width, guint height, QeImagePlan *plan, GError **error)
{
  const char *path = quern_model_get_vision_path (model);
  QeVision *vision = NULL;
  QeError failure = { 0 };
  gboolean ok;

  if (path == NULL) {
    g_set_error (error, QUERN_ENGINE_ERROR, QUERN_ENGINE_ERROR_NO_VISION, _("“%s” has no vision file."),
                 quern_model_get_title (model));
    return FALSE;
  }
  ok = _quern_vision_open (&vision, path, NULL, &failure) == QE_OK
       && qe_vision_plan (vision, width, height, plan, &failure) == QE_OK;
  qe_vision_free (vision);
  return ok || quern_engine_set_error (error, &failure);
}
