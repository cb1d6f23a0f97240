/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "quern-import.h"
#include "test-util.h"

/* Conversations of other programs, in the shapes that these write, several files at once, and files that are hostile. ChatGPT's
 * and LM Studio's are in test-export.c. */

typedef struct {
  char *folder;
  QuernStore *store;
  char *report; /* of the last import, or NULL */
} Fixture;

static void
setup (Fixture *f, gconstpointer data)
{
  f->folder = test_folder ();
  f->store = quern_store_open_in_memory ();
}

static void
teardown (Fixture *f, gconstpointer data)
{
  quern_store_close (f->store);
  g_clear_object (&f->store);
  test_remove_folder (f->folder);
  g_free (f->report);
  g_free (f->folder);
}

static GFile *
write_file (Fixture *f, const char *name, const char *text)
{
  GFile *file = g_file_new_build_filename (f->folder, name, NULL);

  g_assert_true (g_file_replace_contents (file, text, strlen (text), NULL, FALSE, 0, NULL, NULL, NULL));
  return file;
}

/* Imports files of the folder, whose names end with NULL. */
static GPtrArray *
import_files (Fixture *f, GError **error, const char *const *names)
{
  g_autoptr (GListStore) files = g_list_store_new (G_TYPE_FILE);
  g_autoptr (GAsyncResult) result = NULL;

  for (; *names; names++) {
    g_autoptr (GFile) file = g_file_new_build_filename (f->folder, *names, NULL);
    g_list_store_append (files, file);
  }
  quern_import_files_async (f->store, G_LIST_MODEL (files), NULL, NULL, NULL, test_result_cb, &result);
  test_wait_result (&result);
  g_set_str (&f->report, quern_import_files_get_report (result));
  return quern_import_files_finish (result, error);
}

static GPtrArray *
import_text (Fixture *f, const char *name, const char *text, GError **error)
{
  g_autoptr (GFile) file = write_file (f, name, text);
  const char *names[] = { name, NULL };

  return import_files (f, error, names);
}

static GPtrArray *
load_path (Fixture *f, QuernConversation *conversation)
{
  g_autoptr (GAsyncResult) result = NULL;

  quern_store_load_path_async (f->store, conversation, NULL, test_result_cb, &result);
  test_wait_result (&result);
  return quern_store_load_path_finish (f->store, result, NULL);
}

/* The only conversation of a text, with its path. */
static QuernConversation *
import_one (Fixture *f, const char *name, const char *text, GPtrArray **path)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) added = import_text (f, name, text, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (added->len, ==, 1);
  *path = load_path (f, added->pdata[0]);
  return g_object_ref (added->pdata[0]);
}

static const char *
content (GPtrArray *path, guint position)
{
  g_assert_cmpuint (position, <, path->len);
  return quern_message_get_content (path->pdata[position]);
}

static void
assert_attachment (QuernMessage *message, guint position, const char *name, const char *type, const char *text)
{
  g_autoptr (QuernAttachment) attachment = g_list_model_get_item (quern_message_get_attachments (message), position);
  g_autofree char *hash = g_compute_checksum_for_string (G_CHECKSUM_SHA256, text, -1);

  g_assert_nonnull (attachment);
  g_assert_cmpstr (quern_attachment_get_name (attachment), ==, name);
  g_assert_cmpstr (quern_attachment_get_mime (attachment), ==, type);
  g_assert_cmpstr (quern_attachment_get_hash (attachment), ==, hash);
}

