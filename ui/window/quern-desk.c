/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-desk.h"

#include <glib/gi18n.h>

#include "quern-chat-title.h"
#include "quern-questions.h"

/* Answers go on when the conversation, or the window, that asked is closed: a session stays here until it is idle and no
 * window shows it. What ends while nobody looks is told to the desktop. */

struct _QuernDesk {
  GObject parent_instance;

  /* Owned references */
  QuernStore *store;
  QuernLibrary *library;
  QuernBackend *backend; /* a QuernJointBackend */
  GSettings *settings;
  QuernComparisons *comparisons;
  GHashTable *sessions;         /* conversation -> its session: those on a screen and those that answer */
  GHashTable *open_comparisons; /* id (gint64 *) -> QuernComparison: one is opened only once */
  gboolean closing;             /* answers end because of that */
};

G_DEFINE_FINAL_TYPE (QuernDesk, quern_desk, G_TYPE_OBJECT)

/* ---- telling the desktop ---------------------------------------------------------------------------------------- */

/* What is known about a session while it is watched. */
typedef struct {
  QuernDesk *desk; /* borrowed: when it goes, nothing is watched any more */
  gboolean answering;
  guint inhibit_cookie; /* keeps the computer awake while it answers; 0: does not */
} Watch;

static char *
notification_id (QuernConversation *conversation)
{
  return g_strdup_printf ("answer-%" G_GINT64_FORMAT, quern_conversation_get_id (conversation));
}

/* Whether the user is in one of the windows. */
static gboolean
is_looked_at (GtkApplication *application)
{
  for (GList *l = gtk_application_get_windows (application); l != NULL; l = l->next)
    if (gtk_window_is_active (l->data))
      return TRUE;
  return FALSE;
}

static void
quern_desk_state_cb (QuernChatSession *session, GParamSpec *pspec, Watch *watch)
{
  QuernDesk *self = watch->desk;
  GtkApplication *application = GTK_APPLICATION (g_application_get_default ());
  QuernConversation *conversation = quern_chat_session_get_conversation (session);
  gboolean answered = watch->answering;

  watch->answering = quern_chat_session_get_state (session) != QUERN_SESSION_IDLE;
  if (!watch->answering && !self->closing && g_settings_get_boolean (self->settings, "make-titles"))
    quern_chat_session_make_title_soon (session);
  /* The computer does not fall asleep over an answer. */
  if (watch->answering && watch->inhibit_cookie == 0) {
    watch->inhibit_cookie = gtk_application_inhibit (application, NULL, GTK_APPLICATION_INHIBIT_SUSPEND,
                                                     _("Generating an answer"));
  } else if (!watch->answering && watch->inhibit_cookie != 0) {
    gtk_application_uninhibit (application, watch->inhibit_cookie);
    watch->inhibit_cookie = 0;
  }
  if (answered && !watch->answering && !self->closing && !is_looked_at (application)) {
    /* It does not say what the answer is, because notifications show on locked screens too. */
    g_autofree char *id = notification_id (conversation);
    g_autoptr (GNotification)
        notification = g_notification_new (quern_chat_title_shown (quern_conversation_get_title (conversation)));
    g_notification_set_body (notification, _("The answer is ready."));
    g_notification_set_default_action_and_target (notification, "app.open-conversation", "x",
                                                  quern_conversation_get_id (conversation));
    g_application_send_notification (G_APPLICATION (application), id, notification);
  }
}

static void
watch_free (gpointer data, GClosure *closure)
{
  g_free (data);
}

/* Tells the desktop when an answer of @session ends while no window is in use. */
static void
watch_session (QuernDesk *self, QuernChatSession *session)
{
  Watch *watch = g_new (Watch, 1);
  GClosure *closure = g_cclosure_new (G_CALLBACK (quern_desk_state_cb), watch, watch_free);

  *watch = (Watch) { .desk = self };
  g_object_watch_closure (G_OBJECT (self), closure);
  g_signal_connect_closure (session, "notify::state", closure, FALSE);
}

/**
 * quern_desk_withdraw_notification:
 *
 * Takes back what was said about a conversation that is now on the screen.
 */
void
quern_desk_withdraw_notification (QuernConversation *conversation)
{
  g_autofree char *id = notification_id (conversation);
  g_application_withdraw_notification (g_application_get_default (), id);
}

/* ---- conversations ---------------------------------------------------------------------------------------------- */

/**
 * quern_desk_find_session:
 *
 * Returns: (transfer none) (nullable): what is in use of @conversation
 */
QuernChatSession *
quern_desk_find_session (QuernDesk *self, QuernConversation *conversation)
{
  g_return_val_if_fail (QUERN_IS_DESK (self), NULL);
  return g_hash_table_lookup (self->sessions, conversation);
}

