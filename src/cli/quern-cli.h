/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gio/gio.h>
#include <json-glib/json-glib.h>
#include <stdio.h>

#include "quern-backend.h"
#include "quern-hub-repo.h"
#include "quern-library.h"
#include "quern-measure.h"
#include "quern-picture.h"

G_BEGIN_DECLS

/* quern-cli: one file for each command, named in the table of quern-cli.c. A command gets its own arguments, its name
 * first, and returns the exit code: answers go to stdout, everything else to stderr. */

enum { QUERN_CLI_OK = 0, QUERN_CLI_FAILED = 1, QUERN_CLI_USAGE = 2, QUERN_CLI_INTERRUPTED = 130 };

int quern_cli_bench (int argc, char **argv);
int quern_cli_chat (int argc, char **argv);
int quern_cli_compare (int argc, char **argv);
int quern_cli_eval (int argc, char **argv);
int quern_cli_import (int argc, char **argv);
int quern_cli_list (int argc, char **argv);
int quern_cli_pull (int argc, char **argv);
int quern_cli_remove (int argc, char **argv);
int quern_cli_search (int argc, char **argv);
int quern_cli_serve (int argc, char **argv);
int quern_cli_servers (int argc, char **argv);
int quern_cli_show (int argc, char **argv);
int quern_cli_sweep (int argc, char **argv);

/* Parses a command's options; what is left in argv are its arguments. Returns QUERN_CLI_OK to go on. */
int quern_cli_parse (const char *synopsis, const GOptionEntry *entries, int *argc, char ***argv, gboolean *done);
/* One line on stderr; returns QUERN_CLI_FAILED. Frees the error. */
int quern_cli_fail (GError *error);
/* Likewise, of output that did not arrive; number: errno. */
int quern_cli_fail_to_write (int number);
/* One line on stderr, and where to read more; returns QUERN_CLI_USAGE. */
int quern_cli_wrong_usage (const char *format, ...) G_GNUC_PRINTF (1, 2);
/* TRUE, or FALSE after a line about wrong usage. Of text that is NULL, as of an option that was not given, *out stays. */
gboolean quern_cli_check_range (const char *option, gint64 value, gint64 low, gint64 high);
gboolean quern_cli_parse_number (const char *option, const char *text, double low, double high, double *out);
/* What options that many commands have may be. */
#define QUERN_CLI_MOST_THREADS 1024
#define QUERN_CLI_MOST_TOKENS (1 << 24)
#define QUERN_CLI_MOST_MEGABYTES (1 << 30)
#define QUERN_CLI_MOST_TEMPERATURE 10
#define QUERN_CLI_NO_SEED G_MININT64
/* Until the source is removed, Ctrl+C calls stop() instead of ending the program. */
guint quern_cli_stop_on_interrupt (void (*stop) (gpointer data), gpointer data);
gboolean quern_cli_was_interrupted (void);
/* One line on stderr, after what was measured until then; returns QUERN_CLI_INTERRUPTED. */
int quern_cli_interrupted (void);
/* The same for a variable of the environment. Frees the error. */
int quern_cli_wrong_address (GError *error);
/* Runs the main loop until an asynchronous call has its result: pass &result as user_data. */
GAsyncResult *quern_cli_wait (GAsyncResult **result);
/* A scanned library with what was imported, and with the models of servers; NULL with error only when write and the database
 * cannot be used. */
QuernLibrary *quern_cli_open_library (gboolean write, QuernStore **store, GError **error);
QuernLibrary *quern_cli_open_own_library (QuernStore **store);
/* What runs the models of the library, wherever they are. */
QuernBackend *quern_cli_new_backend (void);
/* One line on stderr where the model is on a server, as everything that it is asked goes there. */
void quern_cli_tell_place (QuernModel *model);
/* The model of an id or path. */
QuernModel *quern_cli_find_model (QuernLibrary *library, const char *id, GError **error);
GPtrArray *quern_cli_find_models (QuernLibrary *library, char **ids, GError **error);
/* The picture in a file; the error names the file. */
QuernPicture *quern_cli_load_picture (const char *path, GError **error);

#define QUERN_CLI_PICK_PAGES "auto" /* instead of a list of pages: those that have to do with the question */
GPtrArray *quern_cli_load_documents (char **paths, const char *pages, GError **error);
void quern_cli_tell_documents (GPtrArray *attachments);
char *quern_cli_quote_documents (GPtrArray *attachments, const char *prompt);
gboolean quern_cli_pick_pages (GPtrArray *attachments, const char *prompt, gsize tokens, gsize most, GError **error);

/* A repository of the hub, for which it waits if the hub is busy, and one of its items; both transfer full. */
QuernHubRepo *quern_cli_load_repo (QuernHub *hub, const char *name, gboolean quiet, GError **error);
QuernHubItem *quern_cli_choose_item (QuernHubRepo *repo, const char *what, GError **error);
/* Adds a file, a folder or what comes from standard input ("-"), and Quern's texts of some categories; without any of them
 * the sample. */
gboolean quern_cli_add_text (QuernMeasure *measure, const char *path, char **categories, GError **error);
/* The divergence by category, if the text has categories. */
void quern_cli_print_categories (QuernMeasure *measure);
/* The figures of a measurement and what follows from them, for people. */
void quern_cli_print_measure (QuernMeasure *measure);
/* Where a chart is to be written, and what is in it. */
typedef struct {
  char *svg, *png; /* files, or NULL */
  gboolean by_speed, tail;
} QuernCliChart;

#define QUERN_CLI_CHART_ENTRIES(chart)                                                                                 \
  { "svg", 0, 0, G_OPTION_ARG_FILENAME, &(chart)->svg, N_("Write a chart as SVG"), "FILE" },                          \
      { "png", 0, 0, G_OPTION_ARG_FILENAME, &(chart)->png, N_("Write a chart as PNG"), "FILE" },                      \
      { "by-speed", 0, 0, G_OPTION_ARG_NONE, &(chart)->by_speed, N_("Chart of speed, not of size"), NULL },           \
  {                                                                                                                    \
    "tail", 0, 0, G_OPTION_ARG_NONE, &(chart)->tail, N_("Chart of the 99.9th percentile, not of the mean"), NULL      \
  }

gboolean quern_cli_write_chart (const QuernCliChart *chart, QuernMeasure *const *measures, const char *const *names,
                                guint n, GError **error);
void quern_cli_chart_clear (QuernCliChart *chart);
/* One line, which what is printed into it cannot leave, nor reach the terminal with (quern-printable.h). A line end at the end of
 * the format makes no difference. */
void quern_cli_line (FILE *file, const char *format, ...) G_GNUC_PRINTF (2, 3);
/* A text of any number of lines, and a line end. */
void quern_cli_text (FILE *file, const char *text);
/* A member of an open object; value may be NULL. */
void quern_cli_add_string (JsonBuilder *builder, const char *name, const char *value);
void quern_cli_print_json (JsonBuilder *builder);
void quern_cli_put_json (const char *json);
guint64 quern_cli_peak_rss (void);

G_END_DECLS
