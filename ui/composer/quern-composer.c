/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-composer.h"

#include "quern-effort.h"
#include "quern-screenshot.h"
#include "widgets/quern-hyphens.h"

#include <glib/gi18n.h>

/* The message entry. Return sends, or has the message sent when the answer that is being made is complete; Shift+Return begins
 * a new line, except while an input method is composing. */
struct _QuernComposer {
  AdwBin parent_instance;

  /* Template widgets */
  QuernAttachmentBar *attachments;
  GtkTextView *view;
  GtkWidget *placeholder;
  GtkToggleButton *thinking;
  GtkMenuButton *effort_button;
  QuernContextGauge *gauge;
  GtkWidget *send, *stop;

  gboolean composing; /* an input method has text of its own in the view */
  gboolean can_send;
  gboolean busy; /* an answer is made */
  char *effort;  /* level that is chosen, "" before one was */
  guint n_efforts;
  gboolean setting; /* the program sets the text */
};

enum { PROP_0, PROP_EFFORT, N_PROPS };
enum { CHANGED, THINKING_TOGGLED, N_SIGNALS };

static GParamSpec *properties[N_PROPS];
static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (QuernComposer, quern_composer, ADW_TYPE_BIN)

static GtkTextBuffer *
get_buffer (QuernComposer *self)
{
  return gtk_text_view_get_buffer (self->view);
}

static gboolean
is_blank (QuernComposer *self)
{
  g_autofree char *text = quern_composer_dup_text (self);
  return *g_strstrip (text) == '\0' && !gtk_widget_get_visible (GTK_WIDGET (self->attachments));
}

static void
quern_composer_update (QuernComposer *self)
{
  gtk_widget_set_visible (self->placeholder,
                          !self->composing && gtk_text_buffer_get_char_count (get_buffer (self)) == 0);
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "composer.send",
                                 self->can_send && !is_blank (self)
                                     && quern_attachment_bar_is_ready (self->attachments));
}

static void
text_changed_cb (QuernComposer *self)
{
  quern_composer_update (self);
  if (!self->setting)
    g_signal_emit (self, signals[CHANGED], 0);
}

static void
preedit_changed_cb (QuernComposer *self, const char *preedit)
{
  self->composing = *preedit != '\0';
  quern_composer_update (self);
}

static gboolean
key_pressed_cb (QuernComposer *self, guint keyval, guint keycode, GdkModifierType state)
{
  gboolean is_return = keyval == GDK_KEY_Return || keyval == GDK_KEY_KP_Enter || keyval == GDK_KEY_ISO_Enter;

  if (!is_return || self->composing || (state & (GDK_SHIFT_MASK | GDK_ALT_MASK)) != 0)
    return GDK_EVENT_PROPAGATE;
  if (self->busy && !is_blank (self))
    gtk_widget_activate_action (GTK_WIDGET (self), "chat.wait", NULL);
  else
    gtk_widget_activate_action (GTK_WIDGET (self), "composer.send", NULL);
  return GDK_EVENT_STOP;
}

static void
send_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  gtk_widget_activate_action (widget, "chat.send", NULL);
}

/* A model that does not think has no use for the choice of how long. */
static void
quern_composer_update_effort (QuernComposer *self)
{
  gboolean thinks = gtk_toggle_button_get_active (self->thinking)
                    || !gtk_widget_get_visible (GTK_WIDGET (self->thinking));

  gtk_widget_set_visible (GTK_WIDGET (self->effort_button), self->n_efforts > 0 && thinks);
}

static void
thinking_toggled_cb (QuernComposer *self)
{
  quern_composer_update_effort (self);
  if (!self->setting)
    g_signal_emit (self, signals[THINKING_TOGGLED], 0);
}

static gboolean
quern_composer_grab_focus (GtkWidget *widget)
{
  return gtk_widget_grab_focus (GTK_WIDGET (QUERN_COMPOSER (widget)->view));
}

/* ---- pictures --------------------------------------------------------------------------------------------------- */

