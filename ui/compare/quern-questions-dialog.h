/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "quern-questions.h"

G_BEGIN_DECLS

/* Asks every column a set of questions with known answers, and shows how many each got right. */
#define QUERN_TYPE_QUESTIONS_DIALOG (quern_questions_dialog_get_type ())
G_DECLARE_FINAL_TYPE (QuernQuestionsDialog, quern_questions_dialog, QUERN, QUESTIONS_DIALOG, AdwDialog)

AdwDialog *quern_questions_dialog_new (QuernComparison *comparison, QuernBackend *backend);

G_END_DECLS
