/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-fts.h"
#include "quern-store-private.h"

struct _QuernSearchHit {
  GObject parent_instance;

  gint64 conversation_id, message_id;
  char *title;
  char *snippet;
};

G_DEFINE_FINAL_TYPE (QuernSearchHit, quern_search_hit, G_TYPE_OBJECT)

gint64
quern_search_hit_get_conversation_id (QuernSearchHit *self)
{
  return self->conversation_id;
}

gint64
quern_search_hit_get_message_id (QuernSearchHit *self)
{
  return self->message_id;
}

/**
 * quern_search_hit_get_title:
 *
 * Returns: the conversation's title
 */
const char *
quern_search_hit_get_title (QuernSearchHit *self)
{
  return self->title;
}

/**
 * quern_search_hit_get_snippet:
 *
 * Returns: a part of the message as plain text, with U+2068 before and U+2069 after each word that was found
 */
const char *
quern_search_hit_get_snippet (QuernSearchHit *self)
{
  return self->snippet;
}

static void
quern_search_hit_finalize (GObject *object)
{
  QuernSearchHit *self = QUERN_SEARCH_HIT (object);

  g_free (self->title);
  g_free (self->snippet);
  G_OBJECT_CLASS (quern_search_hit_parent_class)->finalize (object);
}

static void
quern_search_hit_class_init (QuernSearchHitClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = quern_search_hit_finalize;
}

static void
quern_search_hit_init (QuernSearchHit *self)
{
}

typedef struct {
  char *query; /* NULL: nothing to look for */
  guint limit;
  GPtrArray *hits;
} Search;

static void
search_free (gpointer data)
{
  Search *search = data;

  g_free (search->query);
  g_ptr_array_unref (search->hits);
  g_free (search);
}

/* The newest first: ranking by relevance would read every hit of a common word. Message ids grow with time, and the
 * index returns them in order, so that the limit ends the search early; snippets are made for those few alone. */
static gboolean
quern_store_run_search (sqlite3 *db, gpointer data, GError **error)
{
  Search *search = data;
  GError *failure = NULL;
  g_autoptr (sqlite3_stmt) stmt = NULL;

  if (!search->query)
    return TRUE;
  stmt = quern_sql_query (db, error,
                          "SELECT m.id, c.id, c.title,"
                          " snippet (message_index, 0, '\u2068', '\u2069', '…', 16)"
                          " FROM message_index JOIN message m ON m.id = message_index.rowid"
                          " JOIN conversation c ON c.id = m.conversation_id"
                          " WHERE message_index MATCH ?1 AND m.deleted IS NULL AND c.deleted IS NULL"
                          " ORDER BY message_index.rowid DESC LIMIT ?2",
                          "si", search->query, (gint64) search->limit);
  if (!stmt)
    return FALSE;
  while (quern_sql_next (stmt, &failure)) {
    QuernSearchHit *hit = g_object_new (QUERN_TYPE_SEARCH_HIT, NULL);

    hit->message_id = sqlite3_column_int64 (stmt, 0);
    hit->conversation_id = sqlite3_column_int64 (stmt, 1);
    hit->title = quern_sql_dup_text (stmt, 2);
    hit->snippet = quern_sql_dup_text (stmt, 3);
    g_ptr_array_add (search->hits, hit);
  }
  if (failure)
    g_propagate_error (error, failure);
  return failure == NULL;
}

/**
 * quern_store_search_async:
 * @text: words; all must occur, the last may be the beginning of one
 * @limit: the most messages to return
 *
 * Looks through the text of all messages, newest first.
 */
void
quern_store_search_async (QuernStore *self, const char *text, guint limit, GCancellable *cancellable,
                          GAsyncReadyCallback callback, gpointer user_data)
{
  Search *search = g_new0 (Search, 1);

  search->query = quern_fts_query (text);
  search->limit = limit;
  search->hits = g_ptr_array_new_with_free_func (g_object_unref);
  _quern_store_call (self, FALSE, quern_store_run_search, search, search_free, cancellable, callback, user_data);
}

/**
 * quern_store_search_finish:
 *
 * Returns: (transfer full) (nullable): a list of #QuernSearchHit, empty when nothing was found
 */
GListModel *
quern_store_search_finish (QuernStore *self, GAsyncResult *result, GError **error)
{
  const Search *search = _quern_store_get_data (result);
  GListStore *list;

  if (!_quern_store_finish (self, result, error))
    return NULL;
  list = g_list_store_new (QUERN_TYPE_SEARCH_HIT);
  g_list_store_splice (list, 0, 0, search->hits->pdata, search->hits->len);
  return G_LIST_MODEL (list);
}
