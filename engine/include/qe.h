/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The Quern engine: runs Qwen 3.5 GGUF files on the CPU. Plain C17, no GLib; the only engine header that src/ includes.
 *
 * Nothing here aborts, exits or prints on bad data: functions that can fail return a QeStatus, set their out-parameters
 * only on success, and describe a failure in an optional QeError. A QeModel may be shared by threads; every other object
 * belongs to one thread at a time. qe_x_free (NULL) is legal for every x.
 *
 * In short:
 *   qe_model_open (&model, path, NULL, &err);
 *   qe_context_new (&ctx, model, NULL, &err);
 *   qe_chat_render (&text, model, messages, n, &options, &err);     // messages -> text with marked spans
 *   qe_chat_prompt (&prompt, model, text, images, n_images, &err);  // -> token and image rows
 *   qe_context_prefill (ctx, prompt, &control, &stats, &err);       // evaluates only what the cache lacks
 *   while (qe_context_step (ctx, sampler, &control, tokens, &n, &err) == QE_OK) ...
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- status ---------------------------------------------------------------------------------------------------- */

typedef enum {
  QE_OK = 0,
  QE_ERROR_IO,           /* the system refused to open, read, write or map */
  QE_ERROR_FORMAT,       /* the data is damaged, or is not what it claims to be */
  QE_ERROR_UNSUPPORTED,  /* sound data of an architecture, type or version that this engine does not run */
  QE_ERROR_MEMORY,       /* an allocation failed */
  QE_ERROR_ARGUMENT,     /* the caller asked for something that makes no sense */
  QE_ERROR_CONTEXT_FULL, /* more rows than the context holds */
  QE_ERROR_CANCELLED,    /* QeControl.cancelled said so */
  QE_ERROR_CHANGED,      /* a mapped file was changed or truncated on disk */
  QE_ERROR_NUMERIC,      /* a result was not finite */
  QE_ERROR_MORE,         /* the data is sound so far but stops early (header parsed from a buffer) */
  QE_END,                /* generation has ended: see qe_context_step() */
} QeStatus;

typedef struct {
  QeStatus status;
  char message[400]; /* one English sentence that says what is wrong, for people */
} QeError;

/* Polled between tokens, prefill slices (at most 64 tokens) and image blocks. All members may be NULL. */
typedef struct {
  bool (*cancelled) (void *data);
  void (*progress) (void *data, uint64_t done, uint64_t total); /* prompt rows evaluated, of those to evaluate */
  void *data;
} QeControl;

/* ---- processor ------------------------------------------------------------------------------------------------- */

/* Threads to use by default: from the affinity mask, the cgroup quota and the number of physical cores. At least 1. */
unsigned qe_cpu_default_threads (void);

/* The kernel set in use, e.g. "avx512-vnni" or "neon-dotprod". Static string. QE_KERNELS=generic|avx2|… in the
 * environment lowers it (for tests). */
const char *qe_cpu_kernels (void);

/* FALSE: what quantised weights are multiplied by is rounded to 8 bits, with a scale for each 32. QE_ACTIVATIONS=f32 forbids it. */
bool qe_cpu_exact_activations (void);

/* Bytes per second of a parallel read of memory with n_threads threads, measured over about 0.3 s. */
double qe_cpu_measure_bandwidth (unsigned n_threads);

/* ---- model ----------------------------------------------------------------------------------------------------- */

typedef struct QeModel QeModel;

/* ---- tuning ---------------------------------------------------------------------------------------------------- */

/* How far ahead weights are best asked for depends on processor and memory, and changes no result. It is the same for the whole
 * process. */

/* One thing that was tried: a format of weights, and how many bytes ahead they were asked for. */
typedef struct {
  const char *format;
  size_t ahead;
  double bytes_per_second;
  bool chosen, by_default; /* by_default: what counts when nothing was measured */
} QeTuneTrial;

/* Measures it with weights of an open model, for a second or two with all threads, and uses what it finds. Formats of which the
 * file has too little keep what they had. tried, which may be NULL, is called for everything that was tried. Any thread; no
 * context should be at work meanwhile. QE_ERROR_CANCELLED: nothing was changed. */
QeStatus qe_model_tune (QeModel *model, unsigned n_threads, const QeControl *control,
                        void (*tried) (void *data, const QeTuneTrial *trial), void *data, QeError *err);

