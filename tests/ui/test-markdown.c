/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "markdown/quern-md-formula.h"
#include "markdown/quern-md-stream.h"
#include "markdown/quern-md-view.h"
#include "math/quern-math-view.h"

#include <adwaita.h>
#include <string.h>

/* Texts that are hard to cut into pieces. However they are cut, the result must be the same. */
static const char *const samples[] = {
  "Hello *world* and **more** `code` <b>no html</b> ~~gone~~ & 1 < 2",
  "# One\n\nTwo\nlines\n\n- a\n- b\n  - c\n\n    para\n- [ ] open\n- [x] done\n\n1. x\n2. y\n\n10. z\n",
  "| a | b |\n|---|--:|\n| 1 | 2 |\n| *3* | 4 |\n\nafter\n| c |\n|---|\n| d |\n",
  "Text before\n```python\ndef f():\n    return 1\n\n\n```\ntext\n\n    indented\n\n    more\n",
  "> quote\nlazy\n> > deeper\n\nSetext\n===\n\nother\n---\n***\n- - -\n",
  "[link](https://example.org/?a=b&c=d \"t\") <https://a.b> www.gnome.org ![pic](https://x.y/z.png) [bad](javascript:x)",
  "uses [later] here\n\n- and [later][] there\n\n[later]: https://example.org\n\nlast [later]\n",
  "مرحبا بالعالم\n\n你好，**世界**！\n\n- عنصر\n- 项目\n\n👩‍👩‍👧 done",
  "```\nnever closed\n\n# not a heading\n",
  "a\r\nb\r\n\r\n- c\r\n- d\r\n",
  "<div>\nhtml\n\n</div>\n\n<!-- open\n\ncomment\n",
  "- one\n\n\n- two\n1) three\n* four\n+\n\ntext\n-\n",
  "A $x_1$ and $$\\frac{a}{b}$$ or $5 *and* $6\n\n$\\sum_{i=1}^n i$ $ $$ {\n",
  "Sums:\n$$\n\\sum_{i} x_i\n- y\n= z\n$$\n- item\n\n\\[\n# a\n> b\n\\]\nand \\(c_1\\) costs $5 or $6\n",
  "> $$\n> - x\n> $$\n\n1. a\n   $$\n   + b\n   $$\n2. c\n\n$$\nopen\n- d\n\ne $$\n",
  "```\n$$\n- x\n```\n- y\n$$\n\n~~~~ c++\n~~~\n~~~~~\n````md\n```\n````\n",
  "def f(x: list[int]): pass\n\n    a[1]: 2\n\n- [ ] [late]: /x\n\nsee [late] and [x[1]: 3\n",
  "[split\nname]: https://a.b\n\n[split name] \\[ \\] \\\\( \\\\\\(x\\)\n",
  "| a | $x|y$ |\n|---|:-:|\n| `b|c` | d<br>e |\n| f |\n\n<details>\n<summary>s</summary>\n\n**x**\n</details>\n",
  "x\n---\n. x\n|---|---|\n===\ntext\n\n# \n===\n| a | b |\n|---|---|\n| c |\n", /* a heading and a paragraph without lines */
  "One[^a] and [^b].\n\n- **「太字」**です $x$\n\n[^b]: $$y$$\n\n    more <b>bold</b>\n\n[^a]: text\n\nend\n",
  ">>>>>>>>>>>>>>>>>>>>>>>> deep\n\n- - - - - - - - - - - - - - - - deep\n",
};

static void
dump (GPtrArray *blocks, GString *out, int depth)
{
  for (guint i = 0; blocks != NULL && i < blocks->len; i++) {
    QuernMdBlock *block = g_ptr_array_index (blocks, i);
    g_string_append_printf (out, "%*s%d %d «%s» «%s» «%s»\n", depth, "", block->kind, block->number,
                            block->markup ? block->markup : "", block->text ? block->text : "",
                            block->info ? block->info : "");
    dump (block->children, out, depth + 1);
  }
}

static char *
dump_whole (const char *text)
{
  g_autoptr (QuernMdStream) stream = quern_md_stream_new ();
  GString *out = g_string_new (NULL);
  quern_md_stream_set_text (stream, text);
  quern_md_stream_update (stream, TRUE);
  dump (quern_md_stream_get_blocks (stream), out, 0);
  return g_string_free (out, FALSE);
}

