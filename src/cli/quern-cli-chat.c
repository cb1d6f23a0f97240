/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <errno.h>
#include <glib-unix.h>
#include <glib/gi18n.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "quern-chat-session.h"
#include "quern-cli-talk.h"
#include "quern-cli.h"
#include "quern-effort.h"
#include "quern-printable.h"
#include "quern-excerpt.h"
#include "quern-sampling.h"
#include "quern-template.h"

/* Room for an answer when the command line does not say how long it may be. */
#define ANSWER_TOKENS 4096

typedef struct {
  char *model, *system, *sampling, *temperature_text, *effort, *messages, *schema;
  char **images, **files;
  char *pages;
  gboolean think, no_think, json, dry_run, keep;
  gint64 seed;
  double temperature;
  int max_tokens, budget, n_ctx, n_threads;
} Options;

typedef struct {
  Options options;
  char *prompt, *schema;
  GPtrArray *documents; /* of QuernAttachment */
  gboolean thinking;
  QuernBackend *backend;
  QuernModel *model;
  QuernLoadedModel *loaded;
  QuernGeneration *generation;
  GString *answer, *reasoning;
  QuernPrintableStream streams[2]; /* of the answer and the reasoning, on a terminal */
  double load_seconds;
  gboolean done, terminal;
  int write_error; /* errno of the answer's; 0 while all is well */
} Chat;

/* ---- input ----------------------------------------------------------------------------------------------------- */

/* Arguments are bytes: what is not UTF-8 is replaced, and that is said. */
static char *
clean_text (char *text)
{
  char *valid;

  if (g_utf8_validate (text, -1, NULL))
    return text;
  fprintf (stderr, "quern-cli: %s\n", _("The text is not valid UTF-8; invalid characters were replaced by “\uFFFD”."));
  valid = g_utf8_make_valid (text, -1);
  g_free (text);
  return valid;
}

/* Whether somebody gave standard input for this: /dev/null and terminals are there without being asked for. */
static gboolean
is_fed (void)
{
  struct stat info;

  return fstat (STDIN_FILENO, &info) == 0
         && (S_ISFIFO (info.st_mode) || S_ISREG (info.st_mode) || S_ISSOCK (info.st_mode));
}

/* All of standard input, as text. */
static int
read_input (char **out)
{
  g_autoptr (GString) text = g_string_new (NULL);
  char buffer[4096];
  size_t n;

  while ((n = fread (buffer, 1, sizeof buffer, stdin)) > 0)
    g_string_append_len (text, buffer, (gssize) n);
  if (ferror (stdin))
    return quern_cli_fail (g_error_new (G_IO_ERROR, g_io_error_from_errno (errno),
                                        _("Standard input could not be read: %s"), g_strerror (errno)));
  if (strlen (text->str) < text->len)
    return quern_cli_wrong_usage (_("Standard input has a NUL byte in it, so it is not text."));
  *out = clean_text (g_strdup (text->str));
  return QUERN_CLI_OK;
}

/* The arguments, joined by spaces, and below them what is on standard input. */
static int
read_prompt (int argc, char **argv, char **out)
{
  g_autofree char *asked = argc > 1 ? clean_text (g_strjoinv (" ", argv + 1)) : NULL, *input = NULL;
  int code = !isatty (STDIN_FILENO) && (!asked || is_fed ()) ? read_input (&input) : QUERN_CLI_OK;

  if (code != QUERN_CLI_OK)
    return code;
  if (asked && input && *input)
    *out = g_strconcat (asked, "\n\n", input, NULL);
  else
    *out = asked ? g_steal_pointer (&asked) : g_steal_pointer (&input);
  if (!*out || !**out)
    return quern_cli_wrong_usage (_("Specify a prompt as an argument or on standard input."));
  return QUERN_CLI_OK;
}