/* True when there is nothing left to measure with this model. Any thread. */
bool qe_model_is_tuned (QeModel *model);

/* What was measured as text, to be kept under the name of the processor, and back: see cpu/qe-tuning.c. */
size_t qe_tuning_write (char *text, size_t size);
bool qe_tuning_read (const char *text);

typedef enum { QE_KV_F16 = 0, QE_KV_Q8_0 = 1, QE_KV_F32 = 2 } QeKvType; /* F32: exact, twice the size of F16 */

/* What a file calls itself and the model that it was made of: the keys general.*, "" when absent. They say which files
 * belong together: the same base model, else the same basename and size label. */
typedef struct {
  char base_model[128]; /* general.base_model.0.name */
  char basename[128], size_label[32], finetune[64], version[32];
  char type[16]; /* general.type: "model", "mmproj", "adapter" */
} QeFileNames;

/* The sampling that a file advises: general.sampling.*, as llama.cpp names the keys. Only values that make sense count
 * as given. */
typedef struct {
  bool has_temperature, has_top_k, has_top_p, has_min_p, has_presence_penalty, has_repetition_penalty;
  float temperature; /* .temp */
  uint32_t top_k;    /* 0: off */
  float top_p, min_p;
  float presence_penalty;   /* .penalty_present */
  float repetition_penalty; /* .penalty_repeat */
} QeFileSampling;

/* How a prompt ends: inside of an open think block, after a closed one, or without any. */
typedef enum { QE_THINK_NONE, QE_THINK_OPEN, QE_THINK_CLOSED } QeThinkEnd;

/* How calls of tools are written: as JSON in <tool_call>, as <function=NAME> in it, or in another way. */
typedef enum { QE_TOOLS_NONE, QE_TOOLS_XML, QE_TOOLS_HERMES, QE_TOOLS_OTHER } QeToolForm;

#define QE_MAX_EFFORTS 8

/* What a file's chat template does, found out by rendering small conversations with it. Without a template, or with one
 * that cannot be used, it is what the built-in layout of Qwen 3.5 does. Like QeModelInfo it holds no pointers, because
 * callers keep it on disk as it is. */
typedef struct {
  bool present;                     /* the file has a template */
  bool usable;                      /* it renders plain conversations; false: the built-in layout is used */
  char problem[400];                /* a sentence that says why it is not usable; "" otherwise */
  QeThinkEnd end;                   /* of a prompt when enable_thinking is not given */
  bool thinking_default;            /* thinks when enable_thinking is not given */
  bool thinking_switchable;         /* enable_thinking makes a difference */
  char efforts[QE_MAX_EFFORTS][12]; /* values of reasoning_effort that make a difference, least first */
  uint32_t n_efforts;               /* 0: the template takes none */
  char effort_default[12];          /* one of them; "" when the template's default is none of them */
  bool keeps_reasoning;             /* of earlier answers, when preserve_thinking is not given */
  bool reasoning_switchable;        /* preserve_thinking makes a difference */
  bool takes_system;                /* a system message at the beginning */
  bool takes_pictures;
  QeToolForm tools; /* QE_TOOLS_NONE: it offers none to the model */
} QeTemplateInfo;

