/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "qe-test.h"
#include "gguf-writer.h"
#include "format/template/qe-json.h"
#include "format/tokenizer/qe-pretokenise.h"
#include "format/tokenizer/qe-tokenizer.h"
#include "format/tokenizer/qe-utf8.h"

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

/* ---- made-up vocabularies -------------------------------------------------------------------------------------- */

enum { NORMAL = 1, CONTROL = 3, USER = 4, UNUSED = 5 };

/* A vocabulary under construction: the 256 bytes, then what a test adds. */
typedef struct {
  QeBuffer tokens, merges; /* as GGUF strings */
  QeBuffer types;
  size_t n_tokens, n_merges;
} Vocabulary;

static void
add_string (QeBuffer *out, const char *text, size_t length)
{
  uint64_t n = length;
  qe_buffer_add (out, (const char *) &n, sizeof n);
  qe_buffer_add (out, text, length);
}

static void
add_token (Vocabulary *v, const char *text, int32_t type)
{
  add_string (&v->tokens, text, strlen (text));
  qe_buffer_add (&v->types, (const char *) &type, sizeof type);
  v->n_tokens++;
}

static void
add_merge (Vocabulary *v, const char *left, const char *right)
{
  char text[600];
  snprintf (text, sizeof text, "%s %s", left, right);
  add_string (&v->merges, text, strlen (text));
  v->n_merges++;
}

static void
add_bytes (Vocabulary *v)
{
  int next = 256;
  for (int byte = 0; byte < 256; byte++) {
    bool shown = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    int c = shown ? byte : next++;
    char text[3] = { (char) (c < 128 ? c : 0xc0 | c >> 6), (char) (c < 128 ? 0 : 0x80 | (c & 63)), 0 };
    add_token (v, text, NORMAL);
  }
}

static void
clear_vocabulary (Vocabulary *v)
{
  qe_buffer_clear (&v->tokens);
  qe_buffer_clear (&v->merges);
  qe_buffer_clear (&v->types);
}

/* The file's bytes; pre may be NULL. rows: of an embedding that it does not really have, 0: none. */
static void
write_vocabulary (GgufWriter *w, const Vocabulary *v, const char *model, const char *pre, uint64_t rows)
{
  gguf_begin (w, 3, rows ? 1 : 0, pre ? 5 : 4);
  gguf_key_string (w, "tokenizer.ggml.model", model);
  if (pre)
    gguf_key_string (w, "tokenizer.ggml.pre", pre);
  gguf_key_array (w, "tokenizer.ggml.tokens", 8, v->n_tokens);
  gguf_put (w, v->tokens.data, v->tokens.size);
  gguf_key_array (w, "tokenizer.ggml.token_type", 5, v->n_tokens);
  gguf_put (w, v->types.data, v->types.size);
  gguf_key_array (w, "tokenizer.ggml.merges", 8, v->n_merges);
  gguf_put (w, v->merges.data, v->merges.size);
  if (rows)
    gguf_tensor (w, "token_embd.weight", 0, 2, (uint64_t[]) { 1, rows }, 0);
}

static QeStatus
build (QeTokenizer **out, const Vocabulary *v, const char *model, const char *pre, uint64_t rows, QeError *err)
{
  GgufWriter w = { 0 };
  QeGguf *gguf;
  *out = NULL;
  write_vocabulary (&w, v, model, pre, rows);
  QeStatus status = qe_gguf_parse (&gguf, w.data, w.size, w.size + 64 + rows * 4, err);
  if (status == QE_OK)
    status = qe_tokenizer_new (out, gguf, err);
  qe_gguf_free (gguf);
  gguf_clear (&w);
  return status;
}

static void
check_refused (const Vocabulary *v, const char *model, const char *pre, uint64_t rows, QeStatus want, const char *says)
{
  QeTokenizer *t;
  QeError err = { 0 };
  QE_CHECK_INT (build (&t, v, model, pre, rows, &err), ==, want);
  QE_CHECK_CONTAINS (err.message, says);
  QE_CHECK (t == NULL);
}

