"""The biologist's notebook of the docs runs from the first cell to the last."""

from __future__ import annotations

import json

import pytest

from support.places import ROOT

NOTEBOOKS = sorted((ROOT / "docs").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_cell_runs(path):
    names: dict[str, object] = {}
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    assert len(code) > 5
    for number, source in enumerate(code, start=1):
        exec(compile(source, f"{path.name}, code cell {number}", "exec"), names)
    assert {"Invasive tumour"} <= set(names["data"].obs["domain"])
    assert names["data"].uns["domain_colors"][0].startswith("#")
