/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-code-block.h"

#include "widgets/quern-hyphens.h"

#include <adwaita.h>
#include <glib/gi18n.h>
#include <gtksourceview/gtksource.h>

struct _QuernCodeBlock {
  GtkBox parent_instance;

  /* Template widgets */
  GtkLabel *language;
  GtkButton *copy;
  GtkToggleButton *wrap;
  GtkScrolledWindow *scrolled;
  GtkSourceView *view;

  guint show_source; /* shows the switch for wrapping, or 0 */
};

G_DEFINE_FINAL_TYPE (QuernCodeBlock, quern_code_block, GTK_TYPE_BOX)

static GtkTextBuffer *
quern_code_block_get_buffer (QuernCodeBlock *self)
{
  return gtk_text_view_get_buffer (GTK_TEXT_VIEW (self->view));
}

static void
quern_code_block_update_scheme (QuernCodeBlock *self)
{
  GtkSourceStyleSchemeManager *schemes = gtk_source_style_scheme_manager_get_default ();
  gboolean dark = adw_style_manager_get_dark (adw_style_manager_get_default ());

  gtk_source_buffer_set_style_scheme (GTK_SOURCE_BUFFER (quern_code_block_get_buffer (self)),
                                      gtk_source_style_scheme_manager_get_scheme (schemes,
                                                                                  dark ? "Adwaita-dark" : "Adwaita"));
}

/* Asks for the height of the lines. A text view knows its height only some time after it is filled, and does not ask again if
 * it then is what it was before: what is filled before it is shown would stay without a height. */
static void
quern_code_block_update_height (QuernCodeBlock *self)
{
  gboolean wrapped = gtk_toggle_button_get_active (self->wrap);
  PangoContext *context = gtk_widget_get_pango_context (GTK_WIDGET (self->view));
  PangoFontMetrics *metrics = pango_context_get_metrics (context, NULL, NULL);
  int line = PANGO_PIXELS (pango_font_metrics_get_ascent (metrics) + pango_font_metrics_get_descent (metrics));
  int n_lines = gtk_text_buffer_get_line_count (quern_code_block_get_buffer (self));
  GtkTextView *view = GTK_TEXT_VIEW (self->view);

  gtk_widget_set_size_request (GTK_WIDGET (view), -1,
                               wrapped ? -1
                                       : n_lines * line + gtk_text_view_get_top_margin (view)
                                             + gtk_text_view_get_bottom_margin (view));
  pango_font_metrics_unref (metrics);
}

/* Not in the layout in which the width is found. */
static void
quern_code_block_show_wrap_cb (gpointer user_data)
{
  QuernCodeBlock *self = QUERN_CODE_BLOCK (user_data);

  self->show_source = 0;
  gtk_widget_set_visible (GTK_WIDGET (self->wrap), TRUE);
}

/* Lines that are wider than the block can be scrolled to, or wrapped: the switch is there for these only, and so says, too,
 * that there is more at the side. */
static void
quern_code_block_width_cb (QuernCodeBlock *self)
{
  GtkAdjustment *adjustment = gtk_scrolled_window_get_hadjustment (self->scrolled);
  gboolean wide = gtk_adjustment_get_upper (adjustment) > gtk_adjustment_get_page_size (adjustment) + 1;

  if (wide && !gtk_widget_get_visible (GTK_WIDGET (self->wrap)) && self->show_source == 0)
    self->show_source = g_idle_add_once (quern_code_block_show_wrap_cb, self);
}

static void
wrap_toggled_cb (QuernCodeBlock *self)
{
  gboolean wrapped = gtk_toggle_button_get_active (self->wrap);

  gtk_text_view_set_wrap_mode (GTK_TEXT_VIEW (self->view), wrapped ? GTK_WRAP_WORD_CHAR : GTK_WRAP_NONE);
  gtk_scrolled_window_set_policy (self->scrolled, wrapped ? GTK_POLICY_NEVER : GTK_POLICY_AUTOMATIC, GTK_POLICY_NEVER);
  quern_code_block_update_height (self);
}

static void
quern_code_block_set_language (QuernCodeBlock *self, const char *id)
{
  GtkSourceLanguageManager *manager = gtk_source_language_manager_get_default ();
  static const char *const aliases[][2] = {
    { "bash", "sh" },           { "shell", "sh" },  { "console", "sh" },    { "py", "python3" },
    { "python", "python3" },    { "c++", "cpp" },   { "javascript", "js" }, { "ts", "typescript" },
    { "rs", "rust" },           { "yml", "yaml" },  { "golang", "go" },     { "c#", "c-sharp" },
    { "csharp", "c-sharp" },    { "rb", "ruby" },   { "md", "markdown" },   { "tex", "latex" },
    { "docker", "dockerfile" }, { "kt", "kotlin" },
  };
  g_autofree char *name = g_ascii_strdown (id, -1);
  GtkSourceLanguage *language;

  for (gsize i = 0; i < G_N_ELEMENTS (aliases); i++) {
    if (g_str_equal (name, aliases[i][0]))
      g_set_str (&name, aliases[i][1]);
  }
  language = *name != '\0' ? gtk_source_language_manager_get_language (manager, name) : NULL;
  gtk_source_buffer_set_language (GTK_SOURCE_BUFFER (quern_code_block_get_buffer (self)), language);
  gtk_label_set_label (self->language, *id != '\0' ? id : _("Text"));
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->view), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  gtk_label_get_label (self->language), -1);
}

