/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "math/quern-math-draw.h"

#include <math.h>
#include <string.h>

/* Formulas of the kinds that answers have: tests/data/formulas/formulas.txt. */
static GPtrArray *
read_formulas (void)
{
  g_autofree char *path = g_build_filename (g_getenv ("QUERN_TEST_DATA"), "formulas", "formulas.txt", NULL);
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  GPtrArray *formulas = g_ptr_array_new_with_free_func (g_free);

  g_file_get_contents (path, &text, NULL, &error);
  g_assert_no_error (error);
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  for (char **line = lines; *line != NULL; line++) {
    if (**line != '\0' && **line != '#')
      g_ptr_array_add (formulas, g_strdup (*line));
  }
  g_assert_cmpuint (formulas->len, >=, 200);
  return formulas;
}

static QuernMathLayout *
set (const char *latex, gboolean display)
{
  g_autoptr (QuernMathTree) tree = quern_math_parse (latex, strlen (latex));

  if (tree == NULL)
    g_error ("not a formula: %s", latex);
  return quern_math_layout_new (tree, quern_math_font_get (), display);
}

static gboolean
has_unknown (const QuernMathNode *node)
{
  for (; node != NULL; node = node->next) {
    if (node->kind == QUERN_MATH_UNKNOWN || has_unknown (node->body) || has_unknown (node->above)
        || has_unknown (node->below))
      return TRUE;
  }
  return FALSE;
}

static void
check_finite (const QuernMathBox *box, const char *latex)
{
  if (!(isfinite (box->width) && isfinite (box->height) && isfinite (box->depth)) || fabs (box->width) > 20000
      || fabs (box->height) > 20000)
    g_error ("%g × %g + %g: %s", box->width, box->height, box->depth, latex);
  for (guint i = 0; box->children != NULL && i < box->children->len; i++)
    check_finite (g_array_index (box->children, QuernMathChild, i).box, latex);
}

static guint
count_leaves (const QuernMathBox *box)
{
  guint n = 0;

  if (box->kind != QUERN_MATH_BOX_GROUP)
    return 1;
  for (guint i = 0; i < box->children->len; i++)
    n += count_leaves (g_array_index (box->children, QuernMathChild, i).box);
  return n;
}

static void
test_formulas (void)
{
  g_autoptr (GPtrArray) formulas = read_formulas ();

  for (guint i = 0; i < formulas->len; i++) {
    const char *latex = g_ptr_array_index (formulas, i);
    g_autoptr (QuernMathTree) tree = quern_math_parse (latex, strlen (latex));
    g_autofree char *words = NULL;
    if (tree == NULL || has_unknown (tree->root))
      g_error ("not understood: %s", latex);
    words = quern_math_speak (tree);
    if (words[0] == '\0' || strchr (words, '\\') != NULL)
      g_error ("%s is said as %s", latex, words);
    for (int display = 0; display <= 1; display++) {
      g_autoptr (QuernMathLayout) layout = set (latex, display);
      g_autoptr (GArray) pieces = quern_math_layout_pieces (layout, latex);
      double width = 0;
      check_finite (layout->box, latex);
      g_assert_cmpfloat (layout->box->width, >, 0.3);
      g_assert_cmpfloat (layout->box->height + layout->box->depth, >, 0.3);
      for (double room = 60; room > 1; room /= 2)
        g_assert_cmpuint (count_leaves (quern_math_layout_break (layout, room)), ==, count_leaves (layout->box));
      for (guint k = 0; k < pieces->len; k++)
        width += g_array_index (pieces, QuernMathChild, k).box->width;
      g_assert_cmpfloat_with_epsilon (width, layout->box->width, 0.01);
    }
  }
}

static QuernMathBox
size_of (const char *latex, gboolean display)
{
  g_autoptr (QuernMathLayout) layout = set (latex, display);
  return *layout->box;
}

