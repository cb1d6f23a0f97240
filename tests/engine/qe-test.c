/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "qe-test.h"

#include <ftw.h>
#include <stdarg.h>
#include <unistd.h>

typedef struct {
  const char *name;
  QeTestFunc func;
} Test;

static Test tests[512];
static size_t n_tests;
static bool failed;
static const char *skipped;
static char folders[16][256];
static size_t n_folders;

void
qe_test_add (const char *name, QeTestFunc func)
{
  if (n_tests == sizeof tests / sizeof *tests) {
    fprintf (stderr, "too many tests in one file\n");
    exit (1);
  }
  tests[n_tests++] = (Test) { name, func };
}

bool
qe_test_check (bool ok, const char *file, int line, const char *format, ...)
{
  va_list args;

  if (ok)
    return true;
  failed = true;
  printf ("# %s:%d: failed: ", file, line);
  va_start (args, format);
  vprintf (format, args);
  va_end (args);
  printf ("\n");
  return false;
}

void
qe_test_note (const char *format, ...)
{
  va_list args;

  printf ("# ");
  va_start (args, format);
  vprintf (format, args);
  va_end (args);
  printf ("\n");
}

void
qe_test_skip (const char *why)
{
  skipped = why;
}

double
qe_test_max_abs_diff (const float *a, const float *b, size_t n, size_t *where)
{
  double worst = 0;

  for (size_t i = 0; i < n; i++) {
    double diff = isnan (a[i]) || isnan (b[i]) ? INFINITY : fabs ((double) a[i] - b[i]);

    if (diff > worst) {
      worst = diff;
      if (where)
        *where = i;
    }
  }
  return worst;
}

bool
qe_test_check_close (const char *file, int line, const char *what, const float *got, const float *want, size_t n,
                     double tolerance)
{
  size_t at = 0;
  double diff = qe_test_max_abs_diff (got, want, n, &at);

  return qe_test_check (diff <= tolerance, file, line, "%s differs by %g (allowed %g): [%zu] is %.9g, not %.9g", what,
                        diff, tolerance, at, n ? got[at] : 0, n ? want[at] : 0);
}

static const char *
join (const char *variable, const char *name)
{
  static char paths[8][1024];
  static unsigned next;
  const char *folder = getenv (variable);
  char *path = paths[next++ % 8];

  if (folder == NULL) {
    fprintf (stderr, "%s is not set: run this test with meson test or in ./dev shell\n", variable);
    exit (1);
  }
  snprintf (path, sizeof paths[0], "%s/%s", folder, name);
  return path;
}

const char *
qe_test_data (const char *name)
{
  return join ("QUERN_TEST_DATA", name);
}

const char *
qe_test_tiny (const char *name)
{
  return join ("QUERN_TINY_DIR", name);
}

static int
remove_entry (const char *path, const struct stat *info, int flag, struct FTW *ftw)
{
  return remove (path);
}

