/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "qe-test.h"
#include "gguf-writer.h"
#include "format/gguf/qe-gguf.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { TYPE_F32 = 0, TYPE_Q8_0 = 8, TYPE_Q4_0_4_4 = 31 };
enum {
  VALUE_U8 = 0,
  VALUE_I16 = 3,
  VALUE_F32 = 6,
  VALUE_BOOL = 7,
  VALUE_STRING = 8,
  VALUE_ARRAY = 9,
  VALUE_U64 = 10,
  VALUE_I64 = 11,
  VALUE_F64 = 12
};

static const uint64_t row8[1] = { 8 };

/* A sound file: a few keys of each kind, two tensors of 8 floats. */
static void
write_sound (GgufWriter *w)
{
  gguf_begin (w, 3, 2, 9);
  gguf_key_string (w, "general.architecture", "qwen35");
  gguf_key_u32 (w, "a.u32", 7);
  gguf_key (w, "a.u64", VALUE_U64), gguf_u64 (w, UINT64_MAX);
  gguf_key (w, "a.i16", VALUE_I16), gguf_put (w, &(int16_t) { -2 }, 2);
  gguf_key (w, "a.f32", VALUE_F32), gguf_put (w, &(float) { 0.5f }, 4);
  gguf_key (w, "a.bool", VALUE_BOOL), gguf_put (w, "\1", 1);
  gguf_key_array (w, "a.numbers", VALUE_I16, 3), gguf_put (w, (int16_t[]) { 11, -5, 13 }, 6);
  gguf_key_array (w, "a.strings", VALUE_STRING, 3);
  gguf_string (w, "one"), gguf_string (w, ""), gguf_string (w, "three");
  gguf_key_array (w, "a.nested", VALUE_ARRAY, 2);
  gguf_u32 (w, VALUE_U8), gguf_u64 (w, 2), gguf_put (w, "ab", 2);
  gguf_u32 (w, VALUE_STRING), gguf_u64 (w, 1), gguf_string (w, "c");
  gguf_tensor (w, "first", TYPE_F32, 1, row8, 0);
  gguf_tensor (w, "second", TYPE_F32, 2, (uint64_t[]) { 4, 2 }, 32);
  gguf_data (w, 64);
}

/* What a whole file in memory gives. */
static QeStatus
parse (const GgufWriter *w, QeError *err)
{
  QeGguf *gguf = NULL;
  QeStatus status = qe_gguf_parse (&gguf, w->data, w->size, w->size, err);
  qe_test_check ((status == QE_OK) == (gguf != NULL), __FILE__, __LINE__, "out is set on success alone");
  qe_gguf_free (gguf);
  return status;
}

QE_TEST (values)
{
  GgufWriter w = { 0 };
  QeGguf *g;
  QeError err;
  uint64_t u;
  double d;
  bool b;
  const char *text;
  size_t length;
  write_sound (&w);
  QE_REQUIRE_OK (qe_gguf_parse (&g, w.data, w.size, w.size, &err), err);
  QE_CHECK (qe_gguf_get_u64 (g, "a.u32", &u) && u == 7);
  QE_CHECK (qe_gguf_get_u64 (g, "a.u64", &u) && u == UINT64_MAX);
  QE_CHECK (!qe_gguf_get_u64 (g, "a.i16", &u)); /* negative */
  QE_CHECK (qe_gguf_get_f64 (g, "a.i16", &d) && d == -2);
  QE_CHECK (qe_gguf_get_f64 (g, "a.f32", &d) && d == 0.5);
  QE_CHECK (!qe_gguf_get_u64 (g, "a.f32", &u));
  QE_CHECK (qe_gguf_get_bool (g, "a.bool", &b) && b);
  QE_CHECK (!qe_gguf_get_bool (g, "a.u32", &b));
  QE_CHECK (!qe_gguf_has (g, "a.u3") && !qe_gguf_has (g, "") && qe_gguf_has (g, "a.nested"));
  QE_CHECK (qe_gguf_get_string (g, "general.architecture", &text, &length) && length == 6
            && !memcmp (text, "qwen35", 6));
  QE_CHECK (qe_gguf_array_length (g, "a.numbers", &u) && u == 3);
  QE_CHECK (qe_gguf_array_u64 (g, "a.numbers", 2, &u) && u == 13);
  QE_CHECK (!qe_gguf_array_u64 (g, "a.numbers", 1, &u));
  QE_CHECK (qe_gguf_array_f64 (g, "a.numbers", 1, &d) && d == -5);
  QE_CHECK (!qe_gguf_array_u64 (g, "a.numbers", 3, &u));
  QE_CHECK (!qe_gguf_array_u64 (g, "a.strings", 0, &u) && !qe_gguf_array_u64 (g, "a.nested", 0, &u));
  QeStrings strings;
  QE_CHECK (qe_gguf_strings (g, "a.strings", &strings));
  const char *const want[] = { "one", "", "three" };
  for (int i = 0; i < 3; i++)
    QE_CHECK (qe_strings_next (&strings, &text, &length) && length == strlen (want[i])
              && memcmp (text, want[i], length) == 0);
  QE_CHECK (!qe_strings_next (&strings, &text, &length));
  qe_gguf_free (g);
  gguf_clear (&w);
}

