"""The one event of long work, and the token that cancels it; widget, shell and tests share both."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .errors import Cancelled

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class PartialPrediction:
    """Expression of the spots whose batch has just been finished.

    Attributes
    ----------
    indices
        (m,) row numbers of these spots in the spots given to `predict`.
    expression
        (m, G) predicted expression, in the model's normalisation.
    genes
        G names, the columns of `expression`.
    similarity
        (m,) mean cosine similarity to the retrieved reference spots.
    spread
        (m, G) weighted standard deviation over the retrieved reference spots.
    """

    indices: NDArray[np.int64]
    expression: NDArray[np.float32]
    genes: tuple[str, ...]
    similarity: NDArray[np.float32]
    spread: NDArray[np.float32]


@dataclass(frozen=True)
class TrainingPoint:
    """One epoch of training.

    Attributes
    ----------
    epoch
        Number of the epoch just finished, from 1.
    epochs
        How many there will be.
    loss
        Mean contrastive loss over the epoch's steps.
    retrieval_accuracy
        Share of the patches whose own spot is the nearest of its step's, from 0 to 1.
    learning_rate
        Of the optimiser.
    held_out_pcc
        Mean PCC over the genes of the watched section, or None without one.
    """

    epoch: int
    epochs: int
    loss: float
    retrieval_accuracy: float = float("nan")
    learning_rate: float = float("nan")
    held_out_pcc: float | None = None


@dataclass(frozen=True)
class HeldOutMap:
    """The best predicted gene of the watched section, as it stands after an epoch.

    Attributes
    ----------
    section, gene
        What is shown.
    xy
        (n, 2) centres in level-0 pixels.
    predicted, measured
        (n,) in the model's unit.
    pcc
        Their correlation.
    """

    section: str
    gene: str
    xy: NDArray[np.float64]
    predicted: NDArray[np.float32]
    measured: NDArray[np.float32]
    pcc: float


@dataclass(frozen=True)
class Estimate:
    """What training will take, measured on a few patches and one step before it starts.

    Attributes
    ----------
    seconds
        Wall time to come.
    bytes
        Memory at the peak, on the device that trains.
    """

    seconds: float
    bytes: int

    def __str__(self) -> str:
        minutes = self.seconds / 60
        time = f"{self.seconds:.0f} s" if minutes < 1.5 else f"{minutes:.0f} min"
        if minutes >= 90:
            time = f"{minutes / 60:.1f} h"
        return f"About {time} and {self.bytes / 2**30:.1f} GiB of memory"


@dataclass(frozen=True)
class SlideStep:
    """How it stands with one slide of a cohort.

    Attributes
    ----------
    name
        Of the slide.
    state
        ``"waiting"``, ``"running"``, ``"done"``, ``"failed"``, ``"elsewhere"`` or ``"stopped"``.
    done, total, what
        How far it is while it runs, in spots or tiles, and what is being done.
    where
        Who works on it.
    seconds, sentence
        How long it took; why it failed.
    """

    name: str
    state: str
    done: int = 0
    total: int = 0
    what: str = ""
    where: str = ""
    seconds: float | None = None
    sentence: str = ""


@dataclass(frozen=True)
class Progress:
    """How far a piece of long work is.

    Attributes
    ----------
    done, total
        Units of work finished and in all (spots while predicting, steps while training).
    what
        What is being done, as a person would say it: "Reading patches", "Epoch 3 of 90".
    partial
        What is known so far, or None. `predict` gives a :class:`PartialPrediction`; `train` an
        :class:`Estimate`, then a :class:`TrainingPoint` and perhaps a :class:`HeldOutMap` after
        each epoch.
    unit
        What is counted, in the plural.
    """

    done: int
    total: int
    what: str
    partial: Any = None
    unit: str = "spots"


ProgressCallback = Callable[[Progress], None]


class CancelToken:
    """A flag that the person sets and the work looks at."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def cancel(self) -> None:
        """Ask the work to stop; it raises :class:`Cancelled` within a second."""
        self._event.set()

    @property
    def cancelled(self) -> bool:
        """Whether :meth:`cancel` was called."""
        return self._event.is_set()

    def raise_if_cancelled(self) -> None:
        """Raise :class:`Cancelled` if the work shall stop."""
        if self._event.is_set():
            raise Cancelled("The run was cancelled.")


_CURRENT: ContextVar[CancelToken | None] = ContextVar("cancel token", default=None)


@contextmanager
def obeying(token: CancelToken | None) -> Iterator[None]:
    """Let all that the block calls in this thread find the token that ends it.

    For what is far from whoever may cancel it and knows nothing of runs: the reading of a slide
    for its thumbnail, which takes minutes where there is no pyramid.

    Parameters
    ----------
    token
        None leaves the one that holds already.
    """
    before = _CURRENT.set(token or _CURRENT.get())
    try:
        yield
    finally:
        _CURRENT.reset(before)


def current_token() -> CancelToken | None:
    """Return the token that ends the work of this thread, if there is one."""
    return _CURRENT.get()


def stop_if_cancelled() -> None:
    """Raise :class:`Cancelled` if the work of this thread shall stop."""
    token = _CURRENT.get()
    if token is not None:
        token.raise_if_cancelled()
