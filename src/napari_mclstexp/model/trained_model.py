"""A model that is ready to predict: its network, its reference spots, and its linear head."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from .bank import Bank
from .config import ModelConfig
from .intervals import HeldOutErrors
from .linear_head import LinearHead
from .mclstexp import MclSTExp
from .smoother import Contributions


@dataclass(frozen=True, eq=False)
class Linear:
    """The linear head, and what it got wrong on each spot of the bank while that was left out."""

    head: LinearHead
    held_out: HeldOutErrors

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return all parts by name, as they are kept."""
        kept = {f"head.{name}": each for name, each in self.head.arrays().items()}
        return kept | {f"errors.{name}": each for name, each in self.held_out.arrays().items()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Linear:
        """Read what :meth:`arrays` gave."""
        parts = {
            part: {k.removeprefix(part): v for k, v in arrays.items() if k.startswith(part)}
            for part in ("head.", "errors.")
        }
        return cls(
            LinearHead.from_arrays(parts["head."]), HeldOutErrors.from_arrays(parts["errors."])
        )


@dataclass(eq=False)
class Model:
    """A model that is ready to predict.

    Attributes
    ----------
    config
        What it is.
    module
        The network, in evaluation mode.
    bank
        Its reference spots.
    linear
        Where slides are read by a feature map: its head of programs and the errors to expect.
    path
        The folder it came from, or None.
    id
        The first 12 digits of the checksum over what a prediction depends on; "" while it is not
        saved. Scores, notes, name and card are not in it.
    former_ids
        What earlier versions, which took all files, called it; predictions may still say so.
    """

    config: ModelConfig
    module: MclSTExp
    bank: Bank
    linear: Linear | None = None
    path: Path | None = None
    id: str = ""
    former_ids: tuple[str, ...] = ()

    def made(self, model_id: str) -> bool:
        """Whether a prediction that names this id as its model's was made by this one."""
        return model_id in (self.id, *self.former_ids)

    @cached_property
    def contributions(self) -> Contributions:
        """What each reference spot adds to a value of the linear head."""
        assert self.linear is not None
        bank = self.bank
        return Contributions(self.linear.head, bank.linear_codes, bank.expression, bank.section)
