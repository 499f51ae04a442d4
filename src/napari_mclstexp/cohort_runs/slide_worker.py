"""A worker on this machine: ``python -m napari_mclstexp.cohort_runs.slide_worker``.

It reads a job a line from stdin and answers with lines of JSON. It is a program of its own, and not
a fork of whoever asks, nor does it import a person's script again. When stdin ends, because the run
does or whoever asked has died, it stops within a second and leaves nothing unfinished behind.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
import time
import warnings
from typing import IO, Any

from ..errors import Cancelled
from ..progress import CancelToken, Progress
from .one_slide import SlideJob, do_slide

EVERY_S = 0.5  # between two words about how far a slide is


def main() -> int:
    """Work until stdin ends."""
    # What a library prints must not stand among the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of the whole group; whoever asked decides
    token = CancelToken()
    jobs: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def stop(*_: object) -> None:
        token.cancel()
        jobs.put(None)

    signal.signal(signal.SIGTERM, stop)
    threading.Thread(target=_listen, args=(jobs, token), daemon=True).start()
    warnings.simplefilter("ignore")
    _say(answers, ready=True)
    while (line := jobs.get()) is not None and not token.cancelled:
        from pydantic import TypeAdapter

        from .slide_record import SlideState

        job = SlideJob.read(line)
        try:
            state = do_slide(job, progress=_reporter(answers), cancel=token)
        except Cancelled:
            break
        _say(answers, state=json.loads(TypeAdapter(SlideState).dump_json(state)))
    return 0


def _listen(jobs: queue.SimpleQueue[str | None], token: CancelToken) -> None:
    for line in sys.stdin:
        jobs.put(line)
    token.cancel()
    jobs.put(None)


def _reporter(answers: IO[str]) -> Any:
    last = 0.0

    def report(progress: Progress) -> None:
        nonlocal last
        if time.monotonic() - last >= EVERY_S:
            last = time.monotonic()
            said = {"done": progress.done, "total": progress.total, "what": progress.what}
            _say(answers, progress={**said, "unit": progress.unit})

    return report


def _say(answers: IO[str], **words: Any) -> None:
    try:
        answers.write(json.dumps(words) + "\n")
    except (BrokenPipeError, ValueError):
        os._exit(1)  # whoever asked has died; the lock goes with this process


if __name__ == "__main__":
    sys.exit(main())