static void
remove_folders (void)
{
  while (n_folders > 0)
    nftw (folders[--n_folders], remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

const char *
qe_test_folder (void)
{
  const char *tmp = getenv ("TMPDIR");
  char *path = folders[n_folders];

  if (n_folders + 1 == sizeof folders / sizeof *folders)
    return NULL;
  snprintf (path, sizeof folders[0], "%s/qe-test-XXXXXX", tmp ? tmp : "/tmp");
  if (mkdtemp (path) == NULL)
    return NULL;
  n_folders++;
  return path;
}

void *
qe_test_read (const char *path, size_t *size)
{
  FILE *file = fopen (path, "rb");
  long end;
  char *data = NULL;

  if (!qe_test_check (file != NULL, __FILE__, __LINE__, "cannot open %s", path))
    return NULL;
  if (fseek (file, 0, SEEK_END) == 0 && (end = ftell (file)) >= 0 && fseek (file, 0, SEEK_SET) == 0
      && (data = malloc ((size_t) end + 1)) != NULL) {
    *size = fread (data, 1, (size_t) end, file);
    data[*size] = '\0';
  }
  fclose (file);
  return data;
}

bool
qe_test_write (const char *path, const void *data, size_t size)
{
  FILE *file = fopen (path, "wb");
  bool ok = file != NULL && fwrite (data, 1, size, file) == size;

  if (file != NULL && fclose (file) != 0)
    ok = false;
  return qe_test_check (ok, __FILE__, __LINE__, "cannot write %s", path);
}

/* The header is a Python dictionary: {'descr': '<f4', 'fortran_order': False, 'shape': (40, 4096), }. */
static bool
parse_header (QeNpy *out, const char *header, bool *is_float)
{
  const char *shape = strstr (header, "'shape': (");

  *is_float = strstr (header, "'<f4'") != NULL;
  if (shape == NULL || (!*is_float && strstr (header, "'<i4'") == NULL) || strstr (header, "'fortran_order': True"))
    return false;
  out->n = 1;
  for (shape += strlen ("'shape': ("); *shape != ')' && *shape != '\0';) {
    char *end;
    size_t length = strtoull (shape, &end, 10);

    if (end == shape || out->n_dims == 4)
      return false;
    out->shape[out->n_dims++] = length;
    out->n *= length;
    for (shape = end; *shape == ',' || *shape == ' '; shape++)
      ;
  }
  return true;
}

bool
qe_npy_load (QeNpy *out, const char *path)
{
  size_t size = 0, start = 0;
  uint8_t *file = qe_test_read (path, &size);
  bool is_float = false, ok = false;

  *out = (QeNpy) { 0 };
  if (file == NULL)
    return false;
  if (size > 12 && memcmp (file, "\x93NUMPY", 6) == 0) {
    start = file[6] == 1 ? 10 + (file[8] | (size_t) file[9] << 8)
                         : 12 + (file[8] | (size_t) file[9] << 8 | (size_t) file[10] << 16);
    ok = start < size && parse_header (out, (char *) file + (file[6] == 1 ? 10 : 12), &is_float)
         && size - start == out->n * 4;
  }
  if (qe_test_check (ok, __FILE__, __LINE__, "%s is not an array of float32 or int32", path)) {
    memmove (file, file + start, out->n * 4);
    if (is_float)
      out->f32 = (float *) file;
    else
      out->i32 = (int32_t *) file;
    return true;
  }
  free (file);
  *out = (QeNpy) { 0 };
  return false;
}

void
qe_npy_clear (QeNpy *npy)
{
  free (npy->f32);
  free (npy->i32);
  *npy = (QeNpy) { 0 };
}

uint64_t
qe_test_random (uint64_t *state)
{
  uint64_t z = *state += 0x9e3779b97f4a7c15; /* splitmix64 */

  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
  z = (z ^ z >> 27) * 0x94d049bb133111eb;
  return z ^ z >> 31;
}

float
qe_test_random_float (uint64_t *state)
{
  return (float) (qe_test_random (state) >> 40) / (float) (1 << 23) - 1;
}

static bool
is_wanted (const char *name, int argc, char **argv)
{
  for (int i = 1; i < argc; i++)
    if (strcmp (argv[i], name) == 0)
      return true;
  return argc < 2;
}

int
main (int argc, char **argv)
{
  size_t n_run = 0, n_failed = 0;

  setvbuf (stdout, NULL, _IOLBF, 0); /* what was said before a crash is in the log */
  atexit (remove_folders);
  for (size_t i = 0; i < n_tests; i++) {
    if (!is_wanted (tests[i].name, argc, argv))
      continue;
    failed = false;
    skipped = NULL;
    tests[i].func ();
    n_run++;
    if (failed)
      n_failed++;
    if (skipped != NULL && !failed)
      printf ("ok %zu - %s # SKIP %s\n", n_run, tests[i].name, skipped);
    else
      printf ("%s %zu - %s\n", failed ? "not ok" : "ok", n_run, tests[i].name);
  }
  printf ("1..%zu\n", n_run);
  return n_failed > 0 || n_run == 0;
}
