"""How long each dock takes to open in a running napari, beside an empty dock (`make bench`).

The first one pays for what all of them import.
"""

from __future__ import annotations

import sys
import time

import napari
from findings import Finding, found
from qtpy.QtWidgets import QApplication, QLabel

from napari_mclstexp.session.next_step import DOCKS


def main() -> int:
    viewer = napari.Viewer()
    QApplication.processEvents()
    start = time.perf_counter()
    viewer.window.add_dock_widget(QLabel("empty"))
    QApplication.processEvents()
    empty = time.perf_counter() - start
    seconds = []
    for name in (*DOCKS, "Train"):
        start = time.perf_counter()
        viewer.window.add_plugin_dock_widget("napari-mclstexp", name)
        QApplication.processEvents()
        took = time.perf_counter() - start
        seconds.append(took)
        against = f"{took / empty:.1f} times an empty dock"
        found(Finding("Opening a dock", name, took * 1000, "ms", against))
    print(f"Slowest: {max(seconds):.2f} s")
    viewer.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
