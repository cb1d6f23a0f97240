/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "format/template/qe-json.h"

/* Turns the text between <tool_call> and </tool_call> into {"name": …, "arguments": {…}}. Understands the family's form
 * (<function=NAME>, <parameter=KEY>) and, because models do write it, JSON of that shape. A value gets the type that the
 * tool's schema declares; without a schema it is what it looks like. `tools`: JSON of each tool, as for
 * qe_chat_render(). false when the text is no call. */
bool qe_tool_call_parse (const char *text, size_t length, const QeJson *tools, size_t n_tools, QeBuffer *out);
