/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-chat-page-private.h"

#include "quern-chat-title.h"
#include "quern-served-models.h"
#include "servers/quern-sending.h"

#include <glib/gi18n.h>

/* Shows one conversation: the transcript above, the composer below, the model in the header bar. Its model is a
 * #QuernChatSession. quern-chat-page-actions.c has the actions on messages. */

#define COUNT_DELAY 300 /* ms after the last key press */

G_DEFINE_FINAL_TYPE (QuernChatPage, quern_chat_page, ADW_TYPE_BIN)

static guint
count_messages (QuernChatPage *self)
{
  return self->session != NULL ? g_list_model_get_n_items (quern_chat_session_get_messages (self->session)) : 0;
}

QuernMessage *
_quern_chat_page_get_message (QuernChatPage *self, gint64 id)
{
  GListModel *messages = self->session != NULL ? quern_chat_session_get_messages (self->session) : NULL;

  for (guint i = 0; messages != NULL && i < g_list_model_get_n_items (messages); i++) {
    g_autoptr (QuernMessage) message = g_list_model_get_item (messages, i);
    if (quern_message_get_id (message) == id)
      return message; /* the list keeps it */
  }
  return NULL;
}

/* ---- suggestions ------------------------------------------------------------------------------------------------ */

typedef struct {
  const char *text;
  gboolean thinking;
} Suggestion;

/* Quern Tiny knows the answers to these. They are questions to the model, so they are in its language. */
static const Suggestion demo_suggestions[] = {
  { "What is the capital of France?", FALSE },
  { "What is 47 + 38?", TRUE },
  { "Write a Python function that adds two numbers.", FALSE },
  { "Make a table of three animals and their sounds.", FALSE },
};

static const Suggestion suggestions[] = {
  { N_("Explain how a transistor works, in simple words"), FALSE },
  { N_("Write a Python script that renames photos by date"), FALSE },
  { N_("Plan a week of simple dinners for two"), FALSE },
  { N_("Which is larger, 9.11 or 9.9? Why?"), TRUE },
};

static void
add_suggestion (QuernChatPage *self, const char *text, gboolean thinking)
{
  GtkWidget *button = gtk_button_new_with_label (text);
  GtkWidget *label = gtk_button_get_child (GTK_BUTTON (button));

  gtk_label_set_wrap (GTK_LABEL (label), TRUE);
  gtk_label_set_justify (GTK_LABEL (label), GTK_JUSTIFY_CENTER);
  gtk_widget_add_css_class (button, "suggestion");
  gtk_actionable_set_action_name (GTK_ACTIONABLE (button), "chat.ask");
  gtk_actionable_set_action_target (GTK_ACTIONABLE (button), "(sb)", text, thinking);
  adw_wrap_box_append (self->suggestions, button);
}

static void
quern_chat_page_update_welcome (QuernChatPage *self)
{
  QuernModel *model = self->session != NULL ? quern_chat_session_get_model (self->session) : NULL;
  gboolean demo = model != NULL && quern_model_is_demo (model);
  g_autofree char *sent = NULL;

  for (GtkWidget *child; (child = gtk_widget_get_first_child (GTK_WIDGET (self->suggestions))) != NULL;)
    adw_wrap_box_remove (self->suggestions, child);
  gtk_widget_set_visible (GTK_WIDGET (self->suggestions), model != NULL);
  gtk_widget_set_visible (self->get_model, model == NULL || demo);
  if (model == NULL) {
    adw_status_page_set_description (self->welcome, _("Choose a model above to start."));
    return;
  }
  if (quern_model_is_remote (model))
    /* Translators: name of a server */
    sent = g_markup_printf_escaped (_("What you write is sent to “%s”."), quern_model_get_place (model));
  adw_status_page_set_description (
      self->welcome, demo ? _("Quern Tiny is a very small demonstration model. It knows a few facts, greetings, sums "
                              "and short pieces of code, and is wrong about the rest. To talk about anything else, "
                              "download a model that suits this computer.")
                     : sent ? sent
                            : _("Everything you write stays on this computer."));
  for (gsize i = 0; i < G_N_ELEMENTS (suggestions); i++) {
    if (demo)
      add_suggestion (self, demo_suggestions[i].text, demo_suggestions[i].thinking);
    else
      add_suggestion (self, _ (suggestions[i].text), suggestions[i].thinking);
  }
}