/* What the header of a file says; all that the memory plan needs. Filled from the file alone, never from its name. */
typedef struct {
  char architecture[32]; /* "qwen35", "qwen35moe" */
  char name[128];        /* general.name, "" when absent */
  char quantisation[24]; /* "Q4_K_M": general.file_type where known, else main_type */
  int32_t file_type;     /* general.file_type, -1 when absent; dynamic (UD) files say the number of plain ones */
  char main_type[24];    /* the type that holds most weights */
  QeFileNames names;
  QeFileSampling sampling;
  char size_label[32];        /* "4B", "35B-A3B": derived from the tensors' parameter counts */
  uint64_t parameters;        /* of the language model, without the MTP block */
  uint64_t active_parameters; /* used for one token (differs from parameters for mixtures of experts) */
  uint64_t file_bytes;        /* of all parts */
  uint64_t tensor_bytes;      /* weights of all parts, MTP block included */
  uint64_t decode_bytes;      /* weight bytes read to decode one token */
  uint64_t sketch_bytes;      /* what a sketch of the head takes (QeContextParams.sketch); 0 where none would pay */
  uint64_t sketched_bytes;    /* decode_bytes with that sketch; the same without one */
  uint64_t resident_bytes;    /* weights that generation reads sooner or later: without an embedding table of its own */
  uint64_t mtp_bytes;         /* weights of the MTP block, part of tensor_bytes unless they are a companion's */
  double bits_per_weight;
  uint64_t foreign_bytes; /* tensors that are not of the language model, such as a vision encoder inside the file */
  bool
      has_vision_inside; /* that encoder is there, in Ollama's way; pictures need a vision file (mmproj) all the same */
  uint32_t n_parts;      /* files of a split model, 1 otherwise */
  uint32_t n_layers;     /* trunk layers */
  uint32_t n_full_layers; /* with attention, hence with a KV cache */
  uint32_t n_mtp_layers;  /* 0 also where the file announces a block of which it has no tensor */
  char companion[128];    /* file in the same folder that the MTP block is taken from (“mtp-….gguf”), "" without one */
  uint32_t n_embd, n_ff, n_vocab;
  uint32_t n_ctx_train; /* positions that the file allows, scaling of positions (YaRN, linear) included */
  uint32_t n_heads, n_kv_heads, head_size;
  uint32_t n_key_heads, n_value_heads, state_size, conv_kernel;
  uint32_t n_experts, n_experts_used, n_ff_expert, n_ff_shared;
  bool thinking_default;  /* chat.thinking_default */
  bool has_chat_template; /* chat.present */
  QeTemplateInfo chat;
} QeModelInfo;

typedef struct {
  bool no_prefetch;         /* do not ask the system to read the file ahead */
  const QeControl *control; /* progress of reading ahead, in bytes; may be NULL */
} QeModelParams;

/* Opens a GGUF file (the first part of a split one) read-only and maps it; every length, type, shape and required
 * tensor is checked first. Where the file has no MTP block, that of a companion file of the same model in its folder is
 * used. On success *out is owned by the caller: qe_model_free(). Any thread. params may be NULL.
 * QE_ERROR_FORMAT, QE_ERROR_UNSUPPORTED, QE_ERROR_IO or QE_ERROR_MEMORY on failure. */
QeStatus qe_model_open (QeModel **out, const char *path, const QeModelParams *params, QeError *err);
QeModel *qe_model_ref (QeModel *model); /* any thread */
void qe_model_free (QeModel *model);    /* drops one reference; any thread */
const QeModelInfo *qe_model_info (const QeModel *model);

/* The text of the file's chat template, not NUL-terminated; NULL without one. Lives as long as the model. */
const char *qe_model_chat_template (const QeModel *model, size_t *length);

/* Reads and checks the header of a file on disk, and of a companion beside it, without mapping their weights. */
QeStatus qe_model_probe (const char *path, QeModelInfo *out, QeError *err);

/* The same for the first `size` bytes of a file of `file_size` bytes, e.g. fetched over HTTP. QE_ERROR_MORE while the
 * header is not whole: fetch more and call again. */
QeStatus qe_model_probe_bytes (const void *data, size_t size, uint64_t file_size, QeModelInfo *out, QeError *err);

/* What the header of a vision file (mmproj) says. */
typedef struct {
  char name[128]; /* general.name, "" when absent */
  QeFileNames names;
  uint64_t file_bytes, parameters;
  uint32_t n_embd_out; /* width of the embeddings: must be the n_embd of the language model */
  uint32_t n_layers, n_embd, n_ff, n_heads;
  uint32_t patch_size, merge_size, n_positions;
  uint64_t min_pixels, max_pixels; /* area of a picture after resizing */
} QeVisionInfo;

/* ---- memory plan ----------------------------------------------------------------------------------------------- */

typedef struct {
  uint32_t n_ctx;
  QeKvType kv_type;
  unsigned n_threads;         /* 0: qe_cpu_default_threads() */
  uint64_t checkpoint_bytes;  /* budget for state checkpoints; 0: the default of qe_context_new() */
  const QeVisionInfo *vision; /* of the vision file; NULL without one */
  uint64_t vision_pixels;     /* area of the largest picture to expect, 0: none; only read with vision */
  bool speculative, sketch;
} QePlanParams;

