#!/bin/sh
# Proves the installed Flatpak from inside its sandbox; called by build.sh --offline with Flatpak's folders in the
# environment. Prints permissions and checks, leaves a picture of the window in the folder given.
set -eu
out=$1
id=io.github.quern.Quern
bad=0
check() { # WHAT COMMAND…
  what=$1; shift
  if "$@"; then echo "ok - $what"; else echo "not ok - $what"; bad=1; fi
}
inside() { flatpak run --command=sh "$id" -c "$1"; }

flatpak info --show-permissions "$id"
# The session bus that `flatpak run` needs; started here unless there is one.
if [ -z "${DBUS_SESSION_BUS_ADDRESS-}" ]; then exec dbus-run-session -- sh "$0" "$@"; fi
secret=$HOME/secret.txt
echo 'not for the sandbox' > "$secret"
echo "temporary" > /tmp/quern-secret.txt

answer=$(flatpak run --command=quern-cli "$id" chat -m quern-tiny --no-think --temp 0 'What is the capital of France?')
echo "quern-cli inside says: $answer"
check 'the answer is right' test "$answer" = 'The capital of France is Paris.'
check 'every library is found' inside '! ldd /app/bin/quern /app/bin/quern-cli | grep "not found"'
check 'no compiler came along' inside '! command -v gcc'
check 'a file of the home folder cannot be read' inside "! cat '$secret' 2> /dev/null"
check 'a file of the host in /tmp cannot be read' inside '! cat /tmp/quern-secret.txt 2> /dev/null'
check 'the application is read-only' inside '! touch /app/bin/x /usr/x 2> /dev/null'
check 'its data folder can be written' inside 'mkdir -p "$XDG_DATA_HOME/quern" && touch "$XDG_DATA_HOME/quern/x"'
check 'only what the manifest says is allowed' sh -c "! flatpak info --show-permissions $id | grep -E 'filesystems|devices=all|Bus Policy'"
rm -f /tmp/quern-secret.txt "$secret"

picture=$out/window.png
xvfb-run -a -s '-screen 0 1100x750x24' sh -c "
  flatpak run --env=GSK_RENDERER=cairo $id > '$out/window.log' 2>&1 &
  sleep 8
  import -window root '$picture'
  flatpak kill $id" || :
colours=$(identify -format %k "$picture" 2> /dev/null || echo 0)
check "the window shows itself ($colours colours in $picture)" test "$colours" -gt 50
exit "$bad"
