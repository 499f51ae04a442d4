"""Public data sets as they are downloaded, turned into cohort tables."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import pandas as pd

from ..errors import SettingsError
from ..files import atomic_file

IMAGES = (".jpg", ".jpeg", ".tif", ".tiff", ".btf", ".svs", ".ndpi", ".png")
COUNTS = (".tsv.gz", ".tsv", ".txt.gz", ".txt")


@dataclass(frozen=True)
class Row:
    """One section as a cohort table has it."""

    section: str
    patient: str
    slide: Path
    spots: Path
    counts: Path | None = None


@dataclass(frozen=True)
class Found:
    """What of a data set is there.

    Attributes
    ----------
    rows
        The sections that are whole.
    lacking
        A sentence for each that is not.
    """

    rows: tuple[Row, ...]
    lacking: tuple[str, ...]


@dataclass(frozen=True)
class Recipe:
    """A public data set.

    Attributes
    ----------
    title, source
        What it is, and where it comes from, as a person would look for it.
    expected
        What the files of one section are called.
    find
        Looks for the sections in a folder.
    """

    title: str
    source: str
    expected: str
    find: Callable[[Path], Found]


def find_sections(name: str, data: Path) -> Found:
    """Find the sections of a data set in the folder it was downloaded to.

    Parameters
    ----------
    name
        ``"her2st"``, ``"cscc"`` or ``"visium"``.
    data
        The folder, with files and folders called as they were published.

    Raises
    ------
    SettingsError
        If the folder or all sections are missing; it says where the data come from.
    """
    recipe = RECIPES[name]
    if not data.is_dir():
        raise SettingsError(f"There is no folder {data}. {_where(recipe)}")
    found = recipe.find(data)
    if not found.rows:
        first = f" {found.lacking[0]}" if found.lacking else ""
        raise SettingsError(
            f"{data} holds no whole section of {recipe.title}.{first} {_where(recipe)}"
        )
    return found


def write_cohort(found: Found, path: Path) -> None:
    """Write the sections as a cohort table with absolute paths.

    Raises
    ------
    OutputError
        If it cannot be written there.
    """
    table = pd.DataFrame(
        [
            {
                "section": row.section,
                "patient": row.patient,
                "slide": row.slide.resolve(),
                "spots": row.spots.resolve(),
                "counts": "" if row.counts is None else row.counts.resolve(),
            }
            for row in found.rows
        ]
    )
    with atomic_file(path) as temporary:
        table.to_csv(temporary, index=False)


def _where(recipe: Recipe) -> str:
    return f"{recipe.title}: {recipe.source}. A section is {recipe.expected}."


def _her2st(data: Path) -> Found:
    rows, lacking = [], []
    for spots in sorted(data.rglob("*_selection.tsv")):
        section = spots.name.removesuffix("_selection.tsv")
        counts = _first(data, [f"{section}{ending}" for ending in COUNTS])
        images = [
            path
            for path in sorted(data.rglob("*"))
            if path.suffix.lower() in IMAGES and path.parent.name == section
        ]
        missing = [
            what
            for what, there in (
                (f"an image in a folder {section} (images or ST-imgs)", images),
                (f"{section}.tsv.gz (counts or ST-cnts)", counts),
            )
            if not there
        ]
        if missing:
            lacking.append(f"{section} lacks {' and '.join(missing)}.")
        else:
            rows.append(Row(section, section[0], images[0], spots, counts))
    return Found(tuple(rows), tuple(lacking))


def _cscc(data: Path) -> Found:
    rows, lacking = [], []
    for spots in sorted(data.rglob("*spot_data-selection-*.tsv*")):
        section = re.sub(r"^.*spot_data-selection-|\.tsv(\.gz)?$", "", spots.name)
        image = next((p for p in _ending(data, section) if p.suffix.lower() in IMAGES), None)
        counts = next(iter(_ending(data, f"{section}_stdata")), None)
        missing = [
            what
            for what, there in (
                (f"an image ..._{section}.jpg", image),
                (f"..._{section}_stdata.tsv.gz", counts),
            )
            if there is None
        ]
        if image is None or counts is None:
            lacking.append(f"{section} lacks {' and '.join(missing)}.")
        else:
            rows.append(Row(section, section.split("_")[0], image, spots, counts))
    return Found(tuple(rows), tuple(lacking))


def _visium(data: Path) -> Found:
    rows, lacking = [], []
    for spatial in sorted(data.rglob("spatial")):
        outs = spatial.parent
        home = outs.parent if outs.name == "outs" else outs
        section = home.relative_to(data).as_posix().replace("/", "_") or data.resolve().name
        images = [
            path
            for folder in dict.fromkeys((home, outs))
            for path in sorted(folder.iterdir())
            if path.suffix.lower() in IMAGES
        ]
        if images:
            rows.append(Row(section, section, images[0], outs))
        else:
            lacking.append(f"{section} has no slide beside {outs}.")
    return Found(tuple(rows), tuple(lacking))


def _first(data: Path, names: list[str]) -> Path | None:
    return next((path for name in names for path in sorted(data.rglob(name))), None)


def _ending(data: Path, stem: str) -> list[Path]:
    """Files whose name without its endings ends with a stem."""
    files = (path for path in sorted(data.rglob(f"*{stem}.*")) if path.is_file())
    return [path for path in files if path.name.split(".")[0].endswith(stem)]


RECIPES: Mapping[str, Recipe] = MappingProxyType(
    {
        "her2st": Recipe(
            "HER2+ breast cancer (Andersson et al. 2021)",
            "repository almaan/her2st, data also as Zenodo record 3957257",
            "<S>_selection.tsv, <S>.tsv.gz and a JPEG in a folder <S>",
            _her2st,
        ),
        "cscc": Recipe(
            "cutaneous squamous cell carcinoma (Ji et al. 2020)",
            "GEO series GSE144240 (GSE144239 for the ST part)",
            "spot_data-selection-<S>.tsv, ..._<S>_stdata.tsv.gz and ..._<S>.jpg",
            _cscc,
        ),
        "visium": Recipe(
            "Visium sections",
            "any Space Ranger output, for instance the public data sets of 10x Genomics",
            "a folder with outs/ (or spatial/ and the matrix) and the full-resolution slide beside",
            _visium,
        ),
    }
)
