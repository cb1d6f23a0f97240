/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-vision.h"

#include <math.h>

#include "quern-local-private.h"

gboolean
_quern_vision_open (QuernModel *model, const QeModel *opened, QeVision **out, GError **error)
{
  const char *path = quern_model_get_vision_path (model);
  QeError failure = { 0 };

  if (!path)
    return quern_inference_refuse_pictures (model, error);
  if (qe_vision_open (out, path, opened, &failure) != QE_OK)
    return _quern_inference_set_error (error, &failure);
  qe_vision_limit_pixels (*out, QUERN_VISION_MAX_PIXELS);
  return TRUE;
}

/* The family's models see squares of so many pixels. */
#define SQUARE 32

/**
 * quern_vision_scale:
 * @scaled_width: (out): in pixels
 * @scaled_height: (out): in pixels
 *
 * The size in which a picture goes to a model that runs elsewhere: as it is, or with %QUERN_VISION_MAX_PIXELS.
 */
void
quern_vision_scale (guint width, guint height, guint *scaled_width, guint *scaled_height)
{
  double area = (double) width * height;
  double scale = area > QUERN_VISION_MAX_PIXELS ? sqrt (QUERN_VISION_MAX_PIXELS / area) : 1;

  *scaled_width = MAX (1, (guint) (width * scale));
  *scaled_height = MAX (1, (guint) (height * scale));
}

/**
 * quern_vision_plan:
 * @model: the model that the picture is for
 * @width: of the picture, in pixels
 * @height: of the picture, in pixels
 * @plan: (out): the size it is resized to, and the tokens it takes
 *
 * Reads the header of the vision file, which blocks. For a model that runs elsewhere the tokens are an estimate.
 *
 * Returns: %FALSE with %QUERN_INFERENCE_ERROR_NO_VISION when the model cannot see, or another @error when the picture is
 *   too small or too elongated, or the file cannot be read
 */
gboolean
quern_vision_plan (QuernModel *model, guint width, guint height, QuernPicturePlan *plan, GError **error)
{
  QeVision *vision;
  QeError failure = { 0 };
  QeImagePlan planned = { 0 };
  gboolean ok;

  if (quern_model_is_remote (model)) {
    if (!quern_model_can_see (model))
      return quern_inference_refuse_pictures (model, error);
    quern_vision_scale (width, height, &plan->width, &plan->height);
    plan->n_tokens = ((plan->width + SQUARE - 1) / SQUARE) * ((plan->height + SQUARE - 1) / SQUARE);
    return TRUE;
  }
  if (!_quern_vision_open (model, NULL, &vision, error))
    return FALSE;
  ok = qe_vision_plan (vision, width, height, &planned, &failure) == QE_OK;
  qe_vision_free (vision);
  if (!ok)
    return _quern_inference_set_error (error, &failure);
  *plan = (QuernPicturePlan) { planned.width, planned.height, planned.n_tokens };
  return TRUE;
}
