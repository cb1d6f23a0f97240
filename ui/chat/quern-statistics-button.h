/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "quern-message.h"

G_BEGIN_DECLS

#define QUERN_TYPE_STATISTICS_BUTTON (quern_statistics_button_get_type ())
G_DECLARE_FINAL_TYPE (QuernStatisticsButton, quern_statistics_button, QUERN, STATISTICS_BUTTON, AdwBin)

void quern_statistics_button_update (QuernStatisticsButton *self, QuernMessage *message);

G_END_DECLS
