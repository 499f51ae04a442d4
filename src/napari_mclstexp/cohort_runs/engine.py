"""What every way of running slides has in common: jobs go in, what became of them comes out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from ..progress import CancelToken, Progress
from .one_slide import SlideJob
from .slide_record import SlideState

MOST_DEATHS = 3  # of processes that worked on one slide, before it counts as failed


@dataclass(frozen=True)
class SlideNews:
    """What a worker says while it is at a slide.

    Attributes
    ----------
    name
        Of the slide.
    where
        Who works on it, as a person would say it.
    progress
        How far it is; None when it has just begun, or begins anew elsewhere.
    """

    name: str
    where: str = ""
    progress: Progress | None = None


Say = Callable[[SlideNews], None]


class Engine(Protocol):
    """A way to run slides; a context manager, whose workers live as long as it is open."""

    @property
    def about(self) -> str:
        """Where the slides run, as a person would say it."""

    def run(self, jobs: Sequence[SlideJob], say: Say, cancel: CancelToken) -> Iterator[SlideState]:
        """Yield the end of each job, in the order in which they end.

        Closing the iterator before its end lets nothing more begin. A worker that dies costs only
        its slide, which is begun again elsewhere, `MOST_DEATHS` times at most.

        Raises
        ------
        Cancelled
            If `cancel` was set.
        UserError
            If nothing can be run at all.
        """

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


def died(job: SlideJob, how: str) -> SlideState:
    """Return the end of a slide whose workers all died."""
    return SlideState(
        job.entry.name,
        "failed",
        sentence=(
            f"{MOST_DEATHS} processes that worked on it died ({how}), perhaps for want of memory; "
            "give each worker more, or fewer workers to a machine."
        ),
    )