typedef struct { /* bytes */
  uint64_t weights, kv_cache, recurrent_state, compute, checkpoints, vision, tokenizer;
  uint64_t total;
} QeMemoryPlan;

/* What a context of these parameters will hold in memory at its peak, from the header's numbers alone. */
void qe_plan_memory (const QeModelInfo *info, const QePlanParams *params, QeMemoryPlan *out);

/* The largest n_ctx (a multiple of 256) whose plan fits `available` bytes; 0 when none does. */
uint32_t qe_plan_largest_context (const QeModelInfo *info, const QePlanParams *params, uint64_t available);

/* ---- tokenizer ------------------------------------------------------------------------------------------------- */

typedef struct {
  uint32_t start, end;
} QeSpan; /* bytes [start, end) */

/* Encodes UTF-8 text (invalid sequences become U+FFFD). Special tokens are recognised everywhere except inside the
 * `plain` spans (ascending, disjoint): put what users typed there. *out: malloc'd ids, freed with free(); *n_out their
 * number. Never adds a BOS. Any thread. */
QeStatus qe_tokenize (const QeModel *model, const char *text, size_t length, const QeSpan *plain, size_t n_plain,
                      int32_t **out, size_t *n_out, QeError *err);

/* The bytes of one token, not NUL-terminated and perhaps not whole UTF-8; *is_control for tokens such as <|im_end|>
 * that are never shown. NULL for ids out of range. The pointer lives as long as the model. */
const char *qe_token_bytes (const QeModel *model, int32_t id, size_t *length, bool *is_control);
int32_t qe_token_by_text (const QeModel *model, const char *text); /* a special token's id, or -1 */
/* One byte for each of the model's n_vocab ids: 0 for padding, which must never be sampled. Lives as long as the model. */
const uint8_t *qe_sampleable_tokens (const QeModel *model);
bool qe_token_ends_generation (const QeModel *model, int32_t id);
uint64_t qe_vocabulary_hash (const QeModel *model); /* equal hash: logits of two models may be compared */

/* Streaming decoder: whole characters only. */
typedef struct QeDecoder QeDecoder;
QeDecoder *qe_decoder_new (const QeModel *model); /* NULL when out of memory */
void qe_decoder_free (QeDecoder *decoder);
/* Text that became complete with this token (control tokens give ""); valid until the next call. Broken UTF-8 comes out
 * as U+FFFD once it is certain. */
const char *qe_decoder_push (QeDecoder *decoder, int32_t id, size_t *length);
const char *qe_decoder_finish (QeDecoder *decoder, size_t *length); /* what was held back, as U+FFFD */

/* ---- chat ------------------------------------------------------------------------------------------------------ */

typedef enum { QE_ROLE_SYSTEM, QE_ROLE_USER, QE_ROLE_ASSISTANT, QE_ROLE_TOOL } QeRole;
typedef enum { QE_PART_TEXT, QE_PART_IMAGE, QE_PART_VIDEO } QePartKind;

typedef struct {
  QePartKind kind;
  const char *text; /* NUL-terminated; for QE_PART_TEXT */
} QeChatPart;

typedef struct {
  const char *name;
  const char *arguments; /* a JSON object, as text */
  const char *id;        /* what the result refers to; NULL without one */
} QeToolCall;

typedef struct {
  QeRole role;
  const QeChatPart *parts;
  size_t n_parts;
  const char *reasoning; /* assistant: NULL when unknown (then looked for in the text) */
  const QeToolCall *calls;
  size_t n_calls;
  const char *name;    /* tool: of the tool; NULL when unknown */
  const char *call_id; /* tool: of the call whose result this is; NULL when unknown */
} QeChatMessage;

/* A variable of the template that may be left out, so that the template's own default holds. */
typedef enum { QE_UNSET = 0, QE_YES, QE_NO } QeTristate;

typedef struct {
  bool add_generation_prompt;
  bool add_vision_id; /* "Picture 1: " before each picture */
  QeTristate enable_thinking;
  QeTristate preserve_thinking; /* keep the reasoning of earlier answers */
  const char *reasoning_effort; /* one of QeTemplateInfo.efforts; NULL: the template's default */
  const char *const *tools;     /* JSON of each tool */
  size_t n_tools;
  const char *variables; /* a JSON object with more variables for the template; NULL: none */
  int64_t now;           /* the time for templates that ask for it, in seconds since 1970; 0: the computer's */
} QeChatOptions;

