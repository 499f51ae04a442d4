"""One HTML page over all slides of a cohort: quality, unlike slides, signatures, groups."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..cohort_runs.cohort_folder import CohortFolder
from ..cohort_runs.contact_sheet import COLORMAP, draw_all, what_to_show
from ..cohort_runs.slide_list import SlideEntry
from ..cohort_runs.slide_record import SlideState
from ..pages.render import Cell, Picture, Row, Table, number, picture_url, png_url, render, texts

MOST_PICTURES = 400
SIDE = 180  # px of a picture
APART = 4.0  # robust standard deviations below the cohort's median similarity
FEWEST_TO_COMPARE = 5  # slides, to say that one stands apart
MOST_GROUPS = 12  # of one column; a column of more is no grouping


@dataclass(frozen=True)
class _Grouping:
    """A column of the table that says what slides belong to."""

    title: str
    table: Table
    plot: Picture | None


def cohort_page(
    folder: CohortFolder, entries: Sequence[SlideEntry], *, show: str | None = None
) -> str:
    """Return the page as HTML.

    Parameters
    ----------
    folder
        Of the results.
    entries
        The slides of the table.
    show
        Gene or signature that is drawn of each slide; what tells most by default.
    """
    states = folder.states(entries)
    done = [each for each in entries if states[each.name].state == "done"]
    results = [folder.result(each.name) for each in done]
    shown = show or what_to_show(results, states.values())
    pictures, limits = draw_all(results[:MOST_PICTURES], shown, SIDE)
    names = {folder.result(each.name): each.name for each in done}
    signatures = _signature_names(states.values())
    return render(
        "cohort.html.j2",
        title=folder.path.name,
        n_slides=len(entries),
        n_done=len(done),
        n_spots=sum(states[each.name].spots or 0 for each in done),
        failures=_failures(entries, states),
        unlike=_unlike(done, states),
        shown=shown,
        colormap=COLORMAP,
        limits=tuple(number(each, 2) for each in limits),
        pictures=[Picture(picture_url(each), names[path]) for path, each in pictures.items()],
        more=len(done) - len(pictures),
        quality=_quality(entries, states),
        signatures=_by_slide(done, states, signatures) if signatures else None,
        groupings=_groupings(done, states, signatures),
        replicates=(
            "A group's spread is over its slides. Slides of one patient are no independent samples."
        ),
    )


def _failures(entries: Sequence[SlideEntry], states: dict[str, SlideState]) -> list[str]:
    return [
        f"{each.name}: {states[each.name].sentence}"
        for each in entries
        if states[each.name].state == "failed"
    ]


def _unlike(done: Sequence[SlideEntry], states: dict[str, SlideState]) -> list[str]:
    """Say which slides are unlike those of the model, or unlike the rest of the cohort."""
    said = []
    similar = np.array([_fact(states[each.name], "similarity") for each in done], dtype=float)
    middle = np.nanmedian(similar) if np.isfinite(similar).any() else np.nan
    width = 1.4826 * np.nanmedian(abs(similar - middle)) if np.isfinite(middle) else np.nan
    for each, similarity in zip(done, similar, strict=True):
        warning = str(states[each.name].facts.get("unlike") or "")
        if warning:
            said.append(f"{each.name}: {warning}")
        elif len(done) >= FEWEST_TO_COMPARE and similarity < middle - APART * max(width, 0.005):
            said.append(
                f"{each.name}: its spots are less like the model's ({similarity:.2f}) than those "
                f"of the other slides ({middle:.2f})."
            )
    return said


def _quality(entries: Sequence[SlideEntry], states: dict[str, SlideState]) -> Table:
    def row(entry: SlideEntry) -> Row:
        state = states[entry.name]
        return Row(
            entry.name,
            (
                *texts([state.state]),
                Cell("–" if state.spots is None else f"{state.spots:,}"),
                *(
                    Cell(number(_fact(state, name), digits))
                    for name, digits in (("um_per_px", 3), ("similarity", 3), ("pcc", 3))
                ),
                Cell(number(np.nan if state.seconds is None else state.seconds, 1)),
                *texts([str(state.facts.get("device") or "")]),
            ),
        )

    header = ("Slide", "State", "Spots", "µm per px", "Similarity", "PCC", "Seconds", "Device")
    return Table(header, tuple(map(row, entries)))


def _by_slide(
    done: Sequence[SlideEntry], states: dict[str, SlideState], signatures: Sequence[str]
) -> Table:
    rows = (
        Row(
            each.name,
            tuple(
                Cell(number(states[each.name].signatures.get(name, np.nan))) for name in signatures
            ),
        )
        for each in done
    )
    return Table(("Slide", *signatures), tuple(rows))


def _groupings(
    done: Sequence[SlideEntry], states: dict[str, SlideState], signatures: Sequence[str]
) -> list[_Grouping]:
    columns = dict.fromkeys(name for each in done for name, value in each.groups if value)
    found = []
    for column in columns:
        of: dict[str, list[SlideEntry]] = {}
        for each in done:
            value = dict(each.groups).get(column, "")
            if value:
                of.setdefault(value, []).append(each)
        if 2 <= len(of) <= MOST_GROUPS and len(of) < len(done) and signatures:
            found.append(_grouping(column, of, states, signatures))
    return found


def _grouping(
    column: str,
    of: dict[str, list[SlideEntry]],
    states: dict[str, SlideState],
    signatures: Sequence[str],
) -> _Grouping:
    scores = {
        name: {
            group: np.array([states[e.name].signatures.get(name, np.nan) for e in members])
            for group, members in of.items()
        }
        for name in signatures
    }
    rows = tuple(
        Row(name, tuple(_mean(values) for values in by_group.values()))
        for name, by_group in scores.items()
    )
    header = ("Signature", *(f"{group} ({len(members)})" for group, members in of.items()))
    return _Grouping(column, Table(header, rows), _strips(column, scores))


def _mean(values: NDArray[np.float64]) -> Cell:
    known = values[np.isfinite(values)]
    if not len(known):
        return Cell("–")
    spread = f"± {known.std(ddof=1):.3f}" if len(known) > 1 else ""
    return Cell(number(float(known.mean())), small=spread)


def _strips(column: str, scores: dict[str, dict[str, NDArray[np.float64]]]) -> Picture:
    """Draw every slide as a dot, by group, a panel for each signature."""
    from matplotlib.figure import Figure

    across = min(3, len(scores))
    down = -(-len(scores) // across)
    figure = Figure(figsize=(3.4 * across, 2.4 * down), layout="constrained")
    random = np.random.default_rng(0)
    for place, (name, by_group) in enumerate(scores.items(), start=1):
        axes = figure.add_subplot(down, across, place)
        for at, values in enumerate(by_group.values()):
            shift = random.uniform(-0.12, 0.12, len(values))
            axes.plot(at + shift, values, "o", ms=4, alpha=0.6, mew=0)
            known = values[np.isfinite(values)]
            if len(known):
                axes.plot([at - 0.25, at + 0.25], [known.mean()] * 2, "k-", lw=1.5)
        axes.set_title(name, fontsize=9)
        axes.set_xticks(range(len(by_group)), list(by_group), fontsize=8)
        axes.tick_params(axis="y", labelsize=8)
    return Picture(png_url(figure), f"Each dot is a slide, by {column}; the line is the mean")


def _signature_names(states: Iterable[SlideState]) -> list[str]:
    return list(dict.fromkeys(name for each in states for name in each.signatures))


def _fact(state: SlideState, name: str) -> float:
    value = state.facts.get(name)
    return float("nan") if value is None else float(value)
