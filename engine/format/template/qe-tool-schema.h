/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "format/template/qe-json.h"

/* What the description of a tool says, as OpenAI's API takes it: {"type": "function", "function": {"name", "parameters"}},
 * or the same without wrapper. */
typedef struct {
  const QeJson *json;
  size_t name;       /* QE_JSON_NONE: there is none, and this is no tool */
  size_t parameters; /* the schema of the arguments; QE_JSON_NONE without one */
  bool strict;       /* a call must follow it in all that it says */
} QeToolSchema;

void qe_tool_schema_find (QeToolSchema *out, const QeJson *json, size_t tool);
/* The members that the schema of the arguments declares: an object, or QE_JSON_NONE. */
size_t qe_tool_schema_properties (const QeToolSchema *tool);
/* The kinds of JSON that the schema of a parameter allows, as bits 1 << QeJsonKind; 0 if that is not plain to see. */
unsigned qe_tool_schema_kinds (const QeToolSchema *tool, size_t schema);
