"""Wrong pixels, wrong areas, stale features and deaf libraries: what no sentence would tell of."""

from __future__ import annotations

import csv
import errno
import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_mclstexp.analysis.region import Region
from napari_mclstexp.analysis.region_statistics import spots_in
from napari_mclstexp.cohort.table import SectionRow, read_rows, write_rows
from napari_mclstexp.errors import Cancelled, SettingsError, SlideError
from napari_mclstexp.inference.feature_cache import kept_features
from napari_mclstexp.progress import CancelToken, obeying
from napari_mclstexp.reading import trial
from napari_mclstexp.reading.folder_checks import check_zarr
from napari_mclstexp.reading.guard import threads_logged
from napari_mclstexp.reading.trial import try_reading
from napari_mclstexp.slides import open_slide
from napari_mclstexp.slides.readers.tiff.tiff_slide import TiffSlide
from napari_mclstexp.slides.readers.tiff.tile_cache import TileCache
from napari_mclstexp.slides.slide import Level, Slide
from support import hostile_slides, hostile_spots


@pytest.mark.parametrize("bits", [2, 4])
def test_grey_of_few_bits_is_spread_over_black_to_white(tmp_path, bits):
    grey = np.random.default_rng(0).integers(0, 2**bits, (64, 80), np.uint8)
    tifffile.imwrite(tmp_path / "grey.tif", grey, photometric="minisblack", bitspersample=bits)
    with open_slide(tmp_path / "grey.tif") as slide:
        pixels = slide.read_level(0, 0, 0, 80, 64)
    assert np.array_equal(pixels, np.repeat((grey * (255 // (2**bits - 1)))[..., None], 3, axis=2))


@pytest.mark.parametrize("name", ["one of several OME files", "an OME file elsewhere"])
def test_other_files_of_an_ome_tiff_are_not_opened(tmp_path, monkeypatch, name):
    opened: list[str] = []
    own = tifffile.TiffFile.__init__

    def note(self: object, file: object, *given: object, **more: object) -> None:
        opened.append(str(file))
        own(self, file, *given, **more)

    path = hostile_slides.SLIDES[name](tmp_path)
    monkeypatch.setattr(tifffile.TiffFile, "__init__", note)
    with pytest.raises(SlideError, match="one of several files that make up an OME-TIFF"):
        open_slide(path)
    assert set(opened) == {str(path)}


def test_a_tile_that_holds_a_larger_picture_is_not_decoded(tmp_path):
    path, tile = tmp_path / "bomb.tif", np.full((64, 64, 3), 200, np.uint8)
    tifffile.imwrite(
        path, tile, tile=(64, 64), compression="jpeg", photometric="rgb", bitspersample=8
    )
    content = bytearray(path.read_bytes())
    frame = content.index(b"\xff\xc0\x00\x11\x08") + 5
    content[frame : frame + 4] = b"\xff\xdc\xff\xdc"  # 65,500 x 65,500
    path.write_bytes(content)
    with TiffSlide(path) as slide, pytest.raises(SlideError, match="holds a picture of 65,500"):
        slide.read_level(0, 0, 0, 64, 64)


def test_an_ome_tiff_that_was_renamed_is_read(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    xml = (
        '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="urn:uuid:1">'
        '<Image ID="Image:0"><Pixels ID="Pixels:0" Type="uint8" SizeX="64" SizeY="64" SizeC="3" '
        'SizeZ="1" SizeT="1" DimensionOrder="XYCZT"><Channel ID="Channel:0:0" SamplesPerPixel="3"/>'
        '<TiffData IFD="0" PlaneCount="1"><UUID FileName="before.ome.tif">urn:uuid:1</UUID>'
        "</TiffData></Pixels></Image></OME>"
    )
    options = {"photometric": "rgb", "description": xml, "metadata": None}
    tifffile.imwrite(tmp_path / "after.ome.tif", pixels, **options)
    with open_slide(tmp_path / "after.ome.tif") as slide:
        assert np.array_equal(slide.read_level(0, 0, 0, 64, 64), pixels)


def test_a_border_that_crosses_itself_has_both_its_halves():
    bow = Region("bow", ((((0.0, 0.0), (10, 10), (10, 0), (0, 10), (0, 0)),),))
    assert bow.shape().area == pytest.approx(50)
    at = np.array([[1.0, 5.0], [9.0, 5.0], [5.0, 1.0], [5.0, 9.0]])
    assert spots_in(bow, at).tolist() == [True, True, False, False]


def test_parts_that_overlap_count_once():
    def square(x: float) -> tuple[tuple[tuple[float, float], ...], ...]:
        return (((x, 0.0), (x + 10, 0.0), (x + 10, 10.0), (x, 10.0), (x, 0.0)),)

    both = Region("both", (square(0), square(5)))
    assert both.shape().area == pytest.approx(150)
    assert spots_in(both, np.array([[7.0, 5.0]])).tolist() == [True]


def test_kept_features_that_do_not_fit_are_not_taken(tmp_path):
    from napari_mclstexp.inference import feature_cache

    whole = np.arange(12, dtype=np.float32).reshape(3, 4)
    path = tmp_path / "kept.npy"
    feature_cache.keep_features(path, whole)
    kept = kept_features(path, (3, 4))
    assert kept is not None
    assert np.array_equal(kept, whole)
    assert kept_features(path, (4, 3)) is None
    content = bytearray(path.read_bytes())
    content[140] ^= 1
    path.write_bytes(content)
    assert kept_features(path, (3, 4)) is None
    np.save(path, whole)  # as an earlier version wrote it, without a checksum
    assert kept_features(path, (3, 4)) is None
    feature_cache.keep_features(path, whole.astype(np.float64))
    assert kept_features(path, (3, 4)) is None


def test_zarr_that_could_run_code_is_refused_for_that(tmp_path):
    folder = hostile_spots.ZARR["a codec that runs code"](tmp_path)
    with pytest.raises(SettingsError, match="packed by 'pickle', which may run what it holds"):
        check_zarr(folder, "AnnData in zarr", SettingsError)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="tried in a copy on Linux only")
def test_what_crashes_grows_or_never_ends_does_so_in_a_copy_of_the_process(tmp_path, monkeypatch):
    try_reading(lambda: None)
    try_reading(lambda: 1 / 0)  # an error is no crash, and said when the file is read in earnest
    with pytest.raises(ValueError, match="SIGSEGV"):
        try_reading(lambda: os.kill(os.getpid(), signal.SIGSEGV))
    with pytest.raises(ValueError, match="had not ended after 1 s"):
        try_reading(lambda: any(False for _ in itertools.count()), seconds=1)
    monkeypatch.setattr(trial, "MOST_BYTES", 50 * 2**20)
    with pytest.raises(ValueError, match="more than 0 GB of memory"):
        try_reading(lambda: b"0123456789abcdef" * 2**23)
    read = tmp_path / "read"
    # A slow disk: no reason to refuse a file.
    try_reading(lambda: (time.sleep(30), read.touch()), seconds=0.2)
    assert not read.exists()  # it was not waited for


class Slow(Slide):
    """A slide without pyramid, of which every block takes its time."""

    def __init__(self) -> None:
        super().__init__(
            Path("slow.tif"), vendor="none", properties={}, um_per_px=None,
            levels=(Level(40_000, 40_000, 1.0),),
        )  # fmt: skip
        self.reads = 0

    def _read_inside(self, level: int, x: int, y: int, w: int, h: int) -> np.ndarray:
        self.reads += 1
        time.sleep(0.2)
        return np.zeros((h, w, 3), np.uint8)

    def _release(self) -> None:
        pass


def test_the_thumbnail_of_a_slide_without_pyramid_can_be_cancelled():
    slide, token = Slow(), CancelToken()
    threading.Timer(0.3, token.cancel).start()
    with obeying(token), pytest.raises(Cancelled):
        slide.thumbnail()
    assert slide.reads < 40  # a block each of four threads, and what is left


def test_a_tile_that_many_threads_want_is_decoded_once():
    made: list[int] = []
    cache = TileCache(2**20)

    def make() -> np.ndarray:
        made.append(1)
        time.sleep(0.1)
        return np.zeros((4, 4, 3), np.uint8)

    threads = [threading.Thread(target=cache.get, args=("strip", make)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1


DEAF = """
import hashlib, sys, time
from napari_mclstexp.cli.long_work import INTERRUPTS
with INTERRUPTS:
    print("ready", flush=True)
    if sys.argv[1] == "deaf":  # a library that does not come back for a while
        hashlib.pbkdf2_hmac("sha256", b"", b"", 10**8)
    time.sleep(60)
"""


@pytest.mark.parametrize("how", ["deaf", "listening"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_are_obeyed_though_a_library_does_not_come_back(how, number):
    command = [sys.executable, "-c", DEAF, how]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.2)
        process.send_signal(number)
        code = process.wait(timeout=20)  # within one, where nothing else is computed
    assert code == 128 + number if how == "deaf" else code != 0


def test_cells_of_tables_run_nothing_in_a_spreadsheet_and_come_back(tmp_path):
    row = SectionRow("=1+1", "@P", str(tmp_path / "a.tif"), str(tmp_path / "b.h5ad"), "", "-0.5")
    write_rows([row], tmp_path / "c.csv")
    cells = next(iter(csv.DictReader((tmp_path / "c.csv").read_text().splitlines())))
    assert (cells["section"], cells["patient"], cells["um_per_px"]) == ("'=1+1", "'@P", "-0.5")
    assert read_rows(tmp_path / "c.csv") == (row,)


def test_the_log_does_not_grow_without_end(tmp_path, monkeypatch):
    from napari_mclstexp.reading import trouble_log

    monkeypatch.setenv(trouble_log.VARIABLE, str(tmp_path))
    monkeypatch.setattr(trouble_log, "MOST_BYTES", 2000)
    for i in range(50):
        trouble_log.write_trouble(ValueError("x" * 100), f"file {i}")
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 6000
    assert "file 49" in (tmp_path / "errors.log").read_text()
    monkeypatch.setenv(trouble_log.VARIABLE, os.fspath(tmp_path / "errors.log"))  # a file: no log
    assert trouble_log.write_trouble(ValueError(), "x") is None


def test_a_full_disk_of_a_thread_is_logged_and_a_fault_of_it_is_told(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("NAPARI_MCLSTEXP_LOG", str(tmp_path))
    told: list[object] = []
    monkeypatch.setattr(threading, "excepthook", told.append)

    def end_with(error: Exception) -> None:
        def work() -> None:
            raise error

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()

    with threads_logged():
        end_with(OSError(errno.ENOSPC, "No space left on device"))
        assert told == []
        end_with(ValueError("a bug"))
    assert [type(each.exc_value) for each in told] == [ValueError]
    assert capsys.readouterr().err == ""
    (log,) = (path for path in tmp_path.rglob("*") if path.is_file())
    assert "No space left on device" in log.read_text()
    end_with(OSError("as before"))
    assert len(told) == 2
