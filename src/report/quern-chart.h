/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "quern-pareto.h"

G_BEGIN_DECLS

/* The chart of measurements as a list of marks, in the order in which they are drawn. The window draws the marks with
 * GTK, reports write them as SVG. */

typedef enum {
  QUERN_CHART_AREA,
  QUERN_CHART_LINE,
  QUERN_CHART_DOT,
  QUERN_CHART_RING,
  QUERN_CHART_TEXT,
} QuernChartShape;

typedef struct {
  QuernChartShape shape;
  double x, y;      /* one corner or end, the centre, or the point of `align` of a text */
  double x2, y2;    /* the other corner or end; x2 of dots and rings is the radius */
  double width;     /* of lines and rings */
  const char *tint; /* a colour as CSS has it; NULL: the colour of text */
  gboolean accent;  /* the colour is that of what matters */
  double opacity;
  char *text;             /* owned */
  double align, align_up; /* which part of the text is at the point: 0 its beginning and top, 1 its end and bottom */
} QuernChartMark;

/* What is plotted: one measurement, or those of several repositories with the same text. */
typedef struct {
  QuernMeasure *const *measures;
  const char *const *names; /* of the repositories; NULL where there is only one measurement */
  guint n;
  gboolean by_speed; /* speed is to the right, else size */
  QuernParetoFigure figure;
} QuernChartContent;

GArray *quern_chart_new (const QuernChartContent *content, double width, double height, gboolean mirrored);
char *quern_chart_dup_sentence (const QuernChartContent *content);
char *quern_chart_to_svg (const QuernChartContent *content, const char *label, gboolean standalone);
GBytes *quern_chart_to_png_bytes (const QuernChartContent *content);
gboolean quern_chart_to_png (const QuernChartContent *content, const char *path, GError **error);

G_END_DECLS