static void
test_rules (void)
{
  QuernMathBox box;

  /* styles */
  g_assert_cmpfloat (size_of ("\\frac{a}{b}", TRUE).height, >, size_of ("\\frac{a}{b}", FALSE).height * 1.2);
  g_assert_cmpfloat (size_of ("\\sum", TRUE).height, >, size_of ("\\sum", FALSE).height * 1.2);
  g_assert_cmpfloat (size_of ("\\sum_{i=1}^n", TRUE).depth, >, size_of ("\\sum_{i=1}^n", FALSE).depth * 1.5);
  g_assert_cmpfloat (size_of ("\\dfrac{a}{b}", FALSE).height, ==, size_of ("\\frac{a}{b}", TRUE).height);
  g_assert_cmpfloat (size_of ("x^2", TRUE).width, <, size_of ("x2", TRUE).width);
  /* spaces: of a relation, of an operator, of a sign, of punctuation */
  g_assert_cmpfloat_with_epsilon (size_of ("a=b", TRUE).width - size_of ("a{=}b", TRUE).width, 10 / 18.0, 0.001);
  g_assert_cmpfloat_with_epsilon (size_of ("a+b", TRUE).width - size_of ("a{+}b", TRUE).width, 8 / 18.0, 0.001);
  g_assert_cmpfloat_with_epsilon (size_of ("-b", TRUE).width, size_of ("{-}b", TRUE).width, 0.001);
  g_assert_cmpfloat_with_epsilon (size_of ("a=-b", TRUE).width - size_of ("a{=}{-}b", TRUE).width, 10 / 18.0, 0.001);
  g_assert_cmpfloat_with_epsilon (size_of ("x^{a+b}", TRUE).width, size_of ("x^{a{+}b}", TRUE).width, 0.001);
  g_assert_cmpfloat_with_epsilon (size_of ("f(x,y)", TRUE).width - size_of ("f(x{,}y)", TRUE).width, 3 / 18.0, 0.001);
  g_assert_cmpfloat_with_epsilon (size_of ("a\\quad b", TRUE).width - size_of ("ab", TRUE).width, 1, 0.001);
  /* what grows */
  g_assert_cmpfloat (size_of ("\\left(\\frac{a}{b}\\right)", TRUE).height, >, size_of ("(", TRUE).height * 1.4);
  for (int rows = 1; rows < 12; rows++) {
    g_autoptr (GString) cells = g_string_new (NULL);
    for (int i = 0; i < rows; i++)
      g_string_append (cells, "x \\\\");
    g_autofree char *plain = g_strdup_printf ("\\begin{matrix}%s\\end{matrix}", cells->str);
    g_autofree char *fenced = g_strdup_printf ("\\begin{pmatrix}%s\\end{pmatrix}", cells->str);
    QuernMathBox inner = size_of (plain, TRUE), outer = size_of (fenced, TRUE);
    g_assert_cmpfloat (outer.height + outer.depth, >, (inner.height + inner.depth) * 0.9);
    g_assert_cmpfloat (outer.height + outer.depth, <, (inner.height + inner.depth) * 1.25 + 0.5);
    box = size_of ("\\sqrt{x}", TRUE);
    g_assert_cmpfloat (box.width, >, size_of ("x", TRUE).width);
  }
  /* rows */
  g_assert_cmpfloat_with_epsilon (size_of ("\\begin{matrix}a\\\\[1em]b\\end{matrix}", TRUE).height
                                      - size_of ("\\begin{matrix}a\\\\b\\end{matrix}", TRUE).height,
                                  0.5, 0.001);
  /* several lines without an environment around them */
  g_assert_cmpfloat_with_epsilon (size_of ("a &= b \\\\ c &= d", TRUE).width,
                                  size_of ("\\begin{aligned}a &= b \\\\ c &= d\\end{aligned}", TRUE).width, 0.001);
  /* what nobody knows stays readable, and the rest is set */
  g_assert_cmpfloat (size_of ("\\frac{\\nonsense}{2}", TRUE).width, >, 3);
}

/* Relations of aligned lines stand below each other. */
static void
test_columns (void)
{
  g_autoptr (QuernMathLayout) layout = set ("\\begin{aligned}x &= 1 \\\\ long &= 22\\end{aligned}", TRUE);
  const QuernMathBox *box = layout->box;
  GArray *cells;

  while (box->children->len == 1)
    box = g_array_index (box->children, QuernMathChild, 0).box;
  cells = box->children;
  g_assert_cmpuint (cells->len, ==, 4);
  g_assert_cmpfloat_with_epsilon (g_array_index (cells, QuernMathChild, 1).x,
                                  g_array_index (cells, QuernMathChild, 3).x, 0.001);
  g_assert_cmpfloat (g_array_index (cells, QuernMathChild, 0).x, >, g_array_index (cells, QuernMathChild, 2).x + 0.5);
  g_assert_cmpfloat (g_array_index (cells, QuernMathChild, 2).y, >, g_array_index (cells, QuernMathChild, 0).y + 1);
}

