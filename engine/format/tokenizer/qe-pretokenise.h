/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stddef.h>

/* Splits text into the words that byte-pair merging never crosses. */
typedef enum {
  QE_SPLIT_QWEN2,  /* combining marks count as punctuation */
  QE_SPLIT_QWEN35, /* … as letters */
} QeSplit;

/* The end of the word that starts at `at` < length, in valid UTF-8. */
size_t qe_split_next (QeSplit split, const char *text, size_t length, size_t at);
