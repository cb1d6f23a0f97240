/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "quern-hub-error.h"

G_DEFINE_QUARK (quern - hub - error - quark, quern_hub_error)
