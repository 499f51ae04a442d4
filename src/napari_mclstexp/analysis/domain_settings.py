"""How domains are found; light, so that the shell's help needs no numpy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from ..options import SEEDS, Option, check

Method = Literal["kmeans", "leiden"]
Clustered = Literal["components", "programs"]


@dataclass(frozen=True)
class DomainSettings:
    """The choices of :func:`find_domains`; Leiden needs the extra ``domains``."""

    k: Annotated[
        int | None,
        Option(
            "Number of domains (k-means); if not given, the number that separates them best",
            low=2,
            most=1000,
            label="Number of domains",
            unset="Auto",
        ),
    ] = None
    method: Annotated[
        Method,
        Option(
            "Clustering method: k-means makes k domains, Leiden as many as its resolution gives",
            choices={"kmeans": "k-means", "leiden": "Leiden"},
        ),
    ] = "kmeans"
    features: Annotated[
        Clustered,
        Option(
            "What is clustered: principal components of the expression, or the scores of the "
            "programs that a linear head predicted",
            choices={"components": "Principal components", "programs": "Programs"},
            label="On",
            flag="--on",
        ),
    ] = "components"
    components: Annotated[
        int, Option("Principal components that are clustered", low=1, most=1000)
    ] = 15
    smoothing: Annotated[
        float,
        Option(
            "How much of each spot is replaced by the mean of its six nearest neighbours",
            low=0,
            below=1,
            step=0.01,
        ),
    ] = 0.0
    rounds: Annotated[int, Option("How often smoothing is repeated", low=1, most=1000)] = 1
    genes: Annotated[
        int,
        Option("How many of the most variable genes are used; 0 uses all", low=0, most=10_000_000),
    ] = 0
    scale: Annotated[
        bool, Option("Give every gene (or program) the same weight, whatever its variance")
    ] = False
    resolution: Annotated[
        float, Option("Leiden resolution; higher gives more domains", above=0, most=1000)
    ] = 1.0
    seed: Annotated[
        int, Option("Random seed; the same seed gives the same domains", low=0, most=SEEDS)
    ] = 0

    def __post_init__(self) -> None:
        check(self)
