"""Every sentence of the window that goes through `tr`, as a Qt catalogue to be translated.

python tools/sentences.py mclstexp_de.ts
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

from napari_mclstexp.widgets.common.words import CONTEXT

DOCKS = Path(__file__).resolve().parents[1] / "src" / "napari_mclstexp" / "widgets"


def sentences(folder: Path = DOCKS) -> list[str]:
    """Return the sentences of all files, each once, in their order."""
    found: dict[str, None] = {}
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "tr" and node.args:
                (sentence,) = node.args
                if isinstance(sentence, ast.Constant):
                    found[sentence.value] = None
    return list(found)


def write_catalogue(path: Path) -> int:
    """Write a catalogue without translations; return how many sentences it has."""
    root = ET.Element("TS", version="2.1")
    context = ET.SubElement(root, "context")
    ET.SubElement(context, "name").text = CONTEXT
    every = sentences()
    for sentence in every:
        message = ET.SubElement(context, "message")
        ET.SubElement(message, "source").text = sentence
        ET.SubElement(message, "translation", type="unfinished")
    ET.indent(root)
    ET.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
    return len(every)


if __name__ == "__main__":
    print(f"{write_catalogue(Path(sys.argv[1]))} sentences")
