"""Scanner formats by OpenSlide: svs, ndpi, mrxs, scn, bif, svslide, vms, DICOM, tiled TIFF."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import SlideError
from ..pixels import over_white
from ..scale import one_scale, true_downsample, um_from_length, um_from_resolution
from ..slide import Level, Slide

_CACHE_BYTES = 96 * 2**20


def detect_vendor(path: Path) -> str | None:
    """Return OpenSlide's word for the format of this file, or None if it is not one of its own."""
    import openslide

    vendor: str | None = openslide.OpenSlide.detect_format(path)
    return vendor


class OpenSlideSlide(Slide):
    """A slide read by OpenSlide, which keeps its own cache of decoded tiles."""

    def __init__(self, path: Path) -> None:
        import openslide

        try:
            handle = openslide.OpenSlide(path)
        except (openslide.OpenSlideError, OSError) as error:
            raise SlideError(
                f"{path.name} cannot be opened ({error}); it is damaged, or files that belong "
                "beside it are missing, so copy it again with its folder."
            ) from error
        handle.set_cache(openslide.OpenSlideCache(_CACHE_BYTES))
        self._handle: Any = handle
        self._error = openslide.OpenSlideError
        # Locations are given to OpenSlide in level-0 pixels, which it divides by its own figure.
        self._downsamples = handle.level_downsamples
        size = handle.dimensions
        properties = {str(key): str(value) for key, value in handle.properties.items()}
        levels = tuple(
            Level(w, h, true_downsample(size, (w, h), stated))
            for (w, h), stated in zip(handle.level_dimensions, self._downsamples, strict=True)
        )
        super().__init__(
            path,
            vendor=properties.get(openslide.PROPERTY_NAME_VENDOR, "unknown"),
            properties=properties,
            levels=levels,
            um_per_px=_um_per_px(properties),
        )

    def _read_inside(self, level: int, x: int, y: int, w: int, h: int) -> NDArray[np.uint8]:
        downsample = self._downsamples[level]
        location = (round(x * downsample), round(y * downsample))
        try:
            image = self._handle.read_region(location, level, (w, h))
        except self._error as error:
            raise SlideError(
                f"{self.path.name} cannot be read at x {location[0]}, y {location[1]} ({error}); "
                "the file is damaged there, so copy it again from the scanner."
            ) from error
        except MemoryError as error:
            raise SlideError(
                f"{self.path.name} cannot be read at x {location[0]}, y {location[1]}: it needs "
                "more memory than this computer has free."
            ) from error
        return over_white(np.asarray(image))

    def _release(self) -> None:
        self._handle.close()


def _um_per_px(properties: dict[str, str]) -> float | None:
    if properties.get("openslide.vendor") == "generic-tiff":
        unit = properties.get("tiff.ResolutionUnit", "")
        unit = {"centimeter": "cm", "inch": "inch"}.get(unit, "")
        x = um_from_resolution(_number(properties.get("tiff.XResolution")), unit)
        y = um_from_resolution(_number(properties.get("tiff.YResolution")), unit)
    else:
        x = um_from_length(_number(properties.get("openslide.mpp-x")), "µm")
        y = um_from_length(_number(properties.get("openslide.mpp-y")), "µm")
    return one_scale(x, y, properties)


def _number(text: str | None) -> float:
    try:
        return float(text or "nan")
    except ValueError:
        return float("nan")
