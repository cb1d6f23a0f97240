/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <json-glib/json-glib.h>
#include <string.h>

#include "quern-chat-title.h"
#include "quern-repetition.h"
#include "quern-sampling.h"
#include "test-chat-util.h"
#include "test-pace.h"

/* Conversations with Quern Tiny, through store, bridge and engine. */

static void
test_answer (Fixture *f, gconstpointer data)
{
  QuernMessage *answer = ask (f, "What is the capital of France?");
  g_autoptr (GAsyncResult) again = NULL;
  g_autofree char *second = NULL;
  const QuernStatistics *s = quern_message_get_statistics (answer);

  g_assert_cmpstr (quern_message_get_content (answer), ==, "The capital of France is Paris.");
  g_assert_cmpint (quern_message_get_state (answer), ==, QUERN_MESSAGE_COMPLETE);
  g_assert_cmpstr (quern_message_get_model_id (answer), ==, "quern-tiny");
  g_assert_cmpuint (s->prompt_tokens, ==, s->reused_tokens + s->evaluated_tokens);
  g_assert_cmpuint (s->answer_tokens, >, 3);
  g_assert_cmpfloat (quern_statistics_decode_rate (s), >, 0);
  g_assert_cmpuint (s->n_threads, >, 0);
  g_assert_cmpuint (s->n_passes, >, 0);
  g_assert_cmpuint (s->n_passes, <=, s->answer_tokens + 1);
  g_assert_cmpfloat (s->first_token_seconds, >=, s->prefill_seconds);
  g_assert_cmpstr (quern_conversation_get_title (f->conversation), ==, "What is the capital of France?");
  g_assert_cmpuint (n_messages (f), ==, 2);

  /* A second turn builds on the first, and reuses what was computed for it. */
  second = g_strdup (quern_message_get_content (ask (f, "Tell me the capital of Japan.")));
  g_assert_cmpuint (quern_message_get_statistics (message_at (f, 3))->reused_tokens, >, 0);

  /* All is there after a restart, and computing it anew gives the same. */
  close_all (f);
  open_all (f);
  g_assert_cmpuint (n_messages (f), ==, 4);
  g_assert_cmpstr (quern_message_get_content (message_at (f, 3)), ==, second);
  g_assert_cmpint (quern_message_get_state (message_at (f, 3)), ==, QUERN_MESSAGE_COMPLETE);
  g_assert_cmpuint (quern_message_get_statistics (message_at (f, 3))->n_threads, >, 0);
  g_assert_cmpuint (quern_message_get_statistics (message_at (f, 3))->n_passes, >, 0);
  answer_again (f->session, message_at (f, 3), NULL, &again);
  finish (f, &again);
  g_assert_cmpuint (quern_message_get_statistics (message_at (f, 3))->reused_tokens, ==, 0);
  g_assert_cmpstr (quern_message_get_content (message_at (f, 3)), ==, second);
}

static void
test_thinking (Fixture *f, gconstpointer data)
{
  QuernMessage *answer;

  quern_chat_session_set_thinking (f->session, TRUE);
  answer = ask (f, "What is 47 + 38?");
  g_assert_cmpstr (quern_message_get_content (answer), ==, "47 + 38 = 85");
  g_assert_nonnull (strstr (quern_message_get_reasoning (answer), "Ones: 7+8=15"));
  g_assert_true (quern_message_get_thinking (answer));
  g_assert_false (quern_message_get_in_reasoning (answer));
  g_assert_cmpuint (quern_message_get_statistics (answer)->reasoning_tokens, >, 10);
  g_assert_cmpfloat (quern_message_get_statistics (answer)->reasoning_seconds, >, 0);
}