QE_TEST (tensors)
{
  GgufWriter w = { 0 };
  QeGguf *g;
  QeError err;
  const char *path = qe_test_folder ();
  char file[300];
  snprintf (file, sizeof file, "%s/sound.gguf", path);
  write_sound (&w);
  QE_REQUIRE (qe_test_write (file, w.data, w.size));
  QE_REQUIRE_OK (qe_gguf_open (&g, file, true, &err), err);
  QE_CHECK_INT (qe_gguf_n_tensors (g), ==, 2);
  QE_CHECK_INT (qe_gguf_file_bytes (g), ==, w.size);
  QE_CHECK_INT (qe_gguf_n_parts (g), ==, 1);
  const QeTensor *t = qe_gguf_find (g, "second");
  QE_REQUIRE (t != NULL);
  QE_CHECK_STR (t->name, "second");
  QE_CHECK_INT (t->size, ==, 32);
  QE_CHECK (t->ne[0] == 4 && t->ne[1] == 2 && t->ne[2] == 1 && t->ne[3] == 1);
  QE_CHECK_INT (*(const uint8_t *) t->data, ==, 32);
  QE_CHECK (qe_gguf_find (g, "third") == NULL);
  QE_CHECK (qe_gguf_tensor (g, 0) == qe_gguf_find (g, "first") && qe_gguf_tensor (g, 2) == NULL);
  QE_CHECK_OK (qe_gguf_check_unchanged (g, &err), err);
  qe_gguf_prefetch (g, NULL);
  qe_gguf_free (g);
  QE_REQUIRE_OK (qe_gguf_open (&g, file, false, &err), err);
  QE_CHECK (qe_gguf_find (g, "second")->data == NULL);
  qe_gguf_free (g);
  gguf_clear (&w);
}

QE_TEST (golden_files_open)
{
  static const char *const names[] = { "goldens/a-dense-F16.gguf", "goldens/b-tied-F16.gguf", "goldens/c-moe-F16.gguf",
                                       "goldens/d-vision-F16.gguf", "goldens/mmproj-d-vision-F32.gguf" };
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    QeGguf *g;
    QeError err;
    const char *text;
    size_t length;
    QE_REQUIRE_OK (qe_gguf_open (&g, qe_test_data (names[i]), true, &err), err);
    QE_CHECK (qe_gguf_get_string (g, "general.architecture", &text, &length));
    QE_CHECK (qe_gguf_n_tensors (g) > 10);
    qe_gguf_free (g);
  }
}

/* ---- bad input ------------------------------------------------------------------------------------------------- */

