# SPDX-License-Identifier: Apache-2.0
"""The cache of resampled fields and the splits by run."""

from __future__ import annotations

import json
import pathlib
import tempfile
import unittest

import cv2
import numpy as np

from fields import (
    Field,
    folds_by_run,
    load_cache,
    load_splits,
    make_cache,
    resampled_size,
    run_of,
    split_runs,
)


def _field(run: int, classes: list[int]) -> Field:
    return Field(
        f"r{run}",
        "train",
        run,
        np.zeros((4, 4, 3), np.uint8),
        np.zeros((len(classes), 4), np.float32),
        np.array(classes),
        (4, 4),
    )


def _make_source(folder: pathlib.Path) -> None:
    (folder / "images").mkdir()
    image = np.full((94, 118, 3), (10, 20, 30), np.uint8)  # blue, green, red.
    cv2.imwrite(str(folder / "images/a.png"), image)
    (folder / "ATTRIBUTION.txt").write_text("who made it")
    entry = {"id": 4, "file_name": "a.png", "width": 118, "height": 94}
    entry |= {"um_per_px": 0.2472, "image_id_cric": 11}
    box = {"image_id": 4, "category_id": 5, "bbox": [10, 20, 40, 40]}
    full = {"images": [entry], "annotations": [box]}
    (folder / "train.json").write_text(json.dumps(full))
    (folder / "val.json").write_text(json.dumps({"images": [], "annotations": []}))


class FieldsTest(unittest.TestCase):
    def test_runs_of_five(self) -> None:
        self.assertEqual([run_of(i) for i in (1, 5, 6, 10, 11)], [0, 0, 1, 1, 2])

    def test_size_at_the_training_scale(self) -> None:
        self.assertEqual(resampled_size(1180, 941, 0.2472), (603, 481))

    def test_cache_holds_image_boxes_and_attribution(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            source, cache = pathlib.Path(name) / "s", pathlib.Path(name) / "c"
            source.mkdir()
            _make_source(source)
            make_cache(source, cache, "png")
            [field] = load_cache(cache, "train")
            self.assertEqual(load_cache(cache, "val"), [])
            both = load_splits(cache, ("val", "train"))
            self.assertEqual([(f.name, f.split) for f in both], [("a.png", "train")])
            self.assertEqual((cache / "ATTRIBUTION.txt").read_text(), "who made it")
        self.assertEqual(field.image.shape, (48, 60, 3))
        self.assertEqual(field.image[0, 0].tolist(), [30, 20, 10])  # RGB.
        self.assertEqual((field.run, field.classes.tolist()), (2, [4]))
        expected = np.array([10, 20, 50, 60]) * np.tile([60 / 118, 48 / 94], 2)
        np.testing.assert_allclose(field.boxes[0], expected, atol=1e-3)

    def test_hold_out_is_by_run(self) -> None:
        fields = [_field(1, [0]), _field(1, [1]), _field(2, [0])]
        learn, held_out = split_runs(fields, {1})
        self.assertEqual([f.run for f in learn], [2])
        self.assertEqual(len(held_out), 2)
        with self.assertRaisesRegex(ValueError, "runs \\[7\\]: not among the fields"):
            split_runs(fields, {7})

    def test_folds_part_the_runs_and_spread_rare_classes(self) -> None:
        fields = [_field(run, [0] * 10 + ([4] if run < 3 else [])) for run in range(9)]
        folds = folds_by_run(fields, 3)
        self.assertEqual(sorted(run for fold in folds for run in fold), list(range(9)))
        self.assertEqual([len(fold & {0, 1, 2}) for fold in folds], [1, 1, 1])


if __name__ == "__main__":
    unittest.main()
