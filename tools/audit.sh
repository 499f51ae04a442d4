#!/usr/bin/env bash
# Known weaknesses of what PYTHON's environment and the container hold, told by PyPI's advisories, and
# bills of materials (CycloneDX) in audit/. BIN has the tools.
#
# Ends with 1 if there are findings, and with 3 if the advisories cannot be reached: pip-audit itself
# calls an environment clean of which it could look nothing up.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-.venv/bin/python}
bin=${BIN:-.venv-tools/bin}
mkdir -p audit
audit() {
  "$bin/pip-audit" --vulnerability-service pypi --progress-spinner off --timeout 5 "$@"
}
export -f audit
export bin

# A version that is known to be weak: where that is not found, nothing would be.
echo "jinja2==3.1.2" > audit/known_weak.txt
if timeout 30 bash -c 'audit --no-deps --disable-pip --format json --requirement audit/known_weak.txt' 2> /dev/null |
  grep -q '"id"'; then
  packages=$("$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
  result=0
  audit --skip-editable --path "$packages" || result=1
  audit --no-deps --disable-pip --requirement container/program.lock || result=1
else
  echo "PyPI's advisories cannot be reached from here, so nothing was audited; run this where they can." >&2
  result=3
fi

"$bin/cyclonedx-py" environment --pyproject pyproject.toml --output-file audit/environment.cdx.json "$python"
cat container/program.lock container/torch.lock |
  "$bin/cyclonedx-py" requirements --pyproject pyproject.toml --output-file audit/container.cdx.json - 2> /dev/null
echo "What is installed: audit/environment.cdx.json; what the container holds: audit/container.cdx.json."
exit $result
