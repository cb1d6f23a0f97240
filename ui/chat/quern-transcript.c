/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-transcript.h"

#include "quern-answer-row.h"
#include "quern-highlight.h"
#include "quern-question-row.h"

#include <glib/gi18n.h>

/* Shows the messages of a conversation as widgets in a box, because tall rows of different heights scroll and select
 * better there than in a recycling list. Only a run of consecutive rows is built, at first the last ones that fill the
 * view. More are added as the reader comes near either end of the run, a few in each frame, and those that are far away
 * are removed. While the view is at the end of the conversation it stays there; otherwise the text that is being read
 * does not move. */

#define FIRST_ROWS 20   /* rows built at first, at most */
#define MORE_ROWS 20    /* rows added when the view is near either end */
#define MORE_TIME 4000  /* µs in each frame in which they are built */
#define MOST_ROWS 120   /* with more rows than this, the far end is trimmed */
#define USUAL_VIEW 1000 /* px, the height of a view that has none yet */
#define LINE_BYTES 90   /* of a line of text in the column */
#define LINE_HEIGHT 20  /* px */
#define ROW_HEIGHT 60   /* px of a row without its text */
#define SHOW_FRAMES 12

struct _QuernTranscript {
  AdwBin parent_instance;

  /* Template widgets */
  GtkScrolledWindow *scrolled;
  GtkBox *box;

  /* Owned references */
  QuernStore *store;
  GListModel *messages;
  GPtrArray *rows; /* array of borrowed widgets: row i shows message first + i */
  char *status;
  GtkWidget *line; /* stands above the first message that the model still sees */

  guint first;          /* position of the first message that has a row */
  gint64 context_start; /* id of the message below the line, or 0 if the model sees all */
  gboolean at_end;
  gboolean end_offered; /* there is an end to scroll to */
  gboolean moved;       /* since the viewport was laid out */
  gboolean keep;        /* the next change of height is above the view: keep the distance to the end */
  double old_upper, old_value;
  guint more_tick, settle_source, show_tick;
  guint more_left;   /* rows still to be added by more_tick */
  gboolean more_up;  /* on which side */
  guint show_frames; /* number of frames shown since then; the message may still move for some */
  gint64 wanted;     /* id of the message to scroll to once it is there, or 0 */
  GStrv words;       /* the words to highlight in that message, or NULL */
};

enum { PROP_0, PROP_AT_END, PROP_END_OFFERED, N_PROPS };

static GParamSpec *properties[N_PROPS];

G_DEFINE_FINAL_TYPE (QuernTranscript, quern_transcript, ADW_TYPE_BIN)

static GtkAdjustment *
get_adjustment (QuernTranscript *self)
{
  return gtk_scrolled_window_get_vadjustment (self->scrolled);
}

static double
end_of (GtkAdjustment *adjustment)
{
  return gtk_adjustment_get_upper (adjustment) - gtk_adjustment_get_page_size (adjustment);
}

static guint
count_messages (QuernTranscript *self)
{
  return self->messages != NULL ? g_list_model_get_n_items (self->messages) : 0;
}

/* Returns the position behind the last message that has a row. */
static guint
get_end (QuernTranscript *self)
{
  return self->first + self->rows->len;
}

/* The button is shown while the end is below the view, and the view does not follow it. */
static void
update_end_offered (QuernTranscript *self)
{
  GtkAdjustment *adjustment = get_adjustment (self);
  gboolean below = get_end (self) < count_messages (self)
                   || gtk_adjustment_get_value (adjustment) < end_of (adjustment) - 2;
  gboolean offered = !self->at_end && below;

  if (self->end_offered == offered)
    return;
  self->end_offered = offered;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_END_OFFERED]);
}

static void
set_at_end (QuernTranscript *self, gboolean at_end)
{
  if (self->at_end != at_end) {
    self->at_end = at_end;
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_AT_END]);
  }
  update_end_offered (self);
}

/* ---- what the model sees ---------------------------------------------------------------------------------------- */

static GtkWidget *
make_rule (void)
{
  GtkWidget *rule = gtk_separator_new (GTK_ORIENTATION_HORIZONTAL);

  gtk_widget_set_valign (rule, GTK_ALIGN_CENTER);
  gtk_widget_set_hexpand (rule, TRUE);
  return rule;
}

