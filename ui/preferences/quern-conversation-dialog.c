/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-conversation-dialog.h"

#include <glib/gi18n.h>

#include "quern-preset.h"
#include "quern-sampling.h"

/* Shows the instructions, the context and the sampling of one conversation. Values that are not set follow the model's
 * family, and the family's values are shown then. Every change is saved at once and applies from the next answer on. */

typedef struct {
  QuernStore *store;
  QuernBackend *backend;
  QuernChatSession *session;
  GtkTextBuffer *prompt;
  AdwActionRow *memory;
  GPtrArray *rows; /* borrowed: the rows of the sampling, each with its "name" */
  gboolean updating;
} Settings;

static void
settings_free (gpointer data)
{
  Settings *s = data;

  g_object_unref (s->store);
  g_object_unref (s->backend);
  g_object_unref (s->session);
  g_ptr_array_unref (s->rows);
  g_free (s);
}

static QuernConversation *
conversation_of (Settings *s)
{
  return quern_chat_session_get_conversation (s->session);
}

/* ---- instructions ----------------------------------------------------------------------------------------------- */

static void
prompt_changed_cb (GtkTextBuffer *buffer, Settings *s)
{
  g_autofree char *text = NULL;

  g_object_get (buffer, "text", &text, NULL);
  quern_conversation_set_system_prompt (conversation_of (s), *text != '\0' ? text : NULL);
}

static void
persona_chosen_cb (AdwComboRow *row, GParamSpec *pspec, Settings *s)
{
  guint choice = adw_combo_row_get_selected (row);
  g_autoptr (QuernPreset) persona = NULL;

  if (choice == 0 || choice == GTK_INVALID_LIST_POSITION)
    return; /* the text stays as it is */
  persona = g_list_model_get_item (quern_store_get_presets (s->store, QUERN_PRESET_PERSONA), choice - 1);
  if (persona != NULL)
    gtk_text_buffer_set_text (s->prompt, quern_preset_get_text (persona), -1);
}

/* Makes a row with the personas. The one that has the same instructions is selected, or none. */
static GtkWidget *
make_persona_row (Settings *s, GListModel *personas, const char *prompt)
{
  GtkWidget *row = adw_combo_row_new ();
  g_autoptr (GtkStringList) names = gtk_string_list_new (NULL);
  guint chosen = 0;

  gtk_string_list_append (names, C_("persona", "None"));
  for (guint i = 0; i < g_list_model_get_n_items (personas); i++) {
    g_autoptr (QuernPreset) persona = g_list_model_get_item (personas, i);
    gtk_string_list_append (names, quern_preset_get_name (persona));
    if (g_strcmp0 (quern_preset_get_text (persona), prompt) == 0)
      chosen = i + 1;
  }
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), _("Use a Persona"));
  adw_combo_row_set_model (ADW_COMBO_ROW (row), G_LIST_MODEL (names));
  adw_combo_row_set_selected (ADW_COMBO_ROW (row), chosen);
  g_signal_connect (row, "notify::selected", G_CALLBACK (persona_chosen_cb), s);
  return row;
}

static void
add_instructions (Settings *s, AdwPreferencesPage *page)
{
  GtkWidget *group = adw_preferences_group_new (), *view = gtk_text_view_new (), *scrolled = gtk_scrolled_window_new ();
  GListModel *personas = quern_store_get_presets (s->store, QUERN_PRESET_PERSONA);
  const char *prompt = quern_conversation_get_system_prompt (conversation_of (s));

  adw_preferences_group_set_title (ADW_PREFERENCES_GROUP (group), _("Instructions"));
  adw_preferences_group_set_description (ADW_PREFERENCES_GROUP (group),
                                         _("The model reads them before everything else."));
  s->prompt = gtk_text_view_get_buffer (GTK_TEXT_VIEW (view));
  gtk_text_buffer_set_text (s->prompt, prompt != NULL ? prompt : "", -1);
  g_object_set (view, "wrap-mode", GTK_WRAP_WORD_CHAR, "accepts-tab", FALSE, "top-margin", 9, "bottom-margin", 9,
                "left-margin", 9, "right-margin", 9, NULL);
  gtk_accessible_update_property (GTK_ACCESSIBLE (view), GTK_ACCESSIBLE_PROPERTY_LABEL, _("Instructions"), -1);
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (scrolled), view);
  gtk_widget_set_size_request (scrolled, -1, 120);
  gtk_widget_add_css_class (scrolled, "card");
  gtk_widget_set_overflow (scrolled, GTK_OVERFLOW_HIDDEN); /* keeps the text inside the card's round corners */
  if (g_list_model_get_n_items (personas) > 0) {
    adw_preferences_group_add (ADW_PREFERENCES_GROUP (group), make_persona_row (s, personas, prompt));
    gtk_widget_set_margin_top (scrolled, 12);
  }
  adw_preferences_group_add (ADW_PREFERENCES_GROUP (group), scrolled);
  g_signal_connect (s->prompt, "changed", G_CALLBACK (prompt_changed_cb), s);
  adw_preferences_page_add (page, ADW_PREFERENCES_GROUP (group));
}

