"""Which layers a scene has, by the name of what each shows, bottom up."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ...scene.layer_specs import Scene
from ...session.display import MOST_COMPARED
from .arguments import Description

# The regions, on which a person draws, are above all and have their own file.
SLOTS = ("slide", "slide_beside", "spots", "predicted", "measured", "domains", "picked")
COMPARED = tuple(
    slot for i in range(1, MOST_COMPARED) for slot in (f"compared_slide_{i}", f"compared_{i}")
)
ALL_SLOTS = (*SLOTS, *COMPARED)
MAPS = ("predicted", "measured", *(slot for slot in COMPARED if "slide" not in slot))


def by_slot(scene: Scene) -> dict[str, Description | None]:
    """Return what each slot of a scene shows; None where it shows nothing."""
    found: dict[str, Description | None] = {slot: getattr(scene, slot) for slot in SLOTS}
    for i, gene in enumerate(scene.compared, start=1):
        found[f"compared_{i}"] = gene
        if scene.slide is not None:
            found[f"compared_slide_{i}"] = replace(
                scene.slide, name=f"{scene.slide.name} ({i + 1})"
            )
    return found


def world(scene: Scene) -> tuple[Any, ...]:
    """Return what decides where to look: another slide, another scale, another arrangement."""
    slide = scene.slide and (scene.slide.key, scene.slide.scale)
    place = scene.spots.key if slide is None and scene.spots is not None else None
    return (slide, place, len(scene.panels), scene.unit)
