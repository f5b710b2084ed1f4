#!/bin/sh
# What the tests need from the system, installed by apt where it is missing (as root; else a sentence).
set -eu

missing=""
need() { command -v "$1" >/dev/null 2>&1 || missing="$missing $2"; }

need chromium chromium
need firefox-esr "firefox-esr libavcodec59" # which decodes H.264 for it
need WebKitWebDriver webkit2gtk-driver      # Safari's engine
need Xvfb xvfb
need pulseaudio pulseaudio                  # without a sound device Firefox lets no sound begin
for plugin in libav videoparsersbad pulseaudio; do # by which that engine plays H.264 and AAC
    ls "${GSTREAMER:-/usr/lib}"/*/gstreamer-1.0/libgst$plugin.so >/dev/null 2>&1 && continue
    missing="$missing gstreamer1.0-libav gstreamer1.0-plugins-bad gstreamer1.0-pulseaudio"
    break
done
need redis-server redis-server
ls "${POSTGRES:-/usr/lib/postgresql}"/*/bin/initdb >/dev/null 2>&1 || missing="$missing postgresql"
need curl curl # follows a redirect of WHIP as encoders do
need node nodejs
need npm npm
fc-list 2>/dev/null | grep -qi dejavu || missing="$missing fontconfig fonts-dejavu-core"

[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ]; then
    echo "The tests need more of the system: apt install$missing" >&2
    exit 1
fi
echo "Installing for the tests:$missing"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# shellcheck disable=SC2086  # a list of names
apt-get install -y -qq --no-install-recommends $missing >/dev/null
