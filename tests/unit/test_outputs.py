"""What is written replaces nothing that a person has made, and nothing it is made from."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData

from napari_mclstexp.cohort.public_datasets import Found, Row, write_cohort
from napari_mclstexp.cohort.table import SectionRow, write_rows
from napari_mclstexp.errors import OutputError
from napari_mclstexp.files import (
    MARKER,
    atomic_folder,
    check_folder,
    only_one,
    refuse_overwriting,
)
from napari_mclstexp.inference import feature_cache
from napari_mclstexp.model import load_model, save_model
from napari_mclstexp.samples import demo_model_path
from napari_mclstexp.session.read_session import read_session
from napari_mclstexp.session.session import Session
from napari_mclstexp.session.write_session import save_session
from support import widget_kit as kit
from support.shell_kit import Outcome, files_under, shell

pytestmark = pytest.mark.slow

MINE = "years of work"


@pytest.fixture
def bench(tmp_path, slide_file, spots_file) -> Path:
    """Return a folder with a cohort of one section, its genes, and a result of three spots."""
    (tmp_path / "cohort.csv").write_text(
        f"section,patient,slide,spots,counts\none,A,{slide_file},{spots_file},\n"
    )
    (tmp_path / "genes.txt").write_text("FASN\nGNAS\n")
    result = AnnData(
        X=np.arange(6, dtype=np.float32).reshape(3, 2),
        obs=pd.DataFrame({"domain": ["1", "1", "2"]}, index=["a", "b", "c"]),
        var=pd.DataFrame(index=["FASN", "GNAS"]),
        obsm={"spatial": np.array([[100.0, 200.0], [300.0, 200.0], [500.0, 250.0]])},
        uns={"mclstexp": {"spot_diameter_um": 50.0, "um_per_px": 0.5}},
    )
    result.write_h5ad(tmp_path / "p.h5ad")
    (tmp_path / "r.geojson").write_text('{"type": "FeatureCollection", "features": []}')
    return tmp_path


def trained(bench: Path, *more: object, out: str = "model") -> Outcome:
    quick = ("--preset", "paper", "--patch-px", 32, "--um-per-px", 1, "--epochs", 1)
    start = ("--freeze-encoder", *(() if "--init-from" in more else ("--from-scratch",)))
    files = ("--cohort", bench / "cohort.csv", "--genes", bench / "genes.txt")
    return shell("train", *files, "--out", bench / out, *quick, *start, *more)


def contents(folder: Path) -> dict[str, bytes]:
    return {n: (folder / n).read_bytes() for n in files_under(folder) if (folder / n).is_file()}


def refused(done: Outcome, *words: str) -> None:
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1), done
    for each in words:
        assert each in done.err


def test_a_folder_of_another_program_is_not_emptied_for_its_config_json(bench):
    other = bench / "other"
    other.mkdir()
    (other / "config.json").write_text("{}")
    (other / "chapter.txt").write_text(MINE)
    before = contents(bench)
    refused(trained(bench, out="other"), "other files", "chapter.txt")
    assert contents(bench) == before


def test_a_model_is_replaced_until_a_person_adds_or_changes_a_file(bench):
    assert trained(bench).code == 0
    assert trained(bench).code == 0  # as it was written, it may be
    before = load_model(bench / "model").id
    notes = bench / "model" / "training" / "notes.txt"
    notes.write_text(MINE)
    refused(trained(bench), "training/notes.txt")
    assert notes.read_text() == MINE
    notes.unlink()
    card = bench / "model" / "training" / "curves.csv"
    card.write_text(MINE)
    refused(trained(bench), "curves.csv was changed")
    assert load_model(bench / "model").id == before


def test_two_trainings_do_not_share_a_folder(bench):
    with only_one(bench / "model", "another training"):
        told = trained(bench)
    assert told.code == 2
    assert "model is being written by another training" in told.err
    assert not (bench / "model").exists()
    assert trained(bench).code == 0


def test_refused_before_any_slide_is_read(bench):
    (bench / "mine").mkdir()
    (bench / "mine" / "notes.txt").write_text(MINE)
    (bench / "cohort.csv").write_text("section,patient,slide,spots,counts\no,A,gone.tif,gone,\n")
    refused(trained(bench, out="mine"), "notes.txt")
    assert files_under(bench / "mine") == {"notes.txt"}


def test_a_model_from_before_there_was_a_marker_is_replaced_if_it_is_whole(bench, tiny_model):
    model = load_model(demo_model_path())
    save_model(model, bench / "old")
    (bench / "old" / MARKER).unlink()
    (bench / "old" / "training").mkdir()
    (bench / "old" / "training" / "curves.csv").write_text("epoch\n")
    save_model(load_model(tiny_model), bench / "old")
    assert load_model(bench / "old").config.genes == kit.GENES
    (bench / "old" / MARKER).unlink()
    (bench / "old" / "README.md").write_text(MINE)
    refused(trained(bench, out="old"), "other files")
    assert (bench / "old" / "README.md").read_text() == MINE


def test_a_training_removes_only_what_it_kept_to_go_on_from(bench):
    run = bench / "model.run"
    run.mkdir()
    (run / "results.csv").write_text(MINE)
    refused(trained(bench), "model.run", "results.csv")
    assert contents(run) == {"results.csv": MINE.encode()}
    (run / "results.csv").unlink()
    assert trained(bench).code == 0
    assert not run.exists()


def test_files_that_a_person_puts_beside_a_running_training_stay(bench):
    with atomic_folder(bench / "model.run", "the state of a training"):
        pass  # as a training that was killed before its first epoch leaves it
    (bench / "model.run" / "notes.txt").write_text(MINE)
    assert trained(bench).code == 0
    assert contents(bench / "model.run") == {"notes.txt": MINE.encode()}


def test_a_report_in_a_model_is_the_programs_own(bench):
    other = kit.spots()
    other.obsm["spatial"] += 1
    other.X = other.X[::-1].copy()
    other.write_h5ad(bench / "other.h5ad")
    slide = (bench / "cohort.csv").read_text().splitlines()[1].split(",")[2]
    with (bench / "cohort.csv").open("a") as file:
        file.write(f"two,B,{slide},other.h5ad,\n")
    held_out = ("--held-out", "two", "--k", 9)
    done = trained(bench, *held_out)
    assert done.code == 0, done.err
    assert (bench / "model" / "training" / "report.html").is_file()
    check_folder(bench / "model", "a model")
    assert trained(bench, *held_out).code == 0


def test_an_evaluation_refuses_to_replace_tables_and_the_model_it_scores(bench, tiny_model):
    arguments = ("--cohort", bench / "cohort.csv", "--genes", bench / "genes.txt")
    (bench / "e").mkdir()
    (bench / "e" / "summary.csv").write_text(MINE)
    refused(shell("evaluate", *arguments, "--out", bench / "e"), "summary.csv is there already")
    assert contents(bench / "e") == {"summary.csv": MINE.encode()}
    save_model(load_model(tiny_model), bench / "m")
    (bench / "m" / "notes.txt").write_text(MINE)
    scores = ("--scores-to", bench / "m")
    refused(shell("evaluate", *arguments, *scores, "--out", bench / "f"), "notes.txt")
    assert not (bench / "f").exists()
    (bench / "m" / "notes.txt").unlink()
    before = contents(bench / "m")
    for out in ("m", "m/new"):
        refused(shell("evaluate", *arguments, *scores, "--out", bench / out), "lies in the model")
    assert contents(bench / "m") == before


def test_the_demo_refuses_to_replace_a_result_and_replaces_its_own(tmp_path):
    (tmp_path / "prediction.h5ad").write_text(MINE)
    refused(shell("demo", "--out", tmp_path), "prediction.h5ad is there already")
    assert contents(tmp_path) == {"prediction.h5ad": MINE.encode()}
    for _ in range(2):
        assert shell("demo", "--out", tmp_path / "demo").code == 0


def test_a_recipe_refuses_to_replace_a_persons_list(tmp_path):
    (tmp_path / "genes.txt").write_text(MINE)
    arguments = ("her2st", "--data", tmp_path / "gone", "--out", tmp_path)
    refused(shell("recipe", *arguments), "genes.txt is there already")
    refused(shell("recipe", *arguments, "--genes", tmp_path / "genes.txt"), "would overwrite")
    assert contents(tmp_path) == {"genes.txt": MINE.encode()}


def test_spatialdata_replaces_no_other_folder(bench):
    (bench / "thesis").mkdir()
    (bench / "thesis" / "chapter.txt").write_text(MINE)
    arguments = ("export", bench / "p.h5ad", "--to", "spatialdata", "--out")
    refused(shell(*arguments, bench / "thesis"), "other files", "chapter.txt")
    assert contents(bench / "thesis") == {"chapter.txt": MINE.encode()}
    assert trained(bench).code == 0
    refused(shell(*arguments, bench / "model"), "holds a model, not a SpatialData folder")


def test_spatialdata_with_its_marker_is_read_and_replaced(bench):
    reason = "SpatialData is an extra: pip install 'napari-mclstexp[spatialdata]'"
    spatialdata = pytest.importorskip("spatialdata", reason=reason)
    out = bench / "out.zarr"
    for _ in range(2):
        done = shell("export", bench / "p.h5ad", "--to", "spatialdata", "--out", out)
        assert (done.code, done.err) == (0, "")
        assert list(spatialdata.read_zarr(out).tables["expression"].var_names) == ["FASN", "GNAS"]


def test_a_folder_is_looked_at_again_before_it_is_replaced(tmp_path):
    with atomic_folder(tmp_path / "f", "a model") as temporary:
        (temporary / "a").write_text("1")
    with pytest.raises(OutputError, match=r"notes\.txt"):
        _replace_while_a_person_adds(tmp_path / "f")
    assert (tmp_path / "f" / "a").read_text() == "1"
    assert (tmp_path / "f" / "notes.txt").read_text() == MINE
    assert [path.name for path in tmp_path.iterdir()] == ["f"]


def _replace_while_a_person_adds(folder: Path) -> None:
    with atomic_folder(folder, "a model") as temporary:
        (temporary / "a").write_text("2")
        (folder / "notes.txt").write_text(MINE)


@pytest.mark.parametrize("text", ["", "[]", '{"kind": "a model"}', '{"kind": 1, "files": [1]}'])
def test_a_marker_that_cannot_be_read_vouches_for_nothing(tmp_path, text):
    (tmp_path / MARKER).write_text(text)
    (tmp_path / "a").write_text(MINE)
    with pytest.raises(OutputError, match="other files"):
        check_folder(tmp_path, "a model")


def test_behind_a_link_the_folder_itself_is_replaced(tmp_path):
    with atomic_folder(tmp_path / "real", "a model") as temporary:
        (temporary / "a").write_text("1")
    (tmp_path / "link").symlink_to("real")
    with atomic_folder(tmp_path / "link", "a model") as temporary:
        (temporary / "a").write_text("2")
    assert (tmp_path / "real" / "a").read_text() == "2"
    assert {path.name for path in tmp_path.iterdir()} == {"real", "link"}


def test_a_session_removes_no_file_of_another(tmp_path):
    session = Session()
    session.use_spots(kit.spots())
    (tmp_path / "data").mkdir()
    mine = tmp_path / "data" / "patient7.h5ad"
    mine.write_text(MINE)
    with pytest.raises(OutputError, match="something else"):
        save_session(session, tmp_path / "data")
    folder = save_session(session, tmp_path / "s")
    for name in ("export.h5ad", "slide.part1.tif"):
        (folder / name).write_text(MINE)
    session.use_spots(kit.spots()[:9].copy())
    save_session(session, folder)
    assert {each for each in files_under(folder) if "-" not in each} == {
        *("session.json", "export.h5ad", "slide.part1.tif")
    }
    assert len(list(folder.glob("spots-*.h5ad"))) == 1  # the earlier spots are gone
    assert read_session(folder).slides[0].spots.n_obs == 9
    assert mine.read_text() == MINE


def test_the_cache_of_features_forgets_its_own_files_only(tmp_path, monkeypatch, bench, tiny_model):
    cache = tmp_path / "cache"
    cache.mkdir()
    mine = cache / "embeddings.npy"
    mine.write_text(MINE)
    os.utime(mine, (0, 0))
    monkeypatch.setenv("NAPARI_MCLSTEXP_CACHE", str(cache))
    monkeypatch.setattr(feature_cache, "MOST_BYTES", 0)
    assert trained(bench).code == 0
    assert contents(cache) == {"embeddings.npy": MINE.encode()}


def test_tables_are_not_written_over_what_they_name(bench):
    slide, spots = (bench / "cohort.csv").read_text().splitlines()[1].split(",")[2:4]
    copy = bench / "copy.h5ad"
    copy.write_bytes(Path(spots).read_bytes())
    before = contents(bench)
    with pytest.raises(OutputError, match="would overwrite the spots of section one"):
        write_rows([SectionRow("one", "A", slide, str(copy))], copy)
    found = Found((Row("one", "A", Path(slide), copy),), ())
    with pytest.raises(OutputError, match="would overwrite the spots of section one"):
        write_cohort(found, copy)
    assert contents(bench) == before


def same(path: Path) -> Path:
    return path


def hardlink(path: Path) -> Path:
    os.link(path, path.with_name(f"hard-{path.name}"))
    return path.with_name(f"hard-{path.name}")


def symlink(path: Path) -> Path:
    path.with_name(f"soft-{path.name}").symlink_to(path.resolve())
    return path.with_name(f"soft-{path.name}")


P, R = "p.h5ad", "r.geojson"
ONTO = ("--slide", "slide.tif", "--onto", "slide.tif")
READ_AND_WRITTEN = {
    "domains": (("domains", P, "--k", 2, "--out"), P),
    "domains --markers": (("domains", P, "--k", 2, "--out", "o.h5ad", "--markers"), P),
    "signature": (("signature", P, "--genes", "FASN,GNAS", "--out"), P),
    "signature --gmt": (("signature", P, "--gmt", "g.h5ad", "--out"), "g.h5ad"),
    "regions": (("regions", P, "--geojson", R, "--out"), P),
    "regions --geojson": (("regions", P, "--geojson", R, "--out"), R),
    "export csv": (("export", P, "--to", "csv", "--out"), P),
    "export geojson": (("export", P, "--to", "geojson", "--out"), P),
    "export spatialdata": (("export", P, "--to", "spatialdata", "--out"), P),
    "train --events, cohort": (("train", "--out", "new", "--events"), "cohort.csv"),
    "train --events, genes": (("train", "--out", "new", "--events"), "genes.txt"),
    "train --events, slide": (("train", "--out", "new", "--events"), "slide.tif"),
    "train --out, genes": (("train", "--out"), "genes.txt"),
    "export h5ad": (("export", P, "--to", "h5ad", "--out"), P),
    "export zarr": (("export", P, "--to", "zarr", "--out"), P),
    "export figure": (("export", P, "--to", "figure", "--gene", "FASN", "--out"), P),
    "similar": (("similar", P, "--spot", "a", "--out"), P),
    "similar, second": (("similar", P, "s.h5ad", "--spot", "a", "--out"), "s.h5ad"),
    "similar --geojson": (("similar", P, "--geojson", R, "--region", "x", "--out"), R),
    "register": (("register", "points.csv", *ONTO, "--out"), "points.csv"),
    "register --regions": (("register", "points.csv", *ONTO, "--regions", R, "--out"), R),
    "register --spots": (("register", "points.csv", *ONTO, "--spots", "s.h5ad", "--out"), "s.h5ad"),
    "predict-cohort --events": (
        ("predict-cohort", "--slides", "cohort.csv", "--model", "m", "--out", "new", "--events"),
        "slide.tif",
    ),
    "import-checkpoint": (("import-checkpoint", "c.pt", "--out"), "c.pt"),
    "predict --spots": (("predict", "--model", "demo", "--spots", "s.h5ad", "--out"), "s.h5ad"),
    "predict --model": (("predict", "--model", "m", "--grid", 100, "--out"), "m/bank.h5ad"),
}


@pytest.mark.parametrize("link", [same, hardlink, symlink])
@pytest.mark.parametrize(("command", "read"), READ_AND_WRITTEN.values(), ids=READ_AND_WRITTEN)
def test_no_command_writes_over_what_it_reads(bench, tiny_model, monkeypatch, command, read, link):
    monkeypatch.chdir(bench)
    slide, spots = (bench / "cohort.csv").read_text().splitlines()[1].split(",")[2:4]
    for name, source in (("slide.tif", slide), ("s.h5ad", spots), ("g.h5ad", "r.geojson")):
        Path(name).write_bytes(Path(source).read_bytes())
    Path("cohort.csv").write_text("section,patient,slide,spots,counts\no,A,slide.tif,s.h5ad,\n")
    Path("c.pt").write_bytes(b"a checkpoint")
    Path("points.csv").write_text("x,y,onto_x,onto_y\n0,0,0,0\n9,0,9,0\n0,9,0,9\n")
    if "m" in command:
        shutil.copytree(tiny_model, "m")
    cohort = ("--cohort", "cohort.csv", "--genes", "genes.txt")
    more = {"train": cohort, "import-checkpoint": cohort, "predict": ("--slide", "slide.tif")}
    output = link(Path(read))
    before = contents(bench)
    refused(shell(*command, output, *more.get(command[0], ())), str(output), "choose another name")
    assert contents(bench) == before


def test_a_model_is_not_trained_over_the_one_it_starts_from(bench, tiny_model):
    save_model(load_model(tiny_model), bench / "m")
    before = contents(bench / "m")
    done = trained(bench, "--init-from", bench / "m", out="m")
    refused(done, "would overwrite --init-from")
    refused(trained(bench, "--events", bench / "m" / "config.json", out="m"), "--events")
    assert contents(bench / "m") == before


def test_two_outputs_of_one_name_are_refused(bench):
    one = bench / "o.h5ad"
    refused(shell("domains", bench / P, "--out", one, "--markers", one), "would overwrite --out")
    assert not one.exists()


def test_a_file_may_be_written_into_a_folder_that_is_read(tmp_path):
    (tmp_path / "outs").mkdir()
    (tmp_path / "outs" / "counts.h5").write_text(MINE)
    refuse_overwriting(tmp_path / "outs" / "new.h5ad", {"--spots": tmp_path / "outs"})
    with pytest.raises(OutputError, match="would overwrite --spots"):
        refuse_overwriting(tmp_path / "outs" / "counts.h5", {"--spots": tmp_path / "outs"})


def test_the_marker_says_what_was_written(bench):
    assert trained(bench).code == 0
    said = json.loads((bench / "model" / MARKER).read_text())
    assert said["kind"] == "a model"
    there = contents(bench / "model")
    assert said["files"] == {name: len(there[name]) for name in there if name != MARKER}
