/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ids of an independent implementation (make-vocabulary.py): thousands of texts in many scripts, with a vocabulary of
 * more than 100,000 entries, both pre-tokenizers, composed and decomposed. */
#include "qe-test.h"
#include "format/tokenizer/qe-tokenizer.h"

static const char *folder;

static bool
make_once (void)
{
  char command[2048];

  if (!folder && (folder = qe_test_folder ())) {
    snprintf (command, sizeof command, "python3 '%s' '%s'", qe_test_data ("../engine/make-vocabulary.py"), folder);
    QE_CHECK (system (command) == 0);
  }
  return folder != NULL;
}

static uint32_t
next (const uint8_t **at)
{
  uint32_t value;

  memcpy (&value, *at, sizeof value);
  *at += sizeof value;
  return value;
}

/* Every text of NAME.texts; the first few that differ are printed. */
static void
check_texts (const char *name)
{
  char path[600];
  size_t size = 0, n_texts = 0, n_ids = 0, n_wrong = 0;
  QeGguf *gguf = NULL;
  QeTokenizer *t = NULL;
  QeError err = { 0 };

  QE_REQUIRE (make_once ());
  snprintf (path, sizeof path, "%s/%s.gguf", folder, name);
  QE_REQUIRE_OK (qe_gguf_open (&gguf, path, false, &err), err);
  QE_REQUIRE_OK (qe_tokenizer_new (&t, gguf, &err), err);
  QE_CHECK (qe_tokenizer_size (t) >= 100000);
  snprintf (path, sizeof path, "%s/%s.texts", folder, name);
  uint8_t *texts = qe_test_read (path, &size);
  QE_REQUIRE (texts != NULL);

  for (const uint8_t *at = texts; at < texts + size; n_texts++) {
    const uint32_t length = next (&at);
    const char *text = (const char *) at;
    const uint32_t n_want = (at += length, next (&at));
    int32_t *ids = NULL;
    size_t n = 0;

    QE_CHECK_OK (qe_tokenizer_encode (t, text, length, NULL, 0, &ids, &n, &err), err);
    const bool same = n == n_want && memcmp (ids, at, n * sizeof *ids) == 0;

    n_wrong += !same;
    n_ids += n_want;
    if (n_wrong < 10)
      qe_test_check (same, __FILE__, __LINE__, "%s, text %zu: “%.*s”: %zu ids, not %u", name, n_texts, (int) length,
                     text, n, n_want);
    at += n_want * sizeof *ids;
    free (ids);
  }
  QE_CHECK_INT (n_wrong, ==, 0);
  QE_CHECK_INT (n_texts, ==, 2000);
  qe_test_note ("%s: %zu entries, %zu texts of %zu ids, %zu wrong", name, qe_tokenizer_size (t), n_texts, n_ids,
                n_wrong);
  free (texts);
  qe_tokenizer_free (t);
  qe_gguf_free (gguf);
}

QE_TEST (ids_of_qwen35)
{
  check_texts ("qwen35");
}
QE_TEST (ids_of_qwen2)
{
  check_texts ("qwen2");
}
QE_TEST (ids_without_normalisation)
{
  check_texts ("raw");
}
