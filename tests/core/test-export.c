/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "quern-export.h"
#include "quern-import.h"
#include "quern-folder.h"
#include "test-util.h"

/* Conversations to files and back, and what other programs wrote. */

typedef struct {
  char *folder;
  QuernStore *store;
  QuernConversation *conversation;
  char *report; /* of the last import, or NULL */
} Fixture;

static QuernMessage *
say (QuernStore *store, QuernConversation *conversation, QuernMessage *parent, QuernRole role, const char *text)
{
  QuernMessage *message = quern_message_new (role, text);

  quern_store_append_message (store, conversation, parent, message);
  return message;
}

/* Two answers to a question with a picture; the first is shown. */
static void
setup (Fixture *f, gconstpointer data)
{
  g_autoptr (GBytes) bytes = g_bytes_new_static ("pixels", 6);
  g_autoptr (QuernAttachment) picture = quern_attachment_new ("a<b>.png", "image/png", bytes);
  g_autoptr (QuernMessage) question = quern_message_new (QUERN_ROLE_USER, "What is <this>?");
  g_autoptr (QuernMessage) first = NULL, second = NULL;

  f->folder = test_folder ();
  f->store = quern_store_open_in_memory ();
  f->conversation = quern_conversation_new ();
  quern_conversation_set_title (f->conversation, "A / title", TRUE);
  quern_conversation_set_pinned (f->conversation, TRUE);
  quern_conversation_set_system_prompt (f->conversation, "Be brief.");
  quern_conversation_set_sampling (f->conversation, "{\"temperature\":0.5}");
  quern_conversation_set_thinking (f->conversation, QUERN_THINKING_ON);
  quern_conversation_set_effort (f->conversation, "high");
  quern_message_add_attachment (question, picture);
  quern_store_append_message (f->store, f->conversation, NULL, question);
  first = say (f->store, f->conversation, question, QUERN_ROLE_ASSISTANT, "**Bold**\n\n<script>alert(1)</script>");
  quern_message_append (first, TRUE, "Hm.", -1);
  quern_message_set_model (first, "some-model", "Some Model");
  quern_message_set_effort (first, "low");
  quern_message_set_state (first, QUERN_MESSAGE_LENGTH, NULL);
  quern_store_save_message (f->store, first);
  quern_message_set_statistics (first, &(QuernStatistics) { .seed = 9,
                                                            .prompt_tokens = 5,
                                                            .reused_tokens = 2,
                                                            .evaluated_tokens = 3,
                                                            .answer_tokens = 4,
                                                            .load_seconds = 0.5,
                                                            .first_token_seconds = 0.25 });
  quern_store_save_message (f->store, first);
  second = say (f->store, f->conversation, question, QUERN_ROLE_ASSISTANT, "The other answer");
  quern_store_choose_message (f->store, f->conversation, first);
  quern_conversation_set_unsent (f->conversation, "half a");
  quern_conversation_set_context_start (f->conversation, quern_message_get_id (first));
  quern_conversation_set_context_size (f->conversation, 8192);
  quern_conversation_set_folder_id (f->conversation, quern_folder_get_id (quern_store_add_folder (f->store, "Work")));
  quern_conversation_touch (f->conversation, G_GINT64_CONSTANT (1700000000000000));
}

static void
teardown (Fixture *f, gconstpointer data)
{
  g_clear_object (&f->conversation);
  quern_store_close (f->store);
  g_clear_object (&f->store);
  test_remove_folder (f->folder);
  g_free (f->report);
  g_free (f->folder);
}

static GFile *export (Fixture *f, QuernExportFormat format, char **text)
{
  g_autofree char *name = quern_export_dup_name (f->conversation, format);
  GFile *file = g_file_new_build_filename (f->folder, name, NULL);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  quern_export_async (f->store, quern_store_get_conversations (f->store), format, file, NULL, test_result_cb, &result);
  test_wait_result (&result);
  g_assert_true (quern_export_finish (result, &error));
  g_assert_no_error (error);
  g_assert_true (g_file_load_contents (file, NULL, text, NULL, NULL, NULL));
  return file;
}

