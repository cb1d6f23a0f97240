/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* Lets people drag conversations between rows of the sidebar. The dragged value is the id of a conversation. */
typedef gint64 (*QuernRowIdFunc) (GtkWidget *row);

void quern_row_allow_drags (GtkWidget *row, QuernRowIdFunc get_conversation);
void quern_row_accept_drops (GtkWidget *row, QuernRowIdFunc get_folder);

G_END_DECLS
