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
quern_diff_split (const char *text, GHashTable *ids)
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
quern_diff_search (const Search *s)
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

/* Both texts must be valid UTF-8. */
GArray *
quern_diff_words (const char *a, const char *b)
{
  g_autoptr (GHashTable) ids = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GArray) words_a = quern_diff_split (a, ids), words_b = quern_diff_split (b, ids);
  g_autofree gboolean *in_a = g_new0 (gboolean, words_a->len + 1), *in_b = g_new0 (gboolean, words_b->len + 1);
  const Word *first_a = (const Word *) (void *) words_a->data, *first_b = (const Word *) (void *) words_b->data;
  guint n_a = words_a->len, n_b = words_b->len; /* words before the common end */
  guint start = 0;                              /* words of the common beginning */
  GArray *pieces = g_array_new (FALSE, FALSE, sizeof (QuernDiffPiece));

  for (; start < MIN (n_a, n_b) && first_a[start].id == first_b[start].id; start++)
    in_a[start] = in_b[start] = TRUE;
  while (MIN (n_a, n_b) > start && first_a[n_a - 1].id == first_b[n_b - 1].id)
    in_a[--n_a] = in_b[--n_b] = TRUE;
  const Search s = { first_a + start,     first_b + start, (int) (n_a - start),
                     (int) (n_b - start), in_a + start,    in_b + start };
  quern_diff_search (&s);
  /* A space between two changed words becomes part of the change. Otherwise every word would be a change of its own. */
  for (guint i = 0, j = 0; i < words_a->len; i++) {
    if (!in_a[i])
      continue;
    while (!in_b[j])
      j++;
    const char *word = a + first_a[i].start;
    if (g_unichar_isspace (g_utf8_get_char (word)) && *word != '\n'
        && (is_lone (in_a, i, words_a->len) || is_lone (in_b, j, words_b->len)))
      in_a[i] = in_b[j] = FALSE;
    j++;
  }
  for (guint i = 0, j = 0; i < words_a->len || j < words_b->len; j++) {
    add_own (pieces, QUERN_DIFF_ONLY_A, words_a, in_a, &i);
    add_own (pieces, QUERN_DIFF_ONLY_B, words_b, in_b, &j);
    if (i == words_a->len)
      break;
    add_piece (pieces, QUERN_DIFF_SAME, first_a[i].start, first_a[i].end);
    i++;
  }
  return pieces;
}

void
quern_diff_count (const char *a, const char *b, GArray *pieces, QuernDiffCount *out)
{
  gboolean before = FALSE; /* the piece before belongs to a change */

  *out = (QuernDiffCount) { 0 };
  for (guint i = 0; i < pieces->len; i++) {
    const QuernDiffPiece *piece = &g_array_index (pieces, QuernDiffPiece, i);
    const char *text = piece->kind == QUERN_DIFF_ONLY_B ? b : a;
    guint n = 0;
    for (const char *p = text + piece->start, *end; p < text + piece->end; p = end) {
      end = word_end (p);
      n += !g_unichar_isspace (g_utf8_get_char (p)) && !g_unichar_ispunct (g_utf8_get_char (p));
    }
    *(piece->kind == QUERN_DIFF_SAME     ? &out->same
      : piece->kind == QUERN_DIFF_ONLY_A ? &out->only_a
                                         : &out->only_b) += n;
    out->changes += piece->kind != QUERN_DIFF_SAME && !before;
    before = piece->kind != QUERN_DIFF_SAME;
  }
}
