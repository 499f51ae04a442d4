"""What is disturbed: a command for each way in which this program writes, beside older results."""

from __future__ import annotations

import csv
import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from unittest import mock

import h5py
import numpy as np

from napari_mclstexp.files import MARKER, is_temporary
from napari_mclstexp.model.folder import verify_folder
from napari_mclstexp.session.read_session import read_session
from support import hostile_kit
from support import widget_kit as kit
from support.shell_kit import shell

from .forked import Ended, Work

HOME = "home"  # in each folder: cache, state and shelf of its own
QUICK = ("--preset", "paper", "--patch-px", 32, "--um-per-px", 1, "--epochs", 3, "--from-scratch",
         "--freeze-encoder", "--encoder", "timm:test_resnet", "--sequence-length", 30)  # fmt: skip


@dataclass(frozen=True)
class Job:
    """Work in a folder, and the names of what it writes there."""

    name: str
    work: Work
    outputs: tuple[str, ...]


def _shell(*words: object) -> Work:
    def work() -> tuple[int, str]:
        with homes(Path.cwd()):
            done = shell(*words)
        return done.code, done.err

    return work


def _cohort(*more: object) -> Work:
    """Predict a cohort with the workers in this very process, where they can be disturbed."""

    class Here:
        about = "this process"

        def __enter__(self) -> Here:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def run(self, jobs: Sequence[Any], say: object, cancel: Any) -> Iterator[Any]:
            from napari_mclstexp.cohort_runs.one_slide import do_slide

            yield from (do_slide(each, cancel=cancel) for each in jobs)

    def work() -> tuple[int, str]:
        from napari_mclstexp.cohort_runs import predict_cohort

        words = ("predict-cohort", "--slides", "slides.csv", "--model", "model", "--out", "cohort")
        with mock.patch.object(predict_cohort, "_engine", return_value=Here()):
            return _shell(*words, *more)()

    return work


def _session(notes: str) -> Work:
    def work() -> tuple[int, str]:
        from napari_mclstexp.errors import UserError
        from napari_mclstexp.session.session import Session
        from napari_mclstexp.session.write_session import save_session

        session = Session()
        data = kit.spots()
        data.obs["turn"] = notes
        session.use_spots(data)
        session.edit("Notes", notes=notes)
        try:
            save_session(session, "session")
        except UserError as error:
            return 2, f"{error}\n"
        return 0, ""

    return work


def _autosave(notes: str) -> Work:
    """Draw a region and write notes; autosave keeps them."""

    def work() -> tuple[int, str]:
        from napari_mclstexp.analysis.region import Region
        from napari_mclstexp.errors import UserError
        from napari_mclstexp.session.autosave import Recovery
        from napari_mclstexp.session.saved_session import snapshot
        from napari_mclstexp.session.session import Session

        session, recovery = Session(), Recovery(Path("recovery"))
        recovery._own = "0" * 8  # that of the window; each window has another
        session.use_spots(kit.spots())
        ring = ((300.0, 200.0), (900.0, 200.0), (900.0, 800.0), (300.0, 200.0))
        try:
            session.edit("Draw", regions=(Region(notes, ((ring,),)),), notes=notes)
            recovery.keep("f" * 64, snapshot(session))
        except UserError as error:
            return 2, f"{error}\n"
        return 0, ""

    return work


def _export(to: str, out: str) -> Job:
    words = ("export", "d.h5ad", "--to", to, "--gene", "FASN", "--out", out)
    return Job(f"export --to {to}", _shell(*words), (out,))


_ON_SLIDE = ("--slide", "slide.ome.tif", "--model", "model", "--backend", "torch")
PREDICT = ("predict", *_ON_SLIDE, "--spots", "s.h5ad", "--out", "p.h5ad")
TRAIN = ("train", "--cohort", "cohort.csv", "--genes", "genes.txt", "--out", "trained", *QUICK)
REGISTER = ("register", "points.csv", "--slide", "slide.ome.tif", "--onto", "slide.ome.tif")
DOMAINS = ("domains", "r.h5ad", "--k", 3, "--out", "d.h5ad", "--markers", "m.csv")
JOBS = (
    Job("session save", _session("new"), ("session",)),
    Job("annotate (autosave)", _autosave("new"), ("recovery",)),
    Job("train --resume", _shell(*TRAIN, "--resume"), ("trained",)),
    Job("predict", _shell(*PREDICT), ("p.h5ad",)),
    Job("predict-cohort", _cohort(), ("cohort",)),
    Job("domains --markers", _shell(*DOMAINS), ("d.h5ad", "m.csv")),
    Job("regions", _shell("regions", "r.h5ad", "--geojson", "regions.geojson", "--out", "m.csv"),
        ("m.csv",)),
    Job("register", _shell(*REGISTER, "--out", "x.csv"), ("x.csv",)),
    *(_export(to, out) for to, out in (("csv", "m.csv"), ("geojson", "x.geojson"),
      ("h5ad", "x.h5ad"), ("zarr", "x.zarr"), ("figure", "x.png"))),
    Job("models add", _shell("models", "add", "model", "--as", "tiny"),
        (f"{HOME}/data/models/tiny",)),
)  # fmt: skip


