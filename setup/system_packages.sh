#!/bin/sh
# Installs the Debian packages that are needed to build and test the project, and only those that are missing.
# Root is needed only if something has to be installed.
#   setup/system_packages.sh            what the build needs; fails where it cannot be installed
#   setup/system_packages.sh browser    Chromium, for the tests of the page; without it they are skipped
#   setup/system_packages.sh deb        what the build needs, and what builds and checks the Debian package
set -eu

if [ "${1:-}" = browser ]; then
    command -v chromium >/dev/null && exit 0
    echo "Installing Debian package: chromium (the tests of the page need it)"
    as_root=""
    [ "$(id -u)" -eq 0 ] || as_root=sudo
    # A machine without apt-get, root or network still runs all the other tests.
    if ! { $as_root apt-get update -qq &&
        $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium; }; then
        echo "chromium is missing and could not be installed: the tests of the page in a browser are skipped." >&2
        echo "To run them: as root, apt-get install chromium" >&2
    fi
    exit 0
fi

missing=""
need() { # need PACKAGE COMMAND...: the package counts as missing if the command fails
    package=$1
    shift
    "$@" >/dev/null 2>&1 || missing="$missing $package"
}

python=${PYTHON:-python3}
need python3-venv "$python" -c "import ensurepip, venv"
need python3-dev "$python" -c "import os, sysconfig; assert os.path.exists(sysconfig.get_path('include') + '/Python.h')"
need gcc gcc --version
# Debian has no sane-config. Check for the header, which is needed to compile python-sane.
need libsane-dev sh -c 'echo "#include <sane/sane.h>" | gcc -E - >/dev/null'
if [ "${1:-}" = deb ]; then
    need dpkg-dev dpkg-buildpackage --version
    need debhelper command -v dh
    need lintian lintian --version
else
    need sane-utils scanimage --version
fi

[ -z "$missing" ] && exit 0

as_root=""
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || {
        echo "These Debian packages are missing; install them as root, for sudo is not available:$missing" >&2
        exit 1
    }
    as_root=sudo
fi
echo "Installing Debian packages:$missing"
$as_root apt-get update -qq
# shellcheck disable=SC2086  # a list of package names, split on purpose
DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends $missing
