/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-model.h"
#include "quern-store.h"

G_BEGIN_DECLS

#define QUERN_LIBRARY_ERROR (quern_library_error_quark ())
GQuark quern_library_error_quark (void);

typedef enum {
  QUERN_LIBRARY_ERROR_NOT_FOUND, /* no such model or file */
  QUERN_LIBRARY_ERROR_DAMAGED,   /* the file is not a sound GGUF file */
  QUERN_LIBRARY_ERROR_UNSUPPORTED,
  QUERN_LIBRARY_ERROR_NOT_ALLOWED, /* the demonstration model cannot be removed */
  QUERN_LIBRARY_ERROR_FAILED,
} QuernLibraryError;

/* The models, a GListModel of QuernModel. First those on this computer: those in $XDG_DATA_HOME/quern/models (watched), files and
 * folders that were imported where they lie, what Ollama, LM Studio, llama.cpp and Hugging Face's tools keep, and Quern
 * Tiny last; these are missing until the first scan is done ("scanning" says). After them, those that run elsewhere.
 *
 * Signals: "used" (QuernModel *). */
#define QUERN_TYPE_LIBRARY (quern_library_get_type ())
G_DECLARE_FINAL_TYPE (QuernLibrary, quern_library, QUERN, LIBRARY, GObject)

QuernLibrary *quern_library_new (QuernStore *store);
void quern_library_set_elsewhere (QuernLibrary *self, GListModel *models);
char *quern_library_dup_folder (void);
gboolean quern_library_get_scanning (QuernLibrary *self);
QuernModel *quern_library_find (QuernLibrary *self, const char *id);
QuernModel *quern_library_get_default (QuernLibrary *self);
GListModel *quern_library_get_folders (QuernLibrary *self);
guint quern_library_get_n_skipped (QuernLibrary *self);
void quern_library_mark_used (QuernLibrary *self, QuernModel *model);
gint64 quern_library_get_last_used (QuernLibrary *self, QuernModel *model);
void quern_library_add_installed (QuernLibrary *self, const char *const *paths);
void quern_library_scan_async (QuernLibrary *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                               gpointer user_data);
gboolean quern_library_scan_finish (QuernLibrary *self, GAsyncResult *result, GError **error);
void quern_library_import_async (QuernLibrary *self, const char *path, GCancellable *cancellable,
                                 GAsyncReadyCallback callback, gpointer user_data);
QuernModel *quern_library_import_finish (QuernLibrary *self, GAsyncResult *result, GError **error);
void quern_library_remove_async (QuernLibrary *self, QuernModel *model, GCancellable *cancellable,
                                 GAsyncReadyCallback callback, gpointer user_data);
void quern_library_remove_folder_async (QuernLibrary *self, const char *path, GCancellable *cancellable,
                                        GAsyncReadyCallback callback, gpointer user_data);
gboolean quern_library_remove_finish (QuernLibrary *self, GAsyncResult *result, GError **error);

G_END_DECLS
