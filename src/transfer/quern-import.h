/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "quern-store.h"

G_BEGIN_DECLS

#define QUERN_IMPORT_ERROR (quern_import_error_quark ())
GQuark quern_import_error_quark (void);

typedef enum {
  QUERN_IMPORT_ERROR_UNKNOWN,   /* no format that is read here */
  QUERN_IMPORT_ERROR_NEWER,     /* written by a newer version of Quern */
  QUERN_IMPORT_ERROR_EMPTY,     /* sound, but without a message */
  QUERN_IMPORT_ERROR_TOO_LARGE, /* more than is read at once */
} QuernImportError;

void quern_import_async (QuernStore *store, GFile *file, GFileProgressCallback progress, gpointer progress_data,
                         GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
GPtrArray *quern_import_finish (GAsyncResult *result, GError **error);
const char *quern_import_get_report (GAsyncResult *result);

/* Several files, one after the other: quern-import-files.c. */
void quern_import_files_async (QuernStore *store, GListModel *files, GFileProgressCallback progress,
                               gpointer progress_data, GCancellable *cancellable, GAsyncReadyCallback callback,
                               gpointer user_data);
GPtrArray *quern_import_files_finish (GAsyncResult *result, GError **error);
const char *quern_import_files_get_report (GAsyncResult *result);

/* Other programs' files as the JSON of quern-export.h. NULL: not of that format. The root is that of the file, or a list of
 * the objects in its lines. quern-import-formats.c, -web.c, -messages.c */
JsonArray *_quern_import_openai (JsonNode *root);
JsonArray *_quern_import_lmstudio (JsonNode *root);
JsonArray *_quern_import_open_webui (JsonNode *root);
JsonArray *_quern_import_llama (JsonNode *root);
JsonArray *_quern_import_claude (JsonNode *root);
JsonArray *_quern_import_messages (JsonNode *root);
JsonArray *_quern_import_jan (JsonNode *root, JsonObject *beside);

/* Members of JSON that anyone may have written: the fallback when one is missing or of another type. */
const char *_quern_import_string (JsonObject *object, const char *name);
double _quern_import_number (JsonObject *object, const char *name);
JsonObject *_quern_import_object (JsonObject *object, const char *name);
JsonArray *_quern_import_array (JsonObject *object, const char *name);
JsonObject *_quern_import_element (JsonArray *array, guint position);

G_END_DECLS
