/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum { QUERN_MD_NO_MARK, QUERN_MD_MARK_BEFORE, QUERN_MD_MARK_BEHIND } QuernMdMark;

QuernMdMark quern_md_flanking_find_mark (gunichar before, gunichar after);

G_END_DECLS
