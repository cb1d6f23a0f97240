/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "gguf-writer.h"
#include "qe-test-picture.h"
#include "qe-test.h"
#include "vision/qe-image.h"
#include "vision/qe-resize.h"
#include "vision/qe-vision-encode.h"

/* Pictures against the goldens of d-vision: an independent implementation in float32, whose weights the file holds
 * exactly. See tests/data/goldens/README.md. */

#define PATCH 16
#define MERGE 2

static const char *mmproj = "goldens/mmproj-d-vision-F32.gguf";

/* ---- resizing -------------------------------------------------------------------------------------------------- */

static void
check_plan (uint64_t least, uint64_t most, uint32_t width, uint32_t height, uint32_t want_width, uint32_t want_height)
{
  QeResizeLimits limits = { 32, least, most };
  QeError err = { 0 };
  uint32_t w = 0, h = 0;

  QE_CHECK_OK (qe_resize_plan (&limits, width, height, &w, &h, &err), err);
  qe_test_check (w == want_width && h == want_height, __FILE__, __LINE__, "%u x %u becomes %u x %u, not %u x %u", width,
                 height, w, h, want_width, want_height);
}

/* Sizes worked out by hand from the rule: nearest multiple of 32 (halves to even), then shrunk or grown in area. */
QE_TEST (plan_follows_the_family)
{
  check_plan (65536, 16777216, 320, 256, 320, 256);
  check_plan (65536, 16777216, 211, 97, 384, 192);
  check_plan (65536, 16777216, 517, 389, 512, 384);
  check_plan (1024, 16777216, 48, 80, 64, 64);     /* 1.5 and 2.5 both round to 2 */
  check_plan (1024, 16777216, 112, 144, 128, 128); /* 3.5 and 4.5 both round to 4 */
  check_plan (65536, 16777216, 8000, 6000, 4704, 3520);
  check_plan (65536, 65536, 256, 256, 256, 256);
  check_plan (65536, 1048576, 4000, 3000, 1152, 864);
  check_plan (0, 1048576, 5, 5, 32, 32); /* never nothing */
  check_plan (65536, 16777216, 1, 200, 32, 3648);
}

QE_TEST (plan_refuses_what_is_no_picture)
{
  QeResizeLimits limits = { 32, 65536, 16777216 };
  QeError err = { 0 };
  uint32_t w = 7, h = 7;

  QE_CHECK_INT (qe_resize_plan (&limits, 0, 10, &w, &h, &err), ==, QE_ERROR_ARGUMENT);
  QE_CHECK_CONTAINS (err.message, "no pixels");
  QE_CHECK_INT (qe_resize_plan (&limits, 2010, 10, &w, &h, &err), ==, QE_ERROR_ARGUMENT);
  QE_CHECK_CONTAINS (err.message, "elongated");
  QE_CHECK_INT (qe_resize_plan (&limits, 70000, 70000, &w, &h, &err), ==, QE_ERROR_ARGUMENT);
  QE_CHECK_CONTAINS (err.message, "too large");
  QE_CHECK_INT (w, ==, 7);
  QE_CHECK_INT (h, ==, 7);
}

QE_TEST (resizing_to_the_same_size_changes_nothing)
{
  uint64_t seed = 1;
  uint8_t in[11 * 40], out[11 * 39];
  QeError err = { 0 };

  for (size_t i = 0; i < sizeof in; i++)
    in[i] = (uint8_t) qe_test_random (&seed);
  QE_REQUIRE_OK (qe_resize_bicubic (in, 13, 11, 40, out, 13, 11, &err), err);
  for (size_t y = 0; y < 11; y++)
    QE_CHECK (memcmp (in + y * 40, out + y * 39, 39) == 0);
}

/* One colour stays what it is, whatever the sizes; black and white stay within 0 and 255 although the filter overshoots. */
QE_TEST (resizing_keeps_flat_areas)
{
  uint8_t in[90 * 70 * 3], out[200 * 31 * 3];
  QeError err = { 0 };

  for (size_t i = 0; i < sizeof in; i++)
    in[i] = (uint8_t) (i % 3 == 0 ? 255 : i % 3 == 1 ? 77 : 0);
  QE_REQUIRE_OK (qe_resize_bicubic (in, 90, 70, 270, out, 200, 31, &err), err);
  for (size_t i = 0; i < sizeof out; i++)
    if (out[i] != in[i % 3])
      QE_REQUIRE (out[i] == in[i % 3]);
}