static void
texture_read_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernComposer) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GdkTexture) texture = gdk_clipboard_read_texture_finish (GDK_CLIPBOARD (source), result, &error);

  if (self->attachments == NULL)
    return;
  if (texture != NULL)
    quern_attachment_bar_add_texture (self->attachments, _("Pasted picture"), texture);
  else
    quern_attachment_bar_report (self->attachments,
                                 _("The picture on the clipboard cannot be read. Save it and attach the file."));
}

static void
files_read_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernComposer) self = user_data;
  const GValue *value = gdk_clipboard_read_value_finish (GDK_CLIPBOARD (source), result, NULL);
  g_autoptr (GSList) files = value != NULL ? gdk_file_list_get_files (g_value_get_boxed (value)) : NULL;

  for (GSList *l = files; l != NULL && self->attachments != NULL; l = l->next)
    quern_attachment_bar_add_file (self->attachments, l->data);
}

/* Files and pictures on the clipboard become attachments. A picture that comes with text does not: office programs add
 * a picture of the text, which nobody wants. */
static void
paste_cb (QuernComposer *self)
{
  GdkClipboard *clipboard = gtk_widget_get_clipboard (GTK_WIDGET (self));
  GdkContentFormats *formats = gdk_clipboard_get_formats (clipboard);

  if (gdk_content_formats_contain_gtype (formats, GDK_TYPE_FILE_LIST))
    gdk_clipboard_read_value_async (clipboard, GDK_TYPE_FILE_LIST, G_PRIORITY_DEFAULT, NULL, files_read_cb,
                                    g_object_ref (self));
  else if (gdk_content_formats_contain_gtype (formats, GDK_TYPE_TEXTURE)
           && !gdk_content_formats_contain_gtype (formats, G_TYPE_STRING))
    gdk_clipboard_read_texture_async (clipboard, NULL, texture_read_cb, g_object_ref (self));
  else
    return;
  g_signal_stop_emission_by_name (self->view, "paste-clipboard");
}

static void
screenshot_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernComposer) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GFile) file = quern_screenshot_take_finish (result, &error);

  if (self->attachments == NULL)
    return;
  if (file != NULL)
    quern_attachment_bar_add_file (self->attachments, file);
  else if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    quern_attachment_bar_report (self->attachments, error->message);
  gtk_widget_grab_focus (GTK_WIDGET (self));
}

static void
screenshot_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  quern_screenshot_take_async (NULL, screenshot_cb, g_object_ref (widget));
}

/* ---- object ----------------------------------------------------------------------------------------------------- */

static void
quern_composer_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  g_value_set_string (value, QUERN_COMPOSER (object)->effort);
}

static void
quern_composer_set_property (GObject *object, guint prop_id, const GValue *value, GParamSpec *pspec)
{
  quern_composer_set_effort (QUERN_COMPOSER (object), g_value_get_string (value));
}

static void
quern_composer_finalize (GObject *object)
{
  g_free (QUERN_COMPOSER (object)->effort);
  G_OBJECT_CLASS (quern_composer_parent_class)->finalize (object);
}

static void
quern_composer_dispose (GObject *object)
{
  gtk_widget_dispose_template (GTK_WIDGET (object), QUERN_TYPE_COMPOSER);
  G_OBJECT_CLASS (quern_composer_parent_class)->dispose (object);
}