QE_TEST (bad_vocabularies)
{
  Vocabulary v = { 0 };
  check_refused (&v, "gpt2", "qwen35", 0, QE_ERROR_FORMAT, "no usable vocabulary");
  add_token (&v, "a", NORMAL);
  check_refused (&v, "gpt2", "qwen35", 0, QE_ERROR_FORMAT, "lacks the byte 0");
  clear_vocabulary (&v);
  v = (Vocabulary) { 0 };
  add_bytes (&v);
  check_refused (&v, "llama", "qwen35", 0, QE_ERROR_UNSUPPORTED, "“llama”");
  check_refused (&v, "gpt2", "gpt-4o", 0, QE_ERROR_UNSUPPORTED, "“gpt-4o”");
  check_refused (&v, "gpt2", "qwen35", 255, QE_ERROR_FORMAT, "256 tokens, its embedding 255 rows");
  add_merge (&v, "a", "b"); /* makes "ab", which is no token */
  check_refused (&v, "gpt2", "qwen35", 0, QE_ERROR_FORMAT, "merge 0");
  clear_vocabulary (&v);
}

QE_TEST (types_must_fit)
{
  Vocabulary v = { 0 };
  GgufWriter w = { 0 };
  QeGguf *gguf;
  QeTokenizer *t;
  QeError err;
  add_bytes (&v);
  gguf_begin (&w, 3, 0, 4);
  gguf_key_string (&w, "tokenizer.ggml.model", "gpt2");
  gguf_key_array (&w, "tokenizer.ggml.tokens", 8, v.n_tokens);
  gguf_put (&w, v.tokens.data, v.tokens.size);
  gguf_key_array (&w, "tokenizer.ggml.token_type", 5, v.n_tokens - 1);
  gguf_put (&w, v.types.data, v.types.size - 4);
  gguf_key_array (&w, "tokenizer.ggml.merges", 8, 0);
  QE_REQUIRE_OK (qe_gguf_parse (&gguf, w.data, w.size, w.size, &err), err);
  QE_CHECK_INT (qe_tokenizer_new (&t, gguf, &err), ==, QE_ERROR_FORMAT);
  QE_CHECK_CONTAINS (err.message, "token types");
  qe_gguf_free (gguf);
  gguf_clear (&w);
  clear_vocabulary (&v);
}

static QeTokenizer *
small (const char *pre)
{
  Vocabulary v = { 0 };
  QeTokenizer *t;
  QeError err = { 0 };
  add_bytes (&v);                   /* id = byte for 33 … 126 */
  add_token (&v, "ab", NORMAL);     /* 256 */
  add_token (&v, "abc", NORMAL);    /* 257 */
  add_token (&v, "bc", NORMAL);     /* 258 */
  add_token (&v, "<|a|>", CONTROL); /* 259 */
  add_token (&v, "<|a|><", USER);   /* 260 */
  add_token (&v, "<t>", USER);      /* 261 */
  add_token (&v, "[PAD]", UNUSED);  /* 262 */
  add_token (&v, "aa", NORMAL);     /* 263 */
  add_token (&v, "aaaa", NORMAL);   /* 264 */
  add_merge (&v, "b", "c");
  add_merge (&v, "a", "b");
  add_merge (&v, "a", "bc");
  add_merge (&v, "a", "a");
  add_merge (&v, "aa", "aa");
  QE_CHECK_OK (build (&t, &v, "gpt2", pre, 270, &err), err);
  clear_vocabulary (&v);
  return t;
}

#define CHECK_IDS(t, text, ...)                                                                                        \
  check_encode (t, text, sizeof text - 1, (const int32_t[]) { __VA_ARGS__ },                                           \
                sizeof ((const int32_t[]) { __VA_ARGS__ }) / sizeof (int32_t))

