/* SPDX-License-Identifier: GPL-3.0-or-later */

/* The application for tests. With QUERN_PACE, each step of an answer takes that many milliseconds longer, for tests
 * that act while it is generated: the models of the tests answer in a moment. With QUERN_HOLD, an answer waits after
 * that many steps until it is stopped. With QUERN_TOASTS, toasts stay for at least that many seconds.
 *
 * At SIGUSR1 the program waits until the window is laid out and writes to the file QUERN_PROBE what accessibility does
 * not tell: a JSON array of objects, one for each label whose text is cut or would be broken with hyphens, each view of text
 * without room for a line, and each button that is small:
 *
 *   { "problem": "ellipsized" | "cut" | "hyphens" | "flat" | "small", "text": …, "where": "window/box/…", "width": …,
 *     "height": … }
 *
 * At SIGUSR2 it draws the window in the light and in the dark colours and reports texts that are too faint in the same form:
 * "problem": "faint light" | "faint dark", and "text" with the contrast. */

#include "qe.h"

#include <adwaita.h>
#include <glib-unix.h>
#include <json-glib/json-glib.h>
#include <math.h>

static guint64
number_from_environment (const char *name)
{
  const char *value = g_getenv (name);

  return value != NULL ? g_ascii_strtoull (value, NULL, 10) : 0;
}

/* The linker puts these functions between the program and its libraries (tests/ui/meson.build). */
QeStatus __real_qe_context_step (QeContext *context, QeSampler *sampler, const QeControl *control, int32_t *tokens,
                                 size_t *n, QeError *err);
QeStatus __wrap_qe_context_step (QeContext *context, QeSampler *sampler, const QeControl *control, int32_t *tokens,
                                 size_t *n, QeError *err);
void __real_qe_contexts_step (QeContextStep *steps, size_t n);
void __wrap_qe_contexts_step (QeContextStep *steps, size_t n);

void
__wrap_qe_contexts_step (QeContextStep *steps, size_t n)
{
  g_usleep (1000 * number_from_environment ("QUERN_PACE"));
  __real_qe_contexts_step (steps, n);
}

QeStatus
__wrap_qe_context_step (QeContext *context, QeSampler *sampler, const QeControl *control, int32_t *tokens, size_t *n,
                        QeError *err)
{
  static guint64 steps; /* steps of the answer; there is one thread with one context */
  guint64 hold = number_from_environment ("QUERN_HOLD");
  QeStatus status;

  g_usleep (1000 * number_from_environment ("QUERN_PACE"));
  while (hold > 0 && steps >= hold && !control->cancelled (control->data))
    g_usleep (1000);
  status = __real_qe_context_step (context, sampler, control, tokens, n, err);
  steps = status == QE_OK ? steps + 1 : 0;
  return status;
}

static void
keep (AdwToast *toast)
{
  guint least = number_from_environment ("QUERN_TOASTS");

  if (adw_toast_get_timeout (toast) > 0)
    adw_toast_set_timeout (toast, MAX (least, adw_toast_get_timeout (toast)));
}

void __real_adw_toast_overlay_add_toast (AdwToastOverlay *overlay, AdwToast *toast);
void __wrap_adw_toast_overlay_add_toast (AdwToastOverlay *overlay, AdwToast *toast);

void
__wrap_adw_toast_overlay_add_toast (AdwToastOverlay *overlay, AdwToast *toast)
{
  keep (toast);
  __real_adw_toast_overlay_add_toast (overlay, toast);
}

void __real_adw_preferences_dialog_add_toast (AdwPreferencesDialog *dialog, AdwToast *toast);
void __wrap_adw_preferences_dialog_add_toast (AdwPreferencesDialog *dialog, AdwToast *toast);

void
__wrap_adw_preferences_dialog_add_toast (AdwPreferencesDialog *dialog, AdwToast *toast)
{
  keep (toast);
  __real_adw_preferences_dialog_add_toast (dialog, toast);
}

static char *
describe_place (GtkWidget *widget)
{
  GString *place = g_string_new (NULL);
  guint depth = 0;

  for (; widget != NULL && depth < 7; widget = gtk_widget_get_parent (widget), depth++) {
    g_auto (GStrv) classes = gtk_widget_get_css_classes (widget);
    g_autofree char *joined = g_strjoinv (".", classes);
    g_autofree char *step = g_strdup_printf ("%s%s%s%s", gtk_widget_get_css_name (widget), *joined != '\0' ? "." : "",
                                             joined, depth > 0 ? " > " : "");
    g_string_prepend (place, step);
  }
  return g_string_free_and_steal (place);
}

