"""Files that others wrote, out of the sources of packages, fetched once into a cache."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

# Whose sources bring files of tests. pip has to build nothing of them but their metadata.
FROM_PYPI = (
    "pillow", "openslide-python", "glymur", "pydicom", "scanpy", "squidpy", "anndata",
)  # fmt: skip
# Debian's sources of OpenSlide bring a region of a real Aperio slide; of libtiff, its own tests.
FROM_DEBIAN = ("openslide", "tiff")
_APT = Path("/etc/apt/sources.list.d/debian.sources")


def fetch(cache: Path) -> tuple[dict[str, Path], list[str]]:
    """Return the folder of each package's sources by its name and version, and what is lacking."""
    archives, lacking = cache / "archives", []
    archives.mkdir(parents=True, exist_ok=True)
    for name in FROM_PYPI:
        if not list(archives.glob(f"{name.replace('-', '[-_]')}-*.tar.gz")):
            asked = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
            asked += ["--no-binary", name, "--dest", str(archives), name]
            if subprocess.run(asked, check=False).returncode:
                lacking.append(f"{name} (PyPI)")
    for name in FROM_DEBIAN:
        if not list(archives.glob(f"{name}_*.dsc")) and not _from_debian(name, cache):
            lacking.append(f"{name} (Debian)")
    return {each.name: each for each in _unpacked(archives, cache / "sources")}, lacking


def _from_debian(name: str, cache: Path) -> bool:
    """Ask apt for a source package, without a change to this machine's own lists."""
    if not _APT.is_file():
        return False
    home = cache / "apt"
    for each in ("parts", "lists/partial", "cache/archives/partial"):
        (home / each).mkdir(parents=True, exist_ok=True)
    sources = home / "parts" / "debian.sources"
    options = ["-o", "Dir::Etc::sourcelist=/dev/null", "-o", f"Dir::Etc::sourceparts={home}/parts"]
    options += ["-o", f"Dir::State::lists={home}/lists", "-o", f"Dir::Cache={home}/cache"]
    if not sources.is_file():
        sources.write_text(re.sub("(?m)^Types:.*", "Types: deb-src", _APT.read_text()))
        subprocess.run(["apt-get", "-qq", *options, "update"], check=False)
    asked = ["apt-get", "-qq", *options, "source", "--download-only", name]
    return not subprocess.run(asked, cwd=cache / "archives", check=False).returncode


def _unpacked(archives: Path, home: Path) -> list[Path]:
    folders = []
    for archive in sorted(archives.glob("*.tar.*")):
        if ".debian.tar" in archive.name:  # Debian's own part: no pictures
            continue
        folder = home / re.sub(r"\.tar\.\w+$", "", archive.name)
        if not folder.is_dir():
            with tarfile.open(archive) as tar:
                tar.extractall(folder, filter="data")
            for packed in folder.rglob("*.zarr.zip"):
                with zipfile.ZipFile(packed) as file:
                    file.extractall(packed.with_suffix(""))
        folders.append(folder)
    return folders
