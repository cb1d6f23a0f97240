/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "quern-compare-machine.h"

#include <string.h>

#include "quern-comparison-json.h"
#include "quern-machine.h"

void
quern_compare_machine_set_here (QuernCompareMachine *machine)
{
  g_autofree char *text = NULL, *line = NULL;
  const char *name = NULL;

  if (g_file_get_contents ("/proc/cpuinfo", &text, NULL, NULL) && (name = strstr (text, "model name")) != NULL)
    name = strchr (name, ':');
  line = name ? g_strndup (name + 1, strcspn (name + 1, "\n")) : g_strdup ("");
  quern_compare_machine_clear (machine);
  *machine = (QuernCompareMachine) { g_utf8_make_valid (g_strstrip (line), -1), g_strdup (quern_machine_get_kernels ()),
                                     g_strdup (QUERN_VERSION), quern_machine_get_threads () };
}

void
quern_compare_machine_clear (QuernCompareMachine *machine)
{
  g_clear_pointer (&machine->processor, g_free);
  g_clear_pointer (&machine->kernels, g_free);
  g_clear_pointer (&machine->version, g_free);
}

void
quern_compare_machine_write (const QuernCompareMachine *machine, JsonBuilder *out)
{
  json_builder_set_member_name (out, "machine");
  json_builder_begin_object (out);
  quern_json_add_string (out, "processor", machine->processor);
  quern_json_add_int (out, "threads", machine->threads);
  quern_json_add_string (out, "kernels", machine->kernels);
  quern_json_add_string (out, "quern", machine->version);
  json_builder_end_object (out);
}

/* @out must be empty. */
void
quern_compare_machine_read (JsonObject *object, QuernCompareMachine *out)
{
  *out = (QuernCompareMachine) { g_strdup (quern_json_string (object, "processor", "")),
                                 g_strdup (quern_json_string (object, "kernels", "")),
                                 g_strdup (quern_json_string (object, "quern", "")),
                                 (guint) CLAMP (quern_json_int (object, "threads", 0), 0, 1 << 16) };
}
