"""How expression is drawn: points or heatmap, which quantity, colours, contrast, opacity."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtGui import QIcon, QPixmap
from qtpy.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSlider,
    QWidget,
)
from superqt import QLabeledDoubleRangeSlider

from ...session.display import Display, Quantity, quantity_name
from ..common.words import tr
from ..layers.colour_controls import COLORMAPS
from .colour_bar import gradient

COLOURS = "Colours from low to high"
OWN_COLOURS = "This map has colours of its own, so that it is not taken for the map of a gene"


class DisplayPanel(QWidget):
    """The controls of a :class:`~napari_mclstexp.session.display.Display`.

    Signals
    -------
    changed
        The fields that the person changed, by name: ``{"style": "heatmap"}``.
    """

    changed = Signal(dict)

    def __init__(self) -> None:
        super().__init__()
        self.points = QPushButton(tr("Points"))
        self.points.setToolTip(tr("Colour each spot, at its true size"))
        self.heatmap = QPushButton(tr("Heatmap"))
        self.heatmap.setToolTip(tr("A smooth map, within the tissue only"))
        styles = QButtonGroup(self)
        self.contours = QPushButton(tr("Contours"))
        self.contours.setToolTip(tr("Lines of equal value, so that the tissue stays visible"))
        for button in (self.points, self.heatmap, self.contours):
            button.setCheckable(True)
            styles.addButton(button)
        self.quantity = QComboBox()
        self.quantity.setToolTip(
            tr(
                "Predicted or measured expression, both side by side or swiped, or predicted minus "
                "measured; or the uncertainty: the lower and the upper end of the interval that "
                "holds the said share of measured values, how much the retrieved reference spots "
                "disagree (or how far values were off on sections left out), and how far the patch "
                "is from the nearest one"
            )
        )
        self.colormap = QComboBox()
        self.colormap.setIconSize(QSize(48, 12))
        for name in COLORMAPS:
            self.colormap.addItem(QIcon(QPixmap.fromImage(gradient(name, 48, 12))), name)
        self.colormap.setToolTip(COLOURS)
        self.contrast = QLabeledDoubleRangeSlider(Qt.Orientation.Horizontal)
        self.contrast.setRange(0.0, 100.0)
        self.contrast.setDecimals(0)
        self.contrast.setHandleLabelPosition(QLabeledDoubleRangeSlider.LabelPosition.NoLabel)
        self.contrast.setEdgeLabelMode(QLabeledDoubleRangeSlider.EdgeLabelMode.LabelIsValue)
        self.contrast.setToolTip(
            tr(
                "Contrast by percentile: values below the first and above the second get the "
                "colours of the ends"
            )
        )
        self.opacity = QSlider(Qt.Orientation.Horizontal)
        self.opacity.setRange(0, 100)
        self.opacity.setToolTip(tr("How much of the slide shows through the colours"))
        self.swipe = QSlider(Qt.Orientation.Horizontal)
        self.swipe.setRange(0, 100)
        self.swipe.setToolTip(tr("Predicted to the left of the handle, measured to the right"))
        self.swipe_name = QLabel(tr("Swipe"))
        self.fixed = QCheckBox(tr("Fixed"))
        self.fixed.setToolTip(
            tr("Use these limits of the colours for every gene, instead of percentiles")
        )
        self.low, self.high = QDoubleSpinBox(), QDoubleSpinBox()
        for box, what in ((self.low, "first"), (self.high, "last")):
            box.setRange(-1000.0, 1000.0)
            box.setDecimals(2)
            box.setSingleStep(0.25)
            box.setToolTip(f"The value of the {what} colour")
            box.setKeyboardTracking(False)
        self.high.setValue(4.0)
        self.same_limits = QCheckBox(tr("Same range"))
        self.same_limits.setToolTip(
            tr("Use the same limits for measured and predicted values; otherwise each has its own")
        )
        self._lay_out()
        self._wire()

    def _lay_out(self) -> None:
        styles = QHBoxLayout()
        styles.setSpacing(2)
        styles.addWidget(self.points)
        styles.addWidget(self.heatmap)
        styles.addWidget(self.contours)
        limits = QHBoxLayout()
        limits.addWidget(self.fixed)
        limits.addWidget(self.low, 1)
        limits.addWidget(self.high, 1)
        quantities = QHBoxLayout()
        quantities.addWidget(self.quantity, 1)
        quantities.addWidget(self.same_limits)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(1, 1)
        rows: tuple[tuple[str, QWidget | QHBoxLayout], ...] = (
            ("Style", styles),
            ("Show", quantities),
            ("Colours", self.colormap),
            ("Contrast, %", self.contrast),
            ("Range", limits),
            ("Opacity", self.opacity),
        )
        grid.addWidget(self.swipe_name, len(rows), 0)
        grid.addWidget(self.swipe, len(rows), 1)
        for row, (name, part) in enumerate(rows):
            grid.addWidget(QLabel(name), row, 0)
            if isinstance(part, QWidget):
                grid.addWidget(part, row, 1)
            else:
                grid.addLayout(part, row, 1)

    def _wire(self) -> None:
        self.points.clicked.connect(lambda: self.changed.emit({"style": "points"}))
        self.heatmap.clicked.connect(lambda: self.changed.emit({"style": "heatmap"}))
        self.contours.clicked.connect(lambda: self.changed.emit({"style": "contours"}))
        self.swipe.valueChanged.connect(lambda at: self.changed.emit({"swipe": at / 100}))
        self.fixed.clicked.connect(self._limits_changed)
        self.low.valueChanged.connect(self._limits_changed)
        self.high.valueChanged.connect(self._limits_changed)
        self.quantity.activated.connect(
            lambda: self.changed.emit({"quantity": self.quantity.currentData()})
        )
        self.colormap.activated.connect(
            lambda: self.changed.emit({"colormap": self.colormap.currentText()})
        )
        self.contrast.valueChanged.connect(self._contrast_moved)
        self.opacity.valueChanged.connect(
            lambda percent: self.changed.emit({"opacity": percent / 100})
        )
        self.same_limits.clicked.connect(lambda on: self.changed.emit({"same_limits": on}))

    def show_display(
        self,
        display: Display,
        quantities: Sequence[Quantity],
        shown: Quantity | None,
        interval: float | None = None,
        fixed: Collection[str] = (),
    ) -> None:
        """Bring the controls in line with what is shown, without telling anyone.

        Parameters
        ----------
        display, quantities, shown
            What is wanted, what can be shown, and what is.
        interval
            Share of measured values between lower and upper end, where it is known.
        fixed
            Fields of the display that the colours of the present map do not follow.
        """
        self.blockSignals(True)
        styles = {"points": self.points, "heatmap": self.heatmap, "contours": self.contours}
        styles[display.style].setChecked(True)
        swiped = shown == "swipe"
        self.swipe.setValue(round(display.swipe * 100))
        for part in (self.swipe, self.swipe_name):
            part.setVisible(swiped)
        self.fixed.setChecked(display.limits is not None)
        free = "limits" not in fixed
        self.fixed.setEnabled(free)
        self.contrast.setEnabled(display.limits is None or not free)
        self.colormap.setEnabled("colormap" not in fixed)
        self.colormap.setToolTip(COLOURS if "colormap" not in fixed else OWN_COLOURS)
        if display.limits is not None:
            self.low.setValue(display.limits[0])
            self.high.setValue(display.limits[1])
        for box in (self.low, self.high):
            box.setEnabled(free and display.limits is not None)
        offered = [(quantity_name(each, interval).capitalize(), each) for each in quantities]
        if offered != self._offered():
            self.quantity.clear()
            for name, quantity in offered:
                self.quantity.addItem(name, quantity)
        self.quantity.setCurrentIndex(self.quantity.findData(shown))
        self.quantity.setEnabled(len(quantities) > 1)
        self.colormap.setCurrentIndex(self.colormap.findText(display.colormap))
        self.contrast.setValue(display.percentiles)
        self.opacity.setValue(round(display.opacity * 100))
        self.same_limits.setChecked(display.same_limits)
        self.same_limits.setVisible(shown == "beside")
        self.blockSignals(False)

    def _offered(self) -> list[tuple[str, Quantity]]:
        box = self.quantity
        return [(box.itemText(index), box.itemData(index)) for index in range(box.count())]

    def _limits_changed(self) -> None:
        low, high = self.low.value(), self.high.value()
        if not self.fixed.isChecked():
            self.changed.emit({"limits": None})
        elif low < high:
            self.changed.emit({"limits": (low, high)})

    def _contrast_moved(self, percentiles: tuple[float, float]) -> None:
        low, high = (round(value) for value in percentiles)
        if low < high:  # both handles on one spot make no range
            self.changed.emit({"percentiles": (float(low), float(high))})
