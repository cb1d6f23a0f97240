/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "widgets/quern-context-gauge.h"
#include "quern-model.h"
#include "quern-attachment-bar.h"

G_BEGIN_DECLS

#define QUERN_TYPE_COMPOSER (quern_composer_get_type ())
G_DECLARE_FINAL_TYPE (QuernComposer, quern_composer, QUERN, COMPOSER, AdwBin)

char *quern_composer_dup_text (QuernComposer *self);
void quern_composer_set_text (QuernComposer *self, const char *text);
gboolean quern_composer_get_thinking (QuernComposer *self);
void quern_composer_set_thinking (QuernComposer *self, gboolean thinking);
void quern_composer_set_choices (QuernComposer *self, const QuernTemplateInfo *info);
const char *quern_composer_get_effort (QuernComposer *self);
void quern_composer_set_effort (QuernComposer *self, const char *effort);
void quern_composer_set_busy (QuernComposer *self, gboolean busy);
void quern_composer_set_can_send (QuernComposer *self, gboolean can_send);

QuernAttachmentBar *quern_composer_get_attachments (QuernComposer *self);
QuernContextGauge *quern_composer_get_gauge (QuernComposer *self);

G_END_DECLS