#define OPEN_WEBUI                                                                                                        \
  "[{\"id\": \"1\", \"user_id\": \"u\", \"title\": \"Sky\", \"created_at\": 1700000000, \"updated_at\": 1700000009,"      \
  " \"pinned\": false, \"meta\": {\"tags\": []}, \"chat\": {\"title\": \"Sky\", \"models\": [\"qwen\"],"                  \
  " \"params\": {\"system\": \"Be brief.\"}, \"messages\": [], \"timestamp\": 1700000000123, \"history\": {"              \
  "\"currentId\": \"c\", \"messages\": {"                                                                                 \
  "\"a\": {\"id\": \"a\", \"parentId\": null, \"childrenIds\": [\"b\", \"c\"], \"role\": \"user\","                       \
  " \"content\": \"Why is it blue?\", \"timestamp\": 1700000001,"                                                         \
  " \"files\": [{\"type\": \"image\", \"url\": \"data:image/png;base64,cGl4ZWxz\"},"                                      \
  " {\"type\": \"file\", \"name\": \"a.pdf\", \"url\": \"https://example.com/a.pdf\"}]},"                                 \
  "\"b\": {\"id\": \"b\", \"parentId\": \"a\", \"childrenIds\": [], \"role\": \"assistant\","                             \
  " \"content\": \"Not shown\", \"model\": \"qwen\"},"                                                                    \
  "\"c\": {\"id\": \"c\", \"parentId\": \"a\", \"childrenIds\": [], \"role\": \"assistant\", \"model\": \"qwen3.5\","     \
  " \"modelName\": \"Qwen 3.5\", \"content\": \"<details type=\\\"reasoning\\\" done=\\\"true\\\" duration=\\\"2\\\">\\n" \
  "<summary>Thought for 2 seconds</summary>\\n&gt; not this\\n> a &lt; b\\n> &amp;lt;\\n</details>\\nScattering.\"}"      \
  "}}}}]"

static void
test_open_webui (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) path = NULL;
  g_autoptr (QuernConversation) c = import_one (f, "chats.json", OPEN_WEBUI, &path);

  g_assert_cmpstr (quern_conversation_get_title (c), ==, "Sky");
  g_assert_cmpstr (quern_conversation_get_system_prompt (c), ==, "Be brief.");
  g_assert_cmpint (quern_conversation_get_created (c), ==, 1700000000 * G_GINT64_CONSTANT (1000000));
  g_assert_cmpuint (path->len, ==, 2);
  g_assert_cmpstr (content (path, 0), ==, "Why is it blue?");
  assert_attachment (path->pdata[0], 0, "image", "image/png", "pixels");
  g_assert_cmpstr (content (path, 1), ==, "Scattering.");
  g_assert_cmpstr (quern_message_get_reasoning (path->pdata[1]), ==, "> not this\na < b\n&lt;");
  g_assert_cmpstr (quern_message_get_model_title (path->pdata[1]), ==, "Qwen 3.5");
  g_assert_cmpuint (quern_message_get_sibling_count (path->pdata[1]), ==, 2); /* “Not shown” is there */
  g_assert_nonnull (strstr (f->report, "1 attachment"));                      /* the PDF is elsewhere */
}

static void
test_llama (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) path = NULL;
  g_autoptr (QuernConversation) c = import_one (
      f, "llama.json",
      "{\"conv\": {\"id\": \"v\", \"name\": \"Sums\", \"lastModified\": 1700000005000, \"currNode\": \"4\"}, \"messages\": ["
      "{\"id\": \"0\", \"convId\": \"v\", \"type\": \"root\", \"role\": \"system\", \"content\": \"\", \"parent\": null,"
      " \"children\": [\"1\"]},"
      "{\"id\": \"1\", \"type\": \"text\", \"role\": \"system\", \"content\": \"Count.\", \"parent\": \"0\"},"
      "{\"id\": \"2\", \"type\": \"text\", \"role\": \"user\", \"content\": \"1+1\", \"parent\": \"1\","
      " \"timestamp\": 1700000001000, \"extra\": [{\"type\": \"textFile\", \"name\": \"n.txt\", \"content\": \"two\"},"
      " {\"type\": \"IMAGE\", \"name\": \"p.png\", \"base64Url\": \"data:image/png;base64,cGl4ZWxz\"},"
      " {\"type\": \"audioFile\", \"name\": \"a.mp3\", \"base64Data\": \"AAAA\", \"mimeType\": \"audio/mpeg\"}]},"
      "{\"id\": \"3\", \"type\": \"text\", \"role\": \"assistant\", \"content\": \"3\", \"parent\": \"2\"},"
      "{\"id\": \"4\", \"type\": \"text\", \"role\": \"assistant\", \"content\": \"2\", \"parent\": \"2\","
      " \"thinking\": \"Easy\", \"model\": \"m\"}]}",
      &path);

  g_assert_cmpstr (quern_conversation_get_title (c), ==, "Sums");
  g_assert_cmpstr (quern_conversation_get_system_prompt (c), ==, "Count.");
  g_assert_cmpuint (path->len, ==, 2);
  assert_attachment (path->pdata[0], 0, "n.txt", "text/plain", "two");
  assert_attachment (path->pdata[0], 1, "p.png", "image/png", "pixels");
  g_assert_cmpstr (content (path, 1), ==, "2");
  g_assert_cmpstr (quern_message_get_reasoning (path->pdata[1]), ==, "Easy");
  g_assert_cmpuint (quern_message_get_sibling_count (path->pdata[1]), ==, 2);
  g_assert_nonnull (strstr (f->report, "1 attachment"));
}

