#!/bin/sh
# Tries the Debian package in a fresh Debian 12 that its own systemd runs, in a container (systemd-nspawn): installation,
# drop by a member, page, reboot, update from an older version with half a queue, removal, installation again, purge.
# Prints each command and its answer; ends with "all as it should be", or with status 1.
#   packaging/try_deb.sh DEB [FOLDER]     as root; ten minutes; FOLDER is made, and deleted at the end
# Needs mmdebstrap, systemd-container, curl, the environment of make (for the scans), and Debian's packages.
set -eu

house=$(cd "$(dirname "$0")/.." && pwd)
deb=$(realpath "${1:?usage: packaging/try_deb.sh DEB [FOLDER]}")
folder=${2:-/tmp/filmscand-deb}
# Its database has an older schema, 11.
older_commit=1cf4377
frames=12
[ "$(id -u)" -eq 0 ] || { echo "this needs root" >&2; exit 1; }
[ ! -e "$folder" ] || { echo "$folder exists; name a folder that does not" >&2; exit 1; }
root=$folder/root
station=/var/lib/filmscand
site=http://127.0.0.1:8420
nspawn=""

clean_up() {
    [ -z "$nspawn" ] || kill -TERM "$nspawn" 2>/dev/null || true
    [ -z "$nspawn" ] || wait "$nspawn" || true
    umount -R "$root/proc" 2>/dev/null || true
    # Never delete through a mount that is still there.
    if grep -q " $root/" /proc/self/mounts; then
        echo "$folder stays: something is still mounted or runs there" >&2
    else
        rm -rf "$folder"
    fi
}
trap clean_up EXIT
trap 'exit 1' INT TERM

fail() {
    echo "FAILED: $*" >&2
    inside journalctl --no-pager -u filmscand -n 40 >&2 || true
    exit 1
}

leader() { pgrep -P "$nspawn" -x systemd | head -1; }
inside() {
    nsenter --target "$(leader)" --all -- env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 HOME=/root COLUMNS=120 \
        DEBIAN_FRONTEND=noninteractive "$@"
}
as() { # as USER COMMAND...: after a login, with the groups of the user
    user=$1
    shift
    inside setpriv --reuid="$user" --regid="$user" --init-groups env HOME="/home/$user" "$@"
}
page() { nsenter --target "$(leader)" --net -- curl --silent --show-error --fail "$site$1"; }

answer() { # answer TEXT COMMAND...: print the command and its answer, which has to hold the text; its status
    wanted=$1
    shift
    echo "\$ $*"
    status=0
    answer=$("$@" 2>&1) || status=$?
    echo "$answer" | tail -n 25
    case $answer in
        *Traceback*) fail "a traceback" ;;
        *"$wanted"*) return "$status" ;;
        *) fail "expected: $wanted" ;;
    esac
}
shows() { answer "$@" || fail "status $status"; }
refuses() { if answer "$@"; then fail "expected a refusal"; fi; }
wait_for() { # wait_for WHAT COMMAND: at most five minutes
    for _ in $(seq 300); do
        if eval "$2" >/dev/null 2>&1; then return; fi
        sleep 1
    done
    fail "waited in vain: $1"
}

boot() { # with a network of its own: the page has port 8420 of this machine for itself
    systemd-nspawn --quiet --boot --register=no --keep-unit --private-network --directory="$root" \
        </dev/null >"$folder/boot.log" 2>&1 &
    nspawn=$!
    wait_for "the container has started" started
}
started() { case $(inside systemctl is-system-running) in running | degraded) ;; *) return 1 ;; esac; }
count() { inside env FILMSCAND_STATION=$station filmscand status --json | sed -n "s/^ *\"$1\": \([0-9]*\),*$/\1/p" | head -1; }
archived() { [ "$(count archived)" -ge "$1" ]; }
raw_hashes() { (cd "$root$station/archive" && find . -name '*_raw.tif' -exec sha256sum {} + | sort -k 2); }
rest_hashes() { (cd "$root$station/archive" && find . -type f ! -path './.filmscand/*' -exec sha256sum {} + | sort -k 2); }

