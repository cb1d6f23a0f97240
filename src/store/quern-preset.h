/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-store.h"

G_BEGIN_DECLS

typedef enum {
  QUERN_PRESET_FOLDER,  /* holds conversations; see quern_conversation_set_folder_id() */
  QUERN_PRESET_PERSONA, /* a system prompt with a name */
  QUERN_N_PRESET_KINDS,
} QuernPresetKind;

/* Something with a name that is kept beside the conversations. Read-only properties: "name", "text". */
#define QUERN_TYPE_PRESET (quern_preset_get_type ())
G_DECLARE_FINAL_TYPE (QuernPreset, quern_preset, QUERN, PRESET, GObject)

gint64 quern_preset_get_id (QuernPreset *self);
QuernPresetKind quern_preset_get_kind (QuernPreset *self);
const char *quern_preset_get_name (QuernPreset *self);
const char *quern_preset_get_text (QuernPreset *self);

GListModel *quern_store_get_presets (QuernStore *self, QuernPresetKind kind);
QuernPreset *quern_store_find_preset (QuernStore *self, QuernPresetKind kind, gint64 id);
QuernPreset *quern_store_add_preset (QuernStore *self, QuernPresetKind kind, const char *name, const char *text);
void quern_store_change_preset (QuernStore *self, QuernPreset *preset, const char *name, const char *text);
void quern_store_delete_preset (QuernStore *self, QuernPreset *preset);
void quern_store_restore_preset (QuernStore *self, QuernPreset *preset);

G_END_DECLS
