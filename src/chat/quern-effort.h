/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-model.h"

G_BEGIN_DECLS

const char *quern_effort_get_title (const char *effort);
const char *quern_effort_for_model (QuernModel *model, const char *wanted);

G_END_DECLS
