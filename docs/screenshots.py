"""Takes every picture of the README and the docs from the real window: `make screenshots`.

One shows sample section 3 with the demo model; the other her2st C5 with a model trained here on C2,
C3, C4 and B4, and is left out with a sentence where ../shared/data is not there.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import napari
from qtpy.QtWidgets import QApplication, QScrollArea

from napari_mclstexp.widgets.common import dialogs
from napari_mclstexp.widgets.workspace import workspace_of

HERE = Path(__file__).parent
IMAGES = HERE / "images"
SHARED = HERE.parents[1] / "shared"
DOCKS = ("Slide and spots", "Predict")
SIZE = (1366, 768)


def wait(until: Callable[[], bool], seconds: float = 300) -> None:
    """Let the window live until something is so."""
    end = time.monotonic() + seconds
    while not until():
        QApplication.processEvents()
        time.sleep(0.005)
        if time.monotonic() > end:
            raise TimeoutError("the window did not get there")


def settle(seconds: float = 1.5) -> None:
    """Let the window draw what it has to draw."""
    end = time.monotonic() + seconds
    wait(lambda: time.monotonic() > end)


def take(viewer: napari.Viewer, name: str) -> None:
    """Save the whole window."""
    settle()
    IMAGES.mkdir(exist_ok=True)
    viewer.screenshot(str(IMAGES / f"{name}.png"), canvas_only=False, flash=False)
    print(IMAGES / f"{name}.png")


def fit(viewer: napari.Viewer) -> None:
    """Look at the tissue, as F8 does, again where napari went on arranging."""
    for _ in range(2):
        settle()
        workspace_of(viewer).layers.fit()


def open_window() -> napari.Viewer:
    """Open napari with both docks."""
    viewer = napari.Viewer()
    viewer.window._qt_window.resize(*SIZE)
    for dock in DOCKS:
        viewer.window.add_plugin_dock_widget("napari-mclstexp", dock)
    return viewer


def sample() -> None:
    """File > Open Sample, Run, a gene as a smooth map beside its measurement."""
    viewer = open_window()
    workspace = workspace_of(viewer)
    session = workspace.session
    viewer.open_sample("napari-mclstexp", "sample_section")
    wait(lambda: session.spots is not None and session.model is not None)
    take(viewer, "window_opened")
    workspace.run("auto")
    wait(lambda: session.run is None and session.result is not None)
    session.show(gene="ERBB2", style="heatmap")
    take(viewer, "window_sample")
    session.show(gene="COL1A1", style="points", quantity="beside")
    viewer.reset_view()
    take(viewer, "window_beside")
    viewer.close()


def exploring() -> None:
    """The workbench on the sample section: domains, then regions made of them and compared."""
    viewer = napari.Viewer()
    viewer.window._qt_window.resize(*SIZE)
    _, bench = viewer.window.add_plugin_dock_widget("napari-mclstexp", "Workbench")
    settle()
    workspace = workspace_of(viewer)
    session = workspace.session
    viewer.open_sample("napari-mclstexp", "sample_section")
    wait(lambda: session.spots is not None and session.model is not None)
    workspace.run("auto")
    wait(lambda: session.run is None and session.result is not None)
    bench.bring("Genes")
    take(viewer, "window_workbench")
    bench.bring("Domains")
    _, domains = viewer.window.add_plugin_dock_widget("napari-mclstexp", "Domains")
    domains.fields["k"].setValue(5)
    domains.find.click()
    wait(domains.save_markers.isEnabled)
    domains.table.item(0, 1).setText("Stroma")
    domains.table.item(1, 1).setText("Invasive tumour")
    take(viewer, "window_domains")
    domains.to_regions.click()
    wait(lambda: bool(session.annotations.regions))
    bench.bring("Annotate")
    _, annotate = viewer.window.add_plugin_dock_widget("napari-mclstexp", "Annotate")
    annotate.compare.click()
    wait(lambda: annotate.compared is not None)
    take(viewer, "window_annotate")
    viewer.close()


def across() -> None:
    """Two sample sections: the places of both that are most like one spot, and one gene on both."""
    from napari_mclstexp.model import load_model
    from napari_mclstexp.samples import demo_model_path, sample_section

    viewer = napari.Viewer()
    viewer.window._qt_window.resize(*SIZE)
    viewer.window.add_plugin_dock_widget("napari-mclstexp", "Workbench")
    settle()
    workspace = workspace_of(viewer)
    session = workspace.session
    session.use_model(load_model(demo_model_path()))
    for number in (2, 3):
        section = sample_section(number)
        workspace.open_slide(section.slide)
        wait(lambda: not workspace.jobs.busy)
        workspace.load_spots(section.spots)
        wait(lambda: not workspace.jobs.busy)
        workspace.run("auto")
        wait(lambda: session.run is None and session.result is not None)
    dock, panel = viewer.window.add_plugin_dock_widget("napari-mclstexp", "Across slides")
    dock.raise_()
    panel.similar.choose_spot(str(session.spots.obs_names[session.spots.n_obs // 3]))
    panel.similar.start()
    wait(lambda: panel.similar.found.count() > 0)
    workspace.layers.fit()
    take(viewer, "window_similar")
    panel.tabs.setCurrentWidget(panel.sheet)
    session.show(gene="ERBB2")
    wait(lambda: panel.sheet.sheet.count() == 2)
    take(viewer, "window_contact_sheet")
    viewer.close()


def training(folder: Path) -> None:
    """The Train dock after a short fine-tuning of the demo model on the sample sections."""
    from napari_mclstexp.samples import demo_model_path, sample_section
    from napari_mclstexp.widgets.common import dialogs

    dialogs.open_file = lambda _: None  # the report would open a browser
    viewer = open_window()
    _, dock = viewer.window.add_plugin_dock_widget("napari-mclstexp", "Train")
    for number in (1, 2, 3):
        section = sample_section(number)
        dock.sections.take([section.slide, section.spots])
    wait(lambda: dock.options.held_out.count() == 4)
    wait(lambda: not dock.workspace.jobs.busy)
    genes = folder / "genes.txt"
    genes.write_text("\n".join(read_genes(demo_model_path())))
    dock.options.start.setCurrentText("Fine-tune a model")
    dock.options.base.text.setText(str(demo_model_path()))
    dock.options.genes.text.setText(str(genes))
    dock.options.held_out.setCurrentIndex(3)
    dock.options.fields["epochs"].setValue(12)
    dock.options.out.text.setText(str(folder / "my_model"))
    take(viewer, "window_train_sections")
    dock.start.click()
    wait(lambda: dock.start.isEnabled())
    dock.progress.ensurePolished()
    bar = dock.findChild(QScrollArea).verticalScrollBar()
    bar.setValue(bar.maximum())
    take(viewer, "window_train")
    viewer.close()


def library(folder: Path) -> None:
    """The dialog of the Predict dock in which models and weights are had, on a fresh machine."""
    os.environ["NAPARI_MCLSTEXP_DATA"] = str(folder / "napari-mclstexp")
    viewer = open_window()
    _, predict = viewer.window.add_plugin_dock_widget("napari-mclstexp", "Predict")
    predict.model.more.click()
    wait(lambda: predict.library.table.rowCount() > 0)
    predict.library.table.selectRow(0)
    kept = predict.library.kept
    kept.setText(kept.text().replace(str(folder), "~/.local/share"))
    settle()
    path = IMAGES / "window_models.png"
    predict.library.grab().save(str(path))
    print(path)
    viewer.close()
    del os.environ["NAPARI_MCLSTEXP_DATA"]


def read_genes(model: Path) -> tuple[str, ...]:
    """The genes of a model."""
    from napari_mclstexp.model import read_card

    return read_card(model).genes


def her2st(model: Path) -> None:
    """Section C5 with its legacy ST spots: beside the measurement, intervals, evidence."""
    folder = SHARED / "data" / "her2st"
    viewer = open_window()
    workspace = workspace_of(viewer)
    session = workspace.session
    workspace.open_slide(next((folder / "images" / "C5").glob("*.jpg")))
    wait(lambda: session.slide is not None and not workspace.jobs.busy)
    workspace.load_spots(folder / "spotfiles" / "C5_selection.tsv")
    wait(lambda: session.spots is not None and not workspace.jobs.busy)
    workspace.load_model(model)
    wait(lambda: session.model is not None and not workspace.jobs.busy)
    workspace.run("auto")
    wait(lambda: session.run is None and session.result is not None)
    viewer.window._qt_viewer.dockLayerControls.hide()
    viewer.window._qt_viewer.dockLayerList.hide()
    for gene, name in (("FASN", ""), ("HLA-DRA", "_hla_dra"), ("MGP", "_mgp")):
        session.show(gene=gene, style="points", quantity="beside", opacity=0.75)
        fit(viewer)
        take(viewer, f"window_her2st{name}")
    for end in ("lower", "upper"):
        session.show(gene="FASN", style="points", quantity=end)
        fit(viewer)
        take(viewer, f"window_{end}")
    session.show(gene="FASN", style="points", quantity="predicted")
    _, why = viewer.window.add_plugin_dock_widget("napari-mclstexp", "Evidence")
    values = session.expression.values("predicted", "FASN")
    spot = session.spots.obsm["spatial"][values.argmax()] * session.slide.um_per_px
    why.choose(spot[1], spot[0])
    fit(viewer)
    take(viewer, "window_evidence")
    viewer.close()


def train_on_her2st(out: Path) -> None:
    """Train as the page of measurements says."""
    from napari_mclstexp.cohort.section import Section
    from napari_mclstexp.model import save_model
    from napari_mclstexp.spots.readers.choose import read_spots
    from napari_mclstexp.training.presets import preset_settings
    from napari_mclstexp.training.train import train

    folder = SHARED / "data" / "her2st"
    sections = [
        Section(
            name,
            name[0],
            next((folder / "images" / name).glob("*.jpg")),
            read_spots(folder / "spotfiles" / f"{name}_selection.tsv"),
        )
        for name in ("C2", "C3", "C4", "B4")
    ]
    genes = (SHARED / "data" / "gene_lists" / "her2st_785.txt").read_text().split()
    settings = preset_settings(
        "default",
        genes=tuple(genes),
        name="HER2+ breast, four sections",
        weights=SHARED / "weights" / "densenet121_imagenet.safetensors",
    )
    save_model(train(sections, settings), out)


def main() -> int:
    """Take all pictures."""
    dialogs.ask_unsaved = lambda *_: dialogs.DISCARD  # a picture is no work to be kept
    # Before the first window: Mesa's OpenGL and torch's compiler do not like the other order.
    with tempfile.TemporaryDirectory() as scratch:
        # Nobody's settings, models and unsaved work are in the pictures.
        for home in ("CONFIG", "STATE", "DATA"):
            os.environ[f"XDG_{home}_HOME"] = str(Path(scratch) / home.lower())
        real = (SHARED / "data" / "her2st").is_dir()
        if real:
            train_on_her2st(Path(scratch) / "model")
        sample()
        exploring()
        across()
        training(Path(scratch))
        library(Path(scratch))
        if real:
            her2st(Path(scratch) / "model")
        else:
            print(f"The picture of her2st was left out, since {SHARED / 'data'} is not there.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