static QuernRequest *
build_request (Chat *chat, GError **error)
{
  g_autoptr (QuernRequest) request = quern_request_new ();
  const Options *o = &chat->options;
  g_autofree char *text = quern_cli_quote_documents (chat->documents, chat->prompt);
  QuernSampling sampling;

  if (o->system)
    quern_request_add_message (request, QUERN_ROLE_SYSTEM, o->system, NULL);
  quern_request_add_message (request, QUERN_ROLE_USER, text, NULL);
  for (char **path = o->images; path && *path; path++) {
    g_autoptr (QuernPicture) picture = quern_cli_load_picture (*path, error);
    if (!picture)
      return NULL;
    quern_request_add_picture (request, quern_picture_dup_pixels (picture));
  }
  if (quern_request_has_pictures (request)
      && !(quern_backend_get_capabilities (chat->backend, chat->model) & QUERN_CAN_SEE)
      && !quern_inference_refuse_pictures (chat->model, error))
    return NULL;
  quern_request_set_thinking (request, chat->thinking);
  quern_request_set_effort (request, quern_effort_for_model (chat->model, o->effort));
  quern_request_set_schema (request, chat->schema);
  quern_sampling_init (&sampling, chat->model, chat->thinking, quern_request_has_pictures (request), o->sampling);
  if (o->temperature >= 0) {
    sampling.sampler.temperature = (float) o->temperature;
    sampling.chosen |= QUERN_CHOSE_TEMPERATURE;
  }
  if (o->seed >= 0) {
    sampling.sampler.seed = (uint64_t) o->seed;
    sampling.chosen |= QUERN_CHOSE_SEED;
  }
  if (o->max_tokens > 0)
    sampling.max_tokens = (guint) o->max_tokens;
  if (o->budget > 0)
    sampling.thinking_budget = (guint) o->budget;
  quern_sampling_apply (&sampling, request);
  return g_steal_pointer (&request);
}

/* ---- loading --------------------------------------------------------------------------------------------------- */

/* Where the pages of a document are to be picked, and not all of it fits, makes the request of those that do. */
static gboolean
pick_pages (Chat *chat, QuernRequest **request, GError **error)
{
  const Options *o = &chat->options;
  gsize size = quern_model_choose_context (chat->model, (guint) o->n_ctx), room;
  g_autoptr (GAsyncResult) result = NULL;
  gssize tokens;

  if (o->n_ctx == 0)
    size = MAX (size, quern_model_get_info (chat->model)->n_ctx_train);
  if (g_strcmp0 (o->pages, QUERN_CLI_PICK_PAGES) != 0 || size == 0)
    return TRUE;
  room = o->max_tokens > 0 ? (gsize) o->max_tokens + 1 : MIN (size / 4, ANSWER_TOKENS);
  quern_backend_count_async (chat->backend, chat->model, *request, NULL, quern_keep_result_cb, &result);
  tokens = quern_backend_count_finish (chat->backend, quern_cli_wait (&result), NULL, error);
  if (tokens < 0 || (gsize) tokens + room <= size)
    return tokens >= 0;
  if (!quern_cli_pick_pages (chat->documents, chat->prompt, (gsize) tokens, size - MIN (size, room), error))
    return FALSE;
  g_clear_pointer (request, quern_request_unref);
  *request = build_request (chat, error);
  return *request != NULL;
}

