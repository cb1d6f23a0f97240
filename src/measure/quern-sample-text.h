/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

const char *quern_sample_text (void);
