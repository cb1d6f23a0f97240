/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tokens to text as they come. A token may end inside a character, whose bytes are held back until the next token
 * completes it or makes it certain that it is broken. */
#include "format/tokenizer/qe-tokenizer-private.h"
#include "format/tokenizer/qe-utf8.h"

#include <stdlib.h>
#include <string.h>

struct QeDecoder {
  const QeTokenizer *tokenizer;
  char *in; /* bytes held back, then the new token's */
  size_t n_in, in_capacity;
  char *out;
  size_t out_capacity;
};

QeDecoder *
qe_decoder_new_for (const QeTokenizer *tokenizer)
{
  QeDecoder *decoder = calloc (1, sizeof *decoder);
  if (decoder)
    decoder->tokenizer = tokenizer;
  return decoder;
}

void
qe_decoder_free (QeDecoder *decoder)
{
  if (!decoder)
    return;
  free (decoder->in);
  free (decoder->out);
  free (decoder);
}

/* Moves whole characters from in to out; a beginning of one stays, unless this is the end. */
static const char *
take (QeDecoder *d, bool at_end, size_t *length)
{
  size_t at = 0, made = 0;
  while (at < d->n_in) {
    uint32_t c;
    size_t n;
    QeUtf8 kind = qe_utf8_next (d->in + at, d->n_in - at, &c, &n);
    if (kind == QE_UTF8_PARTIAL && !at_end)
      break;
    if (kind == QE_UTF8_OK) {
      memcpy (d->out + made, d->in + at, n);
      made += n;
    } else {
      memcpy (d->out + made, QE_REPLACEMENT, 3);
      made += 3;
    }
    at += n;
  }
  d->n_in -= at;
  if (at > 0)
    memmove (d->in, d->in + at, d->n_in);
  *length = made;
  if (!d->out)
    return "";
  d->out[made] = 0;
  return d->out;
}

const char *
qe_decoder_push (QeDecoder *d, int32_t id, size_t *length)
{
  size_t n;
  bool is_control;
  const char *bytes = qe_tokenizer_token (d->tokenizer, id, &n, &is_control);
  *length = 0;
  if (!bytes || is_control)
    return "";
  if (d->n_in + n > d->in_capacity) { /* each byte may come out as three */
    size_t capacity = (d->n_in + n) * 2 + 64;
    char *in = realloc (d->in, capacity);
    if (in)
      d->in = in;
    char *out = in ? realloc (d->out, capacity * 3 + 1) : NULL;
    if (!out)
      return "";
    d->out = out;
    d->in_capacity = capacity;
  }
  memcpy (d->in + d->n_in, bytes, n);
  d->n_in += n;
  return take (d, false, length);
}

const char *
qe_decoder_finish (QeDecoder *d, size_t *length)
{
  return take (d, true, length);
}
