"""Whole-slide images in DICOM, as pydicom and wsidicom write them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from .results import by_openslide

TILE = 256


def _by_pydicom(path: Path, *, jpeg: bool = True) -> None:
    """One level, TILED_FULL, of tiles in JPEG."""
    import imagecodecs
    from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
    from pydicom.encaps import encapsulate
    from pydicom.sequence import Sequence
    from pydicom.uid import JPEG2000Lossless, JPEGBaseline8Bit, generate_uid

    from .written_slides import H, W, tissue

    whole = np.pad(tissue(), ((0, -H % TILE), (0, -W % TILE), (0, 0)), constant_values=255)
    frames = [
        np.ascontiguousarray(whole[y : y + TILE, x : x + TILE])
        for y in range(0, H, TILE)
        for x in range(0, W, TILE)
    ]

    def encode(tile: np.ndarray) -> bytes:
        if jpeg:
            return imagecodecs.jpeg8_encode(tile, level=92, colorspace="RGB", outcolorspace="YCBCR")
        return imagecodecs.jpeg2k_encode(tile, level=0, codecformat="j2k", mct=False)

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.77.1.6"
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = JPEGBaseline8Bit if jpeg else JPEG2000Lossless
    data = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    data.SOPClassUID, data.SOPInstanceUID = (
        meta.MediaStorageSOPClassUID,
        meta.MediaStorageSOPInstanceUID,
    )
    for name in ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID"):
        setattr(data, name, generate_uid())
    data.Modality, data.ImageType = "SM", ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
    data.DimensionOrganizationType, data.NumberOfFrames = "TILED_FULL", len(frames)
    data.TotalPixelMatrixColumns, data.TotalPixelMatrixRows = W, H
    data.TotalPixelMatrixFocalPlanes = data.NumberOfOpticalPaths = 1
    data.Rows = data.Columns = TILE
    data.SamplesPerPixel, data.PlanarConfiguration, data.PixelRepresentation = 3, 0, 0
    data.BitsAllocated = data.BitsStored = 8
    data.HighBit = 7
    data.PhotometricInterpretation = "YBR_FULL_422" if jpeg else "RGB"
    data.ImagedVolumeWidth, data.ImagedVolumeHeight, data.ImagedVolumeDepth = (
        W / 2000,
        H / 2000,
        0.001,
    )
    data.InstanceNumber, data.ContentDate, data.ContentTime = 1, "20200101", "000000"
    data.VolumetricProperties, data.SpecimenLabelInImage, data.BurnedInAnnotation = (
        "VOLUME",
        "NO",
        "NO",
    )
    data.FocusMethod, data.ExtendedDepthOfField = "AUTO", "NO"
    data.ImageOrientationSlide = [0, -1, 0, -1, 0, 0]
    data.LossyImageCompression = "01" if jpeg else "00"
    origin, measures, frame_type, shared, optical = (Dataset() for _ in range(5))
    origin.XOffsetInSlideCoordinateSystem = origin.YOffsetInSlideCoordinateSystem = 0
    data.TotalPixelMatrixOriginSequence = Sequence([origin])
    measures.PixelSpacing, measures.SliceThickness = [0.0005, 0.0005], 0.001
    frame_type.FrameType = data.ImageType
    shared.PixelMeasuresSequence = Sequence([measures])
    shared.WholeSlideMicroscopyImageFrameTypeSequence = Sequence([frame_type])
    data.SharedFunctionalGroupsSequence = Sequence([shared])
    optical.OpticalPathIdentifier = "1"
    (light,) = (Dataset(),)
    light.CodeValue, light.CodingSchemeDesignator, light.CodeMeaning = (
        "111744",
        "DCM",
        "Brightfield",
    )
    optical.IlluminationTypeCodeSequence = Sequence([light])
    data.OpticalPathSequence = Sequence([optical])
    data.PixelData = encapsulate([encode(tile) for tile in frames])
    data["PixelData"].is_undefined_length = True
    data.save_as(path, enforce_file_format=True)


def _by_wsidicom(path: Path) -> None:
    """The same, written anew by wsidicom with the levels below it."""
    import shutil

    import wsidicom

    folder = path.with_suffix("")
    folder.mkdir()
    first = path.with_suffix(".first") / "first.dcm"  # OpenSlide looks at all files of a folder
    first.parent.mkdir()
    _by_pydicom(first)
    with wsidicom.WsiDicom.open(first) as slide:
        written = slide.save(folder)
    shutil.copy(max(written, key=lambda each: Path(each).stat().st_size), path)


def by_wsidicom(path: Path, size: tuple[int, int]) -> np.ndarray:
    """The pixels as wsidicom reads them."""
    import wsidicom

    with wsidicom.WsiDicom.open(path) as slide:
        return np.asarray(slide.read_region((0, 0), 0, (size[1], size[0])).convert("RGB"))


READERS = {"wsidicom": by_wsidicom, "OpenSlide": by_openslide}
DICOM: list[tuple[str, str, Callable[[Path], None], Any]] = [
    ("pydicom", "pydicom-jpeg.dcm", _by_pydicom, READERS),
    ("pydicom", "pydicom-jpeg2000.dcm", lambda path: _by_pydicom(path, jpeg=False), READERS),
    ("wsidicom", "wsidicom.dcm", _by_wsidicom, READERS),
]
