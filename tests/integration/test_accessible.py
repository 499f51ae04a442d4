"""The window as a screen reader is told of it: every control has a role and a name."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from napari_mclstexp.session.next_step import DOCKS
from support.places import TESTS

SUPPORT = TESTS / "support"
SYSTEM_PYTHON = Path("/usr/bin/python3")
BUS = Path("/usr/libexec/at-spi-bus-launcher")
OURS = (*DOCKS, "Train", "Cohort", "Workbench", "Genes", "Steps")
TOLD = {"QT_QPA_PLATFORM": "xcb", "QT_LINUX_ACCESSIBILITY_ALWAYS_ON": "1"}
CONTROLS = {
    *("push button", "toggle button", "button", "check box", "radio button", "combo box", "text"),
    *("entry", "spin button", "slider", "table", "tree", "tree table", "list"),
}


def lacking() -> str:
    """What an accessibility client needs and is not there."""
    if sys.platform != "linux" or not BUS.is_file():
        return "at-spi2-core"
    found = subprocess.run(
        [SYSTEM_PYTHON, "-c", "import pyatspi"], capture_output=True, check=False
    )
    return "" if found.returncode == 0 else "python3-pyatspi"


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """What a client reads of the window with the sample and every dock."""
    if missing := lacking():
        pytest.skip(f"no accessibility client here: {missing} (Debian) is not installed")
    folder = tmp_path_factory.mktemp("accessible")
    command = ["dbus-run-session", "--", sys.executable, str(SUPPORT / "read_window.py")]
    homes = {f"XDG_{name}_HOME": str(folder / name) for name in ("CONFIG", "STATE")}
    heard, said = folder / "heard.jsonl", folder / "stderr.txt"
    with heard.open("w") as out, said.open("w") as err:  # files: the bus outlives the window
        done = subprocess.run(
            command,
            env={**os.environ, **homes, **TOLD},
            stdout=out,
            stderr=err,
            timeout=170,
            check=False,
        )
    assert done.returncode == 0, said.read_text()[-2000:]
    return [json.loads(line) for line in heard.read_text().splitlines() if line.startswith("{")]


@pytest.mark.slow
def test_every_control_has_a_role_and_a_name(told):
    ours = [each for each in told if set(OURS) & set(each["path"])]
    controls = [each for each in ours if each["role"] in CONTROLS]
    found = Counter(each["role"] for each in controls)
    print(f"\n{len(controls)} controls: {found}")
    assert sum(found.values()) > 150
    assert {"push button", "combo box", "check box", "spin button", "slider"} <= set(found)
    unnamed = [" > ".join([*each["path"], each["role"]]) for each in controls if not each["name"]]
    assert unnamed == []
    assert not [each for each in ours if each["role"] in ("unknown", "invalid")]