older() { # the package of an older commit: the same environment, another filmscand
    dpkg-deb --raw-extract "$deb" "$folder/older"
    packages=$(echo "$folder"/older/opt/filmscand/lib/python3*/site-packages)
    rm -r "$packages"/filmscand "$packages"/filmscand-*.dist-info
    mkdir "$folder/checkout"
    git -C "$house" archive "$older_commit" | tar -C "$folder/checkout" -x
    "$house/.venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-compile \
        --target "$folder/built" "$folder/checkout"
    mv "$folder"/built/filmscand "$folder"/built/filmscand-*.dist-info "$packages/"
    sed -i 's/^Version: .*/Version: 0.0.1/' "$folder/older/DEBIAN/control"
    dpkg-deb --root-owner-group -Zgzip -z1 --build "$folder/older" "$root/root/older.deb"
    rm -r "$folder/older"
}

make_scans() { # make_scans FOLDER FIRST LAST, of six megapixels
    (cd "$house" && PYTHONPATH=src:tests:. .venv/bin/python -c "
import pathlib, sys
from support.live_station import write_inside
for seed in range(int(sys.argv[2]), int(sys.argv[3]) + 1):
    write_inside(pathlib.Path(sys.argv[1], f'{seed}.tif'), seed, rows=2000, cols=3000)
" "$@")
}

echo "== a fresh Debian 12, and a package of commit $older_commit"
mkdir -p "$folder"
mmdebstrap --quiet --variant=minbase --include=systemd-sysv,dbus,udev bookworm "$root"
cp "$deb" "$root/root/new.deb"
older
ls -l "$root"/root/*.deb
# The packages that apt will need, fetched before: the container has no network.
cp -L /etc/resolv.conf "$root/etc/resolv.conf"
mount -t proc proc "$root/proc"
chroot "$root" apt-get update -qq
chroot "$root" apt-get install -y -qq --download-only /root/new.deb >/dev/null
umount "$root/proc"
for user in anna otto; do chroot "$root" useradd --create-home --shell /bin/sh "$user"; done
make_scans "$root/home/anna/holiday" 1 "$frames"
chown -R --reference="$root/home/anna" "$root/home/anna/holiday"
cp -r "$root/home/anna/holiday" "$folder/dropped"
boot

echo "== installation"
shows "" inside apt-get install -y -qq /root/older.deb
shows "active" inside systemctl is-active filmscand
shows "enabled" inside systemctl is-enabled filmscand
shows "kernels are ready in /var/cache/filmscand/numba" inside runuser -u filmscand -- \
    env NUMBA_CACHE_DIR=/var/cache/filmscand/numba filmscand warm-up
# Those in NAME.libs are found by the path of the module that needs them.
if inside find /opt/filmscand -name '*.libs' -prune -o -name '*.so*' -exec ldd {} + 2>&1 | grep "not found"; then
    fail "a library is missing"
fi
inside usermod --append --groups filmscand anna

echo "== who is no member may not drop, and is told so"
refuses "Permission denied" as otto cp /etc/hostname "$station/drop/"
refuses "join its group" as otto env FILMSCAND_STATION=$station filmscand status

echo "== a member drops a frame and sees it on the page"
shows "" as anna cp -v "/home/anna/holiday/1.tif" "$station/drop/"
wait_for "the first frame is archived" "archived 1"
shows "archived" as anna env FILMSCAND_STATION=$station filmscand status
roll=$(cd "$root$station/archive" && find unsorted/unsorted -mindepth 1 -maxdepth 1)
shows '"outcome":"archived"' page "/api/rolls/$roll"
shows "_0001" page "/frames/${roll}_0001"

echo "== reboot"
# systemd-nspawn does not start a container again where no systemd runs around it.
inside systemctl poweroff 2>/dev/null || true
wait "$nspawn" || true
boot
wait_for "the service runs" "inside systemctl is-active filmscand"
shows "active" inside systemctl is-active filmscand
wait_for "the page is there" "page /healthz"
shows '"outcome":"archived"' page "/api/rolls/$roll"

echo "== update with half a queue; a configuration of the station is kept"
inside sh -c 'echo "logging: {level: info}" >/etc/filmscand/station.yaml'
as anna sh -c "mkdir $station/drop/holiday; cp /home/anna/holiday/*.tif $station/drop/holiday/"
wait_for "some frames are archived" "archived 3"
shows "queued" as anna env FILMSCAND_STATION=$station filmscand status
schema() { "$house/.venv/bin/python" -c "
import sqlite3, sys; print('schema', sqlite3.connect(f'file:{sys.argv[1]}?mode=ro', uri=True).execute('PRAGMA user_version').fetchone()[0])" "$1"; }
shows "schema 11" schema "$root$station/station.db"
[ "$(count archived)" -lt "$frames" ] || fail "the queue was already done"
shows "" inside apt-get install -y -qq /root/new.deb
shows "active" inside systemctl is-active filmscand
shows "schema 14" schema "$root$station/station.db"
shows "schema 11" schema "$root$station/station.db.schema-11"
shows "level: info" inside cat /etc/filmscand/station.yaml
shows "info" inside filmscand config show
wait_for "all frames are archived" "archived $frames"
shows "archived" as anna filmscand status
[ "$(count archived)" -eq "$frames" ] || fail "expected $frames frames"
# The first one was dropped twice, and is archived once.
raw_hashes | cut -d' ' -f1 | sort >"$folder/raw"
sha256sum "$folder"/dropped/*.tif | cut -d' ' -f1 | sort >"$folder/wanted"
if ! cmp "$folder/raw" "$folder/wanted"; then fail "raw files and what was dropped differ"; fi
echo "every one of the $frames dropped files is in the archive once, byte for byte"
shows "0 problems" as anna filmscand verify
shows "unit installed" inside runuser -u filmscand -- env NUMBA_CACHE_DIR=/var/cache/filmscand/numba filmscand doctor

echo "== removal: the archive stays"
rest_hashes >"$folder/before"
shows "stay as they are in /var/lib/filmscand" inside apt-get remove -y -qq filmscand
refuses "No such file" inside ls /opt/filmscand /usr/bin/filmscand
rest_hashes | cmp - "$folder/before" || fail "the archive has changed"
shows "level: info" inside cat /etc/filmscand/station.yaml

echo "== installation again: the station goes on with the archive"
shows "" inside apt-get install -y -qq /root/new.deb
wait_for "the page is there" "page /healthz"
shows '"outcome":"archived"' page "/api/rolls/unsorted/unsorted/holiday"
shows "archived" as anna filmscand status
rest_hashes | cmp - "$folder/before" || fail "the archive has changed"

echo "== purge: the archive stays, and what lies in drop/"
inside systemctl stop filmscand
inside runuser -u filmscand -- touch "$station/drop/not-yet-taken.tif"
shows "stay as they are in /var/lib/filmscand" inside apt-get purge -y -qq filmscand
rest_hashes | cmp - "$folder/before" || fail "the archive has changed"
shows "not-yet-taken.tif" inside ls "$station/drop"
refuses "No such file" inside ls /etc/filmscand/station.yaml /var/cache/filmscand
shows "filmscand" inside getent group filmscand

echo "== installation after a purge, with the archive alone: it is adopted"
inside sh -c "rm $station/station.db* $station/drop/not-yet-taken.tif"
shows "" inside apt-get install -y -qq /root/new.deb
answer "" inside filmscand status || true
inside systemctl stop filmscand
shows "$frames" inside runuser -u filmscand -- filmscand rebuild
inside systemctl start filmscand
wait_for "the page is there" "page /healthz"
shows '"outcome":"archived"' page "/api/rolls/unsorted/unsorted/holiday"
rest_hashes | grep -v metadata/events >"$folder/after"
grep -v metadata/events "$folder/before" | cmp - "$folder/after" || fail "the archive has changed"
echo "all as it should be"
