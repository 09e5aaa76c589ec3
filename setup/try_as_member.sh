#!/bin/sh
# Run by setup/try_in_chroot.sh as root inside the chroot: what anna, who is only in the group filmscand, and otto, who is
# not, may do. With an argument: what anna may do while no service runs.
set -eu

drop=/var/lib/filmscand/drop
as="env -i PATH=/opt/filmscand/bin:/usr/bin:/bin COLUMNS=120 FILMSCAND_STATION=/var/lib/filmscand"
failed=0

member() { # member SETTING... COMMAND: as anna
    setpriv --reuid=anna --regid=anna --init-groups $as HOME=/home/anna "$@"
}

fail() {
    echo "FAILED: $1"
    failed=1
}

# expect STATUS USER HOME COMMAND...: show the answer; no traceback, and this exit status
expect() {
    wanted=$1 user=$2 home=$3
    shift 3
    echo "$user (HOME=${home:-none}) \$ $*"
    status=0
    answer=$(cd / && setpriv --reuid="$user" --regid="$user" --init-groups $as ${home:+HOME="$home"} "$@" 2>&1) || status=$?
    echo "$answer"
    echo "= $status"
    case $answer in *Traceback*) fail "a traceback" ;; esac
    [ "$status" -eq "$wanted" ] || fail "expected exit status $wanted"
}

looks() { # looks HOME: what a member may look at
    for command in --version status "status --json" verify devices doctor "config show"; do
        # shellcheck disable=SC2086  # a command and its argument
        expect 0 anna "$1" filmscand $command
    done
}

if [ $# -gt 0 ]; then
    looks /home/anna
    exit "$failed"
fi

member sh -ec '
    cd; mkdir scans
    PYTHONPATH=/tmp /opt/filmscand/bin/python -c "
import pathlib
from support import live_station
names = \"cp mv cp600 mv600 made/1 made/2 cp755/1 cp755/2 cp700/1 mv755/1 mv755/sub/2 umask/1 tar/1\".split()
for seed, name in enumerate(names):
    live_station.write_inside(pathlib.Path(\"scans\", name + \".tif\"), seed)
"
    cd scans
    chmod 600 cp600.tif mv600.tif
    chmod 700 cp700
    cp cp.tif cp600.tif '$drop'
    mv mv.tif mv600.tif mv755 '$drop'
    mkdir '$drop'/made; cp made/* '$drop'/made
    cp -r cp755 cp700 '$drop'
    (umask 077; mkdir '$drop'/umask; cp umask/* '$drop'/umask)
    tar -cf - tar | tar -C '$drop' -xf -
    mkdir '$drop'/text; echo "no scan" > '$drop'/text/readme.tif
    echo "Files of a kind that is not taken." > '$drop'/text/readme.txt
'
ls -lR "$drop"

left() { find "$drop" -name '*.tif' ! -path '*/_done/*' ! -path '*/_failed/*'; }

wait_for() { # wait_for WHAT COMMAND: at most two minutes
    for _ in $(seq 120); do
        if eval "$2"; then return; fi
        sleep 1
    done
    fail "waited in vain: $1"
}

alarms() { member filmscand status --json | grep '"message"'; }

wait_for "the alarms of what is closed" '[ "$(alarms | grep -c "lets the service in by")" -ge 3 ]'
# Status 1: there are alarms.
expect 1 anna /home/anna filmscand status
for _ in 1 2 3; do
    # What the alarms tell, typed by anna.
    alarms | grep -o 'lets the service in by: [^;"]*' | sed 's/^.*in by: //' | sort -u >/tmp/told
    while read -r command; do
        echo "anna \$ $command"
        # The service may have taken the file between the alarm and the command.
        member sh -c "$command" || [ ! -e "${command##* }" ] || fail "$command"
    done </tmp/told
    sleep 15
done
wait_for "everything goes to _done or _failed" '[ -z "$(left)" ]'
left
wait_for "every frame is cleaned" 'member filmscand status | grep -q "^finished *13 archived"'
wait_for "no alarm is left" 'member filmscand status >/dev/null'
find "$drop" | sort
looks /home/anna
looks /root
looks ""
expect 0 anna /home/anna sh -c 'umask 077; filmscand status; filmscand verify'
expect 2 anna /home/anna filmscand session
# The service does these for a member.
expect 0 anna /home/anna filmscand reclean unsorted/unsorted/made_0001
expect 0 anna /home/anna filmscand seal unsorted/unsorted/made
expect 1 anna /home/anna filmscand session pause 1
case $answer in *"there is no session 1"*) ;; *) fail "says not that there is none" ;; esac
for command in rebuild "archive adopt" run; do
    # shellcheck disable=SC2086
    expect 1 anna /home/anna filmscand $command
    case $answer in *"the station belongs to user filmscand"*) ;; *) fail "says not who may" ;; esac
done
for command in status verify devices doctor "config show" run; do
    # shellcheck disable=SC2086
    expect 1 otto /home/otto filmscand $command
    case $answer in *"join its group"*) ;; *) fail "says not what helps" ;; esac
done
expect 0 anna /home/anna sh -c "rm -r $drop/_done/* $drop/_failed/*"
exit "$failed"