/* "——— The model sees the conversation from here (button) ———" */
static GtkWidget *
make_line (void)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 9);
  GtkWidget *label = gtk_label_new (_("The model sees the conversation from here on"));
  GtkWidget *button = gtk_button_new_from_icon_name ("go-top-symbolic");

  gtk_label_set_wrap (GTK_LABEL (label), TRUE);
  gtk_label_set_justify (GTK_LABEL (label), GTK_JUSTIFY_CENTER);
  gtk_widget_add_css_class (label, "caption");
  gtk_widget_add_css_class (label, "dim-label");
  gtk_widget_set_tooltip_text (button, _("Show Everything to the Model"));
  gtk_widget_add_css_class (button, "flat");
  gtk_widget_add_css_class (button, "small");
  gtk_widget_set_valign (button, GTK_ALIGN_CENTER);
  gtk_actionable_set_action_name (GTK_ACTIONABLE (button), "chat.include-all");
  gtk_box_append (GTK_BOX (box), make_rule ());
  gtk_box_append (GTK_BOX (box), label);
  gtk_box_append (GTK_BOX (box), button);
  gtk_box_append (GTK_BOX (box), make_rule ());
  gtk_widget_add_css_class (box, "context-line");
  return box;
}

static int find_message (QuernTranscript *self, gint64 id);

/* Moves the line to its place. It is removed while that place is not built or is on another branch. */
static void
place_line (QuernTranscript *self)
{
  int i = self->context_start != 0 ? find_message (self, self->context_start) : -1;
  gboolean built = i > 0 && i >= (int) self->first && i - self->first < self->rows->len;

  if (self->line != NULL)
    gtk_box_remove (self->box, self->line);
  self->line = NULL;
  if (!built)
    return;
  self->line = make_line ();
  gtk_box_insert_child_after (self->box, self->line,
                              gtk_widget_get_prev_sibling (g_ptr_array_index (self->rows, i - self->first)));
}

/* Updates the rows whose content depends on being the last: an answer in the middle cannot be continued. */
static void
update_last (QuernTranscript *self)
{
  for (guint i = self->rows->len > 2 ? self->rows->len - 3 : 0; i < self->rows->len; i++) {
    GtkWidget *row = g_ptr_array_index (self->rows, i);
    gboolean last = self->first + i + 1 == count_messages (self);
    if (QUERN_IS_ANSWER_ROW (row))
      quern_answer_row_set_last (QUERN_ANSWER_ROW (row), last);
    else
      quern_question_row_set_last (QUERN_QUESTION_ROW (row), last);
  }
}

/* ---- rows -------------------------------------------------------------------------------------------------------- */

/* Builds the row of the message at this position, which must be next to or within the rows there are. */
static void
insert_row (QuernTranscript *self, guint position)
{
  guint i = position - self->first;
  g_autoptr (QuernMessage) message = g_list_model_get_item (self->messages, position);
  GtkWidget *row = quern_message_get_role (message) == QUERN_ROLE_USER ? quern_question_row_new (message, self->store)
                                                                       : quern_answer_row_new (message);

  gtk_box_insert_child_after (self->box, row, i > 0 ? g_ptr_array_index (self->rows, i - 1) : NULL);
  g_ptr_array_insert (self->rows, i, row);
}

/* If the keyboard focus is inside a row that is removed, it moves to the composer. Otherwise GTK would look for a place
 * to scroll to in the removed row. */
static void
rescue_focus (QuernTranscript *self, GtkWidget *row)
{
  GtkRoot *root = gtk_widget_get_root (GTK_WIDGET (self));
  GtkWidget *focus = root != NULL ? gtk_root_get_focus (root) : NULL;

  if (focus == NULL || !gtk_widget_is_ancestor (focus, row))
    return;
  gtk_root_set_focus (root, NULL);
  gtk_widget_activate_action (GTK_WIDGET (self), "win.focus-composer", NULL);
}

static void
remove_row (QuernTranscript *self, guint i)
{
  rescue_focus (self, g_ptr_array_index (self->rows, i));
  gtk_box_remove (self->box, g_ptr_array_index (self->rows, i));
  g_ptr_array_remove_index (self->rows, i);
}

static void
show_status (QuernTranscript *self)
{
  gboolean built = self->rows->len > 0 && get_end (self) == count_messages (self);
  GtkWidget *last = built ? g_ptr_array_index (self->rows, self->rows->len - 1) : NULL;

  if (last != NULL && QUERN_IS_ANSWER_ROW (last))
    quern_answer_row_set_status (QUERN_ANSWER_ROW (last), self->status != NULL ? self->status : "");
}