/* A context that holds the prompt and an answer, unless the user chose one. */
static gboolean
choose_context (Chat *chat, QuernRequest *request, QuernLoadParams *params, GError **error)
{
  const Options *o = &chat->options;
  guint trained = quern_model_get_info (chat->model)->n_ctx_train;
  guint room = chat->options.max_tokens > 0 ? (guint) chat->options.max_tokens : ANSWER_TOKENS;
  guint limit = chat->options.n_ctx > 0 ? (guint) chat->options.n_ctx : trained;
  g_autoptr (GAsyncResult) result = NULL;
  gboolean estimated;
  gssize tokens;

  *params = (QuernLoadParams) { .n_threads = (guint) chat->options.n_threads };
  quern_backend_count_async (chat->backend, chat->model, request, NULL, quern_keep_result_cb, &result);
  tokens = quern_backend_count_finish (chat->backend, quern_cli_wait (&result), &estimated, error);
  if (tokens < 0)
    return FALSE;
  params->context_size = chat->options.n_ctx > 0 ? limit : (guint) MIN ((gsize) tokens + room + 1, trained);
  if (quern_model_is_remote (chat->model)) { /* the server has a context, or makes one as long as it is told to */
    limit = quern_model_choose_context (chat->model, (guint) o->n_ctx);
    if (o->n_ctx == 0)
      limit = MAX (limit, quern_model_choose_context (chat->model, (guint) MIN ((gsize) tokens + room + 1, G_MAXINT)));
    params->context_size = limit;
  }
  if ((gsize) tokens < limit || limit == 0)
    return TRUE;
  g_set_error (
      error, QUERN_CHAT_ERROR, QUERN_CHAT_ERROR_TOO_LONG,
      estimated ? _("The prompt has about %zd tokens, but the context holds %u. Shorten the prompt or increase "
                    "the context length with --ctx.")
                : _("The prompt has %zd tokens, but the context holds %u. Shorten the prompt or increase the context "
                    "length with --ctx."),
      tokens, limit);
  return FALSE;
}

/* ---- answer ---------------------------------------------------------------------------------------------------- */

/* An answer goes into a pipe or a file as it is; nothing that a terminal would obey goes to one. */
static void
chat_text_cb (Chat *chat, gboolean reasoning, const char *text)
{
  g_autoptr (GString) printable = g_string_new (NULL);

  g_string_append (reasoning ? chat->reasoning : chat->answer, text);
  if (chat->options.json)
    return;
  if (!reasoning && chat->reasoning->len > 0 && chat->answer->len == strlen (text))
    fputc ('\n', stderr); /* the first of the answer */
  quern_printable_push (&chat->streams[reasoning], text, strlen (text), printable);
  fputs (reasoning || chat->terminal ? printable->str : text, reasoning ? stderr : stdout);
  if (fflush (reasoning ? stderr : stdout) == 0 || reasoning || chat->write_error)
    return;
  chat->write_error = errno;
  quern_generation_stop (chat->generation); /* nobody reads it */
}

/* What is on standard output already cannot be taken back. */
static void
chat_moved_cb (Chat *chat, gboolean to_reasoning)
{
  GString *from = to_reasoning ? chat->answer : chat->reasoning, *to = to_reasoning ? chat->reasoning : chat->answer;

  g_string_append_len (to, from->str, (gssize) from->len);
  g_string_truncate (from, 0);
  if (chat->options.json)
    return;
  if (to_reasoning)
    quern_cli_line (stderr, "\n%s", _("(The text above was reasoning, not the answer.)"));
  else
    fputs (chat->answer->str, stdout); /* else it would have no answer */
}

static void
chat_done_cb (Chat *chat)
{
  chat->done = TRUE;
}

static gboolean
chat_interrupt_cb (gpointer data)
{
  quern_generation_stop (((Chat *) data)->generation);
  return G_SOURCE_CONTINUE;
}

static void
add_number (JsonBuilder *builder, const char *name, double value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_double_value (builder, value);
}

static void
add_count (JsonBuilder *builder, const char *name, guint64 value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_int_value (builder, (gint64) value);
}

static void
chat_print_json (Chat *chat, const QuernStatistics *s)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "answer");
  json_builder_add_string_value (builder, chat->answer->str);
  json_builder_set_member_name (builder, "reasoning");
  json_builder_add_string_value (builder, chat->reasoning->str);
  quern_cli_add_string (builder, "server", quern_model_get_place (chat->model));
  quern_cli_add_string (builder, "note", quern_generation_get_note (chat->generation));
  add_count (builder, "prompt_tokens", s->prompt_tokens);
  add_count (builder, "prompt_tokens_reused", s->reused_tokens);
  add_count (builder, "answer_tokens", s->answer_tokens);
  add_count (builder, "reasoning_tokens", s->reasoning_tokens);
  json_builder_set_member_name (builder, "stop");
  json_builder_add_string_value (builder, quern_stop_to_string (quern_generation_get_stop (chat->generation)));
  add_count (builder, "seed", s->seed);
  add_number (builder, "prefill_tokens_per_second", quern_statistics_prefill_rate (s));
  add_number (builder, "decode_tokens_per_second", quern_statistics_decode_rate (s));
  add_number (builder, "first_token_seconds", s->first_token_seconds);
  add_number (builder, "load_seconds", chat->load_seconds);
  add_count (builder, "peak_rss_bytes", quern_cli_peak_rss ());
  add_count (builder, "threads", quern_loaded_model_get_threads (chat->loaded));
  json_builder_end_object (builder);
  quern_cli_print_json (builder);
}

