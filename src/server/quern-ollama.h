/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-dialect.h"

G_BEGIN_DECLS

/* Ollama's API. */

extern const QuernDialect quern_dialect_ollama_chat, quern_dialect_ollama_generate;

gboolean quern_ollama_read_chat (QuernServiceCall *call, JsonObject *body, QuernRefusal **refusal);
gboolean quern_ollama_read_generate (QuernServiceCall *call, JsonObject *body, QuernRefusal **refusal);
char *quern_ollama_refuse (const QuernRefusal *refusal);

/* quern-ollama-models.c: endpoints that no model answers. */
void quern_ollama_say_alive (QuernExchange *exchange);
void quern_ollama_show_version (QuernExchange *exchange);
void quern_ollama_list_models (QuernExchange *exchange);
void quern_ollama_list_loaded (QuernExchange *exchange);
void quern_ollama_refuse_work (QuernExchange *exchange);
gboolean quern_ollama_show_model (QuernServiceCore *core, JsonObject *body, JsonBuilder *reply, QuernRefusal **refusal);

G_END_DECLS
