/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

G_BEGIN_DECLS

/* Told the path that was chosen. */
typedef void (*QuernChosenFunc) (GtkWidget *widget, const char *path);

void quern_choose_model_file (GtkWidget *widget, QuernChosenFunc chosen);
void quern_choose_model_folder (GtkWidget *widget, QuernChosenFunc chosen);

G_END_DECLS
