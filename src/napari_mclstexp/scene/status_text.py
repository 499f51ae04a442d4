"""What is open and shown, each in one line a person can read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..spots.schema import SpotMetadata

if TYPE_CHECKING:
    from ..session.session import Session

_SOURCES = {"file": "", "spots": " (from the spots)", "user": " (as entered)"}


def slide_line(session: Session) -> str:
    """Return name, size and scale of the slide: "B4.jpg, 9,901 × 9,672 px, 0.73 µm/px, …"."""
    slide = session.slide
    if slide is None:
        return ""
    size = f"{slide.path.name}, {slide.width:,} × {slide.height:,} px"
    scale = slide.um_per_px
    if scale is None:
        return f"{size}, scale unknown"
    width, height = slide.width * scale / 1000, slide.height * scale / 1000
    source = _SOURCES[slide.um_per_px_source or "file"]
    return f"{size}, {scale:.3g} µm/px{source}, {width:.1f} × {height:.1f} mm"


def spots_line(session: Session) -> str:
    """Return number, size and counts of the spots: "306 spots of 100 µm, 14,861 genes counted"."""
    spots = session.spots
    if spots is None:
        return ""
    known = SpotMetadata.read(spots)
    line = _count(spots.n_obs, "spot")
    if known.spot_diameter_um is not None:
        line += f" of {known.spot_diameter_um:g} µm"
    if known.pitch_um is not None:
        line += f", {known.pitch_um:g} µm apart"
    counts = session.expression.counts
    line += f", {_count(len(counts.genes), 'gene')} counted" if counts else ", no counts"
    if missing := known.n_spots_without_counts:
        line += f" ({_count(missing, 'spot')} without counts skipped)"
    if counts and known.counts_note:
        line += f"; {known.counts_note}"
    return line


def result_line(session: Session, pcc: float | None) -> str:
    """Return the gene shown, who says so, and how well it agrees with what was measured."""
    result = session.result
    if result is None or session.gene is None:
        return ""
    line = f"{session.gene} by {result.model_name}"
    if not result.complete:
        line += f", {result.n_done:,} of {_count(result.n_spots, 'spot')}"
    if pcc is not None:
        line += f". Correlation with measured: {pcc:.2f}"
        good = int(result.enough_counts.sum())
        if good < result.n_spots:
            line += f", at {good:,} of {_count(result.n_spots, 'spot')}; the others have few counts"
    return line


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
