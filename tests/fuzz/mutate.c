/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Damages files in a reproducible way and feeds the results to a fuzz target:
 *
 *   mutate-gguf COUNT FILE…          COUNT mutants of each file in turn
 *   mutate-gguf +NUMBER FILE         that one mutant alone, the number being what a failed run named last
 *
 * Most damage goes into the first part of a file, where its structure is. A mutant that takes more than a minute of
 * processor time is a hang and ends the program, as a crash does. */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

typedef struct {
  uint8_t *data;
  size_t size;
} Bytes;

static uint64_t state;

static uint64_t
next_random (void)
{
  uint64_t x = state += 0x9e3779b97f4a7c15u;

  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
  x = (x ^ x >> 27) * 0x94d049bb133111ebu;
  return x ^ x >> 31;
}

static Bytes
read_file (const char *path)
{
  Bytes file = { 0 };
  FILE *f = fopen (path, "rb");

  if (f && fseek (f, 0, SEEK_END) == 0 && (file.data = malloc ((size_t) ftell (f) + 1)) != NULL) {
    file.size = (size_t) ftell (f);
    rewind (f);
    if (fread (file.data, 1, file.size, f) != file.size)
      file.size = 0;
  }
  if (f)
    fclose (f);
  return file;
}

/* A place to damage: nine times of ten in the first eighth. */
static size_t
place (size_t size)
{
  size_t range = next_random () % 10 ? size / 8 + 1 : size;

  return size ? next_random () % (range < size ? range : size) : 0;
}

static void
overwrite (Bytes *b, size_t width)
{
  static const uint64_t values[] = { 0,          1,          2,          3,          0x7f,       0x80,
                                     0xff,       0x7fff,     0xffff,     0x7fffffff, 0x80000000, 0xffffffff,
                                     0x7f800000, 0x7fc00000, 1ull << 32, 1ull << 60, INT64_MAX,  UINT64_MAX };
  uint64_t value = next_random () % 3 ? values[next_random () % (sizeof values / sizeof *values)] : next_random ();
  size_t at = place (b->size);

  if (b->size - at >= width)
    memcpy (b->data + at, &value, width);
}

/* Small changes of a number keep a file nearly sound, which reaches deeper than nonsense does. */
static void
nudge (Bytes *b)
{
  size_t at = place (b->size);

  if (b->size > 0)
    b->data[at] = (uint8_t) (b->data[at] + (next_random () & 1 ? 1 : -1) * (1 << next_random () % 5));
}

static void
copy_block (Bytes *b)
{
  size_t from = place (b->size), to = place (b->size), n = next_random () % 64;

  if (b->size - from >= n && b->size - to >= n)
    memmove (b->data + to, b->data + from, n);
}

static void
remove_block (Bytes *b)
{
  size_t at = place (b->size), n = next_random () % 64;

  if (b->size - at >= n) {
    memmove (b->data + at, b->data + at + n, b->size - at - n);
    b->size -= n;
  }
}

static void
mutate (Bytes *b)
{
  for (unsigned i = 0, n = 1 + next_random () % 4; i < n; i++)
    switch (next_random () % 16) {
    case 0: copy_block (b); break;
    case 1: remove_block (b); break;
    case 2: b->size = next_random () % 4 ? b->size - next_random () % (b->size / 16 + 1) : place (b->size); break;
    case 3:
    case 4:
    case 5: overwrite (b, 4); break;
    case 6:
    case 7:
    case 8: overwrite (b, 8); break;
    case 9:
    case 10: overwrite (b, 1); break;
    default: nudge (b);
    }
}

static int
run_mutant (const Bytes *original, uint64_t number)
{
  struct rusage used;
  Bytes b = { malloc (original->size + 1), original->size };
  int result;

  if (!b.data)
    return -1;
  state = number * 0x2545f4914f6cdd1du;
  memcpy (b.data, original->data, original->size);
  mutate (&b);
  uint8_t *exact = malloc (b.size ? b.size : 1); /* so that a sanitizer sees the first byte read past the end */
  if (exact)
    memcpy (exact, b.data, b.size);
  free (b.data);
  getrusage (RUSAGE_SELF, &used);
  setrlimit (RLIMIT_CPU,
             &(struct rlimit) { (rlim_t) used.ru_utime.tv_sec + (rlim_t) used.ru_stime.tv_sec + 60, RLIM_INFINITY });
  result = exact ? LLVMFuzzerTestOneInput (exact, b.size) : -1;
  free (exact);
  return result;
}

static int
run_file (const char *path, uint64_t first, uint64_t last)
{
  Bytes original = read_file (path);
  int failed = original.size == 0;

  for (uint64_t number = first; number <= last && !failed; number++) {
    if (number % 100 == 0 || first == last)
      printf ("# %s: mutants from %llu on\n", path, (unsigned long long) number);
    failed = run_mutant (&original, number) != 0;
  }
  free (original.data);
  return failed;
}

int
main (int argc, char **argv)
{
  int n_failed = 0;

  setvbuf (stdout, NULL, _IOLBF, 0);
  if (argc < 3) {
    fprintf (stderr, "usage: %s COUNT|+NUMBER FILE…\n", argv[0]);
    return 2;
  }
  uint64_t count = strtoull (argv[1], NULL, 10);
  for (int i = 2; i < argc; i++) {
    int failed = run_file (argv[i], argv[1][0] == '+' ? count : 0, argv[1][0] == '+' ? count : count - 1);

    printf ("%s %d - %s\n", failed ? "not ok" : "ok", i - 1,
            strrchr (argv[i], '/') ? strrchr (argv[i], '/') + 1 : argv[i]);
    n_failed += failed;
  }
  printf ("1..%d\n", argc - 2);
  return n_failed > 0;
}
