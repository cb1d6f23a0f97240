/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-compare-turn.h"

#include "markdown/quern-md-view.h"
#include "quern-candidates.h"
#include "widgets/quern-hyphens.h"

#include <glib/gi18n.h>

#define SHOWN 5 /* number of most probable tokens to show for each model where two answers part */

/* Shows one prompt and one column's answer. With marks the answer is plain text: what another column also said is
 * dimmed, and the first different token is a link that opens an explanation. Without marks it is formatted as
 * Markdown. */
struct _QuernCompareTurn {
  GtkBox parent_instance;

  GtkLabel *reasoning, *text, *status;
  GtkWidget *offer; /* asks the prompt that was missed */
  GtkStack *stack;  /* "marks" or "formatted" */
  QuernMdView *formatted;

  /* Owned references */
  QuernCompareAnswer *answer, *other; /* other: the answer that it parts from, or NULL */
  char *sentence;                     /* describes the fork, or NULL */
  char *name, *other_name;

  QuernForkView view;
  gboolean veiled; /* the text is hidden for now */
};

G_DEFINE_FINAL_TYPE (QuernCompareTurn, quern_compare_turn, GTK_TYPE_BOX)

static GtkLabel *
add_label (GtkWidget *box, const char *css_class)
{
  GtkWidget *label = gtk_label_new (NULL);

  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_label_set_wrap (GTK_LABEL (label), TRUE);
  gtk_label_set_wrap_mode (GTK_LABEL (label), PANGO_WRAP_WORD_CHAR);
  gtk_label_set_natural_wrap_mode (GTK_LABEL (label), GTK_NATURAL_WRAP_NONE);
  gtk_label_set_selectable (GTK_LABEL (label), TRUE);
  quern_hyphens_leave_out (GTK_LABEL (label));
  if (css_class != NULL)
    gtk_widget_add_css_class (label, css_class);
  gtk_box_append (GTK_BOX (box), label);
  return GTK_LABEL (label);
}

static char *
quern_compare_turn_make_status (QuernCompareTurn *self)
{
  int progress = (int) (quern_compare_answer_get_progress (self->answer) * 100);

  if (self->veiled)
    return g_strdup (_("Hidden until all models have answered."));
  switch (quern_compare_answer_get_state (self->answer)) {
  case QUERN_COMPARE_WAITING: return g_strdup (_("Waiting…"));
  case QUERN_COMPARE_LOADING: return g_strdup (_("Loading the model…"));
  case QUERN_COMPARE_READING: return g_strdup_printf (_("Reading… %d %%"), progress);
  case QUERN_COMPARE_CUT: return g_strdup (_("The answer reached its length limit."));
  case QUERN_COMPARE_STOPPED: return g_strdup (_("You stopped this answer."));
  case QUERN_COMPARE_NOT_ASKED: return g_strdup (_("This model was not asked this question."));
  case QUERN_COMPARE_FAILED: return g_strdup (quern_compare_answer_get_failure (self->answer));
  case QUERN_COMPARE_WRITING:
  case QUERN_COMPARE_DONE: break;
  }
  return g_strdup ("");
}

/* Finds the byte span of the fork in the reasoning or the answer. */
static gboolean
locate_fork (QuernCompareTurn *self, gboolean *reasoning, guint *start, guint *end)
{
  const QuernGeneratedToken *token;

  if (!self->view.valid || !self->view.fork.differs
      || self->view.fork.index >= quern_compare_answer_get_n_tokens (self->answer))
    return FALSE;
  token = quern_compare_answer_get_token (self->answer, self->view.fork.index);
  *reasoning = token->reasoning;
  *start = token->start;
  *end = token->end;
  return TRUE;
}

