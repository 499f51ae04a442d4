"""Which section it is, told by its content and not by its name."""

from __future__ import annotations

import hashlib

import numpy as np
from scipy import sparse

from ..spots.schema import positions
from .section import Section


def counts_digest(section: Section) -> str:
    """Return a checksum of what was counted, whatever spots and genes are called."""
    counts = sparse.csr_matrix(section.spots.X)
    order = np.lexsort(positions(section.spots).T)
    per_spot = np.asarray(counts.sum(axis=1)).ravel()[order]
    per_gene = np.sort(np.asarray(counts.sum(axis=0)).ravel())
    digest = hashlib.sha256(per_spot.astype(np.float64).tobytes())
    digest.update(per_gene.astype(np.float64).tobytes())
    return digest.hexdigest()


def spots_digest(section: Section) -> str:
    """Return a checksum of where on which picture the spots are."""
    xy = positions(section.spots)
    digest = hashlib.sha256(slide_digest(section).encode())
    digest.update(np.ascontiguousarray(xy[np.lexsort(xy.T)]).tobytes())
    return digest.hexdigest()


def slide_digest(section: Section) -> str:
    """Return a checksum of a slide's picture, whatever its file is called."""
    with section.open() as slide:
        return slide.fingerprint()


def share_spots(one: Section, other: Section) -> bool:
    """Whether two sections are one, or have spots in common, whatever they are called.

    That is so where the same was counted, or where centres lie on the same place of one picture.
    """
    if one.spots.n_vars and other.spots.n_vars and counts_digest(one) == counts_digest(other):
        return True
    centres = [set(map(tuple, positions(each.spots))) for each in (one, other)]
    return bool(centres[0] & centres[1]) and slide_digest(one) == slide_digest(other)
