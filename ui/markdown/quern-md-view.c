/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-md-view.h"

#include "quern-md-stream.h"
#include "quern-md-widgets.h"

#include "math/quern-math-view.h"

#include <glib/gi18n.h>

/* Shows Markdown as a column of native widgets. It is made for growing text: see quern-md-stream.c.
 *
 * Within a block, text is selected as in every label. A drag that leaves its block selects whole blocks. Ctrl+A in a
 * block that is already selected selects all blocks. Ctrl+C then copies their Markdown. */
struct _QuernMdView {
  GtkBox parent_instance;

  QuernMdStream *stream;
  int anchor;      /* index of the block where a drag began, or -1 */
  int first, last; /* indices of the selected blocks; first is -1 if there are none */
};

G_DEFINE_FINAL_TYPE (QuernMdView, quern_md_view, GTK_TYPE_BOX)

/* ---- selection -------------------------------------------------------------------------------------------------- */

static void
quern_md_view_show_selection (QuernMdView *self)
{
  int i = 0;

  for (GtkWidget *child = gtk_widget_get_first_child (GTK_WIDGET (self)); child != NULL;
       child = gtk_widget_get_next_sibling (child), i++) {
    if (self->first >= 0 && i >= self->first && i <= self->last)
      gtk_widget_add_css_class (child, "md-selected");
    else
      gtk_widget_remove_css_class (child, "md-selected");
  }
}

static void
quern_md_view_select_blocks (QuernMdView *self, int first, int last)
{
  if (self->first == first && self->last == last)
    return;
  self->first = first;
  self->last = last;
  quern_md_view_show_selection (self);
}

static void
quern_md_view_clear_selection (QuernMdView *self)
{
  quern_md_view_select_blocks (self, -1, -1);
}

/* Returns the index of the block at this height, or the last one below them all. */
static int
quern_md_view_block_at (QuernMdView *self, double y)
{
  int i = 0;

  for (GtkWidget *child = gtk_widget_get_first_child (GTK_WIDGET (self)); child != NULL;
       child = gtk_widget_get_next_sibling (child), i++) {
    graphene_rect_t bounds;
    if (gtk_widget_compute_bounds (child, GTK_WIDGET (self), &bounds) && y < bounds.origin.y + bounds.size.height)
      return i;
  }
  return i - 1;
}

static void
quern_md_view_drag_began_cb (QuernMdView *self, double x, double y, GtkGesture *gesture)
{
  GtkWidget *hit = gtk_widget_pick (GTK_WIDGET (self), x, y, GTK_PICK_DEFAULT);
  GdkDevice *device = gtk_gesture_get_device (gesture);
  gboolean touch = device != NULL && gdk_device_get_source (device) == GDK_SOURCE_TOUCHSCREEN; /* which scrolls */

  quern_md_view_clear_selection (self);
  self->anchor = -1;
  if (!touch && hit != NULL && gtk_widget_get_ancestor (hit, GTK_TYPE_SCROLLBAR) == NULL
      && gtk_widget_get_ancestor (hit, GTK_TYPE_BUTTON) == NULL)
    self->anchor = quern_md_view_block_at (self, y);
}

static void
quern_md_view_dragged_cb (QuernMdView *self, double dx, double dy, GtkGesture *gesture)
{
  GtkRoot *root = gtk_widget_get_root (GTK_WIDGET (self));
  GtkWidget *focus = root != NULL ? gtk_root_get_focus (root) : NULL;
  double x, y;
  int at;

  if (self->anchor < 0 || !gtk_gesture_drag_get_start_point (GTK_GESTURE_DRAG (gesture), &x, &y))
    return;
  at = quern_md_view_block_at (self, y + dy);
  if (at == self->anchor && self->first < 0)
    return;
  gtk_gesture_set_state (gesture, GTK_EVENT_SEQUENCE_CLAIMED);
  if (self->first < 0 && GTK_IS_LABEL (focus))
    gtk_label_select_region (GTK_LABEL (focus), 0, 0);
  quern_md_view_select_blocks (self, MIN (self->anchor, at), MAX (self->anchor, at));
}

/* Returns whether all text of the focused label is selected. A formula is always selected as a whole. */
static gboolean
quern_md_view_focus_is_selected (GtkWidget *focus)
{
  int start, end;
  GtkTextIter from, to;
  GtkTextBuffer *buffer;

  if (GTK_IS_LABEL (focus))
    return gtk_label_get_selection_bounds (GTK_LABEL (focus), &start, &end)
           && end - start == (int) g_utf8_strlen (gtk_label_get_text (GTK_LABEL (focus)), -1);
  if (!GTK_IS_TEXT_VIEW (focus))
    return QUERN_IS_MATH_VIEW (focus);
  buffer = gtk_text_view_get_buffer (GTK_TEXT_VIEW (focus));
  return gtk_text_buffer_get_selection_bounds (buffer, &from, &to) && gtk_text_iter_is_start (&from)
         && gtk_text_iter_is_end (&to);
}

