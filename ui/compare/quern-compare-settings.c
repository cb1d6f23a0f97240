/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-compare-settings.h"

#include <glib/gi18n.h>

/* A popover with the settings in which one column differs. */

static GtkWidget *
add_row (GtkGrid *grid, int row, const char *name, GtkWidget *widget)
{
  GtkWidget *label = gtk_label_new (name);

  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_widget_set_hexpand (widget, TRUE);
  gtk_grid_attach (grid, label, 0, row, 1, 1);
  gtk_grid_attach (grid, widget, 1, row, 1, 1);
  gtk_accessible_update_property (GTK_ACCESSIBLE (widget), GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
  return widget;
}

static void
thinking_cb (QuernCompareColumn *column, GParamSpec *pspec, GtkDropDown *dropdown)
{
  quern_compare_column_set_thinking (column, (QuernThinking) ((int) gtk_drop_down_get_selected (dropdown) - 1));
}

static void
kv_cb (QuernCompareColumn *column, GParamSpec *pspec, GtkDropDown *dropdown)
{
  quern_compare_column_set_kv_type (column, (QuernKvType) gtk_drop_down_get_selected (dropdown));
}

static void
temperature_cb (GtkWidget *widget, gpointer user_data)
{
  GObject *popover = G_OBJECT (user_data);
  QuernCompareColumn *column = g_object_get_data (popover, "column");
  gboolean own = gtk_check_button_get_active (g_object_get_data (popover, "own"));
  GtkSpinButton *spin = g_object_get_data (popover, "spin");

  gtk_widget_set_sensitive (GTK_WIDGET (spin), own);
  quern_compare_column_set_temperature (column, own ? gtk_spin_button_get_value (spin) : -1);
}

static void
add_temperature (GtkWidget *popover, GtkGrid *grid, QuernCompareColumn *column)
{
  double value = quern_compare_column_get_temperature (column);
  GtkWidget *own = gtk_check_button_new_with_label (_("Set Temperature"));
  GtkWidget *spin = gtk_spin_button_new_with_range (0, 2, 0.1);

  gtk_grid_attach (grid, own, 0, 2, 2, 1);
  add_row (grid, 3, _("Temperature"), spin);
  gtk_check_button_set_active (GTK_CHECK_BUTTON (own), value >= 0);
  gtk_spin_button_set_value (GTK_SPIN_BUTTON (spin), value >= 0 ? value : 0.7);
  gtk_widget_set_sensitive (spin, value >= 0);
  g_object_set_data (G_OBJECT (popover), "own", own);
  g_object_set_data (G_OBJECT (popover), "spin", spin);
  g_signal_connect (own, "toggled", G_CALLBACK (temperature_cb), popover);
  g_signal_connect (spin, "value-changed", G_CALLBACK (temperature_cb), popover);
}

/**
 * quern_compare_settings_new:
 *
 * Returns: (transfer floating): a popover that shows and changes the settings of @column
 */
GtkWidget *
quern_compare_settings_new (QuernCompareColumn *column)
{
  const char *thinking[] = { _("Model Default"), _("Off"), _("On"), NULL };
  const char *kv[] = { _("16 bits"), _("8 bits"), _("32 bits, exact"), NULL };
  GtkWidget *popover = gtk_popover_new (), *grid = gtk_grid_new ();
  GtkWidget *think = gtk_drop_down_new_from_strings (thinking), *cache = gtk_drop_down_new_from_strings (kv);

  gtk_grid_set_row_spacing (GTK_GRID (grid), 9);
  gtk_grid_set_column_spacing (GTK_GRID (grid), 12);
  gtk_widget_add_css_class (grid, "statistics");
  g_object_set_data_full (G_OBJECT (popover), "column", g_object_ref (column), g_object_unref);
  add_row (GTK_GRID (grid), 0, _("Thinking"), think);
  add_row (GTK_GRID (grid), 1, _("Precision of the Cache"), cache);
  add_temperature (popover, GTK_GRID (grid), column);
  gtk_drop_down_set_selected (GTK_DROP_DOWN (think), (guint) (quern_compare_column_get_thinking (column) + 1));
  gtk_drop_down_set_selected (GTK_DROP_DOWN (cache), quern_compare_column_get_kv_type (column));
  g_signal_connect_object (think, "notify::selected", G_CALLBACK (thinking_cb), column, G_CONNECT_SWAPPED);
  g_signal_connect_object (cache, "notify::selected", G_CALLBACK (kv_cb), column, G_CONNECT_SWAPPED);
  gtk_popover_set_child (GTK_POPOVER (popover), grid);
  return popover;
}
