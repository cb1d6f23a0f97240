/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-server-error.h"

G_DEFINE_QUARK (quern-server-error-quark, quern_server_error)