static void
chat_print_statistics (Chat *chat, const QuernStatistics *s)
{
  putchar ('\n');
  fflush (stdout);
  fprintf (stderr, _("[%u prompt tokens, %.1f/s; %u generated, %.1f/s; first after %.2f s; loaded in %.2f s]\n"),
           s->prompt_tokens, quern_statistics_prefill_rate (s), s->answer_tokens, quern_statistics_decode_rate (s),
           s->first_token_seconds, chat->load_seconds);
}

/* ---- the prompt alone ------------------------------------------------------------------------------------------ */

/* Prints what --messages names, or the prompt, rendered as for a request. */
static int
chat_dry_run (Chat *chat)
{
  const Options *o = &chat->options;
  g_autofree char *prompt = NULL;
  g_autoptr (GArray) tokens = NULL;
  GError *error = NULL;

  if (o->messages) {
    QuernThinking thinking = o->think ? QUERN_THINKING_ON : o->no_think ? QUERN_THINKING_OFF : QUERN_THINKING_DEFAULT;
    g_autofree char *json = NULL;
    gsize length;
    if (!g_file_get_contents (o->messages, &json, &length, &error))
      return quern_cli_fail (error);
    if (!quern_template_render_json (chat->model, json, length, thinking,
                                     quern_effort_for_model (chat->model, o->effort), &prompt, &tokens, &error)) {
      g_prefix_error (&error, "%s: ", o->messages);
      return quern_cli_fail (error);
    }
  } else {
    g_autoptr (QuernRequest) request = build_request (chat, &error);
    if (!request || !pick_pages (chat, &request, &error)
        || !quern_template_render (chat->model, request, &prompt, &tokens, &error))
      return quern_cli_fail (error);
  }
  if (o->json) {
    g_autoptr (JsonBuilder) builder = json_builder_new ();

    json_builder_begin_object (builder);
    json_builder_set_member_name (builder, "prompt");
    json_builder_add_string_value (builder, prompt);
    json_builder_set_member_name (builder, "tokens");
    json_builder_begin_array (builder);
    for (guint i = 0; i < tokens->len; i++)
      json_builder_add_int_value (builder, g_array_index (tokens, gint32, i));
    json_builder_end_array (builder);
    json_builder_end_object (builder);
    quern_cli_print_json (builder);
  } else if (chat->terminal)
    quern_cli_text (stdout, prompt);
  else
    fputs (prompt, stdout);
  return QUERN_CLI_OK;
}

/* ---- keeping --------------------------------------------------------------------------------------------------- */

