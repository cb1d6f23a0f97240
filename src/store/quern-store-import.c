/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-store-private.h"

/* Many conversations and messages at once, from a thread of their own: written in batches, and hidden until all are there
 * (see QUERN_STORE_FIRST_IMPORTING). What a crash leaves of an import is erased at the next start. */

typedef struct {
  QuernStore *store;
  QuernConversation *conversation;
  GPtrArray *messages; /* of QuernMessage */
} Part;

static gboolean
set_deleted (sqlite3 *db, gint64 id, gint64 deleted, GError **error)
{
  return quern_sql_run (db, error, "UPDATE conversation SET deleted = NULLIF (?2, 0) WHERE id = ?1", "ii", id, deleted);
}

static gboolean
insert_conversation (sqlite3 *db, gpointer data, GError **error)
{
  const Part *part = data;

  return _quern_store_save_conversation (db, part->conversation, error)
         && set_deleted (db, quern_conversation_get_id (part->conversation),
                         G_MAXINT64 - quern_database_get_instance (quern_store_get_database (part->store)), error);
}

/**
 * quern_store_import_conversation:
 * @conversation: a new one, which nothing else knows yet; it gets its id here, and its time unless it has one
 *
 * Writes it without showing it; blocks. quern_store_import_end() has to follow.
 */
gboolean
quern_store_import_conversation (QuernStore *self, QuernConversation *conversation, GError **error)
{
  Part part = { self, conversation, NULL };
  gint64 created = quern_conversation_get_created (conversation), now = g_get_real_time ();

  quern_conversation_set_ids (conversation, quern_store_new_id (), created ? created : now);
  quern_conversation_touch (conversation, now);
  return quern_database_write (quern_store_get_database (self), insert_conversation, &part, error);
}

static gboolean
insert_messages (sqlite3 *db, gpointer data, GError **error)
{
  const Part *part = data;

  for (guint i = 0; i < part->messages->len; i++)
    if (!_quern_store_insert_message (db, part->store, part->conversation, part->messages->pdata[i], error))
      return FALSE;
  return TRUE;
}

/**
 * quern_store_import_messages:
 * @messages: (element-type QuernMessage): new ones with their ids, each after the one it follows
 *
 * Adds them, each as the chosen one among its siblings so far; blocks.
 */
gboolean
quern_store_import_messages (QuernStore *self, QuernConversation *conversation, GPtrArray *messages, GError **error)
{
  Part part = { self, conversation, messages };

  return quern_database_write (quern_store_get_database (self), insert_messages, &part, error);
}

static gboolean
choose_messages (sqlite3 *db, gpointer data, GError **error)
{
  const Part *part = data;

  for (guint i = 0; i < part->messages->len; i++)
    if (!_quern_store_choose_message (db, part->conversation, part->messages->pdata[i], error))
      return FALSE;
  return TRUE;
}

/**
 * quern_store_import_choices:
 * @messages: (element-type QuernMessage): those to show rather than their siblings
 *
 * Blocks.
 */
gboolean
quern_store_import_choices (QuernStore *self, QuernConversation *conversation, GPtrArray *messages, GError **error)
{
  Part part = { self, conversation, messages };

  return messages->len == 0 || quern_database_write (quern_store_get_database (self), choose_messages, &part, error);
}

static gboolean
quern_store_keep_import (sqlite3 *db, gpointer data, GError **error)
{
  const GPtrArray *conversations = data;

  for (guint i = 0; i < conversations->len; i++)
    if (!_quern_store_save_conversation (db, conversations->pdata[i], error)
        || !set_deleted (db, quern_conversation_get_id (conversations->pdata[i]), 0, error))
      return FALSE;
  return TRUE;
}

static gboolean
give_up (sqlite3 *db, gpointer data, GError **error)
{
  const GPtrArray *conversations = data;

  for (guint i = 0; i < conversations->len; i++)
    if (!set_deleted (db, quern_conversation_get_id (conversations->pdata[i]), 1, error))
      return FALSE;
  return TRUE;
}

/**
 * quern_store_import_end:
 * @conversations: (element-type QuernConversation): those of quern_store_import_conversation()
 * @keep_them: whether to keep them, as they are now, or to erase them
 *
 * All of them or, where that fails, none; blocks. quern_store_import_show() has to follow.
 */
gboolean
quern_store_import_end (QuernStore *self, GPtrArray *conversations, gboolean keep_them, GError **error)
{
  return quern_database_write (quern_store_get_database (self), keep_them ? quern_store_keep_import : give_up,
                               conversations, error);
}

/**
 * quern_store_import_show:
 * @conversations: (element-type QuernConversation) (nullable): what was imported and kept; %NULL: it was given up
 *
 * Adds them to the list, or begins to erase what was given up. For the thread of the store's objects.
 */
void
quern_store_import_show (QuernStore *self, GPtrArray *conversations)
{
  for (guint i = 0; conversations && i < conversations->len; i++)
    _quern_store_show_conversation (self, conversations->pdata[i]);
  if (!conversations)
    _quern_store_erase_before (self, 2);
}
