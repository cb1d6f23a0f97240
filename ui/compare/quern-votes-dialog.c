/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-votes-dialog.h"

#include <glib/gi18n.h>

/* Shows the result of the votes so far: counts with an interval for each pair, and ratings once there are enough. */

static AdwActionRow *
quern_votes_dialog_add_row (AdwPreferencesGroup *group, const char *title, const char *subtitle, const char *figure)
{
  GtkWidget *row = adw_action_row_new (), *label = gtk_label_new (figure);

  adw_preferences_row_set_use_markup (ADW_PREFERENCES_ROW (row), FALSE);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), title);
  adw_action_row_set_subtitle (ADW_ACTION_ROW (row), subtitle);
  gtk_widget_add_css_class (label, "numeric");
  adw_action_row_add_suffix (ADW_ACTION_ROW (row), label);
  adw_preferences_group_add (group, row);
  return ADW_ACTION_ROW (row);
}

static void
add_pair (AdwPreferencesGroup *group, QuernComparison *comparison, guint a, guint b)
{
  g_autofree char *name_a = quern_compare_column_dup_label (quern_comparison_get_column (comparison, a));
  g_autofree char *name_b = quern_compare_column_dup_label (quern_comparison_get_column (comparison, b));
  g_autofree char *title = NULL, *subtitle = NULL, *figure = NULL;
  QuernVoteCount count;

  quern_comparison_count_votes (comparison, a, b, &count);
  if (count.a + count.b + count.ties + count.both_bad == 0)
    return;
  title = g_strdup_printf (_("%s against %s"), name_a, name_b);
  subtitle = g_strdup_printf (_("%u to %u · %u equal · %u both bad"), count.a, count.b, count.ties, count.both_bad);
  /* Translators: share of votes for the first, and its 95 % interval */
  figure = g_strdup_printf (_("%.0f %% (%.0f to %.0f %%)"), count.share * 100, count.low * 100, count.high * 100);
  quern_votes_dialog_add_row (group, title, subtitle, figure);
}

/**
 * quern_votes_dialog_new:
 *
 * Returns: (transfer floating): the votes of @comparison as they are now
 */
AdwDialog *
quern_votes_dialog_new (QuernComparison *comparison)
{
  AdwDialog *dialog = adw_dialog_new ();
  GtkWidget *toolbar = adw_toolbar_view_new (), *page = adw_preferences_page_new ();
  AdwPreferencesGroup *votes = ADW_PREFERENCES_GROUP (adw_preferences_group_new ()),
                      *rating = ADW_PREFERENCES_GROUP (adw_preferences_group_new ());
  guint n = quern_comparison_get_n_columns (comparison);
  QuernRating ratings[QUERN_COMPARE_MAX_COLUMNS];
  gboolean rated = quern_comparison_rate (comparison, ratings);
  g_autofree char *wait = NULL;

  adw_preferences_group_set_title (votes, _("Votes"));
  adw_preferences_group_set_description (votes, _("How often the first was preferred, where a tie counts half, with "
                                                  "the 95 % interval of that share. If the interval includes 50 %, "
                                                  "neither is better yet."));
  for (guint a = 0; a < n; a++)
    for (guint b = a + 1; b < n; b++)
      add_pair (votes, comparison, a, b);
  adw_preferences_group_set_title (rating, _("Rating"));
  wait = g_strdup_printf (_("Ratings need %d votes that prefer one or call a tie."), QUERN_COMPARE_MIN_VOTES);
  adw_preferences_group_set_description (
      rating, !rated ? wait : /* xgettext:no-c-format */
                  _("Bradley–Terry ratings on the Elo scale, where 400 points are odds of ten "
                    "to one. With the 95 % interval of 1000 resamplings."));
  for (guint i = 0; rated && i < n; i++) {
    g_autofree char *name = quern_compare_column_dup_label (quern_comparison_get_column (comparison, i));
    g_autofree char *figure = g_strdup_printf (_("%+.0f (%+.0f to %+.0f)"), ratings[i].rating, ratings[i].low,
                                               ratings[i].high);
    quern_votes_dialog_add_row (rating, name, NULL, figure);
  }
  adw_dialog_set_title (dialog, _("All Votes"));
  adw_dialog_set_content_width (dialog, 560);
  adw_dialog_set_content_height (dialog, 480);
  adw_preferences_page_add (ADW_PREFERENCES_PAGE (page), votes);
  adw_preferences_page_add (ADW_PREFERENCES_PAGE (page), rating);
  adw_toolbar_view_add_top_bar (ADW_TOOLBAR_VIEW (toolbar), adw_header_bar_new ());
  adw_toolbar_view_set_content (ADW_TOOLBAR_VIEW (toolbar), page);
  adw_dialog_set_child (dialog, toolbar);
  return dialog;
}