/* Quern Tiny answers rightly without a setting; a conversation's own settings win, and can be taken back. */
static void
test_sampling (Fixture *f, gconstpointer data)
{
  QuernModel *model = quern_chat_session_get_model (f->session);
  g_autofree char *one = quern_sampling_set (NULL, "temperature", 0.5);
  g_autofree char *two = quern_sampling_set (one, "threads", 1);
  g_autofree char *kv = quern_sampling_set (two, "kv_type", QUERN_KV_Q8_0);
  g_autofree char *without = quern_sampling_unset (one, "temperature");
  QuernSampling sampling;

  quern_sampling_init (&sampling, model, TRUE, FALSE, NULL);
  g_assert_cmpfloat (sampling.sampler.temperature, ==, 0);
  g_assert_cmpuint (sampling.n_threads, ==, 0);
  quern_sampling_init (&sampling, model, TRUE, FALSE, kv);
  g_assert_cmpfloat (sampling.sampler.temperature, ==, 0.5f);
  g_assert_cmpuint (sampling.n_threads, ==, 1);
  g_assert_cmpint (sampling.kv_type, ==, QUERN_KV_Q8_0);
  g_assert_cmpfloat (quern_sampling_get (kv, "temperature", 9), ==, 0.5);
  g_assert_cmpfloat (quern_sampling_get (kv, "top_p", 9), ==, 9);
  g_assert_null (without);
  quern_sampling_init (&sampling, model, TRUE, FALSE, "[1, {\"temperature\": 3}]");
  g_assert_cmpfloat (sampling.sampler.temperature, ==, 0);

  quern_conversation_set_sampling (f->conversation, NULL);
  quern_chat_session_set_thinking (f->session, TRUE);
  g_assert_cmpstr (quern_message_get_content (ask (f, "What is 47 + 38?")), ==, "47 + 38 = 85");
  quern_conversation_set_sampling (f->conversation, "{\"kv_type\": 1, \"threads\": 1}");
  g_assert_cmpstr (quern_message_get_content (ask (f, "What is 47 + 38?")), ==, "47 + 38 = 85");
}

/* A budget of three tokens closes the thinking; an answer follows all the same. */
static void
test_thinking_budget (Fixture *f, gconstpointer data)
{
  QuernMessage *answer;

  quern_conversation_set_sampling (f->conversation, "{\"temperature\": 0, \"thinking_budget\": 3}");
  quern_chat_session_set_thinking (f->session, TRUE);
  answer = ask (f, "What is 47 + 38?");
  g_assert_cmpuint (quern_message_get_statistics (answer)->reasoning_tokens, ==, 3);
  g_assert_cmpuint (quern_message_get_content_length (answer), >, 0);
  g_assert_null (strstr (quern_message_get_content (answer), "think>"));
}

/* ---- stopping and going on ------------------------------------------------------------------------------------- */

static void
stop_after_text_cb (QuernMessage *answer, GParamSpec *pspec, QuernChatSession *session)
{
  quern_chat_session_stop (session);
  test_let_go ();
}

static void
stop_new_answer_cb (GListModel *messages, guint position, guint removed, guint added, QuernChatSession *session)
{
  for (guint i = position; i < position + added; i++) {
    g_autoptr (QuernMessage) message = g_list_model_get_item (messages, i);
    if (quern_message_get_role (message) == QUERN_ROLE_ASSISTANT)
      g_signal_connect_object (message, "notify::content", G_CALLBACK (stop_after_text_cb), session, 0);
  }
}

/* At such a temperature Quern Tiny babbles until its context is full: only a stop ends it early. */
static void
test_stop (Fixture *f, gconstpointer data)
{
  QuernMessage *answer;

  quern_conversation_set_sampling (f->conversation, "{\"temperature\": 9, \"top_k\": 0, \"top_p\": 1, \"seed\": 1}");
  g_signal_connect (quern_chat_session_get_messages (f->session), "items-changed", G_CALLBACK (stop_new_answer_cb),
                    f->session);
  test_hold_after (30);
  answer = ask (f, "Hello!");
  g_assert_cmpint (quern_message_get_state (answer), ==, QUERN_MESSAGE_STOPPED);
  g_assert_cmpuint (quern_message_get_content_length (answer), >, 0);
  g_assert_cmpuint (quern_message_get_statistics (answer)->answer_tokens, <, 1500);
}