static void
test_lines (void)
{
  const char *latex = "f = a + b + c + d + e + f + g + h + i + j + k = l + m + n";
  g_autoptr (QuernMathLayout) layout = set (latex, TRUE);
  g_autoptr (GArray) pieces = quern_math_layout_pieces (layout, latex);
  QuernMathBox *box;
  QuernMathChild *second;

  g_assert_true (quern_math_layout_break (layout, 60) == layout->box);
  box = quern_math_layout_break (layout, 12);
  g_assert_cmpfloat (box->width, <=, 12);
  g_assert_cmpuint (box->children->len, >=, 2);
  second = &g_array_index (box->children, QuernMathChild, 1);
  g_assert_cmpint (g_array_index (second->box->children, QuernMathChild, 0).class, !=, QUERN_MATH_ORD);
  g_assert_cmpuint (pieces->len, >, 10);
  for (guint i = 1; i < pieces->len; i++)
    g_assert_cmpint (latex[g_array_index (pieces, QuernMathChild, i).offset - 1], ==, ' ');
}

/* Whether it is XML: GMarkup reads what MathML needs of it. */
static void
assert_well_formed (const char *xml)
{
  static const GMarkupParser nothing = { 0 };
  GMarkupParseContext *context = g_markup_parse_context_new (&nothing, 0, NULL, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_true (g_markup_parse_context_parse (context, xml, -1, &error)
                 && g_markup_parse_context_end_parse (context, &error));
  g_assert_no_error (error);
  g_markup_parse_context_free (context);
}

static void
test_refused (void)
{
  static const char *const sources[] = { "{",
                                         "}",
                                         "\\frac{a}",
                                         "\\left( x",
                                         "x \\right)",
                                         "\\begin{matrix} a",
                                         "\\begin{nonsense} a \\end{nonsense}",
                                         "\\begin{matrix} a \\end{pmatrix}",
                                         "\\end{matrix}",
                                         "x^",
                                         "\\sqrt",
                                         "\\text{a",
                                         "\\left( a & b \\right)",
                                         "{a \\\\ b}" };
  g_autoptr (GString) deep = g_string_new (NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (sources); i++) {
    if (quern_math_parse (sources[i], strlen (sources[i])) != NULL)
      g_error ("%s is a formula", sources[i]);
  }
  for (int i = 0; i < 5000; i++)
    g_string_append (deep, "{");
  g_assert_null (quern_math_parse (deep->str, deep->len));
  g_string_truncate (deep, 0);
  for (int i = 0; i < 3000; i++)
    g_string_append (deep, "\\left(");
  g_assert_null (quern_math_parse (deep->str, deep->len));
  g_string_truncate (deep, 0);
  for (int i = 0; i < 4000; i++)
    g_string_append (deep, "x^");
  g_assert_null (quern_math_parse (deep->str, deep->len));
  g_assert_null (quern_math_parse ("\xff", 1));
}

static void
check_speech (const char *latex, const char *expected)
{
  g_autoptr (QuernMathTree) tree = quern_math_parse (latex, strlen (latex));
  g_autofree char *words = quern_math_speak (tree);
  g_assert_cmpstr (words, ==, expected);
}

static void
test_speech (void)
{
  check_speech ("\\frac{a}{b}", "a over b");
  check_speech ("x^2 + y_1 = 12.5", "x squared plus y sub 1 equals 12.5");
  check_speech ("\\frac{a+b}{2}", "fraction a plus b over 2, end of fraction,");
  check_speech ("\\sqrt{x}", "square root of x");
  check_speech ("\\sum_{i=1}^{n} i", "sum from i equals 1 to n of i");
  check_speech ("\\lim_{x \\to 0} f", "limit for x goes to 0 of f");
  check_speech ("\\hat{x} \\in \\text{set}", "x hat in set");
  check_speech ("\\begin{pmatrix} 1 & 2 \\\\ 3 & 4 \\end{pmatrix}", "row 1: 1, 2; row 2: 3, 4;");
}

static void
check_chemistry (const char *source, const char *expected)
{
  g_autofree char *latex = quern_math_chemistry (source, strlen (source));
  g_assert_cmpstr (latex, ==, expected);
}

static void
test_chemistry (void)
{
  check_chemistry ("H2O", "H_{2}O");
  check_chemistry ("SO4^2-", "SO_{4}^{2-}");
  check_chemistry ("2H2 + O2 -> 2H2O", "2\\,H_{2}+O_{2}\\longrightarrow 2\\,H_{2}O");
  check_chemistry ("Na+", "Na^{+}");
  check_chemistry ("A ->[x][y] B", "A\\xrightarrow[y]{x}B");
  check_chemistry ("^{14}_{6}C", "{}^{14}_{6}C");
}

/* Makes formulas of anything that a model may write. */
static char *
make_soup (GRand *rand)
{
  static const char *const bits[] = {
    "{",
    "}",
    "^",
    "_",
    "&",
    "\\\\",
    "\\left(",
    "\\right)",
    "\\left",
    "\\right",
    "\\frac",
    "\\sqrt",
    "[",
    "]",
    "\\begin{",
    "\\end{",
    "pmatrix}",
    "cases}",
    "aligned}",
    "array}{c|r}",
    "\\sum",
    "\\int",
    "\\limits",
    "\\middle|",
    "\\text{a $",
    "$",
    "\\hat",
    "\\overbrace",
    "\\underline",
    "\\over",
    "\\color",
    "{red}",
    "\\ce{",
    "->",
    "\\operatorname",
    "*",
    "\\tag{1}",
    "\\big",
    "\\hline",
    "x",
    "2",
    "é",
    "中",
    "\\unknown",
    "'",
    "\\xrightarrow",
    "\\substack{",
    "\\not",
    "\\mathbb",
    "\\hspace{",
    "9999em}",
    "\\kern3em",
    "\\phantom",
    "\\boxed",
    "\\overset",
    "\\displaystyle",
    "\\bf",
    "~",
    "%",
    "\\",
    "\\ ",
    "+",
    "=",
    "[4pt]",
    "\\binom",
    "\\dots",
    "\\pmod",
    "\\begin{matrix}",
    "\\end{matrix}",
    "{x}",
    "{2}",
    " ",
  };
  GString *out = g_string_new (NULL);

  for (int n = g_rand_int_range (rand, 1, 80); n > 0; n--)
    g_string_append (out, bits[g_rand_int_range (rand, 0, G_N_ELEMENTS (bits))]);
  return g_string_free (out, FALSE);
}

/* Adds something that is balanced. */
static void
add_balanced (GRand *rand, GString *out, int depth)
{
  static const char *const frames[] = {
    "{",
    "}",
    "\\frac{",
    "}{1}",
    "\\sqrt[3]{",
    "}",
    "\\left(",
    "\\right.",
    "x^{",
    "}_{2}",
    "_{",
    "}",
    "\\begin{pmatrix}",
    "& 1 \\\\ 2 \\end{pmatrix}",
    "\\begin{cases}",
    "\\end{cases}",
    "\\begin{aligned}a &= ",
    "\\end{aligned}",
    "\\overbrace{",
    "}^{n}",
    "\\widehat{",
    "}",
    "\\text{a $",
    "$}",
    "\\boxed{",
    "}",
    "\\sum_{",
    "}^n",
    "\\ce{",
    "}",
    "\\left<",
    "\\middle|x\\right>",
    "\\color{red}{",
    "}",
    "\\overset{",
    "}{=}",
    "\\binom{",
    "}{k}",
    "\\mathbb{",
    "}",
    "\\cancel{",
    "}",
    "{",
    "\\over 2}",
    "\\substack{",
    "\\\\ b}",
    "\\xrightarrow[",
    "]{x}",
    "\\operatorname{",
    "}",
    "\\phantom{",
    "}",
    "\\displaystyle{",
    "}'",
  };
  static const char *const atoms[] = { "x",      "12",        "+",       "=",    "\\alpha", "é",
                                       "中",     "\\unknown", ",",       "\\to", "\\int",   "\\quad",
                                       "\\lim",  "-",         "(",       "|",    "\\dots",  "\\hspace{-99em}",
                                       "\\big(", "\\not=",    "\\tag{1}" };

  for (int n = g_rand_int_range (rand, 1, 5); n > 0; n--) {
    if (depth > 0 && g_rand_boolean (rand)) {
      int frame = g_rand_int_range (rand, 0, G_N_ELEMENTS (frames) / 2) * 2;
      g_string_append (out, frames[frame]);
      add_balanced (rand, out, depth - 1);
      g_string_append (out, frames[frame + 1]);
    } else
      g_string_append_printf (out, "%s ", atoms[g_rand_int_range (rand, 0, G_N_ELEMENTS (atoms))]);
  }
}

/* Half of the soups are balanced, so that most of them are set. */
static void
test_soups (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (25);
  guint n_set = 0;

  for (int i = 0; i < 2000; i++) {
    g_autoptr (GString) soup = g_string_new (NULL);
    g_autoptr (QuernMathTree) tree = NULL;
    if (i % 2 == 0) {
      g_autofree char *random = make_soup (rand);
      g_string_assign (soup, random);
    } else
      add_balanced (rand, soup, 8);
    tree = quern_math_parse (soup->str, soup->len);
    if (tree == NULL)
      continue;
    for (int display = 0; display <= 1; display++) {
      g_autoptr (QuernMathLayout) layout = quern_math_layout_new (tree, quern_math_font_get (), display);
      g_autoptr (GArray) pieces = quern_math_layout_pieces (layout, soup->str);
      g_autofree char *words = quern_math_speak (tree), *mathml = quern_math_to_mathml (tree, TRUE);
      assert_well_formed (mathml);
      check_finite (layout->box, soup->str);
      check_finite (quern_math_layout_break (layout, 8), soup->str);
      g_assert_cmpuint (layout->boxes->len, <, 40000);
      g_assert_true (g_utf8_validate (words, -1, NULL));
    }
    n_set++;
  }
  g_assert_cmpuint (n_set, >, 500);
}

/* Large formulas are refused or bounded. */
static void
test_size (void)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (QuernMathTree) tree = NULL;

  for (int i = 0; i < 1000; i++)
    g_string_append (text, "\\left(\\frac{x}{y}\\right) + ");
  g_assert_null (quern_math_parse (text->str, text->len));
  g_string_assign (text, "\\begin{matrix}");
  for (int i = 0; i < 300; i++)
    g_string_append (text, "a & b & \\frac{1}{2} \\\\");
  g_string_append (text, "\\end{matrix}");
  tree = quern_math_parse (text->str, text->len);
  g_assert_nonnull (tree);
  g_autoptr (QuernMathLayout) layout = quern_math_layout_new (tree, quern_math_font_get (), TRUE);
  g_assert_cmpuint (layout->boxes->len, <, 40000);
}

