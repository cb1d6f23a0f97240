/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-file-name.h"
#include "quern-printable.h"

#include <string.h>

/* Text of others on its way to a terminal or a file name. */

static void
check (const char *text, QuernPrintableKind kind, const char *want)
{
  g_autofree char *got = quern_printable (text, kind);

  g_assert_cmpstr (got, ==, want);
}

static void
test_line (void)
{
  check ("Grüße 你好 🙂 שלום", QUERN_PRINTABLE_LINE, "Grüße 你好 🙂 שלום");
  check ("\x1b]52;c;aGk=\a", QUERN_PRINTABLE_LINE, "\\x1b]52;c;aGk=\\x07");
  check ("a\nb\tc\rd\x7f", QUERN_PRINTABLE_LINE, "a\\x0ab\\x09c\\x0dd\\x7f");
  check ("\xc2\x9b"
         "2J",
         QUERN_PRINTABLE_LINE, "\\x9b2J"); /* CSI as one character */
  check ("abc\u202efdp.exe\u2066", QUERN_PRINTABLE_LINE, "abc\\u202efdp.exe\\u2066");
  check ("a\u2028b", QUERN_PRINTABLE_LINE, "a\\u2028b");
  check ("\x9b"
         "2J\xff\xe2\x82",
         QUERN_PRINTABLE_LINE, "\uFFFD2J\uFFFD\uFFFD"); /* no UTF-8 */
  check ("👩\u200d💻", QUERN_PRINTABLE_LINE, "👩\u200d💻");
}

static void
test_text_and_json (void)
{
  check ("a\n\tb\r\x1b[2J", QUERN_PRINTABLE_TEXT, "a\n\tb\\x0d\\x1b[2J");
  check ("{\n  \"a\" : \"\xc2\x9b\u202e\"\n}", QUERN_PRINTABLE_JSON, "{\n  \"a\" : \"\\u009b\\u202e\"\n}");
}

/* Whatever the pieces are, it comes out like the whole. */
static void
test_stream (void)
{
  static const char text[] = "é\x1b[31mrot\x1b]8;;http://x\x1b\\ \xc2\x9b"
                             "5m\u202e🙂\xf0\x9f\xff\xfc\x80\x80\x80\x80\n end \xe2\x80";
  g_autofree char *whole = quern_printable (text, QUERN_PRINTABLE_TEXT);

  g_assert_null (strchr (whole, 0x1b));
  for (gsize size = 1; size < sizeof text; size++) {
    g_autoptr (GString) out = g_string_new (NULL);
    QuernPrintableStream stream = { 0 };

    for (gsize at = 0; at < strlen (text); at += size)
      quern_printable_push (&stream, text + at, MIN (size, strlen (text) - at), out);
    quern_printable_finish (&stream, out);
    g_assert_cmpstr (out->str, ==, whole);
    g_assert_true (g_utf8_validate (out->str, -1, NULL));
  }
}

static void
check_name (const char *wanted, const char *want)
{
  g_autofree char *got = quern_file_name (wanted, ".md", "Conversation");

  g_assert_cmpstr (got, ==, want);
}

static void
test_file_name (void)
{
  g_autofree char *many = g_strnfill (150, 'x'), *wide = NULL, *name = NULL;

  check_name ("A question", "A question.md");
  check_name ("../../etc/passwd", "-..-etc-passwd.md");
  check_name (".hidden", "hidden.md");
  check_name (" \t\u202e. .. ", "Conversation.md");
  check_name ("", "Conversation.md");
  check_name ("a\x1b[31m\nb\u202e c\\d:e", "a[31mb c-d-e.md");
  check_name ("\xff\xfe", "\uFFFD\uFFFD.md");
  wide = g_strconcat (many, "你好你好你好你好你好你好你好你好你好你好", NULL);
  name = quern_file_name (wide, ".md", "Conversation");
  g_assert_cmpuint (strlen (name), <=, 200);
  g_assert_cmpuint (strlen (name), >, 190);
  g_assert_true (g_utf8_validate (name, -1, NULL));
  g_assert_true (g_str_has_suffix (name, ".md"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/printable/line", test_line);
  g_test_add_func ("/printable/text-and-json", test_text_and_json);
  g_test_add_func ("/printable/stream", test_stream);
  g_test_add_func ("/printable/file-name", test_file_name);
  return g_test_run ();
}
