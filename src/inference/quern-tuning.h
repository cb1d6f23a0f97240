/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

#include "qe.h"

G_BEGIN_DECLS

void _quern_tuning_load (void);
void _quern_tuning_begin_work (void);
void _quern_tuning_end_work (void);
gboolean _quern_tuning_is_wanted (QeModel *model);
void _quern_tuning_measure (QeModel *model, guint n_threads, gboolean (*is_asked) (gpointer data), gpointer data);

G_END_DECLS