static GPtrArray *
import (Fixture *f, GFile *file, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  quern_import_async (f->store, file, NULL, NULL, NULL, test_result_cb, &result);
  test_wait_result (&result);
  g_set_str (&f->report, quern_import_get_report (result));
  return quern_import_finish (result, error);
}

static GPtrArray *
import_text (Fixture *f, const char *text, GError **error)
{
  g_autoptr (GFile) file = g_file_new_build_filename (f->folder, "text.json", NULL);

  g_assert_true (g_file_replace_contents (file, text, strlen (text), NULL, FALSE, 0, NULL, NULL, NULL));
  return import (f, file, error);
}

static GPtrArray *
load_path (QuernStore *store, QuernConversation *conversation)
{
  g_autoptr (GAsyncResult) result = NULL;

  quern_store_load_path_async (store, conversation, NULL, test_result_cb, &result);
  test_wait_result (&result);
  return quern_store_load_path_finish (store, result, NULL);
}

/* A JSON export comes back with branches, pictures and settings, beside the conversation it was made of. */
static void
test_round_trip (Fixture *f, gconstpointer data)
{
  g_autofree char *text = NULL;
  g_autoptr (GFile) file = export (f, QUERN_EXPORT_JSON, &text);
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) added = import (f, file, &error);
  g_autoptr (GPtrArray) path = NULL;
  QuernConversation *c;

  g_assert_no_error (error);
  g_assert_cmpuint (added->len, ==, 1);
  g_assert_null (f->report); /* nothing is lost */
  g_assert_cmpuint (g_list_model_get_n_items (quern_store_get_conversations (f->store)), ==, 2);
  c = added->pdata[0];
  g_assert_cmpstr (quern_conversation_get_title (c), ==, "A / title");
  g_assert_true (quern_conversation_get_pinned (c));
  g_assert_cmpstr (quern_conversation_get_system_prompt (c), ==, "Be brief.");
  g_assert_cmpstr (quern_conversation_get_sampling (c), ==, "{\"temperature\":0.5}");
  g_assert_cmpint (quern_conversation_get_thinking (c), ==, QUERN_THINKING_ON);
  g_assert_cmpstr (quern_conversation_get_effort (c), ==, "high");
  path = load_path (f->store, c);
  g_assert_cmpuint (path->len, ==, 2);
  g_assert_cmpstr (quern_conversation_get_unsent (c), ==, "half a");
  g_assert_cmpint (quern_conversation_get_context_start (c), ==, quern_message_get_id (path->pdata[1]));
  g_assert_cmpuint (quern_conversation_get_context_size (c), ==, 8192);
  g_assert_cmpint (quern_conversation_get_folder_id (c), ==, quern_conversation_get_folder_id (f->conversation));
  g_assert_cmpint (quern_conversation_get_updated (c), ==, quern_conversation_get_updated (f->conversation));
  g_assert_cmpint (quern_conversation_get_created (c) / G_USEC_PER_SEC, ==,
                   quern_conversation_get_created (f->conversation) / G_USEC_PER_SEC);
  const QuernStatistics *statistics = quern_message_get_statistics (path->pdata[1]);
  g_assert_cmpuint (statistics->seed, ==, 9);
  g_assert_cmpuint (statistics->prompt_tokens, ==, 5);
  g_assert_cmpuint (statistics->reused_tokens, ==, 2);
  g_assert_cmpuint (statistics->evaluated_tokens, ==, 3);
  g_assert_cmpuint (statistics->answer_tokens, ==, 4);
  g_assert_cmpfloat (statistics->load_seconds, ==, 0.5);
  g_assert_cmpfloat (statistics->first_token_seconds, ==, 0.25);
  g_assert_cmpstr (quern_message_get_content (path->pdata[0]), ==, "What is <this>?");
  g_assert_cmpstr (quern_message_get_reasoning (path->pdata[1]), ==, "Hm.");
  g_assert_cmpstr (quern_message_get_model_title (path->pdata[1]), ==, "Some Model");
  g_assert_null (quern_message_get_effort (path->pdata[0]));
  g_assert_cmpstr (quern_message_get_effort (path->pdata[1]), ==, "low");
  g_assert_cmpint (quern_message_get_state (path->pdata[1]), ==, QUERN_MESSAGE_LENGTH);
  g_assert_cmpuint (quern_message_get_sibling_count (path->pdata[1]), ==, 2);
  g_assert_cmpuint (quern_message_get_sibling_index (path->pdata[1]), ==, 0);
  g_autoptr (QuernAttachment) picture = g_list_model_get_item (quern_message_get_attachments (path->pdata[0]), 0);
  g_autoptr (GBytes) bytes = quern_store_read_attachment (f->store, picture, NULL);
  g_assert_cmpmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), "pixels", 6);
}

