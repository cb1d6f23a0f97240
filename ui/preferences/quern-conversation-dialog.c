/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-conversation-dialog.h"

#include <glib/gi18n.h>

#include "quern-persona.h"
#include "quern-sampling.h"

/* Shows the instructions, the context and the sampling of one conversation. Values that are not set follow the model's
 * family, and the family's values are shown then. Every change is saved at once and applies from the next answer on. */

/* The numbers of "sampling", which are the names of their rows in the template, too. */
static const char *const number_names[] = {
  "temperature",
  "top_k",
  "top_p",
  "min_p",
  "presence_penalty",
  "repetition_penalty", /* the model has values for those up to here */
  "seed",
  "max_tokens",
  "thinking_budget",
  "threads",
};

#define N_NUMBERS G_N_ELEMENTS (number_names)
#define N_OF_MODEL 6
#define N_TO_RESET 9 /* all but the threads, which are not in the group with the button */

#define SHOW_FRAMES 6

struct _QuernConversationDialog {
  AdwPreferencesDialog parent_instance;

  /* Template widgets */
  AdwPreferencesGroup *instructions_group, *answers_group;
  AdwComboRow *persona, *kv_type;
  GtkWidget *instructions;
  GtkTextBuffer *prompt;
  AdwSpinRow *numbers[N_NUMBERS];
  AdwSpinRow *context_size;
  AdwActionRow *memory;

  /* Owned references */
  QuernStore *store;
  QuernChatSession *session;
  char *purposes[N_OF_MODEL]; /* the subtitles that the rows have in the template */

  guint show_frames; /* frames until the length of the context is scrolled to */
  gboolean updating; /* the program sets values */
};

G_DEFINE_FINAL_TYPE (QuernConversationDialog, quern_conversation_dialog, ADW_TYPE_PREFERENCES_DIALOG)

static QuernConversation *
conversation_of (QuernConversationDialog *self)
{
  return quern_chat_session_get_conversation (self->session);
}

/* ---- instructions ----------------------------------------------------------------------------------------------- */

static void
prompt_changed_cb (QuernConversationDialog *self)
{
  g_autofree char *text = NULL;

  if (self->updating)
    return;
  g_object_get (self->prompt, "text", &text, NULL);
  quern_conversation_set_system_prompt (conversation_of (self), *text != '\0' ? text : NULL);
}

static void
persona_chosen_cb (QuernConversationDialog *self)
{
  guint choice = adw_combo_row_get_selected (self->persona);
  g_autoptr (QuernPersona) persona = NULL;

  if (self->updating || choice == 0 || choice == GTK_INVALID_LIST_POSITION)
    return; /* the text stays as it is */
  persona = g_list_model_get_item (quern_store_get_personas (self->store), choice - 1);
  if (persona != NULL)
    gtk_text_buffer_set_text (self->prompt, quern_persona_get_prompt (persona), -1);
}

/* Offers the personas, if there are any. The one that has the same instructions is selected, or none. */
static void
quern_conversation_dialog_show_instructions (QuernConversationDialog *self)
{
  const char *prompt = quern_conversation_get_system_prompt (conversation_of (self));
  GListModel *personas = quern_store_get_personas (self->store);
  g_autoptr (GtkStringList) names = gtk_string_list_new (NULL);
  guint n = g_list_model_get_n_items (personas), chosen = 0;

  gtk_text_buffer_set_text (self->prompt, prompt != NULL ? prompt : "", -1);
  gtk_string_list_append (names, C_("persona", "None"));
  for (guint i = 0; i < n; i++) {
    g_autoptr (QuernPersona) persona = g_list_model_get_item (personas, i);
    gtk_string_list_append (names, quern_persona_get_name (persona));
    if (g_strcmp0 (quern_persona_get_prompt (persona), prompt) == 0)
      chosen = i + 1;
  }
  adw_combo_row_set_model (self->persona, G_LIST_MODEL (names));
  adw_combo_row_set_selected (self->persona, chosen);
  if (n == 0) {
    adw_preferences_group_remove (self->instructions_group, GTK_WIDGET (self->persona));
    gtk_widget_set_margin_top (self->instructions, 0);
  }
}

/* ---- sampling --------------------------------------------------------------------------------------------------- */

/* Returns the value that applies if the conversation does not set it. */
static double
default_of (QuernConversationDialog *self, const char *name)
{
  QuernSampling sampling;
  const QuernSamplerValues *p = &sampling.sampler;

  quern_sampling_init (&sampling, quern_chat_session_get_model (self->session),
                       quern_chat_session_get_thinking (self->session), FALSE, NULL);
  if (g_str_equal (name, "temperature"))
    return p->temperature;
  if (g_str_equal (name, "top_k"))
    return p->top_k;
  if (g_str_equal (name, "top_p"))
    return p->top_p;
  if (g_str_equal (name, "min_p"))
    return p->min_p;
  if (g_str_equal (name, "presence_penalty"))
    return p->presence_penalty;
  if (g_str_equal (name, "repetition_penalty"))
    return p->repetition_penalty;
  return 0;
}

