"""Random commands over a folder of precious files; thousands by support/precious_program.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.precious_folder import COMMANDS, write_precious
from support.precious_program import try_case

pytestmark = pytest.mark.slow
QUICK = tuple(each for each in COMMANDS if each.weight > 2)


@pytest.fixture(scope="module")
def template(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("precious") / "folder"
    folder.mkdir()
    write_precious(folder)
    return folder


@pytest.mark.parametrize("some", [range(0, 15), range(15, 30)], ids=["first", "second"])
def test_nothing_changes_but_what_was_asked_for(template, monkeypatch, some):
    monkeypatch.setenv("NAPARI_MCLSTEXP_DATA", "")
    cases = [try_case(seed, template, QUICK) for seed in some]
    assert {each.code for each in cases} == {0, 2}
    assert not [str(each) for each in cases if each.wrong]
