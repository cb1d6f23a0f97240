/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Parses growing Markdown. In CommonMark a later top-level block closes the one before for good, and parsing from the
 * first line of a block gives the same blocks as parsing everything. So all blocks but the last are frozen, and only
 * the text from the last block on (the tail) is parsed again when more arrives.
 *
 * Two cases need care. An incomplete line may still turn into something else ("1" into "1. item", which continues the
 * list above), so only complete lines quern_md_stream_freeze anything. And link definitions ("[name]: address") apply across blocks: a
 * text with a definition is always parsed as a whole, so that the result does not depend on how the text arrived. */

#include "quern-md-stream.h"

#include "quern-md-formula.h"

#include <string.h>

#define MAX_LABEL 1000 /* bytes of a link definition's name, as CommonMark has it */

struct _QuernMdStream {
  GString *text; /* without carriage returns */
  char *source;  /* the text as it was last given */
  gsize source_length;
  gsize tail;     /* byte offset in text of the first block that is not frozen */
  guint n_frozen; /* number of frozen blocks */
  GPtrArray *blocks;
  gboolean has_definitions;
  gsize undecided;      /* byte offset in text of the first line that may still become a definition */
  gsize parsed_length;  /* bytes of text at the last update */
  gboolean parsed_open; /* more text was expected then */
  gsize frozen_length;  /* bytes of text up to the line end that quern_md_stream_freeze() last saw */
};

/**
 * quern_md_stream_new:
 *
 * Returns: (transfer full): an empty stream; free it with quern_md_stream_free()
 */
QuernMdStream *
quern_md_stream_new (void)
{
  QuernMdStream *self = g_new0 (QuernMdStream, 1);
  self->text = g_string_new (NULL);
  self->source = g_strdup ("");
  self->blocks = quern_md_blocks_new ();
  return self;
}

void
quern_md_stream_free (QuernMdStream *self)
{
  if (self == NULL)
    return;
  g_string_free (self->text, TRUE);
  g_free (self->source);
  g_ptr_array_unref (self->blocks);
  g_free (self);
}

static void
quern_md_stream_thaw (QuernMdStream *self)
{
  self->tail = 0;
  self->n_frozen = 0;
  self->frozen_length = 0;
}

/* Skips the marks of quotes, items and tasks, which may contain a definition. */
static const char *
quern_md_stream_skip_containers (const char *p)
{
  for (;;) {
    const char *digits;
    p += strspn (p, " \t>-+*");
    digits = p + strspn (p, "0123456789");
    if (p[0] == '[' && p[1] != '\0' && strchr (" xX", p[1]) != NULL && p[2] == ']' && p[3] == ' ')
      p += 3;
    else if (digits > p && (*digits == '.' || *digits == ')'))
      p = digits + 1;
    else
      return digits > p && *digits == '\0' ? digits : p; /* the number may still become an item's */
  }
}

typedef enum { DEFINES_NOT, DEFINES, UNDECIDED } Definition;

/* Decides whether a line may begin a link definition, "[name]: …". It may be wrong where another rule applies, which
 * does no harm. The name may continue on the next lines. */
static Definition
quern_md_stream_look_for_definition (const char *line)
{
  const char *p = quern_md_stream_skip_containers (line), *start = p + 1;

  if (*p == '\0')
    return UNDECIDED;
  if (*p != '[')
    return DEFINES_NOT;
  for (p = start; *p != '\0' && *p != '[' && *p != ']' && p - start <= MAX_LABEL; p++)
    if (*p == '\\' && p[1] != '\0')
      p++;
  if (*p == '\0' || (*p == ']' && p[1] == '\0'))
    return UNDECIDED;
  return *p == ']' && p[1] == ':' ? DEFINES : DEFINES_NOT;
}

/* Checks the lines that were added since the last time. */
static gboolean
quern_md_stream_find_definition (QuernMdStream *self)
{
  gboolean decided = TRUE;

  for (const char *line = self->text->str + self->undecided; *line != '\0';) {
    const char *newline = strchr (line, '\n');
    Definition definition = quern_md_stream_look_for_definition (line);
    if (definition == DEFINES)
      return TRUE;
    decided = decided && definition == DEFINES_NOT && newline != NULL;
    if (newline == NULL)
      break;
    line = newline + 1;
    if (decided)
      self->undecided = line - self->text->str;
  }
  return FALSE;
}

/**
 * quern_md_stream_set_text:
 * @text: the whole text so far
 *
 * Cheap when @text only grew; anything else starts over. Call quern_md_stream_update() for the blocks.
 */
void
quern_md_stream_set_text (QuernMdStream *self, const char *text)
{
  gsize length = strlen (text), start = self->source_length;

  if (length < start || memcmp (text, self->source, start) != 0) {
    g_string_truncate (self->text, 0);
    self->has_definitions = FALSE;
    self->undecided = 0;
    self->parsed_length = G_MAXSIZE;
    quern_md_stream_thaw (self);
    start = 0;
  }
  if (length == self->source_length && start == length)
    return;
  for (const char *p = text + start; *p != '\0'; p++) {
    if (*p != '\r')
      g_string_append_c (self->text, *p);
  }
  g_free (self->source);
  self->source = g_strndup (text, length);
  self->source_length = length;
  if (!self->has_definitions && quern_md_stream_find_definition (self)) {
    self->has_definitions = TRUE;
    quern_md_stream_thaw (self);
  }
}