static void
report (JsonBuilder *builder, GtkWidget *widget, const char *problem, const char *text)
{
  g_autofree char *place = describe_place (widget);

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "problem");
  json_builder_add_string_value (builder, problem);
  json_builder_set_member_name (builder, "text");
  json_builder_add_string_value (builder, text);
  json_builder_set_member_name (builder, "where");
  json_builder_add_string_value (builder, place);
  json_builder_set_member_name (builder, "width");
  json_builder_add_int_value (builder, gtk_widget_get_width (widget));
  json_builder_set_member_name (builder, "height");
  json_builder_add_int_value (builder, gtk_widget_get_height (widget));
  json_builder_end_object (builder);
}

/* Returns whether words that are broken because they are wider than their line get hyphens, which nobody wrote. */
static gboolean
adds_hyphens (GtkLabel *label)
{
  PangoAttrList *attributes = pango_layout_get_attributes (gtk_label_get_layout (label));
  PangoAttribute *hyphens = NULL;

  if (!gtk_label_get_wrap (label) || gtk_label_get_wrap_mode (label) == PANGO_WRAP_WORD)
    return FALSE;
  if (attributes != NULL) {
    PangoAttrIterator *iter = pango_attr_list_get_iterator (attributes);
    hyphens = pango_attr_iterator_get (iter, PANGO_ATTR_INSERT_HYPHENS);
    pango_attr_iterator_destroy (iter);
  }
  return hyphens == NULL || ((PangoAttrInt *) hyphens)->value != FALSE;
}

static void
look_at_label (JsonBuilder *builder, GtkLabel *label)
{
  PangoLayout *layout = gtk_label_get_layout (label);
  int width, height;

  if (adds_hyphens (label))
    report (builder, GTK_WIDGET (label), "hyphens", gtk_label_get_text (label));

  pango_layout_get_pixel_size (layout, &width, &height);
  if (pango_layout_is_ellipsized (layout))
    report (builder, GTK_WIDGET (label), "ellipsized", gtk_label_get_text (label));
  else if (width > gtk_widget_get_width (GTK_WIDGET (label)) + 1
           || height > gtk_widget_get_height (GTK_WIDGET (label)) + 1)
    report (builder, GTK_WIDGET (label), "cut", gtk_label_get_text (label));
}

/* Returns the size of the area that can be pressed. It includes the padding of the widget's style, which
 * gtk_widget_get_width() leaves out. */
static void
look_at_button (JsonBuilder *builder, GtkWidget *button)
{
  graphene_rect_t bounds;
  const char *name = gtk_widget_get_tooltip_text (button);

  if (!gtk_widget_compute_bounds (button, button, &bounds))
    return;
  if (bounds.size.height < 44 || bounds.size.width < 44) {
    g_autofree char *text = g_strdup_printf ("%s %.0f × %.0f", name != NULL ? name : "", bounds.size.width,
                                             bounds.size.height);
    report (builder, button, "small", text);
  }
}

/* Reports a view of text whose lines have no room: it, or what it scrolls in, was measured while it was empty. */
static void
look_at_text_view (JsonBuilder *builder, GtkTextView *view)
{
  GtkTextBuffer *buffer = gtk_text_view_get_buffer (view);
  GtkWidget *parent = gtk_widget_get_parent (GTK_WIDGET (view));
  int height = MIN (gtk_widget_get_height (GTK_WIDGET (view)), gtk_widget_get_height (parent));
  g_autofree char *text = NULL;
  GtkTextIter start;
  GdkRectangle line;

  if (gtk_text_buffer_get_char_count (buffer) == 0)
    return;
  gtk_text_buffer_get_start_iter (buffer, &start);
  gtk_text_view_get_iter_location (view, &start, &line);
  if (height >= line.height)
    return;
  g_object_get (buffer, "text", &text, NULL);
  report (builder, GTK_WIDGET (view), "flat", text);
}