/* Shrinking averages: a checkerboard of single pixels becomes grey, not stripes. */
QE_TEST (shrinking_is_antialiased)
{
  uint8_t in[64 * 64 * 3], out[8 * 8 * 3];
  QeError err = { 0 };

  for (size_t i = 0; i < sizeof in; i++)
    in[i] = (i / 3 % 64 + i / 192) % 2 ? 255 : 0;
  QE_REQUIRE_OK (qe_resize_bicubic (in, 64, 64, 192, out, 8, 8, &err), err);
  for (size_t i = 0; i < sizeof out; i++)
    QE_CHECK_FLOAT (out[i], 127.5, 6);
}

/* ---- the tower against the goldens ------------------------------------------------------------------------------ */

static bool
load_golden (QeNpy *out, const char *name, const char *part)
{
  char path[100];

  snprintf (path, sizeof path, "goldens/d-vision/%s_%s.npy", name, part);
  return qe_npy_load (out, qe_test_data (path));
}

static bool
load_picture (QeTestPicture *out, const char *name)
{
  char path[100];

  snprintf (path, sizeof path, "goldens/d-vision/%s.png", name);
  return qe_test_picture_load (out, qe_test_data (path));
}

/* values: [patches][3][2 frames][16][16], patches in squares of 2 x 2 */
static double
worst_pixel (const float *values, const uint8_t *pixels, const QeImagePlan *plan)
{
  double worst = 0;

  for (size_t y = 0; y < plan->height; y++)
    for (size_t x = 0; x < plan->width; x++) {
      size_t row = y / PATCH, column = x / PATCH;
      size_t token = row / MERGE * plan->columns + column / MERGE;
      size_t patch = token * MERGE * MERGE + row % MERGE * MERGE + column % MERGE;
      for (size_t c = 0; c < 3; c++) {
        const float *v = values + patch * 1536 + c * 512 + y % PATCH * PATCH + x % PATCH;
        double got = pixels[(y * plan->width + x) * 3 + c];
        worst = fmax (worst, fmax (fabs (v[0] - (got / 127.5 - 1)), fabs (v[256] - (got / 127.5 - 1))) * 127.5);
      }
    }
  return worst;
}

static void
check_resized (void *data, const uint8_t *pixels, const QeImagePlan *plan)
{
  const char *name = data;
  QeNpy values;

  if (strcmp (name, "odd") || !load_golden (&values, name, "pixel_values"))
    return;
  if (QE_CHECK (values.n == (size_t) plan->width * plan->height * 6)) {
    double worst = worst_pixel (values.f32, pixels, plan);
    qe_test_note ("%s: pixels differ by at most %g of 255", name, worst);
    QE_CHECK_FLOAT (worst, 0, 0.01);
  }
  qe_npy_clear (&values);
}

static void
check_rows (const char *name, const char *part, const float *x, size_t n)
{
  QeNpy want;

  if (!load_golden (&want, name, part))
    return;
  if (QE_CHECK (want.n == n)) {
    qe_test_note ("%s: %s differs by at most %g", name, part, qe_test_max_abs_diff (x, want.f32, n, NULL));
    QE_CHECK_CLOSE (x, want.f32, n, 1e-4);
  }
  qe_npy_clear (&want);
}

static void
check_encoded (void *data, const float *x, size_t n, size_t width)
{
  if (strcmp (data, "large"))
    check_rows (data, "vit_block_last", x, n * width);
}

static void
check_golden (const char *name, unsigned n_threads)
{
  QeVisionTrace trace = { check_resized, check_encoded, (void *) name };
  QeTestPicture picture;
  QeVision *vision;
  QeImage *image;
  QeNpy grid;
  QeError err = { 0 };

  QE_REQUIRE (load_picture (&picture, name));
  QE_REQUIRE (load_golden (&grid, name, "grid_thw"));
  QE_REQUIRE_OK (qe_vision_open (&vision, qe_test_data (mmproj), NULL, &err), err);
  QE_REQUIRE_OK (qe_vision_encode_traced (vision, picture.rgb, picture.width, picture.height, picture.width * 3,
                                          n_threads, NULL, &trace, &image, &err),
                 err);
  QE_CHECK_INT (qe_image_plan (image)->rows, ==, grid.i32[1] / MERGE);
  QE_CHECK_INT (qe_image_plan (image)->columns, ==, grid.i32[2] / MERGE);
  QE_CHECK_INT (qe_image_n_embd (image), ==, 256);
  check_rows (name, "embeddings", qe_image_embeddings (image), (size_t) qe_image_plan (image)->n_tokens * 256);
  qe_image_free (image);
  qe_vision_free (vision);
  qe_npy_clear (&grid);
  qe_test_picture_clear (&picture);
}

