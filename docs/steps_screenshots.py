"""Takes every step of the Workbench at three sizes of screen, in the light and the dark theme.

    xvfb-run -a -s "-screen 0 1920x1080x24" python docs/steps_screenshots.py FOLDER

FOLDER gets a picture of each, and one sheet of all steps for each size and theme.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SCREENS = {
    "1366x768": (1366, 768, "1"),
    "1366x768_150": (910, 512, "1.5"),
    "1920x1080": (1920, 1080, "1"),
}
THEMES = ("dark", "light")
ACROSS = 2  # pictures beside each other on a sheet


def steps(name: str, folder: Path) -> None:
    """Open the sample, do what each step is for, and take it."""
    import napari
    from napari.settings import get_settings
    from screenshots import settle, wait

    from napari_mclstexp.analysis.domain_settings import DomainSettings
    from napari_mclstexp.session.next_step import DOCKS
    from napari_mclstexp.widgets.common import dialogs
    from napari_mclstexp.widgets.workspace import workspace_of

    dialogs.ask_unsaved = lambda *_: dialogs.DISCARD
    width, height, _ = SCREENS[name]
    viewer = napari.Viewer()
    _, bench = viewer.window.add_plugin_dock_widget("napari-mclstexp", "Workbench")
    settle()
    viewer.window._qt_window.resize(width, height)
    workspace = workspace_of(viewer)
    session, tasks = workspace.session, workspace.tasks
    viewer.open_sample("napari-mclstexp", "sample_section")
    wait(lambda: session.spots is not None and session.model is not None)
    workspace.run("auto")
    wait(lambda: session.run is None and session.result is not None)
    session.show(gene="ERBB2", style="heatmap")
    for theme in THEMES:
        get_settings().appearance.theme = theme
        taken = []
        for number, dock in enumerate(DOCKS, start=1):
            bench.bring(dock)
            if dock == "Domains" and session.annotations.domains is None:
                tasks.find_domains(DomainSettings(k=5), "predicted")
                wait(lambda: session.annotations.domains is not None)
            if dock == "Annotate" and not session.annotations.regions:
                tasks.domains_to_regions()
                wait(lambda: bool(session.annotations.regions))
            if dock == "Evidence":
                session.show(gene="ERBB2")
                _, evidence = viewer.window.add_plugin_dock_widget("napari-mclstexp", dock)
                x, y = session.spots.obsm["spatial"][100] * session.um_per_px
                evidence.choose(y, x)
                wait(lambda shown=evidence: bool(shown.retrieved))
            settle(1)
            path = folder / f"{name}_{theme}_{number}_{dock.replace(' ', '_')}.png"
            viewer.screenshot(str(path), canvas_only=False, flash=False)
            taken.append(path)
        sheet(taken, folder / f"sheet_{name}_{theme}.png")
    viewer.close()


def sheet(pictures: list[Path], path: Path) -> None:
    """Put pictures of one size on one sheet."""
    from PIL import Image

    opened = [Image.open(each).convert("RGB") for each in pictures]
    width, height = opened[0].size
    down = -(-len(opened) // ACROSS)
    found = Image.new("RGB", (ACROSS * width, down * height))
    for number, each in enumerate(opened):
        found.paste(each, (number % ACROSS * width, number // ACROSS * height))
    found.save(path)
    print(path, flush=True)


def main() -> int:
    """Take one size (its name is given too), or each in a process of its own."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    if len(sys.argv) > 2:
        steps(sys.argv[2], folder)
        return 0
    for name, (*_, scale) in SCREENS.items():  # Qt reads the scale when it starts
        environment = {**os.environ, "QT_SCALE_FACTOR": scale}
        for kind in ("CONFIG", "STATE", "DATA"):
            environment[f"XDG_{kind}_HOME"] = str(folder / "home" / kind.lower())
        command = [sys.executable, __file__, str(folder), name]
        subprocess.run(command, check=True, env=environment)
    return 0


if __name__ == "__main__":
    sys.exit(main())
