/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "quern-comparison.h"
#include "quern-store.h"

G_BEGIN_DECLS

#define QUERN_TYPE_MEASURE_DIALOG (quern_measure_dialog_get_type ())
G_DECLARE_FINAL_TYPE (QuernMeasureDialog, quern_measure_dialog, QUERN, MEASURE_DIALOG, AdwDialog)

AdwDialog *quern_measure_dialog_new (QuernComparison *comparison, QuernBackend *backend, QuernStore *store);

G_END_DECLS