QE_TEST (golden_exact)
{
  check_golden ("exact", 1);
}
QE_TEST (golden_odd)
{
  check_golden ("odd", 2);
}
QE_TEST (golden_large)
{
  check_golden ("large", 3);
}

/* ---- promises of qe_vision_encode () ---------------------------------------------------------------------------- */

static QeVision *
open_golden (void)
{
  QeVision *vision = NULL;
  QeError err = { 0 };

  QE_CHECK_OK (qe_vision_open (&vision, qe_test_data (mmproj), NULL, &err), err);
  return vision;
}

QE_TEST (result_does_not_depend_on_threads)
{
  QeVision *vision = open_golden ();
  QeTestPicture picture;
  QeImage *images[3] = { 0 };
  QeError err = { 0 };

  QE_REQUIRE (vision && load_picture (&picture, "large"));
  for (unsigned i = 0; i < 3; i++)
    QE_REQUIRE_OK (qe_vision_encode (vision, picture.rgb, picture.width, picture.height, picture.width * 3, i + 1, NULL,
                                     &images[i], &err),
                   err);
  for (unsigned i = 1; i < 3; i++) {
    QE_CHECK (memcmp (qe_image_embeddings (images[0]), qe_image_embeddings (images[i]),
                      qe_image_plan (images[0])->n_tokens * 256 * sizeof (float))
              == 0);
    QE_CHECK (qe_image_hash (images[0]) == qe_image_hash (images[i]));
  }
  for (unsigned i = 0; i < 3; i++)
    qe_image_free (images[i]);
  qe_test_picture_clear (&picture);
  qe_vision_free (vision);
}

/* The hash follows the content: one changed pixel, or another limit, makes another image; padding of rows does not. */
QE_TEST (hash_names_the_content)
{
  QeVision *vision = open_golden ();
  static uint8_t tight[64 * 64 * 3], padded[64 * 200];
  QeImage *a = NULL, *b = NULL, *c = NULL, *d = NULL;
  QeError err = { 0 };

  QE_REQUIRE (vision);
  for (size_t i = 0; i < sizeof tight; i++)
    tight[i] = (uint8_t) (i * 7);
  memset (padded, 99, sizeof padded);
  for (size_t y = 0; y < 64; y++)
    memcpy (padded + y * 200, tight + y * 192, 192);
  QE_CHECK_OK (qe_vision_encode (vision, tight, 64, 64, 192, 1, NULL, &a, &err), err);
  QE_CHECK_OK (qe_vision_encode (vision, padded, 64, 64, 200, 1, NULL, &b, &err), err);
  tight[5000] ^= 1;
  QE_CHECK_OK (qe_vision_encode (vision, tight, 64, 64, 192, 1, NULL, &c, &err), err);
  QE_CHECK_OK (qe_vision_encode (vision, tight, 64, 32, 192, 1, NULL, &d, &err), err);
  QE_REQUIRE (a && b && c && d);
  QE_CHECK (qe_image_hash (a) == qe_image_hash (b));
  QE_CHECK (qe_image_hash (a) != qe_image_hash (c));
  QE_CHECK (qe_image_hash (c) != qe_image_hash (d));
  qe_image_free (a);
  qe_image_free (b);
  qe_image_free (c);
  qe_image_free (d);
  qe_vision_free (vision);
}

typedef struct {
  unsigned polls, cancel_at;
  uint64_t done, total, n_reports;
  bool backwards;
} Watch;

static bool
watch_cancelled (void *data)
{
  Watch *watch = data;
  return ++watch->polls >= watch->cancel_at;
}

static void
watch_progress (void *data, uint64_t done, uint64_t total)
{
  Watch *watch = data;

  watch->backwards |= watch->n_reports > 0 && done < watch->done;
  watch->done = done;
  watch->total = total;
  watch->n_reports++;
}

