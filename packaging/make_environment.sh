#!/bin/sh
# Makes the environment that the Debian package bundles: filmscand and the locked packages that it needs.
#   packaging/make_environment.sh WHEEL FOLDER PLACE    made in FOLDER, to be moved to PLACE, an absolute path
# Only python-sane is compiled here; the others are wheels of the index.
set -eu

wheel=$1 folder=$2 place=$3
packaging=$(cd "$(dirname "$0")" && pwd)
python=${PYTHON:-python3}

leave_out() { # what a station does without, below site-packages
    find . -depth \( -type d -name tests -o -name '*.pyi' -o -name '*.h' -o -name '*.pxd' -o -name '*.pyx' -o -name '*.a' \) \
        -exec rm -r {} +
    # Descriptions of 430 services: replication asks S3, and the others for the right to ask it.
    find botocore/data -mindepth 1 -maxdepth 1 -type d ! -name s3 ! -name sts ! -name sso ! -name sso-oidc ! -name signin \
        -exec rm -r {} +
    # These prepare networks; the networks here are ready.
    rm -r onnxruntime/quantization onnxruntime/tools onnxruntime/transformers
    # Numba takes OpenMP; its other way, TBB, would need a library of Debian that nothing else here needs.
    rm numba/np/ufunc/tbbpool*.so
    # The wheel brings them for an installation by hand.
    rm -r "$folder/share/filmscand"
}

"$python" -m venv --without-pip "$folder"
folder=$(cd "$folder" && pwd)
tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
"$python" -m venv "$tools"
pip() {
    "$tools/bin/pip" --python "$folder/bin/python" --quiet --disable-pip-version-check install --no-compile "$@"
}
pip --require-hashes --only-binary :all: --no-binary python-sane --requirement "$packaging/requirements.lock"
pip --no-deps "$wheel"
(cd "$folder"/lib/python3*/site-packages && leave_out)

# Of the commands only filmscand is ours; activate is no use without pip.
find "$folder/bin" -type f ! -name filmscand -delete
sed -i "1s|^#!.*|#!$place/bin/python3|" "$folder/bin/filmscand"
# Some wheels mark every file as a program.
find "$folder/lib" -type f -exec chmod a-x {} +
# The folder of the build is nobody's business; Python itself reads `home`.
sed -i "/^command = /d" "$folder/pyvenv.cfg"
find "$folder" -name direct_url.json -delete
rm -f "$folder/lib64" "$folder/.gitignore"
rmdir "$folder/include" "$folder/include"/* 2>/dev/null || true
if grep -rlF --include='*' "$folder" "$folder" >&2; then
    echo "these files name the folder of the build, $folder: they would not work at $place" >&2
    exit 1
fi
