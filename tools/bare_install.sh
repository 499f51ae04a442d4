#!/usr/bin/env bash
# Build wheel and sdist into dist/, check them, install each in an environment that has nothing else, and
# let the program there say its version, look at the machine, draw the demo, and show napari its manifest.
# Everything is fetched anew, torch too: some gigabytes and minutes. BIN has the tools.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=${BIN:-.venv-tools/bin}
rm -rf dist
"$bin/python" -m build --outdir dist .
"$bin/twine" check --strict dist/*

home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
export NAPARI_MCLSTEXP_CACHE=$home/cache NAPARI_MCLSTEXP_DATA=$home/data NAPARI_MCLSTEXP_LOG=
for built in dist/*.whl dist/*.tar.gz; do
  echo "$built in a bare environment"
  rm -rf "$home/bare"
  "$bin/uv" venv --quiet --python "${PYTHON:-python3}" "$home/bare"
  VIRTUAL_ENV=$home/bare "$bin/uv" pip install --quiet "$built"
  VIRTUAL_ENV=$home/bare "$bin/uv" pip check
  for command in --version doctor "demo --out $home/demo"; do
    # shellcheck disable=SC2086 # words of their own
    (cd "$home" && bare/bin/napari-mclstexp $command)
  done
  (cd "$home" && bare/bin/npe2 validate napari_mclstexp)
  rm -rf "$home/demo"
done
