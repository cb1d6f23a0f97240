/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-diff.h"

#include <string.h>

/* Myers' greedy algorithm (1986) on words: it finds the fewest words to remove and insert. Texts with little in common
 * are not searched to the end: after MAX_EDITS edits, everything between their common beginning and end counts as
 * different. */

#define MAX_EDITS 1000

typedef struct {
  guint start, end; /* byte span */
  guint id;         /* equal words have equal ids */
} Word;

/* ---- words ----------------------------------------------------------------------------------------------------- */

/* Scripts without spaces between words are compared character by character. */
static gboolean
stands_alone (gunichar c)
{
  GUnicodeScript script = g_unichar_get_script (c);

  return script == G_UNICODE_SCRIPT_HAN || script == G_UNICODE_SCRIPT_HIRAGANA || script == G_UNICODE_SCRIPT_KATAKANA
         || script == G_UNICODE_SCRIPT_THAI || script == G_UNICODE_SCRIPT_LAO || script == G_UNICODE_SCRIPT_KHMER
         || script == G_UNICODE_SCRIPT_MYANMAR;
}

static gboolean
is_of_word (gunichar c)
{
  return g_unichar_isalnum (c) || g_unichar_ismark (c) || c == '_' || c == '\'' || c == 0x2019;
}

static const char *
word_end (const char *p)
{
  gunichar first = g_utf8_get_char (p);
  gboolean word = is_of_word (first) && !stands_alone (first), space = g_unichar_isspace (first) && first != '\n';

  p = g_utf8_next_char (p);
  for (; *p != '\0' && (word || space); p = g_utf8_next_char (p)) {
    gunichar c = g_utf8_get_char (p);
    if (word ? !is_of_word (c) || stands_alone (c) : !g_unichar_isspace (c) || c == '\n')
      break;
  }
  while (*p != '\0' && g_unichar_ismark (g_utf8_get_char (p)))
    p = g_utf8_next_char (p);
  return p;
}

static GArray *
split (const char *text, GHashTable *ids)
{
  GArray *words = g_array_new (FALSE, FALSE, sizeof (Word));

  for (const char *p = text, *end; *p != '\0'; p = end) {
    end = word_end (p);
    char *key = g_strndup (p, (gsize) (end - p));
    gpointer id = g_hash_table_lookup (ids, key);
    if (id)
      g_free (key);
    else
      g_hash_table_insert (ids, key, id = GUINT_TO_POINTER (g_hash_table_size (ids) + 1));
    Word word = { (guint) (p - text), (guint) (end - text), GPOINTER_TO_UINT (id) };
    g_array_append_val (words, word);
  }
  return words;
}

/* ---- the shortest way from a to b ------------------------------------------------------------------------------ */

typedef struct {
  const Word *a, *b;
  int n, m;              /* words between the common beginning and the common end */
  gboolean *in_a, *in_b; /* [n], [m]: TRUE for words that the other text has too */
} Search;

static int
furthest (const int *v, int k, int d)
{
  return k == -d || (k != d && v[k - 1] < v[k + 1]) ? v[k + 1] : v[k - 1] + 1;
}

/* Walks from the end back through the steps. Words on diagonal moves are common to both texts. */
static void
walk_back (const Search *s, GPtrArray *steps)
{
  int x = s->n, y = s->m;

  for (int d = (int) steps->len - 1; d >= 0; d--) {
    const int *v = (const int *) steps->pdata[d] + MAX_EDITS + 1;
    int k = x - y, from = d > 0 ? furthest (v, k, d) : 0;
    while (x > from && y > from - k && x > 0 && y > 0) {
      s->in_a[--x] = TRUE;
      s->in_b[--y] = TRUE;
    }
    if (d == 0)
      break;
    k = k == -d || (k != d && v[k - 1] < v[k + 1]) ? k + 1 : k - 1;
    x = v[k];
    y = x - k;
  }
}

static void
search (const Search *s)
{
  g_autoptr (GPtrArray) steps = g_ptr_array_new_with_free_func (g_free);
  g_autofree int *buffer = g_new0 (int, 2 * MAX_EDITS + 3);
  int *v = buffer + MAX_EDITS + 1;

  for (int d = 0; d <= MIN (s->n + s->m, MAX_EDITS); d++) {
    g_ptr_array_add (steps, g_memdup2 (buffer, (2 * MAX_EDITS + 3) * sizeof *buffer)); /* the state before this step */
    for (int k = -d; k <= d; k += 2) {
      int x = d > 0 ? furthest (v, k, d) : 0, y = x - k;
      while (x < s->n && y >= 0 && y < s->m && s->a[x].id == s->b[y].id) {
        x++;
        y++;
      }
      v[k] = x;
      if (x >= s->n && y >= s->m) {
        walk_back (s, steps);
        return;
      }
    }
  }
}

/* ---- pieces ---------------------------------------------------------------------------------------------------- */