@contextmanager
def homes(folder: Path) -> Iterator[None]:
    """Keep cache, shelf and state in a folder."""
    own = folder / HOME
    with mock.patch.dict(
        os.environ,
        NAPARI_MCLSTEXP_CACHE=str(own / "cache"),
        NAPARI_MCLSTEXP_DATA=str(own / "data"),
        NAPARI_MCLSTEXP_LOG="",
    ):
        yield


def write_template(folder: Path, run: Callable[[Work, Path], Ended], jobs: Sequence[Job]) -> None:
    """Write inputs, and an older result wherever the jobs will write.

    Parameters
    ----------
    run
        Does the work elsewhere than in this process, which shall not start threads of torch.
    """
    folder.mkdir()
    (empty := folder.with_name("empty")).mkdir()
    hostile_kit.write_bench(folder, empty)
    for name in ("outs", "model"):
        shutil.rmtree(folder / name)
    (folder / HOME).mkdir()
    (folder / "spots.h5ad").rename(folder / "s.h5ad")
    for name in ("cohort.csv", "slides.csv"):
        text = (folder / name).read_text().replace("spots.h5ad", "s.h5ad")
        (folder / name).write_text(text)
    slides = (folder / "slides.csv").read_text()
    (folder / "slides.csv").write_text(slides + "again.tif,s.h5ad\n")
    shutil.copy(folder / "slide.ome.tif", folder / "again.tif")
    for wanted, work in OLDER.values():
        if any(word in job.name for word in wanted for job in jobs):
            ended = run(work, folder)
            assert ended.code == 0, ended
    shutil.rmtree(folder / HOME)
    (folder / HOME).mkdir()


_RESULT = ("predict", *_ON_SLIDE, "--spots", "s.h5ad", "--out", "r.h5ad", "--interval", 0.5)
_NO_SESSION = ("train", "predict", "domains", "regions", "register", "export", "models add")
# What stands before, and for which jobs.
OLDER: dict[str, tuple[tuple[str, ...], Work]] = {
    "model": (_NO_SESSION, _shell(*TRAIN, "--out", "model", "--epochs", 1)),
    "trained": (("train",), _shell(*TRAIN, "--epochs", 2)),
    "r.h5ad": (_NO_SESSION[2:], _shell(*_RESULT)),
    "p.h5ad": (("predict",), _shell(*PREDICT, "--genes", "FASN")),
    "d.h5ad, m.csv": (("domains", "export", "regions"), _shell(*DOMAINS, "--k", 2)),
    "x.csv": (("register",), _shell("regions", "r.h5ad", "--geojson", "regions.geojson",
                                    "--out", "x.csv")),
    "x.geojson": (("geojson",), _shell(*REGISTER, "--regions", "regions.geojson",
                                       "--out", "x.geojson")),
    **{out: ((f"to {to}",), _shell("export", "r.h5ad", "--to", to, "--gene", "GNAS", "--out", out))
       for to, out in (("h5ad", "x.h5ad"), ("zarr", "x.zarr"), ("figure", "x.png"))},
    "session": (("session",), _session("old")),
    "recovery": (("annotate",), _autosave("old")),
    "cohort": (("cohort",), _cohort("--interval", 0.5, "--no-report")),
}  # fmt: skip


def content(path: Path) -> object:
    """Return what a result says, without when and how fast it was made; None if it is not there.

    Raises
    ------
    Exception
        If it is not whole.
    """
    if not path.exists():
        return None
    if (path / "session.json").is_file():
        slides = read_session(path).slides
        return [_as_said((e.annotations.notes, e.annotations.regions, e.spots.obs)) for e in slides]
    if (path / "weights.safetensors").is_file():
        verify_folder(path)
    if path.is_dir():
        there = [e for e in sorted(path.iterdir()) if not is_temporary(e)]
        return {e.name: content(e) for e in there if not e.name.startswith(NOT_COMPARED)}
    if path.suffix == ".h5ad":
        said: dict[str, object] = {}
        with h5py.File(path, "r") as file:
            file.visititems(lambda name, node: said.update(_value(name, node)))
        return said
    if path.suffix == ".geojson":
        return re.sub(r'"(id|parent)": "[^"]*"', "", path.read_text())  # new ones each time
    if path.name == "summary.csv":
        with path.open(newline="") as file:
            rows = [{**row, "seconds": ""} for row in csv.DictReader(file)]
        return {
            each["name"]: UNDONE if each["state"] != "done" else _bare(repr(each)) for each in rows
        }
    if path.name == "report.html":
        return path.read_text().rstrip().endswith("</html>")
    return sha256(path.read_bytes()).hexdigest()


UNDONE = "a slide that is not done, and is said not to be"
NOT_COMPARED = ("events.out.", MARKER, "summary.lock", "slide.lock", "again.lock")


def _bare(text: str) -> str:
    """Leave out the folders of paths: each trial has a folder of its own."""
    return re.sub(r"/[^\s'\"]*/", "", text)


def _as_said(values: tuple[object, ...]) -> str:
    return re.sub(r"id='[^']*'", "", repr(values))


def _value(name: str, node: h5py.Dataset | h5py.Group) -> dict[str, object]:
    if isinstance(node, h5py.Group) or name.endswith("/created"):
        return {}
    value = np.asarray(node[()])
    text = value.dtype.kind in "OS"
    content = _bare(repr(value.tolist())).encode() if text else value.tobytes()
    return {name: sha256(content).hexdigest()}