/* ---- drawing ---------------------------------------------------------------------------------------------------- */

static GskRenderNode *
draw (const QuernMathLayout *layout, PangoContext *context, double size, double x, double y)
{
  GtkSnapshot *snapshot = gtk_snapshot_new ();
  quern_math_draw (snapshot, layout->font, context, layout->box, size, 1, x, y, &(GdkRGBA) { 0, 0, 0, 1 });
  return gtk_snapshot_free_to_node (snapshot);
}

/* Writes formulas to pictures that people look at: QUERN_SHEETS names their folder. */
static void
write_sheets (GPtrArray *formulas, PangoContext *context, const char *folder)
{
  const int width = 1400, height = 1700, size = 22;
  guint i = 0;

  for (int sheet = 1; i < formulas->len; sheet++) {
    cairo_surface_t *surface = cairo_image_surface_create (CAIRO_FORMAT_RGB24, width, height);
    cairo_t *cr = cairo_create (surface);
    g_autofree char *path = g_strdup_printf ("%s/sheet-%02d.png", folder, sheet);
    double x = 20, y = 20, tallest = 0;
    cairo_set_source_rgb (cr, 1, 1, 1);
    cairo_paint (cr);
    for (; i < formulas->len; i++) {
      g_autoptr (QuernMathLayout) layout = set (g_ptr_array_index (formulas, i), TRUE);
      double w = layout->box->width * size, h = (layout->box->height + layout->box->depth) * size;
      g_autoptr (GskRenderNode) node = NULL;
      if (x > 20 && x + w > width - 20) {
        x = 20;
        y += tallest + 24;
        tallest = 0;
      }
      if (y + h > height - 10)
        break;
      node = draw (layout, context, size, x, y + layout->box->height * size);
      cairo_set_source_rgb (cr, 0.9, 0.95, 1);
      cairo_rectangle (cr, x, y, w, h);
      cairo_fill (cr);
      gsk_render_node_draw (node, cr);
      x += w + 40;
      tallest = MAX (tallest, h);
    }
    cairo_surface_write_to_png (surface, path);
    cairo_destroy (cr);
    cairo_surface_destroy (surface);
  }
}

