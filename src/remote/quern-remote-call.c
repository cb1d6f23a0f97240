/* SPDX-License-Identifier: GPL-3.0-or-later */

/* What is asked of a backend, in the form of what is asked of a server. */

#include "config.h"

#include "quern-remote-private.h"

#include <gdk-pixbuf/gdk-pixbuf.h>

#include "quern-request.h"
#include "quern-vision.h"

/* A photograph of a megapixel takes several megabytes as PNG: what is longer goes as JPEG, whose losses nobody sees then. */
#define MOST_PNG_BYTES (1024 * 1024)
#define JPEG_QUALITY "92"
#define PICTURE_MARKS 2 /* tokens around a picture */

static GBytes *
encode (const QuernPixels *pixels, const char **mime_type, GError **error)
{
  g_autoptr (GdkPixbuf)
      whole = gdk_pixbuf_new_from_bytes (pixels->pixels, GDK_COLORSPACE_RGB, FALSE, 8, (int) pixels->width,
                                         (int) pixels->height, (int) pixels->stride);
  g_autoptr (GdkPixbuf) scaled = NULL;
  g_autofree char *png = NULL, *jpeg = NULL;
  gsize size;
  guint width, height;

  quern_vision_scale (pixels->width, pixels->height, &width, &height);
  scaled = width == pixels->width && height == pixels->height
               ? g_object_ref (whole)
               : gdk_pixbuf_scale_simple (whole, (int) width, (int) height, GDK_INTERP_BILINEAR);
  if (!gdk_pixbuf_save_to_buffer (scaled, &png, &size, "png", error, NULL))
    return NULL;
  *mime_type = "image/png";
  if (size <= MOST_PNG_BYTES)
    return g_bytes_new_take (g_steal_pointer (&png), size);
  if (!gdk_pixbuf_save_to_buffer (scaled, &jpeg, &size, "jpeg", error, "quality", JPEG_QUALITY, NULL))
    return NULL;
  *mime_type = "image/jpeg";
  return g_bytes_new_take (g_steal_pointer (&jpeg), size);
}

/* Returns about how many tokens the pictures of the request take, which no server tells without seeing them: 0 where the model
 * cannot see. */
guint
_quern_remote_estimate_pictures (const QuernRequest *request, QuernModel *model)
{
  g_autoptr (GPtrArray) pictures = _quern_request_list_pictures (request);
  guint n = 0;

  for (guint i = 0; i < pictures->len; i++) {
    const QuernPixels *pixels = pictures->pdata[i];
    QuernPicturePlan plan;

    if (quern_vision_plan (model, pixels->width, pixels->height, &plan, NULL))
      n += plan.n_tokens + PICTURE_MARKS;
  }
  return n;
}

static void
set_sampling (QuernServerCall *call, const QuernRequest *request)
{
  const QuernSamplerValues *values = &request->sampler;
  const QuernChosenValues chosen = request->has_sampler ? request->chosen : 0;
  QuernServerSampling sampling = QUERN_SERVER_SAMPLING_DEFAULT;

  if (chosen & QUERN_CHOSE_TEMPERATURE)
    sampling.temperature = values->temperature;
  if (chosen & QUERN_CHOSE_TOP_K)
    sampling.top_k = values->top_k;
  if (chosen & QUERN_CHOSE_TOP_P)
    sampling.top_p = values->top_p;
  if (chosen & QUERN_CHOSE_MIN_P)
    sampling.min_p = values->min_p;
  if (chosen & QUERN_CHOSE_PRESENCE_PENALTY)
    sampling.presence_penalty = values->presence_penalty;
  if (chosen & QUERN_CHOSE_REPETITION_PENALTY)
    sampling.repeat_penalty = values->repetition_penalty;
  quern_server_call_set_sampling (call, &sampling);
  if (chosen & QUERN_CHOSE_SEED)
    quern_server_call_set_seed (call, (gint64) (values->seed & G_MAXINT64));
}

QuernServerCall *
_quern_remote_call_new (const QuernRequest *request, QuernModel *model, QuernServerModel *facts, guint context_size,
                        gboolean with_pictures, GError **error)
{
  static const QuernSpeaker speakers[] = { [QUERN_ROLE_USER] = QUERN_SPEAKER_USER,
                                           [QUERN_ROLE_ASSISTANT] = QUERN_SPEAKER_ASSISTANT,
                                           [QUERN_ROLE_SYSTEM] = QUERN_SPEAKER_SYSTEM };
  g_autoptr (QuernServerCall) call = quern_server_call_new (facts);
  gboolean keeps = facts->keeps_reasoning == QUERN_FACT_YES; /* others drop it, and it may be long */

  for (guint i = 0; i < request->messages->len; i++) {
    const QuernRequestMessage *message = request->messages->pdata[i];

    quern_server_call_add_message (call, speakers[message->role], message->text, keeps ? message->reasoning : NULL);
    for (guint j = 0; with_pictures && j < message->pictures->len; j++) {
      const char *mime_type;
      g_autoptr (GBytes) bytes = encode (message->pictures->pdata[j], &mime_type, error);

      if (bytes == NULL)
        return NULL;
      quern_server_call_add_picture (call, mime_type, bytes);
    }
  }
  if (quern_model_get_info (model)->chat.thinking_switchable)
    quern_server_call_set_thinking (call, request->thinking ? QUERN_THINKING_ON : QUERN_THINKING_OFF);
  if (request->thinking) {
    quern_server_call_set_effort (call, request->effort);
    quern_server_call_set_thinking_budget (call, request->thinking_budget);
  }
  quern_server_call_set_beginning (call, request->begun_reasoning, request->begun_answer);
  quern_server_call_set_max_tokens (call, request->max_tokens);
  quern_server_call_set_context_length (call, context_size);
  quern_server_call_set_schema (call, request->schema);
  set_sampling (call, request);
  return g_steal_pointer (&call);
}
