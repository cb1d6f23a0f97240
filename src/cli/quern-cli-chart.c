/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-cli.h"

#include <glib/gi18n.h>

#include "quern-chart.h"

/* --svg and --png of `eval` and `sweep`. */

void
quern_cli_chart_clear (QuernCliChart *chart)
{
  g_free (chart->svg);
  g_free (chart->png);
}

gboolean
quern_cli_write_chart (const QuernCliChart *chart, QuernMeasure *const *measures, const char *const *names, guint n,
                       GError **error)
{
  const QuernChartContent content = { .measures = measures,
                                      .names = names,
                                      .n = n,
                                      .by_speed = chart->by_speed,
                                      .figure = chart->tail ? QUERN_PARETO_P999 : QUERN_PARETO_MEAN };
  g_autofree char *sentence = NULL, *svg = NULL;

  if (!chart->svg && !chart->png)
    return TRUE;
  sentence = quern_chart_dup_sentence (&content);
  svg = quern_chart_to_svg (&content, sentence ? sentence : _("Divergence of quantisations"), TRUE);
  if (sentence)
    quern_cli_line (stderr, "%s", sentence);
  return (!chart->svg || g_file_set_contents (chart->svg, svg, -1, error))
         && (!chart->png || quern_chart_to_png (&content, chart->png, error));
}