/* The lowest rank is merged first, not the first pair. */
QE_TEST (merges_by_rank)
{
  QeTokenizer *t = small (NULL);
  QE_REQUIRE (t != NULL);
  CHECK_IDS (t, "abc", 257);
  CHECK_IDS (t, "ab", 256);
  CHECK_IDS (t, "abb", 256, 'b');
  CHECK_IDS (t, "aaa", 263, 'a');
  CHECK_IDS (t, "aaaaaaa", 264, 263, 'a');
  qe_tokenizer_free (t);
}

QE_TEST (special_tokens)
{
  QeTokenizer *t = small ("qwen35");
  QE_REQUIRE (t != NULL);
  CHECK_IDS (t, "<|a|>", 259);
  CHECK_IDS (t, "<|a|><t>", 260, 't', '>'); /* the longest wins */
  CHECK_IDS (t, "<|a|>x<t>", 259, 'x', 261);
  CHECK_IDS (t, "a<|a", 'a', '<', '|', 'a');
  CHECK_IDS (t, "[PAD]", '[', 'P', 'A', 'D', ']');
  QE_CHECK_INT (qe_tokenizer_find (t, "<t>"), ==, 261);
  QE_CHECK_INT (qe_tokenizer_find (t, "<t"), ==, -1);
  QE_CHECK_INT (qe_tokenizer_find (t, "<t>>"), ==, -1);
  QE_CHECK_INT (qe_tokenizer_find (t, ""), ==, -1);
  QE_CHECK_INT (qe_tokenizer_find (t, "ab"), ==, -1);
  const uint8_t *allowed = qe_tokenizer_allowed (t);
  QE_CHECK (allowed[0] && allowed[259] && !allowed[262] && allowed[264] && !allowed[265] && !allowed[269]);
  qe_tokenizer_free (t);
}

QE_TEST (plain_spans)
{
  static const char text[] = "<t>ab<t>ab<t>";
  const QeSpan middle[] = { { 5, 8 } }, touching[] = { { 2, 3 }, { 10, 11 } }, all[] = { { 0, 13 } };
  const QeSpan bad[][2] = { { { 0, 14 } }, { { 3, 2 } }, { { 4, 6 }, { 5, 7 } } };
  QeTokenizer *t = small ("qwen35");
  int32_t *ids;
  size_t n;
  QE_REQUIRE (t != NULL);
  QE_REQUIRE (qe_tokenizer_encode (t, text, 13, middle, 1, &ids, &n, NULL) == QE_OK);
  QE_CHECK (n == 7 && ids[0] == 261 && ids[1] == 256 && ids[2] == '<' && ids[6] == 261);
  free (ids);
  QE_REQUIRE (qe_tokenizer_encode (t, text, 13, touching, 2, &ids, &n, NULL) == QE_OK);
  QE_CHECK (n == 9 && ids[0] == '<' && ids[4] == 261);
  free (ids);
  QE_REQUIRE (qe_tokenizer_encode (t, text, 13, all, 1, &ids, &n, NULL) == QE_OK);
  QE_CHECK (n == 11);
  free (ids);
  for (size_t i = 0; i < 3; i++)
    QE_CHECK_INT (qe_tokenizer_encode (t, text, 13, bad[i], i == 2 ? 2 : 1, &ids, &n, NULL), ==, QE_ERROR_ARGUMENT);
  qe_tokenizer_free (t);
}

/* A combining mark continues a word for qwen35 and ends it for qwen2: U+0E31 between two letters. */
QE_TEST (marks_differ_between_splits)
{
  static const char text[] = "a\xe0\xb8\xb1"
                             "aaaa";
  QE_CHECK_INT (qe_split_next (QE_SPLIT_QWEN35, text, 8, 0), ==, 8);
  QE_CHECK_INT (qe_split_next (QE_SPLIT_QWEN2, text, 8, 0), ==, 1);
  QE_CHECK_INT (qe_split_next (QE_SPLIT_QWEN2, text, 8, 1), ==, 8); /* as the one character before a word */
  QE_CHECK_INT (qe_split_next (QE_SPLIT_QWEN2, "\xe0\xb8\xb1!", 4, 0), ==, 4);
  QE_CHECK_INT (qe_split_next (QE_SPLIT_QWEN35, "\xe0\xb8\xb1!", 4, 0), ==, 3);
}