/* ---- state ------------------------------------------------------------------------------------------------------ */

/* A server that loads its model says nothing for minutes. */
static char *
make_waiting_status (QuernChatSession *session)
{
  QuernModel *model = quern_chat_session_get_model (session);
  guint seconds = (guint) quern_chat_session_get_waiting_seconds (session);
  g_autoptr (QuernServerModel) facts = NULL;

  if (model == NULL || !quern_model_is_remote (model))
    return g_strdup ("");
  facts = quern_served_model_dup_facts (model);
  if (facts != NULL && (facts->state == QUERN_SERVER_MODEL_UNLOADED || facts->state == QUERN_SERVER_MODEL_LOADING))
    return g_strdup_printf (_("The server is loading the model… %u s"), seconds);
  /* Translators: name of a server */
  return g_strdup_printf (_("Waiting for “%s”… %u s"), quern_model_get_place (model), seconds);
}

static char *
make_status (QuernChatSession *session)
{
  int percent = (int) (quern_chat_session_get_progress (session) * 100);

  switch (quern_chat_session_get_state (session)) {
  case QUERN_SESSION_LOADING:
    return percent > 0 ? g_strdup_printf (_("Loading the model… %d %%"), percent)
                       : g_strdup (_("Loading the model…"));
  case QUERN_SESSION_PREFILL:
    return percent > 0 ? g_strdup_printf (_("Reading… %d %%"), percent) : g_strdup (_("Reading…"));
  case QUERN_SESSION_WAITING: return make_waiting_status (session);
  case QUERN_SESSION_IDLE:
  case QUERN_SESSION_THINKING:
  case QUERN_SESSION_ANSWERING: break;
  }
  return g_strdup ("");
}

static gboolean
waiting_cb (gpointer user_data)
{
  QuernChatPage *self = user_data;
  g_autofree char *status = NULL;

  if (self->session == NULL) { /* the conversation was closed meanwhile */
    self->waiting_timer = 0;
    return G_SOURCE_REMOVE;
  }
  status = make_status (self->session);
  quern_transcript_set_status (self->transcript, status);
  return G_SOURCE_CONTINUE;
}

/* The seconds go on while nothing else happens. */
static void
update_waiting (QuernChatPage *self)
{
  gboolean waiting = self->session != NULL && quern_chat_session_get_state (self->session) == QUERN_SESSION_WAITING;

  if (!waiting)
    g_clear_handle_id (&self->waiting_timer, g_source_remove);
  else if (self->waiting_timer == 0)
    self->waiting_timer = g_timeout_add_seconds (1, waiting_cb, self);
}

static void
quern_chat_page_update_state (QuernChatPage *self)
{
  gboolean busy = self->session != NULL && quern_chat_session_get_state (self->session) != QUERN_SESSION_IDLE;
  gboolean ready = self->session != NULL && quern_chat_session_get_model (self->session) != NULL;
  g_autofree char *status = self->session != NULL ? make_status (self->session) : g_strdup ("");

  update_waiting (self);
  quern_transcript_set_status (self->transcript, status);
  quern_composer_set_busy (self->composer, busy);
  quern_composer_set_can_send (self->composer, ready && !busy && self->working == NULL);
  gtk_widget_set_visible (self->repeating_bar, busy && quern_chat_session_get_repeating (self->session));
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "chat.stop", busy);
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "chat.edit", !busy);
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "chat.edit-answer", !busy);
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "chat.regenerate", !busy && ready);
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "chat.regenerate-with", !busy);
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "chat.continue", !busy && ready);
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "chat.delete", !busy);
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "chat.sibling", !busy);
}

static void
repeating_cb (QuernChatPage *self)
{
  quern_chat_page_update_state (self);
  if (quern_chat_session_get_repeating (self->session))
    gtk_accessible_announce (GTK_ACCESSIBLE (self), _("The answer is repeating itself."),
                             GTK_ACCESSIBLE_ANNOUNCEMENT_PRIORITY_MEDIUM);
}