/* Makes a random piece of Markdown from shuffled lines of the samples and single marks. */
static char *
random_text (GRand *rand)
{
  static const char *const bits[] = { "- ",          "1",           ". x\n", "\n",   "\n\n",  "> ",         "```\n",
                                      "| a | b |\n", "|---|---|\n", "    ",  "text", "# ",    "===\n",      "---\n",
                                      "* ",          "**",          "[a]",   "](x)", "<div>", "    code\n", "~~~",
                                      "\t",          "`",           "é",     "$$",   "$",     "\\[",        "\\]",
                                      "\\(",         "[a]: /b\n",   "$$\n",  "1. " };
  GString *out = g_string_new (NULL);
  int n = g_rand_int_range (rand, 1, 40);
  for (int i = 0; i < n; i++)
    g_string_append (out, bits[g_rand_int_range (rand, 0, G_N_ELEMENTS (bits))]);
  return g_string_free (out, FALSE);
}

/* Cuts anywhere, also inside a character. */
static const char *
next_cut (const char *at, GRand *rand)
{
  for (int n = g_rand_int_range (rand, 1, 9); n > 0 && *at != '\0'; n--)
    at++;
  return at;
}

static void
check_any_cut (const char *text, GRand *rand)
{
  g_autofree char *whole = dump_whole (text);
  g_autoptr (QuernMdStream) stream = quern_md_stream_new ();
  g_autoptr (GString) cut = g_string_new (NULL);
  const char *at = text;

  while (*at != '\0') {
    g_autofree char *so_far = NULL;
    at = next_cut (at, rand);
    so_far = g_strndup (text, at - text);
    quern_md_stream_set_text (stream, so_far);
    quern_md_stream_update (stream, FALSE);
  }
  quern_md_stream_update (stream, TRUE);
  dump (quern_md_stream_get_blocks (stream), cut, 0);
  if (!g_str_equal (whole, cut->str))
    g_test_message ("text was: %s", text);
  g_assert_cmpstr (cut->str, ==, whole);
}

static void
test_cuts (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (7);
  for (gsize i = 0; i < G_N_ELEMENTS (samples); i++)
    for (int n = 0; n < 60; n++)
      check_any_cut (samples[i], rand);
}

static void
test_random (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (8);
  for (int i = 0; i < 6000; i++) {
    g_autofree char *text = random_text (rand);
    check_any_cut (text, rand);
  }
}

static void
test_blocks (void)
{
  g_autofree char *out = dump_whole ("# A & B\n\n```python x\ncode\n```\n\n| h |\n|:-:|\n| c |\n\n3. [x] t\n");
  g_assert_cmpstr (out, ==,
                   "1 1 «A &amp; B» «A & B» «»\n"
                   "2 0 «» «code» «python»\n"
                   "6 0 «» «» «»\n 7 0 «» «» «»\n  8 99 «h» «h» «»\n 7 0 «» «» «»\n  8 99 «c» «c» «»\n"
                   "4 3 «» «» «»\n 5 1 «» «» «»\n  0 0 «t» «t» «»\n");
}

/* Tests the source of blocks, which goes to the clipboard, with a text that came in pieces. */
static void
test_source (void)
{
  static const char text[] = "one\n\n# two\n\n- three\n- four\n\n```\nfive\n```\nsix";
  g_autoptr (QuernMdStream) stream = quern_md_stream_new ();
  g_autofree char *middle = NULL, *all = NULL;

  for (gsize n = 1; n <= strlen (text); n++) {
    g_autofree char *so_far = g_strndup (text, n);
    quern_md_stream_set_text (stream, so_far);
    quern_md_stream_update (stream, n == strlen (text));
  }
  middle = quern_md_stream_dup_source (stream, 1, 3);
  all = quern_md_stream_dup_source (stream, 0, quern_md_stream_get_blocks (stream)->len - 1);
  g_assert_cmpstr (middle, ==, "# two\n\n- three\n- four\n\n```\nfive\n```");
  g_assert_cmpstr (all, ==, text);
}

static void
test_links (void)
{
  g_autofree char *good = dump_whole ("[a](https://b.c)");
  g_autofree char *bad = dump_whole ("[a](file:///etc/passwd) [b](javascript:alert)");
  g_assert_nonnull (strstr (good, "<a href=\"https://b.c\""));
  g_assert_null (strstr (bad, "<a "));
}

static void
check_text (const char *markdown, const char *expected)
{
  g_autofree char *out = dump_whole (markdown);
  g_autofree char *quoted = g_strdup_printf ("«%s»", expected);
  if (strstr (out, quoted) == NULL)
    g_error ("%s became %s", markdown, out);
}