static void
test_text (Fixture *f, gconstpointer data)
{
  g_autofree char *markdown = NULL, *html = NULL;
  g_autoptr (GFile) a = export (f, QUERN_EXPORT_MARKDOWN, &markdown);
  g_autoptr (GFile) b = export (f, QUERN_EXPORT_HTML, &html);

  g_assert_true (g_str_has_prefix (markdown, "# A / title\n\n> Be brief.\n"));
  g_assert_nonnull (strstr (markdown, "## Some Model\n\n> Hm.\n\n**Bold**"));
  g_assert_null (strstr (markdown, "The other answer"));
  g_assert_nonnull (strstr (html, "<strong>Bold</strong>"));
  g_assert_nonnull (strstr (html, "What is &lt;this&gt;?"));
  g_assert_nonnull (strstr (html, "alt=\"a&lt;b&gt;.png\" src=\"data:image/png;base64,cGl4ZWxz\""));
  g_assert_null (strstr (html, "<script"));
  g_assert_null (strstr (html, "The other answer"));
}

/* What an answer may hold to make a reader's program fetch something. */
static const char hostile[] =
    "![one](http://evil.example/1.png) ![](http://evil.example/2.png \"t\")\n\n"
    "[![three](http://evil.example/3.png)](http://evil.example/page) ![![four](http://evil.example/4.png)][ref]\n\n"
    "[ref]: http://evil.example/5.png\n\n"
    "<img src=\"http://evil.example/6.png\" onerror=\"alert(1)\">\n\n"
    "Text <img src=x onload=alert(1)> <b style=\"background:url(http://evil.example/7.png)\">b</b>\n\n"
    "<link rel=stylesheet href=http://evil.example/8.css>\n<style>@import url(http://evil.example/9.css)</style>\n"
    "<iframe src=http://evil.example/10></iframe>\n<svg/onload=alert(1)>\n\n"
    "[run](javascript:alert(1)) <javascript:alert(2)> [run](JaVaScRiPt:alert(3))\n\n"
    "- ```\n  code\n  ```\n![eleven](http://evil.example/11.png)\n\n"
    "| a |\n|---|\n| ` | ![twelve](http://evil.example/12.png) ` |\n\n"
    "![inside](data:image/png;base64,aGk=)\n";

static const char code[] =
    "```html\n<img src=\"a.png\"> ![a](b)\n```\n\nAfter `x < y`, a <b>word</b>.\n\n![p](http://evil.example/13.png)";

static void
assert_loads_nothing (const char *html)
{
  g_autoptr (GRegex)
      source = g_regex_new ("<[^>]*\\s(src|srcset|background|poster|data)\\s*=\\s*[\"']?+(?!data:image/png)",
                            G_REGEX_CASELESS, 0, NULL);
  g_autoptr (GRegex)
      tag = g_regex_new ("<(script|link|iframe|object|embed|svg|base|video|audio|form)\\b", G_REGEX_CASELESS, 0, NULL);
  g_autoptr (GRegex) handler = g_regex_new ("<[^>]*\\son[a-z]+\\s*=", G_REGEX_CASELESS, 0, NULL);
  g_autoptr (GRegex) script = g_regex_new ("href=[\"']?\\s*javascript:", G_REGEX_CASELESS, 0, NULL);
  g_autoptr (GRegex)
      css = g_regex_new ("<[^>]*style=[^>]*url\\(|<style>[^<]*(url\\(|@import)", G_REGEX_CASELESS, 0, NULL);
  const char *policy = strstr (html, "Content-Security-Policy\" content=\"default-src 'none'");

  g_assert_nonnull (policy);
  g_assert_true (policy < strstr (html, "<title>")); /* before anything of somebody else */
  g_assert_false (g_regex_match (source, html, 0, NULL));
  g_assert_false (g_regex_match (tag, html, 0, NULL));
  g_assert_false (g_regex_match (handler, html, 0, NULL));
  g_assert_false (g_regex_match (script, html, 0, NULL));
  g_assert_false (g_regex_match (css, html, 0, NULL));
}