static void
quern_composer_class_init (QuernComposerClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->get_property = quern_composer_get_property;
  G_OBJECT_CLASS (klass)->set_property = quern_composer_set_property;
  G_OBJECT_CLASS (klass)->finalize = quern_composer_finalize;
  G_OBJECT_CLASS (klass)->dispose = quern_composer_dispose;
  properties[PROP_EFFORT] = g_param_spec_string ("effort", NULL, NULL, "",
                                                 G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (G_OBJECT_CLASS (klass), N_PROPS, properties);
  widget_class->grab_focus = quern_composer_grab_focus;
  signals[CHANGED] = g_signal_new ("changed", QUERN_TYPE_COMPOSER, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE,
                                   0);
  signals[THINKING_TOGGLED] = g_signal_new ("thinking-toggled", QUERN_TYPE_COMPOSER, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                            NULL, G_TYPE_NONE, 0);

  g_type_ensure (QUERN_TYPE_ATTACHMENT_BAR);
  g_type_ensure (QUERN_TYPE_CONTEXT_GAUGE);
  gtk_widget_class_install_action (widget_class, "composer.send", NULL, send_action);
  gtk_widget_class_install_property_action (widget_class, "composer.effort", "effort");
  gtk_widget_class_install_action (widget_class, "composer.screenshot", NULL, screenshot_action);
  gtk_widget_class_set_template_from_resource (widget_class, "/io/github/quern/Quern/ui/composer/quern-composer.ui");
  gtk_widget_class_bind_template_child (widget_class, QuernComposer, attachments);
  gtk_widget_class_bind_template_child (widget_class, QuernComposer, view);
  gtk_widget_class_bind_template_child (widget_class, QuernComposer, placeholder);
  gtk_widget_class_bind_template_child (widget_class, QuernComposer, thinking);
  gtk_widget_class_bind_template_child (widget_class, QuernComposer, effort_button);
  gtk_widget_class_bind_template_child (widget_class, QuernComposer, gauge);
  gtk_widget_class_bind_template_child (widget_class, QuernComposer, send);
  gtk_widget_class_bind_template_child (widget_class, QuernComposer, stop);
  gtk_widget_class_bind_template_callback (widget_class, text_changed_cb);
  gtk_widget_class_bind_template_callback (widget_class, thinking_toggled_cb);
}

static void
quern_composer_init (QuernComposer *self)
{
  GtkEventController *keys = gtk_event_controller_key_new ();

  self->effort = g_strdup ("");
  gtk_widget_init_template (GTK_WIDGET (self));
  quern_hyphens_leave_out_of_view (self->view);
  self->can_send = TRUE;
  gtk_event_controller_set_propagation_phase (keys, GTK_PHASE_CAPTURE);
  g_signal_connect_swapped (keys, "key-pressed", G_CALLBACK (key_pressed_cb), self);
  gtk_widget_add_controller (GTK_WIDGET (self->view), keys);
  g_signal_connect_swapped (self->view, "preedit-changed", G_CALLBACK (preedit_changed_cb), self);
  g_signal_connect_swapped (self->view, "paste-clipboard", G_CALLBACK (paste_cb), self);
  g_signal_connect_swapped (get_buffer (self), "changed", G_CALLBACK (text_changed_cb), self);
  quern_composer_update (self);
}

/**
 * quern_composer_dup_text:
 *
 * Returns: (transfer full): what is written there
 */
char *
quern_composer_dup_text (QuernComposer *self)
{
  GtkTextIter start, end;

  g_return_val_if_fail (QUERN_IS_COMPOSER (self), NULL);
  gtk_text_buffer_get_bounds (get_buffer (self), &start, &end);
  return gtk_text_buffer_get_text (get_buffer (self), &start, &end, FALSE);
}

/**
 * quern_composer_set_text:
 * @text: (nullable): replaces what is written, without a "changed" signal
 */
void
quern_composer_set_text (QuernComposer *self, const char *text)
{
  g_return_if_fail (QUERN_IS_COMPOSER (self));

  self->setting = TRUE;
  gtk_text_buffer_set_text (get_buffer (self), text != NULL ? text : "", -1);
  self->setting = FALSE;
}

gboolean
quern_composer_get_thinking (QuernComposer *self)
{
  g_return_val_if_fail (QUERN_IS_COMPOSER (self), FALSE);
  return gtk_toggle_button_get_active (self->thinking);
}

/**
 * quern_composer_set_thinking:
 * @thinking: whether the next answer begins with reasoning; no signal is emitted
 */
void
quern_composer_set_thinking (QuernComposer *self, gboolean thinking)
{
  g_return_if_fail (QUERN_IS_COMPOSER (self));

  self->setting = TRUE;
  gtk_toggle_button_set_active (self->thinking, thinking);
  self->setting = FALSE;
}

/**
 * quern_composer_set_choices:
 * @info: (nullable): what the chat template of the model does; %NULL without a model
 *
 * Shows the switches that make a difference: thinking where the template lets it be chosen, and the levels of effort that
 * it knows.
 */
void
quern_composer_set_choices (QuernComposer *self, const QuernTemplateInfo *info)
{
  g_autoptr (GMenu) menu = g_menu_new ();

  g_return_if_fail (QUERN_IS_COMPOSER (self));

  self->n_efforts = info != NULL ? info->n_efforts : 0;
  for (guint i = 0; i < self->n_efforts; i++) {
    g_autoptr (GMenuItem) item = g_menu_item_new (quern_effort_get_title (info->efforts[i]), NULL);
    g_menu_item_set_action_and_target (item, "composer.effort", "s", info->efforts[i]);
    g_menu_append_item (menu, item);
  }
  gtk_menu_button_set_menu_model (self->effort_button, G_MENU_MODEL (menu));
  gtk_widget_set_visible (GTK_WIDGET (self->thinking), info == NULL || info->thinking_switchable);
  quern_composer_update_effort (self);
}

/**
 * quern_composer_get_effort:
 *
 * Returns: the level of effort that is chosen, as the template spells it; "" where it knows none
 */
const char *
quern_composer_get_effort (QuernComposer *self)
{
  g_return_val_if_fail (QUERN_IS_COMPOSER (self), NULL);
  return self->effort;
}

/**
 * quern_composer_set_effort:
 * @effort: (nullable): a level of effort; %NULL where the template's default is none of its levels
 */
void
quern_composer_set_effort (QuernComposer *self, const char *effort)
{
  g_autofree char *label = NULL;

  g_return_if_fail (QUERN_IS_COMPOSER (self));

  if (!g_set_str (&self->effort, effort != NULL ? effort : ""))
    return;
  /* Translators: how long the model thinks: “Effort: High” */
  label = *self->effort != '\0' ? g_strdup_printf (_("Effort: %s"), quern_effort_get_title (self->effort))
                                : g_strdup (_("Effort"));
  gtk_menu_button_set_label (self->effort_button,
                             *self->effort != '\0' ? quern_effort_get_title (self->effort) : label);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->effort_button), GTK_ACCESSIBLE_PROPERTY_LABEL, label, -1);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_EFFORT]);
}