/* What a chat template renders. `plain` marks what came from messages, not from the template. */
typedef struct {
  char *text;
  size_t length;
  QeSpan *plain;
  size_t n_plain;
  size_t n_images; /* <|image_pad|> placeholders outside plain spans, one for each picture, in order */
  QeThinkEnd end;  /* QE_THINK_OPEN: what is generated begins as reasoning */
} QeChatText;

/* Renders with the model's own template; with the built-in layout of Qwen 3.5 when model is NULL, or when its template
 * cannot be used (QeTemplateInfo.usable). Any thread. QE_ERROR_ARGUMENT with one sentence when the template refuses the
 * conversation, or when JSON in it is broken. On success *out is the caller's: qe_chat_text_clear(). */
QeStatus qe_chat_render (QeChatText *out, const QeModel *model, const QeChatMessage *messages, size_t n_messages,
                         const QeChatOptions *options, QeError *err);
/* The same for a conversation as OpenAI's API takes it: a JSON object with `messages`, perhaps `tools`, and any other
 * members, each of which becomes a variable of that name. Arguments of calls may be objects or JSON texts. What the
 * object says goes before what options says. */
QeStatus qe_chat_render_json (QeChatText *out, const QeModel *model, const char *json, size_t length,
                              const QeChatOptions *options, QeError *err);
void qe_chat_text_clear (QeChatText *text);

/* Splits generated text into reasoning, answer and tool calls as it streams. Feed tokens, because the tags are tokens. */
typedef struct QeOutputParser QeOutputParser;
typedef enum {
  QE_OUT_REASONING,
  QE_OUT_ANSWER,
  QE_OUT_CALL,      /* a call of a tool begins; the text is the tool's name */
  QE_OUT_ARGUMENTS, /* more of the JSON of its arguments, an object */
  QE_OUT_CALL_END,  /* the arguments are whole; no text */
} QeOutputKind;
typedef void (*QeOutputFunc) (void *data, QeOutputKind kind, const char *text, size_t length);
/* thinking: the prompt ended inside a think block (QeChatText.end); else reasoning begins when the model opens one. Calls
 * are understood in both forms, Qwen's and Hermes's, because models mix them up. They come out while they are written; a
 * call that the end cuts off has no QE_OUT_CALL_END. Line ends at the beginning and end of reasoning and answer are left
 * out; a block that is no call comes out as text. NULL when out of memory. */
QeOutputParser *qe_output_parser_new (const QeModel *model, bool thinking, QeOutputFunc func, void *data);
/* The tools that the prompt offered (their JSON), so that arguments get the types that these declare. Optional.
 * QE_ERROR_FORMAT when one is not JSON. */
QeStatus qe_output_parser_set_tools (QeOutputParser *parser, const char *const *tools, size_t n_tools, QeError *err);
void qe_output_parser_push (QeOutputParser *parser, int32_t token);
void qe_output_parser_finish (QeOutputParser *parser);
bool qe_output_parser_in_reasoning (const QeOutputParser *parser);
void qe_output_parser_free (QeOutputParser *parser);

/* ---- vision ---------------------------------------------------------------------------------------------------- */

typedef struct QeVision QeVision; /* an mmproj file */
typedef struct QeImage QeImage;   /* embeddings of one picture; reference counted */

typedef struct {
  uint32_t width, height; /* after resizing, in pixels */
  uint32_t columns, rows; /* in tokens */
  uint32_t n_tokens;      /* columns * rows */
} QeImagePlan;

/* Reads and checks the header of a vision file without mapping its weights. */
QeStatus qe_vision_probe (const char *path, QeVisionInfo *out, QeError *err);

/* Opens a vision file, mapped read-only, for use with `model` (NULL: with any). On success *out is owned by the caller:
 * qe_vision_free(). May be shared by threads. QE_ERROR_ARGUMENT when its embeddings do not fit the model. */
QeStatus qe_vision_open (QeVision **out, const char *path, const QeModel *model, QeError *err);
void qe_vision_free (QeVision *vision);
const QeVisionInfo *qe_vision_info (const QeVision *vision);

