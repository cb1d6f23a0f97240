/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-md-block.h"

G_BEGIN_DECLS

typedef struct _QuernMdStream QuernMdStream;

QuernMdStream *quern_md_stream_new (void);
void quern_md_stream_free (QuernMdStream *self);
void quern_md_stream_set_text (QuernMdStream *self, const char *text);
guint quern_md_stream_update (QuernMdStream *self, gboolean finished);
GPtrArray *quern_md_stream_get_blocks (QuernMdStream *self);
char *quern_md_stream_dup_source (QuernMdStream *self, guint first, guint last);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (QuernMdStream, quern_md_stream_free)

G_END_DECLS
