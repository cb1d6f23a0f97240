/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "quern-comparison.h"

G_BEGIN_DECLS

AdwDialog *quern_votes_dialog_new (QuernComparison *comparison);

G_END_DECLS
