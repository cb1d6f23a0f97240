/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-math-font.h"

#include <pango/pangocairo.h>
#include <string.h>

#define FAMILY "Quern Math" /* data/fonts/README.md */

/**
 * quern_math_font_new:
 * @map: where fonts are found
 * @family: name of a family
 *
 * Returns: (transfer full) (nullable): the font, or %NULL if there is none of this name that has a MATH table
 */
QuernMathFont *
quern_math_font_new (PangoFontMap *map, const char *family)
{
  PangoContext *context = pango_font_map_create_context (map);
  g_autoptr (PangoFontDescription) description = pango_font_description_new ();
  g_autoptr (PangoFont) font = NULL;
  g_autoptr (PangoFontDescription) found = NULL;
  cairo_font_options_t *options;
  QuernMathFont *self;
  hb_face_t *face;

  pango_font_description_set_family (description, family);
  pango_font_description_set_absolute_size (description, 64 * PANGO_SCALE);
  font = pango_context_load_font (context, description);
  found = font != NULL ? pango_font_describe (font) : NULL;
  face = font != NULL ? hb_font_get_face (pango_font_get_hb_font (font)) : NULL;
  if (found == NULL || g_ascii_strcasecmp (pango_font_description_get_family (found), family) != 0
      || !hb_ot_math_has_data (face)) {
    g_object_unref (context);
    return NULL;
  }

  self = g_new0 (QuernMathFont, 1);
  self->family = g_strdup (family);
  /* Hinted glyphs are larger than the font says, and GTK would cut off what is outside of that. */
  options = cairo_font_options_create ();
  cairo_font_options_set_hint_style (options, CAIRO_HINT_STYLE_NONE);
  cairo_font_options_set_hint_metrics (options, CAIRO_HINT_METRICS_OFF);
  pango_cairo_context_set_font_options (context, options);
  cairo_font_options_destroy (options);
  pango_context_set_round_glyph_positions (context, FALSE);
  pango_context_set_font_description (context, description);
  self->context = context;
  self->font = hb_font_create (face);
  self->upem = hb_face_get_upem (face);
  hb_font_set_scale (self->font, (int) self->upem, (int) self->upem);
  self->script[0] = self->script[1] = 1;
  for (int i = 0; i < 2; i++) { /* as TeX has them where the font says nothing */
    int percent = hb_ot_math_get_constant (self->font, HB_OT_MATH_CONSTANT_SCRIPT_PERCENT_SCALE_DOWN + i);
    self->script[2 + i] = percent > 20 && percent <= 100 ? percent / 100.0 : (i == 0 ? 0.7 : 0.5);
  }
  return self;
}

/**
 * quern_math_font_free:
 * @self: (nullable): a font
 */
void
quern_math_font_free (QuernMathFont *self)
{
  if (self == NULL)
    return;
  g_free (self->family);
  g_object_unref (self->context);
  hb_font_destroy (self->font);
  g_free (self);
}

/**
 * quern_math_font_get:
 *
 * Chooses a font when it is first called: Quern's own, or else any with a MATH table. Main thread only.
 *
 * Returns: (transfer none) (nullable): the font that formulas are set in, or %NULL if no font has a MATH table
 */
const QuernMathFont *
quern_math_font_get (void)
{
  static QuernMathFont *font;
  static gboolean searched;
  PangoFontMap *map = pango_cairo_font_map_get_default ();
  const char *data_folder = g_getenv ("QUERN_PKGDATADIR"); /* programs run from the build folder */
  g_autofree char *path = NULL;
  g_autofree PangoFontFamily **families = NULL;
  int n = 0;

  if (searched)
    return font;
  searched = TRUE;
  path = g_build_filename (data_folder != NULL ? data_folder : PKGDATADIR, "fonts", "QuernMath-Regular.ttf", NULL);
  if (pango_font_map_add_font_file (map, path, NULL))
    font = quern_math_font_new (map, FAMILY);
  if (font == NULL)
    pango_font_map_list_families (map, &families, &n);
  for (int i = 0; font == NULL && i < n; i++) {
    const char *name = pango_font_family_get_name (families[i]);
    if (strstr (name, "Math") != NULL)
      font = quern_math_font_new (map, name);
  }
  return font;
}

/**
 * quern_math_font_constant:
 * @constant: one that is a length
 *
 * Returns: what the font's MATH table says, in em
 */
double
quern_math_font_constant (const QuernMathFont *self, hb_ot_math_constant_t constant)
{
  return hb_ot_math_get_constant (self->font, constant) / self->upem;
}

/**
 * quern_math_font_glyph:
 * @ch: a character
 * @script_level: 0, or 1 and 2 for the forms that are made for scripts and for scripts of scripts
 *
 * Returns: its glyph, or 0 if the font has none
 */
hb_codepoint_t
quern_math_font_glyph (const QuernMathFont *self, gunichar ch, int script_level)
{
  hb_codepoint_t glyph = 0;
  hb_feature_t feature = { HB_TAG ('s', 's', 't', 'y'), script_level, HB_FEATURE_GLOBAL_START, HB_FEATURE_GLOBAL_END };
  hb_buffer_t *buffer;

  if (!hb_font_get_nominal_glyph (self->font, ch, &glyph))
    return 0;
  if (script_level == 0)
    return glyph;
  buffer = hb_buffer_create ();
  hb_buffer_add_utf32 (buffer, &ch, 1, 0, 1);
  hb_buffer_set_direction (buffer, HB_DIRECTION_LTR);
  hb_buffer_set_script (buffer, HB_SCRIPT_MATH);
  hb_shape (self->font, buffer, &feature, 1);
  if (hb_buffer_get_length (buffer) == 1)
    glyph = hb_buffer_get_glyph_infos (buffer, NULL)[0].codepoint;
  hb_buffer_destroy (buffer);
  return glyph;
}

/**
 * quern_math_font_extents:
 * @glyph: a glyph of the font
 *
 * Returns: its size in em
 */
QuernMathExtents
quern_math_font_extents (const QuernMathFont *self, hb_codepoint_t glyph)
{
  hb_glyph_extents_t ink = { 0 };

  hb_font_get_glyph_extents (self->font, glyph, &ink);
  return (QuernMathExtents) { .width = hb_font_get_glyph_h_advance (self->font, glyph) / self->upem,
                              .height = ink.y_bearing / self->upem,
                              .depth = -(ink.y_bearing + ink.height) / self->upem,
                              .left = ink.x_bearing / self->upem,
                              .right = (ink.x_bearing + ink.width) / self->upem };
}

/**
 * quern_math_font_italics:
 * @glyph: a glyph of the font
 *
 * Returns: how far it leans out of its advance width at the top, in em
 */
double
quern_math_font_italics (const QuernMathFont *self, hb_codepoint_t glyph)
{
  return hb_ot_math_get_glyph_italics_correction (self->font, glyph) / self->upem;
}

/**
 * quern_math_font_kern:
 * @glyph: a glyph of the font
 * @corner: where a script is attached
 * @height: em above the baseline at which they meet
 *
 * Returns: what to add between the glyph and its script, in em
 */
double
quern_math_font_kern (const QuernMathFont *self, hb_codepoint_t glyph, hb_ot_math_kern_t corner, double height)
{
  return hb_ot_math_get_glyph_kerning (self->font, glyph, corner, (int) (height * self->upem)) / self->upem;
}
