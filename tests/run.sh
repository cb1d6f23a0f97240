#!/bin/sh
# Builds and runs the tests: tests/run.sh BUILD-FOLDER [SUITE…], called by ./dev test.
#
# Suites: engine core ui data, run from the ordinary build; asan: engine and core again under the address and undefined
# behaviour sanitizers; tsan: what uses threads, under the thread sanitizer. Without a name: all of them.
# The last line is "N passed, N failed[, N skipped]", counting single checks of each test program.
set -eu
top=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
build=$1; shift
[ $# -gt 0 ] || set -- data engine core asan tsan ui
status=0
results=$(mktemp)
trap 'rm -f "$results"' EXIT

# folder [MESON-OPTION…]: configures and builds it.
make_build() {
  dir=$1; shift
  [ -e "$dir/build.ninja" ] || meson setup "$dir" "$top" "$@" > "$dir.log" 2>&1 || { cat "$dir.log"; exit 1; }
  rm -f "$dir.log"
  ninja -C "$dir" --quiet || { echo "run.sh: the build in $dir failed"; exit 1; }
}

# folder LABEL MESON-TEST-ARGUMENT…: runs tests there and adds what they said to the results.
run_tests() {
  dir=$1 label=$2; shift 2
  echo "== $label"
  log=$dir/meson-logs/$label
  rm -f "$log.json"
  meson test -C "$dir" --no-rebuild --print-errorlogs --logbase "$label" "$@" || status=1
  if [ -e "$log.json" ]; then cat "$log.json" >> "$results"; fi
}

make_build "$build"
for suite in "$@"; do
  case $suite in
    asan)
      make_build "$build-asan" -Db_sanitize=address,undefined -Dui=false
      run_tests "$build-asan" asan --timeout-multiplier 4 --suite engine --suite core ;;
    tsan)
      make_build "$build-tsan" -Db_sanitize=thread -Dui=false
      run_tests "$build-tsan" tsan --timeout-multiplier 8 --suite threads ;;
    *) run_tests "$build" "$suite" --suite "$suite" ;;
  esac
done
"$top/tests/count.py" "$results" || status=1
exit "$status"
