/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-persona.h"

#include "quern-store-private.h"

/* One in the list never changes, so that the database's thread may read it: a change makes a new object. */
struct _QuernPersona {
  GObject parent_instance;

  gint64 id;
  char *name;
  char *prompt;
};

G_DEFINE_FINAL_TYPE (QuernPersona, quern_persona, G_TYPE_OBJECT)

const char *
quern_persona_get_name (QuernPersona *self)
{
  g_return_val_if_fail (QUERN_IS_PERSONA (self), NULL);
  return self->name;
}

/**
 * quern_persona_get_prompt:
 *
 * Returns: the system prompt
 */
const char *
quern_persona_get_prompt (QuernPersona *self)
{
  g_return_val_if_fail (QUERN_IS_PERSONA (self), NULL);
  return self->prompt;
}

static QuernPersona *
quern_persona_new (gint64 id, const char *name, const char *prompt)
{
  QuernPersona *self = g_object_new (QUERN_TYPE_PERSONA, NULL);

  self->id = id;
  self->name = g_strdup (name);
  self->prompt = g_strdup (prompt ? prompt : ""); /* nothing in a damaged row */
  return self;
}

static void
quern_persona_finalize (GObject *object)
{
  QuernPersona *self = QUERN_PERSONA (object);

  g_free (self->name);
  g_free (self->prompt);
  G_OBJECT_CLASS (quern_persona_parent_class)->finalize (object);
}

static void
quern_persona_class_init (QuernPersonaClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = quern_persona_finalize;
}

static void
quern_persona_init (QuernPersona *self)
{
}

/* ---- the store's list ------------------------------------------------------------------------------------------ */

static int
compare_personas (gconstpointer a, gconstpointer b, gpointer user_data)
{
  return g_utf8_collate (((const QuernPersona *) a)->name, ((const QuernPersona *) b)->name);
}

gboolean
_quern_persona_load (sqlite3 *db, gpointer list, GError **error)
{
  GError *failure = NULL;
  g_autoptr (sqlite3_stmt)
      stmt = quern_sql_query (db, &failure,
                              "SELECT id, name, system_prompt FROM persona ORDER BY name COLLATE NOCASE, id", "");

  while (stmt && quern_sql_next (stmt, &failure)) {
    g_autoptr (QuernPersona)
        persona = quern_persona_new (sqlite3_column_int64 (stmt, 0), (const char *) sqlite3_column_text (stmt, 1),
                                     (const char *) sqlite3_column_text (stmt, 2));
    g_list_store_insert_sorted (list, persona, compare_personas, NULL);
  }
  if (failure)
    g_propagate_error (error, failure);
  return failure == NULL;
}

void
_quern_persona_show (QuernStore *store, QuernPersona *persona)
{
  GListStore *list = _quern_store_get_persona_list (store);

  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (list)); i++) {
    g_autoptr (QuernPersona) other = g_list_model_get_item (G_LIST_MODEL (list), i);
    if (other->id == persona->id)
      return;
  }
  g_list_store_insert_sorted (list, persona, compare_personas, NULL);
}

static gboolean
quern_persona_save (sqlite3 *db, gpointer data, GError **error)
{
  const QuernPersona *persona = data;

  return quern_sql_run (db, error,
                        "INSERT INTO persona (id, name, system_prompt) VALUES (?1, ?2, ?3)"
                        " ON CONFLICT (id) DO UPDATE SET name = ?2, system_prompt = ?3",
                        "iss", persona->id, persona->name, persona->prompt);
}

static gboolean
quern_persona_erase (sqlite3 *db, gpointer data, GError **error)
{
  return quern_sql_run (db, error, "DELETE FROM persona WHERE id = ?1", "i", ((const QuernPersona *) data)->id);
}

static void
quern_persona_leave_list (QuernStore *store, QuernPersona *persona)
{
  GListStore *list = _quern_store_get_persona_list (store);
  guint position;

  if (g_list_store_find (list, persona, &position))
    g_list_store_remove (list, position);
}

/**
 * quern_store_get_personas:
 *
 * Returns: (transfer none): a live list of #QuernPersona, by name
 */
GListModel *
quern_store_get_personas (QuernStore *self)
{
  g_return_val_if_fail (QUERN_IS_STORE (self), NULL);
  return G_LIST_MODEL (_quern_store_get_persona_list (self));
}

/**
 * quern_store_add_persona:
 * @prompt: the system prompt
 */
void
quern_store_add_persona (QuernStore *self, const char *name, const char *prompt)
{
  QuernPersona *persona;

  g_return_if_fail (QUERN_IS_STORE (self) && name != NULL && prompt != NULL);
  persona = quern_persona_new (quern_store_new_id (), name, prompt);
  _quern_persona_show (self, persona);
  _quern_store_write (self, quern_persona_save, persona, g_object_unref);
}

/**
 * quern_store_change_persona:
 *
 * Puts another object of the same id in the persona's place.
 */
void
quern_store_change_persona (QuernStore *self, QuernPersona *persona, const char *name, const char *prompt)
{
  QuernPersona *other;

  g_return_if_fail (QUERN_IS_STORE (self) && QUERN_IS_PERSONA (persona) && name != NULL && prompt != NULL);
  other = quern_persona_new (persona->id, name, prompt);
  quern_persona_leave_list (self, persona);
  _quern_persona_show (self, other);
  _quern_store_write (self, quern_persona_save, other, g_object_unref);
}

void
quern_store_delete_persona (QuernStore *self, QuernPersona *persona)
{
  g_return_if_fail (QUERN_IS_STORE (self) && QUERN_IS_PERSONA (persona));
  _quern_store_write (self, quern_persona_erase, g_object_ref (persona), g_object_unref);
  quern_persona_leave_list (self, persona);
}
