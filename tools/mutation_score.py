"""Tell how many of a sample of mutants the nearest tests see: `make mutate SAMPLE=300 SEED=1`.

Two copies of the tree are made in a temporary folder; the tree itself is never touched. The tests
nearest to the folders run once, with coverage of each; then each mutant of `draw_mutants.py` is
given to the tests that run its line, quickest first, until one fails. A mutant is tested in a fork
of a process that has loaded torch and the rest already, so that the seconds go to the tests.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import xml.etree.ElementTree as ElementTree
from collections import Counter
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).parents[1]
NEAREST = [
    *("tests/unit/files", "tests/unit/spots", "tests/unit/model", "tests/unit/inference"),
    *(
        "tests/unit/test_outputs.py",
        "tests/unit/test_anndata_file.py",
        "tests/unit/test_boundary.py",
    ),
]
OPTIONS = ["-q", "--no-header", "-p", "no:cacheprovider", "--no-xvfb", "-m", "not realdata"]
# The libraries are loaded before pytest, which is what makes a fork quick.
FORKED = ["-x", "--tb=line", "-W", "ignore::pytest.PytestAssertRewriteWarning"]
# What a mutant's tests may have taken together when nothing was changed, in seconds.
LONGEST = 30
# Beyond ten times that, a mutant is taken to go on for ever; longer, as others may use the machine.
PATIENCE = 300
WORKERS = 2
LIBRARIES = [
    *("anndata", "pytest", "scanpy", "skimage.measure", "sklearn.neighbors", "torchvision.models"),
    *("dask.array", "lightning_fabric", "napari.viewer", "pydantic_settings", "qtpy.QtWidgets"),
    *("safetensors.torch", "skimage.morphology", "skimage.transform", "tifffile", "zarr"),
]
SEEN, UNSEEN, ENDLESS = "seen", "unseen", "seen (endless)"


def copy_of_tree(folder: Path) -> Path:
    """Copy what git knows or would know of the tree."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    (folder / "tmp").mkdir()
    return folder


def environment(tree: Path) -> dict[str, str]:
    """Return the environment in which the tests run over a copy."""
    return {
        "PYTHONPATH": f"{tree / 'src'}:{tree}",
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",
        "QT_QPA_PLATFORM": "offscreen",
        "TMPDIR": str(tree / "tmp"),
    }


def what_runs_where(tree: Path, folders: list[str]) -> tuple[dict, dict[str, float]]:
    """Run the nearest tests once: the tests of each line of each file, the seconds of each test."""
    from coverage import CoverageData

    config, data, times = tree / "cov.ini", tree / "cov.data", tree / "times.xml"
    sources = ",".join(f"napari_mclstexp.{folder}" for folder in folders)
    config.write_text(f"[run]\nsource = {sources}\ndata_file = {data}\n")
    coverage = ["--cov", f"--cov-config={config}", "--cov-context=test", "--cov-report="]
    command = [sys.executable, "-m", "pytest", *OPTIONS, *coverage, f"--junitxml={times}", *NEAREST]
    subprocess.run(command, cwd=tree, env={**os.environ, **environment(tree)}, check=True)
    read = CoverageData(str(data))
    read.read()
    lines = {
        str(Path(file).relative_to(tree)): {
            line: {context.split("|")[0] for context in contexts if context}
            for line, contexts in read.contexts_by_lineno(file).items()
        }
        for file in read.measured_files()
    }
    seconds: dict[str, float] = {}
    for case in ElementTree.parse(times).iter("testcase"):
        name = f"{case.get('classname', '').replace('.', '/')}.py::{case.get('name')}"
        seconds[name] = float(case.get("time", 0))
    return lines, seconds


def tests_of(mutant: dict, lines: dict, seconds: dict[str, float]) -> list[str]:
    """Return the tests that run a mutant's line, quickest first, as many as fit in the time."""
    of_file = lines.get(mutant["file"], {})
    its_lines = range(mutant["line"], mutant["last_line"] + 1)
    touched = set().union(*(of_file.get(line, set()) for line in its_lines))
    # What runs as the file is imported has no test of its own: all of the file's have it.
    chosen = touched or set().union(*of_file.values(), set())
    near = f"tests/unit/{mutant['folder']}/"
    total, fitting = 0.0, []
    for test in sorted(chosen, key=lambda test: seconds.get(test, 1) * (1 if near in test else 3)):
        total += seconds.get(test, 1)
        if fitting and total > LONGEST:
            break
        fitting.append(test)
    return fitting


def load_libraries() -> None:
    """Import what the tests import, all but the program itself."""
    for name in LIBRARIES:
        importlib.import_module(name)