/**
 * quern_composer_set_busy:
 * @busy: whether an answer is generated, so that the button stops it instead of sending
 */
void
quern_composer_set_busy (QuernComposer *self, gboolean busy)
{
  g_return_if_fail (QUERN_IS_COMPOSER (self));

  self->busy = busy;
  gtk_widget_set_visible (self->send, !busy);
  gtk_widget_set_visible (self->stop, busy);
}

/**
 * quern_composer_set_can_send:
 * @can_send: whether there is a model that could answer, and it is not answering already
 */
void
quern_composer_set_can_send (QuernComposer *self, gboolean can_send)
{
  g_return_if_fail (QUERN_IS_COMPOSER (self));

  self->can_send = can_send;
  quern_composer_update (self);
}

/**
 * quern_composer_get_attachments:
 *
 * Returns: (transfer none): what will be sent along
 */
QuernAttachmentBar *
quern_composer_get_attachments (QuernComposer *self)
{
  g_return_val_if_fail (QUERN_IS_COMPOSER (self), NULL);
  return self->attachments;
}

/**
 * quern_composer_get_gauge:
 *
 * Returns: (transfer none): what shows how much of the context is used
 */
QuernContextGauge *
quern_composer_get_gauge (QuernComposer *self)
{
  g_return_val_if_fail (QUERN_IS_COMPOSER (self), NULL);
  return self->gauge;
}
