/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* A cancellable of a run's own, which is cancelled with its caller's, too. */
typedef struct {
  GCancellable *own;
  GCancellable *outer; /* or NULL */
  gulong outer_id;
} QuernCancelChain;

void quern_cancel_chain_init  (QuernCancelChain *chain, GCancellable *outer);
void quern_cancel_chain_cut   (QuernCancelChain *chain); /* the run has ended: the caller's matters no more */
void quern_cancel_chain_clear (QuernCancelChain *chain);

G_END_DECLS