/* Lowers the largest area of a picture after resizing, because time grows with the square of it: at most 1024 tokens,
 * for instance, with 1024 * 1024. 0 restores the file's own limit. To be called before the vision file is shared. */
void qe_vision_limit_pixels (QeVision *vision, uint64_t max_pixels);

/* How a picture of this size would be resized and what it costs. QE_ERROR_ARGUMENT when it is empty or too elongated. */
QeStatus qe_vision_plan (const QeVision *vision, uint32_t width, uint32_t height, QeImagePlan *out, QeError *err);

/* Bytes that encoding a picture of `pixels` (area after resizing) holds at its peak, the file itself included. */
uint64_t qe_vision_memory (const QeVisionInfo *info, uint64_t pixels, unsigned n_threads);

/* Resizes and encodes 8-bit RGB pixels (rows of `stride` bytes). Slow: seconds; control is polled, its progress counts
 * layers. The result does not depend on n_threads (0: qe_cpu_default_threads()). */
QeStatus qe_vision_encode (QeVision *vision, const uint8_t *rgb, uint32_t width, uint32_t height, size_t stride,
                           unsigned n_threads, const QeControl *control, QeImage **out, QeError *err);
QeImage *qe_image_ref (QeImage *image);
void qe_image_free (QeImage *image);
const QeImagePlan *qe_image_plan (const QeImage *image);

/* ---- prompt ---------------------------------------------------------------------------------------------------- */

/* The rows that a context is to hold: tokens and pictures, in order. */
typedef struct QePrompt QePrompt;
QePrompt *qe_prompt_new (void); /* NULL when out of memory */
void qe_prompt_free (QePrompt *prompt);
QeStatus qe_prompt_add_tokens (QePrompt *prompt, const int32_t *ids, size_t n, QeError *err);
QeStatus qe_prompt_add_image (QePrompt *prompt, QeImage *image, QeError *err); /* takes a reference */
/* A good place to return to later (end of the system prompt, of a user message): keep a checkpoint here. */
void qe_prompt_mark (QePrompt *prompt);
size_t qe_prompt_length (const QePrompt *prompt); /* rows */

/* Tokenises rendered chat text and puts the pictures where its placeholders are (with their rows), marking the places
 * worth a checkpoint. QE_ERROR_ARGUMENT if n_images differs from text->n_images. */
QeStatus qe_chat_prompt (QePrompt **out, const QeModel *model, const QeChatText *text, QeImage *const *images,
                         size_t n_images, QeError *err);

/* ---- sampler --------------------------------------------------------------------------------------------------- */

typedef struct {
  int32_t token;
  float bias; /* added to its logit, before anything else; -100 or less: never */
} QeLogitBias;

typedef struct {
  float temperature;        /* 0: greedy */
  uint32_t top_k;           /* 0: off */
  float top_p;              /* 1: off */
  float min_p;              /* 0: off */
  float presence_penalty;   /* subtracted once from each token generated so far; 0: off */
  float frequency_penalty;  /* subtracted as often as a token was generated so far; 0: off */
  float repetition_penalty; /* 1: off */
  uint64_t seed;
  const QeLogitBias *biases; /* [n_biases]: copied; a token named twice gets both */
  size_t n_biases;
} QeSamplerParams;

/* The values to begin with: those of the file (QeModelInfo.sampling), and where it gives none those that the family's
 * model cards recommend for a model of this size in this mode. */
void qe_sampler_defaults (const QeModelInfo *info, bool thinking, bool with_images, QeSamplerParams *out);

/* Draw t depends on seed and t only, and picks by inverse CDF in token-id order, so that equal distributions give equal
 * texts whatever the machine or the number of threads. */
typedef struct QeSampler QeSampler;
QeStatus qe_sampler_new (QeSampler **out, const QeSamplerParams *params, QeError *err);
void qe_sampler_free (QeSampler *sampler);
void qe_sampler_reset (QeSampler *sampler); /* forgets what was generated, draw 0 next */
/* Picks from logits [n_vocab] (unchanged); allowed: optional mask, one byte for each id, 0 forbids (grammar hook, and
 * qe_sampleable_tokens()). The same pick again until something is accepted. -1 when no allowed logit is finite, or
 * when out of memory. */
