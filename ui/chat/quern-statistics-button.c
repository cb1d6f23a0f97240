/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-statistics-button.h"

#include "quern-advisor.h"
#include "quern-chat-page.h"
#include "quern-effort.h"

#include <glib/gi18n.h>

/* Shows a line of measurements below an answer. A popover has all of them and explains the speed in plain words. Every
 * figure was measured. */
struct _QuernStatisticsButton {
  AdwBin parent_instance;

  GtkMenuButton *button;
  GtkLabel *label;
  GtkLabel *why; /* weak: it is in the popover */

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
  gtk_widget_set_can_focus (right, FALSE); /* otherwise the popover would open with the text selected */
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

static GtkWidget *
make_grid (QuernMessage *message)
{
  const QuernStatistics *s = quern_message_get_statistics (message);
  const char *model = quern_message_get_model_title (message);
  GtkWidget *grid = gtk_grid_new ();

  gtk_grid_set_row_spacing (GTK_GRID (grid), 6);
  gtk_grid_set_column_spacing (GTK_GRID (grid), 18);
  if (model != NULL && *model != '\0')
    add_row (GTK_GRID (grid), _("Model"), g_strdup (model));
  if (quern_message_get_effort (message) != NULL && quern_message_get_thinking (message))
    add_row (GTK_GRID (grid), _("Effort"), g_strdup (quern_effort_get_title (quern_message_get_effort (message))));
  add_row (GTK_GRID (grid), _("Prompt"),
           s->reused_tokens > 0
               /* Translators: tokens of the prompt, and how many of them were still in memory from before */
               ? g_strdup_printf (_("%u tokens, %u reused"), s->prompt_tokens, s->reused_tokens)
               : g_strdup_printf (ngettext ("%u token", "%u tokens", s->prompt_tokens), s->prompt_tokens));
  if (s->prefill_seconds > 0 && s->evaluated_tokens > 0)
    add_row (GTK_GRID (grid), _("Reading the prompt"), rate_text (quern_statistics_prefill_rate (s)));
  add_row (GTK_GRID (grid), _("First token after"), seconds_text (s->first_token_seconds));
  add_row (GTK_GRID (grid), _("Answer"),
           g_strdup_printf (ngettext ("%u token", "%u tokens", s->answer_tokens), s->answer_tokens));
  if (s->reasoning_tokens > 0)
    add_row (GTK_GRID (grid), _("Of which thinking"), g_strdup_printf ("%u", s->reasoning_tokens));
  if (s->decode_seconds > 0)
    add_row (GTK_GRID (grid), _("Writing"), rate_text (quern_statistics_decode_rate (s)));
  if (s->n_threads > 0)
    add_row (GTK_GRID (grid), _("Threads"), g_strdup_printf ("%u", s->n_threads));
  if (s->load_seconds > 0)
    add_row (GTK_GRID (grid), _("Loading the model"), seconds_text (s->load_seconds));
  add_row (GTK_GRID (grid), _("Seed"), g_strdup_printf ("%" G_GUINT64_FORMAT, s->seed));
  return grid;
}

/* ---- why --------------------------------------------------------------------------------------------------------- */

/* The measured memory bandwidth in bytes per second, or 0 before that. It does not change while the program runs. */
static double bandwidth;

/* Explains the speed by the weights that were read for the answer. Returns NULL if that is not known. */
static char *
memory_sentence (const QuernStatistics *s, QuernModel *model)
{
  guint passes = s->n_passes > 0 ? s->n_passes : s->answer_tokens;
  double bytes = model != NULL ? (double) quern_model_get_info (model)->sketched_bytes : 0;
  double rate = s->decode_seconds > 0 ? passes * bytes / s->decode_seconds : 0;
  g_autofree char *size = g_format_size ((guint64) bytes);
  g_autofree char *speed = g_format_size ((guint64) rate);
  g_autofree char *most = g_format_size ((guint64) bandwidth);
  int share = bandwidth > 0 ? (int) (100 * rate / bandwidth + 0.5) : 0;

  if (rate <= 0 || bandwidth <= 0)
    return NULL;
  if (share >= 60)
    /* Translators: "2.6 GB", "29 GB", "31 GB", then a percentage */
    return g_strdup_printf (_("To write, the model reads %s of weights again and again: %s per second, and this "
                              "computer’s memory can deliver %s (%d %%). So memory limits the speed, and a smaller "
                              "quantisation would be faster."),
                            size, speed, most, share);
  return g_strdup_printf (_("To write, the model reads %s of weights again and again: %s per second, and this "
                            "computer’s memory can deliver %s (%d %%). So the speed is not limited by memory, but by "
                            "computing, by other applications, or because the answer is short."),
                          size, speed, most, share);
}

static char *
explain (QuernStatisticsButton *self)
{
  const QuernStatistics *s = quern_message_get_statistics (self->message);
  GtkWidget *page = gtk_widget_get_ancestor (GTK_WIDGET (self), QUERN_TYPE_CHAT_PAGE);
  QuernLibrary *library = page != NULL ? quern_chat_page_get_library (QUERN_CHAT_PAGE (page)) : NULL;
  const char *id = quern_message_get_model_id (self->message);
  QuernModel *model = library != NULL && id != NULL ? quern_library_find (library, id) : NULL;
  GString *text = g_string_new (NULL);
  g_autofree char *memory = memory_sentence (s, model);

  if (s->load_seconds > 0)
    g_string_append_printf (text, "%s\n\n", _("The model had to be loaded first."));
  if (s->reused_tokens > 0)
    g_string_append_printf (text, _("%'u tokens of the prompt were still in memory, so only %'u had to be read."),
                            s->reused_tokens, s->evaluated_tokens);
  else
    g_string_append (text, _("The whole prompt had to be read, because none of it was still in memory."));
  if (memory != NULL)
    g_string_append_printf (text, "\n\n%s", memory);
  else if (model == NULL)
    g_string_append_printf (text, "\n\n%s",
                            _("The model is no longer on this computer, so no further details are "
                              "available."));
  if (s->n_passes > 0 && s->answer_tokens > s->n_passes * 1.05) {
    g_autofree char *drafts = g_strdup_printf (_("Each pass over the weights gave %.1f tokens, because drafts of the "
                                                 "next tokens were correct."),
                                               (double) s->answer_tokens / s->n_passes);
    g_string_append_printf (text, " %s", drafts);
  }
  return g_string_free (text, FALSE);
}

static void
measured_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernStatisticsButton) self = user_data;
  QuernMachine machine;
  g_autofree char *text = NULL;

  if (!quern_machine_measure_finish (result, &machine, NULL))
    return;
  bandwidth = machine.bandwidth;
  if (self->why == NULL || self->message == NULL)
    return;
  text = explain (self);
  gtk_label_set_label (self->why, text);
}

