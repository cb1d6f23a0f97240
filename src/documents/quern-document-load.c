/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-document.h"

#include <errno.h>
#include <glib-unix.h>
#include <gio/gunixinputstream.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "quern-reader-protocol.h"

/* Loads texts and documents. Texts are taken as they are; documents go through quern-reader, a process of its own, which
 * gets the bytes and gives the text. */

#define MAX_TEXT (1024 * 1024)                           /* bytes of a text file; far more than any context holds */
#define MAX_OUTPUT (QUERN_READER_MAX_TEXT + 1024 * 1024) /* what a reader may write: cutting adds a little */
#define HEAD 1024

/* ---- which kind -------------------------------------------------------------------------------------------------- */

static gboolean
has_suffix (const char *name, const char *suffix)
{
  gsize length = strlen (name), n = strlen (suffix);

  return length > n && g_ascii_strcasecmp (name + length - n, suffix) == 0;
}

static gboolean
begins_with_tag (const char *head, gsize size)
{
  g_autofree char *text = g_ascii_strdown (head, (gssize) MIN (size, 64));
  const char *p = g_str_has_prefix (text, "\xef\xbb\xbf") ? text + 3 : text;

  while (g_ascii_isspace (*p))
    p++;
  return g_str_has_prefix (p, "<!doctype html") || g_str_has_prefix (p, "<html");
}

/* Returns the reader's name of the kind, or NULL for what is no document. */
static const char *
find_kind (const char *name, const char *head, gsize size)
{
  if (head && size >= 5 && memmem (head, size, "%PDF-", 5))
    return "pdf";
  if (size >= 4 && memcmp (head, "PK\3\4", 4) == 0)
    return "package";
  if (size > 0 && (has_suffix (name, ".csv") || has_suffix (name, ".tsv")))
    return "table";
  if (size > 0
      && (has_suffix (name, ".html") || has_suffix (name, ".htm") || has_suffix (name, ".xhtml")
          || begins_with_tag (head, size)))
    return "html";
  return NULL;
}

/* ---- the reader -------------------------------------------------------------------------------------------------- */

/* Puts the bytes into a file that has no name, which a reader gets as its standard input. */
static int
make_input (GBytes *bytes, GError **error)
{
  int fd = memfd_create ("document", MFD_CLOEXEC);
  gsize size, done = 0;
  const char *data = g_bytes_get_data (bytes, &size);

  while (fd >= 0 && done < size) {
    ssize_t n = write (fd, data + done, size - done);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      break;
    done += (gsize) n;
  }
  if (fd >= 0 && done == size && lseek (fd, 0, SEEK_SET) == 0)
    return fd;
  g_set_error (error, QUERN_DOCUMENT_ERROR, QUERN_DOCUMENT_ERROR_FAILED,
               _("There is not enough memory to read it: %s"), g_strerror (errno));
  if (fd >= 0)
    close (fd);
  return -1;
}

/* Says why a reader failed. */
static void
set_reader_error (GError **error, GSubprocess *process)
{
  int status = g_subprocess_get_if_exited (process) ? g_subprocess_get_exit_status (process) : QUERN_READER_DAMAGED;

  switch ((QuernReaderStatus) status) {
  case QUERN_READER_ENCRYPTED:
    g_set_error (error, QUERN_DOCUMENT_ERROR, QUERN_DOCUMENT_ERROR_ENCRYPTED,
                 _("It is locked with a password. Save it without one and try again."));
    break;
  case QUERN_READER_UNKNOWN:
    g_set_error (error, QUERN_DOCUMENT_ERROR, QUERN_DOCUMENT_ERROR_NOT_A_TEXT,
                 _("Quern reads PDF, ODT, DOCX, EPUB, HTML and CSV documents. Save it as one of these."));
    break;
  case QUERN_READER_TOO_LARGE:
    g_set_error (error, QUERN_DOCUMENT_ERROR, QUERN_DOCUMENT_ERROR_TOO_LARGE,
                 _("It is too large: save the pages that matter as a document of their own."));
    break;
  default:
    g_set_error (error, QUERN_DOCUMENT_ERROR, QUERN_DOCUMENT_ERROR_DAMAGED,
                 _("The document is damaged. Use another copy, or open it in another application and save it again."));
  }
}

/* Reads to the end, or to the bound: a reader that a document has taken over must not fill the memory from outside. */
static GBytes *
read_output (GSubprocess *process, GCancellable *cancellable, GError **error)
{
  GInputStream *stream = g_subprocess_get_stdout_pipe (process);
  g_autoptr (GByteArray) output = g_byte_array_new ();
  g_autofree guint8 *piece = g_malloc (64 * 1024);
  gssize n = 0;

  while (output->len <= MAX_OUTPUT && (n = g_input_stream_read (stream, piece, 64 * 1024, cancellable, error)) > 0)
    g_byte_array_append (output, piece, (guint) n);
  if (n < 0)
    return NULL;
  if (output->len > MAX_OUTPUT) {
    g_set_error (error, QUERN_DOCUMENT_ERROR, QUERN_DOCUMENT_ERROR_TOO_LARGE,
                 _("It is too large: save the pages that matter as a document of their own."));
    return NULL;
  }
  return g_byte_array_free_to_bytes (g_steal_pointer (&output));
}

