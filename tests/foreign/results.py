"""What came of one foreign file: how far it is from another reader's, or the sentence."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from napari_mclstexp.errors import UserError
from napari_mclstexp.slides import open_slide

_TURN = Image.Transpose
_BACK = {
    2: _TURN.FLIP_LEFT_RIGHT, 3: _TURN.ROTATE_180, 4: _TURN.FLIP_TOP_BOTTOM, 5: _TURN.TRANSPOSE,
    6: _TURN.ROTATE_90, 7: _TURN.TRANSVERSE, 8: _TURN.ROTATE_270,
}  # fmt: skip
OPENED, REFUSED, WRONG = "opens", "refused", "WRONG"


@dataclass(frozen=True)
class Result:
    """One file.

    Attributes
    ----------
    kind
        Of the file, as the page lists it.
    writer
        Whose file it is, or which program wrote it.
    name
        What it is called.
    outcome
        `OPENED`, `REFUSED`, or `WRONG`: other pixels or values, or an error that is no sentence.
    difference
        The largest, of pixels of 0 to 255; None for tables, which are equal or wrong.
    said
        With which reader it was compared, or the sentence.
    """

    kind: str
    writer: str
    name: str
    outcome: str
    difference: int | None
    said: str


def slide_pixels(path: Path) -> np.ndarray:
    """Return (h, w, 3) of level 0, read through as many regions as a viewer would."""
    with open_slide(path) as slide:
        out = np.empty((slide.height, slide.width, 3), np.uint8)
        for y in range(0, slide.height, 1000):
            for x in range(0, slide.width, 1500):
                h, w = min(1000, slide.height - y), min(1500, slide.width - x)
                out[y : y + h, x : x + w] = slide.read_level(0, x, y, w, h)
        return out


def compare(
    kind: str,
    writer: str,
    path: Path,
    references: dict[str, Callable[[Path, tuple[int, int]], np.ndarray]],
    most: int = 1,
    name: str | None = None,
) -> Result:
    """Open a slide, and hold its pixels to those of the first of other readers that opens it.

    Parameters
    ----------
    kind, writer, name
        As of `Result`; the file's own name by default.
    path
        The file.
    references
        Functions of the path and (height, width), by the reader's name.
    most
        The largest difference that is no fault.
    """
    about = (kind, writer, name or path.name)
    try:
        pixels = slide_pixels(path).astype(int)
    except UserError as error:
        said = str(error).replace(str(path), path.name).replace(f"{path.parent}/", "")
        return Result(*about, REFUSED, None, said)
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        return Result(*about, WRONG, None, traceback.format_exc(limit=-3))
    tried = []
    for reader, read in references.items():
        try:
            expected = read(path, pixels.shape[:2])
        except Exception as error:
            tried.append(f"{reader} does not open it ({type(error).__name__})")
            continue
        if expected.shape != pixels.shape:
            tried.append(f"{reader} has {expected.shape[1]} x {expected.shape[0]} px")
            continue
        far = int(np.abs(pixels - expected).max())
        return Result(*about, OPENED if far <= most else WRONG, far, reader)
    return Result(*about, OPENED, None, "; ".join(tried))


def same(kind: str, writer: str, name: str, check: Callable[[], str]) -> Result:
    """Run a check of tables, which says what was equal; an AssertionError is a wrong value."""
    try:
        return Result(kind, writer, name, OPENED, None, check())
    except UserError as error:
        return Result(kind, writer, name, REFUSED, None, _without_folders(str(error)))
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        return Result(kind, writer, name, WRONG, None, traceback.format_exc(limit=-3))


def _without_folders(text: str) -> str:
    return " ".join(Path(word).name if word.startswith("/") else word for word in text.split())


def by_pillow(path: Path, size: tuple[int, int]) -> np.ndarray:
    """Pillow's pixels over white, of the first frame of that size, turned as they are stored."""
    with Image.open(path) as image:
        for frame in range(getattr(image, "n_frames", 1)):
            image.seek(frame)
            # Of TIFF alone, Pillow turns the pixels as they are to be shown.
            turned = image.tag_v2.get(274, 1) if image.format == "TIFF" else 1
            whole = _in_rgb(image)
            if turned in _BACK:
                whole = whole.transpose(_BACK[turned])
            if (whole.height, whole.width) == size:
                return np.asarray(whole)
        return np.asarray(whole)


def _in_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        grey = (np.asarray(image).astype(np.int64) // 257).clip(0, 255).astype(np.uint8)
        return Image.fromarray(grey).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA", "RGBa") or "transparency" in image.info:
        clear = image.convert("RGBA")
        white = Image.new("RGBA", clear.size, "white")
        white.alpha_composite(clear)
        return white.convert("RGB")
    return image.convert("RGB")


def by_libtiff(path: Path, size: tuple[int, int]) -> np.ndarray:
    """The pixels of libtiff itself over white."""
    import imagecodecs

    rgba = imagecodecs.tiff_decode(path.read_bytes(), asrgb=True).astype(int)
    if rgba.shape[2] == 3:
        return rgba
    return np.minimum(rgba[..., :3] + 255 - rgba[..., 3:], 255)  # its alpha is multiplied in


def by_openslide(path: Path, size: tuple[int, int]) -> np.ndarray:
    """OpenSlide's own level 0 over white."""
    import openslide

    with openslide.OpenSlide(path) as slide:
        return np.asarray(_in_rgb(slide.read_region((0, 0), 0, slide.dimensions)))
