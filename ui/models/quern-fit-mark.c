/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-fit-mark.h"

#include <glib/gi18n.h>

/* Whether a model fits into memory: an icon and words, never colour alone. */

GtkWidget *
quern_fit_mark_new (void)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);
  GtkWidget *label = gtk_label_new (NULL);

  gtk_widget_add_css_class (label, "caption");
  gtk_box_append (GTK_BOX (box), gtk_image_new ());
  gtk_box_append (GTK_BOX (box), label);
  gtk_widget_set_valign (box, GTK_ALIGN_CENTER);
  return box;
}

void
quern_fit_mark_set (GtkWidget *mark, QuernFit fit, gboolean disk_too_small)
{
  static const struct {
    const char *icon, *text, *css;
  } looks[] = {
    [QUERN_FIT_UNKNOWN] = { "dialog-question-symbolic", N_("Measuring…"), "dim-label" },
    [QUERN_FIT_YES] = { "object-select-symbolic", N_("Fits"), "success" },
    [QUERN_FIT_TIGHT] = { "dialog-warning-symbolic", N_("Tight"), "warning" },
    [QUERN_FIT_UNTOLD] = { "dialog-question-symbolic", N_("Free memory unknown"), "dim-label" },
    [QUERN_FIT_NO] = { "window-close-symbolic", N_("Does not fit"), "dim-label" },
  };
  GtkWidget *image = gtk_widget_get_first_child (mark), *label = gtk_widget_get_last_child (mark);
  gboolean disk = disk_too_small && fit != QUERN_FIT_NO;
  const char *classes[] = { disk ? "warning" : looks[fit].css, NULL };

  gtk_image_set_from_icon_name (GTK_IMAGE (image), disk ? "drive-harddisk-symbolic" : looks[fit].icon);
  gtk_label_set_label (GTK_LABEL (label), disk ? _("Disk too full") : _ (looks[fit].text));
  gtk_widget_set_css_classes (mark, classes);
}

/* Returns: (transfer full): "about 14 tokens/s", "" when it is not known */
char *
quern_format_speed (double tokens_per_second)
{
  if (tokens_per_second <= 0)
    return g_strdup ("");
  /* Translators: how fast a model may answer, from the bandwidth of the memory */
  return tokens_per_second < 2 ? g_strdup_printf (_("about %.1f tokens/s"), tokens_per_second)
                               : g_strdup_printf (_("about %.0f tokens/s"), tokens_per_second);
}
