/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Makes text fit for the pre-tokenizer: broken UTF-8 becomes U+FFFD and, with nfc, the rest Unicode's form C.
 * *out is `text` itself when nothing had to change, else new memory for free(). false when out of memory. */
bool qe_normalise (const char *text, size_t length, bool nfc, char **out, size_t *out_length);
