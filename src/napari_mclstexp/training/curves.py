"""How training goes, epoch by epoch: a CSV table, and TensorBoard's event file beside it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from ..files import atomic_file
from ..progress import TrainingPoint
from ..reading.numbers import EXACT

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

FILE = "curves.csv"
COLUMNS = ("epoch", "loss", "retrieval_accuracy", "held_out_pcc", "learning_rate")


class Curves:
    """Writes the points of a run into a folder.

    Parameters
    ----------
    folder
        Made if it is not there.
    done
        Epochs that were done before; later rows of a table that is there are forgotten.
    """

    def __init__(self, folder: Path, done: int = 0) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / FILE
        self._rows: list[dict[Any, Any]] = []
        if done and self._path.is_file():
            kept = pd.read_csv(self._path, float_precision=EXACT)
            self._rows = kept[kept["epoch"] <= done].to_dict("records")
        self._board = _board(folder, done)

    def add(self, point: TrainingPoint) -> None:
        """Write one epoch."""
        self._rows.append({column: getattr(point, column) for column in COLUMNS})
        with atomic_file(self._path) as temporary:
            pd.DataFrame(self._rows, columns=list(COLUMNS)).to_csv(temporary, index=False)
        if self._board is not None:
            for column in COLUMNS[1:]:
                if getattr(point, column) is not None:
                    self._board.add_scalar(column, getattr(point, column), point.epoch)
            self._board.flush()

    def close(self) -> None:
        """Let go of the event file."""
        if self._board is not None:
            self._board.close()


def _board(folder: Path, done: int) -> SummaryWriter | None:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:  # the table alone says it all
        return None
    return SummaryWriter(str(folder), purge_step=done + 1 if done else None)