/* Pictures of other places become links: reading the file tells nobody. */
static void
test_loads_nothing (Fixture *f, gconstpointer data)
{
  g_autoptr (QuernConversation) c = quern_conversation_new ();
  g_autoptr (QuernMessage) question = quern_message_new (QUERN_ROLE_USER, hostile), answer = NULL, other = NULL;
  g_autoptr (GBytes) bytes = g_bytes_new_static ("pixels", 6);
  g_autoptr (QuernAttachment)
      picture = quern_attachment_new ("x\"onerror=\"alert(1)", "image/png\"onerror=\"alert(1)", bytes);
  g_autofree char *html = NULL, *markdown = NULL;
  g_autoptr (GFile) a = NULL, b = NULL;

  quern_conversation_set_title (c, "<img src=http://evil.example/t> ![t](http://evil.example/t.png)", TRUE);
  quern_conversation_set_system_prompt (c, hostile);
  quern_message_add_attachment (question, picture);
  quern_store_append_message (f->store, c, NULL, question);
  answer = quern_message_new (QUERN_ROLE_ASSISTANT, "");
  quern_message_set_text (answer, hostile, hostile);
  quern_message_set_model (answer, "m", "<img src=http://evil.example/m>");
  quern_store_append_message (f->store, c, question, answer);
  other = say (f->store, c, answer, QUERN_ROLE_ASSISTANT, code);

  a = export (f, QUERN_EXPORT_HTML, &html);
  assert_loads_nothing (html);
  for (int i = 1; i <= 4; i++) { /* they can be seen by whoever wants to */
    g_autofree char *link = g_strdup_printf ("evil.example/%d.png", i);
    g_assert_nonnull (strstr (html, link));
  }
  g_assert_nonnull (strstr (html, "<a href=\"http://evil.example/1.png\">one</a>"));
  g_assert_nonnull (strstr (html, "<img src=\"data:image/png;base64,aGk=\""));

  b = export (f, QUERN_EXPORT_MARKDOWN, &markdown);
  g_assert_nonnull (strstr (markdown, "```html\n<img src=\"a.png\"> ![a](b)\n```")); /* code is what it was */
  g_assert_nonnull (strstr (markdown, "After `x < y`, a <b>word</b>."));
  g_assert_null (strstr (markdown, "![o"));
  g_assert_null (strstr (markdown, "![e"));
  g_assert_null (strstr (markdown, "![t"));
  g_assert_null (strstr (markdown, "![p"));
  g_assert_null (strstr (markdown, "![]"));
  g_assert_nonnull (strstr (markdown, "\\<img src=\"http"));
  g_assert_nonnull (strstr (markdown, "\\<style>"));
  g_assert_nonnull (strstr (markdown, "# \\<img src=http://evil.example/t> [t]("));
}

/* ---- memory ---------------------------------------------------------------------------------------------------- */

static gsize
status_bytes (const char *name)
{
  g_autofree char *text = NULL;
  const char *line;

  g_assert_true (g_file_get_contents ("/proc/self/status", &text, NULL, NULL));
  line = strstr (text, name);
  return line ? (gsize) g_ascii_strtoull (line + strlen (name), NULL, 10) * 1024 : 0;
}

