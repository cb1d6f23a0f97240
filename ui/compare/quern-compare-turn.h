/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "quern-fork-markup.h"

G_BEGIN_DECLS

#define QUERN_TYPE_COMPARE_TURN (quern_compare_turn_get_type ())
G_DECLARE_FINAL_TYPE (QuernCompareTurn, quern_compare_turn, QUERN, COMPARE_TURN, GtkBox)

GtkWidget *quern_compare_turn_new (const char *prompt, GListModel *pictures, QuernCompareAnswer *answer);
QuernCompareAnswer *quern_compare_turn_get_answer (QuernCompareTurn *self);
void quern_compare_turn_set_fork (QuernCompareTurn *self, const QuernForkView *view, const char *name,
                                  const char *other_name, QuernCompareAnswer *other);
void quern_compare_turn_set_marks (QuernCompareTurn *self, gboolean marks);
gboolean quern_compare_turn_show_fork (QuernCompareTurn *self);

void quern_compare_turn_set_veiled (QuernCompareTurn *self, gboolean veiled);
void quern_compare_turn_set_offer (QuernCompareTurn *self, const char *label);
gboolean quern_compare_turn_find_fork (QuernCompareTurn *self, double *y);

G_END_DECLS
