/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Text into tokens and back, with Quern Tiny's vocabulary. The first byte says how much of the text is plain. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/template/qe-buffer.h"
#include "format/tokenizer/qe-normalise.h"
#include "format/tokenizer/qe-tokenizer.h"
#include "format/tokenizer/qe-utf8.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
require (int ok, const char *what)
{
  if (!ok) {
    fprintf (stderr, "broken promise: %s\n", what);
    abort ();
  }
}

static QeTokenizer *
load (void)
{
  const char *folder = getenv ("QUERN_TINY_DIR");
  char path[4096];
  QeGguf *gguf = NULL;
  QeTokenizer *t = NULL;
  QeError err = { 0 };

  snprintf (path, sizeof path, "%s/quern-tiny-Q2_K.gguf", folder ? folder : "data/quern-tiny");
  if (qe_gguf_open (&gguf, path, false, &err) != QE_OK || qe_tokenizer_new (&t, gguf, &err) != QE_OK) {
    fprintf (stderr, "%s: %s\n", path, err.message);
    exit (1);
  }
  qe_gguf_free (gguf);
  return t;
}

/* All plain: the tokens' bytes are the normalised text, and the decoder gives the same. */
static void
check_plain (const QeTokenizer *t, const char *text, size_t length)
{
  const QeSpan all = { 0, (uint32_t) length };
  char *want;
  size_t want_length, n, piece;
  int32_t *ids;
  QeBuffer got = { 0 };
  QeDecoder *decoder = qe_decoder_new_for (t);

  require (qe_tokenizer_encode (t, text, length, &all, 1, &ids, &n, NULL) == QE_OK, "any text can be encoded");
  require (qe_normalise (text, length, true, &want, &want_length), "memory");
  for (size_t i = 0; i < n; i++) {
    const char *out = qe_decoder_push (decoder, ids[i], &piece);
    require (qe_utf8_valid (out, piece), "a piece is whole characters");
    qe_buffer_add (&got, out, piece);
  }
  qe_decoder_finish (decoder, &piece);
  require (piece == 0, "nothing is left of whole text");
  require (got.size == want_length && (want_length == 0 || memcmp (got.data, want, want_length) == 0),
           "decoding gives back the normalised text");
  qe_decoder_free (decoder);
  qe_buffer_clear (&got);
  if (want != text)
    free (want);
  free (ids);
}

static void
check_spans (const QeTokenizer *t, const char *text, size_t length, unsigned at)
{
  QeSpan spans[2] = { { (uint32_t) (length * at / 512), (uint32_t) (length * at / 256) }, { 0, 0 } };
  int32_t *ids;
  size_t n;

  spans[1] = (QeSpan) { spans[0].end, (uint32_t) length };
  if (qe_tokenizer_encode (t, text, length, spans, at & 1 ? 2 : 1, &ids, &n, NULL) == QE_OK)
    free (ids);
}

static void
ignore_cb (void *data, QeOutputKind kind, const char *text, size_t length)
{
  require (qe_utf8_valid (text, length), "parsed output is whole characters");
}

/* The bytes as tokens, two each. */
static void
check_output (const QeTokenizer *t, const uint8_t *data, size_t size)
{
  QeOutputParser *parser = qe_output_parser_new_for (t, size & 1, ignore_cb, NULL);

  for (size_t i = 0; i + 1 < size; i += 2)
    qe_output_parser_push (parser, data[i] | (data[i + 1] & 15) << 8);
  qe_output_parser_finish (parser);
  qe_output_parser_free (parser);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  static QeTokenizer *tokenizer;

  if (!tokenizer)
    tokenizer = load (); /* still reachable at the end */
  if (size == 0)
    return 0;
  check_plain (tokenizer, (const char *) data + 1, size - 1);
  check_spans (tokenizer, (const char *) data + 1, size - 1, data[0]);
  check_output (tokenizer, data, size);
  return 0;
}