/* How the last answer went, where that is not as people wished. */
static void
note_cb (QuernChatPage *self)
{
  const char *note = quern_chat_session_get_note (self->session);

  if (note != NULL)
    quern_chat_page_show_problem (self, note);
}

/* The choice that was last made with a model applies to conversations that have none. */
static void
update_usual_thinking (QuernChatPage *self)
{
  QuernModel *model = quern_chat_session_get_model (self->session);
  g_autoptr (GVariant) choices = g_settings_get_value (self->settings, "thinking-choices");
  QuernThinking usual = QUERN_THINKING_DEFAULT;
  gboolean thinks;

  if (model != NULL && g_variant_lookup (choices, quern_model_get_id (model), "b", &thinks))
    usual = thinks ? QUERN_THINKING_ON : QUERN_THINKING_OFF;
  quern_chat_session_set_usual_thinking (self->session, usual);
}

static void
remember_thinking (QuernChatPage *self)
{
  QuernModel *model = quern_chat_session_get_model (self->session);
  g_autoptr (GVariant) choices = g_settings_get_value (self->settings, "thinking-choices");
  GVariantBuilder builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a{sb}"));
  GVariantIter iter;
  const char *id;
  gboolean thinks;

  if (model == NULL)
    return;
  g_variant_iter_init (&iter, choices);
  while (g_variant_iter_next (&iter, "{&sb}", &id, &thinks))
    if (!g_str_equal (id, quern_model_get_id (model)))
      g_variant_builder_add (&builder, "{sb}", id, thinks);
  g_variant_builder_add (&builder, "{sb}", quern_model_get_id (model), quern_chat_session_get_thinking (self->session));
  g_settings_set_value (self->settings, "thinking-choices", g_variant_builder_end (&builder));
}

static void
quern_chat_page_thinking_changed_cb (QuernChatPage *self)
{
  quern_composer_set_thinking (self->composer, quern_chat_session_get_thinking (self->session));
}

static void
quern_chat_page_effort_changed_cb (QuernChatPage *self)
{
  quern_composer_set_effort (self->composer, quern_chat_session_get_effort (self->session));
}

/* The composer offers what the model's template can do. A template that cannot be used is told of once, when the model is
 * chosen. */
static void
quern_chat_page_update_template (QuernChatPage *self)
{
  QuernModel *model = quern_chat_session_get_model (self->session);
  const QuernTemplateInfo *info = model != NULL ? &quern_model_get_info (model)->chat : NULL;
  gboolean broken = info != NULL && info->present && !info->usable;
  g_autofree char *text = NULL;

  quern_composer_set_choices (self->composer, info);
  if (!g_set_str (&self->template_told, broken ? quern_model_get_id (model) : NULL) || !broken)
    return;
  text = g_strdup_printf (_("The chat template of “%s” cannot be used, so the layout of Qwen 3.5 is used instead. %s"),
                          quern_model_get_title (model), info->problem);
  quern_chat_page_show_problem (self, text);
}

/* Says so if the model of this conversation is gone, because the composer cannot send then. It is no news any more when it is
 * there again, as after its server's removal was undone. */
static void
quern_chat_page_update_model (QuernChatPage *self)
{
  g_autofree char *missing = NULL;
  gboolean was_remote = FALSE;

  quern_chat_page_update_welcome (self);
  quern_chat_page_update_state (self);
  quern_chat_page_update_template (self);
  if (quern_chat_session_get_model (self->session) == NULL && self->library != NULL
      && !quern_library_get_scanning (self->library))
    missing = quern_chat_session_dup_missing (self->session, &was_remote);
  if (missing != NULL) {
    quern_chat_page_show_problem (self, missing);
    if (was_remote)
      adw_banner_set_button_label (self->banner, _("_Add Server…"));
  } else if (self->model_missing) {
    adw_banner_set_revealed (self->banner, FALSE);
  }
  self->model_missing = missing != NULL;
  self->server_missing = missing != NULL && was_remote;
}

static void
quern_chat_page_title_cb (QuernChatPage *self)
{
  QuernConversation *conversation = quern_chat_session_get_conversation (self->session);
  const char *title = quern_chat_title_shown (quern_conversation_get_title (conversation));

  gtk_label_set_label (self->title, title);
  gtk_widget_set_tooltip_text (GTK_WIDGET (self->title), title);
}

