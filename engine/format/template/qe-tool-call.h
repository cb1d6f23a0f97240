/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "format/template/qe-tool-schema.h"

/* Reads the text between <tool_call> and </tool_call> while it is written. Understands the family's form
 * (<function=NAME>, <parameter=KEY>) and, because models do write it, JSON {"name": …, "arguments": {…}}.
 *
 * A call is given out as soon as it is certain that it is one: its name with QE_OUT_CALL, the JSON of its arguments piece
 * by piece with QE_OUT_ARGUMENTS, and QE_OUT_CALL_END. Strings grow with the text; other values come whole, and so do
 * all arguments of a call that is written as JSON. A value gets the type that the tool's schema declares; without a schema
 * it is what it looks like. */
typedef struct {
  QeOutputFunc func;
  void *data;
  const QeJson *tools; /* [n_tools]: as for qe_output_parser_set_tools(); borrowed */
  size_t n_tools;
  QeBuffer body;     /* the text so far */
  size_t at;         /* bytes of it that were given out or understood */
  size_t scanned;    /* no value ends before this byte */
  int state;         /* ToolCallState */
  bool begun;        /* a call was given out */
  bool is_first;     /* the next parameter is the first one */
  QeToolSchema tool; /* that is called */
  unsigned kinds;    /* of the current value: bits 1 << QeJsonKind; 0 if nothing is declared */
} QeToolCallReader;

/* Begins a block. func, data and tools stay. */
void qe_tool_call_begin (QeToolCallReader *reader);
void qe_tool_call_push (QeToolCallReader *reader, const char *text, size_t length);
/* The block has ended: by its tag, or with the whole text, which leaves a call that has begun without its end. Returns the
 * first byte of the body that belongs to no call, which is body.size if there is none and 0 if there was no call. */
size_t qe_tool_call_end (QeToolCallReader *reader, bool closed);
void qe_tool_call_clear (QeToolCallReader *reader);
