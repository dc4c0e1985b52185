# SPDX-License-Identifier: Apache-2.0
"""Training crops from labelled fields: where, how turned, what is ignored.

Crop k of a seed is a pure function of both, so that a run can be resumed at any
step and made by any number of workers. Tested by crops_test.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

import augment
from fields import CLASS_NAMES, TARGET_UM_PER_PX, Field

Rng = np.random.Generator

FILL = 235
# Fields label few of the nuclei nearer to their edge than this (on CRIC a
# quarter of what the inside has within 2.5 um, half within 5 um).
BORDER_UM = 3.6
# So far outside of a field cells cut by its edge still have anchors.
OUTSIDE_UM = 10.0
# Share of half a crop that stays inside of the field where that is possible.
KEPT_INSIDE = 0.75
MASK_STEP_PX = 4
# Least share of a padded crop's width and of its height that the fields cover.
PADDED_LEAST = 0.4


@dataclass(frozen=True)
class CropOptions:
    """How crops are drawn; shares are probabilities."""

    size_px: int = 512
    scale: tuple[float, float] = (0.75, 1.35)
    balanced_share: float = 0.6
    # Which class the centre of a balanced crop has; HSIL twice.
    balanced_classes: tuple[int, ...] = (1, 2, 3, 4, 4, 5)
    offset_px: float = 150.0
    rotation_share: float = 0.5
    mosaic_share: float = 0.2
    paste_share: float = 0.3
    paste_most: int = 3
    paste_classes: tuple[int, ...] = (1, 3, 3, 4, 5)
    paste_radius_px: float = 25.0
    padded_share: float = 0.3


@dataclass
class Crop:
    """Boxes (y_min, x_min, y_max, x_max) have their centre inside the crop.

    ignored: boxes with the centre outside, which the crop cuts. labelled: per
    MASK_STEP_PX, false where a cell may stand that nobody labelled.
    """

    image: np.ndarray
    boxes: np.ndarray
    classes: np.ndarray
    ignored: np.ndarray
    labelled: np.ndarray


@dataclass
class CellIndex:
    """Which fields hold cells of a class, for drawing."""

    fields: list[Field]
    holders: dict[int, list[int]] = field(default_factory=dict)
    shares: dict[int, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for wanted in range(len(CLASS_NAMES)):
            counts = [int((f.classes == wanted).sum()) for f in self.fields]
            holders = [i for i, count in enumerate(counts) if count]
            roots = np.sqrt([counts[i] for i in holders])
            self.holders[wanted] = holders
            self.shares[wanted] = roots / max(roots.sum(), 1e-9)

    def draw(self, rng: Rng, classes: tuple[int, ...]) -> tuple[Field, int] | None:
        """A field and the number of a cell in it; None if there is no such.

        Fields by the root of their count, so that no crowded one prevails.
        """
        present = [c for c in classes if self.holders[c]]
        if not present:
            return None
        wanted = present[rng.integers(len(present))]
        holder = rng.choice(self.holders[wanted], p=self.shares[wanted])
        chosen = self.fields[holder]
        return chosen, int(rng.choice(np.flatnonzero(chosen.classes == wanted)))


def _centres(boxes: np.ndarray) -> np.ndarray:
    return (boxes[:, :2] + boxes[:, 2:]) / 2


def _transform(
    rng: Rng,
    options: CropOptions,
    source: Field,
    centre: np.ndarray,
    size: tuple[int, int],
) -> tuple[np.ndarray, float]:
    """2 x 3 matrix field -> crop of width, height; and its scale.

    The centre is moved so that little of the crop lies outside of the field.
    """
    low, high = np.log(options.scale)
    scale = float(np.exp(rng.uniform(low, high)))
    angle = rng.integers(4) * np.pi / 2
    if rng.random() < options.rotation_share:
        angle = rng.uniform(0, 2 * np.pi)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    flip = np.diag([rng.choice([-1.0, 1.0]), 1.0])
    linear = scale * turn @ flip
    height, width = source.image.shape[:2]
    margin = KEPT_INSIDE * min(size) / 2 / scale
    low = np.minimum([width / 2, height / 2], margin)
    centre = np.clip(centre, low, [width, height] - low)
    offset = np.array(size) / 2 - linear @ centre
    return np.column_stack([linear, offset]), scale


def _labelled_mask(
    matrix: np.ndarray, size: tuple[int, int], source: np.ndarray
) -> np.ndarray:
    """False in the band around the field's edge where labels are missing."""
    x = np.arange(0, size[0], MASK_STEP_PX)
    y = np.arange(0, size[1], MASK_STEP_PX)
    grid = np.stack(np.meshgrid(x, y), -1).reshape(-1, 2)
    inverse = np.linalg.inv(matrix[:, :2])
    points = (grid - matrix[:, 2]) @ inverse.T
    height, width = source.shape[:2]
    inside = np.minimum(points, [width, height] - points).min(axis=1)
    low, high = -OUTSIDE_UM / TARGET_UM_PER_PX, BORDER_UM / TARGET_UM_PER_PX
    return ~((inside > low) & (inside < high)).reshape(len(y), len(x))