int32_t qe_sampler_pick (QeSampler *sampler, const float *logits, size_t n_vocab, const uint8_t *allowed);
void qe_sampler_accept (QeSampler *sampler, int32_t token); /* counts it for the penalties and moves to the next draw */

/* ---- grammar --------------------------------------------------------------------------------------------------- */

/* What an answer must look like, as an automaton over bytes. It follows one text at a time, so no two samplers may use one
 * at once; it belongs to one thread. */
typedef struct QeGrammar QeGrammar;

/* Compiles a grammar in llama.cpp's notation (GBNF): rules, literals, classes, alternatives, groups, * + ? {m,n} and
 * comments, and <NAME> for a token with a meaning of its own; the rule `root` is the whole text. The model must outlive
 * the grammar; with NULL the grammar is checked and serves for nothing else. QE_ERROR_FORMAT names the line of a mistake;
 * QE_ERROR_UNSUPPORTED a rule that begins with itself, or what is too large; QE_ERROR_ARGUMENT: no text can follow the
 * grammar, or the model lacks a token that it names. On success *out is the caller's: qe_grammar_free(). */
QeStatus qe_grammar_from_gbnf (QeGrammar **out, const QeModel *model, const char *text, size_t length, QeError *err);
/* The same from a JSON schema: what OpenAI's strict mode takes, and pattern, format, ranges of integers and more
 * (sampler/qe-schema.c has the list). Everything that the grammar admits is valid under the schema; members come in its
 * order, and none that it does not name unless additionalProperties is there. {"type": "object"} is any JSON object.
 * QE_ERROR_UNSUPPORTED names the keyword that cannot be had and where it is; QE_ERROR_FORMAT what is wrong. */
QeStatus qe_grammar_from_schema (QeGrammar **out, const QeModel *model, const char *json, size_t length, QeError *err);
/* Calls of tools, and nothing else. Arguments follow the schemas of the tools as far as these can be had: what cannot be had
 * stands for any value, so that no tool is refused. */
typedef struct {
  const char *const *tools; /* [n_tools]: JSON of each, as in QeChatOptions */
  size_t n_tools;
  QeToolForm form;    /* QeTemplateInfo.tools; QE_ERROR_UNSUPPORTED unless it is _XML or _HERMES */
  const char *name;   /* only this tool is called; NULL: any */
  bool parallel;      /* several calls may come, one behind the other */
  bool open;          /* the text begins behind the first <tool_call>, for qe_sampler_set_grammar() with that token */
  const char *schema; /* the text may be JSON under this schema instead; NULL: it may not */
} QeToolRules;
QeStatus qe_grammar_from_tools (QeGrammar **out, const QeModel *model, const QeToolRules *rules, QeError *err);
void qe_grammar_free (QeGrammar *grammar);

/* Lets the sampler pick only what the grammar admits, and end only where it may end: from the beginning of a text if `after`
 * is -1, else once the token `after` (which closes a think block) was accepted, behind which up to two line ends may
 * come. qe_sampler_reset() goes back to that. The grammar is borrowed; NULL takes it off. If nothing can be picked,
 * qe_sampler_problem() says whether the grammar is why. */
void qe_sampler_set_grammar (QeSampler *sampler, QeGrammar *grammar, int32_t after);
QeStatus qe_sampler_problem (const QeSampler *sampler, QeError *err); /* QE_OK if there is none */

/* ---- context --------------------------------------------------------------------------------------------------- */

typedef struct QeContext QeContext;

typedef struct {
  uint32_t n_ctx;     /* rows; 0: the smaller of the file's and 4096 */
  unsigned n_threads; /* 0: qe_cpu_default_threads() */
  QeKvType kv_type;
  uint64_t checkpoint_bytes; /* budget; 0: enough for 4 checkpoints; UINT64_MAX: none */
  bool speculative;          /* draft with the MTP block or by prompt lookup, where it pays */
  bool sketch; /* work out only logits that may be chosen, where it pays: takes QeModelInfo.sketch_bytes */
} QeContextParams;

typedef struct {
  size_t prompt_rows;       /* of the whole prompt */
  size_t evaluated, reused; /* rows; their sum is prompt_rows */
  double seconds;
} QePrefillStats;