/* A file cut anywhere is refused with a sentence; the same bytes as the beginning of a longer file ask for more. */
QE_TEST (truncated_anywhere)
{
  GgufWriter w = { 0 };
  write_sound (&w);
  size_t header = w.size - 64;
  for (size_t n = 0; n < w.size; n++) {
    QeGguf *g;
    QeError err = { 0 };
    uint8_t *copy = malloc (n + 1);
    memcpy (copy, w.data, n);
    QeStatus status = qe_gguf_parse (&g, copy, n, n, &err);
    qe_test_check (status == QE_ERROR_FORMAT && err.message[0], __FILE__, __LINE__, "cut at %zu: %d", n, status);
    if (n < header - 31) {
      status = qe_gguf_parse (&g, copy, n, w.size, &err);
      qe_test_check (status == QE_ERROR_MORE, __FILE__, __LINE__, "first %zu bytes: %d %s", n, status, err.message);
    }
    free (copy);
  }
  gguf_clear (&w);
}

QE_TEST (beginning_is_enough_for_the_header)
{
  GgufWriter w = { 0 };
  QeGguf *g;
  QeError err;
  write_sound (&w);
  QE_REQUIRE_OK (qe_gguf_parse (&g, w.data, w.size - 64, w.size, &err), err);
  QE_CHECK_INT (qe_gguf_file_bytes (g), ==, w.size);
  QE_CHECK (qe_gguf_find (g, "first")->data == NULL);
  qe_gguf_free (g);
  gguf_clear (&w);
}

static void
check_refused (const char *bytes, size_t n, QeStatus want, const char *says)
{
  QeGguf *g;
  QeError err = { 0 };
  QE_CHECK_INT (qe_gguf_parse (&g, bytes, n, n, &err), ==, want);
  QE_CHECK_INT (err.status, ==, want);
  QE_CHECK_CONTAINS (err.message, says);
  QE_CHECK (g == NULL);
}

