"""How a grid of spots is laid; light, so that the shell's help needs no AnnData."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from ..options import Option, check

Layout = Literal["hex", "square"]


@dataclass(frozen=True)
class GridSettings:
    """Spots as Visium's (55 µm across, 100 µm apart) unless said otherwise."""

    pitch_um: Annotated[
        float,
        Option(
            "Grid over the tissue: distance between the centres of neighbouring spots",
            above=0,
            unit="µm",
            label="Spacing, µm",
            step=5,
            flag="--grid",
            metavar="PITCH_UM",
        ),
    ] = 100.0
    diameter_um: Annotated[
        float,
        Option(
            "Diameter of a spot, as it is drawn",
            above=0,
            unit="µm",
            label="Spot, µm",
            step=5,
            flag="--spot-diameter",
            metavar="UM",
        ),
    ] = 55.0
    layout: Annotated[
        Layout,
        Option(
            "Hexagonal as on Visium, or square as on legacy ST",
            choices={"hex": "Hexagonal", "square": "Square"},
        ),
    ] = "hex"

    def __post_init__(self) -> None:
        check(self)