/* Starts a reader with @arguments behind its name, and returns what it writes. Blocks. */
static GBytes *
run_reader (GBytes *bytes, const char *const *arguments, GCancellable *cancellable, GError **error)
{
  const char *folder = g_getenv ("QUERN_LIBEXECDIR"); /* programs run from the build folder */
  g_autofree char *program = g_build_filename (folder ? folder : LIBEXECDIR, "quern-reader", NULL);
  g_autoptr (GSubprocessLauncher)
      launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_SILENCE);
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (GBytes) output = NULL;
  const char *argv[8] = { program };
  int input = make_input (bytes, error);

  if (input < 0)
    return NULL;
  for (gsize i = 0; arguments[i] && i + 2 < G_N_ELEMENTS (argv); i++)
    argv[i + 1] = arguments[i];
  g_subprocess_launcher_take_stdin_fd (launcher, input);
  process = g_subprocess_launcher_spawnv (launcher, argv, error);
  if (!process) {
    g_prefix_error_literal (error, _("The part of Quern that reads documents cannot be started. "));
    return NULL;
  }
  output = read_output (process, cancellable, error);
  if (!output)
    g_subprocess_force_exit (process);
  if (!g_subprocess_wait (process, NULL, output ? error : NULL) || !output)
    return NULL;
  if (!g_subprocess_get_successful (process)) {
    set_reader_error (error, process);
    return NULL;
  }
  return g_steal_pointer (&output);
}

/* ---- documents --------------------------------------------------------------------------------------------------- */

static gboolean
is_blank (const char *text, gsize size)
{
  for (gsize i = 0; i < size; i++)
    if (!g_ascii_isspace (text[i]))
      return FALSE;
  return TRUE;
}

static QuernAttachment *
parse_output (const char *name, const char *kind, GBytes *output, GError **error)
{
  gsize size;
  const char *data = g_bytes_get_data (output, &size), *end = memchr (data, '\n', MIN (size, 100));
  g_autofree char *line = end ? g_strndup (data, (gsize) (end - data)) : g_strdup ("");
  g_auto (GStrv) words = g_strsplit (line, " ", -1);
  guint64 counts[3];
  gboolean ok = g_strv_length (words) == 4;
  QuernDocumentFacts facts;
  g_autoptr (GBytes) text = NULL;

  for (gsize i = 0; ok && i < 3; i++)
    ok = g_ascii_string_to_unsigned (words[i + 1], 10, 0, G_MAXINT, &counts[i], NULL);
  if (!ok || counts[0] > QUERN_READER_MAX_PAGES) {
    g_set_error (error, QUERN_DOCUMENT_ERROR, QUERN_DOCUMENT_ERROR_DAMAGED,
                 _("The document is damaged. Use another copy, or open it in another application and save it again."));
    return NULL;
  }
  end++;
  facts = (QuernDocumentFacts) {
    .n_pages = (guint) counts[0],
    .n_left_out = (guint) counts[1],
    .n_pictures = (guint) counts[2],
    .is_paged = g_str_equal (words[0], "page"),
    .is_blank = is_blank (end, size - (gsize) (end - data)),
    .is_table = g_str_equal (kind, "table"),
  };
  if (facts.n_pages == 0 || (facts.is_blank && !g_str_equal (kind, "pdf"))) {
    g_set_error (error, QUERN_DOCUMENT_ERROR, QUERN_DOCUMENT_ERROR_NOT_A_TEXT, _("There is no text in the document."));
    return NULL;
  }
  text = g_bytes_new_from_bytes (output, (gsize) (end - data), size - (gsize) (end - data));
  return quern_document_new (name, text, &facts);
}

/* ---- texts ------------------------------------------------------------------------------------------------------- */

/* Returns whether there are few control characters; a file with many is not text. */
static gboolean
looks_like_text (const char *data, gsize size)
{
  gsize odd = 0;

  for (gsize i = 0; i < size; i++)
    odd += (guint8) data[i] < ' ' && strchr ("\t\n\r\f\x1b", data[i]) == NULL;
  return memchr (data, '\0', size) == NULL && odd * 100 <= size;
}

/* Converts to UTF-8 from UTF-8, from UTF-16 with a byte order mark, or from the Windows code page of old Western
 * files. */
