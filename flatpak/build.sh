#!/bin/sh
# Builds the Flatpak: ./dev flatpak [--offline] [--sign=KEY]. Leaves in build/flatpak/:
#   quern.flatpak       one file to install with a double click
#   repo/, quern.flatpakref   a repository folder for any static web server (QUERN_FLATPAK_URL: where it will be)
# --offline builds against a stand-in for the GNOME runtime (flatpak/standin.sh) with Debian's archives of the bundled
# libraries, installs it into a folder of its own, and proves it from inside the sandbox: flatpak/prove.sh.
# --sign=KEY signs the repository with that GnuPG key; --offline signs with one that it makes for itself.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
top=${here%/*}
id=io.github.quern.Quern
manifest=$here/$id.yaml
version=$(sed -n "s/^runtime-version: *'\(.*\)'/\1/p" "$manifest")
out=${QUERN_BUILD_DIR:-$top/build}/flatpak
cache=${XDG_CACHE_HOME:-$HOME/.cache}/quern-dev/flatpak # not below /tmp, which sandboxes cover
url=${QUERN_FLATPAK_URL:-https://quern.github.io/flatpak}
offline=''
sign=''
for argument in "$@"; do
  case $argument in
    --offline) offline=1 ;;
    --sign=*) sign=--gpg-sign=${argument#--sign=} ;;
    *) echo "usage: ./dev flatpak [--offline] [--sign=KEY]" >&2; exit 2 ;;
  esac
done

for program in flatpak flatpak-builder eu-strip ostree mmdebstrap xvfb-run import dbus-run-session xdotool gpg \
    /usr/libexec/xdg-document-portal; do
  command -v "$program" > /dev/null || {
    [ "$(id -u)" = 0 ] || { echo "flatpak: install flatpak flatpak-builder elfutils ostree mmdebstrap first" >&2; exit 1; }
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends flatpak flatpak-builder elfutils ostree \
      mmdebstrap bubblewrap xvfb xauth dbus imagemagick xdotool gpg gpg-agent xdg-desktop-portal >&2
    break
  }
done

mkdir -p "$out" "$cache"
if [ -n "$offline" ]; then
  [ -e "$cache/complete-$version" ] || sh "$here/standin.sh" "$cache" "$version"
  # Everything of Flatpak's in folders of its own: nothing on this computer changes.
  export FLATPAK_USER_DIR="$cache/user" FLATPAK_SYSTEM_DIR="$cache/system" HOME="$cache/home" XDG_RUNTIME_DIR="$cache/run"
  unset XDG_DATA_HOME XDG_CONFIG_HOME XDG_CACHE_HOME
  mkdir -p "$cache/system" "$HOME"
  mkdir -p -m 700 "$XDG_RUNTIME_DIR" "$cache/gnupg"
  url=file://$out
  if [ -z "$sign" ]; then
    export GNUPGHOME="$cache/gnupg"
    key='Quern test key'
    gpg --batch --list-keys "$key" > /dev/null 2>&1 \
      || gpg --batch --quiet --pinentry-mode loopback --passphrase '' --quick-generate-key "$key" rsa2048 sign never
    key=$(gpg --batch --with-colons --list-keys "$key" | sed -n 's/^fpr:*\([0-9A-F]*\):/\1/p' | head -n 1)
    sign="--gpg-sign=$key --gpg-homedir=$GNUPGHOME"
  fi
  flatpak --user remote-add --if-not-exists --no-gpg-verify standin "file://$cache/repo"
  flatpak --user install -y --noninteractive --or-update standin "org.gnome.Platform//$version" "org.gnome.Sdk//$version"
  # The same manifest with Debian's archives; written beside it, because paths in it are relative, and never committed.
  derived=$here/.offline.yaml
  trap 'rm -f "$derived"' EXIT
  cp "$manifest" "$derived"
  for name in openblas utf8proc cmark-gfm; do
    archive=$(ls "$cache/sources/${name}"_*.orig.tar.*z)
    sum=$(sha256sum "$archive" | cut -d ' ' -f 1)
    sed -i "/- name: $name\$/,/sha256:/ { s|url: .*|path: $archive|; s|sha256: .*|sha256: $sum| }" "$derived"
  done
  manifest=$derived
  source_options=--disable-download
else
  flatpak --user remote-add --if-not-exists flathub https://dl.flathub.org/repo/flathub.flatpakrepo
  source_options=--install-deps-from=flathub
fi

rm -rf "$out/repo" # not what an earlier run signed with another key
# shellcheck disable=SC2086 # one option or none
flatpak-builder --user --force-clean --disable-rofiles-fuse --state-dir="$cache/state" --repo="$out/repo" $source_options $sign \
  --install "$out/app" "$manifest"
# shellcheck disable=SC2086
flatpak build-update-repo $sign --title=Quern "$out/repo"
key=${sign#--gpg-sign=}
key=${key%% *}
flatpak build-bundle "$out/repo" "$out/quern.flatpak" "$id" master --runtime-repo=https://dl.flathub.org/repo/flathub.flatpakrepo
{
  printf '[Flatpak Ref]\nName=%s\nBranch=master\nTitle=Quern\nUrl=%s/repo/\nIsRuntime=false\n' "$id" "$url"
  printf 'RuntimeRepo=https://dl.flathub.org/repo/flathub.flatpakrepo\n'
  [ -z "$sign" ] || printf 'GPGKey=%s\n' "$(gpg --export "$key" | base64 -w 0)"
} > "$out/quern.flatpakref"
echo "flatpak: $out/quern.flatpak and $out/repo"
[ -z "$offline" ] || sh "$here/prove.sh" "$out"
