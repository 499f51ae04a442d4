"""What leaves the project: the sdist, the wheel made from it, and the program that comes out."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

import napari_mclstexp
from support.places import ROOT

pytestmark = pytest.mark.slow

PACKAGE = "napari_mclstexp"
SAMPLES = {
    "cohort.csv",
    *(f"section_{n}.{kind}" for n in (1, 2, 3) for kind in ("h5ad", "ome.tiff")),
    *(f"demo_model/{name}" for name in ("README.md", "bank.h5ad", "checksums.json")),
    *(f"demo_model/{name}" for name in ("config.json", "weights.safetensors")),
}


def run(*command: object, **options) -> str:
    words = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, text=True, timeout=300, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def sdist(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("sdist")
    run(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", folder, cwd=ROOT)
    return next(folder.glob("*.tar.gz"))


@pytest.fixture(scope="module")
def wheel(sdist, tmp_path_factory) -> Path:
    """Of the sdist, as whoever has no wheel would build it."""
    folder = tmp_path_factory.mktemp("wheel")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    source = next(folder.iterdir())
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=source)
    return next(folder.glob("*.whl"))


def test_the_wheel_holds_the_package_and_the_samples_and_nothing_else(wheel):
    source = ROOT / "src" / PACKAGE
    of_package = {f"{PACKAGE}/{path.relative_to(source)}" for path in source.rglob("*")
                  if path.is_file() and path.suffix != ".pyc"}  # fmt: skip
    of_package |= {f"{PACKAGE}/_sample_data/{name}" for name in SAMPLES}
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert held == of_package
    needed = ("py.typed", "napari.yaml", "analysis/signatures.gmt", "library/catalogue.json")
    assert {f"{PACKAGE}/{name}" for name in (*needed, "pages/evaluation.html.j2")} <= held
    assert wheel.stat().st_size < 35e6


def test_the_sdist_holds_what_the_wheel_is_built_from(sdist):
    with tarfile.open(sdist) as archive:
        held = {name.split("/", 1)[1] for name in archive.getnames()}
    beside = {name for name in held if not name.startswith((f"src/{PACKAGE}/", "sample_data/"))}
    assert beside == {".gitignore", "CHANGELOG.md", "CITATION.cff", "LICENSE", "PKG-INFO",
                      "README.md", "pyproject.toml"}  # fmt: skip
    assert sdist.stat().st_size < 35e6


def test_the_index_would_take_both_and_show_the_readme(sdist, wheel):
    run(sys.executable, "-m", "twine", "check", "--strict", sdist, wheel)


def test_the_installed_program_runs_and_napari_finds_it(wheel, tmp_path):
    """Where there is no checkout. Other packages are lent; `make dist` fetches them too."""
    venv.create(tmp_path / "bare", symlinks=True)
    python = tmp_path / "bare" / "bin" / "python"
    run(
        sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", wheel
    )
    site = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    (site / "lent.pth").write_text(sysconfig.get_path("purelib"))
    bare = {"cwd": tmp_path, "env": {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}}
    told = run(python, "-c", f"import {PACKAGE}; print({PACKAGE}.__file__)", **bare)
    assert Path(told.strip()).is_relative_to(site)

    program = python.with_name("napari-mclstexp")
    assert run(program, "--version", **bare).split() == [
        "napari-mclstexp",
        napari_mclstexp.__version__,
    ]
    samples = site / PACKAGE / "_sample_data"
    assert "synthetic sections" in run(program, "info", samples / "demo_model", **bare)
    assert "Apache-2.0" in run(program, "models", "list", **bare)
    run(program, "signature", samples / "section_2.h5ad", "--out", tmp_path / "out.h5ad", **bare)
    assert "valid" in run(python, "-m", "npe2", "validate", PACKAGE, **bare)
