/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-thinking-view.h"

#include "markdown/quern-md-view.h"

#include <glib/gi18n.h>

/* Shows the reasoning of an answer, collapsed: a line says how long it took (or takes, updated every second), and the
 * text appears when it is expanded. The text is laid out only while it is expanded, and while it grows only its last
 * paragraph is laid out again. */
struct _QuernThinkingView {
  AdwBin parent_instance;

  /* Template widgets */
  GtkToggleButton *toggle;
  GtkWidget *spinner;
  GtkImage *arrow;
  GtkLabel *label;
  GtkWidget *answer_now;
  GtkRevealer *revealer;
  QuernMdView *text;

  /* Owned references */
  QuernMessage *message;

  gint64 started; /* monotonic time when the live count began, 0 if it does not run */
  guint timer;
};

G_DEFINE_FINAL_TYPE (QuernThinkingView, quern_thinking_view, ADW_TYPE_BIN)

static char *
duration_label (const QuernStatistics *statistics)
{
  guint seconds = (guint) (statistics->reasoning_seconds + 0.5);

  if (statistics->reasoning_seconds <= 0)
    return g_strdup (_("Reasoning"));
  if (seconds < 1)
    return g_strdup (_("Thought for less than a second"));
  return g_strdup_printf (ngettext ("Thought for %u second", "Thought for %u seconds", seconds), seconds);
}

/* Takes ownership of @what, and appends the number of tokens if there are any. */
static char *
with_tokens (char *what, guint n_tokens)
{
  g_autofree char *duration = what;
  g_autofree char *tokens = g_strdup_printf (ngettext ("%'u token", "%'u tokens", n_tokens), n_tokens);

  return n_tokens > 0 ? g_strconcat (duration, " · ", tokens, NULL) : g_steal_pointer (&duration);
}

static char *
live_label (QuernThinkingView *self)
{
  const QuernStatistics *statistics = quern_message_get_statistics (self->message);
  guint here = (guint) ((g_get_monotonic_time () - self->started) / G_USEC_PER_SEC);
  guint seconds = MAX (here, (guint) statistics->reasoning_seconds); /* it may have begun before it was shown */

  if (seconds < 1)
    return with_tokens (g_strdup (_("Thinking…")), statistics->reasoning_tokens);
  /* Translators: %u is the number of seconds since it began */
  return with_tokens (g_strdup_printf (_("Thinking… %u s"), seconds), statistics->reasoning_tokens);
}

static void
quern_thinking_view_update_label (QuernThinkingView *self)
{
  const QuernStatistics *statistics;
  g_autofree char *label = NULL;

  if (self->message == NULL)
    return;
  statistics = quern_message_get_statistics (self->message);
  label = self->started != 0 ? live_label (self)
                             : with_tokens (duration_label (statistics), statistics->reasoning_tokens);
  if (g_str_equal (gtk_label_get_label (self->label), label))
    return;
  gtk_label_set_label (self->label, label);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->toggle), GTK_ACCESSIBLE_PROPERTY_LABEL, label, -1);
}

static gboolean
quern_thinking_view_tick_cb (gpointer user_data)
{
  quern_thinking_view_update_label (QUERN_THINKING_VIEW (user_data));
  return G_SOURCE_CONTINUE;
}

static void
quern_thinking_view_update_text (QuernThinkingView *self)
{
  if (self->message != NULL && gtk_toggle_button_get_active (self->toggle))
    quern_md_view_set_text (self->text, quern_message_get_reasoning (self->message), self->started == 0);
}

static void
toggled_cb (QuernThinkingView *self)
{
  gboolean open = gtk_toggle_button_get_active (self->toggle);
  gtk_image_set_from_icon_name (self->arrow, open ? "pan-down-symbolic" : "pan-end-symbolic");
  gtk_accessible_update_state (GTK_ACCESSIBLE (self->toggle), GTK_ACCESSIBLE_STATE_EXPANDED, open, -1);
  quern_thinking_view_update_text (self);
}

static void
quern_thinking_view_dispose (GObject *object)
{
  QuernThinkingView *self = QUERN_THINKING_VIEW (object);

  g_clear_handle_id (&self->timer, g_source_remove);
  g_clear_object (&self->message);
  gtk_widget_dispose_template (GTK_WIDGET (self), QUERN_TYPE_THINKING_VIEW);
  G_OBJECT_CLASS (quern_thinking_view_parent_class)->dispose (object);
}

static void
quern_thinking_view_class_init (QuernThinkingViewClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = quern_thinking_view_dispose;
  g_type_ensure (QUERN_TYPE_MD_VIEW);
  gtk_widget_class_set_template_from_resource (widget_class, "/io/github/quern/Quern/ui/chat/quern-thinking-view.ui");
  gtk_widget_class_bind_template_child (widget_class, QuernThinkingView, toggle);
  gtk_widget_class_bind_template_child (widget_class, QuernThinkingView, spinner);
  gtk_widget_class_bind_template_child (widget_class, QuernThinkingView, arrow);
  gtk_widget_class_bind_template_child (widget_class, QuernThinkingView, label);
  gtk_widget_class_bind_template_child (widget_class, QuernThinkingView, answer_now);
  gtk_widget_class_bind_template_child (widget_class, QuernThinkingView, revealer);
  gtk_widget_class_bind_template_child (widget_class, QuernThinkingView, text);
  gtk_widget_class_bind_template_callback (widget_class, toggled_cb);
}

static void
quern_thinking_view_init (QuernThinkingView *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  gtk_accessible_update_state (GTK_ACCESSIBLE (self->toggle), GTK_ACCESSIBLE_STATE_EXPANDED, FALSE, -1);
}

/**
 * quern_thinking_view_update:
 * @message: the answer whose reasoning it shows
 *
 * Shows the state of @message; hides itself when there is no reasoning.
 */
void
quern_thinking_view_update (QuernThinkingView *self, QuernMessage *message)
{
  gboolean live;

  g_return_if_fail (QUERN_IS_THINKING_VIEW (self));

  g_set_object (&self->message, message);
  live = quern_message_get_state (message) == QUERN_MESSAGE_STREAMING && quern_message_get_in_reasoning (message);
  gtk_widget_set_visible (GTK_WIDGET (self), live || *quern_message_get_reasoning (message) != '\0');
  if (live != (self->started != 0)) {
    self->started = live ? g_get_monotonic_time () : 0;
    g_clear_handle_id (&self->timer, g_source_remove);
    if (live)
      self->timer = g_timeout_add (500, quern_thinking_view_tick_cb, self);
    gtk_widget_set_visible (self->spinner, live);
    gtk_widget_set_visible (self->answer_now, live);
    quern_thinking_view_update_label (self);
  } else if (!live) { /* while it is live, the timer does it twice in a second */
    quern_thinking_view_update_label (self);
  }
  quern_thinking_view_update_text (self);
}