QE_TEST (progress_counts_layers_and_cancelling_works_anywhere)
{
  QeVision *vision = open_golden ();
  QeTestPicture picture;
  QeImage *image = NULL;
  QeError err = { 0 };
  Watch whole = { .cancel_at = UINT32_MAX };
  QeControl control = { watch_cancelled, watch_progress, &whole };

  QE_REQUIRE (vision && load_picture (&picture, "odd"));
  QE_REQUIRE_OK (qe_vision_encode (vision, picture.rgb, 211, 97, 633, 2, &control, &image, &err), err);
  qe_image_free (image);
  image = NULL;
  QE_CHECK_INT (whole.done, ==, 3);
  QE_CHECK_INT (whole.total, ==, 3);
  QE_CHECK_INT (whole.n_reports, ==, 4);
  QE_CHECK (!whole.backwards);
  QE_CHECK_INT (whole.polls, >=, 4);
  for (unsigned at = 1; at < 48; at += at < 4 ? 1 : 7) {
    Watch watch = { .cancel_at = at };
    unsigned n_threads = at <= 4 ? 2 : 1; /* among several threads, how often the first one polls in a layer varies */
    control.data = &watch;
    QE_CHECK_INT (qe_vision_encode (vision, picture.rgb, 211, 97, 633, n_threads, &control, &image, &err), ==,
                  QE_ERROR_CANCELLED);
    QE_CHECK (!image);
  }
  qe_test_picture_clear (&picture);
  qe_vision_free (vision);
}

QE_TEST (limits_come_from_the_file_and_can_be_lowered)
{
  QeVision *vision = open_golden (), *tiny = NULL;
  QeVisionInfo probed;
  QeImagePlan plan;
  QeError err = { 0 };

  QE_REQUIRE (vision);
  QE_CHECK_INT (qe_vision_info (vision)->min_pixels, ==, 65536); /* this file does not say: the family's own */
  QE_CHECK_INT (qe_vision_info (vision)->max_pixels, ==, 16777216);
  QE_REQUIRE_OK (qe_vision_open (&tiny, qe_test_tiny ("mmproj-quern-tiny-F16.gguf"), NULL, &err), err);
  QE_CHECK_INT (qe_vision_info (tiny)->min_pixels, ==, 8192);
  QE_CHECK_INT (qe_vision_info (tiny)->max_pixels, ==, 1048576);
  QE_REQUIRE_OK (qe_vision_probe (qe_test_tiny ("mmproj-quern-tiny-F16.gguf"), &probed, &err), err);
  QE_CHECK (memcmp (&probed, qe_vision_info (tiny), sizeof probed) == 0);
  QE_CHECK_STR (probed.name, "Quern Tiny");
  QE_CHECK_INT (probed.n_embd_out, ==, 256);
  QE_CHECK_INT (probed.n_layers, ==, 3);
  QE_CHECK_INT (probed.n_positions, ==, 256);

  qe_vision_limit_pixels (vision, 1024 * 1024);
  QE_CHECK_OK (qe_vision_plan (vision, 4000, 3000, &plan, &err), err);
  QE_CHECK_INT (plan.width, ==, 1152);
  QE_CHECK_INT (plan.height, ==, 864);
  QE_CHECK_INT (plan.columns, ==, 36);
  QE_CHECK_INT (plan.rows, ==, 27);
  QE_CHECK_INT (plan.n_tokens, ==, 972);
  qe_vision_limit_pixels (vision, 1); /* never below the least that the file asks for */
  QE_CHECK_OK (qe_vision_plan (vision, 4000, 3000, &plan, &err), err);
  QE_CHECK_INT (plan.n_tokens, ==, 54);
  qe_vision_limit_pixels (vision, 0);
  QE_CHECK_OK (qe_vision_plan (vision, 4000, 3000, &plan, &err), err);
  QE_CHECK_INT (plan.n_tokens, ==, 11750);
  qe_vision_free (tiny);
  qe_vision_free (vision);
}

/* The most memory that this process has held since the last reset; 0 when the system does not tell. */
static uint64_t
peak_bytes (bool reset)
{
  FILE *file = fopen (reset ? "/proc/self/clear_refs" : "/proc/self/status", reset ? "w" : "r");
  char line[200];
  unsigned long kilobytes = 0;

  if (file && reset)
    fputs ("5", file);
  while (file && !reset && fgets (line, sizeof line, file))
    if (sscanf (line, "VmHWM: %lu", &kilobytes) == 1)
      break;
  if (file)
    fclose (file);
  return reset ? peak_bytes (false) : (uint64_t) kilobytes * 1024;
}

