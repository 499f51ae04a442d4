"""A cohort of six slides, two of which take seconds, and what single predictions make of it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from support import cohort_kit as kit


@pytest.fixture(autouse=True)
def _alone(monkeypatch):
    monkeypatch.setenv("NAPARI_MCLSTEXP_CACHE", "")


@pytest.fixture(scope="session")
def table(tmp_path_factory) -> Path:
    return kit.write_cohort(tmp_path_factory.mktemp("cohort"), kit.N, long=kit.LONG)


@pytest.fixture(scope="session")
def alone(table, tiny_model, tmp_path_factory):
    """Return what single predictions hold: each by the command predict."""
    folder = tmp_path_factory.mktemp("alone")
    code = f"""
import csv
from napari_mclstexp.cli import main
for row in csv.DictReader(open({str(table)!r})):
    root = {str(table.parent)!r} + "/"
    given = ["--slide", root + row["slide"], "--spots", root + row["spots"]]
    given += ["--um-per-px", row["um_per_px"], "--model", {str(tiny_model)!r}]
    out = {str(folder)!r} + "/" + row["slide"].replace(".png", ".h5ad")
    assert main(["predict", *given, "--out", out]) == 0
"""
    subprocess.run(
        [kit.PROGRAM[0], "-c", code], check=True, env=kit.environment(**kit.ONE_THREAD),
        capture_output=True,
    )  # fmt: skip
    return kit.contents(folder)
