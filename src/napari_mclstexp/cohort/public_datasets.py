"""Public data sets as they are downloaded, turned into cohort tables."""

from __future__ import annotations

import gzip
import re
import shutil
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

import pandas as pd

from ..errors import SettingsError
from ..files import atomic_file, placing, refuse_overwriting
from ..spots.readers.spaceranger import MATRIX_FOLDERS, MATRIX_H5, POSITIONS

IMAGES = (".jpg", ".jpeg", ".tif", ".tiff", ".btf", ".svs", ".ndpi", ".png")
PACKED = (".tar", ".tar.gz", ".tgz", ".zip", ".7z")
HER2ST_COUNTS = ("counts", "ST-cnts", "count-matrices")


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
        A sentence for each that is not, and for each file that is still packed.
    source
        A sentence that says where the data come from and what their files are called.
    """

    rows: tuple[Row, ...]
    lacking: tuple[str, ...]
    source: str = ""


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
        Looks for the sections among the files of a folder.
    """

    title: str
    source: str
    expected: str
    find: Callable[[Path, Sequence[Path]], Found]


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
    files = sorted(path for path in data.rglob("*") if path.is_file())
    found = recipe.find(data, files)
    packed = tuple(
        f"{path} is still packed; unpack it there."
        for path in files
        if path.name.endswith(PACKED) and (found.lacking or not found.rows)
    )
    if not found.rows:
        first = f" {(*packed, *found.lacking)[0]}" if packed or found.lacking else ""
        raise SettingsError(
            f"{data} holds no whole section of {recipe.title}.{first} {_where(recipe)}"
        )
    return replace(found, lacking=(*found.lacking, *packed), source=_where(recipe))


def write_cohort(found: Found, path: Path) -> None:
    """Write the sections as a cohort table with absolute paths.

    Slides that are packed singly (``.jpg.gz``, as GEO has them) are unpacked beside it, in a
    folder ``slides``.

    Raises
    ------
    OutputError
        If it cannot be written there, or is one of the files of the sections.
    """
    for row in found.rows:
        files = {"slide": row.slide, "spots": row.spots, "counts": row.counts}
        refuse_overwriting(path, {f"the {k} of section {row.section}": v for k, v in files.items()})
    table = pd.DataFrame(
        [
            {
                "section": row.section,
                "patient": row.patient,
                "slide": _unpacked(row.slide, path.parent / "slides").resolve(),
                "spots": row.spots.resolve(),
                "counts": "" if row.counts is None else row.counts.resolve(),
            }
            for row in found.rows
        ]
    )
    with atomic_file(path) as temporary:
        table.to_csv(temporary, index=False)


def _unpacked(slide: Path, folder: Path) -> Path:
    if slide.suffix != ".gz":
        return slide
    target = folder / slide.name.removesuffix(".gz")
    if target.is_file() and target.stat().st_mtime >= slide.stat().st_mtime:
        return target  # whole, since files appear whole
    folder.mkdir(exist_ok=True)
    try:
        with (
            placing(folder, "unpacked slides", [target.name]),
            gzip.open(slide) as packed,
            atomic_file(target) as temporary,
            temporary.open("wb") as to,
        ):
            shutil.copyfileobj(packed, to)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise SettingsError(f"{slide} is damaged ({error}); download it again.") from error
    return target


def _where(recipe: Recipe) -> str:
    return f"{recipe.title}: {recipe.source}. A section is {recipe.expected}."


def _her2st(data: Path, files: Sequence[Path]) -> Found:
    spots, counts, images = {}, {}, {}
    for path in files:
        if match := re.fullmatch(r"([A-Z]\d)_selection\.tsv(\.gz)?", path.name):
            spots[match[1]] = path
        elif match := re.fullmatch(r"([A-Z]\d)\.tsv(\.gz)?", path.name):
            if path.parent == data or path.parent.name in HER2ST_COUNTS:
                counts[match[1]] = path
        elif _is_image(path) and re.fullmatch(r"[A-Z]\d", path.parent.name):
            images[path.parent.name] = path
        elif _is_image(path) and path.parent.name in ("HE", "images", "ST-imgs"):
            images.setdefault(path.name.split(".")[0], path)
    return _together(
        spots,
        counts,
        {section: path for section, path in images.items() if re.fullmatch(r"[A-Z]\d", section)},
        patient=lambda section: section[0],
        names=(
            "{0}_selection.tsv (spotfiles, ST-spotfiles or spot-selections)",
            "{0}.tsv.gz (counts, ST-cnts or count-matrices)",
            "an image in a folder {0} (images or ST-imgs), or images/HE/{0}.jpg",
        ),
    )


