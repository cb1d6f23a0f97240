/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A saved state of a context: the input is the file itself, or, if it begins with '~', edits of a sound one: groups of
 * four bytes, three of an offset (from the end if the highest bit is set) and one that is xored there. Whatever comes
 * of it, the context has to work afterwards. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "qe.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static QeContext *context;
static uint8_t *sound; /* a saved state */
static size_t sound_size;
static char path[] = "/tmp/fuzz-state-XXXXXX";

static void
remove_file (void)
{
  unlink (path);
  qe_context_free (context);
  free (sound);
}

static void
read_sound (void)
{
  FILE *file = fopen (path, "rb");
  if (!file)
    return;
  fseek (file, 0, SEEK_END);
  sound_size = (size_t) ftell (file);
  rewind (file);
  sound = malloc (sound_size);
  if (!sound || fread (sound, 1, sound_size, file) != sound_size)
    sound_size = 0;
  fclose (file);
}

static void
prepare (void)
{
  static const int32_t tokens[20] = { 5, 9, 17, 2, 8, 44, 3 };
  const char *folder = getenv ("QUERN_TINY_DIR");
  char model_path[1024];
  QeModel *model = NULL;
  QePrompt *prompt = qe_prompt_new ();
  const int fd = mkstemp (path);
  QeError err;
  snprintf (model_path, sizeof model_path, "%s/quern-tiny-Q2_K.gguf", folder ? folder : "data/quern-tiny");
  if (fd < 0 || !prompt || qe_model_open (&model, model_path, NULL, &err) != QE_OK
      || qe_context_new (&context, model, &(QeContextParams) { .n_ctx = 64, .n_threads = 1 }, &err) != QE_OK
      || qe_prompt_add_tokens (prompt, tokens, 10, &err) != QE_OK)
    abort ();
  qe_prompt_mark (prompt);
  if (qe_prompt_add_tokens (prompt, tokens + 10, 10, &err) != QE_OK
      || qe_context_prefill (context, prompt, NULL, NULL, &err) != QE_OK
      || qe_context_save (context, path, &err) != QE_OK)
    abort ();
  read_sound ();
  atexit (remove_file);
  qe_prompt_free (prompt);
  qe_model_free (model);
  close (fd);
}

static void
write_input (const uint8_t *data, size_t size)
{
  FILE *file = fopen (path, "wb");
  if (!file)
    abort ();
  if (size && data[0] == '~') {
    uint8_t *copy = malloc (sound_size);
    memcpy (copy, sound, sound_size);
    for (size_t i = 1; i + 4 <= size; i += 4) {
      const size_t offset = ((size_t) (data[i] & 0x7f) << 16 | (size_t) data[i + 1] << 8 | data[i + 2]) % sound_size;
      copy[data[i] & 0x80 ? sound_size - 1 - offset : offset] ^= data[i + 3];
    }
    fwrite (copy, 1, sound_size, file);
    free (copy);
  } else
    fwrite (data, 1, size, file);
  fclose (file);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  const int32_t token = 7;
  QeError err;
  QeStatus status;
  if (!context)
    prepare ();
  write_input (data, size);
  status = qe_context_restore (context, path, &err);
  if (status != QE_OK && qe_context_length (context) != 0)
    abort (); /* a damaged file leaves the context empty */
  status = qe_context_append (context, &token, 1, NULL, &err);
  if (status != QE_OK && status != QE_ERROR_CONTEXT_FULL && status != QE_ERROR_NUMERIC)
    abort ();
  return 0;
}
