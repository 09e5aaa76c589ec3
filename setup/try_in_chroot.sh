#!/bin/sh
# Installs the service in a fresh Debian 12 by the commands of docs/how-to/install-as-a-service.md, then works with it as
# a member of the group filmscand, without root (setup/try_as_member.sh). Prints each command and its answer.
#   setup/try_in_chroot.sh [FOLDER]     as root; five to ten minutes; FOLDER is made, and deleted at the end
# No systemd runs there: tests/support/like_the_unit.py starts what the unit starts, with the rights that it gives.
set -eu

checkout=$(cd "$(dirname "$0")/.." && pwd)
folder=${1:-/tmp/filmscand-chroot}
[ "$(id -u)" -eq 0 ] || { echo "this needs root" >&2; exit 1; }
[ ! -e "$folder" ] || { echo "$folder exists; name a folder that does not" >&2; exit 1; }
command -v debootstrap >/dev/null || { echo "apt install debootstrap" >&2; exit 1; }
root=$folder/root
service=""

inside() {
    chroot "$root" env -i PATH=/opt/filmscand/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root DEBIAN_FRONTEND=noninteractive \
        ${HTTPS_PROXY:+HTTPS_PROXY="$HTTPS_PROXY"} ${HTTP_PROXY:+HTTP_PROXY="$HTTP_PROXY"} \
        ${PIP_INDEX_URL:+PIP_INDEX_URL="$PIP_INDEX_URL"} PIP_CERT=/etc/ssl/certs/ca-certificates.crt "$@"
}

remove() {
    [ -z "$service" ] || kill "$service" 2>/dev/null || true
    [ -z "$service" ] || wait "$service" || true
    umount -R "$root/proc" "$root/dev" 2>/dev/null || true
    # Never delete through a mount that is still there.
    if grep -q " $root/" /proc/self/mounts; then
        echo "$folder stays: something is still mounted or runs there" >&2
    else
        rm -rf "$folder"
    fi
}

# step NUMBER: the commands of one step of the how-to; what asks, is answered; there is no udevd.
step() {
    echo "cd /root/filmscand"
    echo "apt() { apt-get -y -qq \"\$@\" >/dev/null; }; udevadm() { :; }"
    awk -v wanted="$1" '/^[0-9]+\. /{number = $1 + 0} /^ *```/{code = !code; next} code && number == wanted' \
        "$checkout/docs/how-to/install-as-a-service.md"
}

trap remove EXIT
trap 'exit 1' INT TERM
mkdir -p "$folder"
debootstrap --variant=minbase --include=ca-certificates,systemd,udev bookworm "$root" http://deb.debian.org/debian \
    >"$folder/debootstrap.log"
cp -L /etc/resolv.conf "$root/etc/resolv.conf"
cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount --make-rslave "$root/dev"

mkdir "$root/root/filmscand"
git -C "$checkout" archive HEAD | tar -C "$root/root/filmscand" -x
inside apt-get update -qq
step 1 | inside sh -e
step 2 | inside sh -ex
for user in anna otto; do inside useradd --create-home --shell /bin/sh "$user"; done
inside usermod --append --groups filmscand anna

# Not `inside`: a function in the background is a shell of its own, and killing that would leave the service.
chroot "$root" env -i PATH=/usr/bin:/bin python3 /root/filmscand/tests/support/like_the_unit.py \
    /etc/systemd/system/filmscand.service >"$folder/service.log" 2>&1 &
service=$!
cp "$checkout/setup/try_as_member.sh" "$root/tmp/"
cp -r "$checkout/tests/support" "$root/tmp/"
while ! grep -q "service started" "$folder/service.log"; do
    kill -0 "$service" || { cat "$folder/service.log"; exit 1; }
    sleep 1
done
inside sh /tmp/try_as_member.sh
kill "$service"
wait "$service" || true
service=""
inside sh /tmp/try_as_member.sh stopped
if grep -n Traceback "$folder/service.log"; then exit 1; fi
echo "all as it should be"
