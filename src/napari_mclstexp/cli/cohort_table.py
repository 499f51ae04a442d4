"""A cohort in the shell while it runs: a live table, or a line now and then in a log."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

from .long_work import LINE_EVERY_S

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ..cohort_runs.predict_cohort import CohortNews
    from ..cohort_runs.slide_record import SlideState
    from ..progress import Progress

MOST_RUNNING = 16  # rows for slides at work; the rest is a number
MOST_ENDED = 4  # rows for slides that ended last
REFRESH = 4  # times a second


class CohortTable:
    """Shows how a cohort gets on; a context manager."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.live import Live

        self._console = Console(stderr=True)
        self._states: dict[str, SlideState] = {}
        self._steps: dict[str, tuple[str, Progress | None]] = {}
        self._ended: list[str] = []
        self._about, self._start, self._before = "", time.monotonic(), 0
        self._last_line = self._start
        self._live = Live(
            get_renderable=self._draw,
            console=self._console,
            refresh_per_second=REFRESH,
            transient=True,
        )

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def update(self, news: CohortNews) -> None:
        """Take in what has changed."""
        if not self._states:
            self._before = sum(each.state == "done" for each in news.states.values())
        self._states = news.states
        if news.about and news.about != self._about:
            self._about = news.about
            if not self._console.is_terminal:
                self._print(f"Predicting on {news.about}")
        heard = news.news
        if heard is not None:
            state = news.states[heard.name]
            if state.state == "running":
                self._steps[heard.name] = (heard.where, heard.progress)
            else:
                self._steps.pop(heard.name, None)
                if state.state in ("done", "failed"):
                    self._ended = [*self._ended, heard.name][-MOST_ENDED:]
                if state.state == "failed" and not self._console.is_terminal:
                    self._print(f"{heard.name} failed: {state.sentence}")
        if not self._console.is_terminal and time.monotonic() - self._last_line >= LINE_EVERY_S:
            self._print(self._headline())

    def _print(self, line: str) -> None:
        self._last_line = time.monotonic()
        print(line, file=sys.stderr, flush=True)

    def _headline(self) -> str:
        states = [each.state for each in list(self._states.values())]
        done, failed = states.count("done"), states.count("failed")
        parts = [f"{done:,} of {len(states):,} slides"]
        parts += [f"{failed:,} failed"] if failed else []
        parts += [f"{n:,} with other processes"] if (n := states.count("elsewhere")) else []
        new, took = done + failed - self._before, time.monotonic() - self._start
        left = len(states) - done - failed
        if new > 0 and left:
            seconds = left * took / new
            shown = f"{seconds / 60:,.0f} min" if seconds >= 90 else f"{seconds:,.0f} s"
            parts.append(f"about {shown} left")
        return ", ".join(parts)

    def _draw(self) -> RenderableType:
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        table = Table.grid(padding=(0, 2))
        for ratio in (None, None, None, 1):
            table.add_column(ratio=ratio, no_wrap=True, overflow="ellipsis")
        running = list(self._steps.items())
        for name, (where, step) in running[:MOST_RUNNING]:
            total, done = (step.total, step.done) if step is not None else (0, 0)
            table.add_row(
                Text(name),
                ProgressBar(total=total or None, completed=done, width=20, pulse=not total),
                Text(f"{step.what}, {done:,} of {total:,}" if step is not None else "Beginning"),
                Text(where, style="dim"),
            )
        if len(running) > MOST_RUNNING:
            table.add_row(Text(f"and {len(running) - MOST_RUNNING:,} more"))
        for name in self._ended:
            state = self._states[name]
            how = (
                Text(f"done in {state.seconds:,.1f} s")
                if state.state == "done"
                else Text(state.sentence, style="red")
            )
            table.add_row(Text(name, style="dim"), Text(""), how, Text(state.host, style="dim"))
        return Group(Text(self._headline(), style="bold"), Text(self._about, style="dim"), table)