/* ---- sampling --------------------------------------------------------------------------------------------------- */

typedef struct {
  const char *name, *title, *subtitle;
  double low, high, step;
  guint digits;
} Number;

static const Number sampling_numbers[] = {
  { "temperature", N_("Temperature"), N_("Higher is more varied; 0 always takes the most likely word"), 0, 2, 0.05,
    2 },
  { "top_k", N_("Top K"), N_("Words to choose among; 0: all"), 0, 1000, 1, 0 },
  { "top_p", N_("Top P"), N_("Share of likely words to choose among; 1: all"), 0, 1, 0.01, 2 },
  { "min_p", N_("Min P"),
    N_("Leaves out words less likely than this share of the most likely one; 0: "
       "none"),
    0, 1, 0.01, 2 },
  { "presence_penalty", N_("Presence Penalty"), N_("Against repetition; 0: off"), -2, 2, 0.1, 2 },
  { "repetition_penalty", N_("Repetition Penalty"), N_("Against repetition; 1: off"), 0.5, 2, 0.05, 2 },
#define N_OF_MODEL 6 /* those before this line */
  { "seed", N_("Seed"),
    N_("The same seed gives the same answer; 0: a different one each "
       "time"),
    0, 4294967295.0, 1, 0 },
  { "max_tokens", N_("Maximum Answer Length"), N_("In tokens; 0: no limit"), 0, 262144, 64, 0 },
  { "thinking_budget", N_("Maximum Thinking Length"), N_("In tokens; 0: no limit"), 0, 262144, 64, 0 },
};
static const Number loading_numbers[] = {
  { "threads", N_("Threads"), N_("0: chosen for this computer"), 0, 256, 1, 0 },
};