static void
context_start_cb (QuernChatPage *self)
{
  QuernConversation *conversation = quern_chat_session_get_conversation (self->session);

  quern_transcript_set_context_start (self->transcript, quern_conversation_get_context_start (conversation));
  _quern_chat_page_update_count (self);
}

static void
quern_chat_page_messages_changed_cb (QuernChatPage *self)
{
  gtk_stack_set_visible_child_name (self->stack, count_messages (self) > 0 ? "messages" : "empty");
}

/* Shows the whole state of the session. */
void
_quern_chat_page_update (QuernChatPage *self)
{
  if (self->session == NULL)
    return;
  update_usual_thinking (self);
  quern_chat_page_messages_changed_cb (self);
  quern_chat_page_update_model (self);
  quern_chat_page_thinking_changed_cb (self);
  quern_chat_page_effort_changed_cb (self);
  _quern_chat_page_update_count (self);
}

/* ---- question and token count ----------------------------------------------------------------------------------- */

static void
quern_chat_page_question_text_cb (QuernChatPage *self)
{
  const char *text = quern_question_get_text (quern_chat_session_get_question (self->session));
  g_autofree char *shown = quern_composer_dup_text (self->composer);

  if (!g_str_equal (shown, text))
    quern_composer_set_text (self->composer, text);
}

/* Shows another question in the composer. */
static void
quern_chat_page_question_cb (QuernChatPage *self)
{
  QuernQuestion *question = self->session != NULL ? quern_chat_session_get_question (self->session) : NULL;
  gboolean editing = question != NULL && quern_question_get_kind (question) == QUERN_QUESTION_EDIT;

  g_signal_group_set_target (self->question_signals, question);
  gtk_widget_set_visible (self->editing_bar, editing);
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "chat.cancel-edit", editing);
  if (question == NULL)
    return;
  quern_chat_page_question_text_cb (self);
  quern_attachment_bar_set_model (quern_composer_get_attachments (self->composer),
                                  quern_question_get_attachments (question));
}

static void
quern_chat_page_counted_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (QuernChatPage) self = user_data;
  QuernTokenCount count;

  if (!quern_chat_session_count_tokens_finish (QUERN_CHAT_SESSION (source), result, &count, NULL)
      || self->session != QUERN_CHAT_SESSION (source))
    return; /* no count is better than a wrong one */
  quern_context_gauge_set_count (quern_composer_get_gauge (self->composer), &count);
  quern_attachment_bar_set_count (quern_composer_get_attachments (self->composer), &count);
}

/* The context fills up while an answer grows. */
static void
context_used_cb (QuernChatPage *self)
{
  guint used, size;

  if (quern_chat_session_get_state (self->session) == QUERN_SESSION_IDLE)
    return;
  g_object_get (self->session, "context-used", &used, "context-size", &size, NULL);
  quern_context_gauge_set_used (quern_composer_get_gauge (self->composer), used, size);
}

static gboolean
quern_chat_page_count_cb (gpointer user_data)
{
  QuernChatPage *self = QUERN_CHAT_PAGE (user_data);

  self->count_timer = 0;
  /* A server counts what it is sent, which people have to know first. */
  if (self->session == NULL || quern_chat_session_get_model (self->session) == NULL
      || !quern_sending_is_told (quern_chat_session_get_model (self->session))) {
    quern_context_gauge_set_count (quern_composer_get_gauge (self->composer), NULL);
    quern_attachment_bar_set_count (quern_composer_get_attachments (self->composer), NULL);
    return G_SOURCE_REMOVE;
  }
  g_cancellable_cancel (self->counting);
  g_clear_object (&self->counting);
  self->counting = g_cancellable_new ();
  quern_chat_session_count_tokens_async (self->session, self->counting, quern_chat_page_counted_cb,
                                         g_object_ref (self));
  return G_SOURCE_REMOVE;
}