def _cscc(data: Path, files: Sequence[Path]) -> Found:
    spots, counts, images = {}, {}, {}
    for path in files:
        name = path.name.split(".")[0]
        if match := re.search(r"spot_data-selection-(P\d+_ST_rep\d+)$", name):
            spots[match[1]] = path
        elif match := re.search(r"(?:^|_)(P\d+_ST_rep\d+)_stdata$", name):
            counts[match[1]] = path
        elif (match := re.search(r"(?:^|_)(P\d+_ST_rep\d+)$", name)) and _is_image(path):
            images[match[1]] = path
    return _together(
        spots,
        counts,
        images,
        patient=lambda section: section.split("_")[0],
        names=("..._spot_data-selection-{0}.tsv.gz", "..._{0}_stdata.tsv.gz", "..._{0}.jpg.gz"),
    )


def _together(
    spots: Mapping[str, Path],
    counts: Mapping[str, Path],
    images: Mapping[str, Path],
    patient: Callable[[str], str],
    names: tuple[str, str, str],
) -> Found:
    """Join the files of each section; of those that lack some, say which."""
    rows, lacking = [], []
    for section in sorted({*spots, *counts, *images}):
        missing = [
            name.format(section)
            for name, there in zip(names, (spots, counts, images), strict=True)
            if section not in there
        ]
        if missing:
            lacking.append(f"{section} lacks {' and '.join(missing)}.")
        else:
            rows.append(
                Row(section, patient(section), images[section], spots[section], counts[section])
            )
    return Found(tuple(rows), tuple(lacking))


def _visium(data: Path, files: Sequence[Path]) -> Found:
    rows, lacking = [], []
    positions = (path for path in files if path.name in POSITIONS and path.parent.name == "spatial")
    for outs in dict.fromkeys(path.parent.parent for path in positions):
        if "binned_outputs" in outs.parts:
            continue  # of Visium HD, whose bins the reader finds from outs
        home = outs.parent if outs.name == "outs" else outs
        inside = home.relative_to(data).as_posix() if home.is_relative_to(data) else "."
        section = home.resolve().name if inside == "." else inside.replace("/", "_")
        images = [
            path
            for folder in dict.fromkeys((home, outs))
            for path in sorted(folder.iterdir())
            if _is_image(path)
        ]
        # Beside the microscope's image, 10x offers the small one of its CytAssist.
        images.sort(key=lambda path: ("tissue_image" in path.name, path.stat().st_size))
        folders = any((outs / name).is_dir() for name in MATRIX_FOLDERS)
        matrix = folders or any(outs.glob(f"*{MATRIX_H5}"))
        missing = [
            what
            for what, there in (
                (f"the full-resolution slide (.tif, .btf, .jpg, ...) beside {outs}", images),
                (f"{MATRIX_H5} in {outs}", matrix),
            )
            if not there
        ]
        if missing:
            lacking.append(f"{section} lacks {' and '.join(missing)}.")
        else:
            rows.append(Row(section, section, images[-1], outs))
    return Found(tuple(rows), tuple(lacking))


def _is_image(path: Path) -> bool:
    return path.name.lower().removesuffix(".gz").endswith(IMAGES)


RECIPES: Mapping[str, Recipe] = MappingProxyType(
    {
        "her2st": Recipe(
            "HER2+ breast cancer (Andersson et al. 2021)",
            "repository almaan/her2st (folder data), also Zenodo record 3957257",
            "<S>_selection.tsv, <S>.tsv.gz and a JPEG in a folder <S> or called <S>.jpg, "
            "for instance ST-spotfiles/B4_selection.tsv, ST-cnts/B4.tsv.gz and "
            "ST-imgs/B/B4/BT10737_D2_HE.jpg",
            _her2st,
        ),
        "cscc": Recipe(
            "cutaneous squamous cell carcinoma (Ji et al. 2020)",
            "GEO series GSE144239 (part of GSE144240), file GSE144239_RAW.tar",
            "GSM..._spot_data-selection-<S>.tsv.gz, GSM..._<S>_stdata.tsv.gz and "
            "GSM..._<S>.jpg.gz, where <S> is P2_ST_rep1 or alike",
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
