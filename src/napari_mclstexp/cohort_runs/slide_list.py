"""Which slides a cohort has: a CSV table, a folder, or what a script gives."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import SettingsError
from ..files import as_cell, atomic_file, from_cell, refuse_overwriting
from ..reading import guarded, read_text

COLUMNS = ("slide", "spots", "counts", "name", "um_per_px")
TABLE = "a table of slides in CSV"
LARGEST = 64 * 2**20  # bytes
SLIDE_ENDINGS = (
    *(".svs", ".ndpi", ".mrxs", ".scn", ".bif", ".vms", ".vmu", ".svslide", ".dcm"),
    *(".tif", ".tiff", ".btf", ".jpg", ".jpeg", ".jp2", ".j2k", ".png"),
)
_NOT_IN_NAMES = re.compile(r'[\x00-\x1f/\\:*?"<>|]')
_OURS = {"summary", "report", "work"}  # other files of the folder of results
_MICRONS = re.compile(r"\.(ome|qptiff)$", re.IGNORECASE)


@dataclass(frozen=True)
class SlideEntry:
    """One slide of a cohort.

    Attributes
    ----------
    name
        What its result is called: unique, and fit for a file's name.
    slide
        The file.
    spots, counts
        Its spots as `read_spots` takes them; None for a grid.
    um_per_px
        Its scale, where its file states none or a wrong one.
    groups
        Columns of the table that say what a slide belongs to, with the slide's values.
    """

    name: str
    slide: Path
    spots: Path | None = None
    counts: Path | None = None
    um_per_px: float | None = None
    groups: tuple[tuple[str, str], ...] = ()


def list_slides(
    slides: Path | str | Iterable[SlideEntry | Path | str], *, grid: bool = True
) -> tuple[SlideEntry, ...]:
    """Return the slides that were named, each under a name of its own.

    Parameters
    ----------
    slides
        A CSV table with the column ``slide`` and, if wished, ``spots``, ``counts``, ``name``,
        ``um_per_px`` and any others, which are groups; a folder of slides; or slides one by one.
        Paths in a table are relative to it.
    grid
        Whether slides may do without spots.

    Raises
    ------
    SettingsError
        Naming the line, or the slide, that cannot be used.
    """
    where = ""
    if isinstance(slides, (str, Path)):
        path = Path(slides)
        where = f"{path}"
        entries = _of_folder(path) if path.is_dir() else _of_table(path)
    else:
        entries = [
            each
            if isinstance(each, SlideEntry)
            else SlideEntry(slide_name(Path(each)), Path(each).absolute())
            for each in slides
        ]
    if not entries:
        raise SettingsError(f"{where or 'The list'} names no slides; give at least one.")
    _check_names(entries, where)
    for each in entries:
        if each.spots is None and not grid:
            raise SettingsError(
                f"The slide {each.name} has no spots; name them in the column spots, or create a "
                "grid over slides without spots (--grid with a pitch in µm)."
            )
    return tuple(entries)


def write_slides(entries: Sequence[SlideEntry], path: Path) -> None:
    """Write slides as a table that `list_slides` reads.

    Raises
    ------
    OutputError
        If it cannot be written there, or is one of the files that it would name.
    """
    groups = list(dict.fromkeys(name for each in entries for name, _ in each.groups))
    text = io.StringIO()
    writer = csv.DictWriter(text, (*COLUMNS, *groups), restval="")
    writer.writeheader()
    for each in entries:
        for what in ("slide", "spots", "counts"):
            refuse_overwriting(path, {f"the {what} of {each.name}": getattr(each, what)})
        row = {column: getattr(each, column) for column in COLUMNS}
        known = {k: "" if v is None else str(v) for k, v in row.items()}
        writer.writerow({k: as_cell(v) for k, v in (known | dict(each.groups)).items()})
    with atomic_file(path) as temporary:
        temporary.write_text(text.getvalue(), encoding="utf-8")


def shard_of(entries: Sequence[SlideEntry], shard: str) -> tuple[SlideEntry, ...]:
    """Return the slides of a shard ``i/n``: every n-th one, from the i-th.

    Raises
    ------
    SettingsError
        If it is not written as i/n with 1 <= i <= n.
    """
    found = re.fullmatch(r"(\d+)/(\d+)", shard.strip())
    i, n = (int(each) for each in found.groups()) if found else (0, 0)
    if not 1 <= i <= n:
        raise SettingsError(
            f"--shard {shard} must be i/n with i from 1 to n, as in 1/3 for the first of three."
        )
    return tuple(entries[i - 1 :: n])


def slide_name(path: Path) -> str:
    """Return what a slide is called: its file's name without endings."""
    return _MICRONS.sub("", path.stem)


