#!/bin/sh
# Builds and runs the tests: tests/run.sh BUILD-FOLDER [SUITE…], called by ./dev test.
#
# The time limits of tests are for a fast computer and end what hangs; a slow or busy one gets a multiple of them.
#
# Suites: engine core ui ui-wayland data, run from the ordinary build; asan: engine and core again under the address and
# undefined behaviour sanitizers; ui-asan: the window under them, on its tours and with files opened; tsan: what uses
# threads, under the thread sanitizer. Without a name: all of them.
# The last line is "N passed, N failed[, N skipped]", counting single checks of each test program.
set -eu
top=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
build=$1; shift
[ $# -gt 0 ] || set -- data engine core asan ui-asan tsan ui ui-wayland
status=0
results=$(mktemp)
trap 'rm -f "$results"' EXIT

# folder LABEL MESON-TEST-ARGUMENT…: builds what the tests chosen need, runs them and keeps what they said.
run_tests() {
  dir=$1 label=$2; shift 2
  echo "== $label"
  log=$dir/meson-logs/$label
  rm -f "$log.json"
  meson test -C "$dir" --print-errorlogs --logbase "$label" "$@" > "$dir/run.out" 2>&1 || status=1
  sed '/^ninja: Entering\|^ninja: no work\|^\[[0-9]*\/[0-9]*\] /d; /^Full log written\|^Summary of Failures/,$d' "$dir/run.out"
  if [ -e "$log.json" ]; then
    cat "$log.json" >> "$results"
  elif [ "$status" != 0 ]; then # it did not build
    printf '{"name": "%s", "result": "could not be built", "stdout": ""}\n' "$label" >> "$results"
  fi
}

# folder SANITIZERS UI: configures a build with them, with or without the window. Tests build what they need of it.
sanitized() {
  if [ -e "$1/build.ninja" ]; then meson configure "$1" -Dui="$3" && ninja -C "$1" build.ninja
  else meson setup "$1" "$top" -Db_sanitize="$2" -Db_lundef=false -Dui="$3"
  fi > "$build/setup.log" 2>&1 || { cat "$build/setup.log"; exit 1; }
}

for suite in "$@"; do
  case $suite in
    asan)
      sanitized "$build-asan" address,undefined true
      run_tests "$build-asan" asan --timeout-multiplier 10 --suite engine --suite core ;;
    ui-asan)
      sanitized "$build-asan" address,undefined true
      run_tests "$build-asan" ui-asan --timeout-multiplier 4 --suite ui-asan ;;
    tsan)
      sanitized "$build-tsan" thread false
      run_tests "$build-tsan" tsan --timeout-multiplier 20 --suite threads ;;
    *)
      ninja -C "$build" > "$build/run.out" 2>&1 || { cat "$build/run.out"; exit 1; } # settings and data that tests only find
      run_tests "$build" "$suite" --timeout-multiplier 4 --suite "$suite" ;;
  esac
done
"$top/tests/count.py" "$results" || status=1
exit "$status"
