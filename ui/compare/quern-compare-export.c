/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-compare-export.h"

#include "quern-comparison-json.h"
#include "quern-comparison-report.h"

#include <glib/gi18n.h>

/* Exports a comparison to a file. The hashes of the models' files are computed first, because they identify the
 * files. */

typedef struct {
  QuernComparePage *page;
  QuernComparison *comparison;
  GFile *file;
  char *format;
} Export;

static void
quern_compare_export_export_free (Export *export)
{
  g_object_unref (export->page);
  g_object_unref (export->comparison);
  g_clear_object (&export->file);
  g_free (export->format);
  g_free (export);
}

static void
written_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Export *export = user_data;
  g_autoptr (GError) error = NULL;
  GtkWidget *overlay = gtk_widget_get_ancestor (GTK_WIDGET (export->page), ADW_TYPE_TOAST_OVERLAY);
  gboolean written = g_file_replace_contents_finish (G_FILE (source), result, NULL, &error);

  if (!written && gtk_widget_get_mapped (GTK_WIDGET (export->page)))
    quern_compare_page_show_problem (export->page, error->message);
  else if (overlay != NULL) {
    AdwToast *toast = adw_toast_new (written ? _("Exported") : error->message);
    adw_toast_set_use_markup (toast, FALSE);
    adw_toast_overlay_add_toast (ADW_TOAST_OVERLAY (overlay), toast);
  }
  quern_compare_export_export_free (export);
}

static void
hashed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Export *export = user_data;
  g_autoptr (GBytes) bytes = NULL;
  char *text;

  quern_comparison_hash_finish (export->comparison, result, NULL); /* the report has no hash for a file that is gone */
  if (g_str_equal (export->format, "html"))
    text = quern_comparison_to_html (export->comparison);
  else if (g_str_equal (export->format, "md"))
    text = quern_comparison_to_markdown (export->comparison);
  else
    text = quern_comparison_to_json (export->comparison);
  bytes = g_bytes_new_take (text, strlen (text));
  g_file_replace_contents_bytes_async (export->file, bytes, NULL, FALSE, G_FILE_CREATE_REPLACE_DESTINATION, NULL,
                                       written_cb, export);
}

static void
quern_compare_export_chosen_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Export *export = user_data;

  export->file = gtk_file_dialog_save_finish (GTK_FILE_DIALOG (source), result, NULL);
  if (export->file == NULL)
    quern_compare_export_export_free (export);
  else
    quern_comparison_hash_async (export->comparison, NULL, hashed_cb, export);
}

/**
 * quern_compare_export:
 * @page: says what came of it
 * @format: "html", "md" or "json"
 *
 * Asks where to, and writes the file.
 */
void
quern_compare_export (QuernComparePage *page, QuernComparison *comparison, const char *format)
{
  g_autoptr (GtkFileDialog) dialog = gtk_file_dialog_new ();
  g_autofree char *name = g_strdup_printf ("%s.%s", _("Comparison"), format);
  Export *export = g_new0 (Export, 1);

  export->page = g_object_ref (page);
  export->comparison = g_object_ref (comparison);
  export->format = g_strdup (format);
  gtk_file_dialog_set_title (dialog, _("Export Comparison"));
  gtk_file_dialog_set_initial_name (dialog, name);
  gtk_file_dialog_save (dialog, GTK_WINDOW (gtk_widget_get_root (GTK_WIDGET (page))), NULL,
                        quern_compare_export_chosen_cb, export);
}
