/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "qe.h"
#include "format/template/qe-json.h"

/* The Jinja of chat templates, as transformers sets it up: a sandbox in which nothing can be changed, trim_blocks and
 * lstrip_blocks, break and continue, {% generation %}, tojson as json.dumps with ensure_ascii=False, raise_exception,
 * strftime_now. What is not there: include, import, extends, block, autoescape, and filters that read the clock or draw
 * lots.
 *
 * A template is hostile: its length, the depth of its nesting, the steps and the memory of a run are bounded. Every byte
 * of a string knows whether the template or somebody else wrote it; QeChatText.plain tells. */

typedef struct QeJinja QeJinja; /* a compiled template; read-only, hence for any number of threads */
typedef struct QjRun QjRun;     /* one rendering */
typedef struct QjValue QjValue;

/* QE_ERROR_FORMAT with the line when it is no template; QE_ERROR_MEMORY. */
QeStatus qe_jinja_compile (QeJinja **out, const char *text, size_t length, QeError *err);
void qe_jinja_free (QeJinja *jinja);

/* Sets the variables of a rendering with the functions below. Called once, before the template begins. */
typedef void (*QeJinjaFill) (QjRun *run, void *data);

/* Whether the template has a variable of that name anywhere. */
bool qe_jinja_reads (const QeJinja *jinja, const char *name);

/* steps: how much work it may take, 0: some 100 ms, and more for long conversations. now: what strftime_now() takes for
 * the time, in seconds since 1970; 0: that of the computer. QE_ERROR_ARGUMENT with one sentence when the template fails,
 * or when it refuses the conversation (raise_exception: its own words). */
QeStatus qe_jinja_render (const QeJinja *jinja, QeJinjaFill fill, void *data, uint64_t steps, int64_t now,
                          QeChatText *out, QeError *err);

/* ---- variables: only inside QeJinjaFill; memory is the run's, texts must outlive it ------------------------------- */

/* False: the template never reads a variable of that name, so that its value need not be made. */
bool qe_jinja_wants (const QjRun *run, const char *name);
void qe_jinja_set (QjRun *run, const char *name, const QjValue *value);
void qe_jinja_set_members (QjRun *run, QjValue dict); /* each under its own name */

struct QjValue {
  int kind; /* QjKind */
  union {
    bool boolean;
    int64_t integer;
    double number;
    const char *name; /* of what is undefined; may be NULL */
    const struct QjString *string;
    struct QjList *list;
    struct QjRange *range;
    struct QjDict *dict;
    struct QjLoop *loop;
    struct QjMacro *macro;
    const struct QjFunction *function;
    struct QjMethod *method;
  };
};

QjValue qe_jinja_none (void);
QjValue qe_jinja_boolean (bool value);
/* plain: somebody's words, not the template's. Invalid UTF-8 becomes U+FFFD. */
QjValue qe_jinja_text (QjRun *run, const char *text, size_t length, bool plain);
QjValue qe_jinja_list (QjRun *run, size_t n); /* of n items, undefined so far */
void qe_jinja_list_set (QjValue list, size_t i, QjValue value);
QjValue qe_jinja_join (QjRun *run, QjValue list);                                  /* a list of texts, as one */
QjValue qe_jinja_dict (QjRun *run, size_t n);                                      /* empty, with room for n items */
void qe_jinja_dict_set (QjRun *run, QjValue dict, const char *key, QjValue value); /* the key is plain */
QjValue qe_jinja_json (QjRun *run, const QeJson *json,
                       size_t i); /* all of its text is plain; json must outlive the run */
/* The same from text. false: it is not JSON. */
bool qe_jinja_parse (QjRun *run, const char *text, size_t length, QjValue *out);
bool qe_jinja_is_dict (QjValue value);
/* Ends the rendering with QE_ERROR_ARGUMENT and a sentence. */
_Noreturn void qe_jinja_refuse (QjRun *run, const char *sentence);
