/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* What the programs that are compiled against llama.cpp share. */

#include <stdio.h>

#include <ggml.h>

static inline void
quiet (enum ggml_log_level level, const char *text, void *data)
{
  if (level == GGML_LOG_LEVEL_ERROR)
    fputs (text, stderr);
}