/* Returns the value that applies if the conversation does not set it. */
static double
default_of (Settings *s, const char *name)
{
  QuernSampling sampling;
  const QuernSamplerValues *p = &sampling.sampler;

  quern_sampling_init (&sampling, quern_chat_session_get_model (s->session),
                       quern_chat_session_get_thinking (s->session), FALSE, NULL);
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
keep (Settings *s, const char *name, double value, double fallback)
{
  const char *json = quern_conversation_get_sampling (conversation_of (s));
  g_autofree char *changed = ABS (value - fallback) < 1e-6 ? quern_sampling_unset (json, name)
                                                           : quern_sampling_set (json, name, value);

  quern_conversation_set_sampling (conversation_of (s), changed);
}

/* Says below a value of the sampler where it comes from. The limits, which follow in the list, are nobody's but the user's. */
static void
show_origin (Settings *s, AdwActionRow *row, const char *name)
{
  const char *json = quern_conversation_get_sampling (conversation_of (s));

  for (guint i = 0; i < N_OF_MODEL; i++) {
    g_autofree char *subtitle = NULL;
    if (!g_str_equal (sampling_numbers[i].name, name))
      continue;
    /* Translators: what a value is for, and where it comes from: “Against repetition; 0: off · from the model’s file” */
    subtitle = g_strdup_printf (_("%s · %s"), _ (sampling_numbers[i].subtitle),
                                quern_sampling_origin_to_string (
                                    quern_sampling_get_origin (json, quern_chat_session_get_model (s->session), name)));
    adw_action_row_set_subtitle (row, subtitle);
  }
}

static void
number_changed_cb (AdwSpinRow *row, GParamSpec *pspec, Settings *s)
{
  const char *name = g_object_get_data (G_OBJECT (row), "name");

  if (!s->updating)
    keep (s, name, adw_spin_row_get_value (row), default_of (s, name));
  show_origin (s, ADW_ACTION_ROW (row), name);
}

/* Without a role, a spin row of libadwaita 1.7 and everything in it is missing for screen readers. */
static GtkWidget *
make_spin_row (double low, double high, double step)
{
  GtkAdjustment *adjustment = gtk_adjustment_new (low, low, high, step, 10 * step, 0);

  return g_object_new (ADW_TYPE_SPIN_ROW, "accessible-role", GTK_ACCESSIBLE_ROLE_LIST_ITEM, "adjustment", adjustment,
                       "climb-rate", step, "numeric", TRUE, NULL);
}

static GtkWidget *
make_number (Settings *s, const Number *number)
{
  const char *json = quern_conversation_get_sampling (conversation_of (s));
  GtkWidget *row = make_spin_row (number->low, number->high, number->step);

  adw_spin_row_set_digits (ADW_SPIN_ROW (row), number->digits);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), _ (number->title));
  adw_action_row_set_subtitle (ADW_ACTION_ROW (row), _ (number->subtitle));
  adw_spin_row_set_value (ADW_SPIN_ROW (row), quern_sampling_get (json, number->name, default_of (s, number->name)));
  g_object_set_data (G_OBJECT (row), "name", (gpointer) number->name);
  show_origin (s, ADW_ACTION_ROW (row), number->name);
  g_signal_connect (row, "notify::value", G_CALLBACK (number_changed_cb), s);
  g_ptr_array_add (s->rows, row);
  return row;
}

static void
reset_cb (Settings *s)
{
  s->updating = TRUE;
  for (guint i = 0; i < G_N_ELEMENTS (sampling_numbers); i++) {
    const char *json = quern_conversation_get_sampling (conversation_of (s));
    g_autofree char *changed = quern_sampling_unset (json, sampling_numbers[i].name);
    quern_conversation_set_sampling (conversation_of (s), changed);
    adw_spin_row_set_value (s->rows->pdata[i], default_of (s, sampling_numbers[i].name));
    show_origin (s, s->rows->pdata[i], sampling_numbers[i].name);
  }
  s->updating = FALSE;
}

/* Says where the unchanged values come from. */
static char *
describe_defaults (Settings *s)
{
  QuernModel *model = quern_chat_session_get_model (s->session);

  if (model == NULL)
    return NULL;
  return g_strdup_printf (quern_chat_session_get_thinking (s->session)
                              ? _("The defaults are recommended for %s with thinking")
                              : _("The defaults are recommended for %s without thinking"),
                          quern_model_get_title (model));
}

static void
add_sampling (Settings *s, AdwPreferencesPage *page)
{
  g_autofree char *description = describe_defaults (s);
  GtkWidget *group = adw_preferences_group_new ();
  GtkWidget *reset = gtk_button_new_with_label (_("Reset"));

  adw_preferences_group_set_title (ADW_PREFERENCES_GROUP (group), _("Answers"));
  adw_preferences_group_set_description (ADW_PREFERENCES_GROUP (group), description);
  gtk_widget_set_tooltip_text (reset, _("Reset to the values recommended for the model"));
  gtk_widget_add_css_class (reset, "flat");
  g_signal_connect_swapped (reset, "clicked", G_CALLBACK (reset_cb), s);
  adw_preferences_group_set_header_suffix (ADW_PREFERENCES_GROUP (group), reset);
  for (guint i = 0; i < G_N_ELEMENTS (sampling_numbers); i++)
    adw_preferences_group_add (ADW_PREFERENCES_GROUP (group), make_number (s, &sampling_numbers[i]));
  adw_preferences_page_add (page, ADW_PREFERENCES_GROUP (group));
}

/* ---- context ---------------------------------------------------------------------------------------------------- */

static QuernKvType
kv_type_of (Settings *s)
{
  return (QuernKvType) quern_sampling_get (quern_conversation_get_sampling (conversation_of (s)), "kv_type",
                                           QUERN_KV_F16);
}

