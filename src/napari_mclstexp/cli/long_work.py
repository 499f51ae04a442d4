"""What every long command of the shell shares: its progress bar, and how Ctrl-C ends it."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, Self

from ..errors import OutputError, SettingsError
from ..files import check_writable, refuse_overwriting
from .deaf_watch import IMPATIENT_S, PATIENT_S, DeafWatch

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress

    from ..progress import CancelToken, Progress, ProgressCallback

LINE_EVERY_S = 30.0  # between lines of progress in a log, where no bar can be drawn


class Interrupts:
    """Ctrl-C and SIGTERM while a command runs.

    Work that obeys a token is cancelled by it and cleans up by itself; all else, and the second
    signal, is ended by KeyboardInterrupt.

    Attributes
    ----------
    received
        Number of the first signal, or None.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self._token: CancelToken | None = None
        self._before: dict[int, Any] = {}
        self._watch = DeafWatch(lambda: self.received is not None)

    def __enter__(self) -> Self:
        self.received = None
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._receive)
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._watch.stop()
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @contextmanager
    def cancelling(self, token: CancelToken, *, patient: bool = False) -> Iterator[None]:
        """Let the first signal inside the block cancel a token.

        Parameters
        ----------
        token
            The token.
        patient
            As of :func:`long_work`.
        """
        self._token = token
        self._watch.patience_s = PATIENT_S if patient else IMPATIENT_S
        try:
            yield
        finally:
            self._token = None
            self._watch.patience_s = IMPATIENT_S

    def _receive(self, number: int, frame: FrameType | None) -> None:
        first = self.received is None
        self.received = self.received or number
        if first and self._token is not None:
            self._token.cancel()
        else:
            raise KeyboardInterrupt


# Signal handlers belong to the process, and so does what they have received.
INTERRUPTS = Interrupts()


@contextmanager
def long_work(*, patient: bool = False) -> Iterator[tuple[ProgressCallback, CancelToken]]:
    """Show progress on stderr, and yield what long work reports to and what cancels it.

    Parameters
    ----------
    patient
        Of work whose single steps may take many seconds, and that has something to save then.
    """
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as RichProgress

    from ..progress import CancelToken, obeying

    console = Console(stderr=True)
    bar = RichProgress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[pace]}", markup=False),
        TimeRemainingColumn(),
        TextColumn("left"),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    token = CancelToken()
    with bar, INTERRUPTS.cancelling(token, patient=patient), obeying(token):
        yield _reporter(bar), token


def _reporter(bar: RichProgress) -> Callable[[Progress], None]:
    from ..progress import Estimate

    number = bar.add_task("Starting", total=None, pace="")
    task = bar.tasks[0]
    last_line = time.monotonic()

    def report(progress: Progress) -> None:
        nonlocal last_line
        if isinstance(progress.partial, Estimate):
            if not bar.disable:
                bar.console.print(f"{progress.partial}", markup=False, highlight=False)
            return
        if progress.done < task.completed:
            bar.reset(number)  # another stage began, with a rate of its own
        bar.update(
            number,
            completed=progress.done,
            total=progress.total,
            description=progress.what,
            pace=f"{progress.done:,} of {progress.total:,} {progress.unit}"
            + (f", {_plainly(task.speed)} a second" if task.speed else ""),
        )
        if bar.disable and time.monotonic() - last_line >= LINE_EVERY_S:
            last_line = time.monotonic()
            left = "" if task.time_remaining is None else f", {task.time_remaining:,.0f} s left"
            print(f"{progress.what}: {task.fields['pace']}{left}", file=sys.stderr, flush=True)

    return report


def _plainly(number: float) -> str:
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"


def check_out_file(out: Path, inputs: Mapping[str, Path | None]) -> None:
    """Make sure, before hours of work, that a file can be written and overwrites no input.

    Parameters
    ----------
    out
        The file to be written.
    inputs
        The files read, by the option that names them.

    Raises
    ------
    SettingsError
        If it is not named .h5ad.
    OutputError
        If it is one of the inputs, or cannot be written there.
    """
    if out.suffix != ".h5ad":
        raise SettingsError(f"--out {out} must be the name of an .h5ad file; add this ending.")
    if out.is_dir():
        raise OutputError(f"--out {out} is a folder; give the name of an .h5ad file.")
    refuse_overwriting(out, inputs)
    check_writable(out)


@contextmanager
def folder_for(out: Path) -> Iterator[None]:
    """Make a folder for the block; take it away again if the block fails and left nothing in it.

    Raises
    ------
    OutputError
        If it cannot be made.
    """
    if out.exists() and not out.is_dir():
        raise OutputError(f"{out} is a file; choose the name of a folder.")
    made = [each for each in (out, *out.parents) if not each.exists()]
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"The folder {out} cannot be made ({error.strerror}); choose another place."
        ) from error
    try:
        yield
    except BaseException:
        for each in made:
            with suppress(OSError):  # not empty: something whole had been written before
                each.rmdir()
        raise
