"""What is asked of every slide of a cohort; light, so that the shell's help needs no numpy."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from typing import Annotated

from ..options import SEEDS, Option, check
from ..spots.grid_settings import GridSettings

Genes = Annotated[
    str | None, Option("Genes to predict; if not given, all of the model's", metavar="A,B,...")
]
Interval = Annotated[
    float,
    Option(
        "Share of measured values that shall lie within each value's interval (layers lower "
        "and upper)",
        above=0,
        below=1,
    ),
]
Samples = Annotated[
    int,
    Option(
        "Plausible maps to draw besides, as varied as measured ones (layers sample_1, ...)",
        low=0,
        most=1000,
        metavar="N",
    ),
]
Seed = Annotated[int, Option("Random seed of the samples", low=0, most=SEEDS)]
BatchSize = Annotated[
    int | None,
    Option("Patches encoded at once; if not given, chosen for the device", low=1, most=100_000),
]


@dataclass(frozen=True)
class CohortSettings:
    """What decides a result besides the model and the slide's own files.

    Attributes
    ----------
    genes
        Some of the model's; None for all.
    grid
        Laid over slides without spots; None where every slide has some.
    interval, samples, seed
        As `predict` takes them.
    """

    genes: tuple[str, ...] | None = None
    grid: GridSettings | None = None
    interval: Interval = 0.8
    samples: Samples = 0
    seed: Seed = 0

    def __post_init__(self) -> None:
        check(self)

    def digest(self, *, has_spots: bool) -> str:
        """Return what is equal only for settings that give equal results on a slide.

        Parameters
        ----------
        has_spots
            Whether the slide has spots, so that the grid is nothing to it.
        """
        facts = dataclasses.asdict(self)
        if has_spots:
            facts["grid"] = None
        if not self.samples:
            facts["seed"] = 0
        # 100 and 100.0 are one pitch, however they came here.
        same = json.loads(json.dumps(facts), parse_int=float)
        return hashlib.sha256(json.dumps(same, sort_keys=True).encode()).hexdigest()[:16]
