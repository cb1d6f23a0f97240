/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Weights that are no finite numbers: each tensor of small models is poisoned in turn, and the first tokens must say so. The
 * same program runs with several sets of kernels (meson.build). */
#include "qe-test-variants.h"
#include "qe-test.h"

#include <fcntl.h>
#include <unistd.h>

#include "format/gguf/qe-gguf-private.h"
#include "format/quant/qe-formats.h"

/* ---- poison ---------------------------------------------------------------------------------------------------- */

typedef struct {
  const char *name;
  uint16_t f16, bf16;
  uint32_t f32;
} Poison;

static const Poison poisons[] = {
  { "NaN", 0x7e00, 0x7fc0, 0x7fc00000 },
  { "infinity", 0x7c00, 0x7f80, 0x7f800000 },
  { "minus infinity", 0xfc00, 0xff80, 0xff800000 },
};
#define N_POISONS (sizeof poisons / sizeof *poisons)

/* Where in a block the scale of all of its weights is. */
static size_t
scale_offset (QeType type)
{
  switch ((int) type) {
  case QE_TYPE_Q2_K: return offsetof (QeBlockQ2_K, d);
  case QE_TYPE_Q3_K: return offsetof (QeBlockQ3_K, d);
  case QE_TYPE_Q6_K: return offsetof (QeBlockQ6_K, d);
  default: return 0;
  }
}

/* A copy of a model, written to between two openings. */
typedef struct {
  char path[600];
  int fd;
  QeGguf *gguf;
} Victim;

static bool
victim_make (Victim *v, const char *source)
{
  QeError err = { 0 };
  size_t size;
  void *data = qe_test_read (source, &size);

  snprintf (v->path, sizeof v->path, "%s/victim.gguf", qe_test_folder ());
  QE_CHECK (data && qe_test_write (v->path, data, size));
  free (data);
  v->fd = open (v->path, O_RDWR);
  return QE_CHECK (v->fd >= 0) && QE_CHECK_OK (qe_gguf_open (&v->gguf, v->path, true, &err), err);
}

static void
victim_clear (Victim *v)
{
  close (v->fd);
  qe_gguf_free (v->gguf);
}

static size_t
row_bytes (const QeTensor *t)
{
  return t->size / (t->ne[1] * t->ne[2] * t->ne[3]);
}

/* Exchanges the first number of a row (its first scale) in each matrix of a tensor: in every expert, as it is not known which
 * ones are used. */
static void
exchange (const Victim *v, const QeTensor *t, uint64_t row, const void *with, void *old)
{
  const size_t size = t->type == QE_TYPE_F32 ? 4 : 2;
  const off_t tensor = (const uint8_t *) t->data - (const uint8_t *) v->gguf->parts[0].mapping.data;

  for (uint64_t e = 0; e < t->ne[2]; e++) {
    const off_t at = tensor + (off_t) ((e * t->ne[1] + row) * row_bytes (t) + scale_offset (t->type));
    uint8_t *kept = (uint8_t *) old + e * size;
    const uint8_t *put = with ? with : kept;
    uint8_t now[4];
    QE_CHECK (pread (v->fd, now, size, at) == (ssize_t) size);
    QE_CHECK (pwrite (v->fd, put, size, at) == (ssize_t) size);
    if (with)
      memcpy (kept, now, size);
  }
}

static void
put_poison (const Victim *v, const QeTensor *t, uint64_t row, const Poison *p, void *old)
{
  exchange (v, t, row,
            t->type == QE_TYPE_F32    ? (const void *) &p->f32
            : t->type == QE_TYPE_BF16 ? &p->bf16
                                      : &p->f16,
            old);
}

/* ---- what a model says ----------------------------------------------------------------------------------------- */

typedef struct {
  size_t n_prompt; /* tokens; one goes through other kernels than many */
  QeKvType kv_type;
  bool speculative, sketch;
} Way;

/* The token whose embedding is poisoned, among others that do not look at the poisoned row. */
#define TOKEN 7

