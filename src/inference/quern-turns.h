/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Who computes first. A request that somebody waits for at the window goes before those in the background
 * (quern_request_set_background()): while one is queued or runs, on whatever model, those rest where they are. Each runs on
 * the thread of a context of its own, so none that rests stands in the way of one that goes first. */

void _quern_turns_begin (void);
void _quern_turns_end (void);
void _quern_turns_wake (void);
gboolean _quern_turns_are_taken (void);
void _quern_turns_wait (gboolean (*stopped) (gpointer data), gpointer data);

G_END_DECLS
