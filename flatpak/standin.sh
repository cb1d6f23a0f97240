#!/bin/sh
# Makes a stand-in for the GNOME runtime out of Debian 13 packages, so that the Flatpak can be built, installed and run
# without the network of Flathub: flatpak/standin.sh FOLDER VERSION leaves FOLDER/repo with org.gnome.Platform and .Sdk
# of that version, and FOLDER/sources with Debian's archives of the bundled libraries.
#
# The real runtime has neither OpenBLAS nor utf8proc nor cmark-gfm, so this one has none either: a module that is missing
# from the manifest fails here as it would there.
set -eu
folder=$1 version=$2
arch=$(flatpak --default-arch)
root=$folder/root
mirror=${QUERN_MIRROR:-http://deb.debian.org/debian}
packages=build-essential,cmake,meson,ninja-build,pkgconf,gettext,desktop-file-utils,appstream,blueprint-compiler,\
libgtk-4-dev,libadwaita-1-dev,libsoup-3.0-dev,libjson-glib-dev,libsqlite3-dev,libgtksourceview-5-dev,libsecret-1-dev,\
libgdk-pixbuf-2.0-dev,glib-networking,ca-certificates,adwaita-icon-theme,librsvg2-common,fonts-cantarell,fonts-dejavu-core,\
fonts-noto-cjk,libreadline-dev,libgl1-mesa-dri,libegl1,libgles2,dconf-gsettings-backend

if [ ! -e "$root/.complete" ]; then
  rm -rf "$root" "$root.tar"
  mmdebstrap --quiet --variant=apt --aptopt='Acquire::Retries "5"' --include="$packages" trixie "$root.tar" "$mirror"
  mkdir "$root"
  tar -x -f "$root.tar" -C "$root" --no-same-owner --exclude='./dev/*'
  rm "$root.tar"
  : > "$root/.complete"
fi

if [ ! -e "$folder/sources/complete" ]; then
  mkdir -p "$folder/sources"
  # Not every mirror keeps every archive: Debian 12's will do where 13's is gone.
  printf 'deb-src %s %s main\n' "$mirror" trixie "$mirror" bookworm > "$root/etc/apt/sources.list.d/src.list"
  bwrap --bind "$root" / --dev /dev --proc /proc --tmpfs /tmp --ro-bind /etc/resolv.conf /etc/resolv.conf \
    --bind "$folder/sources" /mnt --chdir /mnt sh -c '
      options="-o APT::Sandbox::User=root -o Acquire::Retries=5"
      apt-get $options update -qq
      for name in openblas utf8proc cmark-gfm; do
        for suite in trixie bookworm; do
          apt-get $options source -qq --download-only $name/$suite || :
          ! ls ${name}_*.orig.tar.*z > /dev/null 2>&1 || break
        done
        ls ${name}_*.orig.tar.*z
      done'
  : > "$folder/sources/complete"
fi

work=$(mktemp -d "$folder/standin.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/Sdk/files" "$work/Platform/files" # build-export insists on files/, though it exports usr/
usr=$work/Sdk/usr
cp -a "$root/usr" "$usr"
cp -a "$root/etc" "$usr/etc"
[ -e "$usr/bin/ldconfig" ] || ln -s ../sbin/ldconfig "$usr/bin/ldconfig" # there is no sbin on the sandbox's PATH
printf '%s\n' 'include /run/flatpak/ld.so.conf.d/app-*.conf' /app/lib 'include /etc/ld.so.conf.d/*.conf' > "$usr/etc/ld.so.conf"
printf '#!/bin/sh\nexit 0\n' > "$usr/bin/appstream-compose" # old builders call it
chmod 755 "$usr/bin/appstream-compose"
mkdir -p "$usr/etc/flatpak-builder"
flags='-O2 -g -pipe -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection'
[ "$arch" != x86_64 ] || flags="$flags -fcf-protection"
printf '{"cflags":"%s","cxxflags":"%s","ldflags":"-Wl,-z,relro,-z,now -Wl,--as-needed"}\n' "$flags" "$flags" \
  > "$usr/etc/flatpak-builder/defaults.json"
rm -rf "$usr/etc/ld.so.cache" "$usr/share/doc" "$usr/share/man" "$usr/etc/apt" "$usr"/etc/shadow* "$usr"/etc/gshadow*
cp -al "$usr" "$work/Platform/usr" # hard links: from here on delete, never write
cd "$work/Platform/usr"
rm -rf include lib/gcc libexec/gcc share/gir-1.0 bin/*gcc* bin/*g++* bin/cc bin/c++ bin/meson bin/ninja bin/pkg*conf* bin/cmake
find . -name '*.a' -delete
find lib -maxdepth 2 -type l -name '*.so' -delete
find . -type d -name pkgconfig -prune -exec rm -r {} +
cd "$folder"
[ -d repo ] || ostree init --repo=repo --mode=bare-user-only
for name in Sdk Platform; do
  printf '[Runtime]\nname=org.gnome.%s\nruntime=org.gnome.Platform/%s\nsdk=org.gnome.Sdk/%s\n' "$name" "$arch/$version" "$arch/$version" \
    > "$work/$name/metadata"
  flatpak build-export --runtime --disable-sandbox --no-update-summary repo "$work/$name" "$version" > /dev/null
done
flatpak build-update-repo repo
: > "$folder/complete-$version"