static QeStatus
run (const char *path, const Way *way, QeError *err)
{
  const QeContextParams params = {
    .n_ctx = 128, .n_threads = 2, .kv_type = way->kv_type, .speculative = way->speculative, .sketch = way->sketch
  };
  const QeSamplerParams greedy = { .temperature = 0, .top_p = 1, .repetition_penalty = 1 };
  QeModel *model = NULL;
  QeContext *context = NULL;
  QeSampler *sampler = NULL;
  QePrompt *prompt = qe_prompt_new ();
  QeStatus status = qe_model_open (&model, path, NULL, err);

  for (size_t i = 0; i < way->n_prompt; i++)
    qe_prompt_add_tokens (prompt, &(int32_t) { i == 0 ? TOKEN : (int32_t) (i % 13 * 11 + 20) }, 1, NULL);
  if (status == QE_OK)
    status = qe_context_new (&context, model, &params, err);
  if (status == QE_OK)
    status = qe_sampler_new (&sampler, &greedy, err);
  if (status == QE_OK)
    status = qe_context_prefill (context, prompt, NULL, NULL, err);
  for (int i = 0; status == QE_OK && i < 3; i++) { /* drafts begin with the second */
    int32_t tokens[QE_STEP_MAX];
    size_t n;
    status = qe_context_step (context, sampler, NULL, tokens, &n, err);
  }
  qe_sampler_free (sampler);
  qe_prompt_free (prompt);
  qe_context_free (context);
  qe_model_free (model);
  return status == QE_END ? QE_OK : status;
}

/* In two of the ways each, which take turns. */
static void
check_row (const Victim *v, const QeTensor *t, uint64_t row, const Way *ways, size_t n_ways)
{
  static size_t turn;
  uint8_t old[4 * 256];

  for (size_t p = 0; p < N_POISONS; p++) {
    put_poison (v, t, row, &poisons[p], old);
    for (int n = 0; n < 2; n++) {
      const size_t i = turn++ % n_ways;
      QeError err = { 0 };
      const QeStatus status = run (v->path, &ways[i], &err);
      qe_test_check (status == QE_ERROR_NUMERIC && strstr (err.message, "ownload"), __FILE__, __LINE__,
                     "%s in row %u of %s (%s), prompt of %zu tokens, cache %d: status %d, “%s”", poisons[p].name,
                     (unsigned) row, t->name, qe_type_traits (t->type)->name, ways[i].n_prompt, (int) ways[i].kv_type,
                     (int) status, err.message);
    }
    exchange (v, t, row, NULL, old);
  }
}

/* Rows that do different things: of attn_q the first is a query's, the last a gate's. */
static void
check_tensor (const Victim *v, const QeTensor *t, const Way *ways, size_t n_ways)
{
  if (strstr (t->name, "embed_tokens") || strcmp (t->name, "token_embd.weight") == 0) {
    check_row (v, t, TOKEN, ways, n_ways);
    return;
  }
  check_row (v, t, 0, ways, n_ways);
  if (t->ne[1] > 2)
    check_row (v, t, t->ne[1] / 2, ways, n_ways);
  if (t->ne[1] > 1)
    check_row (v, t, t->ne[1] - 1, ways, n_ways);
}

/* Of the layers, only the first of each kind and a prediction block. `only` names the tensors wanted; NULL: all. */
static bool
is_wanted (const QeTensor *t, const char *only)
{
  unsigned layer;

  if (only && !strstr (t->name, only))
    return false;
  return sscanf (t->name, "blk.%u.", &layer) != 1 || layer == 0 || layer == 3 || strstr (t->name, "nextn") || only;
}

static void
check_model (const char *source, const char *only, const Way *ways, size_t n_ways)
{
  Victim v;
  unsigned n_checked = 0;

  QE_REQUIRE (victim_make (&v, source));
  for (size_t i = 0; i < n_ways; i++) {
    QeError err = { 0 };
    QE_CHECK_OK (run (v.path, &ways[i], &err), err);
  }
  for (size_t i = 0; i < qe_gguf_n_tensors (v.gguf); i++)
    if (is_wanted (qe_gguf_tensor (v.gguf, i), only)) {
      check_tensor (&v, qe_gguf_tensor (v.gguf, i), ways, n_ways);
      n_checked++;
    }
  qe_test_note ("%u tensors", n_checked);
  QE_CHECK (n_checked > 3);
  victim_clear (&v);
}

