"""How a person wants expression drawn: a frozen value that a widget changes field by field."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf
from typing import Any, Literal

from ..analysis.region_classes import RegionClass
from ..errors import SettingsError

Style = Literal["points", "heatmap", "contours"]
Quantity = Literal[
    "predicted",
    "measured",
    "beside",
    "swipe",
    "difference",
    "lower",
    "upper",
    "spread",
    "distance",
]
MOST_COMPARED = 4  # genes side by side
MOST_BLENDED = 3


@dataclass(frozen=True)
class Display:
    """How the person wants the expression drawn.

    Attributes
    ----------
    gene
        The gene asked for; :attr:`Session.gene` is what can be shown of it.
    style
        Coloured spots, a smooth map between them, or lines of equal value on it.
    quantity
        Predicted, measured, both side by side or both swiped, their difference, the lower or upper
        end of the predicted values' interval, the spread of the retrieved spots, or the distance
        from the reference; :attr:`Session.shown_quantity` is what of this exists.
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
    limits
        The values between which the colours run; None takes them from the percentiles.
    swipe
        How far from the left the predicted values reach when both are swiped, 0 to 1.
    compare
        Further genes beside the shown one, in linked views: none, or up to three.
    blend
        Further genes mixed with the shown one, each in a colour of its own: none, or up to two.
    show_domains, show_regions
        Whether the domains of the spots, and the drawn regions, are drawn.
    draw
        Whether there is a layer to draw regions on even while there are none.
    classes
        What regions can be called, each with its colour; None are the person's defaults.
    """

    gene: str = ""
    style: Style = "points"
    quantity: Quantity = "predicted"
    colormap: str = "viridis"
    percentiles: tuple[float, float] = (1.0, 99.0)
    opacity: float = 0.8
    same_limits: bool = False
    show_spots: bool = True
    limits: tuple[float, float] | None = None
    swipe: float = 0.5
    compare: tuple[str, ...] = ()
    blend: tuple[str, ...] = ()
    show_domains: bool = True
    show_regions: bool = True
    draw: bool = False
    classes: tuple[RegionClass, ...] | None = None

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
        if not 0 <= self.swipe <= 1:
            raise SettingsError(f"The swipe {self.swipe:g} makes no sense; it must be 0 to 1.")
        if self.limits is not None and not -inf < self.limits[0] < self.limits[1] < inf:
            raise SettingsError(
                f"Colours cannot run from {self.limits[0]:g} to {self.limits[1]:g}; the first "
                "value must be below the second."
            )
        if len(self.compare) >= MOST_COMPARED:
            raise SettingsError(f"No more than {MOST_COMPARED} genes fit side by side.")
        if len(self.blend) >= MOST_BLENDED:
            raise SettingsError(f"No more than {MOST_BLENDED} genes can be told apart in a blend.")


# What is asked of the map of a gene.
_OF_THE_MAP = frozenset(
    {
        *("gene", "style", "quantity", "colormap", "percentiles", "opacity", "same_limits"),
        *("limits", "swipe", "compare", "blend"),
    }
)


def changed(display: Display, has_domains: bool, **changes: Any) -> Display:
    """Return a display with some fields changed; whoever asks for a gene's map gets that one.

    Two maps on each other would give colours that neither has, so domains are drawn alone.

    Parameters
    ----------
    display
        As it is.
    has_domains
        Whether there are domains, which then give way.
    **changes
        Fields of :class:`Display`.
    """
    if has_domains and not _OF_THE_MAP.isdisjoint(changes):
        changes = {"show_domains": False, **changes}
    return replace(display, **changes)


ENDS: tuple[Literal["lower", "upper"], ...] = ("lower", "upper")


NAMES: dict[Quantity, str] = {
    "predicted": "predicted",
    "measured": "measured",
    "beside": "side by side",
    "swipe": "swipe",
    "difference": "difference",
    "spread": "uncertainty",
    "distance": "unfamiliar tissue",
}


def quantity_name(quantity: Quantity, interval: float | None = None) -> str:
    """Return what a quantity is called everywhere: "predicted", "lower end of 80%".

    Parameters
    ----------
    quantity
        What is drawn.
    interval
        Share of measured values between lower and upper end, where it is known.
    """
    if quantity == "lower" or quantity == "upper":
        return f"{quantity} end" if interval is None else f"{quantity} end of {interval:.0%}"
    return NAMES[quantity]


def available(
    has_prediction: bool,
    has_measured: bool,
    has_uncertainty: bool = False,
    has_interval: bool = False,
) -> tuple[Quantity, ...]:
    """Return the quantities that can be chosen."""
    ends: tuple[Quantity, ...] = ENDS if has_interval else ()
    spread: tuple[Quantity, ...] = ("spread", "distance") if has_uncertainty else ()
    uncertainty = (*ends, *spread)
    if has_prediction and has_measured:
        return ("predicted", "measured", "beside", "swipe", "difference", *uncertainty)
    if has_prediction:
        return ("predicted", *uncertainty)
    return ("measured",) if has_measured else ()


def resolve(wanted: Quantity, choices: tuple[Quantity, ...]) -> Quantity | None:
    """Return the quantity to show: the wanted one, or else the one that exists."""
    if wanted in choices:
        return wanted
    return choices[0] if choices else None
