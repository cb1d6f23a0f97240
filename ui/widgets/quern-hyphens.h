/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

void quern_hyphens_leave_out (GtkLabel *label);
void quern_hyphens_leave_out_of_view (GtkTextView *view);

G_END_DECLS
