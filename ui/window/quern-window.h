/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "models/quern-models-service.h"
#include "quern-desk.h"

G_BEGIN_DECLS

/* Who asks for files to be opened. */
typedef enum {
  QUERN_OPENED_BY_COMMAND,  /* this process's own command line */
  QUERN_OPENED_BY_LAUNCH,   /* over the session bus, with the token of a launch */
  QUERN_OPENED_BY_STRANGER, /* over the session bus, without one */
} QuernOpenedBy;

#define QUERN_TYPE_WINDOW (quern_window_get_type ())
G_DECLARE_FINAL_TYPE (QuernWindow, quern_window, QUERN, WINDOW, AdwApplicationWindow)

GtkWidget *quern_window_new (GtkApplication *application);
void quern_window_set_desk (QuernWindow *self, QuernDesk *desk, QuernConversation *conversation, const char *problem);
void quern_window_set_models (QuernWindow *self, QuernModelsService *models);

G_END_DECLS
