/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-server-kind.h"

static const QuernServerTraits traits[QUERN_N_SERVER_KINDS] = {
  [QUERN_SERVER_LLAMA] = {
    .name = "llama",
    .title = "llama.cpp",
    .owner = "llamacpp",
    .ports = { 9931, 8080 },
    .max_tokens = "max_tokens",
    .repeat_penalty = "repeat_penalty",
    .thinking_budget = "thinking_budget_tokens",
    .reasoning = "reasoning_content",
    .template_switch = TRUE,
    .effort_switch = TRUE,
    .top_k = TRUE,
    .min_p = TRUE,
    .usage = TRUE,
    .progress = TRUE,
    .ends_thinking = TRUE,
    .continues = TRUE,
    .counts = TRUE,
    .schema = TRUE,
  },
  [QUERN_SERVER_VLLM] = {
    .name = "vllm",
    .title = "vLLM",
    .owner = "vllm",
    .ports = { 8000 },
    .max_tokens = "max_completion_tokens",
    .repeat_penalty = "repetition_penalty",
    .thinking_budget = "thinking_token_budget",
    .reasoning = "reasoning",
    .template_switch = TRUE,
    .effort_switch = TRUE,
    .top_k = TRUE,
    .min_p = TRUE,
    .usage = TRUE,
    .continues = TRUE,
    .continue_fields = TRUE,
    .counts = TRUE,
    .schema = TRUE,
    .prompt_scores = TRUE,
  },
  [QUERN_SERVER_SGLANG] = {
    .name = "sglang",
    .title = "SGLang",
    .owner = "sglang",
    .ports = { 30000 },
    .max_tokens = "max_tokens",
    .repeat_penalty = "repetition_penalty",
    .reasoning = "reasoning_content",
    .template_switch = TRUE,
    .effort_switch = TRUE,
    .top_k = TRUE,
    .min_p = TRUE,
    .usage = TRUE,
    .continues = TRUE,
    .continue_fields = TRUE,
    .counts = TRUE,
    .schema = TRUE,
  },
  /* Ollama is spoken to in its own way (/api/chat): its imitation of OpenAI's cannot set the length of the context. */
  [QUERN_SERVER_OLLAMA] = {
    .name = "ollama",
    .title = "Ollama",
    .owner = "library",
    .ports = { 11434 },
    .max_tokens = "num_predict",
    .repeat_penalty = "repeat_penalty",
    .reasoning = "thinking",
    .top_k = TRUE,
    .min_p = TRUE,
    .schema = TRUE,
  },
  [QUERN_SERVER_LM_STUDIO] = {
    .name = "lm-studio",
    .title = "LM Studio",
    .owner = "organization_owner",
    .ports = { 1234 },
    .max_tokens = "max_tokens",
    .repeat_penalty = "repeat_penalty",
    .effort_switch = TRUE,
    .top_k = TRUE,
    .usage = TRUE,
    .schema = TRUE,
  },
  [QUERN_SERVER_OTHER] = {
    .name = "other",
    .title = "OpenAI-compatible server",
    .ports = { 1337, 5001 }, /* Jan, KoboldCpp */
    .max_tokens = "max_tokens",
  },
};

/**
 * quern_server_kind_get_traits:
 *
 * Returns: (transfer none): what servers of this kind understand
 */
const QuernServerTraits *
quern_server_kind_get_traits (QuernServerKind kind)
{
  g_return_val_if_fail (kind < QUERN_N_SERVER_KINDS, &traits[QUERN_SERVER_OTHER]);
  return &traits[kind];
}

/* Returns: the kind that goes by this name in the database; QUERN_SERVER_OTHER for a name of a newer version */
QuernServerKind
quern_server_kind_from_name (const char *name)
{
  for (guint kind = 0; kind < QUERN_N_SERVER_KINDS; kind++)
    if (g_strcmp0 (traits[kind].name, name) == 0)
      return kind;
  return QUERN_SERVER_OTHER;
}
