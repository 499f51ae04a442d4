"""A window for an accessibility client to read: the sample in the Workbench, every dock open.

Says ``ready`` on stdout once all is there, and ends when its stdin does.
"""

from __future__ import annotations

import sys
import threading
import time

import napari
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication

from napari_mclstexp.session.next_step import DOCKS
from napari_mclstexp.widgets.common import dialogs
from napari_mclstexp.widgets.workspace import workspace_of


def main() -> None:
    dialogs.ask_unsaved = lambda *_: dialogs.DISCARD
    viewer = napari.Viewer()
    for name in ("Workbench", *DOCKS, "Train", "Cohort"):
        viewer.window.add_plugin_dock_widget("napari-mclstexp", name)
    viewer.open_sample("napari-mclstexp", "sample_section")
    session = workspace_of(viewer).session
    end = time.monotonic() + 90
    while session.spots is None or session.model is None:
        QApplication.processEvents()
        time.sleep(0.01)
        if time.monotonic() > end:
            raise SystemExit("The sample did not come.")
    print("ready", flush=True)
    over = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
    timer = QTimer()
    timer.timeout.connect(lambda: over.is_set() and QApplication.quit())
    timer.start(100)
    QApplication.exec()
    viewer.close()


if __name__ == "__main__":
    main()
