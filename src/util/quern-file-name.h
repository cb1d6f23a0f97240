/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

char *quern_file_name (const char *wanted, const char *suffix, const char *fallback) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