static void
look_at (JsonBuilder *builder, GtkWidget *widget)
{
  if (!gtk_widget_get_mapped (widget) || !gtk_widget_get_child_visible (widget))
    return;
  if (GTK_IS_LABEL (widget))
    look_at_label (builder, GTK_LABEL (widget));
  else if (GTK_IS_TEXT_VIEW (widget))
    look_at_text_view (builder, GTK_TEXT_VIEW (widget));
  else if (GTK_IS_BUTTON (widget) && gtk_widget_get_sensitive (widget))
    look_at_button (builder, widget);
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    look_at (builder, child);
}

/* ---- contrast ---------------------------------------------------------------------------------------------------- */

#define ENLARGED 3 /* so that strokes of letters have pixels of their full colour */
#define LEAST_CONTRAST 4.5
#define UNSEEN 1.5       /* boxes behind words differ by less from what is around them; text never does */
#define LEAST_SHARE 0.08 /* of the pixels that are not background; the blends at the edges of letters have less each */

/* A window as it is drawn, enlarged. */
typedef struct {
  GtkWidget *root;
  guint32 *pixels;
  int width, height;
} Drawing;

static Drawing *
draw (GtkNative *native)
{
  GtkWidget *root = GTK_WIDGET (native);
  g_autoptr (GdkPaintable) paintable = gtk_widget_paintable_new (root);
  GtkSnapshot *snapshot = gtk_snapshot_new ();
  g_autoptr (GskRenderNode) node = NULL;
  g_autoptr (GdkTexture) texture = NULL;
  g_autoptr (GdkTextureDownloader) downloader = NULL;
  Drawing *drawing = g_new (Drawing, 1);

  *drawing = (Drawing) { root, NULL, ENLARGED * gtk_widget_get_width (root), ENLARGED * gtk_widget_get_height (root) };
  gtk_snapshot_scale (snapshot, ENLARGED, ENLARGED);
  gdk_paintable_snapshot (paintable, snapshot, gtk_widget_get_width (root), gtk_widget_get_height (root));
  node = gtk_snapshot_free_to_node (snapshot);
  if (node == NULL)
    return drawing;
  texture = gsk_renderer_render_texture (gtk_native_get_renderer (native), node,
                                         &GRAPHENE_RECT_INIT (0, 0, drawing->width, drawing->height));
  drawing->pixels = g_new (guint32, (gsize) drawing->width * drawing->height);
  downloader = gdk_texture_downloader_new (texture);
  gdk_texture_downloader_set_format (downloader, GDK_MEMORY_B8G8R8A8_PREMULTIPLIED);
  gdk_texture_downloader_download_into (downloader, (guchar *) drawing->pixels, (gsize) drawing->width * 4);
  return drawing;
}

static void
drawing_free (gpointer data)
{
  g_free (((Drawing *) data)->pixels);
  g_free (data);
}

/* The contrast of two colours as WCAG 2 defines it, from 1 to 21. */
static double
contrast (guint32 a, guint32 b)
{
  double light[2];

  for (int i = 0; i < 2; i++) {
    guint32 colour = i == 0 ? a : b;
    light[i] = 0;
    for (int channel = 0; channel < 3; channel++) {
      static const double weights[] = { 0.0722, 0.7152, 0.2126 }; /* blue, green, red */
      double value = (colour >> (8 * channel) & 0xff) / 255.0;
      light[i] += weights[channel] * (value <= 0.04045 ? value / 12.92 : pow ((value + 0.055) / 1.055, 2.4));
    }
  }
  return (MAX (light[0], light[1]) + 0.05) / (MIN (light[0], light[1]) + 0.05);
}

/* Returns the contrast of a line's text with the most frequent colour, the background: the greatest of those that many pixels
 * have, since the edges of letters that lie on one row may be many, too. Returns 21 where there is no text. */