static void
quern_conversation_dialog_keep (QuernConversationDialog *self, const char *name, double value, double fallback)
{
  const char *json = quern_conversation_get_sampling (conversation_of (self));
  g_autofree char *changed = ABS (value - fallback) < 1e-6 ? quern_sampling_unset (json, name)
                                                           : quern_sampling_set (json, name, value);

  quern_conversation_set_sampling (conversation_of (self), changed);
}

/* Says below a value of the sampler where it comes from. The limits, which follow in the list, are nobody's but the user's. */
static void
show_origin (QuernConversationDialog *self, guint i)
{
  const char *json = quern_conversation_get_sampling (conversation_of (self));
  g_autofree char *subtitle = NULL;

  if (i >= N_OF_MODEL)
    return;
  /* Translators: what a value is for, and where it comes from: “Against repetition; 0: off · from the model’s file” */
  subtitle = g_strdup_printf (_("%s · %s"), self->purposes[i],
                              quern_sampling_origin_to_string (
                                  quern_sampling_get_origin (json, quern_chat_session_get_model (self->session),
                                                             number_names[i])));
  adw_action_row_set_subtitle (ADW_ACTION_ROW (self->numbers[i]), subtitle);
}

static void
number_changed_cb (QuernConversationDialog *self, GParamSpec *pspec, AdwSpinRow *row)
{
  guint i = 0;

  if (self->updating)
    return;
  while (self->numbers[i] != row)
    i++;
  quern_conversation_dialog_keep (self, number_names[i], adw_spin_row_get_value (row),
                                  default_of (self, number_names[i]));
  show_origin (self, i);
}

/* Shows what applies. */
static void
quern_conversation_dialog_show_numbers (QuernConversationDialog *self)
{
  const char *json = quern_conversation_get_sampling (conversation_of (self));

  for (guint i = 0; i < N_NUMBERS; i++) {
    adw_spin_row_set_value (self->numbers[i],
                            quern_sampling_get (json, number_names[i], default_of (self, number_names[i])));
    show_origin (self, i);
  }
}

static void
reset_cb (QuernConversationDialog *self)
{
  for (guint i = 0; i < N_TO_RESET; i++) {
    const char *json = quern_conversation_get_sampling (conversation_of (self));
    g_autofree char *changed = quern_sampling_unset (json, number_names[i]);
    quern_conversation_set_sampling (conversation_of (self), changed);
  }
  self->updating = TRUE;
  quern_conversation_dialog_show_numbers (self);
  self->updating = FALSE;
}

/* ---- context ---------------------------------------------------------------------------------------------------- */

static QuernKvType
kv_type_of (QuernConversationDialog *self)
{
  return (QuernKvType) quern_sampling_get (quern_conversation_get_sampling (conversation_of (self)), "kv_type",
                                           QUERN_KV_F16);
}

static void
show_memory (QuernConversationDialog *self)
{
  QuernModel *model = quern_chat_session_get_model (self->session);
  QuernMemoryPlan plan;
  g_autofree char *size = NULL, *text = NULL;
  guint n;

  gtk_widget_set_visible (GTK_WIDGET (self->memory), model == NULL || !quern_model_is_remote (model));
  if (model == NULL || quern_model_is_remote (model))
    return;
  g_object_get (self->session, "context-size", &n, NULL);
  quern_model_plan (model, n, kv_type_of (self), &plan);
  size = g_format_size (plan.total);
  text = g_strdup_printf (_("About %s in total with the model"), size);
  adw_action_row_set_subtitle (self->memory, text);
}

static void
context_changed_cb (QuernConversationDialog *self)
{
  if (self->updating)
    return;
  quern_conversation_set_context_size (conversation_of (self), (guint) adw_spin_row_get_value (self->context_size));
  show_memory (self);
}

static void
kv_changed_cb (QuernConversationDialog *self)
{
  if (self->updating)
    return;
  quern_conversation_dialog_keep (self, "kv_type", adw_combo_row_get_selected (self->kv_type), QUERN_KV_F16);
  show_memory (self);
}

/* ---- object ----------------------------------------------------------------------------------------------------- */

static void
quern_conversation_dialog_dispose (GObject *object)
{
  QuernConversationDialog *self = QUERN_CONVERSATION_DIALOG (object);

  gtk_widget_dispose_template (GTK_WIDGET (self), QUERN_TYPE_CONVERSATION_DIALOG);
  g_clear_object (&self->store);
  g_clear_object (&self->session);
  for (guint i = 0; i < N_OF_MODEL; i++)
    g_clear_pointer (&self->purposes[i], g_free);
  G_OBJECT_CLASS (quern_conversation_dialog_parent_class)->dispose (object);
}

