/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Makes wrong texts out of right ones in a reproducible way and feeds them to a fuzz target:
 *
 *   mutate-jinja COUNT FOLDER        COUNT mutants of each file in it
 *   mutate-jinja +NUMBER FOLDER      that one mutant alone, the number being at most 99 past what a failed run named last
 *
 * Texts are cut into words and marks; these are left out, doubled, exchanged, taken from other files or replaced, so that
 * most mutants get past the first look. A mutant that takes more than a minute of processor time is a hang and ends the
 * program, as a crash does. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

enum { MAX_PIECES = 20000, MAX_SIZE = 1 << 16 };

typedef struct {
  const char *text;
  size_t size;
} Piece;
typedef struct {
  Piece *pieces;
  size_t n;
  char *text;
} Text;

static uint64_t state;

static uint64_t
next_random (uint64_t below)
{
  uint64_t x = state += 0x9e3779b97f4a7c15u;

  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
  x = (x ^ x >> 27) * 0x94d049bb133111ebu;
  return (x ^ x >> 31) % below;
}

static int
is_word (char c)
{
  return (unsigned char) c >= 128 || c == '_' || (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');
}

static Text
read_text (const char *path)
{
  Text t = { calloc (MAX_PIECES, sizeof *t.pieces), 0, calloc (1, MAX_SIZE + 1) };
  FILE *f = fopen (path, "rb");
  size_t size = f ? fread (t.text, 1, MAX_SIZE, f) : 0, end;

  for (size_t at = 0; at < size && t.n < MAX_PIECES; at = end) {
    for (end = at + 1; end < size && is_word (t.text[at]) && is_word (t.text[end]); end++)
      ;
    if (end == at + 1 && end < size && strchr ("{%}#", t.text[at]) && strchr ("{%}#-", t.text[end]))
      end++;
    t.pieces[t.n++] = (Piece) { t.text + at, end - at };
  }
  if (f)
    fclose (f);
  return t;
}

static const char *const words[] = {
  "{{",       "}}",
  "{%",       "%}",
  "{#",       "#}",
  "-",        "+",
  "(",        ")",
  "[",        "]",
  "{",        "}",
  "|",        ".",
  ",",        ":",
  "~",        "*",
  "**",       "//",
  "%",        "==",
  "<",        "not ",
  " in ",     " is ",
  " and ",    " or ",
  " if ",     " else ",
  "for ",     "endfor",
  "set ",     "macro ",
  "call ",    "filter ",
  "loop",     "caller()",
  "0",        "-1",
  "1",        "99999",
  "1e308",    "9223372036854775807",
  "none",     "true",
  "'",        "\"",
  "\\",       "''",
  "[]",       "{}",
  "messages", "namespace",
  "range",    "tojson",
  "join",     "map",
  "select",   "groupby",
  "indent",   "center",
  "replace",  "split",
  "format",   "sort",
  "items",    "recursive",
  "break",    "continue",
  "\n",       " ",
  "\xc3\x9f", "\xf0\x9f\x98\x80",
  "\xff",
};

static Piece
random_word (void)
{
  const char *word = words[next_random (sizeof words / sizeof *words)];

  return (Piece) { word, strlen (word) };
}

/* One change: pieces from `at` on, `n` of them, become others. Returns the new number of pieces. */
static size_t
change (Piece *pieces, size_t count, const Text *other)
{
  size_t at = next_random (count + 1), n = next_random (4), from = other->n ? next_random (other->n) : 0;
  Piece fresh[8];
  size_t n_fresh = 0;

  n = at + n > count ? count - at : n;
  switch (next_random (5)) {
  case 0: break; /* left out */
  case 1: fresh[n_fresh++] = random_word (); break;
  case 2:
    for (size_t i = 0; i < n; i++) /* doubled */
      fresh[n_fresh] = fresh[n_fresh + n] = pieces[at + i], n_fresh++;
    n_fresh *= 2;
    break;
  case 3:
    for (size_t i = 0; i < 1 + next_random (7) && from + i < other->n; i++)
      fresh[n_fresh++] = other->pieces[from + i];
    break;
  default:
    if (count > 0 && n > 0) { /* exchanged */
      size_t with = next_random (count);
      Piece piece = pieces[at];
      pieces[at] = pieces[with];
      pieces[with] = piece;
    }
    return count;
  }
  if (count - n + n_fresh > MAX_PIECES)
    return count;
  memmove (pieces + at + n_fresh, pieces + at + n, (count - at - n) * sizeof *pieces);
  memcpy (pieces + at, fresh, n_fresh * sizeof *pieces);
  return count - n + n_fresh;
}

static void
run_mutant (const Text *texts, size_t n_texts, uint64_t number)
{
  static Piece pieces[MAX_PIECES + 8];
  const Text *text = &texts[number % n_texts];
  size_t count = text->n, size = 0;

  state = number * 0x2545f4914f6cdd1du;
  memcpy (pieces, text->pieces, count * sizeof *pieces);
  for (uint64_t i = 1 + next_random (6); i > 0; i--)
    count = change (pieces, count, &texts[next_random (n_texts)]);
  for (size_t i = 0; i < count; i++)
    size += pieces[i].size;
  uint8_t *data = malloc (size + 1), *out = data; /* of its size, so that reading past it shows */
  for (size_t i = 0; data && i < count; out += pieces[i++].size)
    memcpy (out, pieces[i].text, pieces[i].size);
  uint8_t *exact = data ? realloc (data, size ? size : 1) : NULL;
  if (exact)
    LLVMFuzzerTestOneInput (exact, size);
  free (exact);
}

/* The files of a folder in the order of their names. */
static Text *
read_folder (const char *path, size_t *n)
{
  struct dirent **entries = NULL;
  int n_entries = scandir (path, &entries, NULL, alphasort);
  Text *texts = calloc (n_entries > 0 ? (size_t) n_entries : 1, sizeof *texts);
  char name[4096];

  *n = 0;
  for (int i = 0; i < n_entries; i++) {
    snprintf (name, sizeof name, "%s/%s", path, entries[i]->d_name);
    if (entries[i]->d_name[0] != '.')
      texts[(*n)++] = read_text (name);
    free (entries[i]);
  }
  free (entries);
  return texts;
}

int
main (int argc, char **argv)
{
  size_t n = 0;
  Text *texts = argc == 3 ? read_folder (argv[2], &n) : NULL;
  struct rusage used;

  setvbuf (stdout, NULL, _IOLBF, 0);
  if (n == 0) {
    fprintf (stderr, "usage: %s COUNT|+NUMBER FOLDER\n", argv[0]);
    return 2;
  }
  uint64_t number = strtoull (argv[1], NULL, 10), first = argv[1][0] == '+' ? number : 0;
  uint64_t last = argv[1][0] == '+' ? number + 1 : number * n;
  for (uint64_t i = first; i < last; i++) {
    if (i % 100 == 0)
      printf ("# mutants from %llu on\n", (unsigned long long) i);
    getrusage (RUSAGE_SELF, &used);
    setrlimit (RLIMIT_CPU,
               &(struct rlimit) { (rlim_t) (used.ru_utime.tv_sec + used.ru_stime.tv_sec) + 60, RLIM_INFINITY });
    run_mutant (texts, n, i);
  }
  printf ("1..1\nok 1 - %llu mutants\n", (unsigned long long) (last - first));
  for (size_t i = 0; i < n; i++) {
    free (texts[i].pieces);
    free (texts[i].text);
  }
  free (texts);
  return 0;
}
