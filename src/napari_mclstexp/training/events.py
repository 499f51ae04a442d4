"""What a training says to a program that started it: one JSON document a line, in a file."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from ..errors import OutputError

if TYPE_CHECKING:
    from ..progress import Progress


class EventFile:
    """Appends events to a file, each line whole when it is there; without a file it does nothing.

    Parameters
    ----------
    path
        The file, or None.

    Raises
    ------
    OutputError
        If it cannot be written.
    """

    def __init__(self, path: Path | None) -> None:
        self._file = None
        self._stage = ""
        if path is not None:
            try:
                self._file = path.open("a", encoding="utf-8")
            except OSError as error:
                raise OutputError(
                    f"--events {path} cannot be written ({error.strerror}); choose another file."
                ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def say(self, event: str, **values: Any) -> None:
        """Write one event."""
        if self._file is not None:
            known = {key: _number(value) for key, value in values.items()}
            self._file.write(json.dumps({"event": event, **known}) + "\n")
            self._file.flush()

    def progress(self, progress: Progress) -> None:
        """Write what a progress event carries."""
        from ..progress import Estimate, HeldOutMap, TrainingPoint

        partial = progress.partial
        if isinstance(partial, Estimate):
            self.say(
                "estimate", seconds=partial.seconds, bytes=partial.bytes, sentence=str(partial)
            )
        elif isinstance(partial, TrainingPoint):
            self.say("epoch", **vars(partial))
        elif isinstance(partial, HeldOutMap):
            self.say(
                "map",
                section=partial.section,
                gene=partial.gene,
                pcc=partial.pcc,
                xy=partial.xy.round(1).tolist(),
                predicted=partial.predicted.round(4).astype(float).tolist(),
                measured=[_number(each) for each in partial.measured.astype(float).tolist()],
            )
        else:
            stage = progress.what if progress.unit == "spots" else "Training"
            if stage != self._stage:
                self._stage = stage
                self.say("stage", what=stage)
            self.say("progress", done=progress.done, total=progress.total, what=progress.what)


def _number(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
