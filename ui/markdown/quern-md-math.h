/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

char *quern_md_math_render (const char *latex, gboolean display, char **text);

/* Marks in the text between reading and rendering. Each mark ends at QUERN_MATH_END. */
#define QUERN_MATH_SUP '\x0e'
#define QUERN_MATH_SUB '\x0f'
#define QUERN_MATH_UPRIGHT '\x11' /* names of functions, words */
#define QUERN_MATH_BOLD '\x12'
#define QUERN_MATH_END '\x10'
#define QUERN_MATH_GRID '\x13' /* followed by the character of a grid */
#define QUERN_MATH_FIRST_GRID '0'

/* A matrix or a similar array: rows of cells, which are plain text. */
typedef struct {
  GPtrArray *rows;          /* of GPtrArray of char * */
  const char *left, *right; /* its brackets: "(", "[", "{", "|", "‖" or "" */
} QuernMathGrid;

GPtrArray *quern_md_math_grids_new (void);
char *quern_md_math_to_text (const char *marked, GPtrArray *grids, gboolean display);
char *quern_md_math_to_markup (const char *marked, GPtrArray *grids, gboolean display);

G_END_DECLS