static void
test_claude (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) path = NULL, old = NULL;
  g_autoptr (QuernConversation) c = import_one (
      f, "conversations.json",
      "[{\"uuid\": \"x\", \"name\": \"Tea\", \"created_at\": \"2025-03-01T10:00:00.5Z\", \"updated_at\":"
      " \"2025-03-01T10:05:00Z\", \"account\": {\"uuid\": \"y\"}, \"chat_messages\": ["
      "{\"uuid\": \"a\", \"parent_message_uuid\": \"00000000-0000-4000-8000-000000000000\", \"sender\": \"human\","
      " \"text\": \"How?\", \"content\": [{\"type\": \"text\", \"text\": \"How?\"}], \"created_at\":"
      " \"2025-03-01T10:00:01Z\", \"attachments\": [{\"file_name\": \"leaf.md\", \"file_size\": 4, \"file_type\": \"md\","
      " \"extracted_content\": \"Leaf\"}], \"files\": [{\"file_name\": \"cup.png\"}]},"
      "{\"uuid\": \"b\", \"parent_message_uuid\": \"a\", \"sender\": \"assistant\", \"text\": \"Cold.\","
      " \"content\": [{\"type\": \"text\", \"text\": \"Cold.\"}], \"attachments\": [], \"files\": []},"
      "{\"uuid\": \"c\", \"parent_message_uuid\": \"a\", \"sender\": \"assistant\", \"text\": \"\", \"content\": ["
      "{\"type\": \"thinking\", \"thinking\": \"Water\"}, {\"type\": \"text\", \"text\": \"Hot.\"},"
      " {\"type\": \"tool_use\", \"name\": \"kettle\", \"input\": {}}, {\"type\": \"text\", \"text\": \"Steep.\"}]}]}]",
      &path);
  g_autoptr (QuernConversation) d = NULL;

  g_assert_cmpstr (quern_conversation_get_title (c), ==, "Tea");
  g_assert_cmpuint (path->len, ==, 2);
  assert_attachment (path->pdata[0], 0, "leaf.md", "text/plain", "Leaf");
  g_assert_cmpstr (content (path, 1), ==, "Hot.\n\nSteep.");
  g_assert_cmpstr (quern_message_get_reasoning (path->pdata[1]), ==, "Water");
  g_assert_cmpuint (quern_message_get_sibling_count (path->pdata[1]), ==, 2);
  g_assert_nonnull (strstr (f->report, "1 message that is not text"));
  g_assert_nonnull (strstr (f->report, "1 attachment"));
  /* Old ones have no branches, and their text is not in parts. */
  d = import_one (f, "old.json",
                  "[{\"uuid\": \"x\", \"name\": \"Old\", \"chat_messages\": [{\"uuid\": \"a\", \"sender\": \"human\","
                  " \"text\": \"1\"}, {\"uuid\": \"b\", \"sender\": \"assistant\", \"text\": \"2\"},"
                  " {\"uuid\": \"c\", \"sender\": \"human\", \"text\": \"3\"}]}]",
                  &old);
  g_assert_cmpuint (old->len, ==, 3);
  g_assert_cmpstr (content (old, 2), ==, "3");
  g_assert_null (f->report);
}

#define JAN_LINE(role, type, text, time)                                                                               \
  "{\"id\":\"m\",\"object\":\"thread.message\",\"thread_id\":\"t\",\"role\":\"" role                                   \
  "\",\"content\":[{\"type\":\"" type "\",\"text\":{\"value\":\"" text                                                 \
  "\",\"annotations\":[]}}],\"status\":\"ready\",\"created_at\":" time "}\n"