static gboolean
quern_md_view_select_all (QuernMdView *self)
{
  GtkWidget *focus = gtk_root_get_focus (gtk_widget_get_root (GTK_WIDGET (self)));
  int n = quern_md_stream_get_blocks (self->stream)->len;

  if (n == 0 || (self->first < 0 && !quern_md_view_focus_is_selected (focus)))
    return GDK_EVENT_PROPAGATE;
  quern_md_view_select_blocks (self, 0, n - 1);
  gtk_accessible_announce (GTK_ACCESSIBLE (self), _("The whole message is selected"),
                           GTK_ACCESSIBLE_ANNOUNCEMENT_PRIORITY_MEDIUM);
  return GDK_EVENT_STOP;
}

static gboolean
quern_md_view_key_pressed_cb (QuernMdView *self, guint key, guint code, GdkModifierType state)
{
  gboolean control = (state & GDK_CONTROL_MASK) != 0 && (state & (GDK_SHIFT_MASK | GDK_ALT_MASK)) == 0;

  if (control && (key == GDK_KEY_a || key == GDK_KEY_A))
    return quern_md_view_select_all (self);
  if (self->first < 0)
    return GDK_EVENT_PROPAGATE;
  if (control && (key == GDK_KEY_c || key == GDK_KEY_C || key == GDK_KEY_Insert)) {
    g_autofree char *source = quern_md_stream_dup_source (self->stream, self->first, self->last);
    gdk_clipboard_set_text (gtk_widget_get_clipboard (GTK_WIDGET (self)), source);
  } else if (key == GDK_KEY_Escape)
    quern_md_view_clear_selection (self);
  else
    return GDK_EVENT_PROPAGATE;
  return GDK_EVENT_STOP;
}

static void
quern_md_view_add_controller (QuernMdView *self, GtkEventController *controller)
{
  gtk_event_controller_set_propagation_phase (controller, GTK_PHASE_CAPTURE);
  gtk_widget_add_controller (GTK_WIDGET (self), controller);
}

/* ---- object ----------------------------------------------------------------------------------------------------- */

static void
quern_md_view_finalize (GObject *object)
{
  quern_md_stream_free (QUERN_MD_VIEW (object)->stream);
  G_OBJECT_CLASS (quern_md_view_parent_class)->finalize (object);
}

static void
quern_md_view_class_init (QuernMdViewClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = quern_md_view_finalize;
}

static void
quern_md_view_init (QuernMdView *self)
{
  GtkGesture *drag = gtk_gesture_drag_new ();
  GtkEventController *keys = gtk_event_controller_key_new (), *focus = gtk_event_controller_focus_new ();

  self->stream = quern_md_stream_new ();
  self->anchor = self->first = self->last = -1;
  gtk_orientable_set_orientation (GTK_ORIENTABLE (self), GTK_ORIENTATION_VERTICAL);
  gtk_box_set_spacing (GTK_BOX (self), 9);
  gtk_widget_add_css_class (GTK_WIDGET (self), "markdown");
  g_signal_connect_swapped (drag, "drag-begin", G_CALLBACK (quern_md_view_drag_began_cb), self);
  g_signal_connect_swapped (drag, "drag-update", G_CALLBACK (quern_md_view_dragged_cb), self);
  g_signal_connect_swapped (keys, "key-pressed", G_CALLBACK (quern_md_view_key_pressed_cb), self);
  g_signal_connect_swapped (focus, "leave", G_CALLBACK (quern_md_view_clear_selection), self);
  quern_md_view_add_controller (self, GTK_EVENT_CONTROLLER (drag));
  quern_md_view_add_controller (self, keys);
  quern_md_view_add_controller (self, focus);
}

/**
 * quern_md_view_new:
 *
 * Returns: (transfer floating): an empty view
 */
GtkWidget *
quern_md_view_new (void)
{
  return g_object_new (QUERN_TYPE_MD_VIEW, NULL);
}

/**
 * quern_md_view_set_text:
 * @text: the whole text so far
 * @finished: nothing will follow
 *
 * Shows @text. When it only grew since the last call, blocks above the last one are left alone.
 */
void
quern_md_view_set_text (QuernMdView *self, const char *text, gboolean finished)
{
  guint first;

  g_return_if_fail (QUERN_IS_MD_VIEW (self));

  quern_md_stream_set_text (self->stream, text);
  first = quern_md_stream_update (self->stream, finished);
  quern_md_widgets_sync (GTK_WIDGET (self), quern_md_stream_get_blocks (self->stream), first);
  if (self->first >= 0 && self->last >= (int) first)
    quern_md_view_clear_selection (self); /* the selected blocks have changed */
}
