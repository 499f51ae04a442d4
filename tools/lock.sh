#!/usr/bin/env bash
# Renew requirements.lock, from which the container is made: every package that the program and the
# extras of a cluster bring, with the version and the hashes of its files. UV names uv's command.
#
# torch and torchvision stand in requirements-torch.lock, by version only: their files come from another
# index for each backend (CPU, each CUDA), so one hash does not fit them all; CUDA's libraries come with
# them. Whoever has one backend only can lock it too: UV_TORCH_BACKEND=cpu uv pip compile
# --generate-hashes requirements-torch.lock.
set -euo pipefail
cd "$(dirname "$0")/.."
uv=${UV:-uv}
compile() {
  "$uv" pip compile --quiet --no-config --universal --python-version 3.11 --no-annotate \
    --extra cluster --extra encoders --extra domains --upgrade \
    --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" "$@" pyproject.toml
}
new=$(mktemp -d)
trap 'rm -rf "$new"' EXIT
compile --output-file "$new/all" > /dev/null
apart=$(sed -nE 's/^((torch|torchvision|triton|(nvidia|cuda)-[a-z0-9-]+))==.*/\1/p' "$new/all" | sort -u)
{
  echo "# By make lock; see tools/lock.sh."
  grep -E '^(torch|torchvision)==' "$new/all"
} > "$new/torch"
# shellcheck disable=SC2046 # the names are to be words of their own
compile --generate-hashes --output-file "$new/rest" $(printf -- '--no-emit-package %s ' $apart) > /dev/null
# Each pin is that of the package index: nobody's mirror or folder may stand in a file that others install from.
if grep -nE '://|^ *(-|--)[a-z]' "$new/rest" "$new/torch" | grep -v -- '--hash=sha256:'; then
  echo "An address or option stands in the lock; it was not renewed." >&2
  exit 1
fi
mv "$new/rest" requirements.lock
mv "$new/torch" requirements-torch.lock
