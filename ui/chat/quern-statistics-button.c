/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-statistics-button.h"

#include <glib/gi18n.h>

/* The line of measurements under an answer, and all of them in a popover. Nothing here is estimated. */
struct _QuernStatisticsButton {
  AdwBin parent_instance;

  GtkMenuButton *button;
  GtkLabel *label;

  /* Owned references */
  QuernMessage *message;
};

G_DEFINE_FINAL_TYPE (QuernStatisticsButton, quern_statistics_button, ADW_TYPE_BIN)

static void
add_row (GtkGrid *grid, const char *name, char *value)
{
  int row = 0;
  GtkWidget *left = gtk_label_new (name), *right = gtk_label_new (value);

  while (gtk_grid_get_child_at (grid, 0, row) != NULL)
    row++;
  gtk_label_set_xalign (GTK_LABEL (left), 0);
  gtk_label_set_xalign (GTK_LABEL (right), 1);
  gtk_label_set_selectable (GTK_LABEL (right), TRUE);
  gtk_label_set_wrap (GTK_LABEL (right), TRUE);
  gtk_widget_set_can_focus (right, FALSE); /* the popover would open with it selected */
  gtk_widget_add_css_class (left, "dim-label");
  gtk_widget_add_css_class (right, "numeric");
  gtk_widget_set_hexpand (right, TRUE);
  gtk_grid_attach (grid, left, 0, row, 1, 1);
  gtk_grid_attach (grid, right, 1, row, 1, 1);
  g_free (value);
}

static char *
seconds_text (double seconds)
{
  /* Translators: a duration in seconds */
  return g_strdup_printf (_("%.2f s"), seconds);
}

static char *
rate_text (double rate)
{
  return g_strdup_printf (_("%.1f tokens/s"), rate);
}

static char *
prompt_text (const QuernStatistics *s)
{
  /* Translators: tokens of the prompt, and how many of them were still in memory from before */
  if (s->reused_tokens > 0)
    return g_strdup_printf (_("%u tokens, %u reused"), s->prompt_tokens, s->reused_tokens);
  return g_strdup_printf (ngettext ("%u token", "%u tokens", s->prompt_tokens), s->prompt_tokens);
}

static GtkWidget *
make_details (QuernMessage *message)
{
  const QuernStatistics *s = quern_message_get_statistics (message);
  const char *model = quern_message_get_model_title (message);
  GtkWidget *grid = gtk_grid_new ();

  gtk_grid_set_row_spacing (GTK_GRID (grid), 6);
  gtk_grid_set_column_spacing (GTK_GRID (grid), 18);
  gtk_widget_add_css_class (grid, "statistics");
  if (model != NULL && *model != '\0')
    add_row (GTK_GRID (grid), _("Model"), g_strdup (model));
  add_row (GTK_GRID (grid), _("Prompt"), prompt_text (s));
  if (s->prefill_seconds > 0 && s->evaluated_tokens > 0)
    add_row (GTK_GRID (grid), _("Reading the prompt"), rate_text (quern_statistics_prefill_rate (s)));
  add_row (GTK_GRID (grid), _("First token after"), seconds_text (s->first_token_seconds));
  add_row (GTK_GRID (grid), _("Answer"),
           g_strdup_printf (ngettext ("%u token", "%u tokens", s->answer_tokens), s->answer_tokens));
  if (s->reasoning_tokens > 0)
    add_row (GTK_GRID (grid), _("Of these, thinking"), g_strdup_printf ("%u", s->reasoning_tokens));
  if (s->decode_seconds > 0)
    add_row (GTK_GRID (grid), _("Writing"), rate_text (quern_statistics_decode_rate (s)));
  if (s->load_seconds > 0)
    add_row (GTK_GRID (grid), _("Loading the model"), seconds_text (s->load_seconds));
  add_row (GTK_GRID (grid), _("Seed"), g_strdup_printf ("%" G_GUINT64_FORMAT, s->seed));
  return grid;
}

static void
create_popup_cb (GtkMenuButton *button, gpointer user_data)
{
  QuernStatisticsButton *self = QUERN_STATISTICS_BUTTON (user_data);
  GtkWidget *popover = gtk_popover_new ();

  gtk_popover_set_child (GTK_POPOVER (popover), make_details (self->message));
  gtk_menu_button_set_popover (button, popover);
}

static void
quern_statistics_button_dispose (GObject *object)
{
  g_clear_object (&QUERN_STATISTICS_BUTTON (object)->message);
  G_OBJECT_CLASS (quern_statistics_button_parent_class)->dispose (object);
}

static void
quern_statistics_button_class_init (QuernStatisticsButtonClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = quern_statistics_button_dispose;
}

static void
quern_statistics_button_init (QuernStatisticsButton *self)
{
  self->button = GTK_MENU_BUTTON (gtk_menu_button_new ());
  self->label = GTK_LABEL (gtk_label_new (NULL));
  gtk_label_set_ellipsize (self->label, PANGO_ELLIPSIZE_END);
  gtk_widget_add_css_class (GTK_WIDGET (self->label), "numeric");
  gtk_menu_button_set_child (self->button, GTK_WIDGET (self->label));
  gtk_menu_button_set_create_popup_func (self->button, create_popup_cb, self, NULL);
  gtk_widget_add_css_class (GTK_WIDGET (self->button), "flat");
  gtk_widget_add_css_class (GTK_WIDGET (self->button), "statistics-button");
  gtk_widget_set_tooltip_text (GTK_WIDGET (self->button), _("Speed of This Answer"));
  adw_bin_set_child (ADW_BIN (self), GTK_WIDGET (self->button));
}

/**
 * quern_statistics_button_update:
 * @message: an answer
 *
 * Shows what was measured for @message; hides itself while there is nothing.
 */
void
quern_statistics_button_update (QuernStatisticsButton *self, QuernMessage *message)
{
  const QuernStatistics *s = quern_message_get_statistics (message);
  double rate = quern_statistics_decode_rate (s);
  g_autofree char *tokens = NULL;
  g_autofree char *text = NULL;

  g_return_if_fail (QUERN_IS_STATISTICS_BUTTON (self));

  g_set_object (&self->message, message);
  gtk_widget_set_visible (GTK_WIDGET (self), s->answer_tokens > 0);
  tokens = g_strdup_printf (ngettext ("%u token", "%u tokens", s->answer_tokens), s->answer_tokens);
  if (rate > 0)
    /* Translators: rate, "12 tokens", seconds until the first token */
    text = g_strdup_printf (_("%.1f tokens/s · %s · first after %.2f s"), rate, tokens, s->first_token_seconds);
  else
    text = g_strdup_printf (_("%s · first after %.2f s"), tokens, s->first_token_seconds);
  gtk_label_set_label (self->label, text);
}
