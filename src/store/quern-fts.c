/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-fts.h"

#include <string.h>

#include "quern-sql.h"

/* The full-text tokenizer “quern”: FTS5's unicode61 without diacritics, except that every character of a script that is
 * written without spaces (Chinese, Japanese, Thai, …) is a token of its own. A search for 你好 is then a phrase of two
 * tokens and finds them side by side, wherever they stand in a line. */

typedef struct {
  fts5_tokenizer inner_class;
  Fts5Tokenizer *inner;
} Tokenizer;

typedef struct {
  void *context;
  int (*emit) (void *, int, const char *, int, int, int);
} Emitter;

static gboolean
stands_alone (gunichar c)
{
  switch (g_unichar_get_script (c)) {
  case G_UNICODE_SCRIPT_HAN:
  case G_UNICODE_SCRIPT_HIRAGANA:
  case G_UNICODE_SCRIPT_KATAKANA:
  case G_UNICODE_SCRIPT_BOPOMOFO:
  case G_UNICODE_SCRIPT_THAI:
  case G_UNICODE_SCRIPT_LAO:
  case G_UNICODE_SCRIPT_KHMER:
  case G_UNICODE_SCRIPT_MYANMAR: return TRUE;
  default: return FALSE;
  }
}

/* One token of unicode61, cut where it holds characters that stand alone. Its folded text and its source may differ in
 * length, but not for those scripts: where the lengths agree the offsets of a piece are exact, otherwise the token's. */
static int
emit_token (void *data, int flags, const char *token, int size, int start, int end)
{
  Emitter *emitter = data;
  gboolean same_size = size == end - start;
  int piece = 0;
  int rc = SQLITE_OK;

  for (int i = 0; i < size && rc == SQLITE_OK;) {
    gunichar c = g_utf8_get_char_validated (token + i, size - i);
    gboolean valid = c != (gunichar) -1 && c != (gunichar) -2;
    int next = i + (valid ? g_utf8_skip[(guchar) token[i]] : 1);
    if (valid && c >= 0x0e00 && stands_alone (c)) {
      if (i > piece)
        rc = emitter->emit (emitter->context, flags, token + piece, i - piece, same_size ? start + piece : start,
                            same_size ? start + i : end);
      if (rc == SQLITE_OK)
        rc = emitter->emit (emitter->context, flags, token + i, next - i, same_size ? start + i : start,
                            same_size ? start + next : end);
      piece = next;
    }
    i = next;
  }
  if (rc == SQLITE_OK && size > piece)
    rc = emitter->emit (emitter->context, flags, token + piece, size - piece, same_size ? start + piece : start, end);
  return rc;
}

static int
tokenizer_create (void *data, const char **arguments, int n_arguments, Fts5Tokenizer **out)
{
  static const char *const unicode61_arguments[] = { "remove_diacritics", "2" };
  fts5_api *api = data;
  void *inner_data = NULL;
  g_autofree Tokenizer *self = g_new0 (Tokenizer, 1);
  int rc = api->xFindTokenizer (api, "unicode61", &inner_data, &self->inner_class);

  if (rc == SQLITE_OK)
    rc = self->inner_class.xCreate (inner_data, (const char **) unicode61_arguments, G_N_ELEMENTS (unicode61_arguments),
                                    &self->inner);
  if (rc == SQLITE_OK)
    *out = (Fts5Tokenizer *) g_steal_pointer (&self);
  return rc;
}

static void
tokenizer_delete (Fts5Tokenizer *tokenizer)
{
  Tokenizer *self = (Tokenizer *) tokenizer;

  self->inner_class.xDelete (self->inner);
  g_free (self);
}

static int
tokenizer_run (Fts5Tokenizer *tokenizer, void *context, int flags, const char *text, int size,
               int (*emit) (void *, int, const char *, int, int, int))
{
  Tokenizer *self = (Tokenizer *) tokenizer;
  Emitter emitter = { context, emit };

  return self->inner_class.xTokenize (self->inner, &emitter, flags, text, size, emit_token);
}

/**
 * quern_fts_register:
 *
 * Makes the tokenizer known to a connection; needed before anything touches the index.
 */
gboolean
quern_fts_register (sqlite3 *db, GError **error)
{
  static fts5_tokenizer class = { tokenizer_create, tokenizer_delete, tokenizer_run };
  fts5_api *api = NULL;
  sqlite3_stmt *stmt = NULL;

  if (sqlite3_prepare_v2 (db, "SELECT fts5 (?1)", -1, &stmt, NULL) == SQLITE_OK
      && sqlite3_bind_pointer (stmt, 1, &api, "fts5_api_ptr", NULL) == SQLITE_OK)
    sqlite3_step (stmt);
  sqlite3_finalize (stmt);
  if (!api)
    return quern_sql_fail (db, error);
  return api->xCreateTokenizer (api, "quern", api, &class, NULL) == SQLITE_OK || quern_sql_fail (db, error);
}

/**
 * quern_fts_rebuild:
 *
 * Makes the index of messages anew from the messages, in a transaction of its own.
 */
gboolean
quern_fts_rebuild (sqlite3 *db, GError **error)
{
  return quern_sql_exec (db,
                         "BEGIN IMMEDIATE; INSERT INTO message_index (message_index) VALUES ('rebuild');"
                         "INSERT INTO message_index (message_index, rowid, content)"
                         " SELECT 'delete', id, content FROM message WHERE state = 'streaming'; COMMIT",
                         error)
         || (quern_sql_rollback (db), FALSE);
}

/**
 * quern_fts_query:
 * @text: what a person typed
 *
 * Every word is looked for, the last one also as the beginning of a word; nothing in @text is read as query syntax.
 *
 * Returns: (transfer full) (nullable): an FTS5 expression, %NULL when there is nothing to look for
 */
char *
quern_fts_query (const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  g_auto (GStrv) words = g_strsplit_set (valid, " \t\r\n", -1);
  GString *query = g_string_new (NULL);

  for (guint i = 0; words[i]; i++) {
    gboolean has_letter = FALSE;
    for (const char *p = words[i]; *p && !has_letter; p = g_utf8_next_char (p))
      has_letter = g_unichar_isalnum (g_utf8_get_char (p));
    if (!has_letter)
      continue;
    if (query->len > 0)
      g_string_append_c (query, ' ');
    g_string_append_c (query, '"');
    for (const char *p = words[i]; *p; p++)
      g_string_append_len (query, *p == '"' ? "\"\"" : p, *p == '"' ? 2 : 1);
    g_string_append_c (query, '"');
  }
  if (query->len > 0 && !g_ascii_isspace (text[strlen (text) - 1]))
    g_string_append_c (query, '*');
  return g_string_free (query, query->len == 0);
}
