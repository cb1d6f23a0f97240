/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reasoning, answer and tool calls told apart while tokens arrive.
 *
 *   REASONING --</think>--> ANSWER --<tool_call>--> CALL --</tool_call>--> ANSWER
 *       \________________<tool_call> (an implicit end of thinking)____^
 *
 * The tags are single tokens, so text that merely quotes them changes nothing. Line ends around the blocks belong to the
 * layout: they are held back until it is known whether more text follows. A call is given out while it is written
 * (qe-tool-call.h). What turns out not to be one is given out as the text it is; nothing that a model wrote is lost. */
#include "qe-error.h"
#include "format/template/qe-tool-call.h"
#include "format/tokenizer/qe-tokenizer.h"

#include <stdlib.h>
#include <string.h>

struct QeOutputParser {
  QeDecoder *decoder;
  int32_t think, think_end, call, call_end; /* ids; -1 when the vocabulary lacks them */
  QeOutputKind state;
  QeOutputKind before_call; /* where a block that is no call belongs */
  bool started;             /* the current reasoning or answer has text already */
  size_t held;              /* line ends held back */
  QeToolCallReader reader;
  QeJson *tools;
  size_t n_tools;
  QeOutputFunc func;
  void *data;
};

QeOutputParser *
qe_output_parser_new_for (const QeTokenizer *tokenizer, bool thinking, QeOutputFunc func, void *data)
{
  QeOutputParser *p = calloc (1, sizeof *p);
  if (!p || !(p->decoder = qe_decoder_new_for (tokenizer))) {
    free (p);
    return NULL;
  }
  p->think = qe_tokenizer_find (tokenizer, "<think>");
  p->think_end = qe_tokenizer_find (tokenizer, "</think>");
  p->call = qe_tokenizer_find (tokenizer, "<tool_call>");
  p->call_end = qe_tokenizer_find (tokenizer, "</tool_call>");
  p->state = thinking ? QE_OUT_REASONING : QE_OUT_ANSWER;
  p->reader.func = p->func = func;
  p->reader.data = p->data = data;
  return p;
}

static void
clear_tools (QeOutputParser *p)
{
  for (size_t i = 0; i < p->n_tools; i++)
    qe_json_clear (&p->tools[i]);
  free (p->tools);
  p->tools = NULL;
  p->n_tools = p->reader.n_tools = 0;
}

QeStatus
qe_output_parser_set_tools (QeOutputParser *p, const char *const *tools, size_t n_tools, QeError *err)
{
  clear_tools (p);
  p->tools = calloc (n_tools + 1, sizeof *p->tools);
  if (!p->tools)
    return qe_fail (err, QE_ERROR_MEMORY, "There is not enough memory for the tools.");
  for (size_t i = 0; i < n_tools; i++) {
    QeStatus status = qe_json_parse (&p->tools[i], tools[i], strlen (tools[i]), err);
    if (status != QE_OK) {
      clear_tools (p);
      return status;
    }
    p->n_tools++;
  }
  p->reader.tools = p->tools;
  p->reader.n_tools = p->n_tools;
  return QE_OK;
}

void
qe_output_parser_free (QeOutputParser *p)
{
  if (!p)
    return;
  clear_tools (p);
  qe_decoder_free (p->decoder);
  qe_tool_call_clear (&p->reader);
  free (p);
}

bool
qe_output_parser_in_reasoning (const QeOutputParser *p)
{
  return p->state == QE_OUT_REASONING;
}

/* ---- text ------------------------------------------------------------------------------------------------------ */

/* Gives out reasoning or answer, without the line ends before its first and after its last character. */
static void
qe_output_parser_emit (QeOutputParser *p, const char *text, size_t length)
{
  size_t start = 0, end = length;
  while (!p->started && start < end && text[start] == '\n')
    start++;
  while (end > start && text[end - 1] == '\n')
    end--;
  if (end > start) {
    p->started = true;
    for (; p->held > 0; p->held--)
      p->func (p->data, p->state, "\n", 1);
    p->func (p->data, p->state, text + start, end - start);
  }
  if (p->started)
    p->held += length - end;
}

static void
add_text (QeOutputParser *p, const char *text, size_t length)
{
  if (p->state == QE_OUT_CALL)
    qe_tool_call_push (&p->reader, text, length);
  else if (length > 0)
    qe_output_parser_emit (p, text, length);
}

/* Text is held back by the decoder while a character is not whole; a tag ends it. */
static void
flush_decoder (QeOutputParser *p)
{
  size_t length;
  const char *text = qe_decoder_finish (p->decoder, &length);
  add_text (p, text, length);
}

static void
qe_output_parser_enter (QeOutputParser *p, QeOutputKind state)
{
  p->state = state;
  p->started = false;
  p->held = 0;
}

/* ---- blocks ---------------------------------------------------------------------------------------------------- */

/* The block has ended, by its tag or with everything. What belongs to no call goes out as text. */
static void
end_block (QeOutputParser *p, bool closed)
{
  const size_t rest = qe_tool_call_end (&p->reader, closed);
  const QeBuffer *body = &p->reader.body;
  if (p->reader.begun) {
    qe_output_parser_enter (p, QE_OUT_ANSWER);
  } else {
    p->state = p->before_call;
    qe_output_parser_emit (p, "<tool_call>", strlen ("<tool_call>"));
  }
  if (body->size > rest)
    qe_output_parser_emit (p, body->data + rest, body->size - rest);
  if (closed && !p->reader.begun)
    qe_output_parser_emit (p, "</tool_call>", strlen ("</tool_call>"));
}

/* Tags that change the state; false for every other token. */
static bool
handle_tag (QeOutputParser *p, int32_t token)
{
  bool in_call = p->state == QE_OUT_CALL;
  if (token < 0)
    return false;
  if (token == p->call && !in_call) {
    flush_decoder (p);
    p->before_call = p->state;
    p->state = QE_OUT_CALL; /* held line ends stay, in case that this is no call */
    qe_tool_call_begin (&p->reader);
  } else if (token == p->call_end && in_call) {
    flush_decoder (p);
    end_block (p, true);
  } else if (token == p->think_end && (p->state == QE_OUT_REASONING || (p->state == QE_OUT_ANSWER && !p->started))) {
    flush_decoder (p);
    qe_output_parser_enter (p, QE_OUT_ANSWER);
  } else if (token == p->think && p->state == QE_OUT_ANSWER && !p->started) {
    flush_decoder (p);
    qe_output_parser_enter (p, QE_OUT_REASONING);
  } else {
    return false;
  }
  return true;
}

void
qe_output_parser_push (QeOutputParser *p, int32_t token)
{
  size_t length;
  if (handle_tag (p, token))
    return;
  const char *text = qe_decoder_push (p->decoder, token, &length);
  add_text (p, text, length);
}

void
qe_output_parser_finish (QeOutputParser *p)
{
  flush_decoder (p);
  if (p->state == QE_OUT_CALL)
    end_block (p, false);
}
