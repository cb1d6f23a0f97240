/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "quern-message.h"

G_BEGIN_DECLS

#define QUERN_TYPE_SIBLINGS (quern_siblings_get_type ())
G_DECLARE_FINAL_TYPE (QuernSiblings, quern_siblings, QUERN, SIBLINGS, AdwBin)

void quern_siblings_update (QuernSiblings *self, QuernMessage *message);

G_END_DECLS