/* 4096 patches: all scores of all heads at once would be 256 MB. */
QE_TEST (memory_is_what_was_planned)
{
  static uint8_t rgb[1024 * 1024 * 3];
  QeVision *vision = open_golden ();
  QeImage *image = NULL;
  QeError err = { 0 };
  uint64_t before, used, planned;

  QE_REQUIRE (vision);
  memset (rgb, 100, sizeof rgb);
  before = peak_bytes (true);
  QE_CHECK_OK (qe_vision_encode (vision, rgb, 1024, 1024, 3072, 2, NULL, &image, &err), err);
  used = peak_bytes (false) - before;
  planned = qe_vision_memory (qe_vision_info (vision), 1024 * 1024, 2);
  qe_test_note ("planned %.1f MB, peak grew by %.1f MB", (double) planned / 1e6, (double) used / 1e6);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  QE_CHECK (used < planned + planned / 10 + 8000000);
#endif
  QE_CHECK (planned < 80000000);
  qe_image_free (image);
  qe_vision_free (vision);
}

/* ---- files ------------------------------------------------------------------------------------------------------ */

typedef struct {
  uint8_t *data;
  size_t size;
} File;

static bool
load_file (File *file)
{
  file->data = qe_test_read (qe_test_data (mmproj), &file->size);
  return file->data != NULL;
}

/* Where `text` is in the header. */
static uint8_t *
at (const File *file, const char *text)
{
  uint8_t *found = memmem (file->data, file->size, text, strlen (text));

  QE_CHECK (found);
  return found ? found : file->data;
}

/* The value of a key of a fixed size. */
static uint8_t *
value_of (const File *file, const char *key)
{
  return at (file, key) + strlen (key) + 4;
}

static QeStatus
open_file (const File *file, QeVision **vision, QeError *err)
{
  static const char *folder;
  char path[300];

  if (!folder)
    folder = qe_test_folder ();
  snprintf (path, sizeof path, "%s/mmproj.gguf", folder);
  QE_CHECK (qe_test_write (path, file->data, file->size));
  return qe_vision_open (vision, path, NULL, err);
}

/* Opens the file, which must fail with this status and a message that contains `part`; then forgets it. */
static void
refuse (File *file, QeStatus status, const char *part)
{
  QeVision *vision = NULL;
  QeError err = { 0 };

  QE_CHECK_INT (open_file (file, &vision, &err), ==, status);
  QE_CHECK_CONTAINS (err.message, part);
  QE_CHECK (!vision);
  qe_vision_free (vision);
  free (file->data);
}

static void
refuse_number (const char *key, uint32_t value, const char *part)
{
  File file;

  QE_REQUIRE (load_file (&file));
  memcpy (value_of (&file, key), &value, 4);
  refuse (&file, QE_ERROR_FORMAT, part);
}

QE_TEST (impossible_numbers_are_refused)
{
  refuse_number ("clip.vision.block_count", 0, "block_count");
  refuse_number ("clip.vision.block_count", 4, "v.blk.3.");
  refuse_number ("clip.vision.block_count", 0xffffffff, "block_count");
  refuse_number ("clip.vision.embedding_length", 127, "heads");
  refuse_number ("clip.vision.embedding_length", 256, "shape");
  refuse_number ("clip.vision.feed_forward_length", 321, "shape");
  refuse_number ("clip.vision.attention.head_count", 0, "head_count");
  refuse_number ("clip.vision.attention.head_count", 3, "heads");
  refuse_number ("clip.vision.patch_size", 14, "patch_embd");
  refuse_number ("clip.vision.patch_size", 1 << 30, "patch_size");
  refuse_number ("clip.vision.spatial_merge_size", 4, "mm.0");
  refuse_number ("clip.vision.projection_dim", 512, "mm.2");
  refuse_number ("clip.vision.attention.layer_norm_epsilon", 0x7fc00000, "epsilon");
}

static void
refuse_text (const char *from, const char *to, QeStatus status, const char *part)
{
  File file;

  QE_REQUIRE (load_file (&file));
  memcpy (at (&file, from), to, strlen (to));
  refuse (&file, status, part);
}

