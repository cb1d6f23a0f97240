/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "quern-store.h"

G_BEGIN_DECLS

#define QUERN_TYPE_QUESTION_ROW (quern_question_row_get_type ())
G_DECLARE_FINAL_TYPE (QuernQuestionRow, quern_question_row, QUERN, QUESTION_ROW, AdwBin)

GtkWidget *quern_question_row_new (QuernMessage *message, QuernStore *store);

void quern_question_row_set_last (QuernQuestionRow *self, gboolean last);

G_END_DECLS
