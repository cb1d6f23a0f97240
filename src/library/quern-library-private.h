/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-library.h"

G_BEGIN_DECLS

QuernStore *_quern_library_get_store (QuernLibrary *self);

G_END_DECLS