/* Call it before a change of height above the text that is being read, so that the view stays at that text. */
static void
keep_place (QuernTranscript *self)
{
  self->keep = TRUE;
  self->old_upper = gtk_adjustment_get_upper (get_adjustment (self));
  self->old_value = gtk_adjustment_get_value (get_adjustment (self));
}

/* Builds rows above until the message at `position` has one. */
static void
build_up_to (QuernTranscript *self, guint position)
{
  if (position >= self->first)
    return;
  keep_place (self);
  while (self->first > position) {
    self->first--;
    insert_row (self, self->first);
  }
  place_line (self);
}

/* Builds rows below until there are none to build, or the message before `end` has one. */
static void
build_down_to (QuernTranscript *self, guint end)
{
  for (end = MIN (end, count_messages (self)); get_end (self) < end;)
    insert_row (self, get_end (self));
  place_line (self);
  update_last (self);
  show_status (self);
}

static gboolean
is_near_top (QuernTranscript *self)
{
  GtkAdjustment *adjustment = get_adjustment (self);

  return gtk_adjustment_get_value (adjustment) < gtk_adjustment_get_page_size (adjustment);
}

static gboolean
is_near_bottom (QuernTranscript *self)
{
  GtkAdjustment *adjustment = get_adjustment (self);

  return end_of (adjustment) - gtk_adjustment_get_value (adjustment) < gtk_adjustment_get_page_size (adjustment);
}

/* Builds the next rows on the side that is wanted, for as long as a frame has time for. */
static void
build_some (QuernTranscript *self)
{
  gint64 began = g_get_monotonic_time ();

  do {
    if (self->more_up ? self->first == 0 : get_end (self) >= count_messages (self))
      self->more_left = 1;
    else if (self->more_up)
      build_up_to (self, self->first - 1);
    else
      build_down_to (self, get_end (self) + 1);
    self->more_left--;
  } while (self->more_left > 0 && g_get_monotonic_time () - began < MORE_TIME);
}

/* Runs before the layout of a frame. Rows are removed in one frame and added in the next ones, so that each change of
 * height is known to be above or below the text that is being read. */
static gboolean
more_cb (GtkWidget *widget, GdkFrameClock *clock, gpointer user_data)
{
  QuernTranscript *self = QUERN_TRANSCRIPT (widget);
  gboolean above = self->first > 0 && is_near_top (self);
  gboolean below = get_end (self) < count_messages (self) && is_near_bottom (self);
  GtkAdjustment *adjustment = get_adjustment (self);

  /* Rows at the far end are removed if far more are built than are in view. */
  if (self->more_left == 0 && (above || below) && self->rows->len > MOST_ROWS
      && gtk_adjustment_get_upper (adjustment) > 6 * gtk_adjustment_get_page_size (adjustment)) {
    if (!above)
      keep_place (self);
    while (self->rows->len > MOST_ROWS) {
      remove_row (self, !above ? 0 : self->rows->len - 1);
      self->first += !above;
    }
    place_line (self);
    return G_SOURCE_CONTINUE;
  }
  if (self->more_left == 0 && (above || below)) {
    self->more_up = above;
    self->more_left = MORE_ROWS;
  }
  if (self->more_left > 0)
    build_some (self);
  if (self->more_left > 0)
    return G_SOURCE_CONTINUE;
  self->more_tick = 0;
  return G_SOURCE_REMOVE;
}

/* Has rows added before the reader comes to an end of those there are. */
static void
queue_more (QuernTranscript *self)
{
  gboolean above = self->first > 0 && is_near_top (self);
  gboolean below = get_end (self) < count_messages (self) && is_near_bottom (self);

  if (self->more_tick == 0 && (above || below))
    self->more_tick = gtk_widget_add_tick_callback (GTK_WIDGET (self), more_cb, NULL, NULL);
}

static void
value_changed_cb (QuernTranscript *self, GtkAdjustment *adjustment)
{
  gboolean whole = get_end (self) == count_messages (self);

  set_at_end (self, whole && gtk_adjustment_get_value (adjustment) >= end_of (adjustment) - 2);
  queue_more (self);
}

