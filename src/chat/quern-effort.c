/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-effort.h"

#include <glib/gi18n-lib.h>

/* How much a model is to think. The levels are words of its chat template, which the engine finds by rendering. */

/**
 * quern_effort_get_title:
 * @effort: as a template spells it: "low"
 *
 * Returns: what it is called in the window: "Low"
 */
const char *
quern_effort_get_title (const char *effort)
{
  static const struct {
    const char *effort, *title;
  } titles[] = {
    { "none", NC_("effort", "None") },   { "minimal", NC_("effort", "Minimal") },
    { "low", NC_("effort", "Low") },     { "medium", NC_("effort", "Medium") },
    { "high", NC_("effort", "High") },   { "xhigh", NC_("effort", "Very High") },
    { "max", NC_("effort", "Maximum") },
  };

  for (guint i = 0; i < G_N_ELEMENTS (titles); i++)
    if (g_str_equal (titles[i].effort, effort))
      return g_dpgettext2 (GETTEXT_PACKAGE, "effort", titles[i].title);
  return effort;
}

/**
 * quern_effort_for_model:
 * @model: (nullable): the model that is to think
 * @wanted: (nullable): the level that was chosen, perhaps for another model
 *
 * Returns: (nullable): @wanted where the model's template knows it, else the template's default; %NULL where that is none of
 *   its levels, or where the template knows none
 */
const char *
quern_effort_for_model (QuernModel *model, const char *wanted)
{
  const QuernTemplateInfo *info = model ? &quern_model_get_info (model)->chat : NULL;

  for (guint i = 0; info && wanted && i < info->n_efforts; i++)
    if (g_str_equal (info->efforts[i], wanted))
      return info->efforts[i];
  return info && info->n_efforts > 0 && info->effort_default[0] ? info->effort_default : NULL;
}
