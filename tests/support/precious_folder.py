"""A folder of precious files, and the commands that are let loose on it."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

MINE = "years of work"
STAGE = '{"event": "stage", "what": "Training"}\n'


@dataclass(frozen=True)
class Command:
    """A command line whose output is OUT, what that is, and how often it is drawn."""

    words: tuple[object, ...]
    kind: str  # a suffix, or what a folder is
    weight: int = 4


_SLIDE = ("--slide", "slide.ome.tif")
_QUICK = (
    *("--preset", "paper", "--patch-px", 32, "--um-per-px", 1, "--epochs", 1),
    *("--from-scratch", "--freeze-encoder", "--encoder", "timm:test_resnet"),
)
_LEARN = ("--cohort", "cohort.csv", "--genes", "genes.txt", *_QUICK)
_EVENTS = ("--events", "OUT")
COMMANDS = (
    Command(("predict", *_SLIDE, "--spots", "xy.csv", "--model", "model", "--out", "OUT"), ".h5ad"),
    Command(("predict", *_SLIDE, "--spots", "s.h5ad", "--model", "model", "--out", "OUT"), ".h5ad"),
    Command(("domains", "r.h5ad", "--k", 2, "--out", "OUT"), ".h5ad"),
    Command(("domains", "r.h5ad", "--k", 2, "--out", "with.h5ad", "--markers", "OUT"), ".csv"),
    Command(("signature", "r.h5ad", "--genes", "FASN,GNAS", "--how", "z", "--out", "OUT"), ".h5ad"),
    Command(("regions", "r.h5ad", "--geojson", "regions.geojson", "--out", "OUT"), ".csv"),
    Command(("similar", "r.h5ad", "--spot", "spot1", "--by", "expression", "--out", "OUT"), ".csv"),
    Command(("register", "points.csv", *_SLIDE, "--onto", "onto.png", "--onto-um-per-px", 1,
             "--out", "OUT"), ".csv"),
    Command(("register", "points.csv", *_SLIDE, "--onto", "onto.png", "--onto-um-per-px", 1,
             "--regions", "regions.geojson", "--out", "OUT"), ".geojson"),
    Command(("register", "points.csv", *_SLIDE, "--onto", "onto.png", "--onto-um-per-px", 1,
             "--spots", "s.h5ad", "--out", "OUT"), ".h5ad"),
    *(Command(("export", "d.h5ad", "--to", to, "--gene", "FASN", "--out", "OUT"), kind)
      for to, kind in (("csv", ".csv"), ("geojson", ".geojson"), ("h5ad", ".h5ad"),
                       ("zarr", "an AnnData in zarr"), ("figure", ".png"))),
    Command(("train", *_LEARN, "--out", "OUT"), "a model"),
    Command(("train", *_LEARN, "--out", "trained", *_EVENTS), ".jsonl"),
    Command(("train", *_LEARN, "--out", "model", "--init-from", "model", *_EVENTS), ".jsonl", 1),
    Command(("evaluate", *_LEARN, "--out", "OUT"), "an evaluation"),
    Command(("evaluate", *_LEARN, "--out", "scores", "--scores-to", "OUT"), "a model"),
    Command(("import-checkpoint", "c.pt", "--cohort", "cohort.csv", "--genes", "genes.txt",
             "--out", "OUT"), "a model"),
    Command(("recipe", "her2st", "--data", "data", "--genes", "list.txt", "--no-train",
             "--out", "OUT"), "tables"),
    Command(("recipe", "her2st", "--data", "data", "--genes", "list.txt", *_QUICK, "--out", "OUT"),
            "tables", 1),
    Command(("models", "build", "her2st", "--data", "data", "--genes", "list.txt",
             "--from-scratch", "--patch-px", 32, "--epochs", 1, "--out", "OUT"), "a model", 1),
    Command(("predict-cohort", "--slides", "slides.csv", "--model", "model", "--processes", 1,
             "--out", "OUT"), "a cohort", 1),
    Command(("predict-cohort", "--slides", "slides.csv", "--model", "model", "--processes", 1,
             "--out", "cohort run", *_EVENTS), ".jsonl", 1),
    Command(("demo", "--out", "OUT"), "a demo", 1),
)  # fmt: skip

# Names to write to; {} is the usual ending of the command.
NEW = (
    *("new{}", "deep/er/new{}", "sub/new{}", "link to folder/new{}", "new", "µ ü 'x'{}", "-new{}"),
    *("new\nline{}", "n" * 300 + "{}", "n" * 250 + "{}", "r.h5ad/new{}", "model/new{}", ".new{}"),
    *("sub/../new{}", "./new{}", "read-only/new{}", "pipe/new{}", "null/new{}", "circle/new{}"),
    *("session/new{}", "old zarr/new{}", "foreign/new{}", "dangling/new{}", "data/images/new{}"),
)  # fmt: skip
ODD = ("", ".", "..", "/", "sub/", "new/", "~", "~/x", "/dev/null", "/dev/full")


def write_precious(folder: Path) -> None:
    """Write what commands read, what others made, older results, links, pipes and devices."""
    from PIL import Image

    from napari_mclstexp.cohort_runs.cohort_folder import KIND as COHORT
    from napari_mclstexp.cohort_runs.cohort_folder import SUMMARY
    from napari_mclstexp.evaluation.evaluation_files import FILES
    from napari_mclstexp.evaluation.evaluation_files import KIND as EVALUATION
    from napari_mclstexp.export.annotated_anndata import ZARR
    from napari_mclstexp.files import atomic_folder, placing
    from napari_mclstexp.session.session import Session
    from napari_mclstexp.session.write_session import save_session
    from support import hostile_kit
    from support import widget_kit as kit
    from support.public_data_kit import her2st
    from support.shell_kit import shell

    (empty := folder.with_name("empty")).mkdir()
    hostile_kit.write_bench(folder, empty)
    (folder / "spots.h5ad").rename(folder / "s.h5ad")
    for name in ("cohort.csv", "slides.csv"):
        text = (folder / name).read_text()
        (folder / name).write_text(text.replace("spots.h5ad", "s.h5ad"))
    for name in ("outs", "model"):
        shutil.rmtree(folder / name)
    with within(folder):
        assert shell("train", *_LEARN, "--out", "model").code == 0
    for name in ("old model", "my model"):
        shutil.copytree(folder / "model", folder / name)
    (folder / "my model" / "notes.txt").write_text(MINE)
    Image.effect_noise((900, 900), 60).convert("RGB").save(folder / "onto.png")
    her2st(folder / "data", "as packed")
    (folder / "list.txt").write_text("A\nB\n")
    (folder / "c.pt").write_bytes(b"no checkpoint")
    with within(folder):
        on_slide = (*_SLIDE, "--spots", "s.h5ad", "--model", "model", "--out", "r.h5ad")
        assert shell("predict", *on_slide).code == 0
        assert shell("domains", "r.h5ad", "--k", 2, "--out", "d.h5ad").code == 0
    for name in ("thesis.txt", "secret.csv", "sub/notes.txt", "foreign/config.json",
                 "foreign/chapter.txt", "foreign/cohort.csv", "foreign/summary.csv", "old.h5ad",
                 "old.csv", "old.geojson", "old.png", "foreign.run/results.csv"):  # fmt: skip
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(MINE)
    (folder / "secret.csv").chmod(0o600)
    (folder / "old.jsonl").write_text(STAGE)
    for name, kind in (("old zarr", ZARR), ("old run", "the state of a training")):
        with atomic_folder(folder / name, kind) as temporary:
            (temporary / "a").write_text("1")
    for name, kind, names in (("old scores", EVALUATION, FILES), ("old cohort", COHORT, [SUMMARY]),
                              ("old demo", "the demo's result", ["overlay.png"])):  # fmt: skip
        (folder / name).mkdir()
        (folder / name / "notes.txt").write_text(MINE)
        with placing(folder / name, kind, names):
            for each in names:
                (folder / name / each).write_text("1")
    session = Session()
    session.use_spots(kit.spots())
    save_session(session, folder / "session")
    os.mkfifo(folder / "pipe")
    os.mkfifo(folder / "pipe.h5ad")
    with suppress(PermissionError):
        os.mknod(folder / "device", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    if os.geteuid() == 0:  # whom the mode of a folder binds to nothing
        (folder / "read-only").symlink_to("/sys/kernel")
    else:
        (folder / "read-only").mkdir(mode=0o555)
    for name, to in (("link to file", "thesis.txt"), ("link.csv", "secret.csv"),
                     ("link to folder", "sub"), ("dangling", "new place"), ("null", "/dev/null"),
                     ("dangling.h5ad", "sub/new.h5ad"), ("circle", "circle"),
                     ("circle.csv", "circle.csv"), ("link to model", "old model"),
                     ("link to input.csv", "points.csv")):  # fmt: skip
        (folder / name).symlink_to(to)
    for name in ("r.h5ad", "thesis.txt", "regions.geojson", "genes.txt", "slide.ome.tif"):
        os.link(folder / name, folder / f"hard {name}")


@contextmanager
def within(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
