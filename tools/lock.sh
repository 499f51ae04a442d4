#!/usr/bin/env bash
# Renew the locks in container/: every package that the program, the extras of a cluster and the tools of
# its build bring, with the version and the hashes of its files. UV names uv's command.
#
# torch and torchvision stand apart and by version only: their files come from another index for each
# backend (CPU, each CUDA), so no one hash fits, and CUDA's libraries come with them. Whoever builds for
# one backend alone can have the hashes too: uv pip compile --torch-backend cpu --generate-hashes.
set -euo pipefail
cd "$(dirname "$0")/.."
uv=${UV:-uv}
new=$(mktemp -d)
trap 'rm -rf "$new"' EXIT
compile() {
  "$uv" pip compile --quiet --no-config --upgrade --universal \
    --python-version 3.11 --no-annotate --no-emit-index-url --no-emit-find-links \
    --custom-compile-command "make lock" "$@" > /dev/null
}
program() {
  compile --extra cluster --extra encoders --extra domains "$@" pyproject.toml
}

program --output-file "$new/all"
mapfile -t apart < <(sed -nE 's/^((torch|torchvision|triton|(nvidia|cuda)-[a-z0-9-]+))==.*/\1/p' "$new/all" | sort -u)
program --generate-hashes --output-file "$new/program.lock" "${apart[@]/#/--no-emit-package=}"
compile --generate-hashes --group container --output-file "$new/tools.lock"
{ echo "# By make lock; why without hashes, tools/lock.sh says."; grep -E '^(torch|torchvision)==' "$new/all"; } \
  > "$new/torch.lock"

# Others install from these files: no mirror or folder of whoever renewed them may stand there.
if grep -nE '://|^ *-' "$new"/*.lock | grep -v -- ' --hash=sha256:'; then
  echo "An address or an option stands in the lock; nothing was renewed." >&2
  exit 1
fi
mkdir -p container
cp "$new"/*.lock container/