/**
 * quern_desk_add_session:
 * @conversation: one that is not in use
 *
 * Returns: (transfer none): its session, which the caller has to load
 */
QuernChatSession *
quern_desk_add_session (QuernDesk *self, QuernConversation *conversation)
{
  QuernChatSession *session;

  g_return_val_if_fail (QUERN_IS_DESK (self), NULL);

  session = quern_chat_session_new (self->store, self->backend, self->library, conversation);
  g_hash_table_insert (self->sessions, g_object_ref (conversation), session);
  watch_session (self, session);
  return session;
}

/**
 * quern_desk_return_session:
 *
 * Takes back what was in use of a conversation that was deleted and is here again.
 */
void
quern_desk_return_session (QuernDesk *self, QuernChatSession *session)
{
  g_return_if_fail (QUERN_IS_DESK (self));
  g_hash_table_insert (self->sessions, g_object_ref (quern_chat_session_get_conversation (session)),
                       g_object_ref (session));
}

typedef struct {
  QuernDesk *desk;
  gboolean (*is_shown) (QuernChatSession *session);
} Sweep;

/* Whether nothing is lost with a session. What is written for a conversation that was deleted stays with its undo. */
static gboolean
is_dispensable (gpointer conversation, gpointer session, gpointer user_data)
{
  const Sweep *sweep = user_data;
  gint64 id = quern_conversation_get_id (conversation);

  return !sweep->is_shown (session) && quern_chat_session_get_state (session) == QUERN_SESSION_IDLE
         && (!quern_chat_session_holds_unsent (session)
             || quern_store_get_conversation (sweep->desk->store, id) != conversation);
}

/**
 * quern_desk_sweep:
 * @is_shown: whether a window shows it
 *
 * Lets go of the sessions with which nothing is lost.
 */
void
quern_desk_sweep (QuernDesk *self, gboolean (*is_shown) (QuernChatSession *session))
{
  Sweep sweep = { self, is_shown };

  g_return_if_fail (QUERN_IS_DESK (self));
  g_hash_table_foreach_remove (self->sessions, is_dispensable, &sweep);
}

/**
 * quern_desk_stop_sessions:
 *
 * Ends all answers, as if somebody pressed Stop in each conversation.
 */
void
quern_desk_stop_sessions (QuernDesk *self)
{
  GHashTableIter iter;
  gpointer session;

  g_return_if_fail (QUERN_IS_DESK (self));

  g_hash_table_iter_init (&iter, self->sessions);
  while (g_hash_table_iter_next (&iter, NULL, &session))
    quern_chat_session_stop (session);
}

/* ---- comparisons ------------------------------------------------------------------------------------------------ */

/**
 * quern_desk_find_comparison:
 *
 * Returns: (transfer none) (nullable): the comparison of that id, if it is open
 */
QuernComparison *
quern_desk_find_comparison (QuernDesk *self, gint64 id)
{
  g_return_val_if_fail (QUERN_IS_DESK (self), NULL);
  return g_hash_table_lookup (self->open_comparisons, &id);
}

/**
 * quern_desk_add_comparison:
 *
 * Keeps it from now on, and finds it by its id. May be called again.
 */
void
quern_desk_add_comparison (QuernDesk *self, QuernComparison *comparison)
{
  gint64 id;

  g_return_if_fail (QUERN_IS_DESK (self));

  quern_comparisons_add (self->comparisons, comparison); /* once */
  id = quern_comparison_get_id (comparison);
  g_hash_table_replace (self->open_comparisons, g_memdup2 (&id, sizeof id), g_object_ref (comparison));
}

/* A measurement that is paused waits for somebody to go on with it. */
static gboolean
is_working (QuernComparison *comparison)
{
  QuernMeasure *measure = quern_comparison_get_measure (comparison);
  QuernQuestions *questions = quern_comparison_get_questions (comparison);

  return quern_comparison_get_running (comparison) || (questions != NULL && quern_questions_get_running (questions))
         || (measure != NULL && quern_measure_get_running (measure) && !quern_measure_get_paused (measure));
}

/**
 * quern_desk_stop_comparison:
 *
 * Ends all that is being made of it; what is there stays.
 */
void
quern_desk_stop_comparison (QuernComparison *comparison)
{
  QuernMeasure *measure = quern_comparison_get_measure (comparison);
  QuernQuestions *questions = quern_comparison_get_questions (comparison);

  quern_comparison_stop (comparison);
  if (questions != NULL)
    quern_questions_stop (questions);
  if (measure != NULL)
    quern_measure_stop (measure);
}

/* ---- going on, and ending --------------------------------------------------------------------------------------- */

