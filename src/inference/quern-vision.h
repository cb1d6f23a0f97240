/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-model.h"

G_BEGIN_DECLS

/* Calls qe_vision_open() with the limit QUERN_VISION_MAX_PIXELS. */
QeStatus _quern_vision_open (QeVision **out, const char *path, const QeModel *weights, QeError *error);

gboolean quern_vision_plan (QuernModel *model, guint width, guint height, QeImagePlan *plan, GError **error);

G_END_DECLS