/* What is needed beyond what is there now, at its highest. */
static gsize
begin_peak (void)
{
  g_assert_true (g_file_set_contents_full ("/proc/self/clear_refs", "5", 1, 0, 0, NULL));
  return status_bytes ("VmRSS:");
}

#define ANSWER_BYTES (8u << 20)

static const struct {
  const char *name, *part;
} shapes[] = {
  { "paragraphs", "Some **bold** words of a paragraph, and a [link](http://a.example).\n\n" },
  { "one line", "words *without* an end, " },
  { "one block of code", "if (a < b) { x = `y`; }\n" },
};

/* An answer of megabytes takes some times its size, not a hundred times; nothing of it is missing. */
static void
test_memory (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < G_N_ELEMENTS (shapes); i++) {
    g_autoptr (QuernConversation) c = quern_conversation_new ();
    g_autoptr (GString) text = g_string_new (i == 2 ? "```c\n" : "");
    g_autoptr (QuernMessage) question = NULL, answer = NULL;
    while (text->len < ANSWER_BYTES)
      g_string_append (text, shapes[i].part);
    g_string_append (text, i == 2 ? "```\n\nThe **end**." : "\n\nThe **end**.");
    question = say (f->store, c, NULL, QUERN_ROLE_USER, "A long answer, please");
    answer = say (f->store, c, question, QUERN_ROLE_ASSISTANT, text->str);
    g_string_truncate (text, 0);
    for (int format = QUERN_EXPORT_MARKDOWN; format <= QUERN_EXPORT_HTML; format++) {
      g_autoptr (GFile) file = g_file_new_build_filename (f->folder, "long", NULL);
      g_autoptr (GAsyncResult) result = NULL;
      g_autofree char *out = NULL;
      gsize before = begin_peak (), taken, size;
      quern_export_async (f->store, quern_store_get_conversations (f->store), format, file, NULL, test_result_cb,
                          &result);
      test_wait_result (&result);
      g_assert_true (quern_export_finish (result, NULL));
      taken = status_bytes ("VmHWM:") - before;
      g_test_message ("%u MB of %s as %s: %.1f MB", ANSWER_BYTES >> 20, shapes[i].name, quern_export_extension (format),
                      (double) taken / (1 << 20));
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
      g_assert_cmpuint (taken, <, 10 * ANSWER_BYTES);
#endif
      g_assert_true (g_file_load_contents (file, NULL, &out, &size, NULL, NULL));
      g_assert_cmpuint (size, >, ANSWER_BYTES);
      g_assert_nonnull (strstr (out, format == QUERN_EXPORT_HTML ? "<strong>end</strong>" : "The **end**."));
    }
    quern_store_delete_conversation (f->store, c);
  }
}

/* An export that cannot be finished leaves the file that was there, and no other. */
static void
test_cancelled (Fixture *f, gconstpointer data)
{
  g_autoptr (GFile) there = g_file_new_build_filename (f->folder, "there", NULL);
  g_autoptr (GFile) not_there = g_file_new_build_filename (f->folder, "not-there", NULL);
  g_autofree char *text = NULL;

  g_assert_true (g_file_replace_contents (there, "before", 6, NULL, FALSE, 0, NULL, NULL, NULL));
  for (guint i = 0; i < 2; i++) {
    g_autoptr (GAsyncResult) result = NULL;
    g_autoptr (GError) error = NULL;
    quern_database_close (quern_store_get_database (f->store)); /* the messages cannot be read */
    quern_export_async (f->store, quern_store_get_conversations (f->store), QUERN_EXPORT_JSON, i ? not_there : there,
                        NULL, test_result_cb, &result);
    test_wait_result (&result);
    g_assert_false (quern_export_finish (result, &error));
    g_assert_error (error, QUERN_DATABASE_ERROR, QUERN_DATABASE_ERROR_CLOSED);
  }
  g_assert_true (g_file_load_contents (there, NULL, &text, NULL, NULL, NULL));
  g_assert_cmpstr (text, ==, "before");
  g_assert_false (g_file_query_exists (not_there, NULL));
}

