/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <json-glib/json-glib.h>
#include <math.h>
#include <string.h>

#include "quern-answer-parser.h"
#include "quern-json-util.h"
#include "quern-server-address.h"
#include "quern-server-call.h"

/* What needs no server: addresses, events, answers and requests as text. The rest is in test-remote-servers.c. */

/* ---- addresses ------------------------------------------------------------------------------------------------- */

/* The candidates, separated by spaces. */
static char *
dup_candidates (const char *text)
{
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) candidates = quern_server_address_candidates (text, &error);

  g_assert_no_error (error);
  return g_strjoinv (" ", candidates);
}

static void
test_addresses (void)
{
  static const struct {
    const char *pasted, *candidates;
  } cases[] = {
    /* Whole: tried as it is, without the tail of an interface. */
    { "http://192.168.1.5:8080", "http://192.168.1.5:8080" },
    { "http://192.168.1.5:8080/", "http://192.168.1.5:8080" },
    { "http://192.168.1.5:8080/v1", "http://192.168.1.5:8080" },
    { "http://192.168.1.5:8080/v1/", "http://192.168.1.5:8080" },
    { "http://192.168.1.5:8080/v1/chat/completions", "http://192.168.1.5:8080" },
    { "http://192.168.1.5:8080/v1/models", "http://192.168.1.5:8080" },
    { "http://192.168.1.5:8080/health", "http://192.168.1.5:8080" },
    { "http://192.168.1.5:8080/#/chat/17", "http://192.168.1.5:8080" },
    { "http://192.168.1.5:8080/v1?model=x", "http://192.168.1.5:8080" },
    { "http://localhost:11434/api/chat", "http://localhost:11434" },
    { "http://localhost:1234/api/v0", "http://localhost:1234" },
    { "HTTP://LocalHost:1234", "http://localhost:1234" },
    { "https://example.org", "https://example.org" },
    { "https://example.org:443/v1", "https://example.org" },
    { "https://example.org/llm//v1//", "https://example.org/llm" },
    { "https://example.org/openai/v1", "https://example.org/openai" },
    { "  \"https://example.org/v1\"\n", "https://example.org" },
    { "<https://example.org/v1>", "https://example.org" },
    /* "/api" belongs to some addresses and not to others. */
    { "https://example.org/api/v1", "https://example.org/api https://example.org" },
    { "http://localhost:1234/api/v1", "http://localhost:1234/api http://localhost:1234" },
    /* Without a scheme: by the kind of network. */
    { "192.168.1.5:8000", "http://192.168.1.5:8000 https://192.168.1.5:8000" },
    { "gpu:8000", "http://gpu:8000 https://gpu:8000" },
    { "100.100.1.2:8000", "http://100.100.1.2:8000 https://100.100.1.2:8000" },
    { "gpu.local:8443", "https://gpu.local:8443 http://gpu.local:8443" },
    { "example.org:8000", "https://example.org:8000 http://example.org:8000" },
    { "example.org/v1", "https://example.org http://example.org" },
    /* IPv6, with and without its brackets. */
    { "[::1]:8080", "http://[::1]:8080 https://[::1]:8080" },
    { "http://[fd00::5]:8000/v1", "http://[fd00::5]:8000" },
    { "http://[::]:8000", "http://[::1]:8000" },
    { "http://0.0.0.0:8000/v1", "http://127.0.0.1:8000" },
    /* A port is one of this computer. */
    { "8080", "http://localhost:8080 https://localhost:8080" },
    { ":8080/v1", "http://localhost:8080 https://localhost:8080" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *candidates = dup_candidates (cases[i].pasted);

    g_assert_cmpstr (candidates, ==, cases[i].candidates);
  }
}

/* Where neither scheme nor port are given, the ports at which servers listen by themselves are tried on local hosts. */
static void
test_address_ports (void)
{
  g_autofree char *local = dup_candidates ("gpu"), *scheme = dup_candidates ("http://gpu/v1"),
                  *six = dup_candidates ("::1");
  g_auto (GStrv) own = quern_server_address_local_candidates ();
  g_autofree char *all = g_strjoinv (" ", own);

  g_assert_cmpstr (local, ==,
                   "http://gpu:9931 http://gpu:8080 http://gpu:8000 http://gpu:30000 http://gpu:11434 http://gpu:1234"
                   " http://gpu:1337 http://gpu:5001 http://gpu https://gpu");
  g_assert_true (g_str_has_prefix (scheme, "http://gpu http://gpu:9931 "));
  g_assert_true (g_str_has_prefix (six, "http://[::1]:9931 "));
  g_assert_cmpstr (all, ==,
                   "http://127.0.0.1:9931 http://127.0.0.1:8080 http://127.0.0.1:8000 http://127.0.0.1:30000"
                   " http://127.0.0.1:11434 http://127.0.0.1:1234 http://127.0.0.1:1337 http://127.0.0.1:5001");
}

static void
test_wrong_addresses (void)
{
  static const char *const none[] = { "",
                                      " ",
                                      "http://",
                                      "http:/localhost",
                                      "ftp://example.org",
                                      "a b",
                                      "http://a b/",
                                      "http://x:99999",
                                      "http://x:0",
                                      "http://exa\xff.org",
                                      "file:///x",
                                      "a\\b",
                                      "http://[::1/v1",
                                      "//",
                                      "?" };
  static const char *const with_password[] = { "http://me:secret@example.org", "me@example.org",
                                               "https://k@example.org/v1" };

  for (guint i = 0; i < G_N_ELEMENTS (none); i++) {
    g_autoptr (GError) error = NULL;

    g_test_message ("“%s”", none[i]);
    g_assert_null (quern_server_address_candidates (none[i], &error));
    g_assert_error (error, QUERN_SERVER_ERROR, QUERN_SERVER_ERROR_BAD_ADDRESS);
    g_assert_true (g_utf8_validate (error->message, -1, NULL));
  }
  for (guint i = 0; i < G_N_ELEMENTS (with_password); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_null (quern_server_address_candidates (with_password[i], &error));
    g_assert_error (error, QUERN_SERVER_ERROR, QUERN_SERVER_ERROR_BAD_ADDRESS);
    g_assert_nonnull (strstr (error->message, "password"));
    g_assert_null (strstr (error->message, "secret"));
  }
}

static void
test_address_parts (void)
{
  g_autofree char *origin = quern_server_address_dup_origin ("https://example.org/llm");
  g_autofree char *host = quern_server_address_dup_host ("http://[::1]:8080"),
                  *usual = quern_server_address_dup_host ("https://example.org/llm");

  g_assert_cmpstr (origin, ==, "https://example.org:443");
  g_assert_cmpstr (host, ==, "[::1]:8080");
  g_assert_cmpstr (usual, ==, "example.org");
  g_assert_true (quern_server_address_is_plain ("http://192.168.1.5:8080"));
  g_assert_true (quern_server_address_is_plain ("http://127.0.0.1.example.org"));
  g_assert_false (quern_server_address_is_plain ("https://192.168.1.5:8080"));
  g_assert_false (quern_server_address_is_plain ("http://127.0.0.1:8080"));
  g_assert_false (quern_server_address_is_plain ("http://[::1]:8080"));
  g_assert_false (quern_server_address_is_plain ("http://localhost:8080"));
}

/* ---- events ---------------------------------------------------------------------------------------------------- */

static gboolean
collect_cb (const char *data, gsize length, gpointer user_data)
{
  g_assert_true (g_utf8_validate_len (data, length, NULL));
  g_string_append_printf (user_data, "[%s]", data);
  return TRUE;
}

/* The events of a text, which comes in pieces of a size, each in brackets. */
static char *
read_events (QuernEventFormat format, const char *text, gsize length, gsize piece)
{
  GString *out = g_string_new (NULL);
  g_autoptr (QuernEventReader) reader = quern_event_reader_new (format, collect_cb, out);

  for (gsize at = 0; at < length; at += piece) {
    g_autofree char *copy = g_memdup2 (text + at, MIN (piece, length - at)); /* reading past it shows */

    g_assert_true (quern_event_reader_push (reader, copy, MIN (piece, length - at)));
  }
  quern_event_reader_end (reader);
  return g_string_free (out, FALSE);
}

static void
test_events (void)
{
  static const struct {
    QuernEventFormat format;
    const char *text, *events;
  } cases[] = {
    { QUERN_EVENT_STREAM, "data: a\n\ndata: b\n\n", "[a][b]" },
    { QUERN_EVENT_STREAM, "data:a\n\ndata:  b\n\n", "[a][ b]" },
    { QUERN_EVENT_STREAM, "data: a\r\n\r\ndata: b\r\n\r\n", "[a][b]" },
    { QUERN_EVENT_STREAM, "data: a\r\rdata: b\r\r", "[a][b]" },
    { QUERN_EVENT_STREAM, ":\n\ndata: a\n\n: keep-alive\n\n:\n\ndata: b\n\n", "[a][b]" },
    { QUERN_EVENT_STREAM, "data: a\n:in between\ndata: b\n\n", "[a\nb]" },
    { QUERN_EVENT_STREAM, "event: x\nid: 7\nretry: 10\ndata: a\n\n", "[a]" },
    { QUERN_EVENT_STREAM, "database: a\n\ndata\n\ndata:\n\n", "[][]" },
    { QUERN_EVENT_STREAM,
      "\xef\xbb\xbf"
      "data: a\n\n",
      "[a]" },
    { QUERN_EVENT_STREAM, "data: a\n\ndata: b", "[a][b]" },
    { QUERN_EVENT_STREAM, "data: a\n\ndata: b\n", "[a][b]" },
    { QUERN_EVENT_STREAM, "data: ä€😀\n\n", "[ä€😀]" },
    { QUERN_EVENT_STREAM,
      "data: a\xff"
      "b\n\n",
      "[a\uFFFD"
      "b]" },
    { QUERN_EVENT_STREAM, "\n\n\n", "" },
    { QUERN_EVENT_STREAM, "", "" },
    { QUERN_EVENT_LINES, "{1}\n{2}\r\n\n  \n{3}", "[{1}][{2}][{3}]" },
    { QUERN_EVENT_LINES, "\xef\xbb\xbf{1}\n", "[{1}]" },
    { QUERN_EVENT_WHOLE, "{\n\n1\r\n}", "[{\n\n1\r\n}]" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    for (gsize piece = 1; piece <= 1024; piece = piece < 4 ? piece + 1 : piece * 256) {
      g_autofree char *events = read_events (cases[i].format, cases[i].text, strlen (cases[i].text), piece);

      g_assert_cmpstr (events, ==, cases[i].events);
    }
}

/* A gigabyte in one line takes no more memory than a sound event. */
static void
test_endless_line (void)
{
  g_autofree char *piece = g_strnfill (1 << 20, 'x');

  for (QuernEventFormat format = QUERN_EVENT_STREAM; format <= QUERN_EVENT_WHOLE; format++) {
    g_autoptr (GString) out = g_string_new (NULL);
    g_autoptr (QuernEventReader) reader = quern_event_reader_new (format, collect_cb, out);
    guint n = 0;

    g_assert_true (quern_event_reader_push (reader, "data: ", 6));
    while (n < 1024 && quern_event_reader_push (reader, piece, 1 << 20))
      n++;
    g_assert_cmpuint (n, <, QUERN_EVENT_MAX >> 20);
    g_assert_true (quern_event_reader_get_too_long (reader));
    quern_event_reader_end (reader);
    g_assert_cmpuint (out->len, ==, 0);
  }
}

/* ---- answers --------------------------------------------------------------------------------------------------- */

typedef struct {
  char *reasoning, *text;
  gboolean moved;
  QuernAnswerEnd end;
  gboolean reasoned, only_reasoned;
  double progress;
  QuernAnswerUsage usage;
  GError *error;
} Answer;

static void
answer_clear (Answer *answer)
{
  g_free (answer->reasoning);
  g_free (answer->text);
  g_clear_error (&answer->error);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Answer, answer_clear)

/* What a reader of the answer sees who takes the news after each piece. */
static Answer
read_answer (const QuernAnswerForm *form, const char *text, gsize piece)
{
  g_autoptr (QuernAnswerParser) parser = quern_answer_parser_new (form);
  g_autoptr (GString) reasoning = g_string_new (NULL), shown = g_string_new (NULL);
  Answer answer = { 0 };
  gsize length = strlen (text), at = 0;
  gboolean more = TRUE;

  for (gboolean last = FALSE; !last;) {
    g_autoptr (GString) new_reasoning = g_string_new (NULL), new_text = g_string_new (NULL);
    QuernAnswerNews news = { FALSE, new_reasoning, new_text };
    gsize n = MIN (piece, length - at);

    last = !more || at == length;
    if (last)
      quern_answer_parser_end (parser, &answer.error);
    else
      more = quern_answer_parser_push (parser, text + at, n);
    at += n;
    quern_answer_parser_take (parser, &news);
    if (news.moved) {
      answer.moved = TRUE;
      g_string_append (reasoning, shown->str);
      g_string_truncate (shown, 0);
    }
    g_string_append (reasoning, new_reasoning->str);
    g_string_append (shown, new_text->str);
  }
  answer.reasoning = g_strdup (reasoning->str);
  answer.text = g_strdup (shown->str);
  answer.end = quern_answer_parser_get_end (parser);
  answer.reasoned = quern_answer_parser_get_reasoned (parser);
  answer.only_reasoned = quern_answer_parser_get_only_reasoned (parser);
  answer.progress = quern_answer_parser_get_progress (parser);
  answer.usage = *quern_answer_parser_get_usage (parser);
  return answer;
}

/* Chunks out of deltas, and a finish; %NULL ends the list. */
static char *
chunks (const char *finish, ...)
{
  GString *out = g_string_new (NULL);
  va_list deltas;

  va_start (deltas, finish);
  for (const char *delta = va_arg (deltas, const char *); delta != NULL; delta = va_arg (deltas, const char *))
    g_string_append_printf (out, "data: {\"choices\":[{\"index\":0,\"delta\":%s,\"finish_reason\":null}]}\n\n", delta);
  va_end (deltas);
  if (finish != NULL)
    g_string_append_printf (out, "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"%s\"}]}\n\ndata: [DONE]\n\n",
                            finish);
  return g_string_free (out, FALSE);
}

static const QuernAnswerForm sse = { QUERN_EVENT_STREAM, FALSE, "host" };
static const QuernAnswerForm sse_off = { QUERN_EVENT_STREAM, TRUE, "host" };

#define assert_answer(form, stream, expected_reasoning, expected_text)                                                 \
  G_STMT_START                                                                                                         \
  {                                                                                                                    \
    for (gsize piece_ = 1; piece_ <= 4096; piece_ = piece_ < 8 ? piece_ + 1 : piece_ * 8) {                            \
      g_auto (Answer) answer_ = read_answer ((form), (stream), piece_);                                                \
      g_assert_no_error (answer_.error);                                                                               \
      g_assert_cmpstr (answer_.reasoning, ==, (expected_reasoning));                                                   \
      g_assert_cmpstr (answer_.text, ==, (expected_text));                                                             \
      g_assert_cmpint (answer_.end, ==, QUERN_ANSWER_END);                                                             \
    }                                                                                                                  \
  }                                                                                                                    \
  G_STMT_END

/* Every name that reasoning has, and both at once. */
static void
test_reasoning_fields (void)
{
  static const char *const forms[] = {
    "{\"reasoning_content\":\"why\"}",
    "{\"reasoning\":\"why\",\"content\":null}",
    "{\"reasoning\":\"why\",\"reasoning_content\":\"why\"}",
    "{\"reasoning_content\":\"\",\"reasoning\":\"why\"}",
    "{\"reasoning_content\":null,\"thinking\":\"why\"}",
    "{\"content\":[{\"type\":\"thinking\",\"thinking\":\"why\"}]}",
  };

  for (guint i = 0; i < G_N_ELEMENTS (forms); i++) {
    g_autofree char *stream = chunks ("stop", "{\"role\":\"assistant\",\"content\":null}", forms[i],
                                      "{\"content\":\"so\"}", "{\"content\":\" it <think> is </think>\"}", NULL);

    assert_answer (&sse, stream, "why", "so it <think> is </think>");
  }
}

/* Thinking within the content: with both tags, without the opening one, and neither. */
static void
test_reasoning_tags (void)
{
  g_autofree char *both = chunks ("stop", "{\"content\":\"\\n<thi\"}", "{\"content\":\"nk>\\nwhy</th\"}",
                                  "{\"content\":\"ink>\\n\\nso\"}", NULL);
  g_autofree char *closing = chunks ("stop", "{\"content\":\"wh\"}", "{\"content\":\"y\\n</think\"}",
                                     "{\"content\":\">\\n\\nso\"}", "{\"content\":\" </think> on\"}", NULL);
  g_autofree char *empty = chunks ("stop", "{\"content\":\"<think>\\n\\n</think>\\n\\nso\"}", NULL);
  g_autofree char *spoken = chunks ("stop", "{\"content\":\"The tag `</think>` ends it, </thin\"}", NULL);
  g_autofree char *parts = chunks ("stop", "{\"content\":[{\"type\":\"text\",\"text\":\"so\"}]}", NULL);

  assert_answer (&sse, both, "why", "so");
  assert_answer (&sse_off, both, "why", "so");
  assert_answer (&sse, closing, "why\n", "so </think> on");
  assert_answer (&sse_off, closing, "why\n", "so </think> on");
  assert_answer (&sse, empty, "", "so");
  assert_answer (&sse_off, spoken, "", "The tag `</think>` ends it, </thin");
  assert_answer (&sse, parts, "", "so");
  for (gsize piece = 1; piece < 200; piece += 50) {
    g_auto (Answer) answer = read_answer (&sse, closing, piece);
    g_auto (Answer) off = read_answer (&sse_off, both, piece);

    g_assert_true (answer.moved);
    g_assert_true (off.reasoned); /* though it was turned off: the switch does nothing there */
  }
}

/* An answer that is all reasoning is shown as one, if it is whole. */
static void
test_only_reasoning (void)
{
  g_autofree char *stop = chunks ("stop", "{\"reasoning_content\":\"all of it\"}", NULL);
  g_autofree char *length = chunks ("length", "{\"reasoning_content\":\"all of it\"}", NULL);
  g_auto (Answer) whole = read_answer (&sse, stop, 4096);
  g_auto (Answer) cut = read_answer (&sse, length, 4096);
  g_auto (Answer) off = read_answer (&sse_off, length, 4096);

  g_assert_true (whole.only_reasoned);
  g_assert_cmpint (cut.end, ==, QUERN_ANSWER_LENGTH);
  g_assert_false (cut.only_reasoned);
  g_assert_true (off.only_reasoned);
}

/* Nothing is required of a chunk. */
static void
test_poor_chunks (void)
{
  const char *stream =
      ":\n\ndata: {}\n\ndata: {\"choices\":[]}\n\ndata: {\"choices\":[{}]}\n\ndata: {\"choices\":null}\n\n"
      "data: {\"choices\":[{\"delta\":null,\"index\":null,\"finish_reason\":null}],\"usage\":null}\n\n"
      "data: {\"id\":7,\"choices\":[{\"delta\":{\"role\":3,\"content\":\"a\",\"tool_calls\":null}}]}\n\n"
      "data: {\"choices\":[{\"index\":1,\"delta\":{\"content\":\"other\"}}]}\n\n"
      "data: {\"choices\":[{\"delta\":{\"content\":\"b\"},\"finish_reason\":\"\"}]}\n\n"
      "data: [DONE]\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"after the end\"}}]}\n\n";
  const char *joined = "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n"
                       "data: {\"choices\":[{\"delta\":{\"content\":\"b\"}}]}\n"
                       "data: [DONE]\n";

  assert_answer (&sse, stream, "", "ab");
  assert_answer (&sse, joined, "", "ab");
}

/* What ends well without [DONE], and what does not end. */
static void
test_ends (void)
{
  static const struct {
    const char *stream;
    int code; /* -1: whole */
    const char *text;
  } cases[] = {
    { "data: {\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}\n\n", -1, "a" },
    { "data: {\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}\n\ndata: {\"cho", -1, "a" },
    { "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n", QUERN_SERVER_ERROR_INTERRUPTED, "a" },
    { "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\ndata: {\"choi", QUERN_SERVER_ERROR_INTERRUPTED, "a" },
    { "data: {\"choices\":[{\"delta\":{\"content\":\"a </th\"}}]}\n\n", QUERN_SERVER_ERROR_INTERRUPTED, "a </th" },
    { "", QUERN_SERVER_ERROR_INTERRUPTED, "" },
    { "data: {\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"abort\"}]}\n\n",
      QUERN_SERVER_ERROR_INTERRUPTED, "a" },
    { "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\ndata: nonsense\n\n", QUERN_SERVER_ERROR_BAD_ANSWER,
      "a" },
    { "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\ndata: [1]\n\n", QUERN_SERVER_ERROR_BAD_ANSWER, "a" },
    { "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\ndata: {\"error\":{\"message\":\"out of memory\"}}\n\n",
      QUERN_SERVER_ERROR_FAILED, "a" },
    { "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}],\"error\":{\"message\":\"gone\",\"code\":502}}\n\n",
      QUERN_SERVER_ERROR_FAILED, "" },
    { "event: error\ndata: {\"error\":\"no more\"}\n\n", QUERN_SERVER_ERROR_FAILED, "" },
    { "data: {\"object\":\"error\",\"message\":\"no\",\"code\":400}\n\n", QUERN_SERVER_ERROR_FAILED, "" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_auto (Answer) answer = read_answer (&sse, cases[i].stream, 7);

    if (cases[i].code < 0)
      g_assert_no_error (answer.error);
    else
      g_assert_error (answer.error, QUERN_SERVER_ERROR, cases[i].code);
    g_assert_cmpstr (answer.text, ==, cases[i].text);
  }
}

static void
test_usage (void)
{
  const char *llama =
      "data: {\"choices\":[],\"prompt_progress\":{\"total\":30,\"cache\":10,\"processed\":20,\"time_ms\":5}}\n\n"
      "data: {\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}\n\n"
      "data: {\"choices\":[],\"usage\":{\"completion_tokens\":47,\"prompt_tokens\":30,\"total_tokens\":77,"
      "\"prompt_tokens_details\":{\"cached_tokens\":10},\"completion_tokens_details\":{\"reasoning_tokens\":40}},"
      "\"timings\":{\"cache_n\":10,\"prompt_n\":20,\"prompt_ms\":8000,\"predicted_n\":47,\"predicted_ms\":1500}}\n\n";
  /* Without include_usage, the timings are in the last chunk. */
  const char *timings =
      "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"length\"}],"
      "\"timings\":{\"cache_n\":3,\"prompt_n\":4,\"prompt_ms\":500,\"predicted_n\":5,\"predicted_ms\":250}}\n\n";
  const char *absurd =
      "data: {\"choices\":[],\"usage\":{\"completion_tokens\":-5,\"prompt_tokens\":1e300,"
      "\"prompt_tokens_details\":[]},\"timings\":{\"prompt_ms\":-1,\"predicted_ms\":1e300}}\n\ndata: [DONE]\n\n";
  g_auto (Answer) one = read_answer (&sse, llama, 4096);
  g_auto (Answer) two = read_answer (&sse, timings, 4096);
  g_auto (Answer) three = read_answer (&sse, absurd, 4096);

  g_assert_cmpfloat (one.progress, ==, 0.5);
  g_assert_cmpuint (one.usage.prompt_tokens, ==, 30);
  g_assert_cmpuint (one.usage.reused_tokens, ==, 10);
  g_assert_cmpuint (one.usage.answer_tokens, ==, 47);
  g_assert_cmpuint (one.usage.reasoning_tokens, ==, 40);
  g_assert_cmpfloat (one.usage.prefill_seconds, ==, 8);
  g_assert_cmpfloat (one.usage.decode_seconds, ==, 1.5);
  g_assert_cmpuint (two.usage.prompt_tokens, ==, 7);
  g_assert_cmpuint (two.usage.reused_tokens, ==, 3);
  g_assert_cmpuint (two.usage.answer_tokens, ==, 5);
  g_assert_cmpint (two.end, ==, QUERN_ANSWER_LENGTH);
  g_assert_cmpfloat (two.progress, ==, -1);
  g_assert_cmpuint (three.usage.answer_tokens, ==, 0);
  g_assert_cmpfloat (three.usage.prefill_seconds, ==, 0);
  g_assert_cmpfloat (three.usage.decode_seconds, ==, 0);
}

static void
test_ollama_lines (void)
{
  const QuernAnswerForm form = { QUERN_EVENT_LINES, FALSE, "host" };
  const char *lines =
      "{\"model\":\"m\",\"created_at\":\"t\",\"message\":{\"role\":\"assistant\",\"content\":\"\",\"thinking\":\"why\"},\"done\":false}\n"
      "{\"message\":{\"content\":\"so\"},\"done\":false}\n"
      "{\"message\":{\"content\":\"\"},\"done\":true,\"done_reason\":\"stop\",\"total_duration\":9000000000,"
      "\"load_duration\":2000000000,\"prompt_eval_count\":12,\"prompt_eval_duration\":3000000000,\"eval_count\":34,"
      "\"eval_duration\":4000000000}\n";
  g_auto (Answer) answer = read_answer (&form, lines, 5);
  g_auto (Answer) cut = read_answer (&form, "{\"message\":{\"content\":\"so\"},\"done\":false}\n", 5);
  g_auto (Answer) refused = read_answer (&form, "{\"error\":\"model 'x' not found\"}\n", 5);
  g_auto (Answer)
      length = read_answer (&form, "{\"message\":{\"content\":\"so\"},\"done\":true,\"done_reason\":\"length\"}", 5);

  assert_answer (&form, lines, "why", "so");
  g_assert_cmpuint (answer.usage.prompt_tokens, ==, 12);
  g_assert_cmpuint (answer.usage.answer_tokens, ==, 34);
  g_assert_cmpfloat (answer.usage.load_seconds, ==, 2);
  g_assert_cmpfloat (answer.usage.prefill_seconds, ==, 3);
  g_assert_cmpfloat (answer.usage.decode_seconds, ==, 4);
  g_assert_error (cut.error, QUERN_SERVER_ERROR, QUERN_SERVER_ERROR_INTERRUPTED);
  g_assert_cmpstr (cut.text, ==, "so");
  g_assert_error (refused.error, QUERN_SERVER_ERROR, QUERN_SERVER_ERROR_NO_MODEL);
  g_assert_cmpint (length.end, ==, QUERN_ANSWER_LENGTH);
}

/* A server that does not stream. */
static void
test_whole_answer (void)
{
  const QuernAnswerForm form = { QUERN_EVENT_WHOLE, FALSE, "host" };
  const char *text =
      "{\n \"choices\": [\n  {\"index\": 0, \"message\": {\"role\": \"assistant\", \"content\": \"so\",\n"
      "  \"reasoning_content\": \"why\"}, \"finish_reason\": \"stop\"}\n ],\n \"usage\": {\"prompt_tokens\": 3}\n}\n";

  assert_answer (&form, text, "why", "so");
}

/* ---- requests -------------------------------------------------------------------------------------------------- */

static const QuernServerKind all_kinds[] = { QUERN_SERVER_LLAMA,  QUERN_SERVER_VLLM,      QUERN_SERVER_SGLANG,
                                             QUERN_SERVER_OLLAMA, QUERN_SERVER_LM_STUDIO, QUERN_SERVER_OTHER };

static QuernServerCall *
make_call (void)
{
  g_autoptr (QuernServerModel) model = quern_server_model_new ("the-model");
  QuernServerCall *call = quern_server_call_new (model);

  quern_server_call_add_message (call, QUERN_SPEAKER_SYSTEM, "Be brief.", NULL);
  quern_server_call_add_message (call, QUERN_SPEAKER_USER, "One?", NULL);
  quern_server_call_add_message (call, QUERN_SPEAKER_ASSISTANT, "1", "Counting.");
  quern_server_call_add_message (call, QUERN_SPEAKER_USER, "Two?", NULL);
  return call;
}

static JsonObject *
parse_body (const QuernServerCall *call, QuernServerKind kind, JsonParser *parser)
{
  g_autofree char *body = quern_server_call_to_json (call, kind);
  g_autoptr (GError) error = NULL;

  json_parser_load_from_data (parser, body, -1, &error);
  g_assert_no_error (error);
  return json_node_get_object (json_parser_get_root (parser));
}

/* Members that a request has because of what was set, as JSON; "" for none. */
static void
assert_fields (const QuernServerCall *call, QuernServerKind kind, const char *expected)
{
  static const char *const always[] = { "model",           "messages",          "stream",   "stream_options",
                                        "return_progress", "reasoning_control", "truncate", "shift" };
  g_autoptr (JsonParser) parser = json_parser_new ();
  JsonObject *body = parse_body (call, kind, parser);
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);
  g_autofree char *rest = NULL;

  g_assert_cmpstr (quern_json_string (body, "model", NULL), ==, "the-model");
  g_assert_cmpint (quern_json_int (body, "stream", FALSE), ==, TRUE);
  for (guint i = 0; i < G_N_ELEMENTS (always); i++)
    json_object_remove_member (body, always[i]);
  json_node_set_object (node, body);
  rest = json_to_string (node, FALSE);
  g_assert_cmpstr (rest, ==, expected);
}

/* The table of servers.md, A.2: to each kind its own form, and none to those that are not known. */
static void
test_thinking_fields (void)
{
  static const char *const off[] = {
    "{\"chat_template_kwargs\":{\"enable_thinking\":false},\"reasoning_effort\":\"none\"}",
    "{\"chat_template_kwargs\":{\"enable_thinking\":false},\"reasoning_effort\":\"none\"}",
    "{\"chat_template_kwargs\":{\"enable_thinking\":false},\"reasoning_effort\":\"none\"}",
    "{\"think\":false,\"options\":{}}",
    "{\"reasoning_effort\":\"none\"}",
    "{}",
  };
  static const char *const on[] = {
    "{\"chat_template_kwargs\":{\"enable_thinking\":true}}",
    "{\"chat_template_kwargs\":{\"enable_thinking\":true}}",
    "{\"chat_template_kwargs\":{\"enable_thinking\":true}}",
    "{\"think\":true,\"options\":{}}",
    "{\"reasoning_effort\":\"medium\"}",
    "{}",
  };
  static const char *const limited[] = {
    "{\"chat_template_kwargs\":{\"enable_thinking\":true},\"reasoning_effort\":\"low\",\"thinking_budget_tokens\":99}",
    "{\"chat_template_kwargs\":{\"enable_thinking\":true},\"reasoning_effort\":\"low\",\"thinking_token_budget\":99}",
    "{\"chat_template_kwargs\":{\"enable_thinking\":true},\"reasoning_effort\":\"low\"}",
    "{\"think\":\"low\",\"options\":{}}",
    "{\"reasoning_effort\":\"low\"}",
    "{}",
  };
  static const char *const untouched[] = { "{}", "{}", "{}", "{\"options\":{}}", "{}", "{}" };
  g_autoptr (QuernServerCall) call = make_call ();

  for (guint i = 0; i < G_N_ELEMENTS (all_kinds); i++)
    assert_fields (call, all_kinds[i], untouched[i]);
  quern_server_call_set_thinking (call, QUERN_THINKING_OFF);
  for (guint i = 0; i < G_N_ELEMENTS (all_kinds); i++)
    assert_fields (call, all_kinds[i], off[i]);
  quern_server_call_set_thinking (call, QUERN_THINKING_ON);
  for (guint i = 0; i < G_N_ELEMENTS (all_kinds); i++)
    assert_fields (call, all_kinds[i], on[i]);
  quern_server_call_set_effort (call, "low");
  quern_server_call_set_thinking_budget (call, 99);
  for (guint i = 0; i < G_N_ELEMENTS (all_kinds); i++)
    assert_fields (call, all_kinds[i], limited[i]);
}

/* Only what was changed is sent, by the name that the kind has for it. */
static void
test_sampling_fields (void)
{
  static const char *const some[] = {
    "{\"temperature\":0.5,\"top_k\":20,\"seed\":7,\"max_tokens\":100,\"stop\":[\"END\"]}",
    "{\"temperature\":0.5,\"top_k\":20,\"seed\":7,\"max_completion_tokens\":100,\"stop\":[\"END\"]}",
    "{\"temperature\":0.5,\"top_k\":20,\"seed\":7,\"max_tokens\":100,\"stop\":[\"END\"]}",
    "{\"options\":{\"num_ctx\":8192,\"temperature\":0.5,\"top_k\":20,\"seed\":7,\"num_predict\":100,\"stop\":[\"END\"]}}",
    "{\"temperature\":0.5,\"top_k\":20,\"seed\":7,\"max_tokens\":100,\"stop\":[\"END\"]}",
    "{\"temperature\":0.5,\"seed\":7,\"max_tokens\":100,\"stop\":[\"END\"]}",
  };
  static const char *const all[] = {
    "\"min_p\":0.25,\"presence_penalty\":1.5,\"frequency_penalty\":0.5,\"repeat_penalty\":1.25",
    "\"min_p\":0.25,\"presence_penalty\":1.5,\"frequency_penalty\":0.5,\"repetition_penalty\":1.25",
    "\"min_p\":0.25,\"presence_penalty\":1.5,\"frequency_penalty\":0.5,\"repetition_penalty\":1.25",
    "\"min_p\":0.25,\"presence_penalty\":1.5,\"frequency_penalty\":0.5,\"repeat_penalty\":1.25",
    "\"presence_penalty\":1.5,\"frequency_penalty\":0.5,\"repeat_penalty\":1.25",
    "\"top_p\":0.75,\"presence_penalty\":1.5,\"frequency_penalty\":0.5,\"seed\"",
  };
  QuernServerSampling sampling = QUERN_SERVER_SAMPLING_DEFAULT;
  const char *stop[] = { "END", NULL };
  g_autoptr (QuernServerCall) call = make_call ();

  sampling.temperature = 0.5;
  sampling.top_k = 20;
  quern_server_call_set_sampling (call, &sampling);
  quern_server_call_set_seed (call, 7);
  quern_server_call_set_max_tokens (call, 100);
  quern_server_call_set_context_length (call, 8192);
  quern_server_call_set_stop (call, stop);
  for (guint i = 0; i < G_N_ELEMENTS (all_kinds); i++)
    assert_fields (call, all_kinds[i], some[i]);
  sampling = (QuernServerSampling) { 0.5, 0.75, 20, 0.25, 1.5, 0.5, 1.25 };
  quern_server_call_set_sampling (call, &sampling);
  for (guint i = 0; i < G_N_ELEMENTS (all_kinds); i++) {
    g_autofree char *body = quern_server_call_to_json (call, all_kinds[i]);

    g_assert_nonnull (strstr (body, all[i]));
  }
}

/* What is sent always, and what a kind adds by itself. */
static void
test_stream_fields (void)
{
  g_autoptr (QuernServerCall) call = make_call ();

  for (guint i = 0; i < G_N_ELEMENTS (all_kinds); i++) {
    g_autoptr (JsonParser) parser = json_parser_new ();
    JsonObject *body = parse_body (call, all_kinds[i], parser);
    gboolean usage = all_kinds[i] != QUERN_SERVER_OLLAMA && all_kinds[i] != QUERN_SERVER_OTHER;

    g_assert_cmpint (quern_json_int (quern_json_object (body, "stream_options"), "include_usage", FALSE), ==, usage);
    g_assert_cmpint (quern_json_int (body, "return_progress", FALSE), ==, all_kinds[i] == QUERN_SERVER_LLAMA);
    g_assert_cmpint (quern_json_int (body, "reasoning_control", FALSE), ==, all_kinds[i] == QUERN_SERVER_LLAMA);
  }
}

/* Earlier reasoning goes back under the name that each kind reads, and to strict ones not at all. */
static void
test_messages (void)
{
  static const char *const names[] = { "reasoning_content", "reasoning", "reasoning_content", "thinking", NULL, NULL };
  g_autoptr (QuernServerCall) call = make_call ();

  for (guint i = 0; i < G_N_ELEMENTS (all_kinds); i++) {
    g_autoptr (JsonParser) parser = json_parser_new ();
    JsonArray *messages = quern_json_array (parse_body (call, all_kinds[i], parser), "messages");
    JsonObject *answer = quern_json_object_at (messages, 2);

    g_assert_cmpuint (quern_json_length (messages), ==, 4);
    g_assert_cmpstr (quern_json_string (quern_json_object_at (messages, 0), "role", NULL), ==, "system");
    g_assert_cmpstr (quern_json_string (quern_json_object_at (messages, 0), "content", NULL), ==, "Be brief.");
    g_assert_cmpstr (quern_json_string (answer, "role", NULL), ==, "assistant");
    g_assert_cmpstr (quern_json_string (answer, "content", NULL), ==, "1");
    if (names[i] != NULL)
      g_assert_cmpstr (quern_json_string (answer, names[i], NULL), ==, "Counting.");
    g_assert_cmpuint (json_object_get_size (answer), ==, names[i] != NULL ? 3 : 2);
  }
}

/* A template that keeps earlier reasoning is told so. */
static void
test_kept_reasoning (void)
{
  g_autoptr (QuernServerModel) model = quern_server_model_new ("the-model");
  g_autoptr (QuernServerCall) call = NULL;

  model->keeps_reasoning = QUERN_FACT_YES;
  call = quern_server_call_new (model);
  quern_server_call_add_message (call, QUERN_SPEAKER_USER, "One?", NULL);
  assert_fields (call, QUERN_SERVER_LLAMA, "{}");
  quern_server_call_add_message (call, QUERN_SPEAKER_ASSISTANT, "1", "Counting.");
  assert_fields (call, QUERN_SERVER_LLAMA, "{\"chat_template_kwargs\":{\"preserve_thinking\":true}}");
  assert_fields (call, QUERN_SERVER_LM_STUDIO, "{}");
}

static void
test_pictures (void)
{
  g_autoptr (QuernServerModel) model = quern_server_model_new ("the-model");
  g_autoptr (QuernServerCall) call = quern_server_call_new (model);
  g_autoptr (GBytes) bytes = g_bytes_new_static ("abc", 3);

  quern_server_call_add_message (call, QUERN_SPEAKER_USER, "What is it?", NULL);
  quern_server_call_add_picture (call, "image/png", bytes);
  for (guint i = 0; i < G_N_ELEMENTS (all_kinds); i++) {
    g_autoptr (JsonParser) parser = json_parser_new ();
    JsonObject *message = quern_json_object_at (quern_json_array (parse_body (call, all_kinds[i], parser), "messages"),
                                                0);
    JsonArray *parts = quern_json_array (message, "content");

    if (all_kinds[i] == QUERN_SERVER_OLLAMA) {
      g_assert_cmpstr (quern_json_string (message, "content", NULL), ==, "What is it?");
      g_assert_cmpstr (quern_json_string_at (quern_json_array (message, "images"), 0), ==, "YWJj");
      continue;
    }
    g_assert_cmpuint (quern_json_length (parts), ==, 2);
    g_assert_cmpstr (quern_json_string (quern_json_object (quern_json_object_at (parts, 0), "image_url"), "url", NULL),
                     ==, "data:image/png;base64,YWJj");
    g_assert_cmpstr (quern_json_string (quern_json_object_at (parts, 1), "text", NULL), ==, "What is it?");
  }
}

/* An answer goes on where the server can do that; elsewhere the beginning is not sent, as it would be taken for a whole one. */
static void
test_beginning (void)
{
  g_autoptr (QuernServerCall) call = make_call ();

  quern_server_call_set_beginning (call, "Adding.", "It is");
  for (guint i = 0; i < G_N_ELEMENTS (all_kinds); i++) {
    const QuernServerTraits *traits = quern_server_kind_get_traits (all_kinds[i]);
    g_autoptr (JsonParser) parser = json_parser_new ();
    JsonObject *body = parse_body (call, all_kinds[i], parser);
    JsonArray *messages = quern_json_array (body, "messages");
    JsonObject *last = quern_json_object_at (messages, quern_json_length (messages) - 1);

    g_assert_cmpuint (quern_json_length (messages), ==, traits->continues ? 5 : 4);
    g_assert_cmpint (quern_json_int (body, "continue_final_message", FALSE), ==,
                     all_kinds[i] == QUERN_SERVER_VLLM || all_kinds[i] == QUERN_SERVER_SGLANG);
    if (!traits->continues)
      continue;
    g_assert_cmpstr (quern_json_string (last, "role", NULL), ==, "assistant");
    g_assert_cmpstr (quern_json_string (last, "content", NULL), ==, "It is");
    g_assert_cmpstr (quern_json_string (last, traits->reasoning, NULL), ==, "Adding.");
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/remote/addresses", test_addresses);
  g_test_add_func ("/remote/address-ports", test_address_ports);
  g_test_add_func ("/remote/wrong-addresses", test_wrong_addresses);
  g_test_add_func ("/remote/address-parts", test_address_parts);
  g_test_add_func ("/remote/events", test_events);
  g_test_add_func ("/remote/endless-line", test_endless_line);
  g_test_add_func ("/remote/reasoning-fields", test_reasoning_fields);
  g_test_add_func ("/remote/reasoning-tags", test_reasoning_tags);
  g_test_add_func ("/remote/only-reasoning", test_only_reasoning);
  g_test_add_func ("/remote/poor-chunks", test_poor_chunks);
  g_test_add_func ("/remote/ends", test_ends);
  g_test_add_func ("/remote/usage", test_usage);
  g_test_add_func ("/remote/ollama-lines", test_ollama_lines);
  g_test_add_func ("/remote/whole-answer", test_whole_answer);
  g_test_add_func ("/remote/thinking-fields", test_thinking_fields);
  g_test_add_func ("/remote/sampling-fields", test_sampling_fields);
  g_test_add_func ("/remote/stream-fields", test_stream_fields);
  g_test_add_func ("/remote/messages", test_messages);
  g_test_add_func ("/remote/kept-reasoning", test_kept_reasoning);
  g_test_add_func ("/remote/pictures", test_pictures);
  g_test_add_func ("/remote/beginning", test_beginning);
  return g_test_run ();
}