static void
copy_clicked_cb (QuernCodeBlock *self)
{
  GtkTextIter start, end;
  g_autofree char *text = NULL;

  gtk_text_buffer_get_bounds (quern_code_block_get_buffer (self), &start, &end);
  text = gtk_text_buffer_get_text (quern_code_block_get_buffer (self), &start, &end, TRUE);
  gdk_clipboard_set_text (gtk_widget_get_clipboard (GTK_WIDGET (self)), text);
  gtk_button_set_icon_name (self->copy, "object-select-symbolic");
  gtk_accessible_announce (GTK_ACCESSIBLE (self), _("Code copied"), GTK_ACCESSIBLE_ANNOUNCEMENT_PRIORITY_MEDIUM);
}

/* The tick disappears when the pointer leaves. */
static void
quern_code_block_left_cb (QuernCodeBlock *self)
{
  gtk_button_set_icon_name (self->copy, "edit-copy-symbolic");
}

static void
quern_code_block_css_changed (GtkWidget *widget, GtkCssStyleChange *change)
{
  GTK_WIDGET_CLASS (quern_code_block_parent_class)->css_changed (widget, change);
  if (QUERN_CODE_BLOCK (widget)->view != NULL)
    quern_code_block_update_height (QUERN_CODE_BLOCK (widget));
}

static void
quern_code_block_dispose (GObject *object)
{
  g_clear_handle_id (&QUERN_CODE_BLOCK (object)->show_source, g_source_remove);
  gtk_widget_dispose_template (GTK_WIDGET (object), QUERN_TYPE_CODE_BLOCK);
  G_OBJECT_CLASS (quern_code_block_parent_class)->dispose (object);
}

static void
quern_code_block_class_init (QuernCodeBlockClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = quern_code_block_dispose;
  widget_class->css_changed = quern_code_block_css_changed;
  g_type_ensure (GTK_SOURCE_TYPE_VIEW);
  gtk_widget_class_set_template_from_resource (widget_class, "/io/github/quern/Quern/ui/markdown/quern-code-block.ui");
  gtk_widget_class_bind_template_child (widget_class, QuernCodeBlock, language);
  gtk_widget_class_bind_template_child (widget_class, QuernCodeBlock, copy);
  gtk_widget_class_bind_template_child (widget_class, QuernCodeBlock, wrap);
  gtk_widget_class_bind_template_child (widget_class, QuernCodeBlock, scrolled);
  gtk_widget_class_bind_template_child (widget_class, QuernCodeBlock, view);
  gtk_widget_class_bind_template_callback (widget_class, wrap_toggled_cb);
  gtk_widget_class_bind_template_callback (widget_class, copy_clicked_cb);
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_GROUP);
}

static void
quern_code_block_init (QuernCodeBlock *self)
{
  GtkEventController *motion = gtk_event_controller_motion_new ();

  gtk_widget_init_template (GTK_WIDGET (self));
  gtk_widget_set_direction (GTK_WIDGET (self->view), GTK_TEXT_DIR_LTR); /* code, whatever the language around it */
  g_signal_connect_swapped (motion, "leave", G_CALLBACK (quern_code_block_left_cb), self);
  gtk_widget_add_controller (GTK_WIDGET (self), motion);
  g_signal_connect_object (adw_style_manager_get_default (), "notify::dark",
                           G_CALLBACK (quern_code_block_update_scheme), self, G_CONNECT_SWAPPED);
  quern_hyphens_leave_out_of_view (GTK_TEXT_VIEW (self->view));
  g_signal_connect_object (gtk_scrolled_window_get_hadjustment (self->scrolled), "changed",
                           G_CALLBACK (quern_code_block_width_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect_swapped (self->view, "map", G_CALLBACK (quern_code_block_update_height),
                            self); /* its font is known then */
  quern_code_block_update_scheme (self);
  quern_code_block_set_language (self, "");
}

/**
 * quern_code_block_new:
 *
 * Returns: (transfer floating): an empty code block
 */
GtkWidget *
quern_code_block_new (void)
{
  return g_object_new (QUERN_TYPE_CODE_BLOCK, NULL);
}

/**
 * quern_code_block_set:
 * @language: as written after the fence, "" when nothing was
 * @text: the code
 *
 * Text that only grew is appended, which keeps selection and highlighting of the rest.
 */
void
quern_code_block_set (QuernCodeBlock *self, const char *language, const char *text)
{
  GtkTextBuffer *buffer = quern_code_block_get_buffer (self);
  GtkTextIter start, end;
  g_autofree char *old = NULL;

  g_return_if_fail (QUERN_IS_CODE_BLOCK (self));

  gtk_text_buffer_get_bounds (buffer, &start, &end);
  old = gtk_text_buffer_get_text (buffer, &start, &end, TRUE);
  if (!g_str_equal (gtk_label_get_label (self->language), *language != '\0' ? language : _("Text")))
    quern_code_block_set_language (self, language);
  if (g_str_has_prefix (text, old))
    gtk_text_buffer_insert (buffer, &end, text + strlen (old), -1);
  else
    gtk_text_buffer_set_text (buffer, text, -1);
  quern_code_block_update_height (self);
}