/* A conversation with the settings of the command line. */
static QuernConversation *
new_conversation (Chat *chat)
{
  const struct {
    const char *name;
    double value;
  } values[] = {
    { "temperature", chat->options.temperature }, /* negative: not given */
    { "seed", chat->options.seed == QUERN_CLI_NO_SEED ? -1 : (double) chat->options.seed },
    { "max_tokens", chat->options.max_tokens > 0 ? chat->options.max_tokens : -1 },
    { "thinking_budget", chat->options.budget > 0 ? chat->options.budget : -1 },
    { "threads", chat->options.n_threads > 0 ? chat->options.n_threads : -1 },
  };
  QuernConversation *conversation = quern_conversation_new ();
  g_autofree char *sampling = g_strdup (chat->options.sampling);

  for (gsize i = 0; i < G_N_ELEMENTS (values); i++) {
    char *more = values[i].value >= 0 ? quern_sampling_set (sampling, values[i].name, values[i].value) : NULL;
    if (more) {
      g_free (sampling);
      sampling = more;
    }
  }
  quern_conversation_set_sampling (conversation, sampling);
  quern_conversation_set_model_id (conversation, quern_model_get_id (chat->model));
  quern_conversation_set_system_prompt (conversation, chat->options.system);
  quern_conversation_set_context_size (conversation, (guint) chat->options.n_ctx);
  quern_conversation_set_effort (conversation, chat->options.effort);
  if (chat->options.think || chat->options.no_think)
    quern_conversation_set_thinking (conversation, chat->options.think ? QUERN_THINKING_ON : QUERN_THINKING_OFF);
  return conversation;
}

/* Keeps the prompt and its answer. */
static int
chat_keep (Chat *chat, QuernStore *store)
{
  static const QuernMessageState states[] = { [QUERN_STOP_LENGTH] = QUERN_MESSAGE_LENGTH,
                                              [QUERN_STOP_CONTEXT] = QUERN_MESSAGE_LENGTH,
                                              [QUERN_STOP_USER] = QUERN_MESSAGE_STOPPED };
  QuernStop stop = quern_generation_get_stop (chat->generation);
  g_autoptr (QuernConversation) conversation = new_conversation (chat);
  g_autoptr (QuernMessage) question = quern_message_new (QUERN_ROLE_USER, chat->prompt);
  g_autoptr (QuernMessage) answer = quern_message_new (QUERN_ROLE_ASSISTANT, "");
  GError *error = NULL;

  for (char **path = chat->options.images; path && *path; path++) {
    g_autoptr (QuernAttachment) attachment = quern_cli_attach_picture (*path, &error);
    if (!attachment)
      return quern_cli_fail (error);
    quern_message_add_attachment (question, attachment);
  }
  for (guint i = 0; i < chat->documents->len; i++)
    quern_message_add_attachment (question, chat->documents->pdata[i]);
  quern_message_set_text (answer, chat->answer->str, chat->reasoning->str);
  quern_message_set_model (answer, quern_model_get_id (chat->model), quern_model_get_title (chat->model));
  quern_message_set_thinking (answer, chat->thinking);
  quern_message_set_effort (answer, quern_effort_for_model (chat->model, chat->options.effort));
  quern_message_set_statistics (answer, quern_generation_get_statistics (chat->generation));
  quern_message_set_state (answer, stop < G_N_ELEMENTS (states) && states[stop] ? states[stop] : QUERN_MESSAGE_COMPLETE,
                           NULL);
  quern_cli_keep (store, conversation, question, answer);
  return QUERN_CLI_OK;
}

/* Without a prompt: a conversation in the terminal. */
static int
chat_talk (Chat *chat, QuernLibrary *library, QuernStore *store)
{
  g_autoptr (QuernConversation) conversation = new_conversation (chat);
  g_autoptr (QuernStore) passing = chat->options.keep ? NULL : quern_store_open_in_memory ();
  QuernCliTalk talk = { passing ? passing : store, library,        chat->backend, chat->model, conversation,
                        chat->options.images,      chat->documents };
  int code = quern_cli_talk (&talk);

  if (passing)
    quern_store_close (passing);
  return code;
}

/* ---- command --------------------------------------------------------------------------------------------------- */

