/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-model-row.h"

#include "quern-hyphens.h"
#include "quern-served-models.h"
#include "servers/quern-server-model-row.h"

#include <glib/gi18n.h>

/* One installed model in the menu: its quantisation, by which files of one model are told apart, then what it is, and a
 * mark on the one in use. A model that cannot run says why. */
struct _QuernModelRow {
  GtkListBoxRow parent_instance;

  /* Template widgets */
  GtkLabel *title, *subtitle;
  GtkWidget *mark;

  /* Owned references */
  QuernModel *model;
};

G_DEFINE_FINAL_TYPE (QuernModelRow, quern_model_row, GTK_TYPE_LIST_BOX_ROW)

/* What its server told of it. */
static char *
describe_served (QuernModel *model)
{
  g_autoptr (QuernServerModel) told = quern_served_model_dup_facts (model);

  return told != NULL ? quern_server_model_describe (told) : g_strdup ("");
}

static char *
quern_model_row_describe (QuernModel *model)
{
  g_autofree char *size = g_format_size (quern_model_get_size (model));
  const char *title = quern_model_get_title (model);

  if (quern_model_get_state (model) != QUERN_MODEL_OK)
    return g_strdup (quern_model_get_problem (model));
  if (quern_model_is_remote (model))
    return describe_served (model);
  if (quern_model_is_demo (model))
    /* Translators: name and size of the demonstration model, e.g. "Quern Tiny · Demonstration · 3.5 MB" */
    return g_strdup_printf (_("%s · Demonstration · %s"), title, size);
  if (quern_model_get_vision_path (model) != NULL)
    return g_strdup_printf (_("%s · %s · sees pictures"), title, size);
  if (quern_model_needs_vision_file (model))
    return g_strdup_printf (_("%s · %s · pictures need another file"), title, size);
  return g_strdup_printf ("%s · %s", title, size);
}

static void
quern_model_row_dispose (GObject *object)
{
  gtk_widget_dispose_template (GTK_WIDGET (object), QUERN_TYPE_MODEL_ROW);
  g_clear_object (&QUERN_MODEL_ROW (object)->model);
  G_OBJECT_CLASS (quern_model_row_parent_class)->dispose (object);
}

static void
quern_model_row_class_init (QuernModelRowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = quern_model_row_dispose;
  gtk_widget_class_set_template_from_resource (widget_class, "/io/github/quern/Quern/ui/widgets/quern-model-row.ui");
  gtk_widget_class_bind_template_child (widget_class, QuernModelRow, title);
  gtk_widget_class_bind_template_child (widget_class, QuernModelRow, subtitle);
  gtk_widget_class_bind_template_child (widget_class, QuernModelRow, mark);
}

static void
quern_model_row_init (QuernModelRow *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  quern_hyphens_leave_out (self->title);
  quern_hyphens_leave_out (self->subtitle);
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
  QuernModelRow *self = g_object_new (QUERN_TYPE_MODEL_ROW, NULL);
  g_autofree char *subtitle = quern_model_row_describe (model);

  self->model = g_object_ref (model);
  gtk_label_set_label (self->title,
                       quern_model_get_state (model) == QUERN_MODEL_OK && *quern_model_get_quantisation (model)
                           ? quern_model_get_quantisation (model)
                           : quern_model_get_title (model));
  gtk_label_set_label (self->subtitle, subtitle);
  gtk_widget_set_visible (GTK_WIDGET (self->subtitle), *subtitle != '\0');
  gtk_widget_set_sensitive (GTK_WIDGET (self), quern_model_get_state (model) == QUERN_MODEL_OK);
  return GTK_WIDGET (self);
}

/**
 * quern_model_row_update_header:
 * @before: (nullable): the row above
 *
 * A #GtkListBoxUpdateHeaderFunc: the models of a server stand below its name.
 */
void
quern_model_row_update_header (GtkListBoxRow *row, GtkListBoxRow *before, gpointer user_data)
{
  const char *place = quern_model_get_place (QUERN_MODEL_ROW (row)->model);
  const char *above = before != NULL ? quern_model_get_place (QUERN_MODEL_ROW (before)->model) : NULL;
  GtkWidget *label;

  if (place == NULL || g_strcmp0 (place, above) == 0) {
    gtk_list_box_row_set_header (row, NULL);
    return;
  }
  label = gtk_label_new (place);
  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_label_set_wrap (GTK_LABEL (label), TRUE);
  gtk_label_set_wrap_mode (GTK_LABEL (label), PANGO_WRAP_WORD_CHAR);
  gtk_label_set_max_width_chars (GTK_LABEL (label), 36);
  gtk_widget_add_css_class (label, "heading");
  gtk_widget_add_css_class (label, "model-server");
  gtk_list_box_row_set_header (row, label);
}

/**
 * quern_model_row_set_selected:
 * @selected: (nullable): the model in use
 */
void
quern_model_row_set_selected (QuernModelRow *self, QuernModel *selected)
{
  gboolean is;

  g_return_if_fail (QUERN_IS_MODEL_ROW (self));

  is = selected != NULL && g_str_equal (quern_model_get_id (selected), quern_model_get_id (self->model));
  gtk_widget_set_opacity (self->mark, is ? 1 : 0);
  gtk_accessible_update_state (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_STATE_SELECTED, is, -1);
}

/**
 * quern_model_row_get_model:
 *
 * Returns: (transfer none): the model that the row offers
 */
QuernModel *
quern_model_row_get_model (QuernModelRow *self)
{
  g_return_val_if_fail (QUERN_IS_MODEL_ROW (self), NULL);

  return self->model;
}
