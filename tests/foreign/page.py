"""The results as tables of a page."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence

from .results import OPENED, REFUSED, Result

# Of which there are hundreds: one row for all that open as they should.
IN_ONE_ROW = ("PNG", "JPEG", "DICOM")
LONGEST = 180
NO_PACKAGES = {"in QuPath's words", "napari-mclstexp", "pandas, h5py", "pandas, scipy", "Pillow"}


def page(results: Sequence[Result], lacking: Sequence[str]) -> str:
    """Return the part of the page that the run makes."""
    count = Counter(each.outcome for each in results)
    kinds = sorted({each.kind for each in results})
    writers = sorted({re.split(r"[-_ ]\d", each.writer)[0] for each in results} - NO_PACKAGES)
    lines = [
        "## What was tried",
        "",
        f"{len(results)} files of {len(kinds)} kinds, out of or by {', '.join(writers)}: "
        f"{count[OPENED]} open with the pixels or values that another reader finds, "
        f"{count[REFUSED]} are refused in a sentence.",
        "",
    ]
    if lacking:
        lines += [f"Not to be had when this was made: {', '.join(lacking)}.", ""]
    lines += [
        "| kind | open | refused | largest difference of a pixel, 0 to 255 |",
        "|---|---|---|---|",
    ]
    for kind in kinds:
        of = [each for each in results if each.kind == kind]
        found = Counter(each.outcome for each in of)
        far = [each.difference for each in of if each.difference is not None]
        largest = str(max(far)) if far else ("equal" if found[OPENED] else "")
        lines.append(f"| {kind} | {found[OPENED]} | {found[REFUSED]} | {largest} |")
    lines += ["", "## File by file", ""]
    by_kind: dict[str, list[Result]] = defaultdict(list)
    for each in results:
        by_kind[each.kind].append(each)
    for kind in kinds:
        lines += [f"### {kind}", "", "| whose | file | result |", "|---|---|---|"]
        lines += [*_rows(by_kind[kind], kind in IN_ONE_ROW), ""]
    return "\n".join(lines)


def _rows(results: Sequence[Result], in_one: bool) -> list[str]:
    alike: dict[tuple[str, str], list[Result]] = defaultdict(list)
    rows = []
    for each in results:
        if in_one and (each.outcome == REFUSED or (each.difference or 0) <= 1):
            said = each.said.replace(each.name, "FILE") if each.outcome == REFUSED else each.said
            alike[each.writer, _result(each, said)].append(each)
        else:
            rows.append(f"| {each.writer} | {each.name} | {_result(each, each.said)} |")
    for (writer, result), of in alike.items():
        named = of[0].name if len(of) == 1 else f"{len(of)} files"
        rows.append(f"| {writer} | {named} | {result} |")
    return rows


def _result(each: Result, said: str) -> str:
    said = " ".join(said.replace("|", "/").replace("<", "&lt;").split())
    said = said if len(said) <= LONGEST else f"{said[:LONGEST]}…"
    if each.outcome == REFUSED:
        return f"refused: {said}"
    if each.difference is None:
        return f"{each.outcome}; {said}"
    return f"{each.outcome}, {each.difference} from {said}"
