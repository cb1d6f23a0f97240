/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "qe-test.h"
#include "gguf-writer.h"
#include "template/qe-json.h"
#include "tokenizer/qe-tokenizer.h"

#include <time.h>

static QeTokenizer *
load (const char *path)
{
  QeGguf *gguf;
  QeTokenizer *t = NULL;
  QeError err = { 0 };
  QE_CHECK_OK (qe_gguf_open (&gguf, path, false, &err), err);
  if (gguf)
    QE_CHECK_OK (qe_tokenizer_new (&t, gguf, &err), err);
  qe_gguf_free (gguf);
  return t;
}

static QeTokenizer *
golden (void)
{
  return load (qe_test_data ("goldens/a-dense-F16.gguf"));
}

static QeJson
read_json (const char *path)
{
  QeJson json = { 0 };
  QeError err = { 0 };
  size_t size;
  char *text = qe_test_read (path, &size);
  QE_CHECK (text && qe_json_parse (&json, text, size, &err) == QE_OK);
  free (text);
  return json;
}

static size_t
read_ids (const QeJson *json, size_t list, int32_t *ids, size_t room)
{
  size_t n = 0, length;
  for (size_t i = qe_json_first (json, list); i != QE_JSON_NONE && n < room; i = qe_json_next (json, list, i))
    ids[n++] = atoi (qe_json_text (json, i, &length));
  return n;
}

/* That text gives these ids, special tokens recognised. */
static void
check_encode (const QeTokenizer *t, const char *text, size_t length, const int32_t *want, size_t n_want)
{
  int32_t *ids = NULL;
  size_t n = 0;
  QeError err;
  QE_REQUIRE_OK (qe_tokenizer_encode (t, text, length, NULL, 0, &ids, &n, &err), err);
  size_t same = 0;
  while (same < n && same < n_want && ids[same] == want[same])
    same++;
  qe_test_check (n == n_want && same == n, __FILE__, __LINE__, "“%.*s”: %zu ids instead of %zu, the first %zu right",
                 (int) length, text, n, n_want, same);
  free (ids);
}

/* Everything that a decoder gives for these ids. */
static QeBuffer
decode (const QeTokenizer *t, const int32_t *ids, size_t n)
{
  QeBuffer out = { 0 };
  QeDecoder *d = qe_decoder_new_for (t);
  size_t length;
  for (size_t i = 0; i < n; i++) {
    const char *piece = qe_decoder_push (d, ids[i], &length);
    qe_buffer_add (&out, piece, length);
  }
  const char *piece = qe_decoder_finish (d, &length);
  qe_buffer_add (&out, piece, length);
  qe_decoder_free (d);
  return out;
}

QE_TEST (golden_encodings)
{
  static int32_t ids[100000];
  QeTokenizer *t = golden ();
  QeJson json = read_json (qe_test_data ("goldens/tokenizer/goldens.json"));
  QE_REQUIRE (t && json.values);
  size_t list = qe_json_member (&json, 0, "encode"), count = 0;
  for (size_t i = qe_json_first (&json, list); i != QE_JSON_NONE; i = qe_json_next (&json, list, i), count++) {
    size_t length, want_length;
    const char *text = qe_json_text (&json, qe_json_member (&json, i, "text"), &length);
    size_t n = read_ids (&json, qe_json_member (&json, i, "ids"), ids, sizeof ids / sizeof *ids);
    check_encode (t, text, length, ids, n);
    /* the reference's decoder without its special tokens is ours without control tokens */
    const char *want = qe_json_text (&json, qe_json_member (&json, i, "decoded_skip_special"), &want_length);
    QeBuffer got = decode (t, ids, n);
    qe_test_check (got.size == want_length && memcmp (got.data, want, want_length) == 0, __FILE__, __LINE__,
                   "decoded “%s” instead of “%s”", got.data, want);
    qe_buffer_clear (&got);
  }
  QE_CHECK_INT (count, ==, 284);
  qe_json_clear (&json);
  qe_tokenizer_free (t);
}

QE_TEST (golden_decodings)
{
  QeTokenizer *t = golden ();
  QeJson json = read_json (qe_test_data ("goldens/tokenizer/goldens.json"));
  QE_REQUIRE (t && json.values);
  size_t list = qe_json_member (&json, 0, "decode"), count = 0;
  for (size_t i = qe_json_first (&json, list); i != QE_JSON_NONE; i = qe_json_next (&json, list, i), count++) {
    int32_t ids[256];
    size_t length, n = read_ids (&json, qe_json_member (&json, i, "ids"), ids, 256);
    const char *want = qe_json_text (&json, qe_json_member (&json, i, "decoded"), &length);
    QeBuffer got = decode (t, ids, n);
    QE_CHECK_INT (got.size, ==, length);
    QE_CHECK_STR (got.data, want);
    qe_buffer_clear (&got);
  }
  QE_CHECK_INT (count, ==, 40);
  qe_json_clear (&json);
  qe_tokenizer_free (t);
}

/* The prompts of Quern Tiny's expected answers, tokenised whole by the reference. */
QE_TEST (expected_prompts)
{
  QeTokenizer *t = load (qe_test_tiny ("quern-tiny-Q8_0.gguf"));
  QeJson json = read_json (qe_test_tiny ("expected.json"));
  QE_REQUIRE (t && json.values);
  size_t list = qe_json_member (&json, 0, "text"), count = 0;
  for (size_t i = qe_json_first (&json, list); i != QE_JSON_NONE; i = qe_json_next (&json, list, i), count++) {
    int32_t ids[2048];
    size_t length, n = read_ids (&json, qe_json_member (&json, i, "prompt_ids"), ids, 2048);
    const char *text = qe_json_text (&json, qe_json_member (&json, i, "prompt"), &length);
    check_encode (t, text, length, ids, n);
  }
  QE_CHECK_INT (count, ==, 30);
  qe_json_clear (&json);
  qe_tokenizer_free (t);
}
