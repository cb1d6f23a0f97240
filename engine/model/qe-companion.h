/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "format/gguf/qe-gguf.h"
#include "model/qe-config.h"

/* Prediction blocks (multi-token prediction) as files have them: in the model's own file, announced and then absent, or
 * in a file of their own beside the model (“mtp-….gguf”: embedding, last norm, head and block, no trunk). */

/* Forgets a prediction block of which the file has no tensor. QE_ERROR_UNSUPPORTED when the block is all there is. */
QeStatus qe_companion_settle (QeConfig *config, const QeGguf *gguf, QeError *err);

/* The file in the folder of `path` that has the prediction block of this model, which has none itself: both name the same
 * model, and their sizes agree. NULL when there is none. On success *n_mtp is the number of its blocks; name: its name
 * within the folder, cut to size. */
QeGguf *qe_companion_open (const char *path, const QeGguf *gguf, const QeConfig *config, bool map_data, uint32_t *n_mtp,
                           char *name, size_t size);