QE_TEST (invalid_utf8)
{
  static const char *const pairs[][2] = {
    /* what is broken, and what it means */
    { "a\xff"
      "b",
      "a\xef\xbf\xbd"
      "b" },
    { "\xc3", "\xef\xbf\xbd" },
    { "\xe4\xbd"
      "a",
      "\xef\xbf\xbd"
      "a" },
    { "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
    { "\xc0\x80", "\xef\xbf\xbd\xef\xbf\xbd" },
    { "\xf0\x9f\x98", "\xef\xbf\xbd" },
    { "\xf5\x80", "\xef\xbf\xbd\xef\xbf\xbd" },
    { "\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd" },
  };
  QeTokenizer *t = golden ();
  QE_REQUIRE (t != NULL);
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
    int32_t *ids;
    size_t n;
    QE_REQUIRE (qe_tokenizer_encode (t, pairs[i][1], strlen (pairs[i][1]), NULL, 0, &ids, &n, NULL) == QE_OK);
    check_encode (t, pairs[i][0], strlen (pairs[i][0]), ids, n);
    free (ids);
  }
  qe_tokenizer_free (t);
}

/* What was pushed so far never ends inside a character, and nothing is lost. */
QE_TEST (streaming)
{
  static const char text[] = "Grüße 👩‍💻 こんにちは مرحبا \xf0\x9f\x98\x80!";
  QeTokenizer *t = golden ();
  QE_REQUIRE (t != NULL);
  QeDecoder *d = qe_decoder_new_for (t);
  QeBuffer all = { 0 };
  size_t length, at_once = 0;
  for (const char *p = text; *p; p++) { /* byte by byte is the worst that can come */
    bool is_control;
    for (int32_t id = 0; id < 4096; id++) {
      const char *bytes = qe_tokenizer_token (t, id, &length, &is_control);
      if (length == 1 && bytes[0] == *p) {
        const char *piece = qe_decoder_push (d, id, &length);
        QE_CHECK (qe_utf8_valid (piece, length));
        QE_CHECK (!strstr (piece, QE_REPLACEMENT));
        at_once = length > at_once ? length : at_once;
        qe_buffer_add (&all, piece, length);
        break;
      }
    }
  }
  QE_CHECK_STR (all.data, text);
  QE_CHECK_INT (at_once, ==, 4);
  qe_decoder_finish (d, &length);
  QE_CHECK_INT (length, ==, 0);
  qe_decoder_free (d);
  qe_buffer_clear (&all);
  qe_tokenizer_free (t);
}

QE_TEST (ids_out_of_range)
{
  const int32_t ids[] = { -1, INT32_MIN, 265, 269, 1 << 30, INT32_MAX };
  QeTokenizer *t = small (NULL);
  QeDecoder *d = qe_decoder_new_for (t);
  size_t length;
  bool is_control;
  for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
    QE_CHECK (qe_tokenizer_token (t, ids[i], &length, &is_control) == NULL && length == 0);
    QE_CHECK_STR (qe_decoder_push (d, ids[i], &length), "");
    QE_CHECK (!qe_tokenizer_ends_generation (t, ids[i]));
  }
  qe_decoder_free (d);
  qe_tokenizer_free (t);
}

QE_TEST (hash_tells_vocabularies_apart)
{
  QeTokenizer *a = golden (), *b = load (qe_test_data ("goldens/c-moe-F16.gguf")), *c = small (NULL);
  QE_REQUIRE (a && b && c);
  QE_CHECK (qe_tokenizer_hash (a) == qe_tokenizer_hash (b));
  QE_CHECK (qe_tokenizer_hash (a) != qe_tokenizer_hash (c));
  qe_tokenizer_free (a), qe_tokenizer_free (b), qe_tokenizer_free (c);
}

/* ---- size ------------------------------------------------------------------------------------------------------ */

