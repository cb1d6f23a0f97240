/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-comparison.h"

G_BEGIN_DECLS

/* Describes how two columns part at one prompt, from the view of one of them. */
typedef struct {
  gboolean valid; /* there is another answer to compare with, and it has begun */
  QuernFork fork; /* a: this column, b: the other one */
  guint other;    /* index of the other column */
} QuernForkView;

char *quern_fork_markup (const char *text, guint shared, guint end, gboolean marked);
char *quern_fork_dup_choice (const QuernTokenChoice *choice);
char *quern_fork_dup_sentence (const QuernFork *fork, const char *name_a, const char *name_b);

G_END_DECLS
