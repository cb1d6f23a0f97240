/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <adwaita.h>
#include <cairo-pdf.h>
#include <string.h>

#include "print/quern-print-layout.h"
#include "quern-message.h"

/* Conversations on paper: what is on the pages, as pdftotext reads it. */

#define WIDTH 495
#define HEIGHT 742

static QuernPrintLayout *
lay_out (cairo_t *cr, GPtrArray *messages, GHashTable *pictures)
{
  PangoContext *context = pango_cairo_create_context (cr);
  QuernPrintLayout *layout;
  g_autoptr (PangoFontDescription) font = pango_font_description_from_string ("Cantarell");

  pango_cairo_context_set_resolution (context, 72);
  pango_context_set_font_description (context, font);
  layout = quern_print_layout_new (context, WIDTH, HEIGHT, "The title", messages, pictures);
  g_object_unref (context);
  return layout;
}

/* Writes all pages to a file in the folder where tests leave pictures. Returns the number of pages. */
static guint
print (const char *name, GPtrArray *messages, GHashTable *pictures)
{
  g_autofree char *folder = g_build_filename (g_getenv ("QUERN_BUILD_DIR"), "tests", "ui", NULL);
  g_autofree char *path = g_build_filename (folder, name, NULL);
  cairo_surface_t *surface = cairo_pdf_surface_create (path, WIDTH + 100, HEIGHT + 100);
  cairo_t *cr = cairo_create (surface);
  g_autoptr (QuernPrintLayout) layout = lay_out (cr, messages, pictures);
  guint n = quern_print_layout_get_n_pages (layout);

  for (guint i = 0; i < n; i++) {
    cairo_save (cr);
    cairo_translate (cr, 50, 50);
    quern_print_layout_draw (layout, cr, i);
    cairo_restore (cr);
    cairo_show_page (cr);
  }
  g_assert_cmpint (cairo_status (cr), ==, CAIRO_STATUS_SUCCESS);
  cairo_destroy (cr);
  cairo_surface_finish (surface);
  g_assert_cmpint (cairo_surface_status (surface), ==, CAIRO_STATUS_SUCCESS);
  cairo_surface_destroy (surface);
  return n;
}

/* Returns what a PDF says, pages apart by form feeds; NULL without poppler's tools. */
static char *
read_back (const char *name)
{
  g_autofree char *path = g_build_filename (g_getenv ("QUERN_BUILD_DIR"), "tests", "ui", name, NULL);
  const char *command[] = { "pdftotext", "-layout", path, "-", NULL };
  char *text = NULL;

  g_spawn_sync (NULL, (char **) command, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &text, NULL, NULL, NULL);
  return text;
}

static void
add (GPtrArray *messages, QuernRole role, const char *text)
{
  g_ptr_array_add (messages, quern_message_new (role, text));
}

static void
test_kinds (void)
{
  g_autoptr (GPtrArray) messages = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GHashTable) pictures = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_object_unref);
  g_autoptr (GBytes) bytes = g_bytes_new_static ("pixels", 6), pixels = NULL;
  g_autoptr (QuernAttachment) attachment = quern_attachment_new ("a.png", "image/png", bytes);
  g_autofree char *text = NULL;
  guint8 *data = g_malloc (300 * 200 * 3);

  for (gsize i = 0; i < 300 * 200 * 3; i++)
    data[i] = (guint8) (i / 3 % 300);
  pixels = g_bytes_new_take (data, 300 * 200 * 3);
  g_hash_table_insert (pictures, g_strdup (quern_attachment_get_hash (attachment)),
                       gdk_memory_texture_new (300, 200, GDK_MEMORY_R8G8B8, pixels, 900));
  add (messages, QUERN_ROLE_USER, "Question with *stars* as they are");
  quern_message_add_attachment (messages->pdata[0], attachment);
  add (
      messages, QUERN_ROLE_ASSISTANT,
      "# Heading\n\nSome **bold** text, a [link](https://example.com) and $x^2 + \\frac{a}{b}$ in a line.\n\n"
      "$$\\int_0^1 x^2\\,dx = \\frac{1}{3}$$\n\n1. one\n2. two\n   - nested\n\n> quoted words\n\n---\n\n"
      "```python\ndef add(a, b):\n    return a + b\n```\n\n"
      "| Name | Value |\n|---|---:|\n| alpha | 1 |\n| a much longer cell that has to be wrapped because it is far too wide "
      "for a page of paper, whatever the other column needs | 22 |\n");
  g_assert_cmpuint (print ("print-kinds.pdf", messages, pictures), ==, 1);
  text = read_back ("print-kinds.pdf");
  if (text == NULL) {
    g_test_skip ("there is no pdftotext");
    return;
  }
  for (const char **word =
           (const char *[]) { "The title", "You", "Question with *stars* as they are", "Heading", "bold", "link", "1.",
                              "nested", "quoted words", "def add(a, b):", "    return a + b", "alpha", "22", NULL };
       *word != NULL; word++)
    if (strstr (text, *word) == NULL)
      g_error ("“%s” is not in: %s", *word, text);
}

/* Everything of a long conversation is there once, and pages end between lines. */
static void
test_pages (void)
{
  g_autoptr (GPtrArray) messages = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GHashTable) pictures = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GString) code = g_string_new ("```\n");
  g_autofree char *text = NULL;
  const char *at;
  guint n;

  for (int i = 0; i < 300; i++)
    g_string_append_printf (code, "line %03d;\n", i);
  g_string_append (code, "```\n\n| a | b |\n|---|---|\n");
  for (int i = 0; i < 80; i++)
    g_string_append_printf (code, "| row %02d; | x |\n", i);
  add (messages, QUERN_ROLE_USER, "Go");
  add (messages, QUERN_ROLE_ASSISTANT, code->str);
  n = print ("print-pages.pdf", messages, pictures);
  g_assert_cmpuint (n, >, 5);
  text = read_back ("print-pages.pdf");
  if (text == NULL) {
    g_test_skip ("there is no pdftotext");
    return;
  }
  at = text;
  for (int i = 0; i < 380; i++) {
    g_autofree char *wanted = i < 300 ? g_strdup_printf ("line %03d;", i) : g_strdup_printf ("row %02d;", i - 300);
    at = strstr (at, wanted);
    if (at == NULL)
      g_error ("“%s” is missing, or not in its place", wanted);
  }
}

/* Nothing in it, and things that are too large for a page. */
static void
test_extremes (void)
{
  g_autoptr (GPtrArray) messages = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GHashTable) pictures = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GString) text = g_string_new ("| a |\n|---|\n| ");

  g_assert_cmpuint (print ("print-empty.pdf", messages, pictures), ==, 1);
  for (int i = 0; i < 4000; i++)
    g_string_append (text, "word ");
  g_string_append (text, "|\n\n$$");
  for (int i = 0; i < 200; i++)
    g_string_append (text, "x_{1}");
  g_string_append (text, "$$\n\n");
  for (int i = 0; i < 60; i++)
    g_string_append_printf (text, "%*s- deep\n", i * 2, "");
  add (messages, QUERN_ROLE_USER, "");
  add (messages, QUERN_ROLE_ASSISTANT, text->str);
  g_assert_cmpuint (print ("print-extremes.pdf", messages, pictures), >, 1);
}

int
main (int argc, char **argv)
{
  gtk_test_init (&argc, &argv, NULL);
  adw_init ();
  g_test_add_func ("/print/kinds", test_kinds);
  g_test_add_func ("/print/pages", test_pages);
  g_test_add_func ("/print/extremes", test_extremes);
  return g_test_run ();
}
