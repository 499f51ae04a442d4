"""Choose the reader of a file by what is in it, and say what is wrong where there is none."""

from __future__ import annotations

from pathlib import Path

from ..errors import SlideError
from ..reading import check_file, guarded
from .slide import Slide, stamp_of

_PICTURES = {
    "jpeg": (b"\xff\xd8\xff",),
    "png": (b"\x89PNG\r\n\x1a\n",),
    "jpeg2000": (b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51"),  # in boxes, or bare
}
_DICOM, _DICOM_AT = b"DICM", 128
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_READABLE = (
    "OpenSlide formats (svs, ndpi, mrxs, scn, bif, DICOM), OME-TIFF, TIFF, JPEG, JPEG 2000 and "
    "PNG can be read"
)


def open_slide(path: Path | str) -> Slide:
    """Open a whole-slide image; the caller closes it, or uses it as a context manager.

    Parameters
    ----------
    path
        A slide of any format that OpenSlide reads, an OME-TIFF, a TIFF or BigTIFF, a JPEG, a
        JPEG 2000 or a PNG. The format is told by the content, not by the name.

    Raises
    ------
    SlideError
        If the file is missing, a folder, cut short, damaged or of a format that cannot be read.

    Examples
    --------
    >>> slide = open_slide("section.svs")  # doctest: +SKIP
    >>> slide.width, slide.height, slide.um_per_px  # doctest: +SKIP
    (98304, 77824, 0.2525)
    """
    path = Path(path)
    stamp = stamp_of(path)  # before anything is read of it
    start = _first_bytes(path)
    with guarded(path, "a slide", SlideError):
        slide = _open(path, start)
    slide.stamp = stamp
    return slide


def _open(path: Path, start: bytes) -> Slide:
    kind = next((kind for kind, starts in _PICTURES.items() if start.startswith(starts)), None)
    if kind is not None and path.suffix.lower() not in (".vms", ".vmu"):
        from .readers.plain_image import ImageSlide

        return ImageSlide(path, kind)
    from .readers.openslide import OpenSlideSlide, detect_vendor

    is_dicom = start[_DICOM_AT:].startswith(_DICOM)  # which may begin as a TIFF too
    if start.startswith(_TIFF) and not is_dicom:
        from .readers.tiff.handle import check_whole
        from .readers.tiff.tiff_slide import TiffSlide

        facts = check_whole(path)
        vendor = detect_vendor(path)
        if vendor is None or (vendor == "generic-tiff" and (facts.is_ome or not facts.is_plain)):
            return TiffSlide(path)
        return OpenSlideSlide(path)
    if detect_vendor(path) is not None:
        return OpenSlideSlide(path)
    raise SlideError(f"{path.name} is not a slide: {_what_it_is(path, start)}; {_READABLE}.")


def _first_bytes(path: Path) -> bytes:
    check_file(path, "a slide", SlideError)
    with guarded(path, "a slide", SlideError), path.open("rb") as file:
        start = file.read(512)
    if not start:
        raise SlideError(f"{path.name} is empty (0 bytes); copy it again.")
    return start


def _what_it_is(path: Path, start: bytes) -> str:
    if start[_DICOM_AT:].startswith(_DICOM):
        return "it is DICOM, but no whole-slide microscopy image that OpenSlide reads"
    try:
        text = start.decode("utf-8")
    except UnicodeDecodeError as error:
        # A character of several bytes may be cut at the end of what was read.
        text = start[: error.start].decode("utf-8") if error.start > len(start) - 4 else "\0"
    if "\0" not in text:
        return f"despite its name ({path.suffix or 'no ending'}) it contains text"
    return "its content is of a format that is not known here"
