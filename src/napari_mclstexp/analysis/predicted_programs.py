"""The programs that a prediction carries, as people see them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..model.programs import Program, programs
from ..spots.schema import program_shares, read_programs

if TYPE_CHECKING:
    from anndata import AnnData


def programs_of(prediction: AnnData) -> tuple[Program, ...]:
    """Return the programs of a prediction; none where it was not made by a linear head."""
    kept = read_programs(prediction)
    if kept is None:
        return ()
    names = tuple(str(name) for name in prediction.var_names)
    return programs(names, kept[1].T, program_shares(prediction))