static void
quern_compare_turn_update (QuernCompareTurn *self)
{
  const char *reasoning = quern_compare_answer_get_reasoning (self->answer);
  const char *answer = quern_compare_answer_get_answer (self->answer);
  guint all = self->view.valid ? G_MAXUINT : 0; /* without a fork the whole text is shared */
  guint start = all, end = all;
  gboolean in_reasoning = FALSE, forked = locate_fork (self, &in_reasoning, &start, &end);
  g_autofree char *status = quern_compare_turn_make_status (self);
  g_autofree char *thoughts = quern_fork_markup (reasoning, in_reasoning ? start : all, in_reasoning ? end : all,
                                                 forked && in_reasoning);
  g_autofree char *text = quern_fork_markup (answer,
                                             !forked        ? all
                                             : in_reasoning ? 0
                                                            : start,
                                             in_reasoning ? 0 : end, forked && !in_reasoning);

  gtk_label_set_label (self->status, status);
  gtk_widget_set_visible (GTK_WIDGET (self->status), *status != '\0');
  gtk_widget_set_visible (GTK_WIDGET (self->reasoning), !self->veiled && *reasoning != '\0');
  /* Not by the number of tokens: of answers of servers they are not known. */
  gtk_widget_set_visible (GTK_WIDGET (self->stack), !self->veiled && *answer != '\0');
  gtk_label_set_markup (self->reasoning, thoughts);
  gtk_label_set_markup (self->text, text);
  if (g_str_equal (gtk_stack_get_visible_child_name (self->stack), "formatted"))
    quern_md_view_set_text (self->formatted, answer, !quern_compare_answer_is_running (self->answer));
}

static void
popover_closed_cb (GtkWidget *popover)
{
  gtk_widget_unparent (popover);
}

static gboolean
link_cb (QuernCompareTurn *self, const char *uri, GtkLabel *label)
{
  quern_compare_turn_show_fork (self);
  return TRUE;
}

static void
quern_compare_turn_dispose (GObject *object)
{
  QuernCompareTurn *self = QUERN_COMPARE_TURN (object);

  g_clear_object (&self->answer);
  g_clear_object (&self->other);
  g_clear_pointer (&self->sentence, g_free);
  g_clear_pointer (&self->name, g_free);
  g_clear_pointer (&self->other_name, g_free);
  G_OBJECT_CLASS (quern_compare_turn_parent_class)->dispose (object);
}

static void
quern_compare_turn_class_init (QuernCompareTurnClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = quern_compare_turn_dispose;
}

static void
quern_compare_turn_init (QuernCompareTurn *self)
{
  gtk_orientable_set_orientation (GTK_ORIENTABLE (self), GTK_ORIENTATION_VERTICAL);
  gtk_box_set_spacing (GTK_BOX (self), 9);
}

/**
 * quern_compare_turn_new:
 * @pictures: (nullable): of #QuernPicture
 *
 * Returns: (transfer floating): a widget that shows the prompt and its answer
 */
