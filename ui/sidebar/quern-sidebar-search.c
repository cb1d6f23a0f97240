/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-chat-title.h"
#include "quern-sidebar-private.h"

#include <glib/gi18n.h>

/* Searches all messages. The results replace the list while the entry has text. */

#define MAX_RESULTS 60

/* Leaves out the marks of Markdown, which a line of a result has no use for: those of headings, lists and tables at the
 * beginnings of lines, and of emphasis and code everywhere. */
static char *
without_markdown (const char *text)
{
  static GRegex *marks;

  if (g_once_init_enter (&marks))
    g_once_init_leave (
        &marks,
        g_regex_new ("^[ \\t]*(?:#{1,6} +|[-*+] +|> ?|```\\w*|\\|?[ :|-]*-{3,}[ :|-]*$)|\\*\\*|__|`+|(?<!\\w)[*_]"
                     "(?=\\S)|(?<=[^\\s*_])[*_](?!\\w)|\\|",
                     G_REGEX_OPTIMIZE | G_REGEX_MULTILINE, 0, NULL));
  return g_regex_replace_literal (marks, text, -1, 0, "", 0, NULL);
}

/* The store encloses matches in the isolate characters U+2068 and U+2069. */
static char *
snippet_markup (const char *snippet)
{
  g_autofree char *plain = without_markdown (snippet), *escaped = g_markup_escape_text (plain, -1);
  GString *markup = g_string_new (escaped);
  g_string_replace (markup, "\u2068", "<b>", 0);
  g_string_replace (markup, "\u2069", "</b>", 0);
  g_string_replace (markup, "\n", " ", 0);
  return g_string_free (markup, FALSE);
}

static GtkWidget *
quern_sidebar_add_label (GtkWidget *box, const char *text, const char *css_class)
{
  GtkWidget *label = gtk_label_new (text);
  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_label_set_ellipsize (GTK_LABEL (label), PANGO_ELLIPSIZE_END);
  gtk_widget_add_css_class (label, css_class);
  gtk_box_append (GTK_BOX (box), label);
  return label;
}

static GtkWidget *
quern_sidebar_make_row (QuernSearchHit *hit)
{
  GtkWidget *row = gtk_list_box_row_new (), *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 3), *label;
  const char *title = quern_search_hit_get_title (hit);
  g_autofree char *markup = snippet_markup (quern_search_hit_get_snippet (hit));

  quern_sidebar_add_label (box, quern_chat_title_shown (title), "heading");
  label = quern_sidebar_add_label (box, NULL, "caption");
  gtk_label_set_markup (GTK_LABEL (label), markup);
  gtk_label_set_wrap (GTK_LABEL (label), TRUE);
  gtk_label_set_lines (GTK_LABEL (label), 2);
  gtk_widget_add_css_class (row, "search-hit");
  gtk_list_box_row_set_child (GTK_LIST_BOX_ROW (row), box);
  gtk_accessible_update_property (GTK_ACCESSIBLE (row), GTK_ACCESSIBLE_PROPERTY_LABEL, quern_chat_title_shown (title),
                                  -1);
  return row;
}

static void
quern_sidebar_searched_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernSidebar) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GListModel) hits = quern_store_search_finish (QUERN_STORE (source), result, &error);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED) || self->results == NULL)
    return; /* a newer search is running, or the search was closed */
  gtk_list_box_remove_all (self->results);
  g_set_object (&self->hits, hits);
  for (guint i = 0; hits != NULL && i < g_list_model_get_n_items (hits); i++) {
    g_autoptr (QuernSearchHit) hit = g_list_model_get_item (hits, i);
    gtk_list_box_append (self->results, quern_sidebar_make_row (hit));
  }
  _quern_sidebar_update_page (self);
}

/* Starts a search for the text of the entry and cancels the search before. */
void
_quern_sidebar_search (QuernSidebar *self)
{
  const char *text = gtk_editable_get_text (GTK_EDITABLE (self->search_entry));

  g_cancellable_cancel (self->search);
  g_clear_object (&self->search);
  if (*text == '\0' || self->store == NULL) {
    gtk_list_box_remove_all (self->results);
    _quern_sidebar_update_page (self);
    return;
  }
  self->search = g_cancellable_new ();
  quern_store_search_async (self->store, text, MAX_RESULTS, self->search, quern_sidebar_searched_cb,
                            g_object_ref (self));
}
