/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define QUERN_TYPE_CODE_BLOCK (quern_code_block_get_type ())
G_DECLARE_FINAL_TYPE (QuernCodeBlock, quern_code_block, QUERN, CODE_BLOCK, GtkBox)

GtkWidget *quern_code_block_new (void);
void quern_code_block_set (QuernCodeBlock *self, const char *language, const char *text);

G_END_DECLS
