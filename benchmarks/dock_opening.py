"""How long a dock takes to open in a running napari, beside an empty dock: part of `make bench`."""

from __future__ import annotations

import sys
import time

import napari
from qtpy.QtWidgets import QApplication, QLabel


def main() -> int:
    viewer = napari.Viewer()
    QApplication.processEvents()
    start = time.perf_counter()
    viewer.window.add_dock_widget(QLabel("empty"))
    QApplication.processEvents()
    empty = time.perf_counter() - start
    for name in ("Slide and spots", "Predict"):
        start = time.perf_counter()
        viewer.window.add_plugin_dock_widget("napari-mclstexp", name)
        QApplication.processEvents()
        took = time.perf_counter() - start
        print(f"{name}: {took:.2f} s ({took / empty:.1f} times an empty dock)")
    viewer.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