static void
test_jan (Fixture *f, gconstpointer data)
{
  g_autoptr (GFile)
      thread = write_file (f, "thread.json",
                           "{\"id\": \"t\", \"object\": \"thread\", \"title\": \"Physics\", \"created\":"
                           " 1700000000, \"updated\": 1700000003, \"assistants\": [{\"assistant_id\": \"jan\","
                           " \"instructions\": \"Joke.\"}]}");
  g_autoptr (GPtrArray) path = NULL, alone = NULL;
  g_autoptr (QuernConversation) c = import_one (f, "messages.jsonl",
                                                JAN_LINE ("user", "text", "Hi {a}!", "1700000001000")
                                                    JAN_LINE ("assistant", "text", "Ho.", "1700000002000"),
                                                &path);
  g_autoptr (QuernConversation) d = NULL;

  g_assert_cmpstr (quern_conversation_get_title (c), ==, "Physics");
  g_assert_cmpstr (quern_conversation_get_system_prompt (c), ==, "Joke.");
  g_assert_cmpuint (path->len, ==, 2);
  g_assert_cmpstr (content (path, 0), ==, "Hi {a}!");
  g_assert_cmpint (quern_message_get_created (path->pdata[1]), ==, 1700000002 * G_GINT64_CONSTANT (1000000));
  g_assert_true (g_file_delete (thread, NULL, NULL));
  d = import_one (f, "messages.jsonl", JAN_LINE ("user", "text", "Alone", "1700000001"), &alone);
  g_assert_cmpstr (quern_conversation_get_title (d), ==, "Alone");
  g_assert_cmpuint (alone->len, ==, 1);
}

/* What programs send to OpenAI's interface: an object, a list, and lines of them. */
static void
test_messages (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) path = NULL, list = NULL, added = NULL;
  g_autoptr (QuernConversation)
      c = import_one (f, "request.json",
                      "{\"model\": \"m\", \"messages\": [{\"role\": \"system\", \"content\": \"Be brief.\"},"
                      " {\"role\": \"user\", \"content\": [{\"type\": \"text\", \"text\": \"What is\\nthis?\"},"
                      " {\"type\": \"image_url\", \"image_url\": {\"url\": \"data:image/png;base64,cGl4ZWxz\"}},"
                      " {\"type\": \"image_url\", \"image_url\": {\"url\": \"https://example.com/a.png\"}}]},"
                      " {\"role\": \"assistant\", \"reasoning_content\": \"Hm.\", \"content\": \"A cat.\"},"
                      " {\"role\": \"tool\", \"content\": \"{}\"}]}",
                      &path);
  g_autoptr (QuernConversation) d = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_cmpstr (quern_conversation_get_title (c), ==, "What is this?");
  g_assert_cmpstr (quern_conversation_get_system_prompt (c), ==, "Be brief.");
  g_assert_cmpuint (path->len, ==, 2);
  assert_attachment (path->pdata[0], 0, "image", "image/png", "pixels");
  g_assert_cmpstr (content (path, 1), ==, "A cat.");
  g_assert_cmpstr (quern_message_get_reasoning (path->pdata[1]), ==, "Hm.");
  g_assert_nonnull (strstr (f->report, "1 message that is not text"));
  g_assert_nonnull (strstr (f->report, "1 attachment"));
  d = import_one (f, "list.json",
                  "[{\"role\": \"user\", \"content\": \"} {\"}, {\"role\": \"assistant\", \"content\": \"B\"}]", &list);
  g_assert_cmpuint (list->len, ==, 2);
  g_assert_cmpstr (content (list, 0), ==, "} {");
  added = import_text (f, "training.jsonl",
                       "{\"messages\": [{\"role\": \"user\", \"content\": \"One\"}]}\r\n"
                       "{\"messages\": [{\"role\": \"user\", \"content\": \"Two\"}]}\r\n\r\n",
                       &error);
  g_assert_no_error (error);
  g_assert_cmpuint (added->len, ==, 2);
  g_assert_cmpstr (quern_conversation_get_title (added->pdata[1]), ==, "Two");
}

/* Each file that can be read is imported, and what is wrong with the others is said with their names. */
static void
test_several (Fixture *f, gconstpointer data)
{
  const char *names[] = { "one.json", "broken.json", "two.json", NULL }, *bad[] = { "broken.json", "gone.json", NULL };
  g_autoptr (GFile) one = write_file (f, "one.json", "[{\"role\": \"user\", \"content\": \"A\"}]");
  g_autoptr (GFile) broken = write_file (f, "broken.json", "[{\"role\": \"user\",");
  g_autoptr (GFile) two = write_file (f, "two.json", OPEN_WEBUI);
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) added = import_files (f, &error, names);

  g_assert_no_error (error);
  g_assert_cmpuint (added->len, ==, 2);
  g_assert_cmpstr (quern_conversation_get_title (added->pdata[0]), ==, "A");
  g_assert_nonnull (strstr (f->report, "broken.json: This file has no conversations in it."));
  g_assert_nonnull (strstr (f->report, "two.json: 1 conversation"));
  g_assert_null (strstr (f->report, "one.json"));
  g_assert_null (import_files (f, &error, bad));
  g_assert_nonnull (strstr (error->message, "broken.json: "));
  g_assert_nonnull (strstr (error->message, "gone.json: "));
  g_assert_cmpuint (g_list_model_get_n_items (quern_store_get_conversations (f->store)), ==, 2);
}