/* Counts the tokens again after a delay, but not while an answer is generated: each token would change the count. */
void
_quern_chat_page_update_count (QuernChatPage *self)
{
  if (self->session == NULL || quern_chat_session_get_state (self->session) != QUERN_SESSION_IDLE)
    return;
  g_clear_handle_id (&self->count_timer, g_source_remove);
  self->count_timer = g_timeout_add (COUNT_DELAY, quern_chat_page_count_cb, self);
}

static void
composer_changed_cb (QuernChatPage *self)
{
  g_autofree char *text = quern_composer_dup_text (self->composer);

  if (self->session == NULL)
    return;
  quern_question_set_text (quern_chat_session_get_question (self->session), text);
  _quern_chat_page_update_count (self);
}

static void
thinking_toggled_cb (QuernChatPage *self)
{
  if (self->session == NULL)
    return;
  quern_chat_session_set_thinking (self->session, quern_composer_get_thinking (self->composer));
  remember_thinking (self);
}

static void
effort_chosen_cb (QuernChatPage *self)
{
  const char *effort = quern_composer_get_effort (self->composer);

  if (self->session != NULL && *effort != '\0'
      && g_strcmp0 (effort, quern_chat_session_get_effort (self->session)) != 0)
    quern_chat_session_set_effort (self->session, effort);
}

static void
banner_clicked_cb (QuernChatPage *self)
{
  if (self->server_missing)
    gtk_widget_activate_action (GTK_WIDGET (self), "win.add-server", NULL);
  adw_banner_set_revealed (self->banner, FALSE);
}

static gboolean
quern_chat_page_dropped_cb (QuernChatPage *self, const GValue *value)
{
  QuernAttachmentBar *bar = quern_composer_get_attachments (self->composer);
  g_autoptr (GSList) files = NULL;

  if (G_VALUE_HOLDS (value, GDK_TYPE_TEXTURE)) {
    quern_attachment_bar_add_texture (bar, _("Dropped picture"), g_value_get_object (value));
    return TRUE;
  }
  files = gdk_file_list_get_files (g_value_get_boxed (value));
  for (GSList *l = files; l != NULL; l = l->next)
    quern_attachment_bar_add_file (bar, l->data);
  quern_chat_page_focus (self);
  return files != NULL;
}

static void
quern_chat_page_state_changed_cb (QuernChatPage *self)
{
  quern_chat_page_update_state (self);
  if (quern_chat_session_get_state (self->session) == QUERN_SESSION_IDLE)
    _quern_chat_page_send_waiting (self);
  _quern_chat_page_update_count (self);
}

/**
 * _quern_chat_page_set_working:
 * @what: (nullable): the work before the question can be asked; %NULL when it is done
 * @cancellable: (nullable): stops it
 */
void
_quern_chat_page_set_working (QuernChatPage *self, const char *what, GCancellable *cancellable)
{
  g_set_object (&self->working, cancellable);
  gtk_label_set_label (self->working_label, what != NULL ? what : "");
  gtk_widget_set_visible (self->working_bar, what != NULL);
  if (self->session != NULL)
    quern_chat_page_update_state (self);
}

/* ---- object ----------------------------------------------------------------------------------------------------- */

static void
quern_chat_page_dispose (GObject *object)
{
  QuernChatPage *self = QUERN_CHAT_PAGE (object);

  g_clear_handle_id (&self->count_timer, g_source_remove);
  g_clear_handle_id (&self->waiting_timer, g_source_remove);
  g_clear_handle_id (&self->send_source, g_source_remove);
  g_clear_object (&self->settings);
  g_cancellable_cancel (self->counting);
  g_clear_object (&self->counting);
  g_clear_object (&self->session_signals);
  g_clear_object (&self->question_signals);
  g_clear_object (&self->message_signals);
  g_clear_object (&self->library_signals);
  g_clear_object (&self->conversation_signals);
  g_cancellable_cancel (self->working);
  g_clear_object (&self->working);
  g_clear_pointer (&self->template_told, g_free);
  g_clear_object (&self->session);
  g_clear_object (&self->store);
  g_clear_object (&self->library);
  gtk_widget_dispose_template (GTK_WIDGET (self), QUERN_TYPE_CHAT_PAGE);
  G_OBJECT_CLASS (quern_chat_page_parent_class)->dispose (object);
}

