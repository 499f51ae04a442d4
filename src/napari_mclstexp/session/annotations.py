"""What a person made of a slide: regions, their comparison, domains, landmarks, notes..."""

from __future__ import annotations

from dataclasses import dataclass

from ..analysis.domain_map import DomainMap
from ..analysis.region import Region
from ..analysis.region_comparison import RegionComparison
from ..analysis.registration import SlideLandmarks
from ..analysis.signatures import Signature


@dataclass(frozen=True, eq=False)
class Annotations:
    """One state of it.

    Attributes
    ----------
    regions
        Trees, in level-0 pixels.
    domains
        Of the spots, or None.
    signatures
        That can be shown like genes.
    notes
        Free text.
    comparison
        Of two regions, the last that was made, or None.
    landmarks
        That the slide shares with other slides, once for each of them.
    """

    regions: tuple[Region, ...] = ()
    domains: DomainMap | None = None
    signatures: tuple[Signature, ...] = ()
    notes: str = ""
    comparison: RegionComparison | None = None
    landmarks: tuple[SlideLandmarks, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether there is nothing to lose."""
        made = (self.regions, self.domains, self.signatures, self.notes.strip(), self.comparison)
        return not any((*made, self.landmarks))
