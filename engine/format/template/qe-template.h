/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "format/gguf/qe-gguf.h"
#include "format/template/qe-jinja.h"

/* The chat template of a file. Read-only once made. */
typedef struct {
  QeJinja *jinja;  /* NULL: the built-in layout takes its place */
  char *bos, *eos; /* special tokens that the template may write; NULL when it does not, or when the file names none */
  uint64_t steps;  /* that a rendering may take; 0: as many as qe_jinja_render() allows */
  QeTemplateInfo info;
} QeTemplate;

/* Compiles the template and finds out what it does. A bad one is no failure: info says what is wrong with it. text: NULL
 * without a template; bos, eos: may be NULL. QE_ERROR_MEMORY. */
QeStatus qe_template_new (QeTemplate **out, const char *text, size_t length, const char *bos, const char *eos,
                          QeError *err);
/* The same with what the header of a file says. */
QeStatus qe_template_read (QeTemplate **out, const QeGguf *gguf, QeError *err);
void qe_template_free (QeTemplate *template);

/* As qe_chat_render() and qe_chat_render_json(); template: NULL for the built-in layout. */
QeStatus qe_template_render (QeChatText *out, const QeTemplate *template, const QeChatMessage *messages,
                             size_t n_messages, const QeChatOptions *options, QeError *err);
QeStatus qe_template_render_json (QeChatText *out, const QeTemplate *template, const char *json, size_t length,
                                  const QeChatOptions *options, QeError *err);

QeStatus qe_chat_render_built_in (QeChatText *out, const QeChatMessage *messages, size_t n_messages,
                                  const QeChatOptions *options, QeError *err);
/* The built-in layout for a conversation in JSON. */
QeStatus qe_chat_render_built_in_json (QeChatText *out, const QeJson *json, const QeChatOptions *options, QeError *err);
/* Whether [0, length) of the text ends in an open or closed think block that the template wrote. */
QeThinkEnd qe_chat_text_end (const QeChatText *text);