def _of_folder(folder: Path) -> list[SlideEntry]:
    with guarded(folder, "a folder of slides", SettingsError):
        files = sorted(
            each
            for each in folder.iterdir()
            if each.suffix.lower() in SLIDE_ENDINGS and not each.name.startswith(".")
        )
    if not files:
        raise SettingsError(
            f"The folder {folder} holds no slides ({', '.join(SLIDE_ENDINGS[:4])}, ...)."
        )
    return [SlideEntry(slide_name(each), each.absolute()) for each in files]


def _of_table(path: Path) -> list[SlideEntry]:
    with guarded(path, TABLE, SettingsError):
        if not path.exists():
            raise SettingsError(f"There is no table of slides {path}; check the path.")
        text = read_text(path, TABLE, SettingsError, most=LARGEST)
        rows = list(csv.reader(io.StringIO(text, newline="")))
    names = [each.strip() for each in rows[0]] if rows else []
    if "slide" not in names:
        raise SettingsError(
            f"{path} has no column slide; it needs one, and may have {', '.join(COLUMNS[1:])} and "
            "any columns that group the slides."
        )
    twice = next((each for each in names if each and names.count(each) > 1), None)
    if twice is not None:
        raise SettingsError(f"{path} has the column {twice} more than once; keep one of them.")
    return [
        _entry(path, number, dict(zip(names, row, strict=False)))
        for number, row in enumerate(rows[1:], start=2)
        if any(cell.strip() for cell in row)
    ]


def _entry(table: Path, line: int, row: dict[str, str]) -> SlideEntry:
    said = {name: from_cell(value.strip()) for name, value in row.items()}
    if not said.get("slide"):  # a line may be shorter than the first
        raise SettingsError(f"{table}, line {line}: the slide is missing; give its file.")

    def path(column: str) -> Path | None:
        value = said.get(column, "")
        return (table.parent / value).absolute() if value else None

    scale: float | None = None
    if said.get("um_per_px"):
        try:
            scale = float(said["um_per_px"])
        except ValueError:
            scale = -1.0
        if not 0 < scale < float("inf"):
            raise SettingsError(
                f"{table}, line {line}: um_per_px is {said['um_per_px']!r}; give µm per pixel "
                "above 0, or leave it empty."
            )
    if said.get("counts") and not said.get("spots"):
        raise SettingsError(f"{table}, line {line}: there are counts without spots; name both.")
    slide = path("slide")
    assert slide is not None
    groups = tuple((k, v) for k, v in said.items() if k and k not in COLUMNS)
    name = said.get("name") or slide_name(slide)
    return SlideEntry(name, slide, path("spots"), path("counts"), scale, groups)


def _check_names(entries: Sequence[SlideEntry], where: str) -> None:
    place = f"{where}: " if where else ""
    seen: dict[str, SlideEntry] = {}
    for each in entries:
        name = each.name
        if _NOT_IN_NAMES.search(name) or name.startswith(".") or name != name.strip() or not name:
            raise SettingsError(
                f"{place}{name!r} cannot be the name of a file; give {each.slide.name!r} another "
                "name in the column name."
            )
        other = seen.setdefault(name.casefold(), each)  # as file systems that ignore case see it
        if other is not each:
            raise SettingsError(
                f"{place}two slides are called {name} ({other.slide} and {each.slide}); tell them "
                "apart in the column name."
            )
        if name.casefold() in _OURS:
            raise SettingsError(
                f"{place}a slide cannot be called {name}, which is a file of the results; give it "
                "another name."
            )
