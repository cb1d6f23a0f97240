/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "qe.h"
#include "quern-model.h"

G_BEGIN_DECLS

/* What a model makes of a picture. */
typedef struct {
  guint width, height; /* in pixels, after resizing */
  guint n_tokens;
} QuernPicturePlan;

void quern_vision_scale (guint width, guint height, guint *scaled_width, guint *scaled_height);
gboolean quern_vision_plan (QuernModel *model, guint width, guint height, QuernPicturePlan *plan, GError **error);

/* Opens a model's vision file, which limits pictures to QUERN_VISION_MAX_PIXELS. The opened model may be NULL. */
gboolean _quern_vision_open (QuernModel *model, const QeModel *opened, QeVision **out, GError **error);

G_END_DECLS
