/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-refusal.h"

G_BEGIN_DECLS

/* Reads the members of an object that a client sent. A member that is null counts as absent, and so gives the fallback. The
 * first wrong value becomes the refusal, which names it; what is read after it may be anything. */
typedef struct {
  JsonObject *object;
  const char *where;      /* names of the objects around it, with a dot behind each: "messages[2].", "" */
  QuernRefusal **refusal; /* points to NULL at first */
} QuernFields;

gboolean quern_fields_has (const QuernFields *self, const char *name);
gint64 quern_fields_int (const QuernFields *self, const char *name, gint64 low, gint64 high, gint64 fallback);
double quern_fields_number (const QuernFields *self, const char *name, double low, double high, double fallback);
gboolean quern_fields_bool (const QuernFields *self, const char *name, gboolean fallback);
const char *quern_fields_string (const QuernFields *self, const char *name, const char *fallback);
JsonObject *quern_fields_object (const QuernFields *self, const char *name);
JsonArray *quern_fields_array (const QuernFields *self, const char *name);
JsonNode *quern_fields_node (const QuernFields *self, const char *name);
gboolean quern_fields_refuse (const QuernFields *self, const char *name, const char *format, ...) G_GNUC_PRINTF (3, 4);

JsonObject *quern_fields_parse (GBytes *body, JsonParser *parser, QuernRefusal **refusal);

G_END_DECLS
