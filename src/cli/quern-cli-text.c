/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-cli.h"

#include <errno.h>
#include <glib/gi18n.h>
#include <string.h>

#include "quern-measure-categories.h"
#include "quern-sample-text.h"
#include "quern-texts.h"
#include "quern-wikitext.h"

/* What `eval` and `sweep` measure with. */

static char *
read_standard_input (gsize *length, GError **error)
{
  GString *text = g_string_new (NULL);
  char buffer[65536];
  size_t n;

  while ((n = fread (buffer, 1, sizeof buffer, stdin)) > 0)
    g_string_append_len (text, buffer, (gssize) n);
  *length = text->len;
  if (!ferror (stdin))
    return g_string_free_and_steal (text);
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), _("The text could not be read: %s"),
               g_strerror (errno));
  g_string_free (text, TRUE);
  return NULL;
}

static gboolean
add_file (QuernMeasure *measure, const char *path, GError **error)
{
  g_autofree char *text = NULL;
  gsize length = 0;

  if (g_file_test (path, G_FILE_TEST_IS_DIR))
    return quern_texts_add_folder (measure, path, error);
  if (g_str_equal (path, "-"))
    text = read_standard_input (&length, error);
  else
    g_file_get_contents (path, &text, &length, error);
  if (!text)
    return FALSE;
  if (strlen (text) < length) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                 _("“%s” has a NUL byte in it, so it is not "
                   "text."),
                 path);
    return FALSE;
  }
  quern_measure_add_text (measure, text);
  return TRUE;
}

static gboolean
add_wikitext (QuernMeasure *measure, GError **error)
{
  g_autoptr (QuernHub) hub = quern_hub_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autofree char *text = NULL;

  if (!quern_hub_check_endpoint (hub, error))
    return FALSE;
  quern_wikitext_load_async (hub, NULL, quern_keep_result_cb, &result);
  text = quern_wikitext_load_finish (hub, quern_cli_wait (&result), error);
  if (!text)
    return FALSE;
  quern_cli_line (stderr, "%s", QUERN_WIKITEXT_ATTRIBUTION);
  quern_measure_begin_category (measure, "wikitext");
  quern_measure_add_text (measure, text);
  quern_measure_begin_category (measure, NULL);
  return TRUE;
}

gboolean
quern_cli_add_text (QuernMeasure *measure, const char *path, char **categories, GError **error)
{
  g_autofree char *names = categories ? g_strjoinv (", ", categories) : NULL;
  g_autofree char *file = path ? g_path_get_basename (path) : NULL; /* reports and cards are for others */
  g_autofree char *source = file && names ? g_strdup_printf ("%s, %s", file, names) : NULL;

  quern_measure_set_source (measure, source ? source : file ? file : names ? names : _("the built-in sample"));
  if (path && !add_file (measure, path, error))
    return FALSE;
  for (char **category = categories; category && *category; category++) {
    if (g_str_equal (*category, "wikitext")
            ? !add_wikitext (measure, error)
            : !g_str_equal (*category, "all") && !quern_texts_add (measure, *category, error))
      return FALSE;
    for (guint i = 0; g_str_equal (*category, "all") && quern_texts_get (i); i++)
      if (!quern_texts_add (measure, quern_texts_get (i)->id, error))
        return FALSE;
  }
  if (!path && !categories)
    quern_measure_add_text (measure, quern_sample_text ());
  return TRUE;
}

void
quern_cli_print_categories (QuernMeasure *measure)
{
  guint n = g_list_model_get_n_items (quern_measure_get_results (measure));
  g_auto (GStrv) categories = quern_measure_dup_categories (measure);
  g_autofree char *divergence = quern_measure_dup_marked (measure, _("divergence"));

  for (char **category = categories; *category; category++) {
    quern_cli_line (stdout, "%s", "");
    quern_cli_line (stdout, "%s:", *category);
    for (guint i = 0; i < n; i++) {
      QuernMeasured *result = quern_measure_get_result (measure, i);
      g_autofree char *label = quern_measured_dup_label (result);
      QuernDivergenceSummary s;
      quern_measure_get_category_summary (measure, result, *category, &s);
      if (i == 0)
        quern_cli_line (stdout, _("%-10s  %u tokens, perplexity %.4f"), label, (guint) s.n, s.perplexity);
      else
        quern_cli_line (stdout, _("%-10s  %s %.6f ± %.6f, 99 %% %.6f, same top token %.2f %% ± %.2f"), label,
                        divergence, s.kld_mean, s.kld_block_error, s.kld_p99, 100 * s.same_top,
                        100 * s.same_top_block_error);
    }
  }
}
