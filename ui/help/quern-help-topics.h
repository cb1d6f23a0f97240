/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The text of the help: each topic a title and paragraphs of Markdown, untranslated. */
typedef struct {
  const char *id; /* what app.help takes */
  const char *title;
  const char *icon;
  const char *paragraphs[16]; /* up to the first NULL */
} QuernHelpTopic;

extern const QuernHelpTopic quern_help_topics[];
extern const guint quern_n_help_topics;

char *quern_help_topic_dup_markdown (const QuernHelpTopic *topic);

G_END_DECLS