def run_tests(tree: Path, tests: list[str], limit: float) -> tuple[str, str]:
    """Run tests over a copy in a fork; tell whether one failed, and the last that they wrote."""
    written = tree / "output.txt"
    child = os.fork()
    if child == 0:
        code = 3
        try:
            os.setsid()
            with written.open("w") as output:
                for stream in (1, 2):
                    os.dup2(output.fileno(), stream)
            os.chdir(tree)
            os.environ.update(environment(tree))
            tempfile.tempdir = None  # that the process before the fork asked for
            sys.path[:0] = [str(tree / "src"), str(tree)]
            import pytest

            code = int(pytest.main([*OPTIONS, *FORKED, *tests]))
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(code)
    deadline = time.monotonic() + limit
    while (ended := os.waitpid(child, os.WNOHANG))[0] == 0:
        if time.monotonic() > deadline:
            with suppress(ProcessLookupError):
                os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return ENDLESS, ""
        time.sleep(0.05)
    with suppress(ProcessLookupError):  # what the tests may have left running
        os.killpg(child, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(ended[1])
    said = "\n".join(written.read_text(errors="replace").splitlines()[-3:])
    # A mutant that cannot even be imported ends pytest before its first test, and is seen.
    if code == 5 or "ERROR: not found" in said:
        raise RuntimeError(f"pytest did not run {tests[:3]} over {tree}: {said}")
    return (SEEN if code else UNSEEN), said


def check_unchanged(tree: Path, lines: dict, seconds: dict[str, float]) -> None:
    """Make sure that tests of each file pass in a fork when nothing was changed."""
    quickest = (sorted(set().union(*of_file.values(), set()), key=lambda test: seconds.get(test, 1))
                for of_file in lines.values())  # fmt: skip
    tests = sorted({test for tests in quickest for test in tests[:2]})
    verdict, said = run_tests(tree, tests, 900)
    if verdict != UNSEEN:
        raise RuntimeError(f"Tests fail over the unchanged tree: {said}")


def try_mutant(mutant: dict, tree: Path, lines: dict, seconds: dict[str, float]) -> dict:
    """Put a mutant in a copy, test it there, and put the source back."""
    tests = tests_of(mutant, lines, seconds)
    result = {key: mutant[key] for key in ("folder", "file", "line", "operator")}
    result |= {"change": mutant["change"], "tests": len(tests), "verdict": UNSEEN}
    if not tests:
        return result
    file = tree / mutant["file"]
    original = file.read_text(encoding="utf-8")
    started = time.monotonic()
    try:
        file.write_text(mutant["source"], encoding="utf-8")
        limit = PATIENCE + 10 * sum(seconds.get(test, 1) for test in tests)
        verdict, said = run_tests(tree, tests, limit)
    finally:
        file.write_text(original, encoding="utf-8")
    took = round(time.monotonic() - started, 1)
    return {**result, "verdict": verdict, "seconds": took, "said": said}


def in_processes(mutants: list[dict], trees: list[Path], out: Path, *known) -> None:
    """Try mutants over the copies, a process for each, which add what they find to a file."""
    load_libraries()
    workers = []
    for number, tree in enumerate(trees):
        workers.append(os.fork())
        if workers[-1] == 0:
            code = 1
            try:
                check_unchanged(tree, *known)
                for mutant in mutants[number :: len(trees)]:
                    result = try_mutant(mutant, tree, *known)
                    with out.open("a") as file:
                        file.write(json.dumps(result) + "\n")
                    print(result["verdict"], result["file"], result["line"], flush=True)
                code = 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(code)
    codes = [os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1]) for worker in workers]
    if any(codes):
        sys.exit("Not all mutants were tried; run it again for those that are left.")


def change_of(mutant: dict) -> str:
    """Return a mutant's line as it became."""
    before = (ROOT / mutant["file"]).read_text(encoding="utf-8").splitlines()
    after = mutant["source"].splitlines()
    for old, new in zip(before, after, strict=False):
        if old != new:
            return f"{old.strip()}  ->  {new.strip()}"
    return "(lines removed)"


def table(results: list[dict]) -> str:
    """Return the score by folder, then each mutant that no test saw."""
    of_all = Counter(result["folder"] for result in results)
    seen = Counter(result["folder"] for result in results if result["verdict"] != UNSEEN)
    rows = [(folder, seen[folder], of_all[folder]) for folder in sorted(of_all)]
    rows.append(("all", seen.total(), of_all.total()))
    said = [f"{name:12} {n:4} of {total:4} seen, {n / total:.1%}" for name, n, total in rows]
    for result in results:
        if result["verdict"] == UNSEEN:
            place = f"{result['file']}:{result['line']}"
            said.append(f"unseen by {result['tests']} tests: {place}: {result['change']}")
    return "\n".join(said)


def last_of_each(out: Path) -> dict[str, dict]:
    """Return the last result of each mutant of an earlier run."""
    lines = out.read_text().splitlines() if out.exists() else []
    return {name_of(result): result for result in map(json.loads, lines)}


def name_of(mutant: dict) -> str:
    """Return what tells a mutant from the others of its file."""
    return f"{mutant['file']}:{mutant['line']}:{mutant['operator']}:{mutant['change']}"


def main() -> None:
    """Try those that were not seen yet; tell of all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mutants", type=Path, help="what draw_mutants.py drew")
    told = "JSON lines of results; what an earlier run saw is not tried again"
    parser.add_argument("--out", type=Path, required=True, help=told)
    options = parser.parse_args()
    mutants = [json.loads(line) for line in options.mutants.read_text().splitlines()]
    mutants = [{**mutant, "change": change_of(mutant)} for mutant in mutants]
    done = last_of_each(options.out)
    left = [m for m in mutants if done.get(name_of(m), {"verdict": UNSEEN})["verdict"] == UNSEEN]
    if left:
        with tempfile.TemporaryDirectory(prefix="mclstexp-mutants-") as temporary:
            trees = [copy_of_tree(Path(temporary) / f"tree{i}") for i in range(WORKERS)]
            known = what_runs_where(trees[0], sorted({mutant["folder"] for mutant in left}))
            in_processes(left, trees, options.out, *known)
    done = last_of_each(options.out)
    print(table([done[name_of(mutant)] for mutant in mutants]))


if __name__ == "__main__":
    main()
