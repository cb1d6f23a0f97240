/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The style sheet of every HTML file that Quern writes: reports on comparisons, and conversations, whose body has the
 * class "conversation". It follows the light or dark style of the reader's system and loads nothing. */
extern const char quern_style_sheet[];