/* What is drawn lies where the layout says. */
static void
test_ink (void)
{
  g_autoptr (GPtrArray) formulas = read_formulas ();

  if (!gtk_init_check ()) {
    g_test_skip ("no display");
    return;
  }
  PangoContext *context = pango_font_map_create_context (pango_cairo_font_map_get_default ());
  const double size = 20, around = 30;

  for (guint i = 0; i < formulas->len; i++) {
    const char *latex = g_ptr_array_index (formulas, i);
    if (strstr (latex, "\\smash") != NULL) /* which says that it is less high than it is */
      continue;
    g_autoptr (QuernMathLayout) layout = set (latex, TRUE);
    int width = (int) (layout->box->width * size + 2 * around), left = width, right = 0, bottom = 0;
    int height = (int) ((layout->box->height + layout->box->depth) * size + 2 * around), top = height;
    cairo_surface_t *surface = cairo_image_surface_create (CAIRO_FORMAT_A8, width, height);
    cairo_t *cr = cairo_create (surface);
    g_autoptr (GskRenderNode) node = draw (layout, context, size, around, around + layout->box->height * size);
    const guchar *pixels;
    int stride = cairo_image_surface_get_stride (surface);
    gsk_render_node_draw (node, cr);
    cairo_surface_flush (surface);
    pixels = cairo_image_surface_get_data (surface);
    for (int y = 0; y < height; y++)
      for (int x = 0; x < width; x++) {
        if (pixels[y * stride + x] < 64)
          continue;
        left = MIN (left, x);
        right = MAX (right, x);
        top = MIN (top, y);
        bottom = MAX (bottom, y);
      }
    if (left > right || left < around - 6 || top < around - 6 || right > width - around + 6
        || bottom > height - around + 6)
      g_error ("ink at %d…%d, %d…%d of %d × %d: %s", left, right, top, bottom, width, height, latex);
    cairo_destroy (cr);
    cairo_surface_destroy (surface);
  }
  if (g_getenv ("QUERN_SHEETS") != NULL)
    write_sheets (formulas, context, g_getenv ("QUERN_SHEETS"));
  g_object_unref (context);
}