static void
test_continue (Fixture *f, gconstpointer data)
{
  const char *whole = "```python\ndef add(a, b):\n    return a + b\n```";
  g_autoptr (GAsyncResult) continued = NULL;
  g_autofree char *part = NULL;
  QuernMessage *answer;

  quern_conversation_set_sampling (f->conversation, "{\"temperature\": 0, \"max_tokens\": 6}");
  answer = ask (f, "Write a Python function that adds two numbers.");
  g_assert_cmpint (quern_message_get_state (answer), ==, QUERN_MESSAGE_LENGTH);
  part = g_strdup (quern_message_get_content (answer));
  g_assert_true (g_str_has_prefix (whole, part));
  g_assert_cmpuint (strlen (part), <, strlen (whole));

  close_all (f);
  open_all (f);
  g_assert_cmpstr (quern_message_get_content (message_at (f, 1)), ==, part);
  quern_conversation_set_sampling (f->conversation, "{\"temperature\": 0}");
  continue_answer (f->session, message_at (f, 1), &continued);
  finish (f, &continued);
  g_assert_cmpuint (n_messages (f), ==, 2);
  g_assert_cmpstr (quern_message_get_content (message_at (f, 1)), ==, whole);
  g_assert_cmpint (quern_message_get_state (message_at (f, 1)), ==, QUERN_MESSAGE_COMPLETE);
}