/* Says on stderr what the model's template makes of the wishes on the command line. */
static int
check_wishes (Chat *chat)
{
  const Options *o = &chat->options;
  const QuernTemplateInfo *info = &quern_model_get_info (chat->model)->chat;

  if (info->present && !info->usable)
    quern_cli_line (stderr,
                    _("The chat template of “%s” cannot be used, so the layout of Qwen 3.5 is used instead. %s"),
                    quern_model_get_title (chat->model), info->problem);
  if ((o->think || o->no_think) && !info->thinking_switchable)
    quern_cli_line (stderr, _("The chat template of “%s” has no switch for thinking, so %s changes nothing."),
                    quern_model_get_title (chat->model), o->think ? "--think" : "--no-think");
  if (o->effort && g_strcmp0 (quern_effort_for_model (chat->model, o->effort), o->effort) != 0) {
    g_autoptr (GStrvBuilder) levels = g_strv_builder_new ();
    for (guint i = 0; i < info->n_efforts; i++)
      g_strv_builder_add (levels, info->efforts[i]);
    g_auto (GStrv) list = g_strv_builder_end (levels);
    g_autofree char *known = g_strjoinv (", ", list);
    if (info->n_efforts == 0)
      return quern_cli_wrong_usage (_("--effort: the chat template of “%s” knows no levels of effort."),
                                    quern_model_get_title (chat->model));
    return quern_cli_wrong_usage (_("--effort: the levels of “%s” are %s."), quern_model_get_title (chat->model),
                                  known);
  }
  return QUERN_CLI_OK;
}

static int
chat_run_with (Chat *chat, QuernLibrary *library, QuernStore *store)
{
  guint interrupt;
  gint64 began;
  int code;
  g_autoptr (QuernRequest) request = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  QuernLoadParams params;
  GError *error = NULL;

  if (chat->options.schema) {
    if (!g_file_get_contents (chat->options.schema, &chat->schema, NULL, &error))
      return quern_cli_fail (error);
    if (!quern_request_check_schema (chat->schema, &error)) {
      code = quern_cli_wrong_usage ("--schema: %s", error->message);
      g_error_free (error);
      return code;
    }
  }
  chat->model = quern_cli_find_model (library, chat->options.model, &error);
  if (!chat->model)
    return quern_cli_fail (error);
  code = check_wishes (chat);
  if (code != QUERN_CLI_OK)
    return code;
  if (chat->options.dry_run && quern_model_is_remote (chat->model))
    return quern_cli_wrong_usage (_("--dry-run: “%s” makes the prompt itself, so only the prompts of models on this "
                                    "computer can be printed."),
                                  quern_model_get_place (chat->model));
  chat->thinking = quern_model_get_info (chat->model)->thinking_default;
  if (quern_model_get_info (chat->model)->chat.thinking_switchable)
    chat->thinking = chat->options.think || (chat->thinking && !chat->options.no_think);
  chat->documents = quern_cli_load_documents (chat->options.files, chat->options.pages, &error);
  if (!chat->documents)
    return quern_cli_fail (error);
  if (chat->options.dry_run)
    return chat_dry_run (chat);
  if (!chat->prompt)
    return chat_talk (chat, library, store);
  request = build_request (chat, &error);
  if (!request || !pick_pages (chat, &request, &error) || !choose_context (chat, request, &params, &error))
    return quern_cli_fail (error);
  quern_cli_tell_documents (chat->documents);
  quern_cli_tell_place (chat->model);
  began = g_get_monotonic_time ();
  quern_backend_load_async (chat->backend, chat->model, &params, NULL, NULL, NULL, quern_keep_result_cb, &result);
  chat->loaded = quern_backend_load_finish (chat->backend, quern_cli_wait (&result), &error);
  chat->load_seconds = (double) (g_get_monotonic_time () - began) / G_USEC_PER_SEC;
  if (!chat->loaded)
    return quern_cli_fail (error);
  chat->generation = quern_loaded_model_generate (chat->loaded, request);
  g_signal_connect_swapped (chat->generation, "text", G_CALLBACK (chat_text_cb), chat);
  g_signal_connect_swapped (chat->generation, "moved", G_CALLBACK (chat_moved_cb), chat);
  g_signal_connect_swapped (chat->generation, "done", G_CALLBACK (chat_done_cb), chat);
  interrupt = g_unix_signal_add (SIGINT, chat_interrupt_cb, chat);
  while (!chat->done)
    g_main_context_iteration (NULL, TRUE);
  g_source_remove (interrupt);
  if (quern_generation_get_error (chat->generation))
    return quern_cli_fail (g_error_copy (quern_generation_get_error (chat->generation)));
  if (chat->write_error)
    return quern_cli_fail_to_write (chat->write_error);
  if (chat->options.keep) {
    code = chat_keep (chat, store);
    if (code != QUERN_CLI_OK)
      return code;
  }
  if (quern_generation_get_note (chat->generation) && !chat->options.json)
    quern_cli_line (stderr, "\n%s", quern_generation_get_note (chat->generation));
  (chat->options.json ? chat_print_json : chat_print_statistics) (chat,
                                                                  quern_generation_get_statistics (chat->generation));
  if (quern_generation_get_stop (chat->generation) != QUERN_STOP_USER)
    return QUERN_CLI_OK;
  fprintf (stderr, "quern-cli: %s\n", _("Stopped."));
  return QUERN_CLI_FAILED;
}