static char *
to_utf8 (const char *data, gsize size)
{
  if (size >= 3 && memcmp (data, "\xef\xbb\xbf", 3) == 0)
    return to_utf8 (data + 3, size - 3);
  if (size >= 2 && (memcmp (data, "\xff\xfe", 2) == 0 || memcmp (data, "\xfe\xff", 2) == 0))
    return g_convert (data, (gssize) size, "UTF-8", "UTF-16", NULL, NULL, NULL);
  if (!looks_like_text (data, size))
    return NULL;
  return g_utf8_validate_len (data, size, NULL)
             ? g_strndup (data, size)
             : g_convert (data, (gssize) size, "UTF-8", "WINDOWS-1252", NULL, NULL, NULL);
}

static QuernAttachment *
load_text (const char *name, GBytes *bytes, GError **error)
{
  gsize size;
  const char *data = g_bytes_get_data (bytes, &size);
  g_autofree char *text = size > 0 ? to_utf8 (data, size) : NULL;
  g_autoptr (GBytes) utf8 = NULL;

  if (size == 0)
    g_set_error_literal (error, QUERN_DOCUMENT_ERROR, QUERN_DOCUMENT_ERROR_NOT_A_TEXT, _("The file is empty."));
  else if (!text)
    g_set_error_literal (error, QUERN_DOCUMENT_ERROR, QUERN_DOCUMENT_ERROR_NOT_A_TEXT,
                         _("The file is neither a picture nor a text."));
  else if (size > MAX_TEXT)
    g_set_error_literal (error, QUERN_DOCUMENT_ERROR, QUERN_DOCUMENT_ERROR_TOO_LARGE,
                         _("The file is too long for a conversation. Attach a part of it."));
  if (size == 0 || !text || size > MAX_TEXT)
    return NULL;
  utf8 = g_bytes_new (text, strlen (text));
  return quern_attachment_new (name, "text/plain", utf8);
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

/* Appends what the stream still has, but not more than makes one byte above @most. */
static gboolean
read_up_to (GInputStream *stream, GByteArray *array, gsize most, GCancellable *cancellable, GError **error)
{
  g_autofree guint8 *piece = g_malloc (64 * 1024);
  gssize n = 0;

  while (array->len <= most
         && (n = g_input_stream_read (stream, piece, MIN (64 * 1024, most + 1 - array->len), cancellable, error)) > 0)
    g_byte_array_append (array, piece, (guint) n);
  return n >= 0;
}

/**
 * quern_document_load:
 * @file: a text or a document
 *
 * Reads it; blocks.
 *
 * Returns: (transfer full) (nullable): the attachment: a document, with its source, of which all is sent, or a text; %NULL
 *   with a sentence for people
 */
QuernAttachment *
quern_document_load (GFile *file, GCancellable *cancellable, GError **error)
{
  g_autoptr (GFileInputStream) stream = g_file_read (file, cancellable, error);
  g_autoptr (GByteArray) array = g_byte_array_new ();
  g_autofree char *basename = g_file_get_basename (file);
  g_autofree char *name = basename ? g_filename_display_name (basename) : NULL;
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GBytes) output = NULL;
  QuernAttachment *attachment;
  const char *kind;

  if (!stream || !read_up_to (G_INPUT_STREAM (stream), array, HEAD, cancellable, error))
    return NULL;
  kind = find_kind (name, (const char *) array->data, array->len);
  if (!read_up_to (G_INPUT_STREAM (stream), array, kind ? QUERN_READER_MAX_INPUT : MAX_TEXT, cancellable, error))
    return NULL;
  if (kind && array->len > QUERN_READER_MAX_INPUT) {
    g_set_error (error, QUERN_DOCUMENT_ERROR, QUERN_DOCUMENT_ERROR_TOO_LARGE,
                 _("It is too large: save the pages that matter as a document of their own."));
    return NULL;
  }
  bytes = g_byte_array_free_to_bytes (g_steal_pointer (&array));
  if (!kind)
    return load_text (name, bytes, error);
  output = run_reader (bytes, (const char *[]) { "text", kind, NULL }, cancellable, error);
  attachment = output ? parse_output (name, kind, output, error) : NULL;
  if (attachment && quern_document_can_draw (bytes))
    quern_attachment_set_source (attachment, bytes);
  return attachment;
}

/**
 * quern_document_can_draw:
 * @source: (nullable): a file
 *
 * Returns: whether quern_document_draw_page() can draw its pages
 */
gboolean
quern_document_can_draw (GBytes *source)
{
  gsize size;
  const char *data = source ? g_bytes_get_data (source, &size) : NULL;

  return data && memmem (data, MIN (size, HEAD), "%PDF-", 5);
}

/**
 * quern_document_draw_page:
 * @source: a PDF file
 * @page: counted from 1
 *
 * Draws a page, for models that see; blocks.
 *
 * Returns: (transfer full) (nullable): a PNG file
 */
GBytes *
quern_document_draw_page (GBytes *source, guint page, GCancellable *cancellable, GError **error)
{
  g_autofree char *number = g_strdup_printf ("%u", page);
  const char *arguments[] = { "picture", number, "1540", NULL };

  return run_reader (source, arguments, cancellable, error);
}
