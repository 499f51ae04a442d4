"""The cohort that is on, whoever started it, watched for docks that come and go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...cohort_runs.cohort_process import found_cohort, start_cohort
from ...progress import SlideStep
from ...training.events import Event
from ...training.process import TrainingProcess
from ..train.training_watch import TrainingWatch


class CohortWatch(TrainingWatch):
    """One cohort: the one that is on, else the one that ended last."""

    def leave(self) -> None:
        """Look no longer; a cohort goes on, also one that was paused: nobody could let it."""
        super().leave()
        if self.running and self.process is not None and self.process.paused:
            self.process.go_on()

    def _found(self) -> TrainingProcess | None:
        return found_cohort()

    def _started(self, request: Any, program: Sequence[str]) -> TrainingProcess:
        return start_cohort(request, program)

    def _worth_keeping(self, said: tuple[Event, ...]) -> tuple[Event, ...]:
        last = {_about(event): event for event in said}
        return tuple(last.values())


def _about(event: Event) -> object:
    return event.name if isinstance(event, SlideStep) else type(event)