static void
add_piece (GArray *pieces, QuernDiffKind kind, guint start, guint end)
{
  QuernDiffPiece *last = pieces->len > 0 ? &g_array_index (pieces, QuernDiffPiece, pieces->len - 1) : NULL;
  QuernDiffPiece piece = { kind, start, end };

  if (last && last->kind == kind && last->end == start)
    last->end = end;
  else
    g_array_append_val (pieces, piece);
}

static gboolean
is_space (const char *text, const Word *word)
{
  return g_unichar_isspace (g_utf8_get_char (text + word->start)) && text[word->start] != '\n';
}

/* Returns whether the word stands between two words that only its own text has. */
static gboolean
is_lone (const gboolean *same, guint i, guint n)
{
  return i > 0 && i + 1 < n && !same[i - 1] && !same[i + 1];
}

/* Adds the words from *at on that the other text does not have, up to the next common one. */
static void
add_own (GArray *pieces, QuernDiffKind kind, GArray *words, const gboolean *same, guint *at)
{
  for (; *at < words->len && !same[*at]; ++*at)
    add_piece (pieces, kind, g_array_index (words, Word, *at).start, g_array_index (words, Word, *at).end);
}

static GArray *
make_pieces (GArray *words_a, const gboolean *in_a, GArray *words_b, const gboolean *in_b)
{
  GArray *pieces = g_array_new (FALSE, FALSE, sizeof (QuernDiffPiece));

  for (guint i = 0, j = 0; i < words_a->len || j < words_b->len; j++) {
    add_own (pieces, QUERN_DIFF_ONLY_A, words_a, in_a, &i);
    add_own (pieces, QUERN_DIFF_ONLY_B, words_b, in_b, &j);
    if (i == words_a->len)
      break;
    add_piece (pieces, QUERN_DIFF_SAME, g_array_index (words_a, Word, i).start, g_array_index (words_a, Word, i).end);
    i++;
  }
  return pieces;
}

static guint
common_start (GArray *a, GArray *b)
{
  guint n = 0;

  while (n < MIN (a->len, b->len) && g_array_index (a, Word, n).id == g_array_index (b, Word, n).id)
    n++;
  return n;
}

static guint
common_end (GArray *a, GArray *b, guint start)
{
  guint n = 0;

  while (n + start < MIN (a->len, b->len)
         && g_array_index (a, Word, a->len - 1 - n).id == g_array_index (b, Word, b->len - 1 - n).id)
    n++;
  return n;
}

/* Both texts must be valid UTF-8. */
GArray *
quern_diff_words (const char *a, const char *b)
{
  g_autoptr (GHashTable) ids = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GArray) words_a = split (a, ids), words_b = split (b, ids);
  g_autofree gboolean *in_a = g_new0 (gboolean, words_a->len + 1), *in_b = g_new0 (gboolean, words_b->len + 1);
  guint start = common_start (words_a, words_b), end = common_end (words_a, words_b, start);
  Search s = { (const Word *) (void *) words_a->data + start,
               (const Word *) (void *) words_b->data + start,
               (int) (words_a->len - start - end),
               (int) (words_b->len - start - end),
               in_a + start,
               in_b + start };

  for (guint i = 0; i < start; i++)
    in_a[i] = in_b[i] = TRUE;
  for (guint i = 1; i <= end; i++)
    in_a[words_a->len - i] = in_b[words_b->len - i] = TRUE;
  search (&s);
  /* A space between two changed words becomes part of the change. Otherwise every word would be a change of its own. */
  for (guint i = 0, j = 0; i < words_a->len; i++) {
    if (!in_a[i])
      continue;
    while (!in_b[j])
      j++;
    if (is_space (a, &g_array_index (words_a, Word, i))
        && (is_lone (in_a, i, words_a->len) || is_lone (in_b, j, words_b->len)))
      in_a[i] = in_b[j] = FALSE;
    j++;
  }
  return make_pieces (words_a, in_a, words_b, in_b);
}

static guint
count_words (const char *text, const QuernDiffPiece *piece)
{
  guint n = 0;

  for (const char *p = text + piece->start, *end; p < text + piece->end; p = end) {
    end = word_end (p);
    n += !g_unichar_isspace (g_utf8_get_char (p)) && !g_unichar_ispunct (g_utf8_get_char (p));
  }
  return n;
}

void
quern_diff_count (const char *a, const char *b, GArray *pieces, QuernDiffCount *out)
{
  gboolean before = FALSE; /* the piece before belongs to a change */

  *out = (QuernDiffCount) { 0 };
  for (guint i = 0; i < pieces->len; i++) {
    const QuernDiffPiece *piece = &g_array_index (pieces, QuernDiffPiece, i);
    guint n = count_words (piece->kind == QUERN_DIFF_ONLY_B ? b : a, piece);
    *(piece->kind == QUERN_DIFF_SAME     ? &out->same
      : piece->kind == QUERN_DIFF_ONLY_A ? &out->only_a
                                         : &out->only_b) += n;
    out->changes += piece->kind != QUERN_DIFF_SAME && !before;
    before = piece->kind != QUERN_DIFF_SAME;
  }
}