static double
line_contrast (const Drawing *drawing, int left, int top, int right, int bottom)
{
  g_autoptr (GHashTable) counts = g_hash_table_new (NULL, NULL);
  guint32 background = 0;
  guint most = 0, all = 0;
  double strongest = 0;
  GHashTableIter iter;
  gpointer colour, count;

  for (int y = top; y < bottom; y++)
    for (int x = left; x < right;) {
      guint32 here = drawing->pixels[(gsize) y * drawing->width + x] & 0xffffff;
      int end = x + 1;
      while (end < right && (drawing->pixels[(gsize) y * drawing->width + end] & 0xffffff) == here)
        end++;
      count = g_hash_table_lookup (counts, GUINT_TO_POINTER (here));
      g_hash_table_insert (counts, GUINT_TO_POINTER (here), GUINT_TO_POINTER (GPOINTER_TO_UINT (count) + end - x));
      all += end - x;
      x = end;
    }
  g_hash_table_iter_init (&iter, counts);
  while (g_hash_table_iter_next (&iter, &colour, &count))
    if (GPOINTER_TO_UINT (count) > most) {
      most = GPOINTER_TO_UINT (count);
      background = GPOINTER_TO_UINT (colour);
    }
  g_hash_table_iter_init (&iter, counts);
  while (g_hash_table_iter_next (&iter, &colour, &count)) {
    double here = contrast (GPOINTER_TO_UINT (colour), background);
    if (GPOINTER_TO_UINT (count) >= LEAST_SHARE * (all - most) && here >= UNSEEN)
      strongest = MAX (strongest, here);
  }
  return strongest > 0 ? strongest : 21;
}

/* Returns whether a point of a widget, which takes no part in the layout above it, is seen. */
static gboolean
is_seen (GtkWidget *root, GtkWidget *widget, double x, double y)
{
  GtkWidget *picked = gtk_widget_pick (root, x, y, GTK_PICK_INSENSITIVE | GTK_PICK_NON_TARGETABLE);

  return picked != NULL
         && (picked == widget || gtk_widget_is_ancestor (picked, widget) || gtk_widget_is_ancestor (widget, picked));
}

/* Looks at a text line by line: each may have words in several colours. */
static void
look_at_colours (JsonBuilder *builder, GHashTable *drawings, GtkWidget *widget, const char *text, const char *problem)
{
  GtkNative *native = gtk_widget_get_native (widget);
  Drawing *drawing = g_hash_table_lookup (drawings, native);
  PangoFontMetrics *metrics = pango_context_get_metrics (gtk_widget_get_pango_context (widget), NULL, NULL);
  double line = PANGO_PIXELS (pango_font_metrics_get_height (metrics)), least = 21;
  graphene_rect_t bounds, clip;
  g_autofree char *start = NULL, *described = NULL;

  pango_font_metrics_unref (metrics);
  if (drawing == NULL) {
    drawing = draw (native);
    g_hash_table_insert (drawings, native, drawing);
  }
  if (drawing->pixels == NULL || !gtk_widget_compute_bounds (widget, drawing->root, &bounds))
    return;
  for (GtkWidget *parent = gtk_widget_get_parent (widget); parent != NULL && parent != drawing->root;
       parent = gtk_widget_get_parent (parent))
    if (gtk_widget_get_overflow (parent) == GTK_OVERFLOW_HIDDEN
        && (!gtk_widget_compute_bounds (parent, drawing->root, &clip)
            || !graphene_rect_intersection (&bounds, &clip, &bounds)))
      return;
  clip = GRAPHENE_RECT_INIT (0, 0, drawing->width / ENLARGED, drawing->height / ENLARGED);
  if (!graphene_rect_intersection (&bounds, &clip, &bounds) || line < 4)
    return;
  for (double y = bounds.origin.y; y + line <= bounds.origin.y + bounds.size.height + 2; y += line) {
    double bottom = MIN (y + line, bounds.origin.y + bounds.size.height);
    if (is_seen (drawing->root, widget, bounds.origin.x + bounds.size.width / 2, (y + bottom) / 2))
      least = MIN (least,
                   line_contrast (drawing, (int) (bounds.origin.x * ENLARGED), (int) (y * ENLARGED),
                                  (int) ((bounds.origin.x + bounds.size.width) * ENLARGED), (int) (bottom * ENLARGED)));
  }
  if (least >= LEAST_CONTRAST)
    return;
  start = g_utf8_substring (text, 0, MIN (40, g_utf8_strlen (text, -1)));
  described = g_strdup_printf ("%s (%.2f)", start, least);
  report (builder, widget, problem, described);
}