QE_TEST (other_files_are_refused_by_name)
{
  QeVision *vision = NULL;
  QeError err = { 0 };

  refuse_text ("qwen3vl_merger", "qwen2vl_merger", QE_ERROR_UNSUPPORTED, "qwen2vl_merger");
  refuse_text ("clip.has_vision_encoder", "clip.has_sounds_encoder", QE_ERROR_UNSUPPORTED, "no vision encoder");
  refuse_text ("v.post_ln.weight", "v.past_ln.weight", QE_ERROR_FORMAT, "v.post_ln.weight");
  refuse_text ("v.blk.1.attn_out.bias", "v.blk.1.attn_auf.bias", QE_ERROR_FORMAT, "v.blk.1.attn_out.bias");
  refuse_text ("v.patch_embd.weight.1", "v.patch_embd.weight.2", QE_ERROR_FORMAT, "v.patch_embd.weight.1");
  QE_CHECK_INT (qe_vision_open (&vision, qe_test_data ("goldens/d-vision-F16.gguf"), NULL, &err), ==,
                QE_ERROR_UNSUPPORTED);
  QE_CHECK_CONTAINS (err.message, "qwen35");
  QE_CHECK_INT (qe_vision_open (&vision, qe_test_data ("goldens/d-vision/odd.png"), NULL, &err), ==, QE_ERROR_FORMAT);
  QE_CHECK_INT (qe_vision_open (&vision, "/nowhere/mmproj.gguf", NULL, &err), ==, QE_ERROR_IO);
  QE_CHECK (!vision);
}

QE_TEST (deepstack_is_refused)
{
  const char *key = "clip.vision.is_deepstack_layers";
  File file;

  QE_REQUIRE (load_file (&file));
  value_of (&file, key)[4 + 8 + 1] = 1; /* element type, count, then the second flag */
  refuse (&file, QE_ERROR_UNSUPPORTED, "deepstack");
}

/* A tensor's data are in the order of the header; the last is the table of positions. */
#define POSITIONS_OFFSET 4151040
#define MM2_OFFSET 2838784
#define POSITIONS_BYTES (128 * 576 * 4)

QE_TEST (numbers_that_are_not_finite_are_refused)
{
  const uint32_t nan = 0x7fc00000;
  uint8_t rgb[32 * 32 * 3] = { 0 };
  QeVision *vision = NULL;
  QeImage *image = NULL;
  QeError err = { 0 };
  File file;

  QE_REQUIRE (load_file (&file));
  memcpy (file.data + file.size - 4, &nan, 4);
  refuse (&file, QE_ERROR_FORMAT, "v.position_embd.weight");

  QE_REQUIRE (load_file (&file));
  memcpy (file.data + file.size - POSITIONS_BYTES - POSITIONS_OFFSET + MM2_OFFSET, &nan, 4);
  QE_REQUIRE_OK (open_file (&file, &vision, &err), err);
  QE_CHECK_INT (qe_vision_encode (vision, rgb, 32, 32, 96, 1, NULL, &image, &err), ==, QE_ERROR_NUMERIC);
  QE_CHECK_CONTAINS (err.message, "damaged");
  QE_CHECK (!image);
  qe_vision_free (vision);
  free (file.data);
}

QE_TEST (every_beginning_of_a_file_is_refused)
{
  File file;
  QeVision *vision = NULL;
  QeError err = { 0 };

  QE_REQUIRE (load_file (&file));
  for (size_t n = 0; n < file.size; n += 1 + n / 3) {
    File part = { file.data, n };
    QE_CHECK (open_file (&part, &vision, &err) != QE_OK);
    QE_CHECK (!vision && err.message[0]);
  }
  free (file.data);
}

