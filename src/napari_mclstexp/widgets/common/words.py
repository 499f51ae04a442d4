"""What the window says, in the person's language: every sentence goes through :func:`tr`.

There is no catalogue yet. ``tools/sentences.py`` reads the sentences out of the docks into a
``.ts`` file; Qt's Linguist fills it, and its ``lrelease`` makes the ``.qm`` file that
:func:`speak` finds in ``translations/`` by its language: ``mclstexp_de.qm``. A sentence is
translated whole; what changes in it stands in braces.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qtpy.QtCore import QCoreApplication, QLocale, QTranslator

CONTEXT = "mclSTExp"
CATALOGUES = Path(__file__).resolve().parents[1] / "translations"

_speaking: list[QTranslator] = []  # Qt keeps none of them alive


def tr(sentence: str, **values: Any) -> str:
    """Return a sentence in the person's language, with values in its braces.

    Parameters
    ----------
    sentence
        In English, whole: ``tr("{n} spots without counts skipped", n=2)``.
    """
    found = str(QCoreApplication.translate(CONTEXT, sentence))
    return found.format(**values) if values else found


def speak(locale: QLocale | None = None, folder: Path = CATALOGUES) -> bool:
    """Have the window speak a language, by default the system's; whether there is a catalogue.

    To be called before docks are made.
    """
    application = QCoreApplication.instance()
    translator = QTranslator()
    if application is None or not translator.load(
        locale or QLocale(), "mclstexp", "_", str(folder)
    ):
        return False
    _speaking.append(translator)
    return bool(application.installTranslator(translator))
