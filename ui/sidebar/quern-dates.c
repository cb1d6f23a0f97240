/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-dates.h"

#include <glib/gi18n.h>

enum { PINNED, TODAY, YESTERDAY, WEEK, MONTH, OLDER };

static GDateTime *
to_local (gint64 time)
{
  return g_date_time_new_from_unix_local (time / G_USEC_PER_SEC);
}

/* Returns the calendar days from @then to @now, negative if @then is in the future. */
static int
days_between (GDateTime *now, GDateTime *then)
{
  GDate a, b;
  g_date_set_dmy (&a, g_date_time_get_day_of_month (now), g_date_time_get_month (now), g_date_time_get_year (now));
  g_date_set_dmy (&b, g_date_time_get_day_of_month (then), g_date_time_get_month (then), g_date_time_get_year (then));
  return g_date_days_between (&b, &a);
}

static int
months (GDateTime *time)
{
  return g_date_time_get_year (time) * 12 + g_date_time_get_month (time);
}

/**
 * quern_dates_section:
 * @now: the current time
 * @time: when the conversation was last changed, in microseconds since 1970
 * @pinned: whether it is kept on top
 *
 * Returns: a number that grows from the first section of the sidebar to the last
 */
guint
quern_dates_section (GDateTime *now, gint64 time, gboolean pinned)
{
  g_autoptr (GDateTime) then = to_local (time);
  int days;

  if (pinned || then == NULL)
    return PINNED;
  days = days_between (now, then);
  if (days <= 0)
    return TODAY;
  if (days == 1)
    return YESTERDAY;
  if (days < 7)
    return WEEK;
  if (days < 30)
    return MONTH;
  return OLDER + MAX (0, months (now) - months (then));
}

/**
 * quern_dates_section_title:
 *
 * Takes what quern_dates_section() takes.
 *
 * Returns: (transfer full): the section's title
 */
char *
quern_dates_section_title (GDateTime *now, gint64 time, gboolean pinned)
{
  g_autoptr (GDateTime) then = to_local (time);

  switch (quern_dates_section (now, time, pinned)) {
  case PINNED: return g_strdup (_("Pinned"));
  case TODAY: return g_strdup (_("Today"));
  case YESTERDAY: return g_strdup (_("Yesterday"));
  case WEEK: return g_strdup (_("Previous 7 Days"));
  case MONTH: return g_strdup (_("Previous 30 Days"));
  default:
    /* Translators: a month as the title of a section, e.g. "March 2026" */
    return g_date_time_format (then, C_("section", "%OB %Y"));
  }
}