static void
list_formulas (GPtrArray *blocks, GString *out)
{
  for (guint i = 0; blocks != NULL && i < blocks->len; i++) {
    QuernMdBlock *block = g_ptr_array_index (blocks, i);
    if (block->kind == QUERN_MD_FORMULA)
      g_string_append_printf (out, "[%s]", block->text);
    for (guint k = 0; block->formulas != NULL && k < block->formulas->len; k++) {
      QuernMathSpan *span = &g_array_index (block->formulas, QuernMathSpan, k);
      g_string_append_printf (out, "(%s)", span->latex);
      g_assert_cmpint (block->text[span->start], ==, '$');
      g_assert_cmpint (block->text[span->start + span->length - 1], ==, '$');
    }
    list_formulas (block->children, out);
  }
}

/* Checks which formulas are found: those of a line in round brackets, those on display in square ones. */
static void
check_formulas (const char *markdown, const char *expected)
{
  g_autoptr (GPtrArray) blocks = quern_md_parse (markdown, strlen (markdown), FALSE);
  g_autoptr (GString) found = g_string_new (NULL);

  list_formulas (blocks, found);
  if (!g_str_equal (found->str, expected))
    g_error ("%s has %s", markdown, found->str);
}

static void
test_formulas (void)
{
  check_text ("So $x_1^2 + \\alpha \\leq \\sqrt{y}$ holds", "So $x_1^2 + \\alpha \\leq \\sqrt{y}$ holds");
  check_formulas ("So $x_1^2 + \\alpha$ holds", "(x_1^2 + \\alpha)");
  check_formulas ("$$\\frac{a+b}{2} \\times \\text{area}$$", "[\\frac{a+b}{2} \\times \\text{area}]");
  check_formulas ("$e^{i\\pi} = -1$ and $\\unknown{z}$", "(e^{i\\pi} = -1)(\\unknown{z})");
  check_formulas ("\\(x_{i}^{2}\\) and \\[y\\]", "(x_{i}^{2})[y]");
  check_formulas ("one $$a$$ two $$b$$", "[a][b]");
  check_formulas ("one **bold $$a$$**", "(a)");
  check_formulas ("| a | b |\n|---|---|\n| $x$ | $$y$$ |", "(x)(y)");
  check_formulas ("# Of $x$", "(x)");
  check_formulas ("$a*b$ and $c*d$, $x_a$ _is_ $y_b$", "(a*b)(c*d)(x_a)(y_b)");
  check_formulas ("$$\nA = \\begin{pmatrix} 1 & 20 \\\\ 3 & 4 \\end{pmatrix}\n$$",
                  "[\nA = \\begin{pmatrix} 1 & 20 \\\\ 3 & 4 \\end{pmatrix}\n]");
  check_formulas ("$$\n\\begin{aligned}\na &= b \\\\\n- c &= d\n\\end{aligned}\n$$",
                  "[\n\\begin{aligned}\na &= b \\\\\n- c &= d\n\\end{aligned}\n]");
  check_formulas ("\\[\na\n= b\n+ c\n- d\n\\]", "[\na\n= b\n+ c\n- d\n]");
  check_text ("\\vec{v} is not one, $\\vec{v}$ is", "\\vec{v} is not one, $\\vec{v}$ is");
  check_text ("$5/month or 10$ a year, US$7 or A$8, $HOME/$USER", "$5/month or 10$ a year, US$7 or A$8, $HOME/$USER");
  check_formulas ("$5/month or 10$ a year, US$7 or A$8, $HOME/$USER", "");
  check_formulas ("from $5-$10 to $20", "");
  check_formulas ("It costs $5, and the formula $x^2$ is one", "(x^2)");
  check_formulas ("$5 to $10, so $x = 5$, between $5-$10 and $y$", "(x = 5)(y)");
  check_formulas ("$n$ for 5$, $m$ for US$6 and $2k$ for $7", "(n)(m)(2k)");
  check_formulas ("$\\text{if $x$ is $y$}$", "(\\text{if $x$ is $y$})");
  check_text ("a \\(lone bracket, \\[another, $$ both", "a (lone bracket, [another, $$ both");
  check_text ("`\\(x\\)`", "\\(x\\)");
  check_text ("```latex\n\\[\n- x\n\\]\n$$\n# y\n$$\n```", "\\[\n- x\n\\]\n$$\n# y\n$$");
  check_text ("It costs $5 and $6.", "It costs $5 and $6.");
  check_text ("`$x_1$`", "$x_1$");
  check_text ("```sh\necho $A $B\n```", "echo $A $B");
  check_text ("open $x_{1", "open $x_{1");
  /* what cannot be set is shown as code */
  check_text ("a $\\frac{1}{$ b", "a $\\frac{1}{$ b");
  check_text ("a $\\left( x$ b", "a <tt>$\\left( x$</tt> b");
  check_text ("$$\\begin{nonsense} x \\end{nonsense}$$", "<tt>$$\\begin{nonsense} x \\end{nonsense}$$</tt>");
}

