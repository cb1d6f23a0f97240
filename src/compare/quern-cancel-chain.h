/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* A run has its own cancellable, so that the run can be stopped by itself. Cancelling the caller's cancels it too. */
typedef struct {
  GCancellable *own;
  GCancellable *outer; /* or NULL */
  gulong outer_id;
} QuernCancelChain;

void quern_cancel_chain_init (QuernCancelChain *chain, GCancellable *outer);
void quern_cancel_chain_cut (QuernCancelChain *chain); /* call it when the run has ended */
void quern_cancel_chain_clear (QuernCancelChain *chain);

G_END_DECLS
