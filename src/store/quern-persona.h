/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-store.h"

G_BEGIN_DECLS

/* A system prompt with a name. */
#define QUERN_TYPE_PERSONA (quern_persona_get_type ())
G_DECLARE_FINAL_TYPE (QuernPersona, quern_persona, QUERN, PERSONA, GObject)

const char *quern_persona_get_name (QuernPersona *self);
const char *quern_persona_get_prompt (QuernPersona *self);

GListModel *quern_store_get_personas (QuernStore *self);
void quern_store_add_persona (QuernStore *self, const char *name, const char *prompt);
void quern_store_change_persona (QuernStore *self, QuernPersona *persona, const char *name, const char *prompt);
void quern_store_delete_persona (QuernStore *self, QuernPersona *persona);

G_END_DECLS
