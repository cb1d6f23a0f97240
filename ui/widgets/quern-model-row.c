/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-model-row.h"

#include <glib/gi18n.h>

/* One installed model in the menu: title, what it is, and a mark on the one in use. A model that cannot run says why. */

static GtkWidget *
make_label (const char *text, const char *css_class)
{
  GtkWidget *label = gtk_label_new (text);

  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_label_set_wrap (GTK_LABEL (label), TRUE);
  gtk_label_set_wrap_mode (GTK_LABEL (label), PANGO_WRAP_WORD_CHAR);
  gtk_label_set_max_width_chars (GTK_LABEL (label), 36);
  if (css_class != NULL) {
    gtk_widget_add_css_class (label, css_class);
    gtk_widget_add_css_class (label, "dim-label");
  }
  return label;
}

static char *
make_subtitle (QuernModel *model)
{
  g_autofree char *size = g_format_size (quern_model_get_size (model));

  if (quern_model_get_state (model) != QUERN_MODEL_OK)
    return g_strdup (quern_model_get_problem (model));
  if (quern_model_is_demo (model))
    /* Translators: quantisation and size of the demonstration model, e.g. "Demonstration · Q8_0 · 3.5 MB" */
    return g_strdup_printf (_("Demonstration · %s · %s"), quern_model_get_quantisation (model), size);
  if (quern_model_get_vision_path (model) != NULL)
    return g_strdup_printf (_("%s · %s · sees pictures"), quern_model_get_quantisation (model), size);
  if (quern_model_needs_vision_file (model))
    return g_strdup_printf (_("%s · %s · pictures need another file"), quern_model_get_quantisation (model), size);
  return g_strdup_printf (_("%s · %s"), quern_model_get_quantisation (model), size);
}

/**
 * quern_model_row_new:
 * @model: what it offers
 *
 * Returns: (transfer floating): a row for a #GtkListBox
 */
GtkWidget *
quern_model_row_new (QuernModel *model)
{
  GtkWidget *row = gtk_list_box_row_new (), *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 12);
  GtkWidget *labels = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  GtkWidget *mark = gtk_image_new_from_icon_name ("object-select-symbolic");
  g_autofree char *subtitle = make_subtitle (model);

  gtk_box_append (GTK_BOX (labels), make_label (quern_model_get_title (model), NULL));
  gtk_box_append (GTK_BOX (labels), make_label (subtitle, "caption"));
  gtk_widget_set_hexpand (labels, TRUE);
  gtk_box_append (GTK_BOX (box), labels);
  gtk_box_append (GTK_BOX (box), mark);
  gtk_list_box_row_set_child (GTK_LIST_BOX_ROW (row), box);
  gtk_widget_set_sensitive (row, quern_model_get_state (model) == QUERN_MODEL_OK);
  gtk_widget_add_css_class (row, "model-row");
  g_object_set_data_full (G_OBJECT (row), "model", g_object_ref (model), g_object_unref);
  g_object_set_data (G_OBJECT (row), "mark", mark);
  return row;
}

/**
 * quern_model_row_set_selected:
 * @selected: (nullable): the model in use
 */
void
quern_model_row_set_selected (GtkWidget *row, QuernModel *selected)
{
  gboolean is = selected != NULL
                && g_str_equal (quern_model_get_id (selected), quern_model_get_id (quern_model_row_get_model (row)));
  gtk_widget_set_opacity (g_object_get_data (G_OBJECT (row), "mark"), is ? 1 : 0);
  gtk_accessible_update_state (GTK_ACCESSIBLE (row), GTK_ACCESSIBLE_STATE_SELECTED, is, -1);
}

QuernModel *
quern_model_row_get_model (GtkWidget *row)
{
  return g_object_get_data (G_OBJECT (row), "model");
}
