"""What a person made of a slide: regions, domains, signatures, notes."""

from __future__ import annotations

from dataclasses import dataclass

from ..analysis.domain_map import DomainMap
from ..analysis.region import Region
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
    """

    regions: tuple[Region, ...] = ()
    domains: DomainMap | None = None
    signatures: tuple[Signature, ...] = ()
    notes: str = ""

    @property
    def empty(self) -> bool:
        """Whether there is nothing to lose."""
        return not (self.regions or self.domains or self.signatures or self.notes.strip())
