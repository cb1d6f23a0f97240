/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "quern-comparison.h"

G_BEGIN_DECLS

/* Shows two columns' answers to one prompt as one text. Text that only one of them has is struck through or
 * underlined. */
#define QUERN_TYPE_DIFF_DIALOG (quern_diff_dialog_get_type ())
G_DECLARE_FINAL_TYPE (QuernDiffDialog, quern_diff_dialog, QUERN, DIFF_DIALOG, AdwDialog)

AdwDialog *quern_diff_dialog_new (QuernComparison *comparison);

G_END_DECLS
