/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Where emphasis may begin and end beside Chinese, Japanese and Korean characters.
 *
 * CommonMark lets a run of asterisks begin emphasis only if it is "left-flanking", and end it only if it is
 * "right-flanking". Both look for spaces around punctuation, which these languages do not write: in **「太字」**です the
 * second run cannot end anything. The remedy that Markdown's implementations agree on: punctuation prevents flanking
 * neither if it is Chinese, Japanese or Korean, nor beside such a character. A mark between the run and the punctuation,
 * which cmark-gfm takes for a letter, has the same effect. */

#include "quern-md-flanking.h"

static gboolean
quern_md_flanking_is_cjk (gunichar c)
{
  if ((c >= 0x2e80 && c <= 0x303e) || (c >= 0xfe30 && c <= 0xfe4f) || (c >= 0xff00 && c <= 0xffef))
    return TRUE; /* radicals, and punctuation in forms as wide as the letters, or half as wide */
  switch ((int) g_unichar_get_script (c)) {
  case G_UNICODE_SCRIPT_HAN:
  case G_UNICODE_SCRIPT_HIRAGANA:
  case G_UNICODE_SCRIPT_KATAKANA:
  case G_UNICODE_SCRIPT_HANGUL:
  case G_UNICODE_SCRIPT_BOPOMOFO:
  case G_UNICODE_SCRIPT_YI:
  case G_UNICODE_SCRIPT_TANGUT:
  case G_UNICODE_SCRIPT_NUSHU: return TRUE;
  default: return c == 0x30fb || c == 0x30fc || (c >= 0x3200 && c <= 0x33ff);
  }
}

static gboolean
quern_md_flanking_is_space (gunichar c)
{
  return c == 0 || g_unichar_isspace (c);
}

/**
 * quern_md_flanking_find_mark:
 * @before: the character in front of a run of asterisks or tildes, 0 at the beginning of the text
 * @after: the one behind it, 0 at the end
 *
 * Returns: where a mark is needed: %QUERN_MD_MARK_BEFORE the run, %QUERN_MD_MARK_BEHIND it, or %QUERN_MD_NO_MARK
 */
QuernMdMark
quern_md_flanking_find_mark (gunichar before, gunichar after)
{
  gboolean punctuation_before = before != 0 && g_unichar_ispunct (before);
  gboolean punctuation_behind = after != 0 && g_unichar_ispunct (after);

  if (quern_md_flanking_is_space (before) || quern_md_flanking_is_space (after)
      || punctuation_before == punctuation_behind)
    return QUERN_MD_NO_MARK; /* it flanks, or does not, with this rule and without */
  if (!quern_md_flanking_is_cjk (before) && !quern_md_flanking_is_cjk (after))
    return QUERN_MD_NO_MARK;
  return punctuation_before ? QUERN_MD_MARK_BEFORE : QUERN_MD_MARK_BEHIND;
}