static void
test_html (void)
{
  check_text ("press <kbd>Ctrl</kbd>+<kbd>C</kbd>", "press <tt>Ctrl</tt>+<tt>C</tt>");
  check_text ("H<sub>2</sub>O, x<SUP>2</SUP>", "H<sub>2</sub>O, x<sup>2</sup>");
  check_text ("<b>bold *and* <i>both</i></b>", "<b>bold <i>and</i> <i>both</i></b>");
  check_text ("<b>a <b>b</b> c</b>", "<b>a <b>b</b> c</b>");
  check_text ("<b>crossed <i>tags</b></i>", "<b>crossed &lt;i&gt;tags</b>&lt;/i&gt;");
  check_text ("<b>open, <u onclick=\"x\">no</u>", "&lt;b&gt;open, &lt;u onclick=&quot;x&quot;&gt;no&lt;/u&gt;");
  check_text ("a<br>b<br/>c", "a\nb\nc");
  check_text ("</b> <b>", "&lt;/b&gt; &lt;b&gt;");
}

static void
test_footnotes (void)
{
  g_autofree char *out = dump_whole ("One[^a] two[^b].\n\n[^b]: Second.\n\n[^a]: First.\n");
  g_assert_cmpstr (out, ==,
                   "0 0 «One<sup>[1]</sup> two<sup>[2]</sup>.» «One[1] two[2].» «»\n"
                   "4 1 «» «» «»\n 5 -1 «» «» «»\n  0 0 «First.» «First.» «»\n"
                   "4 2 «» «» «»\n 5 -1 «» «» «»\n  0 0 «Second.» «Second.» «»\n");
}

/* Emphasis beside Chinese, Japanese and Korean characters; and the rule of CommonMark where there are none. */
static void
test_cjk (void)
{
  static const char *const edges[] = { "「", "」", "“", "”", "：", "。", "(", ")", "太", "ア", "글", "!", "、", "A" };
  static const char *const outside[] = { "です", "后", "는", "。", "「", "", "ア", "：" };
  g_autoptr (GRand) rand = g_rand_new_with_seed (11);

  check_text ("**「太字」**です", "<b>「太字」</b>です");
  check_text ("**“粗体”**后", "<b>“粗体”</b>后");
  check_text ("**注意：**この", "<b>注意：</b>この");
  check_text ("**“굵게”**는", "<b>“굵게”</b>는");
  check_text ("これは**「太字」**です。", "これは<b>「太字」</b>です。");
  check_text ("前~~「線」~~後", "前<s>「線」</s>後");
  check_text ("`**「太字」**です`", "<tt>**「太字」**です</tt>");
  check_text ("\\*「太字」*です", "*「太字」*です");
  check_text ("[鍵](https://a.b/**「x」**で)",
              "<a href=\"https://a.b/**「x」**で\" title=\"https://a.b/**「x」**で\">鍵</a>");
  check_text ("a**\"b\"**c", "a**&quot;b&quot;**c"); /* no emphasis for CommonMark */
  check_text ("a*(b)*c", "a*(b)*c");
  check_text ("2 * 3 * 4, 二 * 三 * 四", "2 * 3 * 4, 二 * 三 * 四");
  for (int i = 0; i < 3000; i++) { /* between such characters, two asterisks are emphasis whatever is inside */
    g_autofree char *inside = g_strconcat (edges[g_rand_int_range (rand, 0, G_N_ELEMENTS (edges))], "字",
                                           edges[g_rand_int_range (rand, 0, G_N_ELEMENTS (edges))], NULL);
    const char *before = outside[g_rand_int_range (rand, 0, G_N_ELEMENTS (outside))];
    const char *behind = outside[g_rand_int_range (rand, 0, G_N_ELEMENTS (outside))];
    g_autofree char *text = g_strdup_printf ("%s**%s**%s", before, inside, behind);
    g_autofree char *expected = g_strdup_printf ("%s<b>%s</b>%s", before, inside, behind);
    check_text (text, expected);
  }
  for (int i = 0; i < 3000; i++) { /* without them, nothing is put in */
    static const char *const bits[] = { "*", "**", "a", "é", "(", ")", "\"", ".", " ", "~~", "“", "–", "я", "`", "\n" };
    g_autoptr (GString) text = g_string_new (NULL);
    g_autoptr (GString) prepared = NULL;
    for (int n = 20; n > 0; n--)
      g_string_append (text, bits[g_rand_int_range (rand, 0, G_N_ELEMENTS (bits))]);
    prepared = quern_md_formula_prepare (text->str, text->len, FALSE);
    g_assert_cmpstr (prepared->str, ==, text->str);
  }
}

