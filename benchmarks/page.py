"""`make bench`: every benchmark, one after another, as one table and one page of plots.

    python benchmarks/page.py                 all, into docs/benchmarks.md and docs/images
    python benchmarks/page.py --only encode memory
    python benchmarks/page.py --again         the page again, of what was found before

What needs real sections or weights is left out, and said so, where `../shared` has none.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import time
from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import matplotlib as mpl
from findings import KEPT_IN, Finding, exponent, read

from napari_mclstexp.inference.backends.machine import look_around

mpl.use("Agg")
from matplotlib import pyplot as plt

HERE = Path(__file__).resolve().parent
DOCS = HERE.parent / "docs"
KEPT = HERE.parent / "build" / "benchmarks.jsonl"
REAL = HERE.parents[1] / "shared" / "data" / "her2st"


@dataclass(frozen=True)
class Benchmark:
    """A script with its arguments, under the name by which `--only` asks for it."""

    name: str
    script: str
    arguments: tuple[str, ...] = ()
    real: bool = False

    @property
    def command(self) -> str:
        """As a person types it."""
        return " ".join(["python", f"benchmarks/{self.script}", *self.arguments])


LARGE = ("--side", "100000", "--grid", "88", "--kind", "tif")
ALL = (
    Benchmark("startup", "startup.py"),
    Benchmark("encode", "backends.py"),
    Benchmark("predict", "backends.py", ("--predict",)),
    Benchmark("section", "predict_section.py", real=True),
    Benchmark("busy", "busy_machine.py"),
    Benchmark("tuning", "fine_tuning.py"),
    Benchmark("retrieval", "retrieval.py"),
    Benchmark("domains", "domains_scale.py"),
    Benchmark("visium", "domains_visium.py"),
    Benchmark("results", "results_scale.py"),
    Benchmark("memory", "predict_memory.py"),
    Benchmark("memory-large", "predict_memory.py", LARGE),
    Benchmark("cohort", "cohort.py"),
    Benchmark("docks", "dock_opening.py"),
    Benchmark("genes", "gene_switch.py"),
    Benchmark("stalls", "window_stalls.py"),
)


def run(benchmark: Benchmark) -> str:
    """Run one; return what to say of it where it found nothing or too much."""
    if benchmark.real and not REAL.is_dir():
        return f"left out: there are no real sections in {REAL}"
    print(f"== {benchmark.command}", flush=True)
    start = time.monotonic()
    command = [sys.executable, str(HERE / benchmark.script), *benchmark.arguments]
    done = subprocess.run(command, env={**os.environ, KEPT_IN: str(KEPT)}, check=False)
    print(f"== {time.monotonic() - start:.0f} s", flush=True)
    return f"missed its goal or failed (exit code {done.returncode})" if done.returncode else ""


def machine() -> str:
    """Name what the figures were taken on."""
    seen = look_around()
    return (
        f"{seen.processor}, {seen.cores} cores, {seen.memory / 2**30:.0f} GiB, "
        f"{platform.system()}, Python {platform.python_version()}"
    )


def grouped(findings: list[Finding]) -> dict[str, list[Finding]]:
    """Return the findings by their question; of one asked twice, the newer."""
    newest: dict[tuple[str, str, float | None], Finding] = {}
    for each in findings:
        newest[each.question, each.case, each.at] = each
    by: dict[str, list[Finding]] = defaultdict(list)
    for each in newest.values():
        by[each.question].append(each)
    return dict(by)


def draw(questions: dict[str, list[Finding]], path: Path) -> None:
    """Draw a panel for each question: bars, or lines over the size where it was varied."""
    columns = 2
    rows = -(-len(questions) // columns)
    figure, panels = plt.subplots(rows, columns, figsize=(12, 2.6 * rows), layout="constrained")
    for panel in panels.flat[len(questions) :]:
        panel.axis("off")
    for panel, (question, findings) in zip(panels.flat, questions.items(), strict=False):
        panel.set_title(question, loc="left", fontsize=10)
        panel.spines[["top", "right"]].set_visible(False)
        units = {each.unit for each in findings}
        if any(each.at is not None for each in findings):
            for case, sizes, values in series(findings):
                panel.loglog(sizes, values, "o-", label=growth(case, sizes, values))
            panel.legend(fontsize=8, frameon=False)
            panel.set_ylabel(" / ".join(sorted(units)))
        else:
            names = [each.case for each in findings]
            bars = panel.barh(names, [each.value for each in findings], color="#0f766e")
            panel.bar_label(
                bars, [f" {short(each.value)} {each.unit}" for each in findings], fontsize=8
            )
            panel.invert_yaxis()
            panel.margins(x=0.25)
            panel.tick_params(labelsize=8)
    figure.savefig(path)
    plt.close(figure)


def short(value: float) -> str:
    """Return three digits of a number, or all of its whole part."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def series(findings: list[Finding]) -> list[tuple[str, list[float], list[float]]]:
    """Return each case with its sizes and values."""
    found = []
    for case in dict.fromkeys(each.case for each in findings):
        points = sorted((each.at, each.value) for each in findings if each.case == case and each.at)
        found.append((case, [at for at, _ in points], [value for _, value in points]))
    return found


def growth(case: str, sizes: list[float], values: list[float]) -> str:
    """Name a line with its exponent."""
    return case if len(sizes) < 2 else f"{case}: grows as n^{exponent(sizes, values):.2f}"


def write(questions: dict[str, list[Finding]], remarks: dict[str, str], path: Path) -> None:
    """Write the page: the machine, the plots, one table."""
    lines = [
        "# Benchmarks",
        "",
        f"`make bench` on {date.today():%d %B %Y}: {machine()}. Compare ratios between machines, "
        "not seconds.",
        "",
        "![Plots of the table below](images/benchmarks.svg)",
        "",
        "| what | case | size | found | |",
        "|---|---|---|---|---|",
    ]
    for question, findings in questions.items():
        for each in findings:
            size = "" if each.at is None else f"{each.at:,.0f}"
            value = f"{short(each.value)} {each.unit}"
            lines.append(f"| {question} | {each.case} | {size} | {value} | {each.against} |")
        for case, sizes, values in series(findings):
            if len(sizes) > 1:
                lines.append(
                    f"| {question} | {case} | growth | n^{exponent(sizes, values):.2f} | |"
                )
    if remarks:
        lines += ["", *(f"* `{command}`: {said}." for command, said in remarks.items())]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="*", choices=[each.name for each in ALL])
    parser.add_argument("--again", action="store_true", help="only make the page")
    asked = parser.parse_args()
    KEPT.parent.mkdir(exist_ok=True)
    if not (asked.only or asked.again):
        KEPT.unlink(missing_ok=True)
    remarks = {}
    for each in () if asked.again else ALL:
        if asked.only is None or each.name in asked.only:
            said = run(each)
            if said:
                remarks[each.command] = said
    if asked.only:
        ran = " ".join(asked.only)
        remarks["benchmarks/page.py"] = f"only {ran} were run this time"
    questions = grouped(read(KEPT))
    draw(questions, DOCS / "images" / "benchmarks.svg")
    write(questions, remarks, DOCS / "benchmarks.md")
    print(f"{DOCS / 'benchmarks.md'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
