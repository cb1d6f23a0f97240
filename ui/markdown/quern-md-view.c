/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-md-view.h"

#include "quern-md-stream.h"
#include "quern-md-widgets.h"

/* Markdown as a column of native widgets, made for text that grows: see quern-md-stream.c. */
struct _QuernMdView {
  GtkBox parent_instance;

  QuernMdStream *stream;
};

G_DEFINE_FINAL_TYPE (QuernMdView, quern_md_view, GTK_TYPE_BOX)

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
  self->stream = quern_md_stream_new ();
  gtk_orientable_set_orientation (GTK_ORIENTABLE (self), GTK_ORIENTATION_VERTICAL);
  gtk_box_set_spacing (GTK_BOX (self), 9);
  gtk_widget_add_css_class (GTK_WIDGET (self), "markdown");
}

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
}
