"""What a TIFF says in words: its properties, µm per pixel and the bits its samples use."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import tifffile

from ....errors import SlideError
from ...scale import one_scale, um_from_length, um_from_resolution
from .layout import TiffLevel

_TAGS = ("Make", "Model", "Software", "DateTime")
_LONGEST_TEXT = 2000
_RESOLUTION_UNITS = {2: "inch", 3: "cm"}


def tiff_properties(tif: tifffile.TiffFile, level: TiffLevel) -> dict[str, str]:
    """Return what the file says about itself, under names like "tiff.Make" and "ome.ID"."""
    page = tif.pages.first
    properties = {f"tiff.{name}": str(page.tags[name].value) for name in _TAGS if name in page.tags}
    ome = _ome_pixels(tif, level)
    if ome is not None:
        properties |= {f"ome.{name}": value for name, value in ome.attrib.items()}
    elif page.description:
        properties["tiff.ImageDescription"] = page.description[:_LONGEST_TEXT]
    return properties


def tiff_um_per_px(
    tif: tifffile.TiffFile, level: TiffLevel, properties: dict[str, str]
) -> float | None:
    """Return µm per level-0 px: from OME-XML, else ImageJ's unit, else the resolution tags."""
    ome = _ome_pixels(tif, level)
    if ome is not None:
        x, y = (_ome_length(ome, axis) for axis in "XY")
        if x is not None or y is not None:
            return one_scale(x, y, properties)
    x, y = (_tagged_length(tif, level, axis) for axis in "XY")
    return one_scale(x, y, properties)


def significant_bits(tif: tifffile.TiffFile, level: TiffLevel) -> int:
    """Return how many bits of each sample are used, as far as the file says so."""
    stored = int(level.layout.bitspersample)
    ome = _ome_pixels(tif, level)
    if ome is not None and ome.get("SignificantBits", "").isdigit():
        return min(stored, max(1, int(ome.get("SignificantBits", stored))))
    tag = level.layout.tags.get("MaxSampleValue")
    if tag is None:
        return stored
    largest = max(tag.value) if isinstance(tag.value, tuple) else tag.value
    return min(stored, max(1, int(largest).bit_length()))


def value_range(tif: tifffile.TiffFile, level: TiffLevel) -> tuple[float, float] | None:
    """Return the values of black and white of samples that are no plain bytes or words.

    The tags SMinSampleValue and SMaxSampleValue say them, or what ImageJ writes as min and max.
    """
    imagej: dict[str, Any] = tif.imagej_metadata or {}
    for said in (
        [level.layout.tags.valueof(f"S{name}SampleValue") for name in ("Min", "Max")],
        [imagej.get("min"), imagej.get("max")],
    ):
        try:
            low, high = (float(np.ravel(np.asarray(value, np.float64))[0]) for value in said)
        except (TypeError, ValueError, IndexError):
            continue
        if np.isfinite([low, high]).all() and low < high:
            return low, high
    return None


def check_alone(tif: tifffile.TiffFile, path: Path) -> None:
    """Make sure that an OME-TIFF holds all its pixels itself.

    Raises
    ------
    SlideError
        If it is one of several files, whose places in one another nobody here can know.
    """
    root = _ome_root(tif)
    if root is None:
        return
    own = root.get("UUID")
    for element in root.iter():
        kind = element.tag.rpartition("}")[2]
        named = element.get("MetadataFile") if kind == "BinaryOnly" else element.get("FileName")
        if kind not in ("UUID", "BinaryOnly"):
            continue
        elsewhere = (
            (element.text or "").strip() != own if own and kind == "UUID" else named != path.name
        )
        if elsewhere:
            raise SlideError(
                f"{path.name} is one of several files that make up an OME-TIFF; "
                f"others are, for instance, {str(named)[:80]}; export the slide as one file."
            )


def _ome_root(tif: tifffile.TiffFile) -> ElementTree.Element | None:
    if not tif.is_ome or not tif.ome_metadata:
        return None
    try:
        return ElementTree.fromstring(tif.ome_metadata)
    except (ElementTree.ParseError, ValueError):
        return None


def _ome_pixels(tif: tifffile.TiffFile, level: TiffLevel) -> ElementTree.Element | None:
    """Return the Pixels element of the image of this size."""
    root = _ome_root(tif)
    if root is None:
        return None
    size = {"SizeX": str(level.width), "SizeY": str(level.height)}
    for element in root.iter():
        if element.tag.endswith("Pixels") and size.items() <= element.attrib.items():
            return element
    return None


def _ome_length(pixels: ElementTree.Element, axis: str) -> float | None:
    try:
        value = float(pixels.get(f"PhysicalSize{axis}", ""))
    except ValueError:
        return None
    return um_from_length(value, pixels.get(f"PhysicalSize{axis}Unit", "µm"))


def _tagged_length(tif: tifffile.TiffFile, level: TiffLevel, axis: str) -> float | None:
    tags = level.layout.tags
    resolution = tags.get(f"{axis}Resolution")
    if resolution is None:
        return None
    numerator, denominator = resolution.value
    if not numerator or not denominator:
        return None
    unit = _RESOLUTION_UNITS.get(int(tags.valueof("ResolutionUnit", default=2)), "")
    imagej: dict[str, Any] = tif.imagej_metadata or {}
    # ImageJ counts pixels in its own unit and writes "none", or nothing true, in the tag.
    if imagej.get("unit"):
        unit = str(imagej["unit"])
    return um_from_resolution(numerator / denominator, unit)
