"""The window can speak another language: its sentences go through one place."""

from __future__ import annotations

import ast
import importlib.util

import pytest
from qtpy.QtCore import QCoreApplication, QLocale, QTranslator

from napari_mclstexp.widgets.common.words import CONTEXT, speak, tr
from support.places import ROOT

WIDGETS = ROOT / "src" / "napari_mclstexp" / "widgets"
# What is shown to a person, as its first argument or second.
SHOW = {
    *("QPushButton", "QLabel", "QCheckBox", "heading", "facts", "setToolTip", "setPlaceholderText"),
    *("setAccessibleName", "setWindowTitle", "setInformativeText", "addAction"),
}


class Shouting(QTranslator):
    """A language in which everything is said loudly."""

    def isEmpty(self):  # noqa: N802
        return False

    def translate(self, context, text, *_):
        return text.upper() if context == CONTEXT else None


@pytest.fixture
def shouted(qapp):
    translator = Shouting()
    QCoreApplication.installTranslator(translator)
    yield
    QCoreApplication.removeTranslator(translator)


def test_docks_speak_the_language_of_the_catalogue(shouted, docks):
    slide, predict = docks
    assert slide.slide.open.text() == "OPEN SLIDE…"
    assert predict.runner.run.text() == "RUN PREDICTION"
    assert slide.grid.lay.text() == "CREATE GRID OVER THE TISSUE"
    assert slide.slide.open.toolTip().startswith("OPEN A WHOLE-SLIDE IMAGE")


def test_values_stand_where_the_sentence_wants_them(qapp):
    assert tr("{n} of {all} spots", all=9, n=2) == "2 of 9 spots"


def test_without_a_catalogue_it_is_english(qapp, tmp_path):
    assert not speak(QLocale("de"), tmp_path)
    assert tr("Open slide…") == "Open slide…"


@pytest.mark.parametrize(
    "path", sorted(WIDGETS.rglob("*.py")), ids=lambda p: str(p.relative_to(WIDGETS))
)
def test_no_sentence_is_shown_past_the_catalogue(path):
    past = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            said = [each for each in node.args[:2] if isinstance(each, ast.Constant)]
            past += [
                f"{each.lineno}: {each.value}"
                for each in said
                if name in SHOW and isinstance(each.value, str) and " " in each.value.strip()
            ]
    assert past == []


def test_a_catalogue_to_be_translated_has_every_sentence_once(tmp_path):
    spec = importlib.util.spec_from_file_location("sentences", ROOT / "tools" / "sentences.py")
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    number = tool.write_catalogue(tmp_path / "mclstexp_de.ts")
    text = (tmp_path / "mclstexp_de.ts").read_text(encoding="utf-8")
    assert number > 250
    assert text.count("<source>") == number
    assert text.count("<source>Open slide…</source>") == 1
