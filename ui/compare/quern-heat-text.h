/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

G_BEGIN_DECLS

/* A text view with places that are tinted and underlined. A higher level has a stronger tint and a thicker line, so
 * that colour is never the only mark. */
#define QUERN_HEAT_UNKNOWN (-2) /* the place was not scored */
#define QUERN_HEAT_LEVELS 3

#define QUERN_TYPE_HEAT_TEXT (quern_heat_text_get_type ())
G_DECLARE_FINAL_TYPE (QuernHeatText, quern_heat_text, QUERN, HEAT_TEXT, GtkTextView)

GtkWidget *quern_heat_text_new (void);
void quern_heat_text_clear (QuernHeatText *self);
void quern_heat_text_add (QuernHeatText *self, int start, int end, int level);
/* Returns the level of a divergence in nats, or -1 if it is not marked. */
int quern_heat_level (double kld);

G_END_DECLS
