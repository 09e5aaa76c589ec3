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

"$PYTHON" -m venv "$scratch/tools"
"$scratch/tools/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r "$house/packaging/release.lock"
if [ $# -gt 0 ]; then
    wheel=$1
else
    "$scratch/tools/bin/pip" wheel --quiet --disable-pip-version-check --no-deps --wheel-dir "$scratch" "$house"
    wheel=$(echo "$scratch"/filmscand-*.whl)
fi
version=${DEB_VERSION:-$("$PYTHON" "$house/packaging/debian_version.py" "$wheel")}

cd "$scratch/source"
cp "$wheel" .
cp -r "$house/packaging/debian" .
cp "$house"/packaging/*.sh "$house"/packaging/*.py "$house/packaging/requirements.lock" packaging/
cp -r "$house/systemd" .
cp "$house/config/station.yaml" "$house/CHANGELOG.md" "$house/pyproject.toml" .
cat >packaging/built_filmscand.sh <<'END'
#!/bin/sh
# The command of the environment names the place where it will be installed; this one runs it where it is.
exec debian/filmscand/opt/filmscand/bin/python3 -m filmscand.daemon.cli "$@"
END
chmod +x packaging/built_filmscand.sh
# dpkg asks for one in this form; the time of the commit makes the same files out of the same checkout.
cat >debian/changelog <<END
filmscand ($version) unstable; urgency=medium

  * What changed: /usr/share/doc/filmscand/CHANGELOG.md.gz.

 -- The filmscand developers <maintainers@filmscand.invalid>  $(date -R -d "@$(git -C "$house" log -1 --format=%ct)")
END
dpkg-buildpackage --build=binary --no-sign
mv "$scratch"/filmscand_*.deb "$house/dist/"
cd "$house/dist"
deb=$(echo "filmscand_${version#*:}"_*.deb)
ls -l "$deb"
lintian --fail-on error --tag-display-limit 0 "$deb"