typedef struct {
  uint64_t steps, drafted, accepted; /* speculative decoding */
  uint64_t sketched;                 /* steps that left logits to a sketch */
} QeDecodeStats;

QeStatus qe_context_new (QeContext **out, QeModel *model, const QeContextParams *params, QeError *err);
void qe_context_free (QeContext *context);
uint32_t qe_context_size (const QeContext *context); /* n_ctx */
unsigned qe_context_threads (const QeContext *context);
size_t qe_context_length (const QeContext *context); /* rows in the cache */

/* Makes the cache hold exactly `prompt`, evaluating only rows after the longest reusable beginning (the newest
 * checkpoint at or before the common prefix), and leaves the logits of the last row ready. On QE_ERROR_CANCELLED the
 * cache holds a beginning of the prompt and stays usable. QE_ERROR_CONTEXT_FULL says by how many rows. */
QeStatus qe_context_prefill (QeContext *context, const QePrompt *prompt, const QeControl *control,
                             QePrefillStats *stats, QeError *err);

/* Samples the next token from the ready logits and evaluates it, more than one where a draft was accepted.
 * tokens: room for QE_STEP_MAX. QE_END: *n tokens, the last of which ends generation (it is not evaluated).
 * QE_ERROR_CONTEXT_FULL: no room for another row; *n is 0. */
#define QE_STEP_MAX 16
QeStatus qe_context_step (QeContext *context, QeSampler *sampler, const QeControl *control, int32_t *tokens, size_t *n,
                          QeError *err);

/* One context's part of qe_contexts_step(). */
typedef struct {
  QeContext *context;
  QeSampler *sampler;
  const QeControl *control;    /* may be NULL */
  int32_t tokens[QE_STEP_MAX]; /* out, and what follows, too */
  size_t n;
  QeStatus status; /* what qe_context_step() would return */
  QeError error;   /* where it is a failure */
} QeContextStep;

/* Makes a step of each of n contexts of one model, which are all different, and reads the weights once for up to
 * QE_STEPS_TOGETHER of them. Each gets, bit for bit, what it would get alone, and fails alone; only drafts are left out where
 * there are others. The caller owns all of the contexts meanwhile. */
#define QE_STEPS_TOGETHER 8
void qe_contexts_step (QeContextStep *steps, size_t n);

/* Whether a step makes one token and no more, so that qe_context_logits() tells of each what it was drawn from. Off at first. */
void qe_context_set_one_by_one (QeContext *context, bool one_by_one);

/* Appends given tokens as if they had been generated (used to close a think block); leaves logits ready. */
QeStatus qe_context_append (QeContext *context, const int32_t *tokens, size_t n, const QeControl *control,
                            QeError *err);

/* [n_vocab] of the last row; NULL before any prefill, or if they are not numbers. Works them out where a sketch spared it. */
const float *qe_context_logits (QeContext *context);
void qe_context_decode_stats (const QeContext *context, QeDecodeStats *out);

/* Two rows of logits [n] of the same position, in double precision; p's is the reference. Equal rows have a divergence of
 * exactly 0. */
typedef struct {
  double log_sum_p, log_sum_q; /* ln of the sum of e^logit: ln P(v) = p[v] - log_sum_p */
  double divergence;           /* sum over v of P(v) (ln P(v) - ln Q(v)), nats */
} QeLogitsCompared;
/* false: a logit is infinite or no number. */
bool qe_logits_compare (const float *p, const float *q, size_t n, QeLogitsCompared *out);

/* Empties the cache, evaluates tokens [0, n) and calls func with the logits of every row in [first, n). For scoring. */
typedef bool (*QeScoreFunc) (void *data, size_t row, const float *logits); /* false: stop */
QeStatus qe_context_score (QeContext *context, const int32_t *tokens, size_t n, size_t first, QeScoreFunc func,
                           void *data, const QeControl *control, QeError *err);

/* The cache, its tokens and recurrent state on disk. Written to a temporary name and renamed. Restoring checks that the
 * file belongs to the same weights and settings; a damaged file leaves the context empty and usable. */
QeStatus qe_context_save (QeContext *context, const char *path, QeError *err);
QeStatus qe_context_restore (QeContext *context, const char *path, QeError *err);

#ifdef __cplusplus
}
#endif
