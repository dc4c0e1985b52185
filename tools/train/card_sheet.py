# SPDX-License-Identifier: Apache-2.0
"""A contact sheet of failures: crops of fields with boxes and captions, as JPEG.

Thin white frames are labelled cells; the thick one is the cell that was missed
(cyan) or the wrong box (yellow). Tested by card_sheet_test.py.
"""

from __future__ import annotations

import pathlib
from collections.abc import Mapping, Sequence

import cv2
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402
import numpy as np  # noqa: E402
from matplotlib.axes import Axes  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402
from matplotlib.patches import Rectangle  # noqa: E402
from matplotlib.patheffects import withStroke  # noqa: E402

from card_failures import Failure  # noqa: E402
from card_matching import FieldBoxes  # noqa: E402
from crops import FILL  # noqa: E402

# Twice the usual box (20.5 um at 0.247 um/px), so that the surroundings show.
CROP_PX = 166
SHEET_INCHES = (11.0, 9.4)
DOTS_PER_INCH = 100
COLOURS = {"missed": "#00e5ff", "wrong": "#ffeb3b"}
# tools/check_files.py refuses files above 200,000 bytes.
LARGEST_BYTES = 195_000
CREDIT = (
    "Fields: CRIC Cervix, Rezende et al., Scientific Data 8, 151 (2021), CC BY 4.0; "
    "cut out, frames drawn"
)


def read_image(path: pathlib.Path) -> np.ndarray:
    image = cv2.imread(str(path), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    if image is None:
        raise OSError(f"{path}: not an image")
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def crop_around(
    image: np.ndarray, corners: Sequence[float]
) -> tuple[np.ndarray, tuple[int, int]]:
    """A square of CROP_PX about a box and its origin x, y; outside is filled."""
    x = round((corners[0] + corners[2] - CROP_PX) / 2)
    y = round((corners[1] + corners[3] - CROP_PX) / 2)
    crop = np.full((CROP_PX, CROP_PX, 3), FILL, np.uint8)
    top, left = max(y, 0), max(x, 0)
    part = image[top : max(y + CROP_PX, 0), left : max(x + CROP_PX, 0)]
    rows, columns = part.shape[:2]
    crop[top - y : top - y + rows, left - x : left - x + columns] = part
    return crop, (x, y)


def caption(failure: Failure, names: Mapping[int, str]) -> str:
    label = names[failure.truth_class] if failure.truth_class else "none"
    found = "nothing"
    if failure.found_class:
        found = f"{names[failure.found_class]} {failure.score:.2f}"
    return f"label {label}\nfound {found}"


def _frame(
    axes: Axes,
    corners: Sequence[float],
    origin: tuple[int, int],
    colour: str,
    width: float,
) -> None:
    """With a dark rim, so that it shows on pale and dark ground."""
    x_min, y_min, x_max, y_max = corners
    place = (x_min - origin[0], y_min - origin[1])
    frame = Rectangle(place, x_max - x_min, y_max - y_min, fill=False)
    frame.set(edgecolor=colour, linewidth=width)
    frame.set_path_effects([withStroke(linewidth=width + 1.4, foreground="#202020")])
    axes.add_patch(frame)


def _draw(
    axes: Axes,
    failure: Failure,
    field: FieldBoxes,
    image: np.ndarray,
    names: Mapping[int, str],
) -> None:
    crop, origin = crop_around(image, failure.corners)
    axes.imshow(crop)
    for corners in field.truth.corners:
        _frame(axes, corners, origin, "white", 0.9)
    _frame(axes, failure.corners, origin, COLOURS[failure.kind], 2.4)
    axes.set_xlim(-0.5, CROP_PX - 0.5)
    axes.set_ylim(CROP_PX - 0.5, -0.5)
    axes.set_xlabel(caption(failure, names), fontsize=9)


def _jpeg(figure: Figure) -> bytes:
    """The best quality that keeps the file small enough."""
    figure.canvas.draw()
    image = np.asarray(figure.canvas.buffer_rgba())
    bgr = cv2.cvtColor(image, cv2.COLOR_RGBA2BGR)
    for quality in range(88, 40, -6):
        encoded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        if len(encoded) <= LARGEST_BYTES:
            return encoded.tobytes()
    raise ValueError(f"contact sheet: above {LARGEST_BYTES} bytes at every quality")


def contact_sheet(
    rows: Mapping[str, Sequence[Failure]],
    fields: Mapping[int, FieldBoxes],
    images: pathlib.Path,
    names: Mapping[int, str],
    columns: int,
) -> bytes:
    """rows: failures by title; fields by image id; images: the folder."""
    figure, grid = plt.subplots(
        len(rows), columns, figsize=SHEET_INCHES, squeeze=False, layout="constrained"
    )
    for line, (title, failures) in zip(grid, rows.items(), strict=True):
        line[0].set_title(title, fontsize=11, loc="left", fontweight="bold")
        for axes in line:
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_visible(False)
        for axes, failure in zip(line, failures, strict=False):
            image = read_image(images / failure.file_name)
            _draw(axes, failure, fields[failure.image_id], image, names)
    figure.supxlabel(CREDIT, fontsize=8)
    figure.set_dpi(DOTS_PER_INCH)
    content = _jpeg(figure)
    plt.close(figure)
    return content