/* Describes the kinds and texts of the widgets below one, for comparison. */
static void
dump_widget (GtkWidget *widget, GString *out)
{
  g_string_append (out, G_OBJECT_TYPE_NAME (widget));
  if (GTK_IS_LABEL (widget))
    g_string_append_printf (out, " «%s» %d", gtk_label_get_label (GTK_LABEL (widget)),
                            gtk_widget_get_direction (widget));
  if (QUERN_IS_MATH_VIEW (widget))
    g_string_append_printf (out, " «%s»", quern_math_view_get_latex (QUERN_MATH_VIEW (widget)));
  if (GTK_IS_TEXT_VIEW (widget)) {
    GtkTextIter start, end;
    g_autofree char *text = NULL;
    GtkTextBuffer *buffer = gtk_text_view_get_buffer (GTK_TEXT_VIEW (widget));
    gtk_text_buffer_get_bounds (buffer, &start, &end);
    text = gtk_text_buffer_get_text (buffer, &start, &end, TRUE);
    g_string_append_printf (out, " «%s»", text);
  }
  g_string_append_c (out, '\n');
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    dump_widget (child, out);
}

static void
check_widgets (const char *text, GRand *rand)
{
  g_autoptr (GString) whole = g_string_new (NULL);
  g_autoptr (GString) cut = g_string_new (NULL);
  GtkWidget *at_once = g_object_ref_sink (quern_md_view_new ());
  GtkWidget *in_pieces = g_object_ref_sink (quern_md_view_new ());

  quern_md_view_set_text (QUERN_MD_VIEW (at_once), text, TRUE);
  for (const char *at = text; *at != '\0';) {
    g_autofree char *so_far = NULL;
    at = next_cut (at, rand);
    so_far = g_strndup (text, at - text);
    quern_md_view_set_text (QUERN_MD_VIEW (in_pieces), so_far, *at == '\0');
  }
  dump_widget (at_once, whole);
  dump_widget (in_pieces, cut);
  g_assert_cmpstr (cut->str, ==, whole->str);
  g_object_unref (at_once);
  g_object_unref (in_pieces);
}

static void
test_widgets (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (9);

  if (!gtk_init_check ()) {
    g_test_skip ("no display");
    return;
  }
  adw_init ();
  for (gsize i = 0; i < G_N_ELEMENTS (samples); i++)
    for (int n = 0; n < 3; n++)
      check_widgets (samples[i], rand);
}

static void
find_heights (GtkWidget *widget, guint *n_views)
{
  if (GTK_IS_TEXT_VIEW (widget) || GTK_IS_LABEL (widget) || QUERN_IS_MATH_VIEW (widget)) {
    g_assert_cmpint (gtk_widget_get_height (widget), >, 10);
    *n_views += GTK_IS_TEXT_VIEW (widget);
  }
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    find_heights (child, n_views);
}

/* What is filled before it is shown has a height. */
static void
test_shown (void)
{
  static const char text[] =
      "Text with $x^2$\n\n```sh\none line\n```\n\n$$\\frac{a}{b}$$\n\n```\ntwo\nlines\n```\n\n| a |\n|---|\n| $b$ |\n";

  if (!gtk_init_check ()) {
    g_test_skip ("no display");
    return;
  }
  adw_init ();
  for (int i = 0; i < 10; i++) { /* before the window is shown, and while it is */
    GtkWidget *window = gtk_window_new (), *scrolled = gtk_scrolled_window_new (), *view = quern_md_view_new ();
    gint64 end = g_get_monotonic_time () + 20 * G_USEC_PER_SEC;
    guint n_views = 0;
    gtk_window_set_child (GTK_WINDOW (window), scrolled);
    gtk_window_set_default_size (GTK_WINDOW (window), 400, 400);
    if (i % 2 == 1) {
      gtk_window_present (GTK_WINDOW (window));
      while (gtk_widget_get_height (scrolled) == 0 && g_get_monotonic_time () < end)
        g_main_context_iteration (NULL, TRUE);
    }
    quern_md_view_set_text (QUERN_MD_VIEW (view), text, TRUE);
    gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (scrolled), view);
    gtk_window_present (GTK_WINDOW (window));
    while (gtk_widget_get_height (view) == 0 && g_get_monotonic_time () < end)
      g_main_context_iteration (NULL, TRUE);
    find_heights (view, &n_views);
    g_assert_cmpuint (n_views, ==, 2);
    gtk_window_destroy (GTK_WINDOW (window));
  }
}