/* What other programs paste. */
static void
test_mathml (void)
{
  static const char *const cases[][2] = {
    { "x^2", "<mrow><msup><mi>x</mi><mrow><mn>2</mn></mrow></msup></mrow>" },
    { "12.5+y", "<mrow><mn>12.5</mn><mo>+</mo><mi>y</mi></mrow>" },
    { "\\frac{a}{b}", "<mfrac>" },
    { "\\sum_{i=1}^{n} i", "<munderover><mo largeop=\"true\">∑</mo>" },
    { "\\lim_{n} a", "<munder><mi mathvariant=\"normal\">lim</mi>" },
    { "a=1.", "<mn>1</mn><mo>.</mo>" },
    { "\\int_0^1 x", "<msubsup><mo largeop=\"true\">∫</mo>" },
    { "\\sqrt[3]{x}", "<mroot>" },
    { "\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}", "<mtr><mtd><mrow><mn>3</mn></mrow></mtd>" },
    { "\\text{a < b}", "<mtext>a &lt; b</mtext>" },
    { "\\mathbb{R}", "mathvariant=\"double-struck\">R</mi>" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (QuernMathTree) tree = quern_math_parse (cases[i][0], strlen (cases[i][0]));
    g_autofree char *mathml = quern_math_to_mathml (tree, i % 2 == 0);
    if (strstr (mathml, cases[i][1]) == NULL)
      g_error ("%s: “%s” is not in %s", cases[i][0], cases[i][1], mathml);
    assert_well_formed (mathml);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_assert_nonnull (quern_math_font_get ()); /* data/fonts/README.md */
  g_test_add_func ("/math/refused", test_refused);
  g_test_add_func ("/math/chemistry", test_chemistry);
  g_test_add_func ("/math/speech", test_speech);
  g_test_add_func ("/math/mathml", test_mathml);
  g_test_add_func ("/math/formulas", test_formulas);
  g_test_add_func ("/math/rules", test_rules);
  g_test_add_func ("/math/columns", test_columns);
  g_test_add_func ("/math/lines", test_lines);
  g_test_add_func ("/math/soups", test_soups);
  g_test_add_func ("/math/size", test_size);
  g_test_add_func ("/math/ink", test_ink);
  return g_test_run ();
}