static void
quern_chat_page_class_init (QuernChatPageClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = quern_chat_page_dispose;
  g_type_ensure (QUERN_TYPE_COMPOSER);
  g_type_ensure (QUERN_TYPE_FIND_BAR);
  g_type_ensure (QUERN_TYPE_MODEL_BUTTON);
  g_type_ensure (QUERN_TYPE_TRANSCRIPT);
  _quern_chat_page_install_actions (widget_class);
  gtk_widget_class_set_template_from_resource (widget_class, "/io/github/quern/Quern/ui/chat/quern-chat-page.ui");
  gtk_widget_class_bind_template_child (widget_class, QuernChatPage, banner);
  gtk_widget_class_bind_template_child (widget_class, QuernChatPage, trouble);
  gtk_widget_class_bind_template_child (widget_class, QuernChatPage, find_bar);
  gtk_widget_class_bind_template_child (widget_class, QuernChatPage, stack);
  gtk_widget_class_bind_template_child (widget_class, QuernChatPage, welcome);
  gtk_widget_class_bind_template_child (widget_class, QuernChatPage, suggestions);
  gtk_widget_class_bind_template_child (widget_class, QuernChatPage, transcript);
  gtk_widget_class_bind_template_child (widget_class, QuernChatPage, editing_bar);
  gtk_widget_class_bind_template_child (widget_class, QuernChatPage, working_bar);
  gtk_widget_class_bind_template_child (widget_class, QuernChatPage, working_label);
  gtk_widget_class_bind_template_child (widget_class, QuernChatPage, repeating_bar);
  gtk_widget_class_bind_template_child (widget_class, QuernChatPage, composer);
  gtk_widget_class_bind_template_child (widget_class, QuernChatPage, model_button);
  gtk_widget_class_bind_template_child (widget_class, QuernChatPage, title);
  gtk_widget_class_bind_template_child (widget_class, QuernChatPage, waiting_bar);
  gtk_widget_class_bind_template_child (widget_class, QuernChatPage, get_model);
  gtk_widget_class_bind_template_callback (widget_class, banner_clicked_cb);
  gtk_widget_class_bind_template_callback (widget_class, composer_changed_cb);
  gtk_widget_class_bind_template_callback (widget_class, thinking_toggled_cb);
  gtk_widget_class_bind_template_callback (widget_class, effort_chosen_cb);
}