static gsize
quern_md_stream_offset_of_line (const char *text, gsize length, guint line)
{
  const char *p = text, *end = text + length;
  for (guint i = 1; i < line && p < end; i++) {
    const char *newline = memchr (p, '\n', end - p);
    p = newline != NULL ? newline + 1 : end;
  }
  return p - text;
}

/* Sets the offsets of the blocks that were parsed from the tail. A block without a line of its own begins with the
 * block below. */
static void
quern_md_stream_place (QuernMdStream *self, GPtrArray *blocks)
{
  const char *tail = self->text->str + self->tail;
  gsize length = self->text->len - self->tail, below = length;

  for (guint i = blocks->len; i-- > 0;) {
    QuernMdBlock *block = g_ptr_array_index (blocks, i);
    if (block->line > 0)
      below = quern_md_stream_offset_of_line (tail, length, block->line);
    block->offset = self->tail + below;
  }
}

static guint
quern_md_stream_line_of (GPtrArray *blocks, guint i)
{
  return ((QuernMdBlock *) g_ptr_array_index (blocks, i))->line;
}

/* Returns the index of the first block that is not closed: the last one, or the paragraph right above a table if it has
 * no line of its own (cmark-gfm splits a paragraph whose last lines turn out to be a table, and gives the line to the
 * table). */
static guint
quern_md_stream_first_open (GPtrArray *blocks)
{
  guint i = blocks->len - 1, line = quern_md_stream_line_of (blocks, i);
  while (i > 0) {
    gboolean table = ((QuernMdBlock *) g_ptr_array_index (blocks, i))->kind == QUERN_MD_TABLE;
    if (quern_md_stream_line_of (blocks, i - 1) == 0 ? !table : quern_md_stream_line_of (blocks, i - 1) < line)
      break;
    i--;
  }
  return i;
}

/* Freezes the blocks that complete lines have closed. */
static void
quern_md_stream_freeze (QuernMdStream *self)
{
  const char *tail = self->text->str + self->tail;
  const char *last_newline = strrchr (tail, '\n');
  g_autoptr (GPtrArray) blocks = NULL;
  guint n;

  if (self->has_definitions || last_newline == NULL || (gsize) (last_newline - self->text->str) == self->frozen_length)
    return;
  self->frozen_length = last_newline - self->text->str;
  blocks = quern_md_parse (tail, last_newline + 1 - tail, TRUE);
  n = blocks->len > 1 ? quern_md_stream_first_open (blocks) : 0;
  if (n == 0
      || quern_md_formula_spans (tail, last_newline + 1 - tail, quern_md_stream_line_of (blocks, blocks->len - 1)))
    return;
  quern_md_stream_place (self, blocks);
  g_ptr_array_set_size (self->blocks, self->n_frozen);
  self->tail += quern_md_stream_offset_of_line (tail, last_newline + 1 - tail,
                                                quern_md_stream_line_of (blocks, blocks->len - 1));
  for (guint i = 0; i < n; i++)
    g_ptr_array_add (self->blocks, g_steal_pointer (&blocks->pdata[i]));
  self->n_frozen = self->blocks->len;
}

/**
 * quern_md_stream_update:
 * @finished: no more text will come
 *
 * Parses what is new.
 *
 * Returns: the index of the first block that may differ from before
 */
guint
quern_md_stream_update (QuernMdStream *self, gboolean finished)
{
  guint first = self->n_frozen;
  g_autoptr (GPtrArray) blocks = NULL;

  if (self->parsed_length == self->text->len && self->parsed_open == !finished)
    return self->blocks->len;
  if (!finished)
    quern_md_stream_freeze (self);
  g_ptr_array_set_size (self->blocks, self->n_frozen);
  blocks = quern_md_parse (self->text->str + self->tail, self->text->len - self->tail, !finished);
  quern_md_stream_place (self, blocks);
  for (guint i = 0; i < blocks->len; i++)
    g_ptr_array_add (self->blocks, g_steal_pointer (&blocks->pdata[i]));
  self->parsed_length = self->text->len;
  self->parsed_open = !finished;
  return first;
}

/**
 * quern_md_stream_get_blocks:
 *
 * Returns: (transfer none) (element-type QuernMdBlock): all blocks, as of the last update
 */
GPtrArray *
quern_md_stream_get_blocks (QuernMdStream *self)
{
  return self->blocks;
}

/**
 * quern_md_stream_dup_source:
 * @first: index of a block
 * @last: index of one at or below it
 *
 * Returns: (transfer full): the Markdown of these blocks and what is between them
 */
char *
quern_md_stream_dup_source (QuernMdStream *self, guint first, guint last)
{
  gsize start, end;

  g_return_val_if_fail (first <= last && last < self->blocks->len, NULL);

  start = ((QuernMdBlock *) g_ptr_array_index (self->blocks, first))->offset;
  end = last + 1 < self->blocks->len ? ((QuernMdBlock *) g_ptr_array_index (self->blocks, last + 1))->offset
                                     : self->text->len;
  return g_strchomp (g_strndup (self->text->str + start, MAX (start, end) - start));
}