QE_TEST (not_a_gguf_file)
{
  check_refused ("", 0, QE_ERROR_FORMAT, "empty");
  check_refused ("GG", 2, QE_ERROR_FORMAT, "not a GGUF");
  check_refused ("GGUF", 4, QE_ERROR_FORMAT, "incomplete");
  check_refused ("PK\3\4 and so on and so on and on", 31, QE_ERROR_FORMAT, "not a GGUF");
  check_refused ("version https://git-lfs.github.com/spec/v1", 42, QE_ERROR_FORMAT, "Git LFS");
  check_refused ("<!DOCTYPE html><html><body>404", 30, QE_ERROR_FORMAT, "web page");
  check_refused ("\x10\0\0\0\0\0\0\0{\"__metadata__\":{}}", 27, QE_ERROR_FORMAT, "safetensors");
  check_refused ("GGUF\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 24, QE_ERROR_UNSUPPORTED, "version 1");
  check_refused ("GGUF\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 24, QE_ERROR_UNSUPPORTED, "version 4");
  check_refused ("GGUF\0\0\0\3\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 24, QE_ERROR_UNSUPPORTED, "big-endian");
}

QE_TEST (paths)
{
  QeGguf *g;
  QeError err;
  QE_CHECK_INT (qe_gguf_open (&g, "/nowhere/at/all.gguf", true, &err), ==, QE_ERROR_IO);
  QE_CHECK_CONTAINS (err.message, "all.gguf");
  QE_CHECK_INT (qe_gguf_open (&g, "/tmp", true, &err), ==, QE_ERROR_FORMAT);
  QE_CHECK_INT (qe_gguf_open (&g, "/dev/zero", true, &err), ==, QE_ERROR_FORMAT);
}

QE_TEST (hostile_counts)
{
  const uint64_t counts[] = { 1000, 200000, 1ull << 32, 1ull << 60, UINT64_MAX };
  for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
    GgufWriter w = { 0 };
    QeError err;
    gguf_begin (&w, 3, counts[i], 0);
    QE_CHECK_INT (parse (&w, &err), ==, QE_ERROR_FORMAT);
    gguf_begin (&w, 3, 0, counts[i]);
    QE_CHECK_INT (parse (&w, &err), ==, QE_ERROR_FORMAT);
    gguf_begin (&w, 3, 0, 1);
    gguf_key_array (&w, "a", VALUE_STRING, counts[i]);
    QE_CHECK_INT (parse (&w, &err), ==, QE_ERROR_FORMAT);
    gguf_begin (&w, 3, 0, 1);
    gguf_key_array (&w, "a", VALUE_F64, counts[i]);
    QE_CHECK_INT (parse (&w, &err), ==, QE_ERROR_FORMAT);
    gguf_begin (&w, 3, 0, 1);
    gguf_u64 (&w, counts[i]); /* length of the key's name */
    gguf_data (&w, 200);
    QE_CHECK_INT (parse (&w, &err), ==, QE_ERROR_FORMAT);
    gguf_clear (&w);
  }
}

/* A small file that claims to be huge must not make us allocate what it claims. */
QE_TEST (claims_cost_nothing)
{
  GgufWriter w = { 0 };
  QeGguf *g;
  QeError err;
  gguf_begin (&w, 3, 0, 1);
  gguf_key_array (&w, "a", VALUE_STRING, 1ull << 40);
  QE_CHECK_INT (qe_gguf_parse (&g, w.data, w.size, 1ull << 60, &err), ==, QE_ERROR_MORE);
  gguf_begin (&w, 3, 0, 1);
  gguf_key_array (&w, "a", VALUE_U8, 1ull << 40);
  QE_CHECK_INT (qe_gguf_parse (&g, w.data, w.size, 1ull << 60, &err), ==, QE_ERROR_FORMAT);
  QE_CHECK_CONTAINS (err.message, "header is larger");
  gguf_clear (&w);
}

QE_TEST (nested_too_deeply)
{
  GgufWriter w = { 0 };
  QeError err;
  gguf_begin (&w, 3, 0, 1);
  gguf_key_array (&w, "a", VALUE_ARRAY, 1);
  for (int i = 0; i < 1000; i++)
    gguf_u32 (&w, VALUE_ARRAY), gguf_u64 (&w, 1);
  gguf_data (&w, 100);
  QE_CHECK_INT (parse (&w, &err), ==, QE_ERROR_FORMAT);
  gguf_clear (&w);
}

/* One tensor as given, with 64 bytes of data behind. */
static void
check_tensor (uint32_t type, uint32_t n_dims, const uint64_t *ne, uint64_t offset, QeStatus want, const char *says)
{
  GgufWriter w = { 0 };
  QeError err = { 0 };
  gguf_begin (&w, 3, 1, 0);
  gguf_tensor (&w, "weights", type, n_dims, ne, offset);
  gguf_data (&w, 64);
  QE_CHECK_INT (parse (&w, &err), ==, want);
  if (want != QE_OK)
    QE_CHECK_CONTAINS (err.message, says);
  gguf_clear (&w);
}

QE_TEST (hostile_tensors)
{
  const uint64_t huge = 1ull << 60, half = 1ull << 32;
  check_tensor (TYPE_F32, 1, (uint64_t[]) { 16 }, 0, QE_OK, NULL);
  check_tensor (TYPE_F32, 1, (uint64_t[]) { 17 }, 0, QE_ERROR_FORMAT, "past the end");
  check_tensor (TYPE_F32, 1, (uint64_t[]) { 16 }, 32, QE_ERROR_FORMAT, "past the end");
  check_tensor (TYPE_F32, 1, (uint64_t[]) { 1 }, UINT64_MAX - 31, QE_ERROR_FORMAT, "past the end");
  check_tensor (TYPE_F32, 1, (uint64_t[]) { 1 }, 4, QE_ERROR_FORMAT, "not aligned");
  check_tensor (TYPE_F32, 1, (uint64_t[]) { huge }, 0, QE_ERROR_FORMAT, "“weights”");
  check_tensor (TYPE_F32, 1, (uint64_t[]) { UINT64_MAX }, 0, QE_ERROR_FORMAT, "impossible shape");
  check_tensor (TYPE_F32, 2, (uint64_t[]) { half, half }, 0, QE_ERROR_FORMAT, "impossible shape");
  check_tensor (TYPE_F32, 4, (uint64_t[]) { 1ull << 16, 1ull << 16, 1ull << 16, 1ull << 15 }, 0, QE_ERROR_FORMAT,
                "impossible shape");
  check_tensor (TYPE_F32, 2, (uint64_t[]) { 4, 0 }, 0, QE_ERROR_FORMAT, "impossible shape");
  check_tensor (TYPE_F32, 0, NULL, 0, QE_ERROR_FORMAT, "0 dimensions");
  check_tensor (TYPE_F32, 5, (uint64_t[]) { 1, 1, 1, 1, 1 }, 0, QE_ERROR_FORMAT, "5 dimensions");
  check_tensor (TYPE_Q8_0, 1, (uint64_t[]) { 31 }, 0, QE_ERROR_FORMAT, "not whole Q8_0 blocks");
  check_tensor (TYPE_Q8_0, 1, (uint64_t[]) { 32 }, 0, QE_OK, NULL);
  check_tensor (TYPE_Q4_0_4_4, 1, (uint64_t[]) { 256 }, 0, QE_ERROR_UNSUPPORTED, "Q4_0_4_4");
  check_tensor (77, 1, (uint64_t[]) { 256 }, 0, QE_ERROR_UNSUPPORTED, "77");
}

static void
two_tensors (GgufWriter *w, const char *a, const char *b, uint64_t offset_b)
{
  gguf_begin (w, 3, 2, 0);
  gguf_tensor (w, a, TYPE_F32, 1, row8, 0);
  gguf_tensor (w, b, TYPE_F32, 1, row8, offset_b);
  gguf_data (w, 64);
}

QE_TEST (duplicates_and_overlaps)
{
  GgufWriter w = { 0 };
  QeError err;
  two_tensors (&w, "a", "a", 32);
  QE_CHECK_INT (parse (&w, &err), ==, QE_ERROR_FORMAT);
  QE_CHECK_CONTAINS (err.message, "twice");
  two_tensors (&w, "a", "b", 0);
  QE_CHECK_INT (parse (&w, &err), ==, QE_ERROR_FORMAT);
  QE_CHECK_CONTAINS (err.message, "overlap");
  two_tensors (&w, "a", "b", 32);
  QE_CHECK_OK (parse (&w, &err), err);
  gguf_begin (&w, 3, 0, 2);
  gguf_key_u32 (&w, "same", 1), gguf_key_u32 (&w, "same", 2);
  QE_CHECK_INT (parse (&w, &err), ==, QE_ERROR_FORMAT);
  QE_CHECK_CONTAINS (err.message, "“same” occurs twice");
  gguf_clear (&w);
}

QE_TEST (alignment)
{
  const uint32_t bad[] = { 0, 1, 4, 33, 1u << 31 };
  GgufWriter w = { 0 };
  QeError err;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    gguf_begin (&w, 3, 0, 1);
    gguf_key_u32 (&w, "general.alignment", bad[i]);
    QE_CHECK_INT (parse (&w, &err), ==, QE_ERROR_FORMAT);
    QE_CHECK_CONTAINS (err.message, "alignment");
  }
  gguf_begin (&w, 2, 1, 1);
  gguf_key_u32 (&w, "general.alignment", 64);
  gguf_tensor (&w, "a", TYPE_F32, 1, row8, 0);
  gguf_put (&w, (uint8_t[256]) { 0 }, (128 - w.size % 64) + 32);
  QE_CHECK_OK (parse (&w, &err), err);
  gguf_clear (&w);
}

/* ---- split models ---------------------------------------------------------------------------------------------- */

static void
write_part (const char *folder, unsigned i, unsigned n, unsigned claimed)
{
  GgufWriter w = { 0 };
  char path[400], name[32];
  snprintf (path, sizeof path, "%s/m-%05u-of-%05u.gguf", folder, i + 1, n);
  snprintf (name, sizeof name, "part%u", i);
  gguf_begin (&w, 3, 1, 3);
  gguf_key (&w, "split.no", 2), gguf_put (&w, &(uint16_t) { (uint16_t) claimed }, 2);
  gguf_key (&w, "split.count", 2), gguf_put (&w, &(uint16_t) { (uint16_t) n }, 2);
  gguf_key_u32 (&w, "split.tensors.count", n);
  gguf_tensor (&w, name, TYPE_F32, 1, row8, 0);
  gguf_data (&w, 32);
  w.data[w.size - 32] = (uint8_t) (100 + i);
  QE_CHECK (qe_test_write (path, w.data, w.size));
  gguf_clear (&w);
}

QE_TEST (split_model)
{
  const char *folder = qe_test_folder ();
  char first[400], second[400], third[400];
  QeGguf *g;
  QeError err;
  snprintf (first, sizeof first, "%s/m-00001-of-00003.gguf", folder);
  snprintf (second, sizeof second, "%s/m-00002-of-00003.gguf", folder);
  snprintf (third, sizeof third, "%s/m-00003-of-00003.gguf", folder);
  for (unsigned i = 0; i < 3; i++)
    write_part (folder, i, 3, i);
  QE_REQUIRE_OK (qe_gguf_open (&g, first, true, &err), err);
  QE_CHECK_INT (qe_gguf_n_parts (g), ==, 3);
  QE_CHECK_INT (qe_gguf_n_tensors (g), ==, 3);
  QE_CHECK_INT (*(const uint8_t *) qe_gguf_find (g, "part2")->data, ==, 102);
  qe_gguf_free (g);

  QE_CHECK_INT (qe_gguf_open (&g, second, true, &err), ==, QE_ERROR_ARGUMENT);
  QE_CHECK_CONTAINS (err.message, "Open the first part");
  unlink (third);
  QE_CHECK_INT (qe_gguf_open (&g, first, true, &err), ==, QE_ERROR_IO);
  QE_CHECK_CONTAINS (err.message, "Part 3 of 3");
  QE_CHECK_CONTAINS (err.message, "m-00003-of-00003.gguf");
  write_part (folder, 2, 3, 1);
  QE_CHECK_INT (qe_gguf_open (&g, first, true, &err), ==, QE_ERROR_FORMAT);
  QE_CHECK_CONTAINS (err.message, "is not part 3");
  rename (first, third);
  QE_CHECK_INT (qe_gguf_open (&g, third, true, &err), ==, QE_ERROR_FORMAT);
  QE_CHECK_CONTAINS (err.message, "-00001-of-00003.gguf");
}

/* ---- files that change while mapped ---------------------------------------------------------------------------- */

/* Writes a file with one tensor, "big", into the test's folder and maps it; its path goes into `file`. NULL: failed. */
static QeGguf *
open_big (char file[300], size_t bytes)
{
  GgufWriter w = { 0 };
  QeGguf *g = NULL;
  QeError err;
  snprintf (file, 300, "%s/big.gguf", qe_test_folder ());
  gguf_begin (&w, 3, 1, 0);
  gguf_tensor (&w, "big", TYPE_F32, 1, (uint64_t[]) { bytes / 4 }, 0);
  gguf_data (&w, bytes);
  if (qe_test_write (file, w.data, w.size))
    QE_CHECK_OK (qe_gguf_open (&g, file, true, &err), err);
  gguf_clear (&w);
  return g;
}

QE_TEST (truncated_while_mapped)
{
  QeError err;
  char file[300];
  QeGguf *g = open_big (file, 1 << 20);
  QE_REQUIRE (g != NULL);
  const volatile uint8_t *data = qe_gguf_find (g, "big")->data;
  unsigned sum = 0;
  for (size_t i = 0; i < 1 << 20; i += 512) {
    if (i == 1 << 18)
      QE_CHECK_INT (truncate (file, 1 << 18), ==, 0); /* in mid read */
    sum += data[i + 7];
  }
  QE_CHECK_INT (sum, >, 0);
  QE_CHECK_INT (data[(1 << 20) - 1], ==, 0);
  QE_CHECK_INT (qe_gguf_check_unchanged (g, &err), ==, QE_ERROR_CHANGED);
  QE_CHECK_CONTAINS (err.message, "changed or cut short");
  qe_gguf_free (g);
}

/* Reading ahead touches what it reads: a file that was cut meanwhile must not end the program. */
QE_TEST (truncated_before_reading_ahead)
{
  QeError err;
  char file[300];
  QeGguf *g = open_big (file, 5 << 20);
  QE_REQUIRE (g != NULL);
  QE_REQUIRE (truncate (file, 1 << 20) == 0);
  qe_gguf_prefetch (g, NULL);
  QE_CHECK_INT (qe_gguf_check_unchanged (g, &err), ==, QE_ERROR_CHANGED);
  qe_gguf_free (g);
}

/* Only at such an address can a huge page of the page cache be mapped as one. Several at once: by chance one may be. */
QE_TEST (mapped_for_huge_pages)
{
  GgufWriter w = { 0 };
  QeGguf *open[5];
  QeError err;
  char file[300];
  snprintf (file, sizeof file, "%s/aligned.gguf", qe_test_folder ());
  write_sound (&w);
  QE_REQUIRE (qe_test_write (file, w.data, w.size));
  for (int i = 0; i < 5; i++) {
    QE_REQUIRE_OK (qe_gguf_open (&open[i], file, true, &err), err);
    const uintptr_t last = (uintptr_t) qe_gguf_find (open[i], "second")->data; /* 64 bytes of data: the second half */
    QE_CHECK_INT ((last - (w.size - 32)) % ((size_t) 2 << 20), ==, 0);
  }
  for (int i = 0; i < 5; i++)
    qe_gguf_free (open[i]);
  gguf_clear (&w);
}

QE_TEST (written_while_mapped)
{
  GgufWriter w = { 0 };
  QeGguf *g;
  QeError err;
  char file[300];
  snprintf (file, sizeof file, "%s/sound.gguf", qe_test_folder ());
  write_sound (&w);
  QE_REQUIRE (qe_test_write (file, w.data, w.size));
  struct timespec past[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };
  QE_REQUIRE (utimensat (0, file, past, 0) == 0);
  QE_REQUIRE_OK (qe_gguf_open (&g, file, true, &err), err);
  QE_CHECK_OK (qe_gguf_check_unchanged (g, &err), err);
  FILE *f = fopen (file, "r+b");
  fseek (f, -1, SEEK_END);
  fputc ('x', f);
  fclose (f);
  QE_CHECK_INT (qe_gguf_check_unchanged (g, &err), ==, QE_ERROR_CHANGED);
  qe_gguf_free (g);
  /* replaced by renaming or deleted: the mapping holds the old file, which is whole */
  QE_REQUIRE_OK (qe_gguf_open (&g, file, true, &err), err);
  unlink (file);
  QE_CHECK_OK (qe_gguf_check_unchanged (g, &err), err);
  qe_gguf_free (g);
  gguf_clear (&w);
}

/* A SIGBUS that is none of ours still ends the process (under a sanitizer, by its report). */
QE_TEST (foreign_sigbus_is_passed_on)
{
  char file[300];
  int result = 0;
  snprintf (file, sizeof file, "%s/foreign", qe_test_folder ());
  QE_REQUIRE (qe_test_write (file, "x", 1));
  fflush (stdout);
  pid_t child = fork ();
  if (child == 0) {
    QeGguf *g;
    if (qe_gguf_open (&g, qe_test_data ("goldens/b-tied-F16.gguf"), true, NULL) != QE_OK)
      _exit (0);
    FILE *f = fopen (file, "r+b");
    volatile char *p = mmap (NULL, 8192, PROT_READ, MAP_SHARED, fileno (f), 0);
    _exit (p[4096]);
  }
  QE_REQUIRE (child > 0 && waitpid (child, &result, 0) == child);
  QE_CHECK (WIFSIGNALED (result) || (WIFEXITED (result) && WEXITSTATUS (result) == 1));
}