GtkWidget *
quern_compare_turn_new (const char *prompt, GListModel *pictures, QuernCompareAnswer *answer)
{
  QuernCompareTurn *self = g_object_new (QUERN_TYPE_COMPARE_TURN, NULL);
  GtkWidget *bubble = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);
  guint n = pictures != NULL ? g_list_model_get_n_items (pictures) : 0;

  self->answer = g_object_ref (answer);
  gtk_widget_add_css_class (bubble, "bubble");
  for (guint i = 0; i < n; i++) {
    g_autoptr (QuernPicture) picture = g_list_model_get_item (pictures, i);
    g_autoptr (QuernPicture) small = quern_picture_dup_thumbnail (picture, 96);
    guint width = quern_picture_get_width (small), height = quern_picture_get_height (small);
    g_autoptr (GdkTexture) texture = gdk_memory_texture_new (width, height, GDK_MEMORY_R8G8B8,
                                                             quern_picture_get_pixels (small), (gsize) width * 3);
    GtkWidget *widget = gtk_picture_new_for_paintable (GDK_PAINTABLE (texture));
    gtk_picture_set_alternative_text (GTK_PICTURE (widget), _("Picture"));
    gtk_picture_set_can_shrink (GTK_PICTURE (widget), FALSE);
    gtk_widget_set_halign (widget, GTK_ALIGN_START);
    gtk_box_append (GTK_BOX (bubble), widget);
  }
  if (*prompt != '\0')
    gtk_label_set_label (add_label (bubble, NULL), prompt);
  gtk_box_append (GTK_BOX (self), bubble);
  self->reasoning = add_label (GTK_WIDGET (self), "thinking-text");
  self->stack = GTK_STACK (gtk_stack_new ());
  gtk_stack_set_vhomogeneous (self->stack, FALSE);
  self->formatted = QUERN_MD_VIEW (quern_md_view_new ());
  gtk_box_append (GTK_BOX (self), GTK_WIDGET (self->stack));
  self->text = GTK_LABEL (g_object_ref_sink (add_label (GTK_WIDGET (self), NULL)));
  gtk_box_remove (GTK_BOX (self), GTK_WIDGET (self->text));
  gtk_stack_add_named (self->stack, GTK_WIDGET (self->text), "marks");
  gtk_stack_add_named (self->stack, GTK_WIDGET (self->formatted), "formatted");
  g_object_unref (self->text);
  self->status = add_label (GTK_WIDGET (self), "dim-label");
  self->offer = gtk_button_new ();
  gtk_widget_set_halign (self->offer, GTK_ALIGN_START);
  gtk_widget_set_visible (self->offer, FALSE);
  gtk_actionable_set_action_name (GTK_ACTIONABLE (self->offer), "column.catch-up");
  gtk_box_append (GTK_BOX (self), self->offer);
  g_signal_connect_swapped (self->reasoning, "activate-link", G_CALLBACK (link_cb), self);
  g_signal_connect_swapped (self->text, "activate-link", G_CALLBACK (link_cb), self);
  g_signal_connect_object (answer, "changed", G_CALLBACK (quern_compare_turn_update), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (answer, "notify::state", G_CALLBACK (quern_compare_turn_update), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (answer, "notify::progress", G_CALLBACK (quern_compare_turn_update), self, G_CONNECT_SWAPPED);
  quern_compare_turn_update (self);
  return GTK_WIDGET (self);
}

/**
 * quern_compare_turn_get_answer:
 *
 * Returns: (transfer none): the answer that is shown
 */
QuernCompareAnswer *
quern_compare_turn_get_answer (QuernCompareTurn *self)
{
  return self->answer;
}

/**
 * quern_compare_turn_set_fork:
 * @view: where this answer and another one part
 * @name: this column's name
 * @other_name: the other one's
 * @other: (nullable): the other one's answer
 */
void
quern_compare_turn_set_fork (QuernCompareTurn *self, const QuernForkView *view, const char *name,
                             const char *other_name, QuernCompareAnswer *other)
{
  self->view = *view;
  g_set_object (&self->other, other);
  g_set_str (&self->name, name);
  g_set_str (&self->other_name, other_name);
  g_clear_pointer (&self->sentence, g_free);
  if (view->valid && view->fork.differs)
    self->sentence = quern_fork_dup_sentence (&view->fork, name, other_name);
  quern_compare_turn_update (self);
}

/**
 * quern_compare_turn_set_marks:
 * @marks: whether differences are marked; else the text is formatted
 */
void
quern_compare_turn_set_marks (QuernCompareTurn *self, gboolean marks)
{
  gtk_stack_set_visible_child_name (self->stack, marks ? "marks" : "formatted");
  quern_compare_turn_update (self);
}

/**
 * quern_compare_turn_set_veiled:
 * @veiled: whether to hide the answer, because its speed would give the model away
 */
void
quern_compare_turn_set_veiled (QuernCompareTurn *self, gboolean veiled)
{
  self->veiled = veiled;
  quern_compare_turn_update (self);
}

/**
 * quern_compare_turn_set_offer:
 * @label: (nullable): the label of a button below that asks this model; %NULL for no button
 */
void
quern_compare_turn_set_offer (QuernCompareTurn *self, const char *label)
{
  gtk_button_set_label (GTK_BUTTON (self->offer), label != NULL ? label : "");
  gtk_widget_set_visible (self->offer, label != NULL);
}

/**
 * quern_compare_turn_find_fork:
 * @y: (out): where the first different token is, from the top
 *
 * Returns: whether there is one
 */
gboolean
quern_compare_turn_find_fork (QuernCompareTurn *self, double *y)
{
  gboolean reasoning;
  guint start, end;
  PangoRectangle place;
  graphene_point_t point;
  GtkLabel *label;

  if (self->veiled || self->sentence == NULL || !locate_fork (self, &reasoning, &start, &end))
    return FALSE;
  label = reasoning ? self->reasoning : self->text;
  pango_layout_index_to_pos (gtk_label_get_layout (label), (int) start, &place);
  if (!gtk_widget_compute_point (GTK_WIDGET (label), GTK_WIDGET (self),
                                 &GRAPHENE_POINT_INIT (0, PANGO_PIXELS (place.y)), &point))
    return FALSE;
  *y = point.y;
  return TRUE;
}

static void
point_at_fork (QuernCompareTurn *self, GtkWidget *popover, GtkLabel *label, guint offset)
{
  PangoRectangle place;
  GdkRectangle rect;
  graphene_point_t point;
  int x, y;

  gtk_label_get_layout_offsets (label, &x, &y);
  pango_layout_index_to_pos (gtk_label_get_layout (label), (int) offset, &place);
  if (!gtk_widget_compute_point (GTK_WIDGET (label), GTK_WIDGET (self),
                                 &GRAPHENE_POINT_INIT (x + PANGO_PIXELS (place.x), y + PANGO_PIXELS (place.y)), &point))
    return;
  rect = (GdkRectangle) { (int) point.x, (int) point.y, MAX (1, PANGO_PIXELS (place.width)),
                          PANGO_PIXELS (place.height) };
  gtk_popover_set_pointing_to (GTK_POPOVER (popover), &rect);
}

static void
quern_compare_turn_add_candidates (GtkWidget *grid, const char *title, QuernCompareAnswer *answer, guint index)
{
  const QuernGeneratedToken *token = index < quern_compare_answer_get_n_tokens (answer)
                                         ? quern_compare_answer_get_token (answer, index)
                                         : NULL;
  QuernCandidateRow rows[SHOWN];
  guint n = token != NULL ? MIN (token->n_top, SHOWN) : 0;

  for (guint i = 0; i < n; i++)
    rows[i] = (QuernCandidateRow) { token->top[i].text, token->top[i].p, token->top[i].id == token->chosen.id };
  quern_candidates_add (grid, title, rows, n);
}

/**
 * quern_compare_turn_show_fork:
 *
 * Opens a popover that points at the first different token and explains it.
 *
 * Returns: whether there is one
 */
gboolean
quern_compare_turn_show_fork (QuernCompareTurn *self)
{
  gboolean reasoning;
  guint start, end;
  GtkWidget *popover, *grid;

  if (self->veiled || self->sentence == NULL || !locate_fork (self, &reasoning, &start, &end))
    return FALSE;
  popover = gtk_popover_new ();
  grid = quern_candidates_new (self->sentence);
  quern_compare_turn_add_candidates (grid, self->name, self->answer, self->view.fork.index);
  if (self->other != NULL)
    quern_compare_turn_add_candidates (grid, self->other_name, self->other, self->view.fork.index);
  gtk_popover_set_child (GTK_POPOVER (popover), grid);
  gtk_accessible_update_property (GTK_ACCESSIBLE (popover), GTK_ACCESSIBLE_PROPERTY_LABEL, _("First difference"), -1);
  gtk_widget_set_parent (popover, GTK_WIDGET (self));
  g_signal_connect (popover, "closed", G_CALLBACK (popover_closed_cb), NULL);
  point_at_fork (self, popover, reasoning ? self->reasoning : self->text, start);
  gtk_popover_popup (GTK_POPOVER (popover));
  return TRUE;
}
