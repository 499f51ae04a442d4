"""Domains as a person handles them: each with a name and a colour that stay while k changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import SettingsError
from .domain_settings import DomainSettings
from .domains import Domains, find_domains, keep_colours
from .expression import Expression, dense_columns
from .region import Region, domain_regions

if TYPE_CHECKING:
    import pandas as pd

    from ..progress import CancelToken

Rgb = tuple[int, int, int]
_numbers = count(1)

# Okabe and Ito's colours for the colour-blind, but black, then Tol's muted ones.
PALETTE: tuple[Rgb, ...] = (
    (230, 159, 0),
    (86, 180, 233),
    (0, 158, 115),
    (240, 228, 66),
    (0, 114, 178),
    (213, 94, 0),
    (204, 121, 167),
    (136, 34, 85),
    (51, 34, 136),
    (153, 153, 51),
    (68, 170, 153),
    (170, 68, 153),
)


@dataclass(frozen=True, eq=False)
class DomainMap:
    """The domain of every spot, and what each is called.

    Attributes
    ----------
    labels
        (n,) key of each spot's domain: "1", "2", ...
    names, colours
        Of each key.
    settings, reason
        How the domains were found, and why so many.
    of
        "predicted" or "measured": whose expression it was.
    number
        Tells this map from every other in keys.
    """

    labels: NDArray[np.str_]
    names: Mapping[str, str]
    colours: Mapping[str, Rgb]
    settings: DomainSettings = field(default_factory=DomainSettings)
    reason: str = ""
    of: str = "predicted"
    number: int = field(default_factory=lambda: next(_numbers), init=False)

    @property
    def keys(self) -> tuple[str, ...]:
        """The domains that have spots, in the order of their numbers."""
        return tuple(sorted(set(self.labels.tolist()), key=lambda key: (len(key), key)))

    @property
    def spot_names(self) -> NDArray[np.str_]:
        """(n,) what each spot's domain is called."""
        return np.array([self.names[key] for key in self.labels.tolist()], dtype=str)

    def renamed(self, key: str, name: str) -> DomainMap:
        """Return the map with one domain called otherwise.

        Raises
        ------
        SettingsError
            If the name is empty or another domain's.
        """
        name = name.strip()
        if not name:
            raise SettingsError("A domain needs a name; type one.")
        if any(other == name for each, other in self.names.items() if each != key):
            raise SettingsError(
                f"Another domain is called {name} already; choose another name, or merge the two "
                "as regions."
            )
        return replace(self, names={**self.names, key: name})

    def recoloured(self, key: str, colour: Rgb) -> DomainMap:
        """Return the map with one domain in another colour."""
        return replace(self, colours={**self.colours, key: colour})

    def regions(self, xy: NDArray[np.float64]) -> tuple[Region, ...]:
        """Return a region for each domain, over spots with (n, 2) centres in level-0 px."""
        names = self.spot_names
        colours = {self.names[key]: self.colours[key] for key in self.keys}
        return domain_regions(xy, names, [colours[name] for name in sorted(colours)])


def map_of(
    found: Domains, settings: DomainSettings, of: str, before: DomainMap | None = None
) -> DomainMap:
    """Return a map of domains just found; those like a domain before keep its name and colour."""
    labels, names, colours = found.labels, {}, {}
    if before is not None and len(before.labels) == len(labels):
        labels = keep_colours(before.labels, labels)
        names, colours = dict(before.names), dict(before.colours)
    for key in sorted(set(labels.tolist()), key=int):
        taken = set(names.values())
        names.setdefault(key, next(n for n in _proposals(key) if n not in taken))
        colours.setdefault(key, PALETTE[(int(key) - 1) % len(PALETTE)])
    there = set(labels.tolist())
    return DomainMap(
        labels,
        {key: name for key, name in names.items() if key in there},
        {key: colour for key, colour in colours.items() if key in there},
        settings,
        found.reason,
        of,
    )


def find_map(
    expression: Expression,
    xy: NDArray[np.float64],
    settings: DomainSettings,
    of: str,
    before: DomainMap | None = None,
    programs: NDArray[np.float32] | None = None,
    cancel: CancelToken | None = None,
) -> DomainMap:
    """Find domains, as :func:`~.domains.find_domains` does, and return their map."""
    return map_of(find_domains(expression, xy, settings, cancel, programs), settings, of, before)


def dot_table(
    expression: Expression,
    genes: tuple[str, ...],
    domains: DomainMap,
    chosen: tuple[str, ...],
) -> pd.DataFrame:
    """Return what a dot plot shows: for each domain and chosen gene, how high and how common.

    Returns
    -------
    Columns ``domain`` (its name), ``gene``, ``mean`` (brought to 0..1 over the domains) and
    ``share`` (of the domain's spots that are above the gene's median over all spots).
    """
    import pandas as pd

    rows = []
    for gene in chosen:
        values = dense_columns(expression, [genes.index(gene)])[:, 0]
        median = float(np.median(values))
        means = {key: float(values[domains.labels == key].mean()) for key in domains.keys}
        low, high = min(means.values()), max(means.values())
        for key in domains.keys:
            inside = values[domains.labels == key]
            rows.append(
                {
                    "domain": domains.names[key],
                    "gene": gene,
                    "mean": (means[key] - low) / (high - low) if high > low else 0.0,
                    "share": float((inside > median).mean()),
                }
            )
    return pd.DataFrame(rows)


def _proposals(key: str) -> list[str]:
    return [f"Domain {key}", *(f"Domain {key} ({i})" for i in range(2, 100))]
