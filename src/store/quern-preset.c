/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-preset.h"

#include "quern-store-private.h"

struct _QuernPreset {
  GObject parent_instance;

  QuernPresetKind kind;
  gint64 id;
  char *name;
  char *text; /* the system prompt of a persona; "" for a folder */
};

enum { PROP_0, PROP_NAME, PROP_TEXT, N_PROPS };

static GParamSpec *properties[N_PROPS];

G_DEFINE_FINAL_TYPE (QuernPreset, quern_preset, G_TYPE_OBJECT)

gint64
quern_preset_get_id (QuernPreset *self)
{
  return self->id;
}

QuernPresetKind
quern_preset_get_kind (QuernPreset *self)
{
  return self->kind;
}

const char *
quern_preset_get_name (QuernPreset *self)
{
  return self->name;
}

/**
 * quern_preset_get_text:
 *
 * Returns: the system prompt of a persona; "" for a folder
 */
const char *
quern_preset_get_text (QuernPreset *self)
{
  return self->text;
}

static QuernPreset *
preset_new (QuernPresetKind kind, gint64 id, const char *name, const char *text)
{
  QuernPreset *self = g_object_new (QUERN_TYPE_PRESET, NULL);

  self->kind = kind;
  self->id = id;
  self->name = g_strdup (name);
  self->text = g_strdup (text ? text : "");
  return self;
}

static void
quern_preset_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  QuernPreset *self = QUERN_PRESET (object);

  switch (prop_id) {
  case PROP_NAME: g_value_set_string (value, self->name); break;
  case PROP_TEXT: g_value_set_string (value, self->text); break;
  default: G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
  }
}

static void
quern_preset_finalize (GObject *object)
{
  QuernPreset *self = QUERN_PRESET (object);

  g_free (self->name);
  g_free (self->text);
  G_OBJECT_CLASS (quern_preset_parent_class)->finalize (object);
}

