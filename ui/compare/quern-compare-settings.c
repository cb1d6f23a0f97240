/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-compare-settings.h"

#include <glib/gi18n.h>

/* A popover with the settings in which one column differs. */

typedef struct {
  QuernCompareColumn *column; /* owned */
  GtkCheckButton *own;        /* whether the column has a temperature of its own */
  GtkSpinButton *spin;
} Temperature;

static void
temperature_free (gpointer data, GClosure *closure)
{
  Temperature *temperature = data;

  g_object_unref (temperature->column);
  g_free (temperature);
}

static GtkWidget *
quern_compare_settings_add_row (GtkGrid *grid, int row, const char *name, GtkWidget *widget)
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
  Temperature *temperature = user_data;
  gboolean own = gtk_check_button_get_active (temperature->own);

  gtk_widget_set_sensitive (GTK_WIDGET (temperature->spin), own);
  quern_compare_column_set_temperature (temperature->column, own ? gtk_spin_button_get_value (temperature->spin) : -1);
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
  GtkWidget *own = gtk_check_button_new_with_label (_("Set Temperature"));
  GtkWidget *spin = gtk_spin_button_new_with_range (0, 2, 0.1);
  double value = quern_compare_column_get_temperature (column);
  Temperature *temperature = g_new (Temperature, 1);

  gtk_grid_set_row_spacing (GTK_GRID (grid), 9);
  gtk_grid_set_column_spacing (GTK_GRID (grid), 12);
  gtk_widget_add_css_class (grid, "statistics");
  quern_compare_settings_add_row (GTK_GRID (grid), 0, _("Thinking"), think);
  quern_compare_settings_add_row (GTK_GRID (grid), 1, _("Precision of the Cache"), cache);
  gtk_grid_attach (GTK_GRID (grid), own, 0, 2, 2, 1);
  quern_compare_settings_add_row (GTK_GRID (grid), 3, _("Temperature"), spin);
  gtk_drop_down_set_selected (GTK_DROP_DOWN (think), (guint) (quern_compare_column_get_thinking (column) + 1));
  gtk_drop_down_set_selected (GTK_DROP_DOWN (cache), quern_compare_column_get_kv_type (column));
  gtk_check_button_set_active (GTK_CHECK_BUTTON (own), value >= 0);
  gtk_spin_button_set_value (GTK_SPIN_BUTTON (spin), value >= 0 ? value : 0.7);
  gtk_widget_set_sensitive (spin, value >= 0);
  *temperature = (Temperature) { g_object_ref (column), GTK_CHECK_BUTTON (own), GTK_SPIN_BUTTON (spin) };
  g_signal_connect (own, "toggled", G_CALLBACK (temperature_cb), temperature);
  g_signal_connect_data (spin, "value-changed", G_CALLBACK (temperature_cb), temperature, temperature_free, 0);
  g_signal_connect_object (think, "notify::selected", G_CALLBACK (thinking_cb), column, G_CONNECT_SWAPPED);
  g_signal_connect_object (cache, "notify::selected", G_CALLBACK (kv_cb), column, G_CONNECT_SWAPPED);
  gtk_popover_set_child (GTK_POPOVER (popover), grid);
  return popover;
}