def _cut(
    rng: Rng,
    options: CropOptions,
    source: Field,
    centre: np.ndarray,
    size: tuple[int, int],
) -> Crop:
    """A turned, scaled crop of width, height around a point of a field."""
    matrix, scale = _transform(rng, options, source, centre, size)
    image = cv2.warpAffine(
        source.image, matrix, size, flags=cv2.INTER_LINEAR, borderValue=(FILL,) * 3
    )
    # Pixel centres: warpAffine counts pixels from 0, boxes pixel edges; the
    # half pixel between them is below the labels' precision.
    middle = _centres(source.boxes) @ matrix[:, :2].T + matrix[:, 2]
    half = (source.boxes[:, 2:] - source.boxes[:, :2]) / 2 * scale
    boxes = np.concatenate([middle - half, middle + half], 1)[:, [1, 0, 3, 2]]
    within = ((middle >= 0) & (middle < size)).all(axis=1)
    touched = (boxes[:, 2:] > 0).all(axis=1)
    touched &= (boxes[:, :2] < [size[1], size[0]]).all(axis=1)
    mask = _labelled_mask(matrix, size, source.image)
    return Crop(
        image, boxes[within], source.classes[within], boxes[touched & ~within], mask
    )


def _draw_crop(
    rng: Rng, options: CropOptions, index: CellIndex, size: tuple[int, int]
) -> Crop:
    drawn = None
    if rng.random() < options.balanced_share:
        drawn = index.draw(rng, options.balanced_classes)
    if drawn:
        source, cell = drawn
        reach = options.offset_px * min(size) / options.size_px
        centre = _centres(source.boxes)[cell] + rng.uniform(-reach, reach, 2)
    else:
        source = index.fields[rng.integers(len(index.fields))]
        height, width = source.image.shape[:2]
        centre = rng.uniform(0.15, 0.85, 2) * (width, height)
    return _cut(rng, options, source, centre, size)


def _mosaic(rng: Rng, options: CropOptions, index: CellIndex) -> Crop:
    """Four crops around a random point."""
    size = options.size_px
    steps = size // MASK_STEP_PX
    split_x, split_y = rng.integers(int(0.3 * steps), int(0.7 * steps), 2)
    step = MASK_STEP_PX
    image = np.empty((size, size, 3), np.uint8)
    mask = np.empty((steps, steps), bool)
    parts = []
    for top, bottom in ((0, split_y), (split_y, steps)):
        for left, right in ((0, split_x), (split_x, steps)):
            part_size = (int(right - left) * step, int(bottom - top) * step)
            part = _draw_crop(rng, options, index, part_size)
            image[top * step : bottom * step, left * step : right * step] = part.image
            mask[top:bottom, left:right] = part.labelled
            shift = np.array([top, left, top, left]) * step
            part.boxes, part.ignored = part.boxes + shift, part.ignored + shift
            parts.append(part)
    return Crop(
        image,
        np.concatenate([part.boxes for part in parts]),
        np.concatenate([part.classes for part in parts]),
        np.concatenate([part.ignored for part in parts]),
        mask,
    )