static double
seconds (void)
{
  struct timespec t;
  clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &t); /* others may share the machine */
  return (double) t.tv_sec + (double) t.tv_nsec * 1e-9;
}

/* One word of a million letters, and a million marks: what a quadratic algorithm would never finish. */
QE_TEST (long_words)
{
  enum { N = 1 << 20 };
  QeTokenizer *t = small ("qwen35"), *nfc = golden ();
  char *text = malloc (2 * N);
  int32_t *ids;
  size_t n;
  QE_REQUIRE (t && nfc && text);
  memset (text, 'a', N);
  double start = seconds ();
  QE_REQUIRE (qe_tokenizer_encode (t, text, N - 1, NULL, 0, &ids, &n, NULL) == QE_OK);
  QE_CHECK_INT (n, ==, N / 4 + 1);
  QE_CHECK (ids[0] == 264 && ids[N / 4 - 2] == 264 && ids[N / 4 - 1] == 263 && ids[N / 4] == 'a');
  free (ids);
  for (int i = 0; i < N; i++) /* U+0301 and U+0316 have different combining classes */
    memcpy (text + 2 * i, i & 1 ? "\xcc\x96" : "\xcc\x81", 2);
  QE_REQUIRE (qe_tokenizer_encode (nfc, text, 2 * N, NULL, 0, &ids, &n, NULL) == QE_OK);
  QE_CHECK_INT (n, >, N / 8);
  free (ids);
  qe_test_note ("long words: %.3f s", seconds () - start);
  qe_tokenizer_free (t), qe_tokenizer_free (nfc);
  free (text);
}

/* A random vocabulary of the family's size, whose merges are laid out as published files have them. */
static void
add_many_merges (Vocabulary *v, size_t total)
{
  char (*names)[20] = calloc (total, sizeof *names);
  uint8_t *lengths = malloc (total);
  uint64_t state = 248320;
  size_t n = 0;
  for (; n < 94; n++)
    names[n][0] = (char) (33 + n), lengths[n] = 1;
  while (n < total) {
    size_t a = qe_test_random (&state) % n, b = qe_test_random (&state) % n;
    lengths[n] = (uint8_t) (lengths[a] + lengths[b]);
    if (lengths[n] > 16)
      continue;
    memcpy (names[n], names[a], lengths[a]);
    memcpy (names[n] + lengths[a], names[b], lengths[b]);
    add_merge (v, names[a], names[b]);
    add_token (v, names[n++], NORMAL);
  }
  free (names);
  free (lengths);
}

QE_TEST (full_size_vocabulary)
{
  Vocabulary v = { 0 };
  GgufWriter w = { 0 };
  QeGguf *gguf;
  QeTokenizer *t;
  QeError err;
  size_t size, n;
  int32_t *ids;
  add_bytes (&v);
  add_many_merges (&v, 248000);
  write_vocabulary (&w, &v, "gpt2", "qwen35", 0);
  double start = seconds ();
  QE_REQUIRE_OK (qe_gguf_parse (&gguf, w.data, w.size, w.size, &err), err);
  double parsed = seconds ();
  QE_REQUIRE_OK (qe_tokenizer_new (&t, gguf, &err), err);
  double loaded = seconds ();
  char *text = qe_test_read (qe_test_data ("goldens/chat.json"), &size);
  for (int i = 0; i < 30; i++) {
    QE_REQUIRE (qe_tokenizer_encode (t, text, size, NULL, 0, &ids, &n, NULL) == QE_OK);
    free (ids);
  }
  qe_test_note ("%zu tokens: header %.1f ms, tokenizer %.1f ms, %.2f MB of text a second", v.n_tokens,
                (parsed - start) * 1e3, (loaded - parsed) * 1e3, (double) size * 30e-6 / (seconds () - loaded));
  QE_CHECK_INT (qe_tokenizer_size (t), ==, v.n_tokens);
  free (text);
  qe_gguf_free (gguf);
  qe_tokenizer_free (t);
  gguf_clear (&w);
  clear_vocabulary (&v);
}
