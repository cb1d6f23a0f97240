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

# The session bus that `flatpak run` needs; started here unless there is one. What portals without a display have to say about
# it goes into a file.
if [ -z "${DBUS_SESSION_BUS_ADDRESS-}" ]; then
  status=0
  dbus-run-session -- sh "$0" "$@" 2> "$out/prove.log" || status=$?
  [ "$status" = 0 ] || tail -n 40 "$out/prove.log" >&2
  exit "$status"
fi
rm -rf "$HOME/.var/app/$id" # nothing that an earlier run said
flatpak info --show-permissions "$id"
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
check 'it speaks every language' inside 'for l in de fr es pt_BR zh_CN ja ko ar; do [ -s /app/share/locale/$l/LC_MESSAGES/quern.mo ] || exit 1; done'
rm -f /tmp/quern-secret.txt "$secret"
exported() { # the desktop outside sees it
  for file in applications/$id.desktop dbus-1/services/$id.service gnome-shell/search-providers/$id.search-provider.ini \
      mime/packages/$id.xml icons/hicolor/scalable/apps/$id.svg; do
    [ -e "$FLATPAK_USER_DIR/exports/share/$file" ] || { echo "$file is missing" >&2; return 1; }
  done
}
check 'the desktop gets its icon, its file type, its service and its search provider' exported

# A model elsewhere on the disk, handed in through the document portal as the file dialog does it. It is used where it
# lies, and still after everything, the portal and its bus too, has been started anew.
models=$HOME/elsewhere
mkdir -p "$models"
cp "$(dirname "$0")/../data/quern-tiny/quern-tiny-Q8_0.gguf" "$models/Handed in-Q8_0.gguf"
check 'the model elsewhere cannot be read' inside "! head -c 4 '$models/Handed in-Q8_0.gguf' 2> /dev/null"
handed=$(flatpak document-export --app="$id" --allow-read "$models/Handed in-Q8_0.gguf")
handed=/run/flatpak/doc/${handed##*/doc/} # where the sandbox has it
echo "the portal shows it as $handed"
check 'the model is imported through the portal' flatpak run --command=quern-cli "$id" import "$handed"
check 'after a restart of the portal it answers from there' dbus-run-session -- sh -c "
  flatpak run --command=quern-cli $id list | grep -q '^handed in-q8_0 ' || exit 1
  flatpak run --command=quern-cli $id chat -m 'handed in-q8_0' --no-think --temp 0 'What is the capital of France?' | grep -x 'The capital of France is Paris.'"

# The signed repository, as somebody who has only the .flatpakref would install from it; and as somebody who trusts another key.
second=$HOME/second
rm -rf "$second"
mkdir "$second"
check 'the .flatpakref installs from the signed repository' env FLATPAK_USER_DIR="$second" \
  flatpak --user install -y --noninteractive --no-deps --from "$out/quern.flatpakref"
check 'its signature is asked for' sh -c "FLATPAK_USER_DIR='$second' ostree config --repo='$second/repo' --group='remote \"quern-origin\"' get gpg-verify | grep -qx true"
other=$HOME/other-gnupg
rm -rf "$other" "$second"
mkdir -m 700 "$other"
mkdir "$second"
gpg --homedir "$other" --batch --quiet --pinentry-mode loopback --passphrase '' --quick-generate-key 'Somebody else' rsa2048 sign never
gpg --homedir "$other" --batch --export > "$other/key"
check 'another key is refused' sh -c "export FLATPAK_USER_DIR='$second'
  ! { flatpak --user remote-add --gpg-import='$other/key' quern 'file://$out/repo' \
    && flatpak --user install -y --noninteractive --no-deps quern $id; } 2> '$second/errors' && grep -i 'signature' '$second/errors'"

# The window: it is asked a question by its keyboard, and the answer is in the sandbox's own data folder.
data=$HOME/.var/app/$id/data/quern
picture=$out/window.png
xvfb-run -a -s '-screen 0 1000x700x24' sh -c "
  flatpak run --env=GSK_RENDERER=cairo $id > '$out/window.log' 2>&1 &
  for i in \$(seq 60); do sleep 1; w=\$(xdotool search --onlyvisible --name '^Quern\$' | tail -n 1); [ -z \"\$w\" ] || break; done
  sleep 6
  xdotool windowmove \$w 0 0 windowfocus --sync \$w type --delay 30 'What is the capital of France?'
  sleep 1
  xdotool key Return
  for i in \$(seq 30); do sleep 1; ! grep -aqs 'is Paris' '$data'/quern.db* || break; done
  sleep 2
  import -window root '$picture'
  flatpak kill $id" || :
colours=$(identify -format %k "$picture" 2> /dev/null || echo 0)
check "the window shows itself ($colours colours in $picture)" test "$colours" -gt 50
check 'the window chats with Quern Tiny' grep -aqs 'The capital of France is Paris' "$data/quern.db" "$data/quern.db-wal"
exit "$bad"
