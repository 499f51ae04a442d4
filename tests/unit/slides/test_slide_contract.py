"""One contract, every reader: what a slide is must not depend on the file it came from."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_mclstexp.errors import SlideError
from napari_mclstexp.slides import open_slide
from napari_mclstexp.slides.pyramid import pyramid

W, H = 700, 500
UM = 0.5


def pattern() -> np.ndarray:
    """Red tells x, green tells y; smooth, so that JPEG and resampling keep it."""
    x, y = np.meshgrid(np.linspace(20, 235, W), np.linspace(20, 235, H))
    return np.stack([x, y, np.full_like(x, 128)], -1).round().astype(np.uint8)


def half(image: np.ndarray) -> np.ndarray:
    mean = image.astype(np.float32).reshape(H // 2, 2, W // 2, 2, -1).mean((1, 3))
    return mean.round().astype(image.dtype)


def ome_pyramid(path: Path, image: np.ndarray, **options: object) -> None:
    meta = {"axes": "YXS", "PhysicalSizeX": UM, "PhysicalSizeY": UM}
    meta |= {"PhysicalSizeXUnit": "µm", "PhysicalSizeYUnit": "µm"}
    options = {"tile": (128, 128), "photometric": "rgb", **options}
    with tifffile.TiffWriter(path, ome=True, bigtiff=True) as tif:
        tif.write(image, subifds=1, metadata=meta, **options)
        tif.write(half(image), subfiletype=1, **options)


def plain_tiff(path: Path, image: np.ndarray, **options: object) -> None:
    scale = {"resolution": (1e4 / UM, 1e4 / UM), "resolutionunit": "CENTIMETER"}
    tifffile.imwrite(path, image, photometric="rgb", metadata=None, **{**scale, **options})


def generic_pyramid(path: Path) -> None:
    scale = {"resolutionunit": "CENTIMETER", "metadata": None, "tile": (128, 128)}
    with tifffile.TiffWriter(path) as tif:
        for level, image in enumerate((pattern(), half(pattern()))):
            per_cm = 1e4 / UM / 2**level
            kind = {} if level == 0 else {"subfiletype": 1}
            tif.write(image, photometric="rgb", resolution=(per_cm, per_cm), **scale, **kind)


def svs(path: Path) -> None:
    """An Aperio slide as OpenSlide knows it: by its description."""
    about = f"Aperio Image Library v10\n{W}x{H} [0,0 {W}x{H}] (128x128)|AppMag = 20|MPP = {UM}"
    options = {"tile": (128, 128), "photometric": "rgb", "metadata": None}
    options |= {"compression": "jpeg", "compressionargs": {"level": 95}}
    with tifffile.TiffWriter(path) as tif:
        tif.write(pattern(), description=about, **options)


def with_alpha(image: np.ndarray, top: int = 255) -> np.ndarray:
    return np.concatenate([image, np.full((*image.shape[:2], 1), top, image.dtype)], -1)


WRITERS: dict[str, tuple[str, Callable[[Path], None], float | None]] = {
    "OME-TIFF pyramid": (".ome.tiff", lambda p: ome_pyramid(p, pattern()), UM),
    "OME-TIFF JPEG pyramid": (
        ".ome.tif",
        lambda p: ome_pyramid(p, pattern(), compression="jpeg", compressionargs={"level": 95}),
        UM,
    ),
    "generic tiled pyramid": (".tif", generic_pyramid, UM),
    "Aperio svs": (".svs", svs, UM),
    "TIFF in strips": (".tif", lambda p: plain_tiff(p, pattern(), rowsperstrip=32), UM),
    "BigTIFF, LZW": (
        ".btf",
        lambda p: plain_tiff(p, pattern(), bigtiff=True, compression="lzw", tile=(64, 64)),
        UM,
    ),
    "planar TIFF": (
        ".tif",
        lambda p: plain_tiff(
            p, np.moveaxis(pattern(), -1, 0).copy(), planarconfig="separate", tile=(128, 128)
        ),
        UM,
    ),
    "RGBA TIFF": (
        ".tif",
        lambda p: plain_tiff(
            p, with_alpha(pattern()), extrasamples=("unassalpha",), tile=(128, 128)
        ),
        UM,
    ),
    "16-bit TIFF": (
        ".tif",
        lambda p: plain_tiff(p, pattern().astype(np.uint16) * 257, tile=(128, 128)),
        UM,
    ),
    "JPEG": (
        ".jpg",
        lambda p: Image.fromarray(pattern()).save(p, quality=97, dpi=(300, 300)),
        None,
    ),
    "PNG": (".png", lambda p: Image.fromarray(pattern()).save(p, dpi=(72, 72)), None),
    "RGBA PNG": (".png", lambda p: Image.fromarray(with_alpha(pattern())).save(p), None),
}  # fmt: skip


@pytest.fixture(scope="module", params=WRITERS)
def case(request, tmp_path_factory):
    suffix, write, um_per_px = WRITERS[request.param]
    path = tmp_path_factory.mktemp("slide") / f"slide{suffix}"
    write(path)
    return path, um_per_px


@pytest.fixture
def slide(case):
    with open_slide(case[0]) as slide:
        yield slide


def close(found: np.ndarray, expected: np.ndarray, by: float = 4) -> bool:
    return bool(np.abs(found.astype(int) - expected.astype(int)).max() <= by)


def test_size_and_scale(case, slide):
    assert (slide.width, slide.height) == (W, H)
    assert slide.levels[0].downsample == 1
    if case[1] is None:
        assert slide.um_per_px is None  # a picture's dpi is a printer's
        assert slide.um_per_px_source is None
    else:
        assert slide.um_per_px == pytest.approx(UM, rel=1e-3)
        assert slide.um_per_px_source == "file"


def test_pixels_are_where_they_were_written(slide):
    found = slide.read_level(0, 130, 90, 300, 200)
    assert found.shape == (200, 300, 3)
    assert found.dtype == np.uint8
    assert close(found, pattern()[90:290, 130:430])


def test_what_lies_outside_is_white(slide):
    found = slide.read_level(0, W - 40, H - 40, 60, 60)
    assert close(found[:24, :24], pattern()[-40:-16, -40:-16])  # JPEG's last blocks ring
    assert (found[41:] == 255).all()
    assert (found[:, 41:] == 255).all()
    assert (slide.read_level(0, -50, -50, 20, 20) == 255).all()


def test_reading_at_half_resolution_is_the_mean_of_what_it_covers(slide):
    slide.um_per_px = UM
    found = slide.read(100, 60, 120, 80, um_per_px=2 * UM)
    assert close(found, half(pattern())[30:110, 50:170], by=5)


def test_reading_between_pixels_and_finer_than_the_slide(slide):
    slide.um_per_px = UM
    found = slide.read(100.5, 60.25, 64, 64, um_per_px=UM / 2)
    assert found.shape == (64, 64, 3)
    centre = pattern()[60:93, 100:133].reshape(-1, 3).mean(0)
    np.testing.assert_allclose(found.reshape(-1, 3).mean(0), centre, atol=3)


def test_every_level_shows_the_same_place(slide):
    for index, level in enumerate(slide.levels):
        found = slide.read_level(index, 0, 0, level.width, level.height)
        x = (np.arange(level.width) + 0.5) * W / level.width
        expected = 20 + (x - 0.5) / (W - 1) * 215
        assert np.abs(found[..., 0].mean(0)[2:-2] - expected[2:-2]).max() < 5


def test_thumbnail_keeps_the_aspect(slide):
    thumbnail = slide.thumbnail(140)
    assert thumbnail.shape == (100, 140, 3)
    assert thumbnail[0, 0, 0] < 30
    assert thumbnail[0, -1, 0] > 215


def test_pyramid_is_lazy_and_true(slide):
    levels = pyramid(slide)
    assert levels[0].shape == (H, W, 3)
    assert max(levels[-1].shape) <= 4096
    assert close(np.asarray(levels[0][90:110, 130:150]), pattern()[90:110, 130:150])


def test_many_threads_read_the_same(slide):
    expected = slide.read_level(0, 100, 100, 200, 200)
    wrong = []

    def read():
        for _ in range(10):
            if not np.array_equal(slide.read_level(0, 100, 100, 200, 200), expected):
                wrong.append(1)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_fingerprint_is_of_the_content(case, slide):
    with open_slide(case[0]) as again:
        assert again.fingerprint() == slide.fingerprint()


def test_a_closed_slide_says_so(case):
    slide = open_slide(case[0])
    slide.close()
    slide.close()
    with pytest.raises(SlideError, match="closed"):
        slide.read_level(0, 0, 0, 10, 10)


def test_closing_waits_for_no_read_and_the_last_read_lets_go_of_the_file(case, monkeypatch):
    slide = open_slide(case[0])
    reading, go_on, events = threading.Event(), threading.Event(), []
    read, release = slide._read_inside, slide._release

    def slow(*where):
        reading.set()
        assert go_on.wait(10)
        pixels = read(*where)
        events.append("read")
        return pixels

    monkeypatch.setattr(slide, "_read_inside", slow)
    monkeypatch.setattr(slide, "_release", lambda: (release(), events.append("released")))
    reader = threading.Thread(target=slide.read_level, args=(0, 0, 0, 10, 10))
    reader.start()
    assert reading.wait(10)
    threading.Timer(5, go_on.set).start()  # so that a close that waits is no deadlock
    slide.close()
    assert not go_on.is_set()
    assert events == []
    go_on.set()
    reader.join(10)
    assert events == ["read", "released"]


def test_a_file_that_was_cut_off_is_refused(case, tmp_path):
    path = tmp_path / case[0].name
    data = case[0].read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])
    with pytest.raises(SlideError, match=path.name), open_slide(path) as slide:
        slide.read_level(0, 0, 0, slide.width, slide.height)
