/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-md-block.h"

/**
 * quern_md_block_new:
 * @kind: what it is
 * @number: see the kinds; 0 where they say nothing
 * @line: its first line, from 1
 *
 * Returns: (transfer full): a block without text or children
 */
QuernMdBlock *
quern_md_block_new (QuernMdKind kind, int number, guint line)
{
  QuernMdBlock *block = g_new0 (QuernMdBlock, 1);
  block->kind = kind;
  block->number = number;
  block->line = line;
  return block;
}

/**
 * quern_md_block_free:
 * @block: (nullable): frees it and all below
 */
void
quern_md_block_free (QuernMdBlock *block)
{
  if (block == NULL)
    return;
  g_free (block->markup);
  g_free (block->text);
  g_free (block->info);
  g_clear_pointer (&block->formulas, g_array_unref);
  g_clear_pointer (&block->children, g_ptr_array_unref);
  g_free (block);
}

/**
 * quern_md_blocks_new:
 *
 * Returns: (transfer full): an empty list that owns its blocks
 */
GPtrArray *
quern_md_blocks_new (void)
{
  return g_ptr_array_new_with_free_func ((GDestroyNotify) quern_md_block_free);
}