static int
chat_run (Chat *chat)
{
  g_autoptr (QuernStore) store = NULL;
  g_autoptr (QuernLibrary) library = NULL;
  GError *error = NULL;
  int code;

  library = quern_cli_open_library (chat->options.keep, &store, &error);
  if (!library)
    return quern_cli_fail (error);
  code = chat_run_with (chat, library, store);
  if (chat->options.keep)
    quern_store_close (store); /* waits until everything is written */
  return code;
}

static int
chat_parse_and_run (Chat *chat, int argc, char **argv)
{
  Options *o = &chat->options;
  const GOptionEntry entries[] = {
    { "model", 'm', 0, G_OPTION_ARG_FILENAME, &o->model, N_("The model: an ID or a file"), "MODEL" },
    { "image", 'i', 0, G_OPTION_ARG_FILENAME_ARRAY, &o->images, N_("Attach a picture; may be repeated"), "FILE" },
    { "file", 'f', 0, G_OPTION_ARG_FILENAME_ARRAY, &o->files,
      N_("Attach a text or a document (PDF, ODT, DOCX, EPUB, HTML, CSV); may be repeated"), "FILE" },
    { "pages", 0, 0, G_OPTION_ARG_STRING, &o->pages,
      N_("The pages to send of documents, such as 1-5,8; “auto” picks them by the question where not all fit"),
      "LIST" },
    { "think", 0, 0, G_OPTION_ARG_NONE, &o->think, N_("Think before answering"), NULL },
    { "no-think", 0, 0, G_OPTION_ARG_NONE, &o->no_think, N_("Answer without thinking"), NULL },
    { "effort", 0, 0, G_OPTION_ARG_STRING, &o->effort,
      N_("How long to think, where the model’s template knows levels"), "LEVEL" },
    { "budget", 0, 0, G_OPTION_ARG_INT, &o->budget, N_("End the thinking after N tokens"), "N" },
    { "system", 0, 0, G_OPTION_ARG_FILENAME, &o->system, N_("The system prompt"), "TEXT" },
    { "seed", 0, 0, G_OPTION_ARG_INT64, &o->seed, N_("The same seed gives the same text"), "N" },
    { "temp", 0, 0, G_OPTION_ARG_STRING, &o->temperature_text, N_("Temperature; 0 takes the most likely token"), "T" },
    { "sampling", 0, 0, G_OPTION_ARG_STRING, &o->sampling, N_("Other sampling values as a JSON object"), "JSON" },
    { "max", 0, 0, G_OPTION_ARG_INT, &o->max_tokens, N_("Generate at most N tokens"), "N" },
    { "ctx", 'c', 0, G_OPTION_ARG_INT, &o->n_ctx, N_("Context length in tokens"), "N" },
    { "threads", 't', 0, G_OPTION_ARG_INT, &o->n_threads, N_("Threads to use"), "N" },
    { "dry-run", 0, 0, G_OPTION_ARG_NONE, &o->dry_run,
      N_("Print the prompt as the model would get it, and do not answer"), NULL },
    { "schema", 0, 0, G_OPTION_ARG_FILENAME, &o->schema, N_("Answer with JSON that is valid under this JSON schema"),
      "FILE" },
    { "messages", 0, 0, G_OPTION_ARG_FILENAME, &o->messages, N_("With --dry-run: a conversation in OpenAI’s JSON"),
      "FILE" },
    { "keep", 0, 0, G_OPTION_ARG_NONE, &o->keep, N_("Keep the conversation among those of the window"), NULL },
    { "json", 0, 0, G_OPTION_ARG_NONE, &o->json, N_("Print one JSON object"), NULL },
    G_OPTION_ENTRY_NULL
  };
  g_autoptr (GError) error = NULL;
  gboolean done;
  int code = quern_cli_parse ("PROMPT", entries, &argc, &argv, &done);

  if (done)
    return code;
  if (!o->model)
    return quern_cli_wrong_usage (_("Specify a model with -m."));
  if (o->think && o->no_think)
    return quern_cli_wrong_usage (_("--think and --no-think cannot be used together."));
  if (!quern_cli_check_range ("--max", o->max_tokens, 0, QUERN_CLI_MOST_TOKENS)
      || !quern_cli_check_range ("--budget", o->budget, 0, QUERN_CLI_MOST_TOKENS)
      || !quern_cli_check_range ("--ctx", o->n_ctx, 0, QUERN_CLI_MOST_TOKENS)
      || !quern_cli_check_range ("--threads", o->n_threads, 0, QUERN_CLI_MOST_THREADS)
      || (o->seed != QUERN_CLI_NO_SEED && !quern_cli_check_range ("--seed", o->seed, 0, G_MAXINT64))
      || !quern_cli_parse_number ("--temp", o->temperature_text, 0, QUERN_CLI_MOST_TEMPERATURE, &o->temperature))
    return QUERN_CLI_USAGE;
  if (o->messages && !o->dry_run)
    return quern_cli_wrong_usage (_("--messages needs --dry-run."));
  if (o->messages && (o->system || o->images || o->files))
    return quern_cli_wrong_usage (
        _("--messages holds the whole conversation: give no --system, --image or --file beside it."));
  if (o->sampling && !quern_sampling_check (o->sampling, &error))
    return quern_cli_wrong_usage ("--sampling: %s", error->message);
  if (o->system)
    o->system = clean_text (o->system);
  if (!o->messages && argc == 1 && isatty (STDIN_FILENO) && !o->json && !o->schema && !o->dry_run)
    return chat_run (chat); /* a conversation */
  if (!o->messages)
    code = read_prompt (argc, argv, &chat->prompt);
  else if (argc > 1)
    code = quern_cli_wrong_usage (_("--messages holds the whole conversation: give no prompt beside it."));
  return code == QUERN_CLI_OK ? chat_run (chat) : code;
}

int
quern_cli_chat (int argc, char **argv)
{
  Chat chat = { .options = { .seed = QUERN_CLI_NO_SEED, .temperature = -1 } };
  int code;

  chat.backend = quern_cli_new_backend ();
  chat.terminal = isatty (STDOUT_FILENO);
  chat.answer = g_string_new (NULL);
  chat.reasoning = g_string_new (NULL);
  code = chat_parse_and_run (&chat, argc, argv);
  g_clear_object (&chat.generation);
  g_clear_object (&chat.loaded);
  g_clear_object (&chat.model);
  g_clear_object (&chat.backend);
  g_clear_pointer (&chat.documents, g_ptr_array_unref);
  g_string_free (chat.answer, TRUE);
  g_string_free (chat.reasoning, TRUE);
  g_free (chat.prompt);
  g_free (chat.schema);
  g_free (chat.options.model);
  g_free (chat.options.system);
  g_free (chat.options.sampling);
  g_free (chat.options.temperature_text);
  g_free (chat.options.effort);
  g_free (chat.options.messages);
  g_free (chat.options.schema);
  g_free (chat.options.pages);
  g_strfreev (chat.options.images);
  g_strfreev (chat.options.files);
  return code;
}
