"""The order of the folders holds, and nothing heavy is loaded before it is needed."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import napari_mclstexp
from support.places import TESTS

ROOT = Path(napari_mclstexp.__file__).parent
MOST_LINES = 400

# From the files up to the person; a folder imports only folders of earlier lines, or of its own.
ORDER = (
    # from anywhere
    {
        *("anndata_file", "errors", "files", "options", "pages", "progress", "reading"),
        *("running", "samples"),
    },
    {"slides"},
    {"spots"},
    {"library"},
    {"model"},
    {"cohort"},
    {"inference"},
    {"training"},
    {"evaluation"},
    {"analysis"},
    {"cohort_runs"},
    {"export"},
    {"session"},
    {"scene"},
    {"scripting"},
    {"cli", "widgets"},
    {"api"},
)
# Besides the order: the method itself knows no files of slides and spots.
NEVER = {"model": {"slides", "spots"}}
SCREEN = {"napari", "qtpy", "superqt", "magicgui", "vispy", "PyQt5", "PyQt6", "PySide2", "PySide6"}
# The two ends of a line of their own: neither the shell nor the window knows the other.
ENDS = {"widgets": {"cli"}, "cli": {"widgets"}}

SOURCES = sorted(ROOT.rglob("*.py"))


def part_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imported(path: Path) -> set[str]:
    """Full names of all modules that a source file imports, inside functions too."""
    package = ["napari_mclstexp", *path.relative_to(ROOT).parts[:-1]]
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            start = ".".join([*base, *([node.module] if node.module else [])])
            names |= {f"{start}.{alias.name}" for alias in node.names}
    return names


def parts_imported(path: Path) -> set[str]:
    """Our own folders and modules among the imports, without the file's own."""
    ours = {name.split(".")[1] for name in imported(path) if name.startswith("napari_mclstexp.")}
    return ours - {part_of(path), "__version__"}


def place(part: str) -> int:
    return next(i for i, parts in enumerate(ORDER) if part in parts)


def headless_modules() -> list[str]:
    dotted = (".".join(["napari_mclstexp", *p.relative_to(ROOT).with_suffix("").parts])
              for p in SOURCES if part_of(p) != "widgets")  # fmt: skip
    return sorted(name.removesuffix(".__init__") for name in dotted)


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, **environment},
        check=False,
    )


def test_every_part_has_its_place_in_the_order():
    known = {part for parts in ORDER for part in parts}
    assert {part_of(path) for path in SOURCES} - {"__init__"} <= known


@pytest.mark.parametrize(
    "path",
    [path for path in SOURCES if part_of(path) != "__init__"],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_imports_only_what_stands_above_it(path):
    part = part_of(path)
    forbidden = NEVER.get(part, set()) | ENDS.get(part, set())
    if part != "widgets":
        forbidden = forbidden | {"widgets"}
    used = parts_imported(path)
    assert {each for each in used if place(each) > place(part)} == set()
    assert used & forbidden == set()


@pytest.mark.parametrize(
    "path",
    [path for path in SOURCES if part_of(path) != "widgets"],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_only_widgets_import_napari_or_qt(path):
    assert {name.split(".")[0] for name in imported(path)} & SCREEN == set()


def test_all_but_the_widgets_import_where_there_is_no_napari_and_no_qt():
    code = f"""
import importlib, sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {SCREEN!r}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Missing())
for name in {headless_modules()!r}:
    importlib.import_module(name)
print(len(sys.modules))
"""
    done = run(code)
    assert done.returncode == 0, done.stderr


def test_importing_the_package_loads_nothing_heavy():
    heavy = ("torch", "napari", "anndata", "numpy", "matplotlib", "openslide", "tifffile")
    done = run(f"import sys, napari_mclstexp; print([m for m in {heavy!r} if m in sys.modules])")
    assert done.stdout.strip() == "[]", done.stderr


def test_help_of_every_command_loads_nothing_heavy():
    heavy = ("torch", "torchvision", "napari", "anndata", "matplotlib", "openslide", "tifffile")
    heavy += ("numpy", "pandas", "scipy")
    code = f"""
import sys
from napari_mclstexp.cli import main
for command in ([], ["demo"], ["predict"], ["predict-cohort"], ["train"], ["info"], ["evaluate"],
                ["check"], ["recipe"], ["import-checkpoint"], ["models"], ["models", "fetch"]):
    assert main([*command, "--help"]) == 0
print([m for m in {heavy!r} if m in sys.modules], file=sys.stderr)
"""
    done = run(code)
    assert done.returncode == 0, done.stderr
    assert done.stderr.strip() == "[]"
    assert "--um-per-px" in done.stdout


@pytest.mark.slow
def test_the_window_s_docks_load_nothing_heavy():
    """It would stand still meanwhile; what they need later is imported in the background."""
    heavy = ("torch", "anndata", "pandas", "matplotlib", "sklearn", "skimage", "shapely")
    places = (ROOT / "widgets").rglob("*.py")
    names = [".".join(["napari_mclstexp", *each.relative_to(ROOT).with_suffix("").parts])
             for each in places]  # fmt: skip
    code = f"""
import importlib, sys
import napari, napari.viewer, dask.array
before = set(sys.modules)
for name in {names!r}:
    importlib.import_module(name.removesuffix(".__init__"))
print([m for m in {heavy!r} if m in set(sys.modules) - before])
"""
    done = run(code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def test_what_the_package_offers_is_there():
    for name in napari_mclstexp.__all__:
        assert getattr(napari_mclstexp, name) is not None
    assert "predict" in dir(napari_mclstexp)
    with pytest.raises(AttributeError, match="no attribute 'guess'"):
        _ = napari_mclstexp.guess


def test_no_two_files_import_each_other():
    """Not by any way round either, and not within functions."""
    names = {".".join(["napari_mclstexp", *path.relative_to(ROOT).with_suffix("").parts]): path
             for path in SOURCES if path.name != "__init__.py"}  # fmt: skip
    needs = {}
    for name, path in names.items():
        used = imported(path)
        used |= {each.rpartition(".")[0] for each in used}
        needs[name] = sorted((used & set(names)) - {name})
    under_way: list[str] = []
    done: set[str] = set()

    def visit(name: str) -> None:
        circle = under_way[under_way.index(name) :] if name in under_way else []
        assert not circle, " > ".join([*circle, name])
        if name not in done:
            under_way.append(name)
            for other in needs[name]:
                visit(other)
            done.add(under_way.pop())

    for name in needs:
        visit(name)


def test_no_two_files_have_one_name():
    """Nor names apart by a plural only; a dock's own file is called dock in each dock's folder."""
    stems = [p.stem.removesuffix("s") for p in SOURCES if p.stem not in ("__init__", "dock")]
    assert sorted({each for each in stems if stems.count(each) > 1}) == []


def test_the_package_root_is_small():
    assert len(list(ROOT.glob("*.py"))) <= 8


@pytest.mark.parametrize(
    "path", [*SOURCES, *sorted(TESTS.rglob("*.py"))], ids=lambda path: path.name
)
def test_no_file_asks_to_be_two(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_LINES
