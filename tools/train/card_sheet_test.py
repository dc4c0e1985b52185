# SPDX-License-Identifier: Apache-2.0
"""Crops lie where the boxes are, and the sheet is a JPEG of a fair size."""

from __future__ import annotations

import pathlib
import tempfile
import unittest

import cv2
import numpy as np

from card_failures import Failure
from card_matching_test import boxes, field
from card_sheet import CROP_PX, LARGEST_BYTES, caption, contact_sheet, crop_around

NAMES = {1: "NILM", 5: "HSIL"}


def _failure(
    kind: str, corners: tuple, label: int | None, found: int | None
) -> Failure:
    return Failure(kind, 1, "field.png", corners, label, found, 0.456, 0.0)


class CardSheetTest(unittest.TestCase):
    def test_crop_is_centred_on_the_box(self) -> None:
        image = np.zeros((400, 400, 3), np.uint8)
        image[200, 240] = 255
        crop, (x, y) = crop_around(image, (235, 195, 245, 205))
        self.assertEqual(crop.shape, (CROP_PX, CROP_PX, 3))
        self.assertEqual((x, y), (240 - CROP_PX // 2, 200 - CROP_PX // 2))
        self.assertEqual(crop[200 - y, 240 - x].tolist(), [255] * 3)

    def test_crop_is_filled_outside_of_the_image(self) -> None:
        image = np.zeros((300, 300, 3), np.uint8)
        for corners, corner in (((-5, -5, 5, 5), 0), ((295, 295, 305, 305), -1)):
            crop, _ = crop_around(image, corners)
            self.assertEqual(crop[corner, corner].tolist(), [235] * 3)
            self.assertEqual(int((crop[:, :, 0] == 0).sum()), (CROP_PX // 2) ** 2)
        crop, _ = crop_around(image, (900, 900, 910, 910))
        self.assertTrue((crop == 235).all())

    def test_captions(self) -> None:
        both = _failure("missed", (0, 0, 1, 1), 5, 1)
        self.assertEqual(caption(both, NAMES), "label HSIL\nfound NILM 0.46")
        neither = _failure("missed", (0, 0, 1, 1), None, None)
        self.assertEqual(caption(neither, NAMES), "label none\nfound nothing")

    def test_sheet_is_a_jpeg_below_the_limit(self) -> None:
        noise = np.random.default_rng(1).integers(0, 255, (300, 300, 3), np.uint8)
        rows = {
            "Missed: high": [_failure("missed", (50, 50, 60, 60), 5, None)] * 6,
            "Wrong boxes: high": [_failure("wrong", (0, 0, 60, 60), 1, 5)] * 2,
        }
        with tempfile.TemporaryDirectory() as folder:
            images = pathlib.Path(folder)
            cv2.imwrite(str(images / "field.png"), noise)
            fields = {1: field(boxes((50, 5, 1.0)), boxes())}
            content = contact_sheet(rows, fields, images, NAMES, 6)
            with self.assertRaisesRegex(OSError, "field.png: not an image"):
                (images / "field.png").write_text("no")
                contact_sheet(rows, fields, images, NAMES, 6)
        self.assertLessEqual(len(content), LARGEST_BYTES)
        sheet = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
        self.assertEqual(sheet.shape, (940, 1100, 3))


if __name__ == "__main__":
    unittest.main()
