/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Texts by category, wiki.test.raw, and which models are worth having. */

#include <glib/gstdio.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "quern-chart.h"
#include "quern-comparison-report.h"
#include "quern-hub-fixture.h"
#include "quern-measure-categories.h"
#include "quern-measure-private.h"
#include "quern-sha256.h"
#include "quern-texts.h"
#include "quern-wikitext.h"

/* ---- texts ----------------------------------------------------------------------------------------------------- */

/* The text of a measurement as a model of Quern Tiny gets it. */
static QuernMeasurePlan *
plan_of (QuernMeasure *measure)
{
  g_autofree char *path = g_build_filename (g_getenv ("QUERN_TINY_DIR"), "quern-tiny-Q2_K.gguf", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (QuernModel) model = quern_model_new (path, NULL, &error);
  g_autoptr (QuernOpenFile) file = quern_open_file_new (model, &error);
  QuernMeasurePlan *plan = _quern_measure_plan_new (file, _quern_measure_get_sources (measure),
                                                    QUERN_MEASURE_WINDOWS_QUERN, 512, &error);

  g_assert_no_error (error);
  return plan;
}

/* Each category is there, is as long as it should be, and is kept apart. Quern Tiny's vocabulary is a hundredth of the real
 * one's, which makes two to three times as many tokens of a text. */
static void
test_categories (void)
{
  g_autoptr (GError) error = NULL;
  guint n = 0;

  for (; quern_texts_get (n); n++) {
    g_autoptr (QuernMeasure) measure = quern_measure_new ();
    const char *id = quern_texts_get (n)->id;
    g_assert_true (quern_texts_add (measure, id, &error));
    g_assert_no_error (error);
    g_auto (GStrv) categories = quern_measure_dup_categories (measure);
    g_assert_cmpuint (g_strv_length (categories), ==, 1);
    g_assert_cmpstr (categories[0], ==, id);
    g_autoptr (QuernMeasurePlan) plan = plan_of (measure);
    g_test_message ("%s: %u tokens of Quern Tiny's", id, plan->tokens->len);
    g_assert_cmpuint (plan->tokens->len, >, 60000);
    g_assert_cmpstr (((const QuernMeasureSource *) plan->pieces->pdata[0])->category, ==, id);
  }
  g_assert_cmpuint (n, ==, 6);
  g_autoptr (QuernMeasure) measure = quern_measure_new ();
  g_assert_false (quern_texts_add (measure, "poetry", &error));
  g_assert_error (error, QUERN_COMPARE_ERROR, QUERN_COMPARE_ERROR_TEXT);
}

/* Of conversations only the answers are scored: all that is scored stands in the answers. */
static void
test_answers_count (void)
{
  g_autoptr (QuernMeasure) measure = quern_measure_new ();
  guint64 scored = 0;

  g_assert_true (quern_texts_add (measure, "tools", NULL));
  g_autoptr (QuernMeasurePlan) plan = plan_of (measure);
  for (guint i = 0; i < plan->windows->len; i++) {
    const QuernMeasureWindow *window = &g_array_index (plan->windows, QuernMeasureWindow, i);
    scored += window->end - window->first;
  }
  g_assert_cmpuint (scored, >, plan->tokens->len / 20);
  g_assert_cmpuint (scored, <, plan->tokens->len / 3);
  for (guint i = 0; i < plan->pieces->len; i++)
    g_assert_cmpuint (((const QuernMeasureSource *) plan->pieces->pdata[i])->first, >, 50);
}

/* A call is scored in the form that the file's template gives calls, up to the token that ends it: not as the JSON in which the
 * text keeps it. */
static void
test_calls_as_models_write_them (void)
{
  g_autofree char *path = g_build_filename (g_getenv ("QUERN_TINY_DIR"), "quern-tiny-Q2_K.gguf", NULL);
  g_autoptr (QuernModel) model = quern_model_new (path, NULL, NULL);
  g_autoptr (QuernOpenFile) file = quern_open_file_new (model, NULL);
  g_autoptr (QuernMeasure) measure = quern_measure_new ();
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (GArray) ends = g_array_new (FALSE, FALSE, sizeof (guint));

  g_assert_true (quern_texts_add (measure, "tools", NULL));
  g_autoptr (QuernMeasurePlan) plan = plan_of (measure);
  const QuernMeasureSource *call = plan->pieces->pdata[0], *said = plan->pieces->pdata[1];
  quern_open_file_decode (file, call->tokens, text, ends);
  const char *scored = text->str + g_array_index (ends, guint, call->first);
  g_assert_true (
      g_str_has_prefix (g_strchug ((char *) scored), "<tool_call>\n<function=convert_unit>\n<parameter=value>\n608\n"));
  g_assert_true (g_str_has_suffix (scored, "</tool_call><|im_end|>"));
  g_assert_nonnull (strstr (text->str, "\"name\": \"convert_unit\"")); /* the tools that are offered come before */
  g_string_truncate (text, 0);
  g_array_set_size (ends, 0);
  quern_open_file_decode (file, said->tokens, text, ends);
  g_assert_nonnull (strstr (text->str, "<tool_response>\n{\"result\": 246.049}\n</tool_response>"));
  g_assert_cmpstr (text->str + g_array_index (ends, guint, said->first), ==, "608 acres are 246.049 hectares.");
}

static void
write_file (const char *folder, const char *name, const char *text, gssize length)
{
  g_autofree char *path = g_build_filename (folder, name, NULL), *parent = g_path_get_dirname (path);

  g_mkdir_with_parents (parent, 0755);
  g_assert_true (g_file_set_contents (path, text, length, NULL));
}

/* Text files of a folder and of those in it, in order; nothing else, and no way out of it. */
static void
test_folder (QuernHubFixture *f, gconstpointer data)
{
  g_autofree char *folder = g_build_filename (f->folder, "texts", NULL),
                  *link = g_build_filename (folder, "loop", NULL), *large = g_strnfill ((64 << 20) + 1, 'x');
  g_autoptr (QuernMeasure) measure = quern_measure_new (), nothing = quern_measure_new ();
  g_autoptr (GError) error = NULL;

  write_file (folder, "b.txt", "second", -1);
  write_file (folder, "a/inner.md", "first", -1);
  write_file (folder, "c.bin", "x\0y", 3);
  write_file (folder, "d.txt", "\xff\xfe", -1);
  write_file (folder, ".hidden", "no", -1);
  write_file (folder, "empty", "", -1);
  write_file (folder, "large", large, -1);
  g_assert_cmpint (symlink (folder, link), ==, 0);
  g_assert_true (quern_texts_add_folder (measure, folder, &error));
  GPtrArray *sources = _quern_measure_get_sources (measure);
  g_assert_cmpuint (sources->len, ==, 2);
  g_assert_cmpstr (((QuernMeasureSource *) sources->pdata[0])->text, ==, "first");
  g_assert_cmpstr (((QuernMeasureSource *) sources->pdata[1])->text, ==, "second");
  g_autofree char *empty = g_build_filename (f->folder, "none", NULL);
  g_mkdir (empty, 0755);
  g_assert_false (quern_texts_add_folder (nothing, empty, &error));
  g_assert_error (error, QUERN_COMPARE_ERROR, QUERN_COMPARE_ERROR_TEXT);
}

/* ---- wiki.test.raw --------------------------------------------------------------------------------------------- */

static void
put (GByteArray *out, guint number, guint bytes)
{
  for (guint i = 0; i < bytes; i++) {
    guint8 byte = i < sizeof number ? (guint8) (number >> 8 * i) : 0;
    g_byte_array_append (out, &byte, 1);
  }
}

static GBytes *
deflate_text (const char *text)
{
  g_autoptr (GZlibCompressor) zlib = g_zlib_compressor_new (G_ZLIB_COMPRESSOR_FORMAT_RAW, 9);
  g_autoptr (GBytes) plain = g_bytes_new (text, strlen (text));
  g_autoptr (GError) error = NULL;
  GBytes *packed = g_converter_convert_bytes (G_CONVERTER (zlib), plain, &error);

  g_assert_no_error (error);
  return packed;
}

static void
put_name_and_sizes (GByteArray *out, const char *name, guint packed, guint size, gboolean deflated)
{
  put (out, deflated ? 8 : 0, 2);
  put (out, 0, 8); /* time, date, CRC */
  put (out, packed, 4);
  put (out, size, 4);
  put (out, (guint) strlen (name), 2);
  put (out, 0, 2);
}

/* An archive with one other file before ours. */
static GBytes *
make_archive (const char *text, gboolean deflated)
{
  static const char *const names[] = { "wikitext-2-raw/wiki.train.raw", "wikitext-2-raw/wiki.test.raw" };
  GByteArray *out = g_byte_array_new ();
  guint offsets[2], begin;
  g_autoptr (GBytes) packed = deflated ? deflate_text (text) : g_bytes_new (text, strlen (text));
  const guint size = (guint) g_bytes_get_size (packed);

  for (guint i = 0; i < 2; i++) {
    offsets[i] = out->len;
    put (out, 0x04034b50, 4);
    put (out, 0, 4); /* version, flags */
    put_name_and_sizes (out, names[i], size, (guint) strlen (text), deflated);
    g_byte_array_append (out, (const guint8 *) names[i], (guint) strlen (names[i]));
    g_byte_array_append (out, g_bytes_get_data (packed, NULL), size);
  }
  begin = out->len;
  for (guint i = 0; i < 2; i++) {
    put (out, 0x02014b50, 4);
    put (out, 0, 6);
    put_name_and_sizes (out, names[i], size, (guint) strlen (text), deflated);
    put (out, 0, 10); /* comment, disk, attributes */
    put (out, offsets[i], 4);
    g_byte_array_append (out, (const guint8 *) names[i], (guint) strlen (names[i]));
  }
  guint length = out->len - begin;
  put (out, 0x06054b50, 4);
  put (out, 0, 4);
  put (out, 2, 2);
  put (out, 2, 2);
  put (out, length, 4);
  put (out, begin, 4);
  put (out, 0, 2);
  return g_byte_array_free_to_bytes (out);
}

static void
test_archive (void)
{
  const char *text = " = A title = \n\n The same words again, the same words again, the same words again. \n";

  for (guint deflated = 0; deflated < 2; deflated++) {
    g_autoptr (GBytes) archive = make_archive (text, deflated);
    g_autoptr (GError) error = NULL;
    gsize length, size = g_bytes_get_size (archive);
    g_autofree char *unpacked = _quern_wikitext_unpack (archive, &length, &error);
    g_assert_no_error (error);
    g_assert_cmpmem (unpacked, length, text, strlen (text));
    /* Cut off anywhere there is no directory, and no number in it may lead out of the file. */
    for (gsize cut = 0; cut < size; cut++) {
      g_autoptr (GBytes) part = g_bytes_new_from_bytes (archive, 0, cut);
      g_assert_null (_quern_wikitext_unpack (part, &length, NULL));
    }
    for (gsize at = 0; at < size; at++) {
      g_autofree guint8 *changed = g_memdup2 (g_bytes_get_data (archive, NULL), size);
      changed[at] ^= 0xff;
      g_autoptr (GBytes) damaged = g_bytes_new_static (changed, size);
      g_autofree char *out = _quern_wikitext_unpack (damaged, &length, NULL);
    }
  }
}

/* Fetched once, kept, fetched again when what is kept is not right any more; refused when the hub has another text. */
static void
test_wikitext (QuernHubFixture *f, gconstpointer data)
{
  static const char text[] = " = Robert = \n";
  g_autofree char *sha256 = quern_sha256_of_data (text, strlen (text));
  g_autofree char *kept = g_build_filename (f->folder, "cache", "quern", "wiki.test.raw", NULL);
  g_autoptr (GBytes) archive = make_archive (text, TRUE);
  g_autofree char *folder = g_build_filename (f->files, "quern", "Texts", NULL);
  g_autoptr (QuernHub) hub = quern_hub_new ();
  g_autoptr (GError) error = NULL;
  gsize size;
  const char *bytes = g_bytes_get_data (archive, &size);

  quern_hub_set_endpoint (hub, quern_test_hub_get_endpoint (f->hub));
  write_file (folder, "wikitext-2-raw-v1.zip", bytes, (gssize) size);
  quern_test_hub_rescan (f->hub);
  for (guint i = 0; i < 3; i++) {
    if (i == 2)
      write_file (f->folder, "cache/quern/wiki.test.raw", "something else", -1);
    quern_test_hub_clear (f->hub);
    g_autofree char *loaded = _quern_wikitext_load (hub, "quern/Texts", sha256, NULL, &error);
    g_assert_no_error (error);
    g_assert_cmpstr (loaded, ==, text);
    g_autoptr (GPtrArray) log = quern_test_hub_dup_log (f->hub);
    g_assert_true ((log->len > 0) == (i != 1)); /* only the second time nobody was asked */
    g_assert_true (g_file_test (kept, G_FILE_TEST_EXISTS));
  }
  sha256[0] = sha256[0] == '0' ? '1' : '0';
  g_assert_null (_quern_wikitext_load (hub, "quern/Texts", sha256, NULL, &error));
  g_assert_error (error, QUERN_COMPARE_ERROR, QUERN_COMPARE_ERROR_TEXT);
}

/* ---- the front ------------------------------------------------------------------------------------------------- */

/* A measured model: of this size, and with this divergence at every position. */
static void
add_model (QuernMeasure *measure, const char *quantisation, double megabytes, double kld)
{
  const QuernModelFacts facts = { .id = (char *) quantisation,
                                  .title = (char *) "Model",
                                  .quantisation = (char *) quantisation,
                                  .file_bytes = (guint64) (megabytes * 1e6) };
  g_autoptr (QuernMeasured) measured = quern_measured_new_stored (&facts, QUERN_KV_F16);

  for (guint i = 0; i < 400; i++) {
    QuernDivergence position = { .nll = 1, .nll_reference = 1, .same_top = TRUE, .kld = i == 17 ? 20 * kld : kld };
    quern_measured_add (measured, &position, 1);
  }
  quern_measured_add_work (measured, megabytes, 100000);
  _quern_measure_restore_result (measure, measured);
}

static QuernMeasure *
make_measure (void)
{
  QuernMeasure *measure = quern_measure_new ();

  add_model (measure, "F16", 1000, 0);
  add_model (measure, "Q8_0", 530, 0.001);
  add_model (measure, "Q6_K", 410, 0.002);
  add_model (measure, "Q5_K_M", 350, 0.004);
  add_model (measure, "Q4_0", 305, 0.09);
  add_model (measure, "Q4_K_M", 300, 0.007);
  add_model (measure, "Q3_K_M", 240, 0.15);
  add_model (measure, "Q2_K", 190, 0.9);
  return measure;
}

static void
test_front (void)
{
  g_autoptr (QuernMeasure) measure = make_measure ();
  g_autoptr (GArray) points = quern_pareto_new (&measure, 1, FALSE, QUERN_PARETO_MEAN);
  g_autoptr (GArray) tail = quern_pareto_new (&measure, 1, FALSE, QUERN_PARETO_P999);
  gint knee = quern_pareto_find_knee (points);

  g_assert_cmpuint (points->len, ==, 8);
  for (guint i = 0; i < points->len; i++) {
    const QuernParetoPoint *point = &g_array_index (points, QuernParetoPoint, i);
    const char *quantisation = quern_measured_get_facts (point->measured)->quantisation;
    g_assert_true (point->dominated == g_str_equal (quantisation, "Q4_0"));
    g_assert_true (point->is_reference == g_str_equal (quantisation, "F16"));
    g_assert_true (i == 0 || point->cost >= g_array_index (points, QuernParetoPoint, i - 1).cost);
  }
  g_assert_cmpint (knee, >=, 0);
  g_assert_cmpstr (quern_measured_get_facts (g_array_index (points, QuernParetoPoint, knee).measured)->quantisation, ==,
                   "Q4_K_M");
  g_autofree char *sentence = quern_pareto_dup_sentence (points);
  g_assert_nonnull (strstr (sentence, "Q4_K_M is the knee"));
  g_assert_nonnull (strstr (sentence, "Q3_K_M costs 20 % less and diverges 21.4 times as much"));
  g_assert_nonnull (strstr (sentence, "Q5_K_M costs 17 % more"));
  /* One position of 400 diverges 20 times as far: above the 99.9th percentile's rank of 398.6. */
  const QuernParetoPoint *last = &g_array_index (tail, QuernParetoPoint, 0);
  g_assert_cmpfloat (last->divergence, >, 0.9 * 10);
}

static char *
svg_of (const QuernChartContent *content)
{
  return quern_chart_to_svg (content, "Label & more", TRUE);
}

static guint
count (const char *text, const char *what)
{
  guint n = 0;

  for (const char *at = text; (at = strstr (at, what)); at++)
    n++;
  return n;
}

static void
count_element (GMarkupParseContext *context, const char *name, const char **names, const char **values, gpointer data,
               GError **error)
{
  (*(guint *) data)++;
}

/* Well-formed; what is beaten is grey; of two repositories both are named. */
static void
test_chart (QuernHubFixture *f, gconstpointer data)
{
  g_autoptr (QuernMeasure) measure = make_measure (), other = quern_measure_new ();
  QuernMeasure *const both[] = { measure, other };
  const char *const names[] = { "one/Model-GGUF", "two/Model-GGUF" };
  const QuernChartContent one = { .measures = &measure, .n = 1 };
  const QuernChartContent two = { .measures = both, .names = names, .n = 2 };
  const GMarkupParser parser = { .start_element = count_element };
  g_autofree char *png = g_build_filename (f->folder, "chart.png", NULL), *content = NULL;
  g_autoptr (GError) error = NULL;
  gsize size;

  add_model (other, "F16", 1000, 0);
  add_model (other, "IQ4_XS", 280, 0.005);
  add_model (other, "Q2_K", 200, 2);
  g_autofree char *single = svg_of (&one), *pair = svg_of (&two), *sentence = quern_chart_dup_sentence (&two);
  for (guint i = 0; i < 2; i++) {
    guint elements = 0;
    g_autoptr (GMarkupParseContext)
        context = g_markup_parse_context_new (&parser, G_MARKUP_DEFAULT_FLAGS, &elements, NULL);
    const char *svg = i == 0 ? single : pair;
    g_assert_true (g_markup_parse_context_parse (context, svg, -1, &error));
    g_assert_true (g_markup_parse_context_end_parse (context, &error));
    g_assert_cmpuint (elements, >, 40);
    g_assert_null (strstr (svg, "var(--"));
  }
  g_assert_cmpuint (count (single, "<circle fill=\"#9a9996\""), ==, 1);
  /* IQ4_XS of the other repository beats both Q4_K_M and Q4_0 of this one, and that one's Q2_K is beaten by this one's. */
  g_assert_cmpuint (count (pair, "<circle fill=\"#9a9996\""), ==, 3);
  g_assert_nonnull (strstr (pair, "A one/Model-GGUF"));
  g_assert_nonnull (strstr (pair, "B two/Model-GGUF"));
  g_assert_nonnull (strstr (sentence, "Grey: B Q2_K, A Q4_K_M, A Q4_0."));
  g_assert_true (quern_chart_to_png (&two, png, &error));
  g_assert_true (g_file_get_contents (png, &content, &size, NULL));
  g_assert_cmpmem (content, 8, "\x89PNG\r\n\x1a\n", 8);
  g_assert_cmpuint (size, >, 5000);
  g_assert_false (quern_chart_to_png (&two, "/nowhere/chart.png", &error));
  g_assert_nonnull (error);
}

/* ---- categories ------------------------------------------------------------------------------------------------ */

/* Positions are told apart by the piece that their token is in, however the pieces are mixed. */
static void
test_category_figures (void)
{
  static const char *const of_pieces[] = { "code", NULL, "chat", "code" };
  g_autoptr (QuernMeasure) measure = quern_measure_new ();
  g_autoptr (GArray) tokens = g_array_new (FALSE, FALSE, sizeof (guint)),
                     ends = g_array_new (FALSE, FALSE, sizeof (guint));
  const gint32 piece[5] = { 0 };
  QuernDivergenceSummary code, chat;

  add_model (measure, "F16", 1000, 0);
  for (guint i = 0; i < G_N_ELEMENTS (of_pieces); i++) {
    _quern_measure_restore_piece (measure, piece, 5, 0, of_pieces[i]);
    for (guint j = 1; j < 5; j++) {
      guint token = 5 * i + j;
      g_array_append_val (tokens, token);
    }
  }
  for (guint i = 0; i < 20; i++)
    g_array_append_val (ends, i);
  _quern_measure_restore (measure, "", ends, tokens, 1, 1, -1);
  const QuernModelFacts facts = { .id = (char *) "x", .title = (char *) "x", .quantisation = (char *) "Q2_K" };
  g_autoptr (QuernMeasured) measured = quern_measured_new_stored (&facts, QUERN_KV_F16);
  for (guint i = 0; i < tokens->len; i++) {
    QuernDivergence position = { .kld = (double) (1 << i / 4) };
    quern_measured_add (measured, &position, 1);
  }
  g_auto (GStrv) categories = quern_measure_dup_categories (measure);
  g_assert_cmpuint (g_strv_length (categories), ==, 2);
  g_assert_cmpstr (categories[0], ==, "code");
  g_assert_cmpstr (categories[1], ==, "chat");
  g_assert_null (categories[2]);
  quern_measure_get_category_summary (measure, measured, "code", &code);
  quern_measure_get_category_summary (measure, measured, "chat", &chat);
  g_assert_cmpuint (code.n, ==, 8);
  g_assert_cmpuint (chat.n, ==, 4);
  g_assert_cmpfloat (code.kld_mean, ==, (1 + 8) / 2.0);
  g_assert_cmpfloat (chat.kld_mean, ==, 4);
}

int
main (int argc, char *argv[])
{
  quern_hub_fixture_init ();
  g_test_init (&argc, &argv, NULL);
#define ADD_HUB(name, function)                                                                                        \
  g_test_add ("/measure-texts/" name, QuernHubFixture, NULL, quern_hub_fixture_setup, function, quern_hub_fixture_clear)
  g_test_add_func ("/measure-texts/categories", test_categories);
  g_test_add_func ("/measure-texts/answers-count", test_answers_count);
  g_test_add_func ("/measure-texts/calls-as-models-write-them", test_calls_as_models_write_them);
  ADD_HUB ("folder", test_folder);
  g_test_add_func ("/measure-texts/archive", test_archive);
  ADD_HUB ("wikitext", test_wikitext);
  g_test_add_func ("/measure-texts/front", test_front);
  ADD_HUB ("chart", test_chart);
  g_test_add_func ("/measure-texts/category-figures", test_category_figures);
  return g_test_run ();
}
