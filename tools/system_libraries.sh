#!/usr/bin/env bash
# Makes sure that Qt has its system libraries and, without a screen, a virtual one.
# Installs them by apt where the user may; else names what is missing and ends with 2.
set -euo pipefail

[ "$(uname -s)" = Linux ] || exit 0

packages=(libgl1 libegl1 libopengl0 libglib2.0-0 libdbus-1-3 libfontconfig1 libxkbcommon-x11-0
  libxcb-cursor0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1 libxcb-randr0 libxcb-render-util0
  libxcb-shape0 libxcb-xinerama0 libxcb-xfixes0 libgl1-mesa-dri fonts-dejavu-core)
libraries=(libGL.so.1 libEGL.so.1 libOpenGL.so.0 libglib-2.0.so.0 libdbus-1.so.3 libfontconfig.so.1
  libxkbcommon-x11.so.0 libxcb-cursor.so.0 libxcb-icccm.so.4 libxcb-image.so.0 libxcb-keysyms.so.1
  libxcb-randr.so.0 libxcb-render-util.so.0 libxcb-shape.so.0 libxcb-xinerama.so.0 libxcb-xfixes.so.0)
[ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ] || packages+=(xvfb xauth)
# With which one test reads the window as a screen reader does; it is skipped where they are not.
reader=(at-spi2-core python3-pyatspi dbus-daemon)

missing() {
  known=$(PATH="$PATH:/sbin:/usr/sbin" ldconfig -p 2>/dev/null || true)
  for library in "${libraries[@]}"; do
    case "$known" in *"$library"*) ;; *) echo "$library" ;; esac
  done
  if [ -z "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then
    command -v xvfb-run >/dev/null || echo xvfb-run
    command -v xauth >/dev/null || echo xauth
  fi
}

lacking=$(missing)
if [ "${1:-}" = --reader ]; then  # for the tests: what may be missing without harm
  [ -x /usr/libexec/at-spi-bus-launcher ] && exit 0
  lacking="at-spi2-core" packages=("${reader[@]}") libraries=()
fi
[ -n "$lacking" ] || exit 0

sudo=
if [ "$(id -u)" -ne 0 ]; then
  if sudo -n true 2>/dev/null; then sudo=sudo; else
    echo "System libraries are missing (${lacking//$'\n'/, }); ask an administrator to run: apt-get install ${packages[*]}" >&2
    exit 2
  fi
fi
if ! command -v apt-get >/dev/null; then
  echo "System libraries are missing (${lacking//$'\n'/, }) and there is no apt-get here; install your system's packages for Qt 6 (xcb) and Xvfb." >&2
  exit 2
fi
echo "Installing system libraries for Qt: ${lacking//$'\n'/, }"
$sudo apt-get update -qq
DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
lacking=$(missing)
[ -z "$lacking" ] || { echo "Still missing after installing: ${lacking//$'\n'/, }." >&2; exit 2; }
