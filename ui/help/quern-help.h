/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

G_BEGIN_DECLS

#define QUERN_TYPE_HELP (quern_help_get_type ())
G_DECLARE_FINAL_TYPE (QuernHelp, quern_help, QUERN, HELP, AdwDialog)

QuernHelp *quern_help_new (void);
void quern_help_show_topic (QuernHelp *self, const char *id);

G_END_DECLS