static void
create_popup_cb (GtkMenuButton *button, gpointer user_data)
{
  QuernStatisticsButton *self = QUERN_STATISTICS_BUTTON (user_data);
  GtkWidget *page = gtk_widget_get_ancestor (GTK_WIDGET (self), QUERN_TYPE_CHAT_PAGE);
  GtkWidget *popover = gtk_popover_new (), *scrolled = gtk_scrolled_window_new ();
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 12);
  GtkWidget *heading = gtk_label_new (_("Why This Speed?")), *why = gtk_label_new (NULL);
  g_autofree char *text = explain (self);

  gtk_widget_add_css_class (box, "speed");
  gtk_widget_add_css_class (heading, "heading");
  gtk_label_set_xalign (GTK_LABEL (heading), 0);
  gtk_label_set_label (GTK_LABEL (why), text);
  gtk_label_set_wrap (GTK_LABEL (why), TRUE);
  gtk_label_set_xalign (GTK_LABEL (why), 0);
  gtk_label_set_width_chars (GTK_LABEL (why), 30);
  gtk_label_set_max_width_chars (GTK_LABEL (why), 40);
  gtk_box_append (GTK_BOX (box), heading);
  gtk_box_append (GTK_BOX (box), why);
  gtk_box_append (GTK_BOX (box), gtk_separator_new (GTK_ORIENTATION_HORIZONTAL));
  gtk_box_append (GTK_BOX (box), make_grid (self->message));
  g_set_weak_pointer (&self->why, GTK_LABEL (why));
  /* The bandwidth is not measured while an answer is generated: each would slow the other down. */
  if (bandwidth <= 0 && page != NULL && !quern_chat_page_is_answering (QUERN_CHAT_PAGE (page)))
    quern_machine_measure_async (NULL, measured_cb, g_object_ref (self));

  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (scrolled), box);
  gtk_scrolled_window_set_policy (GTK_SCROLLED_WINDOW (scrolled), GTK_POLICY_NEVER, GTK_POLICY_AUTOMATIC);
  gtk_scrolled_window_set_propagate_natural_height (GTK_SCROLLED_WINDOW (scrolled), TRUE);
  gtk_scrolled_window_set_propagate_natural_width (GTK_SCROLLED_WINDOW (scrolled), TRUE);
  gtk_scrolled_window_set_max_content_height (GTK_SCROLLED_WINDOW (scrolled), 480);
  gtk_popover_set_child (GTK_POPOVER (popover), scrolled);
  gtk_menu_button_set_popover (button, popover);
}

static void
quern_statistics_button_dispose (GObject *object)
{
  g_clear_object (&QUERN_STATISTICS_BUTTON (object)->message);
  g_clear_weak_pointer (&QUERN_STATISTICS_BUTTON (object)->why);
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
  gtk_menu_button_set_direction (self->button, GTK_ARROW_UP); /* answers are mostly at the bottom of the window */
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
