"""Kills at every system call that renames, removes or waits for the disk, and disks that refuse.

Those of all commands: tests/support/fault_program.py, whose table is in docs/safety.md.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

from support.faults.forked import can_trace
from support.places import TESTS

pytestmark = pytest.mark.slow


@pytest.mark.skipif(bool(can_trace()), reason=can_trace() or "faults can be made here")
def test_a_session_survives_kills_and_disks_that_refuse():
    program = TESTS / "support" / "fault_program.py"
    asked = ("--only", "session", "annotate", "kills", "readonly")
    done = subprocess.run(
        [sys.executable, program, *asked], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    kinds = {line.split("|")[2].strip() for line in done.stdout.splitlines() if "session" in line}
    assert kinds >= {"killed at rename", "killed at fsync", "killed at unlink"}