static void
quern_chat_page_init (QuernChatPage *self)
{
  GtkDropTarget *target = gtk_drop_target_new (G_TYPE_INVALID, GDK_ACTION_COPY);
  GType types[] = { GDK_TYPE_FILE_LIST, GDK_TYPE_TEXTURE };

  self->settings = g_settings_new (QUERN_APP_ID);
  gtk_widget_init_template (GTK_WIDGET (self));
  gtk_drop_target_set_gtypes (target, types, G_N_ELEMENTS (types));
  g_signal_connect_swapped (target, "drop", G_CALLBACK (quern_chat_page_dropped_cb), self);
  gtk_widget_add_controller (GTK_WIDGET (self), GTK_EVENT_CONTROLLER (target));
  quern_find_bar_set_transcript (self->find_bar, self->transcript);
  g_signal_connect_object (quern_composer_get_attachments (self->composer), "problem",
                           G_CALLBACK (quern_chat_page_show_problem), self, G_CONNECT_SWAPPED);

  self->session_signals = g_signal_group_new (QUERN_TYPE_CHAT_SESSION);
  g_signal_group_connect_swapped (self->session_signals, "notify::state", G_CALLBACK (quern_chat_page_state_changed_cb),
                                  self);
  g_signal_group_connect_swapped (self->session_signals, "notify::progress", G_CALLBACK (quern_chat_page_update_state),
                                  self);
  g_signal_group_connect_swapped (self->session_signals, "notify::model", G_CALLBACK (_quern_chat_page_update), self);
  g_signal_group_connect_swapped (self->session_signals, "notify::thinking",
                                  G_CALLBACK (quern_chat_page_thinking_changed_cb), self);
  g_signal_group_connect_swapped (self->session_signals, "notify::effort",
                                  G_CALLBACK (quern_chat_page_effort_changed_cb), self);
  g_signal_group_connect_swapped (self->session_signals, "notify::context-used", G_CALLBACK (context_used_cb), self);
  g_signal_group_connect_swapped (self->session_signals, "notify::context-size",
                                  G_CALLBACK (_quern_chat_page_update_count), self);
  g_signal_group_connect_swapped (self->session_signals, "notify::repeating", G_CALLBACK (repeating_cb), self);
  g_signal_group_connect_swapped (self->session_signals, "notify::note", G_CALLBACK (note_cb), self);
  g_signal_group_connect_swapped (self->session_signals, "notify::question", G_CALLBACK (quern_chat_page_question_cb),
                                  self);
  self->question_signals = g_signal_group_new (QUERN_TYPE_QUESTION);
  g_signal_group_connect_swapped (self->question_signals, "notify::text", G_CALLBACK (quern_chat_page_question_text_cb),
                                  self);
  self->conversation_signals = g_signal_group_new (QUERN_TYPE_CONVERSATION);
  g_signal_group_connect_swapped (self->conversation_signals, "notify::context-start", G_CALLBACK (context_start_cb),
                                  self);
  g_signal_group_connect_swapped (self->conversation_signals, "notify::system-prompt",
                                  G_CALLBACK (_quern_chat_page_update_count), self);
  g_signal_group_connect_swapped (self->conversation_signals, "notify::title", G_CALLBACK (quern_chat_page_title_cb),
                                  self);
  self->message_signals = g_signal_group_new (G_TYPE_LIST_MODEL);
  g_signal_group_connect_swapped (self->message_signals, "items-changed",
                                  G_CALLBACK (quern_chat_page_messages_changed_cb), self);
  self->library_signals = g_signal_group_new (QUERN_TYPE_LIBRARY);
  g_signal_group_connect_swapped (self->library_signals, "notify::scanning", G_CALLBACK (_quern_chat_page_update),
                                  self);
  quern_chat_page_question_cb (self);
}

/**
 * quern_chat_page_set_context:
 * @store: where conversations are kept
 * @library: the models to choose from
 *
 * Call it once, before there is a session.
 */
void
quern_chat_page_set_context (QuernChatPage *self, QuernStore *store, QuernLibrary *library)
{
  g_return_if_fail (QUERN_IS_CHAT_PAGE (self));

  g_set_object (&self->store, store);
  g_set_object (&self->library, library);
  g_signal_group_set_target (self->library_signals, library);
  quern_model_button_set_library (self->model_button, library);
  quern_transcript_set_store (self->transcript, store);
}

/**
 * quern_chat_page_get_library:
 *
 * Returns: (transfer none) (nullable): the library, or %NULL before quern_chat_page_set_context()
 */
QuernLibrary *
quern_chat_page_get_library (QuernChatPage *self)
{
  g_return_val_if_fail (QUERN_IS_CHAT_PAGE (self), NULL);
  return self->library;
}

/**
 * quern_chat_page_is_answering:
 *
 * Returns: whether the model of the conversation on the screen is at work
 */
gboolean
quern_chat_page_is_answering (QuernChatPage *self)
{
  g_return_val_if_fail (QUERN_IS_CHAT_PAGE (self), FALSE);
  return self->working != NULL
         || (self->session != NULL && quern_chat_session_get_state (self->session) != QUERN_SESSION_IDLE);
}

/**
 * quern_chat_page_set_session:
 * @session: (nullable): the conversation to show
 *
 * What is written in the one before is saved.
 */