static void
test_openai (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) added = import_text (
      f,
      "[{\"title\": \"Sky\", \"create_time\": 1700000000.5, \"current_node\": \"c\", \"mapping\": {"
      "\"r\": {\"parent\": null, \"message\": null},"
      "\"a\": {\"parent\": \"r\", \"message\": {\"author\": {\"role\": \"user\"}, \"create_time\": 1700000001,"
      " \"content\": {\"content_type\": \"text\", \"parts\": [\"Why is it blue?\"]}}},"
      "\"b\": {\"parent\": \"a\", \"message\": {\"author\": {\"role\": \"assistant\"},"
      " \"content\": {\"parts\": [\"Not shown\"]}}},"
      "\"c\": {\"parent\": \"a\", \"message\": {\"author\": {\"role\": \"assistant\"},"
      " \"metadata\": {\"model_slug\": \"gpt\"}, \"content\": {\"parts\": [\"Scattering.\", {\"image\": 1}]}}}}}]",
      &error);
  g_autoptr (GPtrArray) path = NULL;

  g_assert_no_error (error);
  g_assert_cmpuint (added->len, ==, 1);
  g_assert_cmpstr (quern_conversation_get_title (added->pdata[0]), ==, "Sky");
  path = load_path (f->store, added->pdata[0]);
  g_assert_cmpuint (path->len, ==, 2);
  g_assert_cmpint (quern_message_get_created (path->pdata[0]), ==, 1700000001 * G_GINT64_CONSTANT (1000000));
  g_assert_cmpstr (quern_message_get_content (path->pdata[1]), ==, "Scattering.");
  g_assert_cmpuint (quern_message_get_sibling_count (path->pdata[1]), ==, 2); /* “Not shown” is there */
  g_assert_nonnull (strstr (f->report, "1 attachment"));
  g_assert_cmpint (quern_conversation_get_created (added->pdata[0]), ==, 1700000000 * G_GINT64_CONSTANT (1000000));
  g_assert_cmpstr (quern_message_get_model_title (path->pdata[1]), ==, "gpt");
}

static void
test_lmstudio (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) added = import_text (
      f,
      "{\"name\": \"Sums\", \"systemPrompt\": \"Count.\", \"messages\": ["
      "{\"currentlySelected\": 1, \"versions\": [{\"type\": \"singleStep\", \"role\": \"user\","
      " \"content\": [{\"type\": \"text\", \"text\": \"1+1\"}]}, {\"type\": \"singleStep\", \"role\": \"user\","
      " \"content\": [{\"type\": \"text\", \"text\": \"1+2\"}]}]},"
      "{\"currentlySelected\": 0, \"versions\": [{\"type\": \"multiStep\", \"role\": \"assistant\", \"steps\": ["
      "{\"type\": \"contentBlock\", \"style\": {\"type\": \"thinking\"}, \"content\": [{\"text\": \"Easy\"}]},"
      "{\"type\": \"contentBlock\", \"content\": [{\"text\": \"3\"}]}]}]},"
      "{\"currentlySelected\": -7, \"versions\": []}, 5]}",
      &error);
  g_autoptr (GPtrArray) path = NULL;

  g_assert_no_error (error);
  path = load_path (f->store, added->pdata[0]);
  g_assert_cmpuint (path->len, ==, 2);
  g_assert_cmpstr (quern_conversation_get_system_prompt (added->pdata[0]), ==, "Count.");
  g_assert_cmpstr (quern_message_get_content (path->pdata[0]), ==, "1+2");
  g_assert_cmpuint (quern_message_get_sibling_count (path->pdata[0]), ==, 2);
  g_assert_nonnull (strstr (f->report, "2 messages"));
  g_assert_cmpstr (quern_message_get_content (path->pdata[1]), ==, "3");
  g_assert_cmpstr (quern_message_get_reasoning (path->pdata[1]), ==, "Easy");
}