static GtkWidget *
find_child (GtkWidget *widget, GType type)
{
  GtkWidget *found = G_TYPE_CHECK_INSTANCE_TYPE (widget, type) ? widget : NULL;

  for (GtkWidget *child = gtk_widget_get_first_child (widget); found == NULL && child != NULL;
       child = gtk_widget_get_next_sibling (child))
    found = find_child (child, type);
  return found;
}

static void
wait_while (gboolean (*holds) (GtkWidget *), GtkWidget *widget)
{
  gint64 end = g_get_monotonic_time () + 20 * G_USEC_PER_SEC;

  while (holds (widget) && g_get_monotonic_time () < end)
    g_main_context_iteration (NULL, TRUE);
  g_assert_false (holds (widget));
}

static gboolean
is_hidden (GtkWidget *widget)
{
  return !gtk_widget_get_visible (widget) || gtk_widget_get_height (widget) == 0;
}

/* Of a text view: whether it is wider than what it is shown in. */
static gboolean
is_cut (GtkWidget *view)
{
  return gtk_widget_get_width (view) > gtk_widget_get_width (gtk_widget_get_parent (view)) || is_hidden (view);
}

/* Code with lines that are too long offers to wrap them, other code does not. */
static void
test_wrap (void)
{
  static const char long_line[] =
      "```sh\necho one two three four five six seven eight nine ten eleven twelve thirteen\n```";
  GtkWidget *window = gtk_window_new (), *view = quern_md_view_new (), *button, *code;

  gtk_window_set_default_size (GTK_WINDOW (window), 360, 400);
  gtk_window_set_child (GTK_WINDOW (window), view);
  quern_md_view_set_text (QUERN_MD_VIEW (view), "```sh\nls\n```", TRUE);
  gtk_window_present (GTK_WINDOW (window));
  code = find_child (view, GTK_TYPE_TEXT_VIEW);
  wait_while (is_hidden, code);
  g_assert_true (is_hidden (find_child (view, GTK_TYPE_TOGGLE_BUTTON)));

  quern_md_view_set_text (QUERN_MD_VIEW (view), long_line, TRUE);
  button = find_child (view, GTK_TYPE_TOGGLE_BUTTON);
  code = find_child (view, GTK_TYPE_TEXT_VIEW);
  wait_while (is_hidden, button);
  g_assert_cmpint (gtk_text_view_get_wrap_mode (GTK_TEXT_VIEW (code)), ==, GTK_WRAP_NONE);
  gtk_toggle_button_set_active (GTK_TOGGLE_BUTTON (button), TRUE);
  g_assert_cmpint (gtk_text_view_get_wrap_mode (GTK_TEXT_VIEW (code)), ==, GTK_WRAP_WORD_CHAR);
  wait_while (is_cut, code);
  g_assert_true (gtk_widget_get_visible (button)); /* it can be taken back */
  gtk_window_destroy (GTK_WINDOW (window));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/markdown/blocks", test_blocks);
  g_test_add_func ("/markdown/source", test_source);
  g_test_add_func ("/markdown/links", test_links);
  g_test_add_func ("/markdown/formulas", test_formulas);
  g_test_add_func ("/markdown/html", test_html);
  g_test_add_func ("/markdown/footnotes", test_footnotes);
  g_test_add_func ("/markdown/cjk", test_cjk);
  g_test_add_func ("/markdown/cuts", test_cuts);
  g_test_add_func ("/markdown/random", test_random);
  g_test_add_func ("/markdown/widgets", test_widgets);
  g_test_add_func ("/markdown/shown", test_shown);
  g_test_add_func ("/markdown/wrap", test_wrap);
  return g_test_run ();
}
