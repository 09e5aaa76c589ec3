#!/bin/sh
# Makes everything that a release gives away into dist/, and checks it:
#   filmscand-VERSION.tar.gz, filmscand-VERSION-py3-none-any.whl    source archive, and the wheel that was built from it
#   filmscand-VERSION.cdx.json    list of contents (CycloneDX) of the wheel with the packages of packaging/requirements.lock
#   THIRD-PARTY-LICENSES          their licences
#   RELEASE-NOTES.md              the version's section of CHANGELOG.md
# Needs what setup/system_packages.sh installs, and a package index. Environments stay in build/.
set -eu

cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
tools=build/release
bundle=build/bundle

# environment FOLDER LOCK: made anew where the lock is newer
environment() {
    [ "$1/ready" -nt "$2" ] && return
    rm -rf "$1"
    "$python" -m venv "$1"
    "$1/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$2"
    touch "$1/ready"
}

environment "$tools" packaging/release.lock
environment "$bundle" packaging/requirements.lock

rm -rf dist
"$tools/bin/python" -m build --outdir dist . >build/build.log 2>&1 || { cat build/build.log; exit 1; }
"$tools/bin/twine" check --strict dist/*.whl dist/*.tar.gz

"$bundle/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --force-reinstall dist/*.whl
"$bundle/bin/python" -m pip check --disable-pip-version-check
version=$("$bundle/bin/filmscand" --version | cut -d' ' -f2)
sbom=dist/filmscand-$version.cdx.json
# pip installs, and is no part of what is installed.
"$tools/bin/cyclonedx-py" environment --pyproject pyproject.toml --output-reproducible --output-file - "$bundle" |
    "$tools/bin/python" packaging/sbom.py "$bundle" >"$sbom"
"$tools/bin/python" packaging/licences.py "$bundle" >dist/THIRD-PARTY-LICENSES
"$tools/bin/python" packaging/release_notes.py "$version" >dist/RELEASE-NOTES.md
ls -l dist
