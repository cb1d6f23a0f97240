/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-passages.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "quern-document.h"
#include "quern-fts.h"
#include "quern-sql.h"

/* Picks the pages of a document that have to do with a question: those in which its words stand, the rarest words first, by
 * the rank of SQLite's full-text search (BM25) over an index that lasts as long as the search. */

/* Any of the words: a page need not have all of them. */
static char *
make_query (const char *question)
{
  g_autofree char *valid = g_utf8_make_valid (question, -1);
  GString *query = g_string_new (NULL);
  const char *p = valid;

  while (*p) {
    const char *start = p;
    while (*p && (g_unichar_isalnum (g_utf8_get_char (p)) || g_unichar_ismark (g_utf8_get_char (p))))
      p = g_utf8_next_char (p);
    if (p > start)
      g_string_append_printf (query, "%s\"%.*s\"", query->len > 0 ? " OR " : "", (int) (p - start), start);
    else
      p = g_utf8_next_char (p);
  }
  return g_string_free (query, FALSE);
}

static gboolean
fill_index (sqlite3 *db, GPtrArray *pages, GError **error)
{
  gboolean ok = quern_fts_register (db, error)
                && quern_sql_exec (db, "CREATE VIRTUAL TABLE page USING fts5 (text, tokenize='quern'); BEGIN", error);

  for (guint i = 0; ok && i < pages->len; i++)
    ok = quern_sql_run (db, error, "INSERT INTO page (rowid, text) VALUES (?1, ?2)", "is", (gint64) i + 1,
                        pages->pdata[i]);
  return ok && quern_sql_exec (db, "COMMIT", error);
}

static int
compare_pages (gconstpointer a, gconstpointer b)
{
  guint first = *(const guint *) a, second = *(const guint *) b;

  return first < second ? -1 : first > second;
}

/* Takes pages in the order of their rank as long as there is room. */
static GArray *
take_best (sqlite3 *db, const char *query, GPtrArray *pages, gsize max_bytes, GError **error)
{
  g_autoptr (sqlite3_stmt)
      stmt = quern_sql_query (db, error, "SELECT rowid FROM page WHERE page MATCH ?1 ORDER BY rank", "s", query);
  g_autoptr (GArray) best = g_array_new (FALSE, FALSE, sizeof (guint));
  GError *failure = NULL;
  gboolean any = FALSE;

  while (stmt && quern_sql_next (stmt, &failure)) {
    guint page = (guint) sqlite3_column_int64 (stmt, 0);
    gsize size = strlen (pages->pdata[page - 1]);

    any = TRUE;
    if (size > max_bytes)
      continue;
    max_bytes -= size;
    g_array_append_val (best, page);
  }
  if (failure)
    g_propagate_error (error, failure);
  else if (stmt && best->len == 0)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                         any ? _("There is no room for even one of the pages that have to do with the question.")
                             : _("None of the words of the question are in the document. Choose the pages yourself."));
  if (!stmt || failure || best->len == 0)
    return NULL;
  g_array_sort (best, compare_pages);
  return g_steal_pointer (&best);
}

/**
 * quern_passages_pick:
 * @text: the bytes of a document
 * @n_pages: how many of its pages may be picked
 * @question: what is asked about it
 * @max_bytes: how much text may be picked
 * @error: return location of an error
 *
 * Searches the pages; blocks for as long as it takes to index them.
 *
 * Returns: (transfer full) (nullable): a list of pages; %NULL with a sentence for people when no page has a word of the
 *   question, or none of those fits
 */
GArray *
quern_passages_pick (GBytes *text, guint n_pages, const char *question, gsize max_bytes, GError **error)
{
  g_autofree char *query = make_query (question);
  g_autoptr (GPtrArray) pages = quern_document_split (text);
  sqlite3 *db = NULL;
  GArray *best = NULL;

  if (pages->len > n_pages)
    g_ptr_array_set_size (pages, (int) n_pages);
  if (*query == '\0')
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                         _("Write the question first: pages are picked by its words."));
  else if (sqlite3_open (":memory:", &db) != SQLITE_OK)
    quern_sql_fail (db, error);
  else if (fill_index (db, pages, error))
    best = take_best (db, query, pages, max_bytes, error);
  sqlite3_close (db);
  return best;
}