/* Random damage to a small sound file: QE_MUTATIONS of them (default 2000), the same every time. */
QE_TEST (damaged_files_do_no_harm)
{
  const char *wanted = getenv ("QE_MUTATIONS");
  size_t n = wanted ? strtoul (wanted, NULL, 10) : 2000, n_opened = 0;
  uint8_t rgb[16 * 8 * 3] = { 0 };
  uint64_t seed = 20261123;
  File whole, copy;

  whole.data = qe_test_read (qe_test_data ("../fuzz/corpus/vision/whole.gguf"), &whole.size);
  QE_REQUIRE (whole.data);
  copy = (File) { malloc (whole.size), whole.size };
  for (size_t i = 0; i < n; i++) {
    size_t changes = 1 + qe_test_random (&seed) % 4, header = qe_test_random (&seed) % 8 ? 1888 : whole.size;
    QeVision *vision = NULL;
    QeImage *image = NULL;
    QeError err = { 0 };

    memcpy (copy.data, whole.data, whole.size);
    for (size_t j = 0; j < changes; j++)
      copy.data[qe_test_random (&seed) % header] = (uint8_t) qe_test_random (&seed);
    if (open_file (&copy, &vision, &err) == QE_OK) {
      n_opened++;
      qe_vision_limit_pixels (vision, 4096);
      if (qe_vision_info (vision)->min_pixels <= 1 << 16)
        qe_vision_encode (vision, rgb, 16, 8, 48, 1, NULL, &image, &err);
    } else {
      QE_CHECK (err.message[0]);
    }
    qe_image_free (image);
    qe_vision_free (vision);
  }
  qe_test_note ("%zu of %zu damaged files still open", n_opened, n);
  QE_CHECK (n_opened > 0 && n_opened < n);
  free (copy.data);
  free (whole.data);
}

/* The golden's file with its matrices stored as `type`. The keys are taken over as they are. */
static void
write_as (GgufWriter *w, const File *file, const QeGguf *gguf, QeType type)
{
  const uint8_t *keys_end = at (file, qe_gguf_tensor (gguf, 0)->name) - 8;
  uint64_t offset = 0, n_keys;

  memcpy (&n_keys, file->data + 16, 8);
  gguf_begin (w, 3, qe_gguf_n_tensors (gguf), n_keys);
  gguf_put (w, file->data + 24, (size_t) (keys_end - file->data) - 24);
  for (int pass = 0; pass < 2; pass++)
    for (size_t i = 0; i < qe_gguf_n_tensors (gguf); i++) {
      const QeTensor *t = qe_gguf_tensor (gguf, i);
      QeType stored = t->n_dims == 2 && strcmp (t->name, "v.position_embd.weight") ? type : QE_TYPE_F32;
      size_t n = t->ne[0] * t->ne[1] * t->ne[2] * t->ne[3], bytes = qe_row_bytes (qe_type_traits (stored), n);
      if (pass == 0) {
        gguf_tensor (w, t->name, stored, t->n_dims, t->ne, offset);
        offset += (bytes + 31) / 32 * 32;
      } else {
        uint8_t *out;
        gguf_data (w, bytes);
        out = w->data + w->size - bytes;
        if (stored == QE_TYPE_F32)
          memcpy (out, t->data, bytes);
        else
          qe_quantise (stored, t->data, out, n);
      }
    }
}

static void
check_type (QeType type, double tolerance)
{
  GgufWriter w = { 0 };
  QeTestPicture picture;
  QeVision *vision = NULL;
  QeImage *image = NULL;
  QeGguf *gguf = NULL;
  QeError err = { 0 };
  QeNpy want;
  File file, converted;
  double squares = 0;

  QE_REQUIRE (load_file (&file) && load_picture (&picture, "odd") && load_golden (&want, "odd", "embeddings"));
  QE_REQUIRE_OK (qe_gguf_open (&gguf, qe_test_data (mmproj), true, &err), err);
  write_as (&w, &file, gguf, type);
  converted = (File) { w.data, w.size };
  QE_REQUIRE_OK (open_file (&converted, &vision, &err), err);
  QE_REQUIRE_OK (qe_vision_encode (vision, picture.rgb, 211, 97, 633, 2, NULL, &image, &err), err);
  for (size_t i = 0; i < want.n; i++)
    squares += pow (qe_image_embeddings (image)[i] - want.f32[i], 2);
  qe_test_note ("%s: RMS difference %g (of about 1)", qe_type_traits (type)->name, sqrt (squares / want.n));
  QE_CHECK_FLOAT (sqrt (squares / want.n), 0, tolerance);
  qe_image_free (image);
  qe_vision_free (vision);
  qe_gguf_free (gguf);
  gguf_clear (&w);
  free (file.data);
  qe_npy_clear (&want);
  qe_test_picture_clear (&picture);
}

QE_TEST (weights_of_other_types)
{
  check_type (QE_TYPE_F16, 2e-6); /* holds the golden's weights exactly */
  check_type (QE_TYPE_BF16, 0.02);
  check_type (QE_TYPE_Q8_0, 0.03);
}