static void
show_memory (Settings *s)
{
  QuernModel *model = quern_chat_session_get_model (s->session);
  QuernMemoryPlan plan;
  g_autofree char *size = NULL, *text = NULL;
  guint n;

  if (model == NULL)
    return;
  g_object_get (s->session, "context-size", &n, NULL);
  quern_model_plan (model, n, kv_type_of (s), &plan);
  size = g_format_size (plan.total);
  text = g_strdup_printf (_("About %s in total with the model"), size);
  adw_action_row_set_subtitle (s->memory, text);
}

static void
context_changed_cb (AdwSpinRow *row, GParamSpec *pspec, Settings *s)
{
  quern_conversation_set_context_size (conversation_of (s), (guint) adw_spin_row_get_value (row));
  show_memory (s);
}

static void
kv_changed_cb (AdwComboRow *row, GParamSpec *pspec, Settings *s)
{
  keep (s, "kv_type", adw_combo_row_get_selected (row), QUERN_KV_F16);
  show_memory (s);
}

static GtkWidget *
make_kv_row (Settings *s)
{
  const char *const names[] = { _("16 bits"), _("8 bits, half the memory"), _("32 bits, exact"),
                                NULL }; /* QuernKvType */
  g_autoptr (GtkStringList) list = gtk_string_list_new (names);
  GtkWidget *row = adw_combo_row_new ();

  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), _("Precision of the Cache"));
  adw_combo_row_set_model (ADW_COMBO_ROW (row), G_LIST_MODEL (list));
  adw_combo_row_set_selected (ADW_COMBO_ROW (row), kv_type_of (s));
  g_signal_connect (row, "notify::selected", G_CALLBACK (kv_changed_cb), s);
  return row;
}

static void
add_context (Settings *s, AdwPreferencesPage *page)
{
  QuernModel *model = quern_chat_session_get_model (s->session);
  GtkWidget *group = adw_preferences_group_new ();
  guint largest = model != NULL ? quern_model_get_info (model)->n_ctx_train : 262144, now;
  GtkWidget *size = make_spin_row (256, MAX (largest, 256), 256);

  g_object_get (s->session, "context-size", &now, NULL);
  adw_preferences_group_set_title (ADW_PREFERENCES_GROUP (group), _("Context"));
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (size), _("Context Length"));
  adw_action_row_set_subtitle (ADW_ACTION_ROW (size), _("Number of tokens that the model can keep in mind"));
  adw_spin_row_set_value (ADW_SPIN_ROW (size), now);
  g_signal_connect (size, "notify::value", G_CALLBACK (context_changed_cb), s);
  adw_preferences_group_add (ADW_PREFERENCES_GROUP (group), size);
  adw_preferences_group_add (ADW_PREFERENCES_GROUP (group), make_kv_row (s));
  for (guint i = 0; i < G_N_ELEMENTS (loading_numbers); i++)
    adw_preferences_group_add (ADW_PREFERENCES_GROUP (group), make_number (s, &loading_numbers[i]));
  s->memory = ADW_ACTION_ROW (adw_action_row_new ());
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (s->memory), _("Memory"));
  adw_preferences_group_add (ADW_PREFERENCES_GROUP (group), GTK_WIDGET (s->memory));
  adw_preferences_page_add (page, ADW_PREFERENCES_GROUP (group));
  show_memory (s);
}

/**
 * quern_conversation_dialog_new:
 *
 * Returns: (transfer floating): the dialog with the settings of the session's conversation
 */
AdwDialog *
quern_conversation_dialog_new (QuernStore *store, QuernBackend *backend, QuernChatSession *session)
{
  AdwDialog *dialog = adw_preferences_dialog_new ();
  AdwPreferencesPage *page = ADW_PREFERENCES_PAGE (adw_preferences_page_new ());
  Settings *s = g_new0 (Settings, 1);

  s->store = g_object_ref (store);
  s->backend = g_object_ref (backend);
  s->session = g_object_ref (session);
  s->rows = g_ptr_array_new ();
  adw_dialog_set_title (dialog, _("Conversation Settings"));
  add_instructions (s, page);
  add_sampling (s, page);
  add_context (s, page);
  adw_preferences_dialog_add (ADW_PREFERENCES_DIALOG (dialog), page);
  g_object_set_data_full (G_OBJECT (dialog), "settings", s, settings_free);
  return dialog;
}