/* ---- models ---------------------------------------------------------------------------------------------------- */

static const Way ways[] = {
  { .n_prompt = 1, .kv_type = QE_KV_F16 },  { .n_prompt = 40, .kv_type = QE_KV_F16 },
  { .n_prompt = 5, .kv_type = QE_KV_Q8_0 }, { .n_prompt = 40, .kv_type = QE_KV_Q8_0 },
  { .n_prompt = 7, .kv_type = QE_KV_F32 },
};
#define N_WAYS (sizeof ways / sizeof *ways)

QE_TEST (plain_numbers)
{
  check_model (qe_test_data ("goldens/a-dense-F16.gguf"), NULL, ways, N_WAYS);
}
QE_TEST (eight_bits)
{
  check_model (qe_test_tiny ("quern-tiny-Q8_0.gguf"), NULL, ways, N_WAYS);
}
QE_TEST (four_and_six_bits)
{
  check_model (qe_test_tiny ("quern-tiny-Q4_K_M.gguf"), NULL, ways, N_WAYS);
}
QE_TEST (two_bits)
{
  check_model (qe_test_tiny ("quern-tiny-Q2_K.gguf"), NULL, ways, N_WAYS);
}
QE_TEST (four_bits_of_a_codebook)
{
  check_model (qe_test_tiny ("quern-tiny-IQ4_XS.gguf"), NULL, ways, N_WAYS);
}
QE_TEST (mixture)
{
  check_model (qe_test_data ("goldens/c-moe-F16.gguf"), NULL, ways, N_WAYS);
}

static void
check_prediction (const char *name, const char *only)
{
  static const Way drafting[] = { { .n_prompt = 40, .kv_type = QE_KV_F16, .speculative = true } };
  const char *folder = qe_test_variants (name);
  char path[600];

  QE_REQUIRE (folder != NULL);
  snprintf (path, sizeof path, "%s/%s.gguf", folder, name);
  check_model (path, only, drafting, 1);
}

QE_TEST (prediction)
{
  check_prediction ("mtp", "blk.8.");
}
QE_TEST (prediction_in_a_mixture)
{
  check_prediction ("mtp-mixture", "blk.4.");
}

/* ---- vision files ---------------------------------------------------------------------------------------------- */

static QeStatus
look (const char *path, QeError *err)
{
  static uint8_t rgb[64 * 64 * 3];
  QeVision *vision = NULL;
  QeImage *image = NULL;
  QeStatus status = qe_vision_open (&vision, path, NULL, err);

  for (size_t i = 0; i < sizeof rgb; i++)
    rgb[i] = (uint8_t) (i * 37);
  if (status == QE_OK)
    status = qe_vision_encode (vision, rgb, 64, 64, 192, 2, NULL, &image, err);
  qe_image_free (image);
  qe_vision_free (vision);
  return status;
}

/* Small tensors are looked at when the file is opened, the others when a picture is. */
static void
check_vision (const char *source)
{
  uint8_t old[4 * 4096];
  Victim v;
  QeError err = { 0 };

  QE_REQUIRE (victim_make (&v, source));
  QE_CHECK_OK (look (v.path, &err), err);
  for (size_t i = 0; i < qe_gguf_n_tensors (v.gguf); i++) {
    const QeTensor *t = qe_gguf_tensor (v.gguf, i);
    for (size_t p = 0; p < N_POISONS && t->ne[2] <= 4096; p++) {
      put_poison (&v, t, t->ne[1] - 1, &poisons[p], old);
      const QeStatus status = look (v.path, &err);
      qe_test_check (status == QE_ERROR_NUMERIC || status == QE_ERROR_FORMAT, __FILE__, __LINE__,
                     "%s in %s (%s): status %d", poisons[p].name, t->name, qe_type_traits (t->type)->name,
                     (int) status);
      exchange (&v, t, t->ne[1] - 1, NULL, old);
    }
  }
  victim_clear (&v);
}

QE_TEST (vision)
{
  check_vision (qe_test_data ("goldens/mmproj-d-vision-F32.gguf"));
}
QE_TEST (vision_in_halves)
{
  check_vision (qe_test_tiny ("mmproj-quern-tiny-F16.gguf"));
}
