"""Random commands with random outputs over a folder of precious files: what else changes?

    python tests/support/precious_program.py --cases 1000
    python tests/support/precious_program.py --case 4711     one case again, told in full

Nothing may change but what was asked for: every other file, folder, link, pipe and device keeps
content, permissions, inode and the number of its names. A command succeeds, and what it wrote can
be read, or it is refused in one sentence with exit code 2 at once, and nothing at all has changed.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import signal
import stat
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parents[1])

from support.precious_folder import (
    COMMANDS,
    MINE,
    NEW,
    ODD,
    STAGE,
    Command,
    within,
    write_precious,
)

AT_ONCE_S = 10.0  # until a refusal, on a busy machine
HANGS_S = 600
Facts = dict[str, tuple[object, ...]]


class TooSlow(BaseException):
    """No answer in time."""


def look(folder: Path) -> Facts:
    """Return what may not change of all that lies under a folder; links are not followed."""
    facts: Facts = {}
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(parent, name)
            is_, content = path.lstat(), ""
            if path.is_symlink():
                content = str(path.readlink())
            elif stat.S_ISREG(is_.st_mode):
                content = sha256(path.read_bytes()).hexdigest()
            entry = str(path.relative_to(folder))
            names = is_.st_nlink if stat.S_ISREG(is_.st_mode) else 0
            facts[entry] = (is_.st_mode, is_.st_ino, names, content)
    return facts


@dataclass
class Case:
    """What was asked for, what came of it, and what is wrong with that."""

    seed: int
    words: list[str]
    code: int | None
    said: str
    seconds: float
    wrong: list[str]

    def __str__(self) -> str:
        line = " ".join(map(repr, self.words))
        came = f"  exit {self.code}, {self.seconds:.1f} s: {self.said}"
        wrong = (f"  WRONG: {each}" for each in self.wrong)
        return "\n".join((f"case {self.seed}: {line}", came, *wrong))


def draw(rng: random.Random, folder: Path, commands: tuple[Command, ...]) -> tuple[Command, str]:
    """Choose a command and where it is to write."""
    command = rng.choices(commands, [each.weight for each in commands])[0]
    ending = command.kind if command.kind.startswith(".") else ""
    there = sorted(look(folder))
    out = rng.choice(
        [
            lambda: rng.choice(NEW).format(ending),
            lambda: rng.choice(ODD),
            lambda: rng.choice(there),
            lambda: rng.choice([e for e in there if e.endswith(ending)] or there),
            lambda: rng.choice([e for e in there if "/" not in e]),
            lambda: rng.choice(there) + rng.choice(["/", "/.", "/x" + ending, ending, "/../x"]),
        ]
    )()
    return command, str(folder / out) if rng.random() < 0.3 and out else out


def try_case(seed: int, template: Path, commands: tuple[Command, ...] = COMMANDS) -> Case:
    """Run one command over a fresh copy of the folder, and judge what came of it."""
    from support.shell_kit import shell

    rng = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="precious-") as name:
        folder = Path(name, "folder")
        # With links of both kinds, pipes and devices.
        if os.spawnlp(os.P_WAIT, "cp", "cp", "-a", str(template), str(folder)):
            raise SystemExit("cp -a failed")
        command, out = draw(rng, folder, commands)
        words = [out if each == "OUT" else str(each) for each in command.words]
        if "--out" in words and out.startswith("-"):
            at = words.index(out)
            words[at - 1 : at + 1] = [f"{words[at - 1]}={out}"]
        before, target = look(folder), Path(os.path.realpath(folder / out))
        case = Case(seed, words, None, "", 0.0, [])
        os.environ["NAPARI_MCLSTEXP_DATA"] = str(folder.with_name("shelf"))

        def late(*_: object) -> None:
            raise TooSlow

        signal.signal(signal.SIGALRM, late)
        signal.alarm(HANGS_S)
        start = time.monotonic()
        try:
            with within(folder):
                done = shell(*words)
            case.code, case.said = done.code, (done.err or done.out)[:600]
            if done.code == 2 and (done.out or done.err.count("\n") != 1 or len(done.err) > 1500):
                case.wrong.append(f"no line on stderr alone: {done.out[:200]!r}, {done.err!r}")
        except TooSlow:
            case.wrong.append(f"no answer in {HANGS_S} s")
        except BaseException as error:
            case.wrong.append(f"{type(error).__name__}: {error}")
        finally:
            signal.alarm(0)
        case.seconds = time.monotonic() - start
        after = look(folder)
        if case.code == 2 and case.seconds > AT_ONCE_S:
            case.wrong.append("refused, but not at once")
        if case.code not in (0, 2):
            case.wrong.append(f"exit code {case.code}")
        protected = _inputs(words, out, before)
        for entry in sorted(before.keys() | after.keys()):
            if before.get(entry) != after.get(entry):
                why = _why_wrong(entry, before, after, case, command, folder, target, protected)
                case.wrong += [f"{entry}: {why}"] if why else []
        if case.code == 0:
            _read_back(command, target, case)
        for path in folder.rglob("*"):  # a folder of mode 0555 cannot be removed
            if path.is_dir() and not path.is_symlink():
                path.chmod(0o755)
    return case


def _inputs(words: list[str], out: str, before: Facts) -> set[str]:
    read = {each for each in words if each in before and each != out}
    if read & {"cohort.csv", "slides.csv"}:
        read |= {"slide.ome.tif", "s.h5ad"}
    return {each for each in before if any(f"{each}/".startswith(f"{one}/") for one in read)}


def _why_wrong(
    entry: str,
    before: Facts,
    after: Facts,
    case: Case,
    command: Command,
    folder: Path,
    target: Path,
    protected: set[str],
) -> str:
    """Return why a change is none that was asked for, or nothing."""
    path, old, new = folder / entry, before.get(entry), after.get(entry)
    what = "appeared" if old is None else "is gone" if new is None else "changed"
    is_events = "--events" in command.words
    if entry in protected:
        return f"was read, and {what}"
    if is_events and path == target and (old is None or old[3] in _EVENTS):
        return ""
    if (
        old is not None
        and new is not None
        and (old[0], old[3]) == (new[0], new[3])
        and (path != target and old[2] != new[2])
    ):
        return "" if _linked(entry, before, folder, target) else "lost a name"
    if case.code == 2:
        return f"{what}, though the command was refused"
    own = [target, *(folder / each for each in ("trained", "cohort run", "with.h5ad")
                     if each in command.words)]  # fmt: skip
    own += [each.with_name(f"{each.name}.cohort") for each in own if "build" in command.words]
    folders = [each for each in own if not each.suffix or each.is_dir()]
    if path in own and command.kind.startswith(".") and old and new and old[0] != new[0]:
        return f"had mode {stat.filemode(int(str(old[0])))}, has {stat.filemode(int(str(new[0])))}"
    if path in own or (old is None and path.is_dir() and any(path in each.parents for each in own)):
        return ""
    if any(each in path.parents for each in folders):
        return f"of a person, {what}" if old is not None and old[3] == _MINE else ""
    return what


_MINE = sha256(MINE.encode()).hexdigest()
_EVENTS = [sha256(each.encode()).hexdigest() for each in ("", STAGE)]


def _linked(entry: str, before: Facts, folder: Path, target: Path) -> bool:
    """Whether a file shared its inode with the target, which is another file now."""
    try:
        at = before[str(target.relative_to(os.path.realpath(folder)))]
    except (KeyError, ValueError):
        return False
    return at[1] == before[entry][1]


def _read_back(command: Command, target: Path, case: Case) -> None:
    from anndata import read_h5ad, read_zarr
    from PIL import Image

    from napari_mclstexp.model import load_model

    readers: dict[str, Callable[[Path], object]] = {
        ".h5ad": read_h5ad,
        ".csv": lambda path: list(csv.reader(path.open(newline=""))),
        ".geojson": lambda path: json.loads(path.read_text()),
        ".png": lambda path: Image.open(path).load(),
        ".jsonl": lambda path: [json.loads(line) for line in path.read_text().splitlines()],
        "a model": load_model,
        "an AnnData in zarr": read_zarr,
        "a demo": lambda path: read_h5ad(path / "prediction.h5ad"),
        "a cohort": lambda path: read_h5ad(path / "slide.h5ad"),
        "tables": lambda path: (path / "cohort.csv").read_text(),
    }
    try:
        readers[command.kind](target)
    except Exception as error:
        case.wrong.append(f"what was written cannot be read: {type(error).__name__}: {error}")


def main() -> int:
    """Try as many cases as were asked for; tell those that went wrong, and count."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0, help="seed of the first case")
    parser.add_argument("--case", type=int, help="only this one, told in full")
    asked = parser.parse_args()
    log = tempfile.TemporaryDirectory(prefix="precious-log-")
    os.environ.update(NAPARI_MCLSTEXP_LOG=log.name, NAPARI_MCLSTEXP_CACHE=log.name)
    ends: Counter[str] = Counter()
    longest = Case(-1, [], None, "", 0.0, [])
    with tempfile.TemporaryDirectory(prefix="precious-template-") as name:
        template = Path(name, "folder")
        template.mkdir()
        write_precious(template)
        seeds = range(asked.first, asked.first + asked.cases)
        for seed in seeds if asked.case is None else [asked.case]:
            case = try_case(seed, template)
            ends["wrong" if case.wrong else f"exit {case.code}"] += 1
            if case.code == 2 and case.seconds > longest.seconds:
                longest = case
            if case.wrong or asked.case is not None:
                print(case, flush=True)
            if not sum(ends.values()) % 100:
                print(f"{sum(ends.values()):,} cases", file=sys.stderr, flush=True)
    counted = ", ".join(f"{n:,} {what}" for what, n in sorted(ends.items()))
    took = f"the longest refusal took {longest.seconds:.1f} s (case {longest.seed})"
    print(f"{sum(ends.values()):,} cases: {counted}; {took}")
    return int(ends["wrong"] > 0)


if __name__ == "__main__":
    sys.exit(main())
