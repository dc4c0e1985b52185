# SPDX-License-Identifier: Apache-2.0
"""Crops: boxes stay on their cells, labels on their boxes."""

from __future__ import annotations

import unittest
from dataclasses import replace

import numpy as np

from crops import (
    FILL,
    MASK_STEP_PX,
    PADDED_LEAST,
    CellIndex,
    CropOptions,
    _cut,
    _draw_crop,
    make_crop,
)
from fields import Field

PLAIN = CropOptions(mosaic_share=0, paste_share=0, padded_share=0)


def _field(cells: list[tuple[int, int, int]], run: int = 0) -> Field:
    """Dark discs on grey at (x, y) of a class; its shade tells the class."""
    image = np.full((480, 600, 3), 200, np.uint8)
    y, x = np.mgrid[:480, :600]
    boxes = []
    for column, row, kind in cells:
        image[np.hypot(x - column, y - row) < 6] = 20 + 10 * kind
        boxes.append([column - 21, row - 21, column + 21, row + 21])
    classes = np.array([c[2] for c in cells])
    return Field(
        "f", "train", run, image, np.array(boxes, np.float32), classes, (1200, 960)
    )


CELLS = [(100, 100, 0), (300, 240, 4), (420, 350, 1), (550, 60, 3)]


def _shade(crop, box) -> int:  # noqa: ANN001
    y, x = ((box[:2] + box[2:]) / 2).astype(int)
    return int(crop.image[y, x, 0])


class CropsTest(unittest.TestCase):
    def setUp(self) -> None:
        self.index = CellIndex([_field(CELLS)])

    def test_boxes_are_on_their_cells_however_turned(self) -> None:
        seen = 0
        for seed in range(60):
            rng = np.random.default_rng(seed)
            crop = _draw_crop(rng, PLAIN, self.index, (512, 512))
            for box, kind in zip(crop.boxes, crop.classes, strict=True):
                self.assertLess(abs(_shade(crop, box) - 20 - 10 * kind), 25, seed)
                seen += 1
        self.assertGreater(seen, 100)

    def test_mosaics_keep_boxes_on_their_cells(self) -> None:
        options = replace(PLAIN, mosaic_share=1)
        dark = total = 0
        for number in range(20):
            crop = make_crop(3, number, options, self.index)
            inside = [
                b for b in crop.boxes if (b[:2] > -15).all() and (b[2:] < 527).all()
            ]
            dark += sum(_shade(crop, box) < 140 for box in inside)
            total += len(inside)
        self.assertGreater(dark / total, 0.95)

    def test_a_crop_depends_on_seed_and_number_only(self) -> None:
        options = CropOptions()
        first = make_crop(1, 5, options, self.index)
        make_crop(1, 6, options, self.index)
        again = make_crop(1, 5, options, self.index)
        np.testing.assert_array_equal(first.image, again.image)
        np.testing.assert_array_equal(first.boxes, again.boxes)
        other = make_crop(2, 5, options, self.index)
        self.assertFalse(np.array_equal(first.image, other.image))

    def test_border_is_unlabelled_inside_and_near_outside(self) -> None:
        field = _field([(10, 240, 1)])
        options = CropOptions(scale=(1.0, 1.0), rotation_share=0)
        crop = _cut(
            np.random.default_rng(0),
            options,
            field,
            np.array([300.0, 240.0]),
            (640, 640),
        )
        # The field is 600 x 480 in the middle of 640 x 640, or turned by 90.
        near_edge = 20 // MASK_STEP_PX + 1
        turned = crop.labelled[80, near_edge]
        wide = crop.labelled.T if turned else crop.labelled
        row = wide[80]
        self.assertTrue(row[40:120].all())
        self.assertFalse(row[near_edge])
        self.assertFalse(row[0])  # 20 px outside.
        self.assertTrue(wide[0, 80])  # 80 px outside: plain background.

    def test_pasted_cells_are_labelled(self) -> None:
        options = replace(PLAIN, paste_share=1)
        with_paste = [make_crop(9, n, options, self.index) for n in range(20)]
        without = [
            make_crop(9, n, PLAIN, self.index) for n in range(20)
        ]
        gained = [
            len(a.boxes) - len(b.boxes)
            for a, b in zip(with_paste, without, strict=True)
        ]
        self.assertGreater(sum(gained), 5)
        self.assertGreaterEqual(min(gained), 0)
        self.assertLessEqual(max(gained), options.paste_most)

    def test_padding_leaves_a_corner_as_it_was(self) -> None:
        options = replace(PLAIN, padded_share=1)
        corners, lost = set(), 0
        for number in range(40):
            plain = make_crop(4, number, PLAIN, self.index)
            padded = make_crop(4, number, options, self.index)
            filled = (padded.image == FILL).all(-1)
            rows, columns = np.flatnonzero(~filled.all(1)), np.flatnonzero(~filled.all(0))
            low, high = (rows[0], columns[0]), (rows[-1] + 1, columns[-1] + 1)
            place = np.s_[low[0] : high[0], low[1] : high[1]]
            np.testing.assert_array_equal(padded.image[place], plain.image[place])
            sides = np.subtract(high, low)
            self.assertGreater(sides.min(), PADDED_LEAST * 512 - 2 * MASK_STEP_PX)
            self.assertTrue(((np.equal(low, 0)) | (np.equal(high, 512))).all())
            corners.add((low[0] == 0, low[1] == 0))
            middle = (plain.boxes[:, :2] + plain.boxes[:, 2:]) / 2
            inside = ((middle >= low) & (middle < high)).all(1)
            np.testing.assert_array_equal(padded.boxes, plain.boxes[inside])
            np.testing.assert_array_equal(padded.classes, plain.classes[inside])
            outside = padded.labelled.copy()
            step = MASK_STEP_PX
            outside[low[0] // step : high[0] // step, low[1] // step : high[1] // step] = True
            self.assertTrue(outside.all())
            lost += (~inside).sum()
            cut = (plain.boxes[:, 2:] > low).all(1) & (plain.boxes[:, :2] < high).all(1)
            self.assertGreaterEqual(len(padded.ignored), (cut & ~inside).sum())
        self.assertEqual(len(corners), 4)
        self.assertGreater(lost, 10)

    def test_drawing_prefers_no_class_that_is_absent(self) -> None:
        index = CellIndex([_field([(300, 240, 5)])])
        drawn = index.draw(np.random.default_rng(0), (1, 5))
        self.assertEqual(drawn[1], 0)
        self.assertIsNone(index.draw(np.random.default_rng(0), (1, 2)))


if __name__ == "__main__":
    unittest.main()
