"""Landmarks between two open slides, and what goes across by them; kept on one of the two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ..analysis.region import Region
from ..analysis.registration import (
    LandmarkPair,
    Registration,
    SlideLandmarks,
    regions_across,
    register,
    spots_across,
)
from ..errors import SettingsError

if TYPE_CHECKING:
    from .open_slide import OpenSlide
    from .session import Session


def landmarks_between(one: OpenSlide, other: OpenSlide) -> tuple[LandmarkPair, ...]:
    """Return the pairs between two open slides: their place on the one, and on the other."""
    own = _kept_on(one, other)
    if own is not None:
        return own.pairs
    reverse = _kept_on(other, one)
    return () if reverse is None else tuple(_turned(each) for each in reverse.pairs)


def set_landmarks(
    session: Session, what: str, one: OpenSlide, other: OpenSlide, pairs: Sequence[LandmarkPair]
) -> None:
    """Take other pairs between two open slides, by a step that can be undone.

    Parameters
    ----------
    what
        The step: "Place a landmark".
    pairs
        Their place on the one, and on the other.
    """
    if _kept_on(one, other) is None and _kept_on(other, one) is not None:
        one, other, pairs = other, one, [_turned(each) for each in pairs]
    fingerprint = _fingerprint(other)
    kept = SlideLandmarks(fingerprint, other.name, tuple(pairs))
    others = [each for each in one.annotations.landmarks if each.onto != fingerprint]
    session.edit(what, on=one, landmarks=(*others, *([kept] if kept.pairs else [])))


def registration_between(one: OpenSlide, other: OpenSlide) -> Registration:
    """Return the map from one open slide to another by their landmarks.

    Raises
    ------
    SettingsError
        If they do not tell it.
    """
    return register(landmarks_between(one, other), one.um_per_px, other.um_per_px)


def bring_regions(
    session: Session, one: OpenSlide, other: OpenSlide, regions: Sequence[Region]
) -> tuple[Region, ...]:
    """Add regions of one open slide to another, where they lie by the landmarks.

    Raises
    ------
    SettingsError
        If there are no regions, or none lies on the other slide.
    """
    if not regions:
        raise SettingsError(f"There are no regions on {one.name}; draw one first.")
    moved = regions_across(regions, registration_between(one, other), _size(other))
    had = other.annotations.regions
    session.edit(f"Bring regions from {one.name}", on=other, regions=(*had, *moved))
    return moved


def bring_spots(session: Session, one: OpenSlide, other: OpenSlide) -> int:
    """Load the spots of one open slide on another, which is then shown; return how many.

    Raises
    ------
    SettingsError
        If there are none, or none lies on the other slide.
    """
    if one.spots is None:
        raise SettingsError(f"There are no spots on {one.name}; load some first.")
    moved = spots_across(one.spots, registration_between(one, other), _size(other))
    session.select(other)
    session.use_spots(moved)
    return int(moved.n_obs)


def without_children_of_chosen(regions: Sequence[Region], ids: Sequence[str]) -> list[Region]:
    """Return the chosen regions of the trees; those inside a chosen one come with it."""
    found: list[Region] = []
    for each in regions:
        if each.id in ids:
            found.append(each)
        else:
            found += without_children_of_chosen(each.children, ids)
    return found


def _kept_on(one: OpenSlide, other: OpenSlide) -> SlideLandmarks | None:
    if not one.annotations.landmarks:
        return None
    fingerprint = _fingerprint(other)
    return next((each for each in one.annotations.landmarks if each.onto == fingerprint), None)


def _fingerprint(opened: OpenSlide) -> str:
    if opened.fingerprint or opened.slide is None:
        return opened.fingerprint
    return opened.slide.fingerprint()


def _size(opened: OpenSlide) -> tuple[int, int] | None:
    slide = opened.slide
    return None if slide is None else (slide.width, slide.height)


def _turned(pair: LandmarkPair) -> LandmarkPair:
    return replace(pair, here=pair.there, there=pair.here)