static void
quern_preset_class_init (QuernPresetClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;

  object_class->get_property = quern_preset_get_property;
  object_class->finalize = quern_preset_finalize;
  properties[PROP_NAME] = g_param_spec_string ("name", NULL, NULL, "", flags);
  properties[PROP_TEXT] = g_param_spec_string ("text", NULL, NULL, "", flags);
  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
quern_preset_init (QuernPreset *self)
{
}

/* ---- the store's lists ----------------------------------------------------------------------------------------- */

static const struct {
  const char *load, *save, *erase;
} statements[QUERN_N_PRESET_KINDS] = {
  [QUERN_PRESET_FOLDER] = { "SELECT id, name, '' FROM folder ORDER BY name COLLATE NOCASE, id",
                            "INSERT INTO folder (id, name) VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET name = ?2",
                            "DELETE FROM folder WHERE id = ?1" },
  [QUERN_PRESET_PERSONA] = { "SELECT id, name, system_prompt FROM persona ORDER BY name COLLATE NOCASE, id",
                             "INSERT INTO persona (id, name, system_prompt) VALUES (?1, ?2, ?3)"
                             " ON CONFLICT (id) DO UPDATE SET name = ?2, system_prompt = ?3",
                             "DELETE FROM persona WHERE id = ?1" },
};

static int
compare_names (gconstpointer a, gconstpointer b, gpointer user_data)
{
  return g_utf8_collate (((const QuernPreset *) a)->name, ((const QuernPreset *) b)->name);
}

/* For opening and restoring, on any thread: fills a list that nobody watches yet. */
gboolean
_quern_preset_load (sqlite3 *db, gpointer data, GError **error)
{
  GListStore **lists = data;
  GError *failure = NULL;

  for (int kind = 0; kind < QUERN_N_PRESET_KINDS && !failure; kind++) {
    g_autoptr (sqlite3_stmt) stmt = quern_sql_query (db, &failure, statements[kind].load, "");
    while (stmt && quern_sql_next (stmt, &failure)) {
      g_autoptr (QuernPreset)
          preset = preset_new (kind, sqlite3_column_int64 (stmt, 0), (const char *) sqlite3_column_text (stmt, 1),
                               (const char *) sqlite3_column_text (stmt, 2));
      g_list_store_insert_sorted (lists[kind], preset, compare_names, NULL);
    }
  }
  if (failure)
    g_propagate_error (error, failure);
  return failure == NULL;
}

static void
preset_unref (gpointer data)
{
  g_object_unref (data);
}

static gboolean
save (sqlite3 *db, gpointer data, GError **error)
{
  const QuernPreset *preset = data;

  if (preset->kind == QUERN_PRESET_FOLDER)
    return quern_sql_run (db, error, statements[preset->kind].save, "is", preset->id, preset->name);
  return quern_sql_run (db, error, statements[preset->kind].save, "iss", preset->id, preset->name, preset->text);
}

static gboolean
erase (sqlite3 *db, gpointer data, GError **error)
{
  const QuernPreset *preset = data;

  return quern_sql_run (db, error, statements[preset->kind].erase, "i", preset->id);
}

/**
 * quern_store_get_presets:
 *
 * Returns: (transfer none): a live list of #QuernPreset, by name
 */
GListModel *
quern_store_get_presets (QuernStore *self, QuernPresetKind kind)
{
  return G_LIST_MODEL (_quern_store_get_preset_list (self, kind));
}

void
_quern_preset_show (QuernStore *self, QuernPreset *preset)
{
  g_list_store_insert_sorted (_quern_store_get_preset_list (self, preset->kind), preset, compare_names, NULL);
}

static QuernPreset *
keep (QuernStore *self, QuernPreset *preset)
{
  _quern_preset_show (self, preset);
  _quern_store_write (self, save, g_object_ref (preset), preset_unref);
  g_object_unref (preset);
  return preset; /* the list holds it */
}

static void
forget (QuernStore *self, QuernPreset *preset)
{
  GListStore *list = _quern_store_get_preset_list (self, preset->kind);
  guint position;

  if (g_list_store_find (list, preset, &position))
    g_list_store_remove (list, position);
}

/**
 * quern_store_add_preset:
 * @text: (nullable): the system prompt of a persona
 *
 * Returns: (transfer none): the new one, which is in the list
 */
QuernPreset *
quern_store_add_preset (QuernStore *self, QuernPresetKind kind, const char *name, const char *text)
{
  return keep (self, preset_new (kind, quern_store_new_id (), name, text));
}

/**
 * quern_store_restore_preset:
 * @preset: one that was deleted
 *
 * Brings it back; conversations of a folder have to be put back into it.
 */
void
quern_store_restore_preset (QuernStore *self, QuernPreset *preset)
{
  if (quern_store_find_preset (self, preset->kind, preset->id) == NULL) /* a backup may have */
    keep (self, g_object_ref (preset));
}

/**
 * quern_store_find_preset:
 *
 * Returns: (transfer none) (nullable): the one of that id
 */
QuernPreset *
quern_store_find_preset (QuernStore *self, QuernPresetKind kind, gint64 id)
{
  GListModel *presets = quern_store_get_presets (self, kind);

  for (guint i = 0; i < g_list_model_get_n_items (presets); i++) {
    g_autoptr (QuernPreset) preset = g_list_model_get_item (presets, i);
    if (preset->id == id)
      return preset; /* the list holds it */
  }
  return NULL;
}

/**
 * quern_store_change_preset:
 *
 * Puts another object of the same id in its place: those in the list do not change, so that the database's thread may
 * read them.
 */
void
quern_store_change_preset (QuernStore *self, QuernPreset *preset, const char *name, const char *text)
{
  QuernPreset *other = preset_new (preset->kind, preset->id, name, text);

  forget (self, preset);
  keep (self, other);
}

/**
 * quern_store_delete_preset:
 *
 * Conversations of a deleted folder are in none from then on.
 */
void
quern_store_delete_preset (QuernStore *self, QuernPreset *preset)
{
  GListModel *conversations = quern_store_get_conversations (self);

  for (guint i = 0; preset->kind == QUERN_PRESET_FOLDER && i < g_list_model_get_n_items (conversations); i++) {
    g_autoptr (QuernConversation) conversation = g_list_model_get_item (conversations, i);
    if (quern_conversation_get_folder_id (conversation) == preset->id)
      quern_conversation_set_folder_id (conversation, 0);
  }
  _quern_store_write (self, erase, g_object_ref (preset), preset_unref);
  forget (self, preset);
}
