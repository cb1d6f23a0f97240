/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Stands in for a fuzz engine: feeds every file of the folders given to the target, one TAP line each. A crash ends the
 * program, which the test run reports with the name of the file just announced. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static size_t n_run, n_failed;

static void
run_file (const char *path)
{
  FILE *file = fopen (path, "rb");
  struct stat info;
  uint8_t *data = NULL;
  int ok = 0;

  printf ("# %s\n", path);
  /* exactly as many bytes as the file has, so that a sanitizer sees the first one read past the end */
  if (file != NULL && fstat (fileno (file), &info) == 0 && (data = malloc ((size_t) info.st_size)) != NULL
      && fread (data, 1, (size_t) info.st_size, file) == (size_t) info.st_size)
    ok = LLVMFuzzerTestOneInput (data, (size_t) info.st_size) == 0;
  free (data);
  if (file != NULL)
    fclose (file);
  n_run++;
  n_failed += !ok;
  printf ("%s %zu - %s\n", ok ? "ok" : "not ok", n_run, strrchr (path, '/') ? strrchr (path, '/') + 1 : path);
}

static void
run_folder (const char *folder)
{
  struct dirent **entries;
  int n = scandir (folder, &entries, NULL, alphasort);

  for (int i = 0; i < n; i++) {
    char path[4096];

    snprintf (path, sizeof path, "%s/%s", folder, entries[i]->d_name);
    if (entries[i]->d_name[0] != '.')
      run_file (path);
    free (entries[i]);
  }
  if (n >= 0)
    free (entries);
}

int
main (int argc, char **argv)
{
  setvbuf (stdout, NULL, _IOLBF, 0);
  for (int i = 1; i < argc; i++) {
    struct stat info;

    if (stat (argv[i], &info) == 0 && S_ISDIR (info.st_mode))
      run_folder (argv[i]);
    else
      run_file (argv[i]);
  }
  printf ("1..%zu\n", n_run);
  return n_failed > 0 || n_run == 0;
}
