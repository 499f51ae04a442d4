"""The classes that a person gives regions ("Tumour", "Stroma"), each with its colour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ..errors import SettingsError
from .domain_map import PALETTE, Rgb
from .region import Region

MOST_CLASSES = 60


@dataclass(frozen=True)
class RegionClass:
    """What a region can be called.

    Attributes
    ----------
    name
        As it stands on the button and on the regions.
    colour
        Red, green, blue, 0 to 255.
    """

    name: str
    colour: Rgb


BUILT_IN: tuple[RegionClass, ...] = (
    RegionClass("Tumour", PALETTE[5]),
    RegionClass("In situ", PALETTE[0]),
    RegionClass("Stroma", PALETTE[2]),
    RegionClass("Immune cells", PALETTE[4]),
    RegionClass("TLS", PALETTE[1]),
    RegionClass("Fat", PALETTE[3]),
    RegionClass("Normal gland", PALETTE[6]),
    RegionClass("Necrosis", PALETTE[7]),
    RegionClass("Artefact", PALETTE[8]),
)


def checked_classes(classes: Sequence[RegionClass]) -> tuple[RegionClass, ...]:
    """Return classes with their names stripped.

    Raises
    ------
    SettingsError
        If there are none or too many, or a name is empty or there twice.
    """
    if not classes:
        raise SettingsError("There are no classes left; keep at least one.")
    if len(classes) > MOST_CLASSES:
        raise SettingsError(
            f"{len(classes)} classes are too many; {MOST_CLASSES} is the most that fit."
        )
    seen: set[str] = set()
    for place, each in enumerate(classes, start=1):
        name = each.name.strip()
        if not name:
            raise SettingsError(f"Class {place} has no name; type one, or remove it.")
        if name in seen:
            raise SettingsError(f"There are two classes called {name}; rename one of them.")
        seen.add(name)
    return tuple(replace(each, name=each.name.strip()) for each in classes)


def reclassified(
    regions: Sequence[Region], changes: Mapping[RegionClass, RegionClass]
) -> tuple[Region, ...]:
    """Return the trees with regions of changed classes called and coloured as these are now.

    A region is of a class if it has its name and its colour: one that a person coloured
    otherwise keeps its own.

    Parameters
    ----------
    changes
        The class now, by the class before.
    """
    found = []
    for each in regions:
        now = changes.get(RegionClass(each.name, each.colour))
        below = reclassified(each.children, changes)
        own = {} if now is None else {"name": now.name, "colour": now.colour}
        found.append(replace(each, children=below, **own))  # type: ignore[arg-type]
    return tuple(found)