static void
look_for_faint (JsonBuilder *builder, GHashTable *drawings, GtkWidget *widget, const char *problem)
{
  if (!gtk_widget_get_mapped (widget) || !gtk_widget_get_child_visible (widget) || !gtk_widget_get_sensitive (widget))
    return;
  if (GTK_IS_LABEL (widget)) {
    if (*gtk_label_get_text (GTK_LABEL (widget)) != '\0')
      look_at_colours (builder, drawings, widget, gtk_label_get_text (GTK_LABEL (widget)), problem);
  } else if (GTK_IS_TEXT_VIEW (widget)) {
    g_autofree char *text = NULL;
    g_object_get (gtk_text_view_get_buffer (GTK_TEXT_VIEW (widget)), "text", &text, NULL);
    if (*text != '\0')
      look_at_colours (builder, drawings, widget, text, problem);
  }
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    look_for_faint (builder, drawings, child, problem);
}

/* ---- probes ------------------------------------------------------------------------------------------------------ */

static void
write_report (JsonBuilder *builder)
{
  g_autoptr (JsonNode) root = NULL;
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;

  json_builder_end_array (builder);
  root = json_builder_get_root (builder);
  text = json_to_string (root, TRUE);
  if (!g_file_set_contents (g_getenv ("QUERN_PROBE"), text, -1, &error)) /* writes a new file and renames it */
    g_printerr ("quern-probed: %s\n", error->message);
  g_object_unref (builder);
}

static void
quiet_cb (gpointer user_data)
{
  GListModel *windows = gtk_window_get_toplevels ();
  JsonBuilder *builder = json_builder_begin_array (json_builder_new ());

  for (guint i = 0; i < g_list_model_get_n_items (windows); i++) {
    g_autoptr (GtkWidget) window = g_list_model_get_item (windows, i);
    look_at (builder, window);
  }
  write_report (builder);
}

static void
look_for_faint_everywhere (JsonBuilder *builder, const char *problem)
{
  GListModel *windows = gtk_window_get_toplevels ();
  g_autoptr (GHashTable) drawings = g_hash_table_new_full (NULL, NULL, NULL, drawing_free);

  for (guint i = 0; i < g_list_model_get_n_items (windows); i++) {
    g_autoptr (GtkWidget) window = g_list_model_get_item (windows, i);
    look_for_faint (builder, drawings, window, problem);
  }
}

static void
dark_cb (gpointer builder)
{
  look_for_faint_everywhere (builder, "faint dark");
  adw_style_manager_set_color_scheme (adw_style_manager_get_default (), ADW_COLOR_SCHEME_DEFAULT);
  write_report (builder);
}

static void after_layout (GSourceOnceFunc func, gpointer user_data);

static void
light_cb (gpointer user_data)
{
  JsonBuilder *builder = json_builder_begin_array (json_builder_new ());

  look_for_faint_everywhere (builder, "faint light");
  adw_style_manager_set_color_scheme (adw_style_manager_get_default (), ADW_COLOR_SCHEME_FORCE_DARK);
  after_layout (dark_cb, builder);
}

/* ---- when -------------------------------------------------------------------------------------------------------- */

typedef struct {
  GSourceOnceFunc func;
  gpointer data;
} Later;

static gboolean
later_cb (gpointer user_data)
{
  g_autofree Later *later = user_data;

  later->func (later->data);
  return G_SOURCE_REMOVE;
}

static gboolean
frames_cb (gpointer user_data)
{
  g_idle_add_full (G_PRIORITY_LOW, later_cb, user_data, NULL);
  return G_SOURCE_REMOVE;
}

/* Calls it three frames later, when the results of the last event, and what these caused, are laid out. */
static void
after_layout (GSourceOnceFunc func, gpointer user_data)
{
  Later *later = g_new (Later, 1);

  *later = (Later) { func, user_data };
  g_timeout_add (50, frames_cb, later);
}

static gboolean
probe_cb (gpointer user_data)
{
  after_layout (quiet_cb, NULL);
  return G_SOURCE_CONTINUE;
}

static gboolean
contrast_cb (gpointer user_data)
{
  adw_style_manager_set_color_scheme (adw_style_manager_get_default (), ADW_COLOR_SCHEME_FORCE_LIGHT);
  after_layout (light_cb, NULL);
  return G_SOURCE_CONTINUE;
}

/* The program's own main() is in ui/main.c, here as in quern. */
__attribute__ ((constructor)) static void
listen_for_probes (void)
{
  if (g_getenv ("QUERN_PROBE") == NULL)
    return;
  g_unix_signal_add (SIGUSR1, probe_cb, NULL);
  g_unix_signal_add (SIGUSR2, contrast_cb, NULL);
}
