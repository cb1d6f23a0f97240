/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-model.h"

G_BEGIN_DECLS

/* The largest area of a picture, in pixels. Vision files allow 16 times as much, which would take 16 times the tokens
 * and, because every patch attends to every other, far more than 16 times the time: a photograph would take the better
 * part of an hour on an ordinary processor and leave no room in the context. */
#define QUERN_VISION_MAX_PIXELS (1024 * 1024)

/* Calls qe_vision_open() with the limit above. */
QeStatus _quern_vision_open (QeVision **out, const char *path, const QeModel *weights, QeError *error);

gboolean quern_vision_plan (QuernModel *model, guint width, guint height, QeImagePlan *plan, GError **error);

G_END_DECLS