def _free_place(rng: Rng, crop: Crop, radius: float) -> np.ndarray | None:
    """A point (x, y) at which no box would be hidden; None after some tries."""
    taken = np.concatenate([crop.boxes, crop.ignored])
    centres = (taken[:, [1, 0]] + taken[:, [3, 2]]) / 2
    size = crop.image.shape[0]
    for _ in range(12):
        point = rng.uniform(radius, size - radius, 2)
        row, column = (point[::-1] / MASK_STEP_PX).astype(int)
        inside = (
            crop.labelled[row, column]
            and crop.image[int(point[1]), int(point[0])].min() < FILL
        )
        if not inside:
            continue
        if not len(centres) or np.abs(centres - point).max(1).min() > 1.8 * radius:
            return point
    return None


def _match_background(
    patch: np.ndarray, rim: np.ndarray, around: np.ndarray
) -> np.ndarray:
    """The patch with its rim's mean density moved to that of its new place."""
    density = -np.log((patch.astype(np.float32) + 1) / 256)
    new = -np.log((around.astype(np.float32) + 1) / 256)
    shift = new[rim].mean(0) - density[rim].mean(0)
    return (np.exp(-(density + 0.7 * shift)) * 256 - 1).clip(0, 255)


def _paste_cell(rng: Rng, options: CropOptions, index: CellIndex, crop: Crop) -> None:
    """Copies one rare cell onto a free place of the crop."""
    drawn = index.draw(rng, options.paste_classes)
    place = _free_place(rng, crop, options.paste_radius_px)
    if drawn is None or place is None:
        return
    source, cell = drawn
    reach = int(options.paste_radius_px)
    side = 2 * reach
    part = _cut(rng, options, source, _centres(source.boxes)[cell], (side, side))
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    distance = np.hypot(x, y) / reach
    column, row = place.astype(int) - reach
    target = crop.image[row : row + side, column : column + side]
    rim = (distance > 0.8) & (distance < 1)
    patch = _match_background(part.image, rim, target)
    alpha = (np.clip((1 - distance) / 0.2, 0, 1))[..., None]
    target[:] = (alpha * patch + (1 - alpha) * target).round().astype(np.uint8)
    middle = np.abs((part.boxes[:, :2] + part.boxes[:, 2:]) / 2 - reach).max(1)
    own = int(middle.argmin())
    box = part.boxes[own] + (row, column, row, column)
    crop.boxes = np.concatenate([crop.boxes, box[None]])
    crop.classes = np.append(crop.classes, part.classes[own])


def _pad(rng: Rng, crop: Crop) -> None:
    """Fills all but a rectangle in a corner, as tiles are past a field's edge.

    Squeeze-and-excitation sees the mean of a whole tile: a network that knows
    full crops only fails on tiles that are half empty.
    """
    steps = crop.labelled.shape[0]
    sides = rng.integers(int(PADDED_LEAST * steps), steps + 1, 2)
    first = rng.integers(2, size=2) * (steps - sides)
    low, high = first * MASK_STEP_PX, (first + sides) * MASK_STEP_PX
    image, labelled = np.full_like(crop.image, FILL), np.ones_like(crop.labelled)
    place = np.s_[low[0] : high[0], low[1] : high[1]]
    image[place] = crop.image[place]
    place = np.s_[first[0] : first[0] + sides[0], first[1] : first[1] + sides[1]]
    labelled[place] = crop.labelled[place]
    crop.image, crop.labelled = image, labelled
    middle = _centres(crop.boxes)
    kept = ((middle >= low) & (middle < high)).all(axis=1)
    others = np.concatenate([crop.ignored, crop.boxes[~kept]])
    touched = ((others[:, 2:] > low) & (others[:, :2] < high)).all(axis=1)
    crop.boxes, crop.classes = crop.boxes[kept], crop.classes[kept]
    crop.ignored = others[touched]


def make_crop(seed: int, number: int, options: CropOptions, index: CellIndex) -> Crop:
    """Crop `number` of the endless series of a seed."""
    rng = np.random.default_rng([seed, number])
    if rng.random() < options.mosaic_share:
        crop = _mosaic(rng, options, index)
    else:
        crop = _draw_crop(rng, options, index, (options.size_px,) * 2)
    if rng.random() < options.paste_share:
        for _ in range(rng.integers(1, options.paste_most + 1)):
            _paste_cell(rng, options, index, crop)
    crop.image = augment.degrade(rng, augment.recolour(rng, crop.image))
    if rng.random() < options.padded_share:
        _pad(rng, crop)
    return crop
