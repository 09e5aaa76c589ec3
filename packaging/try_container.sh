#!/bin/sh
# Builds the image from dist/ (make dist) and works with it as docs/how-to/run-in-a-container.md says. Prints each step.
#   packaging/try_container.sh [FOLDER]    as root; ten minutes; FOLDER is made, and deleted at the end
# The base image is made from Debian's archive (mmdebstrap), in the place of the registry's: $BASE is another one.
# $IMAGE is an image that was built already, in podman's own storage; without it one is built, in FOLDER.
# For machines that need them: $PODMAN_OPTIONS (such as `--runtime runc`), $BUILD_OPTIONS and $RUN_OPTIONS.
set -eu

checkout=$(cd "$(dirname "$0")/.." && pwd)
folder=${1:-/tmp/filmscand-container}
[ "$(id -u)" -eq 0 ] || { echo "this needs root" >&2; exit 1; }
[ ! -e "$folder" ] || { echo "$folder exists; name a folder that does not" >&2; exit 1; }
for program in podman mmdebstrap curl; do
    command -v "$program" >/dev/null || { echo "apt install $program" >&2; exit 1; }
done
[ -n "${IMAGE:-}" ] || ls "$checkout"/dist/filmscand-*.whl >/dev/null || { echo "run make dist first" >&2; exit 1; }
name=filmscand-try-$$
port=18420
page=https://localhost:$port
storage=""
[ -n "${IMAGE:-}" ] || storage="--root $folder/images --runroot $folder/run"

pod() {
    # shellcheck disable=SC2086  # several options
    podman ${PODMAN_OPTIONS:-} $storage "$@"
}
step() { echo "== $*"; }
fail() { echo "FAILED: $*" >&2; pod logs "$name" 2>&1 | tail -20 >&2; exit 1; }
wait_for() { # wait_for WHAT COMMAND: at most four minutes
    for _ in $(seq 240); do
        if eval "$2" >/dev/null 2>&1; then echo "   $1"; return; fi
        sleep 1
    done
    fail "waited in vain: $1"
}
inside() { pod exec "$name" "$@"; }
# The same settings as compose.yaml, less USB.
start() { # start IMAGE
    pod run --detach --name "$name" --read-only --tmpfs /tmp:mode=1777 --cap-drop ALL --stop-timeout 60 \
        --security-opt no-new-privileges --publish "127.0.0.1:$port:8420" ${RUN_OPTIONS:-} \
        --volume "$folder/archive:/archive" --volume "$folder/drop:/drop" \
        --volume "$folder/state:/var/lib/filmscand" --volume "$folder/cache:/var/cache/filmscand" "$1" >/dev/null
    wait_for "healthy: $(pod image inspect --format '{{.Id}}' "$1" | cut -c1-12)" "pod healthcheck run $name"
}
stop() {
    began=$(date +%s)
    pod stop "$name" >/dev/null
    echo "   stopped after $(($(date +%s) - began)) s, exit status $(pod inspect --format '{{.State.ExitCode}}' "$name")"
    [ "$(pod inspect --format '{{.State.ExitCode}}' "$name")" -eq 0 ] || fail "the service was killed, or failed"
    pod rm "$name" >/dev/null
}
drop() { # drop NAME SEED: a small frame with infrared inside, from the image's own Python
    pod run --rm --network none --user 0 --volume "$folder/drop:/drop" --volume "$checkout/tests:/tests:ro" \
        ${RUN_OPTIONS:-} --env PYTHONPATH=/tests --env NUMBA_CACHE_DIR=/tmp/numba filmscand:try \
        /opt/filmscand/bin/python3 -B -c "
import os, pathlib
from support import live_station
path = live_station.write_inside(pathlib.Path('/drop/.$1.part'), $2)
os.chown(path, 8420, 8420); path.rename('/drop/$1.tif')"
}
archived() { # archived COUNT: the page's own count, asked from outside with the login of the first start
    [ "$(curl -sk -b "$folder/cookies" "$page/api/status" | grep -o '"archived":[0-9]*' | head -1)" = "\"archived\":$1" ]
}
log_in() {
    curl -sk -c "$folder/cookies" -H 'Content-Type: application/json' --fail "$page/api/login" \
        --data "{\"name\": \"operator\", \"password\": \"$(cat "$folder/state/first-password")\"}"
}
end() {
    pod rm --force "$name" >/dev/null 2>&1 || true
    pod unmount --all >/dev/null 2>&1 || true
    if grep -q " $folder/" /proc/self/mounts; then
        echo "$folder stays: something is still mounted there" >&2
    else
        rm -rf "$folder"
    fi
}
trap end EXIT
trap 'exit 1' INT TERM

mkdir -p "$folder"
install -d -o 8420 -g 8420 -m 2770 "$folder/drop"
install -d -o 8420 -g 8420 -m 2750 "$folder/archive"
install -d -o 8420 -g 8420 -m 0750 "$folder/state" "$folder/cache"

if [ -z "${BASE:-}${IMAGE:-}" ]; then
    step "the base image, from Debian's archive, without manuals and translations as the registry's"
    mmdebstrap --quiet --variant=minbase --dpkgopt='path-exclude=/usr/share/man/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
        --dpkgopt='path-include=/usr/share/doc/*/copyright' bookworm "$folder/base.tar" http://deb.debian.org/debian
    pod import "$folder/base.tar" filmscand-base:bookworm >/dev/null 2>&1
    BASE=localhost/filmscand-base:bookworm
fi
step "the image"
if [ -n "${IMAGE:-}" ]; then
    pod tag "$IMAGE" filmscand:try
else
    # shellcheck disable=SC2086  # several options
    pod build --quiet --format docker ${BUILD_OPTIONS:-} --build-arg BASE="$BASE" \
        --file "$checkout/packaging/Containerfile" --tag filmscand:try "$checkout"
fi
pod images filmscand

step "first start"
start filmscand:try
echo "   user: $(inside id)"
inside filmscand --version
step "the page, from outside"
curl -sk -o /dev/null -w '   without a login: %{http_code}\n' "$page/api/status"
curl -sk -o /dev/null -w '   under another name: %{http_code}\n' -H 'Host: elsewhere.example.org' "$page/login"
log_in || fail "the password of the first start does not open the page"
curl -sk -b "$folder/cookies" --fail -o /dev/null -w '   with the login: %{http_code}\n' "$page/"
step "a frame in the drop folder"
drop one 1
wait_for "archived" "archived 1"
find "$folder/archive" -name '*one*' -type f -printf '   %P  %u:%g %m\n'
step "stop in the middle of a frame, start again"
drop two 2
wait_for "it is there" "find $folder/archive -name 'two*_raw.tif' | grep ."
stop
start filmscand:try
log_in || fail "no login after a restart"
wait_for "archived" "archived 2"
step "another image on the same volumes"
printf 'FROM localhost/filmscand:try\nLABEL release=second\n' |
    pod build --quiet --format docker --tag filmscand:second - >/dev/null
stop
start filmscand:second
drop three 3
log_in || fail "no login with the second image"
wait_for "archived" "archived 3"
inside filmscand verify
stop
echo "all as it should be"