static gboolean
settle_cb (gpointer user_data)
{
  QuernTranscript *self = QUERN_TRANSCRIPT (user_data);
  self->settle_source = 0;
  update_end_offered (self);
  return G_SOURCE_REMOVE;
}

/* The height of the content or of the view changed. This is called in the middle of the viewport's layout, which
 * ignores a value that is set now; see allocate(). */
static void
quern_transcript_size_changed_cb (QuernTranscript *self, GtkAdjustment *adjustment)
{
  double grown = gtk_adjustment_get_upper (adjustment) - self->old_upper;
  double value = grown < 0 ? self->old_value : gtk_adjustment_get_value (adjustment); /* now in a shorter range */

  if (self->at_end)
    gtk_adjustment_set_value (adjustment, end_of (adjustment));
  else if (self->keep && grown != 0)
    gtk_adjustment_set_value (adjustment, value + grown);
  self->moved = TRUE;
  if (grown != 0)
    self->keep = FALSE;
  queue_more (self); /* the first rows may not fill the view */
  if (self->settle_source == 0)
    self->settle_source = g_idle_add_full (G_PRIORITY_HIGH_IDLE, settle_cb, self, NULL);
}

static void
measure (GtkWidget *widget, GtkOrientation orientation, int for_size, int *minimum, int *natural, int *minimum_baseline,
         int *natural_baseline)
{
  gtk_widget_measure (adw_bin_get_child (ADW_BIN (widget)), orientation, for_size, minimum, natural, minimum_baseline,
                      natural_baseline);
}

/* Where the height of the content turned out to be another one, the viewport is laid out once more, at its new place: the
 * text that is being read does not jump for a frame. */
static void
allocate (GtkWidget *widget, int width, int height, int baseline)
{
  QuernTranscript *self = QUERN_TRANSCRIPT (widget);

  gtk_widget_allocate (adw_bin_get_child (ADW_BIN (self)), width, height, baseline, NULL);
  if (self->moved) {
    gtk_widget_queue_allocate (gtk_scrolled_window_get_child (self->scrolled));
    gtk_widget_allocate (adw_bin_get_child (ADW_BIN (self)), width, height, baseline, NULL);
  }
  self->moved = FALSE;
}

/* Rebuilds the rows from the message `first` on. If these are the last messages, the view goes to the end. */
static void
quern_transcript_rebuild_from (QuernTranscript *self, guint first)
{
  while (self->rows->len > 0)
    remove_row (self, self->rows->len - 1);
  self->first = first;
  self->keep = FALSE;
  self->more_left = 0;
  build_down_to (self, first + FIRST_ROWS);
  set_at_end (self, get_end (self) == count_messages (self));
}

/* About how high the row of a message is, or @enough if it is higher. Rather too little, as tables and pictures are. */
static int
estimate_height (QuernMessage *message, int enough)
{
  int height = ROW_HEIGHT;

  for (const char *line = quern_message_get_content (message); *line != '\0' && height < enough;) {
    gsize length = strcspn (line, "\n");
    height += (int) MIN (1 + length / LINE_BYTES, (gsize) enough) * LINE_HEIGHT;
    line += length + (line[length] == '\n');
  }
  return MIN (height, enough);
}

/* Builds the last rows anew, as many as fill the view: each costs time that the reader waits. */
static void
quern_transcript_rebuild (QuernTranscript *self)
{
  double page = gtk_adjustment_get_page_size (get_adjustment (self));
  int left = page > 1 ? (int) page : USUAL_VIEW;
  guint n = count_messages (self), first = n;

  while (first > 0 && n - first < FIRST_ROWS && left > 0) {
    g_autoptr (QuernMessage) message = g_list_model_get_item (self->messages, --first);
    left -= estimate_height (message, left);
  }
  quern_transcript_rebuild_from (self, first);
}

static int
find_message (QuernTranscript *self, gint64 id)
{
  for (guint i = 0; i < count_messages (self); i++) {
    g_autoptr (QuernMessage) message = g_list_model_get_item (self->messages, i);
    if (quern_message_get_id (message) == id)
      return i;
  }
  return -1;
}