/* Files that are something else, or wrong inside, add nothing and say why. */
static void
test_bad_files (Fixture *f, gconstpointer data)
{
  static const struct {
    const char *text;
    QuernImportError code;
  } cases[] = {
    { "", QUERN_IMPORT_ERROR_UNKNOWN },
    { "no JSON", QUERN_IMPORT_ERROR_UNKNOWN },
    { "{\"conversations\": 3}", QUERN_IMPORT_ERROR_UNKNOWN },
    { "[1, null, {\"mapping\": []}]", QUERN_IMPORT_ERROR_UNKNOWN },
    { "{\"quern\": 99, \"conversations\": []}", QUERN_IMPORT_ERROR_NEWER },
    { "{\"quern\": 1, \"conversations\": [7, {\"messages\": {}}, {\"messages\": []}]}", QUERN_IMPORT_ERROR_EMPTY },
    { "[{\"current_node\": \"a\", \"mapping\": {\"a\": {\"parent\": \"a\"}}}]", QUERN_IMPORT_ERROR_EMPTY },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (GPtrArray) added = import_text (f, cases[i].text, &error);
    g_assert_null (added);
    g_assert_error (error, QUERN_IMPORT_ERROR, (int) cases[i].code);
    g_assert_cmpuint (g_list_model_get_n_items (quern_store_get_conversations (f->store)), ==, 1);
  }
}

/* A file of a stranger that would take more memory than there is, or more stack, is refused without being parsed. */
static void
test_too_large (Fixture *f, gconstpointer data)
{
  g_autofree char *deep = g_strnfill (1000000, '['), *many = g_strnfill (40000000, ',');
  g_autofree char *escaped = g_strdup ("{\"quern\":1,\"conversations\":[{\"messages\":[{\"content\":\"a\\\\\"},"
                                       "{\"content\":\"[[\\\"[[\"}]}]}");
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) added = NULL;

  g_assert_null (import_text (f, deep, &error));
  g_assert_error (error, QUERN_IMPORT_ERROR, QUERN_IMPORT_ERROR_TOO_LARGE);
  g_clear_error (&error);
  many[0] = '[';
  for (gsize i = 1; many[i] && many[i + 1]; i += 2)
    many[i] = '0';
  g_assert_null (import_text (f, many, &error));
  g_assert_error (error, QUERN_IMPORT_ERROR, QUERN_IMPORT_ERROR_TOO_LARGE);
  g_clear_error (&error);
  added = import_text (f, escaped, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (added->len, ==, 1);
}

/* What the window puts on the clipboard beside the Markdown itself. */
static void
test_formatted (void)
{
  g_autofree char *html = quern_export_dup_html ("# Heading\n\n**bold** and `code`\n\n| x |\n|---|\n| 1 |\n\n"
                                                 "<script>alert (1)</script>\n\n![a](https://example.com/a.png)\n");
  g_autofree char *empty = quern_export_dup_html ("");

  g_assert_nonnull (strstr (html, "<h1>Heading</h1>"));
  g_assert_nonnull (strstr (html, "<strong>bold</strong> and <code>code</code>"));
  g_assert_nonnull (strstr (html, "<td>1</td>"));
  g_assert_null (strstr (html, "<script"));
  g_assert_null (strstr (html, "<img"));
  g_assert_cmpstr (empty, ==, "");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/export/round-trip", Fixture, NULL, setup, test_round_trip, teardown);
  g_test_add ("/export/text", Fixture, NULL, setup, test_text, teardown);
  g_test_add ("/export/loads-nothing", Fixture, NULL, setup, test_loads_nothing, teardown);
  g_test_add_func ("/export/formatted", test_formatted);
  g_test_add ("/export/memory", Fixture, NULL, setup, test_memory, teardown);
  g_test_add ("/export/cancelled", Fixture, NULL, setup, test_cancelled, teardown);
  g_test_add ("/import/too-large", Fixture, NULL, setup, test_too_large, teardown);
  g_test_add ("/import/openai", Fixture, NULL, setup, test_openai, teardown);
  g_test_add ("/import/lm-studio", Fixture, NULL, setup, test_lmstudio, teardown);
  g_test_add ("/import/bad-files", Fixture, NULL, setup, test_bad_files, teardown);
  return g_test_run ();
}
