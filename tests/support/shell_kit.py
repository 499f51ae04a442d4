"""The shell as a person uses it: a command and what came of it, here or as its own process."""

from __future__ import annotations

import contextlib
import io
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from napari_mclstexp.cli.app import main

PROGRAM = Path(sys.executable).parent / "napari-mclstexp"


@dataclass(frozen=True)
class Outcome:
    """Exit code, and what was said where."""

    code: int
    out: str
    err: str


def shell(*arguments: object) -> Outcome:
    """Run a command within this process."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main([str(each) for each in arguments])
    return Outcome(code, out.getvalue(), err.getvalue())


def program(*arguments: object) -> Outcome:
    """Run a command as a process of its own.

    Two trainings are equal bit for bit only there: what was drawn in this process before (software
    OpenGL, say) may have left its arithmetic in another state.
    """
    command = [PROGRAM, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    return Outcome(done.returncode, done.stdout, done.stderr)


def signalled(*arguments: object, number: signal.Signals, when: Callable[[str], bool]) -> Outcome:
    """Run a command at a terminal, send it a signal as soon as the terminal shows something."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [PROGRAM, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
        env={**os.environ, "COLUMNS": "120", "TERM": "xterm"},
    ) as process:
        os.close(theirs)
        seen, sent = "", False
        while True:
            try:
                chunk = os.read(ours, 4096)
            except OSError:  # Linux' way to say that the other end is closed
                break
            if not chunk:
                break
            seen += chunk.decode(errors="replace")
            if not sent and when(seen):
                process.send_signal(number)
                sent = True
        code = process.wait(timeout=60)
        assert process.stdout is not None
        out = process.stdout.read()
    os.close(ours)
    assert sent, f"never shown: {seen[-500:]}"
    return Outcome(code, out, seen)


def files_under(folder: Path) -> set[str]:
    """Names of all that lies under a folder, hidden and temporary files too."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}