/* Scrolls at once: rows that are added above in the meantime would make the viewport's own animation end elsewhere. */
static void
scroll_into_view (QuernTranscript *self, GtkWidget *widget)
{
  GtkAdjustment *adjustment = get_adjustment (self);
  double value = gtk_adjustment_get_value (adjustment), page = gtk_adjustment_get_page_size (adjustment);
  graphene_rect_t bounds;

  if (!gtk_widget_compute_bounds (widget, GTK_WIDGET (self->box), &bounds))
    return;
  if (bounds.origin.y < value || bounds.origin.y + bounds.size.height > value + page)
    gtk_adjustment_set_value (adjustment, bounds.origin.y - MAX ((page - bounds.size.height) / 2, 0));
}

/* New rows have no size in the first frame, and code blocks above may still grow in the next ones, so this repeats for
 * some frames. */
static gboolean
show_cb (GtkWidget *widget, GdkFrameClock *clock, gpointer user_data)
{
  QuernTranscript *self = QUERN_TRANSCRIPT (widget);
  int i = find_message (self, self->wanted);
  GtkWidget *row, *match = NULL;

  if (i >= (int) self->first && i < (int) get_end (self) && self->show_frames < SHOW_FRAMES) {
    set_at_end (self, FALSE);
    row = g_ptr_array_index (self->rows, i - self->first);
    if (self->words != NULL)
      match = quern_highlight_show (row, (const char *const *) self->words);
    scroll_into_view (self, match != NULL ? match : row);
  }
  if (self->show_frames-- > 0)
    return G_SOURCE_CONTINUE;
  self->show_tick = 0;
  self->wanted = 0;
  return G_SOURCE_REMOVE;
}

static void
show_wanted (QuernTranscript *self)
{
  int i = self->wanted != 0 ? find_message (self, self->wanted) : -1;

  if (i < 0)
    return;
  if (i + 2 * MORE_ROWS < (int) self->first || i > (int) get_end (self) + MORE_ROWS) {
    quern_transcript_rebuild_from (self, MAX (i - MORE_ROWS / 2, 0));
    set_at_end (self, FALSE);
  }
  build_up_to (self, i);
  build_down_to (self, i + 1);
  self->show_frames = SHOW_FRAMES;
  if (self->show_tick == 0)
    self->show_tick = gtk_widget_add_tick_callback (GTK_WIDGET (self), show_cb, NULL, NULL);
}

static void
items_changed_cb (QuernTranscript *self, guint position, guint removed, guint added)
{
  guint end = get_end (self);
  guint before = count_messages (self) - added + removed;

  if (position < self->first || added > MORE_ROWS) { /* rows that are not built changed, or a conversation was loaded */
    quern_transcript_rebuild (self);
    show_wanted (self);
    return;
  }
  for (guint i = position; i < MIN (position + removed, end); i++)
    remove_row (self, position - self->first);
  for (guint i = 0; i < added && (position < end || end == before); i++)
    insert_row (self, position + i);
  place_line (self);
  update_last (self);
  show_status (self);
  show_wanted (self);
}

static void
end_clicked_cb (QuernTranscript *self)
{
  quern_transcript_scroll_to_end (self);
}

static void
quern_transcript_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  if (id == PROP_AT_END)
    g_value_set_boolean (value, QUERN_TRANSCRIPT (object)->at_end);
  else if (id == PROP_END_OFFERED)
    g_value_set_boolean (value, QUERN_TRANSCRIPT (object)->end_offered);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
remove_tick (QuernTranscript *self, guint *tick)
{
  if (*tick != 0)
    gtk_widget_remove_tick_callback (GTK_WIDGET (self), *tick);
  *tick = 0;
}

static void
quern_transcript_dispose (GObject *object)
{
  QuernTranscript *self = QUERN_TRANSCRIPT (object);

  remove_tick (self, &self->more_tick);
  remove_tick (self, &self->show_tick);
  g_clear_handle_id (&self->settle_source, g_source_remove);
  if (self->messages != NULL)
    g_signal_handlers_disconnect_by_data (self->messages, self);
  g_clear_object (&self->messages);
  g_clear_object (&self->store);
  if (self->scrolled != NULL)
    g_signal_handlers_disconnect_by_data (get_adjustment (self), self);
  gtk_widget_dispose_template (GTK_WIDGET (self), QUERN_TYPE_TRANSCRIPT);
  G_OBJECT_CLASS (quern_transcript_parent_class)->dispose (object);
}

static void
quern_transcript_finalize (GObject *object)
{
  QuernTranscript *self = QUERN_TRANSCRIPT (object);

  g_ptr_array_unref (self->rows);
  g_free (self->status);
  g_strfreev (self->words);
  G_OBJECT_CLASS (quern_transcript_parent_class)->finalize (object);
}