static void
quern_conversation_dialog_class_init (QuernConversationDialogClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = quern_conversation_dialog_dispose;
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/io/github/quern/Quern/ui/preferences/quern-conversation-dialog.ui");
  gtk_widget_class_bind_template_child (widget_class, QuernConversationDialog, instructions_group);
  gtk_widget_class_bind_template_child (widget_class, QuernConversationDialog, answers_group);
  gtk_widget_class_bind_template_child (widget_class, QuernConversationDialog, persona);
  gtk_widget_class_bind_template_child (widget_class, QuernConversationDialog, kv_type);
  gtk_widget_class_bind_template_child (widget_class, QuernConversationDialog, instructions);
  gtk_widget_class_bind_template_child (widget_class, QuernConversationDialog, prompt);
  gtk_widget_class_bind_template_child (widget_class, QuernConversationDialog, context_size);
  gtk_widget_class_bind_template_child (widget_class, QuernConversationDialog, memory);
  for (guint i = 0; i < N_NUMBERS; i++)
    gtk_widget_class_bind_template_child_full (widget_class, number_names[i], FALSE,
                                               G_STRUCT_OFFSET (QuernConversationDialog, numbers)
                                                   + (gssize) (i * sizeof (AdwSpinRow *)));
  gtk_widget_class_bind_template_callback (widget_class, prompt_changed_cb);
  gtk_widget_class_bind_template_callback (widget_class, persona_chosen_cb);
  gtk_widget_class_bind_template_callback (widget_class, number_changed_cb);
  gtk_widget_class_bind_template_callback (widget_class, reset_cb);
  gtk_widget_class_bind_template_callback (widget_class, context_changed_cb);
  gtk_widget_class_bind_template_callback (widget_class, kv_changed_cb);
}

static void
quern_conversation_dialog_init (QuernConversationDialog *self)
{
  self->updating = TRUE;
  gtk_widget_init_template (GTK_WIDGET (self));
  for (guint i = 0; i < N_OF_MODEL; i++)
    self->purposes[i] = g_strdup (adw_action_row_get_subtitle (ADW_ACTION_ROW (self->numbers[i])));
}

/**
 * quern_conversation_dialog_new:
 * @store: where personas are
 * @session: whose conversation it is
 *
 * Returns: (transfer floating): the dialog with the settings of the session's conversation
 */
AdwDialog *
quern_conversation_dialog_new (QuernStore *store, QuernChatSession *session)
{
  QuernConversationDialog *self = g_object_new (QUERN_TYPE_CONVERSATION_DIALOG, NULL);
  QuernModel *model = quern_chat_session_get_model (session);
  guint largest = model != NULL ? quern_model_get_info (model)->n_ctx_train : 262144, now;
  g_autofree char *description = NULL;

  self->store = g_object_ref (store);
  self->session = g_object_ref (session);
  quern_conversation_dialog_show_instructions (self);
  if (model != NULL)
    description = g_markup_printf_escaped (quern_chat_session_get_thinking (session)
                                               ? _("The defaults are recommended for %s with thinking")
                                               : _("The defaults are recommended for %s without thinking"),
                                           quern_model_get_title (model));
  adw_preferences_group_set_description (self->answers_group, description);
  quern_conversation_dialog_show_numbers (self);
  g_object_get (session, "context-size", &now, NULL);
  gtk_adjustment_set_upper (adw_spin_row_get_adjustment (self->context_size), MAX (largest, 256));
  adw_spin_row_set_value (self->context_size, now);
  adw_combo_row_set_selected (self->kv_type, kv_type_of (self));
  show_memory (self);
  self->updating = FALSE;
  return ADW_DIALOG (self);
}

/* Runs before the layout of each frame: after some the row has its place. */
static gboolean
show_context_cb (GtkWidget *widget, GdkFrameClock *clock, gpointer user_data)
{
  QuernConversationDialog *self = QUERN_CONVERSATION_DIALOG (widget);
  GtkWidget *row = GTK_WIDGET (self->context_size), *viewport = gtk_widget_get_ancestor (row, GTK_TYPE_VIEWPORT);

  if (--self->show_frames > 0)
    return G_SOURCE_CONTINUE;
  if (viewport != NULL)
    gtk_viewport_scroll_to (GTK_VIEWPORT (viewport), row, NULL);
  return G_SOURCE_REMOVE;
}

/**
 * quern_conversation_dialog_focus_context:
 *
 * Goes to the length of the context; call it when the dialog is presented.
 */
void
quern_conversation_dialog_focus_context (QuernConversationDialog *self)
{
  g_return_if_fail (QUERN_IS_CONVERSATION_DIALOG (self));
  gtk_widget_grab_focus (GTK_WIDGET (self->context_size));
  if (self->show_frames == 0)
    gtk_widget_add_tick_callback (GTK_WIDGET (self), show_context_cb, NULL, NULL);
  self->show_frames = SHOW_FRAMES;
}
