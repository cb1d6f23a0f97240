/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-picture.h"

#include <json-glib/json-glib.h>
#include <string.h>

#include "qe.h"

/* Quern Tiny, in each quantisation, asked about each of its ten pictures: from the picture's file to the answer's tokens,
 * against the reference's greedy answers (data/quern-tiny/expected.json). Where the reference itself hesitated (its two best
 * tokens nearer than MARGIN) a quantised file may say something else; the F16 file may not. */

#define MARGIN 0.5

static const char *const quantisations[] = { "F16", "Q8_0", "Q6_K", "Q5_K_M", "Q4_K_M", "Q3_K_M", "Q2_K", "IQ4_XS" };

static char *
tiny_path (const char *name)
{
  return g_build_filename (g_getenv ("QUERN_TINY_DIR"), name, NULL);
}

#define assert_ok(call, err)                                                                                           \
  G_STMT_START                                                                                                         \
  {                                                                                                                    \
    if ((call) != QE_OK)                                                                                               \
      g_error ("%s: %s", #call, (err).message);                                                                        \
  }                                                                                                                    \
  G_STMT_END

static QeImage *
encode (QeVision *vision, const char *name)
{
  g_autofree char *path = tiny_path (name);
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GError) error = NULL;
  g_autoptr (QuernPicture) picture = quern_picture_new_from_file (file, NULL, &error);
  QeImage *image = NULL;
  QeError err;
  guint width;

  g_assert_no_error (error);
  width = quern_picture_get_width (picture);
  assert_ok (qe_vision_encode (vision, g_bytes_get_data (quern_picture_get_pixels (picture), NULL), width,
                               quern_picture_get_height (picture), width * 3, 2, NULL, &image, &err),
             err);
  return image;
}

static QePrompt *
make_prompt (QeModel *model, QeImage *image, JsonObject *expected)
{
  const QeChatPart parts[] = { { QE_PART_IMAGE },
                               { QE_PART_TEXT, json_object_get_string_member (expected, "question") } };
  const QeChatMessage message = { .role = QE_ROLE_USER, .parts = parts, .n_parts = 2 };
  const QeChatOptions options = { .add_generation_prompt = true, .enable_thinking = QE_NO };
  QeChatText text;
  QePrompt *prompt;
  QeError err;

  assert_ok (qe_chat_render (&text, model, &message, 1, &options, &err), err);
  g_assert_cmpstr (text.text, ==, json_object_get_string_member (expected, "prompt"));
  assert_ok (qe_chat_prompt (&prompt, model, &text, &image, 1, &err), err);
  qe_chat_text_clear (&text);
  return prompt;
}

/* The greedy answer's ids, at most 64, as text: "300 453 …". */
static char *
answer (QeContext *context, QePrompt *prompt)
{
  const QeSamplerParams params = { .temperature = 0, .top_p = 1, .repetition_penalty = 1 };
  GString *ids = g_string_new (NULL);
  QeSampler *sampler;
  QeStatus status = QE_OK;
  QeError err;

  assert_ok (qe_sampler_new (&sampler, &params, &err), err);
  assert_ok (qe_context_prefill (context, prompt, NULL, NULL, &err), err);
  for (guint n_steps = 0; status == QE_OK && n_steps < 64; n_steps++) {
    int32_t tokens[QE_STEP_MAX];
    size_t n;

    status = qe_context_step (context, sampler, NULL, tokens, &n, &err);
    g_assert_true (status == QE_OK || status == QE_END);
    for (size_t i = 0; i < n; i++)
      g_string_append_printf (ids, "%d ", tokens[i]);
  }
  g_assert_cmpint (status, ==, QE_END);
  qe_sampler_free (sampler);
  return g_string_free (ids, FALSE);
}

static char *
expected_ids (JsonObject *reference)
{
  JsonArray *array = json_object_get_array_member (reference, "ids");
  GString *ids = g_string_new (NULL);

  for (guint i = 0; i < json_array_get_length (array); i++)
    g_string_append_printf (ids, "%d ", (int) json_array_get_int_element (array, i));
  return g_string_free (ids, FALSE);
}

typedef struct {
  QeModel *model;
  QeVision *vision;
  const char *quantisation;
  guint n_equal;
} Case;

static void
check_picture (Case *c, JsonObject *expected)
{
  const QeContextParams params = { .n_ctx = 512, .n_threads = 2, .kv_type = QE_KV_F32 };
  JsonObject *reference = json_object_get_object_member (expected, "hf_float32");
  const char *name = json_object_get_string_member (expected, "file");
  QeImage *image = encode (c->vision, name);
  QePrompt *prompt = make_prompt (c->model, image, expected);
  g_autofree char *want = expected_ids (reference);
  g_autofree char *got = NULL;
  QeContext *context;
  QeError err;

  assert_ok (qe_context_new (&context, c->model, &params, &err), err);
  got = answer (context, prompt);
  g_test_message ("%s %s: %s (%s)", c->quantisation, name, got, json_object_get_string_member (reference, "text"));
  if (json_object_get_double_member (reference, "smallest_margin") >= MARGIN || g_str_equal (c->quantisation, "F16"))
    g_assert_cmpstr (got, ==, want);
  c->n_equal += g_str_equal (got, want);
  qe_context_free (context);
  qe_prompt_free (prompt);
  qe_image_free (image);
}

static void
test_quantisation (gconstpointer data)
{
  Case c = { .quantisation = data };
  g_autofree char *name = g_strdup_printf ("quern-tiny-%s.gguf", c.quantisation);
  g_autofree char *model_path = tiny_path (name);
  g_autofree char *vision_path = tiny_path ("mmproj-quern-tiny-F16.gguf");
  g_autofree char *expected_path = tiny_path ("expected.json");
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autoptr (GError) error = NULL;
  JsonArray *images;
  QeError err;

  json_parser_load_from_file (parser, expected_path, &error);
  g_assert_no_error (error);
  images = json_object_get_array_member (json_node_get_object (json_parser_get_root (parser)), "images");
  g_assert_cmpuint (json_array_get_length (images), ==, 10);
  assert_ok (qe_model_open (&c.model, model_path, NULL, &err), err);
  assert_ok (qe_vision_open (&c.vision, vision_path, c.model, &err), err);
  for (guint i = 0; i < json_array_get_length (images); i++)
    check_picture (&c, json_array_get_object_element (images, i));
  g_test_message ("%s: %u of 10 answers are the reference's", c.quantisation, c.n_equal);
  qe_vision_free (c.vision);
  qe_model_free (c.model);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (quantisations); i++) {
    g_autofree char *path = g_strconcat ("/picture-answers/", quantisations[i], NULL);

    g_test_add_data_func (path, quantisations[i], test_quantisation);
  }
  return g_test_run ();
}
