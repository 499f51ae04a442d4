"""Draw a seeded sample of mutants of some folders of the source, as JSON lines.

`make mutate` runs it, in the environment of the tools. The mutations are Cosmic Ray's. A place in
the source is drawn first, and then one of the things that may be done to it, so that a `+`, for
which there are ten others, weighs no more than a `not`. Annotations are left alone, as nothing runs
them, and `==` does not become `is`, which is the same for small numbers.
"""

from __future__ import annotations

import argparse
import json
import random
from collections import defaultdict
from pathlib import Path

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

PACKAGE = "src/napari_mclstexp"
# Those that want to be told which variable, and those that change nothing in CPython.
LEFT_OUT = ("Variable", "Eq_Is", "NotEq_IsNot", "_Is_Eq", "IsNot_NotEq")


def is_annotation(node) -> bool:
    """Whether a node of the syntax tree stands in an annotation."""
    while (parent := node.parent) is not None:
        if parent.type == "tfpdef" and node is parent.children[-1]:
            return True
        if parent.type == "annassign" and node is parent.children[1]:
            return True
        if parent.type == "funcdef" and node is parent.annotation:
            return True
        node = parent
    return False


def places(source: str) -> dict[tuple, list[tuple[str, int]]]:
    """Return the operators, and their occurrence, of each place and kind of mutation."""
    found = defaultdict(list)
    tree = get_ast(source)
    for name in operator_names():
        if any(part in name for part in LEFT_OUT):
            continue
        operator = get_operator(name)()
        spots = ((node, at) for node in ast_nodes(tree) for at in operator.mutation_positions(node))
        for occurrence, (node, (start, end)) in enumerate(spots):
            if not is_annotation(node):
                found[start, end, name.split("_")[0]].append((name, occurrence))
    return found


def mutants(root: Path, folders: list[str], sample: int, seed: int) -> list[dict]:
    """Return mutants, as many of each folder as its share of the places."""
    chance = random.Random(seed)
    of_folder = {}
    for folder in folders:
        files = sorted((root / PACKAGE / folder).rglob("*.py"))
        sources = {file: file.read_text(encoding="utf-8") for file in files}
        of_folder[folder] = [(file, source, *place) for file, source in sources.items()
                             for place in sorted(places(source).items())]  # fmt: skip
    total = sum(map(len, of_folder.values()))
    drawn = []
    for folder, places_there in of_folder.items():
        wanted = round(sample * len(places_there) / total)
        for file, source, (start, end, _), ways in chance.sample(places_there, len(places_there)):
            if wanted == 0:
                break
            operator, occurrence = chance.choice(ways)
            mutated = mutate_code(source, get_operator(operator)(), occurrence)
            try:
                compile(mutated, str(file), "exec")
            except SyntaxError:
                continue
            wanted -= 1
            where = {"file": str(file.relative_to(root)), "line": start[0], "last_line": end[0]}
            drawn.append({"folder": folder, **where, "operator": operator, "source": mutated})
    chance.shuffle(drawn)  # so that what is tried first is a fair sample of them too
    return drawn


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+")
    parser.add_argument("--sample", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    options = parser.parse_args()
    here = Path(__file__).parents[1]
    for mutant in mutants(here, options.folders, options.sample, options.seed):
        print(json.dumps(mutant))