/* Circles, missing parents, wrong types: what is sound is taken, nothing hangs. */
static void
test_hostile (Fixture *f, gconstpointer data)
{
  static const struct {
    const char *text;
    guint n_conversations; /* 0: refused */
  } cases[] = {
    { "[{\"chat\": {\"history\": {\"currentId\": \"a\", \"messages\": {\"a\": {\"parentId\": \"b\", \"role\": \"user\","
      " \"content\": \"A\"}, \"b\": {\"parentId\": \"a\", \"role\": \"user\", \"content\": \"B\"}}}}}]",
      1 },
    { "[{\"chat\": {\"history\": {\"currentId\": 7, \"messages\": {\"a\": 3, \"b\": {\"role\": [], \"content\": {}}}}}}]",
      0 },
    { "[{\"chat\": {\"history\": {\"messages\": {\"a\": {\"role\": \"assistant\", \"content\":"
      " \"<details type=\\\"reasoning\\\"\"}}}}}]",
      1 },
    { "{\"conv\": {\"currNode\": \"1\"}, \"messages\": [{\"id\": \"1\", \"parent\": \"1\", \"role\": \"user\", \"content\":"
      " \"A\"}, 3, null, {\"id\": \"1\", \"role\": \"user\", \"content\": \"again\"}, {\"role\": \"user\"}]}",
      1 },
    { "{\"conv\": {}, \"messages\": [{\"id\": \"1\", \"parent\": \"9\", \"role\": \"user\", \"content\": \"A\","
      " \"extra\": [1, {}, {\"base64Url\": \"data:;base64,!!\"}, {\"base64Url\": \"data:image/png\"}]}]}",
      1 },
    { "[{\"chat_messages\": [null, {\"uuid\": \"a\", \"sender\": \"human\", \"text\": \"A\", \"parent_message_uuid\": \"a\","
      " \"content\": \"no list\", \"attachments\": [7], \"files\": {}}]}]",
      1 },
    { "[{\"chat_messages\": {}}, {\"chat\": {\"history\": []}}, {\"conv\": []}]", 0 },
    { "{\"messages\": [{\"role\": \"user\", \"content\": null}]}", 0 },
    { "{\"messages\": [{\"role\": \"user\", \"content\": [7, {\"type\": \"text\"}, {\"type\": \"text\", \"text\": \"A\"}]}]}",
      1 },
    { "{\"object\": \"thread.message\"}\n{\"object\": \"thread.message\", \"role\": \"user\", \"content\": \"A\"}\n",
      1 },
    { "{\"object\": \"thread.message\"}\nno JSON\n{", 0 },
    { "{}\n{}\n", 0 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (GPtrArray) added = import_text (f, "hostile.json", cases[i].text, &error);
    g_test_message ("case %u: %s", i, error ? error->message : f->report ? f->report : "");
    g_assert_cmpuint (added ? added->len : 0, ==, cases[i].n_conversations);
    if (!added)
      g_assert_true (error->domain == QUERN_IMPORT_ERROR);
    for (guint j = 0; added && j < added->len; j++) {
      g_autoptr (GPtrArray) path = load_path (f, added->pdata[j]);
      g_assert_cmpuint (path->len, >, 0);
    }
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/import/open-webui", Fixture, NULL, setup, test_open_webui, teardown);
  g_test_add ("/import/llama", Fixture, NULL, setup, test_llama, teardown);
  g_test_add ("/import/claude", Fixture, NULL, setup, test_claude, teardown);
  g_test_add ("/import/jan", Fixture, NULL, setup, test_jan, teardown);
  g_test_add ("/import/messages", Fixture, NULL, setup, test_messages, teardown);
  g_test_add ("/import/several-files", Fixture, NULL, setup, test_several, teardown);
  g_test_add ("/import/hostile", Fixture, NULL, setup, test_hostile, teardown);
  return g_test_run ();
}