static void
quern_transcript_class_init (QuernTranscriptClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->get_property = quern_transcript_get_property;
  object_class->dispose = quern_transcript_dispose;
  object_class->finalize = quern_transcript_finalize;
  properties[PROP_AT_END] = g_param_spec_boolean ("at-end", NULL, NULL, TRUE,
                                                  G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  properties[PROP_END_OFFERED] = g_param_spec_boolean ("end-offered", NULL, NULL, FALSE,
                                                       G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, properties);

  gtk_widget_class_set_template_from_resource (widget_class, "/io/github/quern/Quern/ui/chat/quern-transcript.ui");
  gtk_widget_class_bind_template_child (widget_class, QuernTranscript, scrolled);
  gtk_widget_class_bind_template_child (widget_class, QuernTranscript, box);
  gtk_widget_class_bind_template_callback (widget_class, end_clicked_cb);
}

static void
quern_transcript_init (QuernTranscript *self)
{
  self->rows = g_ptr_array_new ();
  self->at_end = TRUE;
  gtk_widget_init_template (GTK_WIDGET (self));
  gtk_widget_set_layout_manager (GTK_WIDGET (self), gtk_custom_layout_new (NULL, measure, allocate));
  g_signal_connect_swapped (get_adjustment (self), "value-changed", G_CALLBACK (value_changed_cb), self);
  g_signal_connect_swapped (get_adjustment (self), "changed", G_CALLBACK (quern_transcript_size_changed_cb), self);
}

/**
 * quern_transcript_set_store:
 * @store: where attachments are
 */
void
quern_transcript_set_store (QuernTranscript *self, QuernStore *store)
{
  g_return_if_fail (QUERN_IS_TRANSCRIPT (self));
  g_set_object (&self->store, store);
}

/**
 * quern_transcript_set_messages:
 * @messages: (nullable) (element-type QuernMessage): what to show, from its end
 */
void
quern_transcript_set_messages (QuernTranscript *self, GListModel *messages)
{
  g_return_if_fail (QUERN_IS_TRANSCRIPT (self));

  if (self->messages == messages)
    return;
  if (self->messages != NULL)
    g_signal_handlers_disconnect_by_data (self->messages, self);
  g_set_object (&self->messages, messages);
  if (messages != NULL)
    g_signal_connect_swapped (messages, "items-changed", G_CALLBACK (items_changed_cb), self);
  self->wanted = 0;
  quern_transcript_rebuild (self);
}

/**
 * quern_transcript_set_status:
 * @status: (nullable): what happens before the first word of the last answer arrives
 */
void
quern_transcript_set_status (QuernTranscript *self, const char *status)
{
  g_return_if_fail (QUERN_IS_TRANSCRIPT (self));

  if (g_set_str (&self->status, status))
    show_status (self);
}

/**
 * quern_transcript_set_context_start:
 * @id: the first message that is still sent to the model; 0: all are
 *
 * Draws a line above that message.
 */
void
quern_transcript_set_context_start (QuernTranscript *self, gint64 id)
{
  g_return_if_fail (QUERN_IS_TRANSCRIPT (self));

  self->context_start = id;
  place_line (self);
}

/**
 * quern_transcript_scroll_to_end:
 *
 * Goes to the end, and stays there while it grows.
 */
void
quern_transcript_scroll_to_end (QuernTranscript *self)
{
  g_return_if_fail (QUERN_IS_TRANSCRIPT (self));

  if (get_end (self) < count_messages (self))
    quern_transcript_rebuild (self);
  gtk_adjustment_set_value (get_adjustment (self), end_of (get_adjustment (self)));
  set_at_end (self, TRUE);
}

/**
 * quern_transcript_show_match:
 * @id: a message's id, or 0
 * @words: (nullable): the words that were found there
 *
 * Scrolls to that message, now or as soon as it is loaded, and highlights @words in it. Earlier highlights are removed;
 * with 0 nothing else happens.
 */
void
quern_transcript_show_match (QuernTranscript *self, gint64 id, const char *const *words)
{
  g_return_if_fail (QUERN_IS_TRANSCRIPT (self));

  quern_highlight_clear (GTK_WIDGET (self->box));
  g_clear_pointer (&self->words, g_strfreev);
  self->words = g_strdupv ((char **) words);
  self->wanted = id;
  show_wanted (self);
}
