/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quern-cancel-chain.h"

static void
outer_cb (GCancellable *outer, gpointer own)
{
  g_cancellable_cancel (own);
}

void
quern_cancel_chain_init (QuernCancelChain *chain, GCancellable *outer)
{
  *chain = (QuernCancelChain) { g_cancellable_new (), outer ? g_object_ref (outer) : NULL, 0 };
  if (outer)
    chain->outer_id = g_cancellable_connect (outer, G_CALLBACK (outer_cb), g_object_ref (chain->own), g_object_unref);
}

void
quern_cancel_chain_cut (QuernCancelChain *chain)
{
  if (chain->outer_id)
    g_cancellable_disconnect (chain->outer, chain->outer_id);
  chain->outer_id = 0;
}

void
quern_cancel_chain_clear (QuernCancelChain *chain)
{
  quern_cancel_chain_cut (chain);
  g_clear_object (&chain->outer);
  g_clear_object (&chain->own);
}