/**
 * quern_desk_is_busy:
 *
 * Returns: whether an answer, a comparison or a measurement is being made
 */
gboolean
quern_desk_is_busy (QuernDesk *self)
{
  GHashTableIter iter;
  gpointer item;

  g_return_val_if_fail (QUERN_IS_DESK (self), FALSE);

  g_hash_table_iter_init (&iter, self->sessions);
  while (g_hash_table_iter_next (&iter, NULL, &item))
    if (quern_chat_session_get_state (item) != QUERN_SESSION_IDLE)
      return TRUE;
  g_hash_table_iter_init (&iter, self->open_comparisons);
  while (g_hash_table_iter_next (&iter, NULL, &item))
    if (is_working (item))
      return TRUE;
  return FALSE;
}

/**
 * quern_desk_interrupt:
 *
 * Stops everything that is being made, because Quern is to end: a model that computes while the process ends uses
 * libraries that are gone. Answers are kept as interrupted ones.
 *
 * Returns: whether something has not ended yet; ask again soon
 */
gboolean
quern_desk_interrupt (QuernDesk *self)
{
  GHashTableIter iter;
  gpointer item;

  g_return_val_if_fail (QUERN_IS_DESK (self), FALSE);

  self->closing = TRUE;
  g_hash_table_iter_init (&iter, self->sessions);
  while (g_hash_table_iter_next (&iter, NULL, &item))
    if (quern_chat_session_get_state (item) != QUERN_SESSION_IDLE)
      quern_chat_session_interrupt (item);
  g_hash_table_iter_init (&iter, self->open_comparisons);
  while (g_hash_table_iter_next (&iter, NULL, &item))
    quern_desk_stop_comparison (item);
  return quern_desk_is_busy (self);
}

/* ---- class ------------------------------------------------------------------------------------------------------ */

static void
quern_desk_dispose (GObject *object)
{
  QuernDesk *self = QUERN_DESK (object);

  g_hash_table_remove_all (self->sessions);
  g_hash_table_remove_all (self->open_comparisons);
  g_clear_object (&self->comparisons); /* what is not written yet is written */
  g_clear_object (&self->backend);
  g_clear_object (&self->library);
  g_clear_object (&self->store);
  G_OBJECT_CLASS (quern_desk_parent_class)->dispose (object);
}

static void
quern_desk_finalize (GObject *object)
{
  QuernDesk *self = QUERN_DESK (object);

  g_hash_table_unref (self->sessions);
  g_hash_table_unref (self->open_comparisons);
  g_object_unref (self->settings);
  G_OBJECT_CLASS (quern_desk_parent_class)->finalize (object);
}

static void
quern_desk_class_init (QuernDeskClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = quern_desk_dispose;
  G_OBJECT_CLASS (klass)->finalize = quern_desk_finalize;
}

static void
quern_desk_init (QuernDesk *self)
{
  self->settings = g_settings_new (QUERN_APP_ID);
  self->sessions = g_hash_table_new_full (NULL, NULL, g_object_unref, g_object_unref);
  self->open_comparisons = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_object_unref);
}

/**
 * quern_desk_new:
 *
 * Returns: (transfer full): a desk on which nothing is in use
 */
QuernDesk *
quern_desk_new (QuernStore *store, QuernLibrary *library, QuernBackend *backend)
{
  QuernDesk *self = g_object_new (QUERN_TYPE_DESK, NULL);

  self->store = g_object_ref (store);
  self->library = g_object_ref (library);
  self->backend = g_object_ref (backend);
  self->comparisons = quern_comparisons_new (store);
  return self;
}

/**
 * quern_desk_get_store:
 *
 * Returns: (transfer none): where conversations are
 */
QuernStore *
quern_desk_get_store (QuernDesk *self)
{
  g_return_val_if_fail (QUERN_IS_DESK (self), NULL);
  return self->store;
}

/**
 * quern_desk_get_library:
 *
 * Returns: (transfer none): the models
 */
QuernLibrary *
quern_desk_get_library (QuernDesk *self)
{
  g_return_val_if_fail (QUERN_IS_DESK (self), NULL);
  return self->library;
}

/**
 * quern_desk_get_backend:
 *
 * Returns: (transfer none): what runs them
 */
QuernBackend *
quern_desk_get_backend (QuernDesk *self)
{
  g_return_val_if_fail (QUERN_IS_DESK (self), NULL);
  return self->backend;
}

/**
 * quern_desk_get_comparisons:
 *
 * Returns: (transfer none): the comparisons that are kept
 */
QuernComparisons *
quern_desk_get_comparisons (QuernDesk *self)
{
  g_return_val_if_fail (QUERN_IS_DESK (self), NULL);
  return self->comparisons;
}
