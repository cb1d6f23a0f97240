/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* How far ahead weights are asked for with one token, into the second-level cache: the first is too small for what is under way
 * then. Measured; whole pages are worse, whether memory is fast or slow (engine/README.md). */
#define QE_AHEAD_BYTES 6656
