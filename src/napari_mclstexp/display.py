"""How a person wants expression drawn: a frozen value that a widget changes field by field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .errors import SettingsError

Style = Literal["points", "heatmap"]
Quantity = Literal["predicted", "measured", "beside"]


@dataclass(frozen=True)
class Display:
    """How the person wants the expression drawn.

    Attributes
    ----------
    gene
        The gene asked for; :attr:`Session.gene` is what can be shown of it.
    style
        Coloured spots, or a smooth map between them.
    quantity
        Predicted, measured, or both side by side; :attr:`Session.shown_quantity` is what of this
        exists.
    colormap
        A name that both napari and matplotlib know.
    percentiles
        The values below and above which the colours saturate, each 0..100.
    opacity
        0 (only the slide) to 1 (only the colours).
    same_limits
        Whether measured and predicted share one colour range when they stand side by side.
    show_spots
        Whether the outlines of the spots are drawn.
    """

    gene: str = ""
    style: Style = "points"
    quantity: Quantity = "predicted"
    colormap: str = "viridis"
    percentiles: tuple[float, float] = (1.0, 99.0)
    opacity: float = 0.8
    same_limits: bool = False
    show_spots: bool = True

    def __post_init__(self) -> None:
        low, high = self.percentiles
        if not 0 <= low < high <= 100:
            raise SettingsError(
                f"The contrast percentiles {low:g} and {high:g} make no range; "
                "the first must be below the second, both within 0 and 100."
            )
        if not 0 <= self.opacity <= 1:
            raise SettingsError(
                f"The opacity {self.opacity:g} makes no sense; it must be from 0 to 1."
            )


def available(has_prediction: bool, has_measured: bool) -> tuple[Quantity, ...]:
    """Return the quantities that can be chosen."""
    if has_prediction and has_measured:
        return ("predicted", "measured", "beside")
    if has_prediction:
        return ("predicted",)
    return ("measured",) if has_measured else ()


def resolve(wanted: Quantity, choices: tuple[Quantity, ...]) -> Quantity | None:
    """Return the quantity to show: the wanted one, or else the one that exists."""
    if wanted in choices:
        return wanted
    return choices[0] if choices else None
