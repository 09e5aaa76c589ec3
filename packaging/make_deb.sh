#!/bin/sh
# Builds dist/filmscand_VERSION_ARCHITECTURE.deb from the checkout, with debhelper, in build/deb.
#   packaging/make_deb.sh [WHEEL]      with a wheel that was built before; without one, builds it
# $DEB_VERSION is the version of the package in place of the wheel's.
set -eu

house=$(cd "$(dirname "$0")/.." && pwd)
# Debian's own, whatever comes first on the path: the package depends on it.
PYTHON=/usr/bin/python3
export PYTHON
"$house/setup/system_packages.sh" deb
scratch=$house/build/deb
rm -rf "$scratch"
mkdir -p "$scratch/source/packaging" "$house/dist"

if [ $# -gt 0 ]; then
    wheel=$1
else
    "$PYTHON" -m venv "$scratch/tools"
    "$scratch/tools/bin/pip" wheel --quiet --disable-pip-version-check --no-deps --wheel-dir "$scratch" "$house"
    wheel=$(echo "$scratch"/filmscand-*.whl)
fi
version=${DEB_VERSION:-$("$PYTHON" "$house/packaging/debian_version.py" "$wheel")}

cd "$scratch/source"
cp "$wheel" .
cp -r "$house/packaging/debian" .
cp "$house/packaging/make_environment.sh" "$house/packaging/requirements.lock" packaging/
cp -r "$house/systemd" .
cp "$house/config/station.yaml" "$house/CHANGELOG.md" .
# dpkg asks for one in this form; the time of the commit makes the same files out of the same checkout.
cat >debian/changelog <<END
filmscand ($version) unstable; urgency=medium

  * What changed: /usr/share/doc/filmscand/changelog.gz.

 -- The filmscand developers <filmscand@localhost>  $(date -R -d "@$(git -C "$house" log -1 --format=%ct)")
END
dpkg-buildpackage --build=binary --no-sign
mv "$scratch"/filmscand_*.deb "$house/dist/"
cd "$house/dist"
ls -l "filmscand_${version#*:}"_*.deb
