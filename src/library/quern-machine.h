/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* What a computer has for a model. Measured; 0 is "not known". */
typedef struct {
  guint64 memory;   /* bytes that can be taken now, quern_memory_available(); QUERN_MEMORY_UNKNOWN: measured, in vain */
  guint64 disk;     /* bytes free where models are kept */
  double bandwidth; /* bytes per second of a parallel read of memory */
  gint64 measured;  /* when the bandwidth was, in seconds since 1970 */
  gboolean busy;    /* others worked meanwhile: it may be more, and should be measured again */
} QuernMachine;

guint quern_machine_get_threads (void);
const char *quern_machine_get_kernels (void);
void quern_machine_measure_async (GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
gboolean quern_machine_measure_finish (GAsyncResult *result, QuernMachine *machine, GError **error);
char *_quern_machine_dup_processor (void);
void _quern_machine_remember (QuernMachine *machine, gint64 now);

G_END_DECLS
