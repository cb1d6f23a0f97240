#!/bin/sh
# The built programs are hardened: tests/data/hardening.sh PROGRAM…, with readelf. Speaks TAP.
set -eu
if ldd "$1" | grep -q 'lib[at]san'; then echo '1..0 # SKIP a sanitized build'; exit; fi
echo "1..$(($# * 6))"
n=0 bad=0
check() { # WHAT COMMAND…
  n=$((n + 1)) what=$1; shift
  if "$@"; then echo "ok $n - $what"; else echo "not ok $n - $what"; bad=1; fi
}
has() {
  grep -qE "$1" << END
$facts
END
}
lacks() { ! has "$1"; }
for program in "$@"; do
  name=$(basename "$program")
  facts=$(readelf -Wh -Wl -Wd --dyn-syms "$program")
  check "$name: position independent" has 'FLAGS_1.*PIE'
  check "$name: addresses of functions are bound at the start and read-only then" sh -c "
    readelf -Wl '$program' | grep -q GNU_RELRO && readelf -Wd '$program' | grep -qE 'BIND_NOW|FLAGS_1.*NOW'"
  check "$name: stack protector" has '__stack_chk_fail'
  check "$name: fortified calls" has '__[a-z]+_chk@'
  check "$name: the stack cannot be executed" has 'GNU_STACK.* RW +0x'
  check "$name: no path of the build, no relocations in code" lacks 'R(UN)?PATH.*\[([^/]|/[^u])|TEXTREL'
done
exit "$bad"
