/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-measure.h"

G_BEGIN_DECLS

/* Texts that come with Quern, by category: what to measure with. data/texts/README.md says where they are from. */
typedef struct {
  const char *id;   /* in JSON and on the command line */
  const char *name; /* for people, not translated yet */
  const char *file;
} QuernTextCategory;

const QuernTextCategory *quern_texts_get (guint i);
const char *quern_texts_get_name (const char *id);
gboolean quern_texts_add (QuernMeasure *measure, const char *id, GError **error);

/* Adds all text files of a folder and of those in it, in the order of their names. */
gboolean quern_texts_add_folder (QuernMeasure *measure, const char *path, GError **error);

G_END_DECLS