void
quern_chat_page_set_session (QuernChatPage *self, QuernChatSession *session)
{
  GListModel *messages;

  g_return_if_fail (QUERN_IS_CHAT_PAGE (self));

  if (self->session != NULL)
    quern_chat_session_save_unsent (self->session);
  _quern_chat_page_set_waiting (self, FALSE);
  g_cancellable_cancel (self->working);
  g_set_object (&self->session, session);
  quern_chat_page_question_cb (self); /* first: what the composer shows is the question's from now on */
  _quern_chat_page_set_working (self, NULL, NULL);
  messages = session != NULL ? quern_chat_session_get_messages (session) : NULL;
  g_signal_group_set_target (self->session_signals, session);
  g_signal_group_set_target (self->message_signals, messages);
  g_signal_group_set_target (self->conversation_signals,
                             session != NULL ? quern_chat_session_get_conversation (session) : NULL);
  adw_banner_set_revealed (self->banner, FALSE);
  quern_model_button_set_session (self->model_button, session);
  quern_transcript_set_messages (self->transcript, messages);
  quern_find_bar_set_messages (self->find_bar, messages);
  quern_context_gauge_set_count (quern_composer_get_gauge (self->composer), NULL);
  quern_attachment_bar_set_count (quern_composer_get_attachments (self->composer), NULL);
  quern_attachment_bar_set_session (quern_composer_get_attachments (self->composer), session, self->store);
  if (session != NULL) {
    quern_chat_page_title_cb (self);
    context_start_cb (self);
  }
  _quern_chat_page_update (self);
}

/**
 * quern_chat_page_show_message:
 * @id: a message of the conversation
 * @words: (nullable): the words that were searched for, which are highlighted
 *
 * Scrolls there, as soon as the messages are loaded.
 */
void
quern_chat_page_show_message (QuernChatPage *self, gint64 id, const char *const *words)
{
  g_return_if_fail (QUERN_IS_CHAT_PAGE (self));

  quern_transcript_show_match (self->transcript, id, words);
}

/**
 * quern_chat_page_find:
 *
 * Lets people look for text in the conversation.
 */
void
quern_chat_page_find (QuernChatPage *self)
{
  g_return_if_fail (QUERN_IS_CHAT_PAGE (self));

  if (count_messages (self) > 0)
    quern_find_bar_open (self->find_bar);
}

/**
 * quern_chat_page_show_problem:
 * @sentence: what went wrong and what can be done
 */
void
quern_chat_page_show_problem (QuernChatPage *self, const char *sentence)
{
  g_return_if_fail (QUERN_IS_CHAT_PAGE (self));

  self->model_missing = self->server_missing = FALSE;
  adw_banner_set_title (self->banner, sentence);
  adw_banner_set_button_label (self->banner, _("Dismiss"));
  adw_banner_set_use_markup (self->banner, FALSE);
  adw_banner_set_revealed (self->banner, TRUE);
}

/**
 * quern_chat_page_set_trouble:
 * @sentence: (nullable): a problem that persists; %NULL when it is over
 */
void
quern_chat_page_set_trouble (QuernChatPage *self, const char *sentence)
{
  g_return_if_fail (QUERN_IS_CHAT_PAGE (self));

  if (sentence != NULL)
    adw_banner_set_title (self->trouble, sentence);
  adw_banner_set_use_markup (self->trouble, FALSE);
  adw_banner_set_revealed (self->trouble, sentence != NULL);
}

void
quern_chat_page_focus (QuernChatPage *self)
{
  g_return_if_fail (QUERN_IS_CHAT_PAGE (self));
  gtk_widget_grab_focus (GTK_WIDGET (self->composer));
}

void
quern_chat_page_choose_model (QuernChatPage *self)
{
  g_return_if_fail (QUERN_IS_CHAT_PAGE (self));
  quern_model_button_popup (self->model_button);
}

void
quern_chat_page_toggle_thinking (QuernChatPage *self)
{
  g_return_if_fail (QUERN_IS_CHAT_PAGE (self));
  if (self->session == NULL)
    return;
  quern_chat_session_set_thinking (self->session, !quern_chat_session_get_thinking (self->session));
  remember_thinking (self);
}

/**
 * quern_chat_page_copy_last_answer:
 *
 * Puts the newest answer on the clipboard.
 */
void
quern_chat_page_copy_last_answer (QuernChatPage *self)
{
  GListModel *messages;

  g_return_if_fail (QUERN_IS_CHAT_PAGE (self));

  messages = self->session != NULL ? quern_chat_session_get_messages (self->session) : NULL;
  for (guint i = count_messages (self); i > 0; i--) {
    g_autoptr (QuernMessage) message = g_list_model_get_item (messages, i - 1);
    if (quern_message_get_role (message) == QUERN_ROLE_ASSISTANT) {
      _quern_chat_page_copy (self, message);
      return;
    }
  }
}