static void
test_cancel_before (Fixture *f, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  begin (f->session, "Hello!", NULL, cancellable, &result);
  g_cancellable_cancel (cancellable);
  test_wait_result (&result);
  g_assert_false (quern_chat_session_ask_finish (f->session, result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpuint (n_messages (f), ==, 0);
  g_assert_cmpstr (quern_message_get_content (ask (f, "Hello!")), ==, "Hello! How can I help you?");
}

static void
test_length (Fixture *f, gconstpointer data)
{
  QuernMessage *answer;

  quern_conversation_set_sampling (f->conversation, "{\"temperature\": 0, \"max_tokens\": 2}");
  answer = ask (f, "Write a Python function that adds two numbers.");
  g_assert_cmpint (quern_message_get_state (answer), ==, QUERN_MESSAGE_LENGTH);
  g_assert_cmpuint (quern_message_get_statistics (answer)->answer_tokens, ==, 2);
}

/* ---- a crash in mid answer ------------------------------------------------------------------------------------- */

static const char *self_path;

/* Runs in a process that is killed: an answer that does not get past its middle. */
static void
child_babble (const char *path)
{
  Fixture f = { .path = g_strdup (path) };

  open_all (&f);
  quern_conversation_set_sampling (f.conversation, "{\"temperature\": 9, \"top_k\": 0, \"top_p\": 1, \"seed\": 1}");
  quern_chat_session_set_thinking (f.session, FALSE);
  test_hold_after (200);
  for (;;) /* should one end before */
    ask (&f, "Hello!");
}

/* Whether some of the answer is saved that another process is writing. */
static gboolean
has_partial_answer (const char *path)
{
  g_autoptr (QuernStore) store = quern_store_open (path, NULL);
  g_autoptr (QuernConversation) c = store ? g_list_model_get_item (quern_store_get_conversations (store), 0) : NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GPtrArray) messages = NULL;
  QuernMessage *last;

  if (!c)
    return FALSE;
  quern_store_load_path_async (store, c, NULL, test_result_cb, &result);
  test_wait_result (&result);
  messages = quern_store_load_path_finish (store, result, NULL);
  last = messages && messages->len > 0 ? messages->pdata[messages->len - 1] : NULL;
  return last && quern_message_get_state (last) == QUERN_MESSAGE_STREAMING
         && quern_message_get_content_length (last) > 0;
}

static void
test_crash (Fixture *f, gconstpointer data)
{
  g_autofree char *path = g_build_filename (f->folder, "crash.db", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess)
      child = g_subprocess_new (G_SUBPROCESS_FLAGS_NONE, &error, self_path, "--child-babble", path, NULL);

  g_assert_no_error (error);
  while (!has_partial_answer (path)) /* bounded by the test's time limit */
    g_usleep (100 * 1000);
  g_subprocess_force_exit (child);
  g_assert_true (g_subprocess_wait (child, NULL, NULL));
  close_all (f);
  g_set_str (&f->path, path);
  open_all (f);
  guint last = n_messages (f) - 1;
  g_assert_cmpuint (last % 2, ==, 1);
  g_assert_cmpstr (quern_message_get_content (message_at (f, 0)), ==, "Hello!");
  g_assert_cmpint (quern_message_get_state (message_at (f, last)), ==, QUERN_MESSAGE_INTERRUPTED);
  g_assert_cmpuint (quern_message_get_content_length (message_at (f, last)), >, 0);
}

/* ---- branches -------------------------------------------------------------------------------------------------- */

static gboolean
first_says (gpointer data)
{
  gpointer *arguments = data;
  Fixture *f = arguments[0];

  return n_messages (f) > 0 && g_str_equal (quern_message_get_content (message_at (f, 0)), arguments[1]);
}

static void
test_edit_and_regenerate (Fixture *f, gconstpointer data)
{
  g_autoptr (GAsyncResult) edited = NULL, again = NULL;
  gpointer wanted[] = { f, (gpointer) "What colour is grass?" };

  ask (f, "What colour is grass?");
  quern_chat_session_edit (f->session, message_at (f, 0));
  begin (f->session, "capital of Kenya", NULL, NULL, &edited);
  finish (f, &edited);
  g_assert_cmpuint (n_messages (f), ==, 2);
  g_assert_cmpstr (quern_message_get_content (message_at (f, 1)), ==, "The capital of Kenya is Nairobi.");
  g_assert_cmpuint (quern_message_get_sibling_index (message_at (f, 0)), ==, 1);
  g_assert_cmpuint (quern_message_get_sibling_count (message_at (f, 0)), ==, 2);

  answer_again (f->session, message_at (f, 1), NULL, &again);
  finish (f, &again);
  g_assert_cmpuint (n_messages (f), ==, 2);
  g_assert_cmpuint (quern_message_get_sibling_count (message_at (f, 1)), ==, 2);

  quern_chat_session_choose_sibling (f->session, message_at (f, 0), -1);
  test_wait (first_says, wanted);
  g_assert_cmpstr (quern_message_get_content (message_at (f, 1)), ==, "The colour of grass is green.");
  g_assert_cmpuint (quern_message_get_sibling_count (message_at (f, 1)), ==, 1);
}

/* ---- other models, branches, and asking on the side ------------------------------------------------------------------ */

/* Another model answers once; the conversation stays with its own. */
static void
test_other_model (Fixture *f, gconstpointer data)
{
  g_autoptr (GAsyncResult) again = NULL;
  QuernModel *other = quern_library_find (f->library, "quern-tiny-q2_k");

  g_assert_nonnull (other);
  ask (f, "What is the capital of France?");
  answer_again (f->session, message_at (f, 1), other, &again);
  finish (f, &again);
  g_assert_cmpstr (quern_message_get_model_id (message_at (f, 1)), ==, "quern-tiny-q2_k");
  g_assert_cmpuint (quern_message_get_sibling_count (message_at (f, 1)), ==, 2);
  g_assert_cmpstr (quern_conversation_get_model_id (f->conversation), ==, "quern-tiny");
  g_assert_cmpstr (quern_message_get_model_id (({
                     ask (f, "Hello!");
                     message_at (f, 3);
                   })),
                   ==, "quern-tiny");
}

/* A branch has everything up to its message and nothing after it; both go on by themselves. */
static void
test_branch (Fixture *f, gconstpointer data)
{
  g_autoptr (QuernConversation) branch = NULL;
  g_autoptr (QuernChatSession) session = NULL;
  GListModel *messages;

  quern_conversation_set_system_prompt (f->conversation, "Be brief.");
  ask (f, "What is the capital of France?");
  ask (f, "Hello!");
  branch = quern_chat_session_branch (f->session, message_at (f, 1));
  session = quern_chat_session_new (f->store, QUERN_BACKEND (f->backend), f->library, branch);
  load (session);
  messages = quern_chat_session_get_messages (session);
  g_assert_cmpuint (g_list_model_get_n_items (messages), ==, 2);
  g_autoptr (QuernMessage) answer = g_list_model_get_item (messages, 1);
  g_assert_cmpstr (quern_message_get_content (answer), ==, "The capital of France is Paris.");
  g_assert_cmpint (quern_message_get_state (answer), ==, QUERN_MESSAGE_COMPLETE);
  g_assert_cmpint (quern_message_get_id (answer), !=, quern_message_get_id (message_at (f, 1)));
  g_assert_cmpuint (quern_message_get_statistics (answer)->answer_tokens, ==,
                    quern_message_get_statistics (message_at (f, 1))->answer_tokens);
  g_assert_cmpstr (quern_conversation_get_system_prompt (branch), ==, "Be brief.");
  g_assert_cmpstr (quern_conversation_get_title (branch), ==, "What is the capital of France? (branch)");
  g_assert_cmpuint (n_messages (f), ==, 4);
}

static gboolean
has_one_message (gpointer data)
{
  return n_messages (data) == 1;
}

/* An answer that was deleted can be made again from its question. */
static void
test_answer_question (Fixture *f, gconstpointer data)
{
  g_autoptr (GAsyncResult) again = NULL;

  ask (f, "What is the capital of France?");
  quern_chat_session_delete_message (f->session, message_at (f, 1));
  test_wait (has_one_message, f);
  answer_again (f->session, message_at (f, 0), NULL, &again);
  finish (f, &again);
  g_assert_cmpuint (n_messages (f), ==, 2);
  g_assert_cmpstr (quern_message_get_content (message_at (f, 1)), ==, "The capital of France is Paris.");
}

static gboolean
repeats (const char *unit, guint times)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < times; i++)
    g_string_append_printf (text, unit, i);
  return quern_repetition_found (text->str, text->len);
}

