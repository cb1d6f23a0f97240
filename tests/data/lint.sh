#!/bin/sh
# Rules of the tree that a compiler does not know: tests/data/lint.sh [CHECK…], or ./dev lint. Prints each offence.
set -eu
cd "$(dirname "$0")/../.."
offences=$(mktemp)
trap 'rm -f "$offences"' EXIT
# Reads offences and notes which rule they break.
report() { sed "s|^|$1: |" >> "$offences"; }
ours() { git ls-files --cached --others --exclude-standard -- "$@" 2>/dev/null || find "$@" -type f; }
c_files() { ours "$@" | grep '\.[ch]$'; }
exists() { while read -r name; do [ ! -e "$name" ] || printf '%s\n' "$name"; done; }

# engine/ without GLib, without ways to end the process and without output; src/ without widgets; the engine is named only
# where models run and where headers of files are read.
lint_layers() {
  c_files engine | exists | xargs -r grep -nE '#include *[<"](glib|gio|gobject|gtk|adwaita|json-glib|libsoup)' | report 'GLib or GTK in engine/'
  c_files engine | exists | grep -v '^engine/tools/' | xargs -r grep -nE '\b(abort|exit|_exit|assert|printf|puts|perror) ?\(' \
    | grep -vE ':[0-9]+: *(/?\*|//)|_Static_assert|static_assert' | report 'engine/ ends the process or prints'
  c_files src | exists | xargs -r grep -nE '#include *[<"](gtk|adwaita|gdk/|libportal|gtksourceview)' | report 'widgets in src/'
  # quern-process.c does so before main(), where no library works yet.
  c_files src | exists | grep -v '^src/cli/\|^src/util/quern-process.c' | xargs -r grep -nE '\b(abort|exit|_exit) ?\(' \
    | grep -vE ':[0-9]+: *(/?\*|//)' | report 'src/ ends the process'
  c_files src ui | exists | xargs -r grep -nE '#include *"(format|cpu|model|context|sampler|vision)/' \
    | grep -v '^src/' | report 'ui/ includes internals of the engine'
  c_files src ui | exists | grep -v '^src/\(inference\|library\|hub\)/' | xargs -r grep -nE '\b(qe_[a-z]|Qe[A-Z]|QE_[A-Z])|"qe\.h"' \
    | report 'names the engine outside of src/inference, src/library and src/hub'
}
# A folder includes only itself and those before it: folder_order ROOT FOLDER…, in order.
folder_order() {
  root=$1; shift
  c_files "$root" | exists | xargs -r awk -v root="$root" -v order="$*" '
    function folder(path) { # the longest of the names in the order that the path begins with
      sub("^" root "/", "", path)
      while (sub("/[^/]*$", "", path)) if (path in rank) return path
      return ""
    }
    BEGIN {
      for (i = split(order, name, " "); i > 0; i--) rank[name[i]] = i
      for (i = 1; i < ARGC; i++) { file = ARGV[i]; sub(".*/", "", file); home[file] = folder(ARGV[i]) }
    }
    FNR == 1 && folder(FILENAME) == "" && FILENAME ~ root "/.*/" && FILENAME !~ "/include/" {
      print FILENAME ": its folder is not in the order"
    }
    /^#include "/ {
      split($0, part, "\""); from = folder(FILENAME)
      to = part[2] ~ "/" ? folder(root "/" part[2]) : home[part[2]]
      if (from != "" && to != "" && rank[to] > rank[from])
        print FILENAME ":" FNR ": " from "/ includes " part[2] " of " to "/, a later folder"
    }'
}
lint_folder_order() {
  { folder_order engine format/quant format/gguf format/tokenizer format/template cpu sampler model vision context
    folder_order src util store documents library inference hub remote download chat measure compare report transfer server cli
  } | report 'order of folders'
}
lint_licences() {
  c_files engine src ui tests | exists | xargs -r grep -L 'SPDX-License-Identifier: GPL-3.0-or-later' | report 'no SPDX line'
}
# Every file with translatable strings is listed, and nothing else; `potfiles-fix` writes the list.
translatable() {
  { ours data | grep -E '\.(desktop\.in|metainfo\.xml\.in|gschema\.xml)$'
    ours ui | grep '\.ui$' | exists | xargs -r grep -l 'translatable="yes"'
    { c_files src ui; ours ui | grep '\.blp$'; } | exists | sort -u \
      | xargs -r grep -lE '(^|[^A-Za-z0-9_])(_|N_|C_|NC_|ngettext|g_dngettext|g_dpgettext2?) ?\("?'; } | LC_ALL=C sort -u
}
lint_potfiles() {
  translatable | diff po/POTFILES - | grep '^[<>]' | sed 's/^>/missing:/; s/^</not needed:/' | report 'po/POTFILES (run ./dev format)' || :
}
lint_potfiles_fix() { translatable > po/POTFILES; }
lint_translations() {
  for po in po/*.po; do
    [ -e "$po" ] || continue
    msgfmt -c -o /dev/null "$po" 2>&1 | report "$po"
  done
  grep -v '^#' po/LINGUAS | while read -r name; do [ -e "po/$name.po" ] || echo "$name"; done | report 'in po/LINGUAS, but no .po file'
}
lint_scripts() {
  for script in dev .ci/run tests/run.sh tests/data/lint.sh; do sh -n "$script" 2>&1 | report "$script"; done
  ours tests | grep '\.py$' | exists | while read -r name; do
    python3 -c 'import ast, sys; ast.parse(open(sys.argv[1], encoding="utf-8").read())' "$name" 2>&1 | tail -n 1
  done | report 'Python'
}
lint_blueprints() {
  command -v blueprint-compiler > /dev/null || return 0
  ours ui | grep '\.blp$' | exists | xargs -r blueprint-compiler format -n 2>&1 | grep -o '\(Would format\|error\).*' \
    | report 'blueprint' || :
  # gtk_widget_dispose_template() frees such a child without telling AdwBin, which frees it again: a crash at the end.
  ours ui | grep '\.blp$' | exists | xargs -r grep -lE '^template .*: Adw\.Bin' \
    | xargs -r grep -lE '^  (child: )?\$?[A-Z][A-Za-z.]+ [a-z_]+ \{' | sed 's/blp$/c/' \
    | xargs -r grep -L 'adw_bin_set_child (ADW_BIN (self), NULL)' | report 'a named child of an AdwBin that is not taken out in dispose'
}
# What a _finish function returns belongs to the caller, and the caller keeps it.
lint_transfer() { c_files src ui | grep '\.c$' | exists | xargs -r python3 tests/data/transfer.py | report 'ownership'; }
# C as ./dev format writes it.
lint_clang_format() { c_files engine src ui tests | exists | xargs -r python3 tests/data/format.py --check | report 'format'; }
# No tabs, no spaces at the end, at most 120 columns with some mercy.
lint_format() {
  c_files engine src ui tests | exists | xargs -r grep -nP '\t| +$' | cut -c 1-100 | report 'tab, or space at the end'
  c_files engine src ui | exists | xargs -r env LC_ALL=C.UTF-8 grep -nE '^.{141,}' | grep -v '"' | cut -c 1-100 | report 'over 140 columns'
  ours src ui po data | grep -E '\.(blp|ui|xml|in|py)$' | exists | xargs -r grep -nP '\t' | cut -c 1-100 | report 'tab'
  c_files engine src ui tests | exists | while read -r name; do
    [ -z "$(tail -c 1 "$name")" ] || echo "$name"
  done | report 'no newline at the end'
  c_files engine src ui tests | exists | xargs -r grep -nE '\b(TODO|FIXME|XXX)\b' | report 'unfinished'
}

# Code cites the specification by section, `engine/doc/qwen35.md §4.3`, and every section that is cited exists; the same
# for the sections that the specification cites itself.
lint_citations() {
  spec=engine/doc/qwen35.md
  ours engine src ui tests | grep -E '\.(c|h|py|md)$' | grep -v '^engine/doc/' | exists | xargs -r grep -lE '(qwen35|published-files)\.md' \
    | xargs -r awk -v spec="$spec" '
      NR == FNR { if (/^##+ [0-9]/) { name = $2; sub(/\.$/, "", name); known[name] = 1 } next }
      FILENAME != spec && !/(qwen35|published-files)\.md/ { next }
      FILENAME ~ /\.[ch]$|\.py$/ && !/engine\/doc\/qwen35\.md §[0-9]/ {
        print FILENAME ":" FNR ": write engine/doc/qwen35.md §N"; next }
      { for (rest = $0; match(rest, /§[0-9]+(\.[0-9]+)*/); rest = substr(rest, RSTART + RLENGTH)) {
          name = substr(rest, RSTART + length("§"), RLENGTH - length("§"))
          if (!(name in known)) print FILENAME ":" FNR ": there is no §" name } }' "$spec" "$spec" | report "$spec"
}

[ $# -gt 0 ] || set -- layers folder-order licences potfiles translations scripts blueprints transfer clang-format format citations
for check in "$@"; do "lint_$(echo "$check" | tr - _)"; done
cat "$offences"
[ ! -s "$offences" ]
