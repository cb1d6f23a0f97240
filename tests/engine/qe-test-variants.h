/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Makes variants of the golden models (make-variants.py; names separated by blanks, "" for all) in a new folder, which
 * goes when the program ends. NULL and a failed check when that does not work. */
const char *qe_test_variants (const char *names);