static void
test_repetition (void)
{
  g_assert_true (repeats ("I think that the answer is 42. Wait, let me check that again. ", 40));
  g_assert_true (repeats ("这个问题的答案是什么呢？", 200));
  g_assert_true (repeats ("a", 5000));
  g_assert_false (repeats ("I think that the answer is 42. ", 5)); /* too early to tell */
  g_assert_false (repeats ("| Row %1$u | %1$u squared is about the same as %1$u%1$u |\n", 100));
  g_assert_false (repeats ("", 1));
}

/* What is asked on the side leaves the conversation alone. */
static void
test_on_the_side (Fixture *f, gconstpointer data)
{
  g_autoptr (GAsyncResult) summary = NULL, title = NULL, cancelled = NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  quern_conversation_set_system_prompt (f->conversation, "Be brief.");
  ask (f, "What is the capital of France?");
  quern_chat_session_summarise_async (f->session, NULL, test_result_cb, &summary);
  test_wait_result (&summary);
  g_autoptr (QuernConversation) fresh = quern_chat_session_summarise_finish (f->session, summary, &error);
  g_assert_no_error (error);
  g_assert_true (g_str_has_prefix (quern_conversation_get_system_prompt (fresh), "Be brief.\n\nSummary"));
  g_assert_cmpint (quern_conversation_get_id (fresh), ==, 0);
  g_assert_cmpuint (n_messages (f), ==, 2);

  quern_conversation_set_title (f->conversation, "Mine", TRUE);
  quern_chat_session_make_title_async (f->session, NULL, test_result_cb, &title);
  test_wait_result (&title);
  quern_chat_session_make_title_finish (f->session, title, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (quern_conversation_get_title (f->conversation), ==, "Mine");
  quern_chat_session_make_title_async (f->session, cancellable, test_result_cb, &cancelled);
  g_cancellable_cancel (cancellable);
  test_wait_result (&cancelled);
  g_assert_false (quern_chat_session_make_title_finish (f->session, cancelled, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static void
test_busy_and_no_model (Fixture *f, gconstpointer data)
{
  g_autoptr (GAsyncResult) result = NULL, second = NULL;
  g_autoptr (GError) error = NULL;

  begin (f->session, "Hello!", NULL, NULL, &result);
  begin (f->session, "Hello!", NULL, NULL, &second);
  test_wait_result (&second);
  g_assert_false (quern_chat_session_ask_finish (f->session, second, &error));
  g_assert_error (error, QUERN_CHAT_ERROR, QUERN_CHAT_ERROR_BUSY);
  finish (f, &result);
  quern_conversation_set_model_id (f->conversation, "no-such-model");
  g_assert_null (quern_chat_session_get_model (f->session));
  assert_fails (f, "Hello!", NULL, QUERN_CHAT_ERROR_NO_MODEL);
}

/* ---- attachments ----------------------------------------------------------------------------------------------- */

static void
test_attachments (Fixture *f, gconstpointer data)
{
  g_autoptr (GListStore) attachments = g_list_store_new (QUERN_TYPE_ATTACHMENT);
  g_autofree char *picture_path = g_build_filename (g_getenv ("QUERN_TINY_DIR"), "images", "shape0.png", NULL);
  g_autofree char *bytes = NULL;
  gsize size;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GBytes) broken = g_bytes_new_static ("\x89PNG\r\n\x1a\nnothing more", 20);
  g_autoptr (QuernAttachment) bad = quern_attachment_new ("bad.png", "image/png", broken);

  g_list_store_append (attachments, bad);
  {
    g_autoptr (GError) error = NULL;
    begin (f->session, "Describe the image.", G_LIST_MODEL (attachments), NULL, &result);
    test_wait_result (&result);
    g_assert_false (quern_chat_session_ask_finish (f->session, result, &error));
    g_assert_nonnull (strstr (error->message, "bad.png"));
    g_assert_cmpuint (n_messages (f), ==, 0);
  }
  g_clear_object (&result);
  g_assert_true (g_file_get_contents (picture_path, &bytes, &size, NULL));
  g_autoptr (GBytes) good_bytes = g_bytes_new (bytes, size);
  g_autoptr (QuernAttachment) good = quern_attachment_new ("shape0.png", "image/png", good_bytes);
  g_list_store_remove_all (attachments);
  g_list_store_append (attachments, good);
  begin (f->session, "Describe the image.", G_LIST_MODEL (attachments), NULL, &result);
  finish (f, &result);
  g_assert_cmpstr (quern_message_get_content (message_at (f, 1)), ==, "The image shows an orange star.");

  /* After a restart the picture comes from the store. */
  close_all (f);
  open_all (f);
  g_clear_object (&result);
  answer_again (f->session, message_at (f, 1), NULL, &result);
  finish (f, &result);
  g_assert_cmpstr (quern_message_get_content (message_at (f, 1)), ==, "The image shows an orange star.");
}

/* ---- the reference's conversations ----------------------------------------------------------------------------- */

static void
check_case (Fixture *f, JsonObject *test)
{
  JsonArray *messages = json_object_get_array_member (test, "messages");
  JsonObject *expected = json_object_get_object_member (json_object_get_object_member (test, "llama.cpp"), "Q8_0");
  g_autoptr (QuernConversation) conversation = quern_conversation_new ();
  g_autoptr (QuernChatSession) session = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (QuernMessage) previous = NULL, answer = NULL;
  g_autofree char *text = NULL;
  guint n = json_array_get_length (messages);
  const char *last = json_object_get_string_member (json_array_get_object_element (messages, n - 1), "content");

  for (guint i = 0; i + 1 < n; i++) {
    JsonObject *message = json_array_get_object_element (messages, i);
    const char *role = json_object_get_string_member (message, "role");
    const char *content = json_object_get_string_member (message, "content");
    if (g_str_equal (role, "system")) {
      quern_conversation_set_system_prompt (conversation, content);
    } else {
      g_autoptr (QuernMessage)
          old = quern_message_new (g_str_equal (role, "user") ? QUERN_ROLE_USER : QUERN_ROLE_ASSISTANT, content);
      quern_store_append_message (f->store, conversation, previous, old);
      g_set_object (&previous, old);
    }
  }
  quern_conversation_set_sampling (conversation, "{\"temperature\": 0, \"presence_penalty\": 0, \"max_tokens\": 200}");
  session = quern_chat_session_new (f->store, QUERN_BACKEND (f->backend), f->library, conversation);
  quern_chat_session_set_thinking (session, json_object_get_boolean_member (test, "enable_thinking"));
  if (previous)
    load (session);
  begin (session, last, NULL, NULL, &result);
  test_wait_result (&result);
  g_assert_true (quern_chat_session_ask_finish (session, result, NULL));
  answer = g_list_model_get_item (quern_chat_session_get_messages (session),
                                  g_list_model_get_n_items (quern_chat_session_get_messages (session)) - 1);
  text = g_strdup_printf ("%s%s%s<|im_end|>", quern_message_get_reasoning (answer),
                          quern_message_get_thinking (answer) ? "\n</think>\n\n" : "",
                          quern_message_get_content (answer));
  g_assert_cmpstr (text, ==, json_object_get_string_member (expected, "text"));
}

static void
test_expected (Fixture *f, gconstpointer data)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autofree char *path = g_build_filename (g_getenv ("QUERN_TINY_DIR"), "expected.json", NULL);
  JsonArray *tests;

  g_assert_true (json_parser_load_from_file (parser, path, NULL));
  tests = json_object_get_array_member (json_node_get_object (json_parser_get_root (parser)), "text");
  for (guint i = 0; i < json_array_get_length (tests); i++) {
    JsonObject *test = json_array_get_object_element (tests, i);
    JsonObject *reference = json_object_get_object_member (test, "hf_float32");
    /* Where the two best tokens are nearly level, another order of sums may choose the other. */
    if (json_object_get_double_member (reference, "smallest_margin") > 0.05)
      check_case (f, test);
  }
}

/* ---- effort ---------------------------------------------------------------------------------------------------- */

/* How long to think is kept with each answer and with the conversation, where the model's template knows levels. */
static void
test_effort (Fixture *f, gconstpointer data)
{
  g_autofree char *models = quern_library_dup_folder (), *path = g_build_filename (models, "effort.gguf", NULL);
  g_autoptr (QuernConversation) branch = NULL;
  QuernMessage *answer;

  g_assert_null (quern_chat_session_get_effort (f->session)); /* Quern Tiny's own template knows none */
  test_make_twins (models, "effort", NULL);
  scan (f->library);
  quern_chat_session_set_model (f->session, quern_library_find (f->library, "effort"));
  g_assert_cmpstr (quern_chat_session_get_effort (f->session), ==, "xhigh"); /* the template's default */
  g_assert_null (quern_conversation_get_effort (f->conversation));           /* which nobody chose */
  quern_conversation_set_sampling (f->conversation, "{\"temperature\": 0, \"max_tokens\": 4}");
  quern_chat_session_set_thinking (f->session, TRUE);
  quern_chat_session_set_effort (f->session, "best");
  g_assert_cmpstr (quern_chat_session_get_effort (f->session), ==, "xhigh"); /* no level of this model */
  answer = ask (f, "Hi");
  g_assert_cmpstr (quern_message_get_effort (answer), ==, "xhigh");
  quern_chat_session_set_effort (f->session, "medium");
  answer = ask (f, "Hi");
  g_assert_cmpstr (quern_message_get_effort (answer), ==, "medium");
  /* The level is part of the prompt: that of “xhigh” has a sentence more. */
  g_assert_cmpuint (quern_message_get_statistics (answer)->prompt_tokens, <,
                    quern_message_get_statistics (message_at (f, 1))->prompt_tokens);

  branch = quern_chat_session_branch (f->session, message_at (f, 3));
  g_assert_cmpstr (quern_conversation_get_effort (branch), ==, "medium");
  quern_store_delete_conversation (f->store, branch);
  close_all (f);
  open_all (f);
  g_assert_cmpstr (quern_message_get_effort (message_at (f, 1)), ==, "xhigh");
  g_assert_cmpstr (quern_message_get_effort (message_at (f, 3)), ==, "medium");
  g_assert_cmpstr (quern_chat_session_get_effort (f->session), ==, "medium");
  quern_chat_session_set_model (f->session, quern_library_find (f->library, "quern-tiny"));
  g_assert_null (quern_chat_session_get_effort (f->session));
  g_assert_cmpstr (quern_conversation_get_effort (f->conversation), ==,
                   "medium"); /* for when the model is chosen again */
  g_assert_null (quern_message_get_effort (ask (f, "Hi")));
  g_assert_cmpint (g_unlink (path), ==, 0);
}

int
main (int argc, char **argv)
{
  g_autofree char *data_folder = NULL;
  int result;

  if (argc == 3 && g_str_equal (argv[1], "--child-babble"))
    child_babble (argv[2]);
  self_path = argv[0];
  data_folder = test_folder ();
  g_setenv ("XDG_DATA_HOME", data_folder, TRUE); /* no models but Quern Tiny */
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/chat-session/answer", Fixture, NULL, setup, test_answer, teardown);
  g_test_add ("/chat-session/thinking", Fixture, NULL, setup, test_thinking, teardown);
  g_test_add ("/chat-session/effort", Fixture, NULL, setup, test_effort, teardown);
  g_test_add ("/chat-session/other-model", Fixture, NULL, setup, test_other_model, teardown);
  g_test_add ("/chat-session/branch", Fixture, NULL, setup, test_branch, teardown);
  g_test_add ("/chat-session/answer-question", Fixture, NULL, setup, test_answer_question, teardown);
  g_test_add ("/chat-session/on-the-side", Fixture, NULL, setup, test_on_the_side, teardown);
  g_test_add_func ("/chat-session/repetition", test_repetition);
  g_test_add ("/chat-session/sampling", Fixture, NULL, setup, test_sampling, teardown);
  g_test_add ("/chat-session/thinking-budget", Fixture, NULL, setup, test_thinking_budget, teardown);
  g_test_add ("/chat-session/stop", Fixture, NULL, setup, test_stop, teardown);
  g_test_add ("/chat-session/continue", Fixture, NULL, setup, test_continue, teardown);
  g_test_add ("/chat-session/crash", Fixture, NULL, setup, test_crash, teardown);
  g_test_add ("/chat-session/cancel-before", Fixture, NULL, setup, test_cancel_before, teardown);
  g_test_add ("/chat-session/length", Fixture, NULL, setup, test_length, teardown);
  g_test_add ("/chat-session/edit-and-regenerate", Fixture, NULL, setup, test_edit_and_regenerate, teardown);
  g_test_add ("/chat-session/busy-and-no-model", Fixture, NULL, setup, test_busy_and_no_model, teardown);
  g_test_add ("/chat-session/attachments", Fixture, NULL, setup, test_attachments, teardown);
  g_test_add ("/chat-session/expected", Fixture, NULL, setup, test_expected, teardown);
  result = g_test_run ();
  test_remove_folder (data_folder);
  return result;
}
